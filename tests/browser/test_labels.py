"""Labels that can be trusted: two people at once, managing and auditing by hand, texts that would be more than text."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.readers import read_table
from labelling.workspace import Project, Workspace
from tests.browser.app import (
    nothing_was_caught,
    on_screen,
    project_id,
    settle,
    shot,
    type_label,
    view,
    wait_for_legend,
    wait_for_map,
    wait_for_selected,
    wheel,
)
from tests.browser.helpers import GROUP, round_group
from tests.browser.server import Server
from tests.browser.traffic import Traffic
from tests.naughty import NAMES, SCRIPTS, TEXTS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def open_label_page(page: Page, shared_server: Server, project: Project) -> np.ndarray:
    """The label page with its PCA; where its points are."""
    page.goto(f"{shared_server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    page.get_by_text("Quick map", exact=True).click()
    wait_for_map(page, "PCA")
    return on_screen(page, project.space(0).map("PCA"))


def test_two_people_at_once(shared_server: Server, new_page: Callable[..., Page], project: Project) -> None:
    ann, bob = new_page(), new_page(alone=True)
    traffic = Traffic(ann)
    points = open_label_page(ann, shared_server, project)
    open_label_page(bob, shared_server, project)
    round_group(ann, points, 0)
    wait_for_selected(ann, 80)
    zoomed = wheel(ann, points[GROUP == 1].mean(axis=0), -300)

    round_group(bob, points, 2)
    wait_for_selected(bob, 80)
    type_label(bob, "plants")
    wait_for_legend(bob, plants=80)
    wait_for_legend(ann, plants=80, unlabelled=160)
    expect(ann.get_by_text("80 of 240 labelled")).to_be_visible()
    wait_for_selected(ann, 80)
    assert view(ann) == zoomed, "the selection and the zoom stay"

    # Both label the same rows: who comes second is told, and both are in the log.
    round_group(bob, points, 0)
    expect(bob.get_by_text("80 unlabelled", exact=True)).to_be_visible()  # as many were selected before
    type_label(bob, "apples")
    wait_for_legend(bob, apples=80)
    with traffic.answered():
        type_label(ann, "pies")
    log = project.open_log()
    assert log.counts().tolist()[:2] == [80, 80]
    wait_for_legend(ann, apples=80, plants=80)


def test_labels_are_managed_and_audited_by_hand(
    shared_server: Server,
    new_page: Callable[..., Page],
    project: Project,
) -> None:
    page = new_page()
    points = open_label_page(page, shared_server, project)
    round_group(page, points, 0)
    wait_for_selected(page, 80)
    type_label(page, "apples")
    wait_for_legend(page, apples=80)
    round_group(page, points, 1)
    expect(page.get_by_text("80 unlabelled", exact=True)).to_be_visible()
    type_label(page, "trains")
    wait_for_legend(page, trains=80)

    page.get_by_role("link", name="Labels", exact=True).click()
    page.get_by_role("button", name="trains", exact=True).click()
    page.get_by_label("Name", exact=True).fill("late trains")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="late trains", exact=True)).to_be_visible()
    shot(page, "labels")

    page.get_by_role("link", name="Label", exact=True).click()
    wait_for_map(page, "PCA")
    page.goto(f"{shared_server.url}/history?project={project.id}&action=2")
    expect(page.get_by_text("2. label late trains, 80 texts")).to_be_visible()
    page.get_by_role("button", name="Check 9 texts").click()
    expect(page.get_by_text("A text without an answer counts as not read")).to_be_visible()
    page.mouse.move(5, 5)
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="The other 8 belong")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Next (1 wrong)")).to_be_enabled()
    page.keyboard.press("Enter")
    expect(page.get_by_text("88 % right (", exact=False)).to_be_visible()
    shot(page, "audit")
    log = project.open_log()
    assert log.counts().tolist() == [80, 79]
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Check 9 texts")).to_be_visible()

    # The action's texts are on the map again; the audit is taken back.
    page.wait_for_function("() => globalThis.__corral.maps.get('map-history')?.ready")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Nothing has been read yet")).to_be_visible()
    assert project.open_log().counts().tolist() == [80, 80]
    page.get_by_role("button", name="Select on the map").click()
    page.wait_for_function("() => globalThis.__corral?.maps.get('map')?.root.isConnected")
    wait_for_selected(page, 80)


def test_texts_and_names_are_never_more_than_text(
    shared_server: Server, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    texts = [*TEXTS, *(f"an ordinary message, number {row}" for row in range(20))]
    kinds = [NAMES[row % len(NAMES)] for row in range(len(texts))]
    path = tmp_path / "naughty.jsonl"
    lines = [json.dumps({"text": text, "kind": kind}) for text, kind in zip(texts, kinds, strict=True)]
    path.write_text("\n".join(lines), encoding="utf-8")
    page.goto(shared_server.url)
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_role("button", name="Make the map")).to_be_visible()
    column = page.get_by_role("combobox", name="Column with labels")
    column.scroll_into_view_if_needed()  # a list closes when the page scrolls below it
    settle(page)
    column.click()
    page.get_by_role("option", name="kind").click()
    page.get_by_role("button", name="Make the map").click()
    page.wait_for_url("**/label?project=*")
    wait_for_map(page, "UMAP")  # labels that came along are nobody's work on the PCA
    project = Workspace(shared_server.workspace).open(project_id(page))
    assert project.dataset.texts == texts
    assert project.open_log().names().tolist() == kinds

    points = on_screen(page, project.space(0).map("UMAP"))
    tooltip = page.locator(".corral-tooltip.corral-shown")
    for row in range(len(SCRIPTS)):
        page.mouse.move(*points[row] + 25)
        page.mouse.move(*points[row])
        expect(tooltip).to_be_visible()
    stage = page.locator(".corral-stage").bounding_box()
    assert stage
    page.get_by_label("Box Select").click()
    page.mouse.move(stage["x"] + 3, stage["y"] + 3)
    page.mouse.down()
    page.mouse.move(stage["x"] + 300, stage["y"] + 300)
    page.mouse.move(stage["x"] + stage["width"] - 3, stage["y"] + stage["height"] - 3)
    page.mouse.up()
    wait_for_selected(page, len(texts))
    page.get_by_text("Overwrite", exact=True).click()
    name = '<script>window.caught=1</script> =1+1 "ʼ" **no** 👩‍👧'
    type_label(page, name)
    wait_for_legend(page, **{name: len(texts)})
    for link in ("Labels", "Check", "Export"):
        page.get_by_role("link", name=link, exact=True).click()
        expect(page.get_by_text("naughty.jsonl")).to_be_visible()
        settle(page)
        nothing_was_caught(page)
    for kind, ending in (("CSV for programs", "csv"), ("CSV for Excel", "csv"), ("JSONL", "jsonl")):
        page.get_by_text(kind, exact=True).click()
        page.wait_for_timeout(500)  # until then the button is still that of the format before
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        with page.expect_download() as download:
            page.get_by_role("button", name=re.compile(r"^Download \d")).click()
        frame = read_table(Path(download.value.path()).read_bytes(), f"a.{ending}").frame
        assert frame["text"].tolist() == texts
        assert frame["kind"].tolist() == kinds
        assert set(frame["label"]) == {name}
