"""From a file of Prodigy's to a Hugging Face folder with a tuned model, and the whole job packed and unpacked again."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from labelling.readers import read_labels, read_table
from labelling.workspace import Workspace
from tests.browser.app import project_id, settle, wait_for_map
from tests.browser.helpers import WORDS
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

LABELS = ("food", "travel", "plants")


def answers() -> str:
    """Ninety texts, of which Prodigy's db-out has a choice for sixty."""
    lines = []
    for n in range(90):
        task = {"text": f"{WORDS[n % 3]}, number {n}", "options": [{"id": name} for name in LABELS]}
        answered = {"accept": [LABELS[n % 3]], "answer": "accept"} if n < 60 else {}
        lines.append(json.dumps(task | answered))
    return "\n".join(lines)


def saved(page: Page, name: str | re.Pattern[str]) -> bytes:
    button = page.get_by_role("button", name=name)
    expect(button).to_be_enabled()
    settle(page)
    with page.expect_download() as download:
        button.click()
    return Path(download.value.path()).read_bytes()


def choose(page: Page, name: str, content: str | bytes) -> None:
    content = content.encode() if isinstance(content, str) else content
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files([file])


def test_by_the_page_alone(shared_server: Server, new_page: Callable[..., Page]) -> None:
    server, page = shared_server, new_page(alone=True)  # in a profile Chromium has cancelled the download of the model
    page.goto(server.url)
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()
    choose(page, "cards.jsonl", answers())
    expect(page.get_by_text("60 of 90 rows have one of 3 labels")).to_be_visible()
    page.get_by_role("button", name="Make the map").click()
    page.wait_for_url("**/label?project=*")
    wait_for_map(page, "UMAP")
    first = project_id(page)
    page.get_by_role("link", name="Improve").click()
    page.get_by_role("button", name="Run the tuner").click()
    page.get_by_role("button", name="Keep it", exact=True).click()
    wait_for_map(page, "UMAP", 1)
    page.get_by_role("link", name="Export").click()
    page.get_by_text("For another tool", exact=True).click()
    page.get_by_text("Split into train, validation and test").click()
    expect(page.get_by_text("Unlabelled rows are in none of them")).to_be_visible()
    table = read_table(saved(page, "Download 90 rows"), "cards.zip")
    labels = dict(zip(table.frame["text"], read_labels(table.frame, "label"), strict=True))
    assert labels == {f"{WORDS[n % 3]}, number {n}": LABELS[n % 3] if n < 60 else None for n in range(90)}
    assert set(table.frame["split"]) == {"train", "validation", "test", "unlabelled"}

    page.get_by_role("button", name="Make the model").click()
    with zipfile.ZipFile(io.BytesIO(saved(page, re.compile("^Download the model")))) as archive:
        assert sorted(json.loads(archive.read("cards-model/labels.json"))) == sorted(LABELS)
    page.get_by_role("button", name="Make the pack").click()
    pack = saved(page, re.compile("^Download the pack"))
    settle(page)

    page.get_by_role("link", name="Texts").click()
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()
    choose(page, "job.zip", pack)
    page.get_by_role("button", name="Unpack it").click()
    page.wait_for_url(lambda url: "/label?project=" in url and first not in url)
    wait_for_map(page, "UMAP", 1)
    again = Workspace(server.workspace).open(project_id(page)).open_log()
    assert again.names().tolist() == [LABELS[n % 3] if n < 60 else None for n in range(90)]
