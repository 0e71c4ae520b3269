"""The map under the mouse: hover, add, subtract, box, zoom; and texts that would like to be more than text."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.app import (
    densest,
    inside_and_near,
    lasso,
    legend,
    on_screen,
    project_id,
    selected,
    type_label,
    wait_for_legend,
    wait_for_map,
)
from tests.browser.conftest import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
NAUGHTY = '<img src=x onerror="window.caught = 1"> <script>window.caught = 1</script> **bold** `code` $x$ :red[no]'


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """The 150 shortest demo texts, an empty one, and one of markup, in semicolon-separated cp1252."""
    with (ROOT / "data" / "demo.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted((row["text"] for row in csv.DictReader(file)), key=len)[:150]
    path = tmp_path / "mine.csv"
    with path.open("w", encoding="cp1252", errors="replace", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["number", "message"])
        writer.writerows(enumerate([NAUGHTY, "", *rows]))
    return path


def load(page: Page, server: Server, path: Path) -> None:
    page.goto(server.url)
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Make the map").click()
    page.wait_for_url("**/label?project=*")


def test_the_map_under_the_mouse(server: Server, new_page: Callable[..., Page], texts: Path, tmp_path: Path) -> None:
    page = new_page()
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    page.goto(server.url)
    page.locator("input[type=file]").set_input_files(texts)
    expect(page.get_by_text("cp1252, semicolon")).to_be_visible()
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_text("PNG")).to_be_visible()
    expect(page.get_by_text("Still loaded: mine.csv")).to_be_visible()  # what was loaded is still there
    page.get_by_role("button", name="Make the map").click()
    page.wait_for_url("**/label?project=*")
    wait_for_map(page, "UMAP")
    folder = server.workspace / "projects" / project_id(page) / "spaces" / "0"
    xy = np.load(folder / "UMAP.npy")
    assert np.isnan(xy[1]).all()  # the empty text has no place
    points = on_screen(page, xy)

    # Hover: the text, as text.
    page.mouse.move(*points[0] + 30)
    page.mouse.move(*points[0])
    tooltip = page.locator(".corral-tooltip.corral-shown")
    expect(tooltip).to_be_visible()
    shown = tooltip.inner_text()
    nearby = np.flatnonzero(np.hypot(*(points - points[0]).T) < 12)
    if len(nearby) == 1:
        assert shown == f"unlabelled\n{NAUGHTY}"

    # A lasso, another one added with shift, a part taken away with alt.
    first = densest(points[2:], 60)
    lasso(page, first, 60)
    held = set(inside_and_near(points, first, 60)[0])
    n = selected(page)
    assert n >= len(held) > 0
    second = points[np.nanargmax(np.hypot(*(points - first).T))]
    lasso(page, second, 50, modifier="Shift")
    page.wait_for_function("n => !document.body.innerText.includes(`${n} selected`)", arg=n)
    both = selected(page)
    assert both > n
    lasso(page, second, 50, modifier="Alt")
    page.wait_for_function("n => !document.body.innerText.includes(`${n} selected`)", arg=both)
    assert selected(page) == n

    # Zoom and selection stay through a labelling; a name with markup is a name.
    whole = page.evaluate("() => JSON.stringify(globalThis.__corral.maps.get('map').range)")
    page.mouse.move(*first)
    page.mouse.wheel(0, -300)
    page.wait_for_function("was => JSON.stringify(globalThis.__corral.maps.get('map').range) !== was", arg=whole)
    page.wait_for_timeout(500)
    zoomed = page.evaluate("() => JSON.stringify(globalThis.__corral.maps.get('map').range)")
    type_label(page, "<b>7 & 8</b>")
    wait_for_legend(page, **{"<b>7 & 8</b>": n})
    assert selected(page) == n
    assert page.evaluate("() => JSON.stringify(globalThis.__corral.maps.get('map').range)") == zoomed

    # A box round everything, from the toolbar; only what has no label yet is taken, then all of it.
    page.mouse.dblclick(*first)  # shows all again
    page.wait_for_function("was => JSON.stringify(globalThis.__corral.maps.get('map').range) === was", arg=whole)
    page.get_by_label("Show all (H)").click()
    page.get_by_label("Box Select").click()
    stage = page.locator(".corral-stage").bounding_box()
    assert stage
    page.mouse.move(stage["x"] + 3, stage["y"] + 3)
    page.mouse.down()
    page.mouse.move(stage["x"] + 300, stage["y"] + 300)
    page.mouse.move(stage["x"] + stage["width"] - 3, stage["y"] + stage["height"] - 3)
    page.mouse.up()
    n_points = int(np.isfinite(xy[:, 0]).sum())
    page.wait_for_function("n => document.body.innerText.includes(`${n} selected`)", arg=n_points)
    type_label(page, "rest")
    wait_for_legend(page, **{"<b>7 & 8</b>": n, "rest": n_points - n, "unlabelled": 1})
    page.get_by_text("Overwrite", exact=True).click()
    page.locator("[class*='st-key-label-']").get_by_role("button", name="rest").click()
    wait_for_legend(page, **{"<b>7 & 8</b>": 0, "rest": n_points, "unlabelled": 1})
    page.keyboard.press("0")
    wait_for_legend(page, rest=0, unlabelled=n_points + 1)
    assert legend(page) == {"unlabelled": n_points + 1}
    assert page.evaluate("() => window.caught") is None


def test_embedding_is_stopped_and_taken_up_again(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page()
    load(page, server, ROOT / "data" / "demo.csv")
    page.locator(".corral-map[data-ready]").wait_for()  # what is there so far can be looked at
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("What is done is kept")).to_be_visible()
    n_so_far = page.evaluate("() => globalThis.__corral.maps.get('map').positions.filter(Number.isFinite).length / 2")
    assert 0 < n_so_far < 963
    page.get_by_role("button", name="Go on").click()
    wait_for_map(page, "UMAP")
