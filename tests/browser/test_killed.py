"""The app killed by SIGKILL at the two worst moments: while it embeds, and right after a labelling."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.encoders.cache import EmbeddingCache
from labelling.encoders.sentence import SentenceEncoder
from labelling.readers import read_table
from tests.browser.app import (
    densest,
    lasso,
    legend,
    on_screen,
    project_id,
    selected,
    type_label,
    until,
    wait_for_legend,
    wait_for_map,
)
from tests.browser.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_killed_while_embedding_and_after_a_labelling(
    server: Server, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    texts = read_table((ROOT / "data" / "demo.csv").read_bytes(), "demo.csv").frame["text"].tolist()[:600]
    encoder = SentenceEncoder()
    cache, made_by = EmbeddingCache(server.workspace / "embeddings"), encoder.fingerprint
    page = new_page()
    page.goto(server.url)
    # The demo itself would bring its embeddings along.
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(path)
    page.get_by_role("button", name="Make the map").click()
    page.wait_for_url("**/label?project=*")
    project = project_id(page)
    until(page, lambda: cache.lookup(made_by, texts, encoder.n_dims)[1].any(), "a first batch on disk")
    server.kill()
    vectors, there = cache.lookup(made_by, texts, encoder.n_dims)
    assert 0 < there.sum() < len(texts)

    server.start()
    page = new_page()
    page.goto(f"{server.url}/label?project={project}")
    wait_for_map(page, "UMAP")
    # the menu, though the new server has seen no other page yet
    expect(page.get_by_test_id("stTopNavLink").filter(has_text="Export")).to_be_visible()
    folder = server.workspace / "projects" / project / "spaces" / "0"
    embeddings = np.load(folder / "embeddings.npy")
    assert np.isfinite(embeddings).all()
    np.testing.assert_array_equal(embeddings[there], vectors[there])  # taken up, not done again

    points = on_screen(page, np.load(folder / "UMAP.npy"))
    lasso(page, densest(points, 80), 80)
    n = selected(page)
    assert n > 0
    type_label(page, "kept")
    wait_for_legend(page, kept=n)  # the page says so ...
    server.kill()  # ... and so it is on disk
    server.start()
    page = new_page()
    page.goto(f"{server.url}/label?project={project}")
    wait_for_legend(page, kept=n)
    assert legend(page) == {"kept": n, "unlabelled": len(texts) - n}
