"""The map under the mouse: hover, add, subtract, box, zoom; and texts that would like to be more than text."""

import csv
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from labelling.workspace import Project
from tests.browser.app import (
    densest,
    inside_and_near,
    lasso,
    legend,
    nothing_was_caught,
    on_screen,
    project_id,
    selected,
    type_label,
    view,
    wait_for_legend,
    wait_for_map,
    wait_for_selected,
    wait_for_view,
    wheel,
)
from tests.browser.helpers import NAUGHTY, N, round_group
from tests.browser.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


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


def test_the_map_under_the_mouse(
    shared_server: Server, new_page: Callable[..., Page], texts: Path, tmp_path: Path
) -> None:
    server, page = shared_server, new_page()
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
    whole = view(page)

    # Hover: the text, as text; from so near that no other is meant.
    while np.sort(np.hypot(*(points - points[0]).T))[1] < 12:
        wheel(page, points[0], -300)
        points = on_screen(page, xy)
    page.mouse.move(*points[0] + 30)
    page.mouse.move(*points[0])
    expect(page.locator(".corral-tooltip.corral-shown")).to_have_text(f"unlabelled{NAUGHTY}")
    page.get_by_label("Show all (H)").click()
    wait_for_view(page, whole)
    points = on_screen(page, xy)

    # A lasso, another one added with shift, a part taken away with alt.
    first = densest(points[2:], 60)
    lasso(page, first, 60)
    held = set(inside_and_near(points, first, 60)[0])
    n = selected(page)
    assert n >= len(held) > 0
    second = points[np.nanargmax(np.hypot(*(points - first).T))]
    radius = min(50, (np.linalg.norm(second - first) - 60) / 2)  # apart from the first
    lasso(page, second, radius, modifier="Shift")
    page.wait_for_function("n => !document.body.innerText.includes(`${n} selected`)", arg=n)
    both = selected(page)
    assert both > n
    lasso(page, second, radius, modifier="Alt")
    page.wait_for_function("n => !document.body.innerText.includes(`${n} selected`)", arg=both)
    assert selected(page) == n

    # Zoom and selection stay through a labelling; a name with markup is a name.
    zoomed = wheel(page, first, -300)
    assert zoomed != whole
    type_label(page, "<b>7 & 8</b>")
    wait_for_legend(page, **{"<b>7 & 8</b>": n})
    assert selected(page) == n
    assert view(page) == zoomed

    # A box round everything, from the toolbar; only what has no label yet is taken, then all of it.
    page.mouse.dblclick(*first)  # shows all again
    wait_for_view(page, whole)
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
    wait_for_legend(page, **{"<b>7 & 8</b>": n, "rest": n_points - n, "unlabelled": 0})
    page.get_by_text("Overwrite", exact=True).click()
    page.locator("[class*='st-key-label-']").get_by_role("button", name="rest").click()
    wait_for_legend(page, **{"<b>7 & 8</b>": 0, "rest": n_points, "unlabelled": 0})
    page.keyboard.press("0")
    wait_for_legend(page, rest=0, unlabelled=n_points)
    assert {name: count for name, count in legend(page).items() if count} == {"unlabelled": n_points}
    nothing_was_caught(page)


def test_embedding_is_stopped_and_taken_up_again(
    shared_server: Server, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    # Texts that no other test has embedded; so many that it is not done before somebody could stop it.
    texts = "Hello! " + pd.read_csv(ROOT / "data" / "demo.csv")["text"]
    texts.to_csv(tmp_path / "many.csv", index=False)
    page = new_page()
    page.goto(shared_server.url)
    page.locator("input[type=file]").set_input_files(tmp_path / "many.csv")
    page.get_by_role("button", name="Make the map").click()
    page.wait_for_url("**/label?project=*")
    page.locator(".corral-map[data-ready]").wait_for()  # what is there so far can be looked at
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("What is done is kept")).to_be_visible()
    n_so_far = page.evaluate("() => globalThis.__corral.maps.get('map').positions.filter(Number.isFinite).length / 2")
    assert 0 < n_so_far < len(texts)
    page.get_by_role("button", name="Go on").click()
    wait_for_map(page, "UMAP")


def test_a_lasso_is_marked_before_the_server_answers(
    shared_server: Server, new_page: Callable[..., Page], project: Project
) -> None:
    page = new_page()
    page.goto(f"{shared_server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    points = on_screen(page, project.space(0).map("UMAP"))
    count = page.locator(".corral-count")
    marked = "() => Number(document.querySelector('.corral-map').dataset.selected)"
    shared_server.process.send_signal(signal.SIGSTOP)
    try:
        round_group(page, points, 1)
        page.wait_for_function(f"n => ({marked})() === n", arg=N // 3)
        expect(count).to_have_text(f"{N // 3} selected")
        round_group(page, points, 2, "Shift")
        expect(count).to_have_text(f"{2 * N // 3} selected")
    finally:
        shared_server.process.send_signal(signal.SIGCONT)
    wait_for_selected(page, 2 * N // 3)
    expect(count).to_be_hidden()
    expect(count).to_have_text("")  # said once on the page: in the panel

    # What the server refuses is not selected: here a lasso that was drawn on another map, as it says.
    page.evaluate("globalThis.__corral.maps.get('map').drawnOn += '-gone'")
    round_group(page, points, 0)
    expect(page.get_by_text("The map has changed since this was drawn")).to_be_visible()
    expect(count).to_be_hidden()
    wait_for_selected(page, 2 * N // 3)
