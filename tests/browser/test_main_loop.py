"""The whole loop in a real browser: demo, lasso, label, tune, keep, undo, reload, export."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from labelling.readers import read_table
from labelling.workspace import Workspace
from tests.browser.app import (
    densest,
    inside_and_near,
    lasso,
    legend,
    on_screen,
    open_demo,
    selected,
    shot,
    type_label,
    until,
    wait_for_legend,
    wait_for_map,
)
from tests.browser.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
RADIUS = 45  # px, of a person's lasso


def spot(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Where among these points (n, 2) a person would draw a round lasso, and how wide: never round most of them."""
    centre = densest(points, RADIUS)
    distances = np.sort(np.linalg.norm(points - centre, axis=1))
    return centre, min(RADIUS, max(20, distances[len(points) // 3]))


def test_from_the_demo_to_the_exported_file(
    shared_server: Server, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    topics = pd.read_csv(ROOT / "data" / "demo.csv")["topic"]
    server, page = shared_server, new_page()
    project = open_demo(page, server.url)
    wait_for_map(page, "UMAP")  # of itself, when it is ready
    spaces = server.workspace / "projects" / project / "spaces"

    # A search by meaning colours the map, and ends.
    page.get_by_role("combobox", name="Search by").click()
    page.get_by_role("option", name="Meaning").click()
    page.get_by_label("Search", exact=True).fill("my seedlings are dying")
    page.keyboard.press("Enter")
    wait_for_legend(page, **{"nearest 25": 25, "26 to 100": 75})
    texts = pd.read_csv(ROOT / "data" / "demo.csv")["text"]
    first = page.locator("[data-corral-row]").first
    assert topics[int(first.get_attribute("data-corral-row"))] == "plants"
    assert texts[int(first.get_attribute("data-corral-row"))].strip()[:20] in first.inner_text()
    shot(page, "search")
    page.get_by_role("button", name="End", exact=True).click()
    wait_for_legend(page, unlabelled=len(topics))

    # Three lassos for each of four topics, each where most of its texts without a label lie.
    log = Workspace(server.workspace).open(project).open_log()
    sure: dict[str, set[int]] = {}
    unsure: set[int] = set()
    for number in range(12):
        topic = ("plants", "connection", "billing", "delivery")[number % 4]
        points = on_screen(page, np.load(spaces / "0" / "UMAP.npy"))
        free = log.codes < 0
        centre, radius = spot(points[(topics == topic) & free])
        lasso(page, centre, radius)
        inside, near = inside_and_near(points, centre, radius)
        n = selected(page)
        assert len(inside) <= n <= len(inside) + len(near)
        if number == 2:
            shot(page, "lasso")
        type_label(page, topic)
        until(page, lambda: log.refresh() and bool((free & (log.codes >= 0)).any()), "the label in the log")  # noqa: B023
        sure.setdefault(topic, set()).update(inside[free[inside]].tolist())
        unsure |= set(near.tolist())
        wait_for_legend(page, unlabelled=int(np.count_nonzero(log.codes < 0)))
        page.keyboard.press("Escape")
        expect(page.get_by_text("Nothing selected")).to_be_visible()
    counts = legend(page)
    assert counts["unlabelled"] == len(topics) - sum(n for name, n in counts.items() if name != "unlabelled")

    # A key labels the selection; only what had no label yet is taken. Undo takes exactly that back.
    points = on_screen(page, np.load(spaces / "0" / "UMAP.npy"))
    free = log.codes < 0
    gaps = np.linalg.norm(points[free][:, None] - points[~free], axis=2).min(axis=1)
    centre, radius = points[free][gaps.argmin()], max(30, gaps.min() + 10)
    lasso(page, centre, radius)
    selected(page)
    inside, near = inside_and_near(points, centre, radius)
    assert 0 < np.count_nonzero(free[inside]) < len(inside), "some with a label and some without"
    page.keyboard.press("1")
    until(page, lambda: log.refresh() and bool((free & (log.codes >= 0)).any()), "the label in the log")
    given = np.flatnonzero(free & (log.codes >= 0))
    assert set(inside[free[inside]]) <= set(given) <= {*inside, *near}
    wait_for_legend(page, plants=counts["plants"] + len(given), unlabelled=counts["unlabelled"] - len(given))
    page.keyboard.press("Control+z")
    wait_for_legend(page, **counts)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing selected")).to_be_visible()

    # Tune; the new map stands beside the old one and differs; keep it.
    page.get_by_role("link", name="Improve").click()
    page.get_by_role("button", name="Run the tuner").click()
    expect(page.get_by_role("button", name="Keep it")).to_be_visible()
    expect(page.locator(".corral-map[data-ready]")).to_have_count(2)
    # what it is worth on lassos that were held out
    expect(page.get_by_test_id("stMetric").filter(has_text="Held-out texts found")).to_be_visible()
    expect(page.get_by_test_id("stMetric").filter(has_text="Neighbours kept")).to_be_visible()
    expect(page.get_by_text("was held out while a tuner like this one was fitted on the others")).to_be_visible()
    shot(page, "tune", height=1240)
    old, new = (np.load(spaces / str(space) / "PCA.npy") for space in (0, 1))
    assert not np.allclose(old, new)
    page.get_by_role("button", name="Keep it").click()
    page.wait_for_url("**/label?project=*")
    page.get_by_text("Quick map", exact=True).click()
    wait_for_map(page, "PCA", space=1)
    wait_for_legend(page, **counts)
    shot(page, "tuned")

    # A reload, and another tab: everything is there.
    page.reload()
    wait_for_legend(page, **counts)
    other = new_page("dark")
    other.goto(f"{server.url}/label?project={project}")
    wait_for_legend(other, **counts)
    expect(other.get_by_text(f"{len(topics) - counts['unlabelled']} of {len(topics)} labelled")).to_be_visible()
    shot(other, "dark")

    # The original can be gone back to, and the tuned space again.
    page.get_by_role("link", name="Improve").click()
    rows = page.locator("[class*='st-key-space-']")
    expect(rows).to_have_count(2)
    rows.nth(0).get_by_role("button", name="Show").click()
    expect(rows.nth(0)).to_contain_text("on the map")
    rows.nth(1).get_by_role("button", name="Show").click()
    expect(rows.nth(1)).to_contain_text("on the map")

    # The file, row by row.
    page.get_by_role("link", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(r"^Download [\d,]+ rows")).click()
    path = tmp_path / "export.csv"
    download.value.save_as(path)
    exported = pd.read_csv(path, keep_default_na=False)
    uploaded = pd.read_csv(ROOT / "data" / "demo.csv", keep_default_na=False).drop(columns="topic")
    assert list(exported.columns) == [*uploaded.columns, "label", "labelled_at", "source"]
    read_back = read_table(path.read_bytes(), "export.csv").frame[list(uploaded.columns)]
    pd.testing.assert_frame_equal(read_back, uploaded, check_dtype=False)
    labelled = exported["label"] != ""
    assert exported["label"].value_counts().to_dict() == {
        "" if name == "unlabelled" else name: n for name, n in counts.items()
    }
    for row in range(len(exported)):
        if row not in unsure:
            expected = next((topic for topic, rows in sure.items() if row in rows), "")
            assert exported["label"][row] == expected, row
    assert (exported["source"] == np.where(labelled, "lasso", "")).all()
    assert pd.to_datetime(exported["labelled_at"][labelled]).notna().all()
