"""The map as an instrument: filters, searches, steps of a selection, keys; what is hidden is never selected."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sklearn.neighbors import NearestNeighbors

from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace
from tests.browser.app import (
    VIEW,
    chip,
    lasso,
    on_screen,
    selected,
    settle,
    shot,
    type_label,
    view,
    wait_for_legend,
    wait_for_map,
    wait_for_selected,
    wheel,
)
from tests.browser.helpers import GROUP, N, places, round_group, search
from tests.browser.server import Server
from tests.browser.traffic import Traffic


@pytest.fixture
def server(shared_server: Server) -> Server:
    return shared_server


pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_cluster_is_labelled_by_keyboard_alone(page: Page, project: Project) -> None:
    page.mouse.move(5, 5)
    search(page, "train late")
    expect(page.get_by_text("80 with the words")).to_be_visible()
    wait_for_legend(page, found=80, others=160)
    page.keyboard.press("m")
    wait_for_selected(page, 80)
    page.keyboard.press("f")  # zooms to them
    page.wait_for_function("() => { const {x} = globalThis.__corral.maps.get('map').range; return x[1] - x[0] < 4; }")
    page.keyboard.press("h")
    page.wait_for_function("() => { const {x} = globalThis.__corral.maps.get('map').range; return x[1] - x[0] > 8; }")
    page.get_by_text("Drawn at random, page 1 of 4").wait_for()
    page.evaluate("document.querySelector('.st-key-corral-texts').parentElement.scrollTop = 1e6")
    page.keyboard.press("j")  # leafs through the sample
    expect(page.get_by_text("Drawn at random, page 2 of 4")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("trains")
    page.keyboard.press("Enter")
    expect(page.get_by_text("80 of 240 labelled")).to_be_visible()
    page.keyboard.press("Escape")
    wait_for_selected(page, 0)
    page.keyboard.press("u")  # the others
    wait_for_selected(page, 160)
    page.keyboard.press("Escape")
    search(page, "x")  # the box held the last search: it is typed over
    expect(page.get_by_text("0 with the words x")).to_be_visible()
    names = project.open_log().names()
    assert [names[row] for row in range(N)] == ["trains" if group == 1 else None for group in GROUP]
    # A key of its own, from now on.
    page.keyboard.press("i")
    page.keyboard.press("Control+z")
    expect(page.get_by_text(re.compile("^0 of 240 labelled"))).to_be_visible()
    assert project.open_log().n_labelled == 0


def test_steps_of_a_selection(page: Page, project: Project) -> None:
    points = places(page, project)
    round_group(page, points, 0)
    wait_for_selected(page, 80)
    round_group(page, points, 1, "Shift")
    wait_for_selected(page, 160)
    expect(page.locator(".corral-outline path")).to_have_attribute("d", re.compile(r"^M[^M]+ZM[^M]+Z$"))
    round_group(page, points, 0, "Alt")
    wait_for_selected(page, 80)
    round_group(page, points, 2, "Shift")
    wait_for_selected(page, 160)
    page.keyboard.down("Shift")
    round_group(page, points, 1, "Alt")  # both: what is in both
    page.keyboard.up("Shift")
    expect(page.locator(".corral-outline path")).to_have_attribute("d", re.compile(r"^(M[^M]+Z){5}$"))
    wait_for_selected(page, 80)
    expect(page.get_by_role("button", name="Invert")).to_be_enabled()
    page.keyboard.press("i")
    wait_for_selected(page, 160)
    for n in (80, 160, 80, 160, 80, 0):
        page.keyboard.press("b")
        wait_for_selected(page, n)
    round_group(page, points, 2)
    wait_for_selected(page, 80)
    expect(page.get_by_role("button", name="Shrink")).to_be_enabled()
    page.keyboard.press("s")
    wait_for_selected(page, 64)
    page.keyboard.press("g")
    wait_for_selected(page, 79)
    type_label(page, "plants")
    wait_for_legend(page, plants=79, unlabelled=161)
    log = project.open_log()
    assert log.actions[-1].source == "lasso"
    assert [step["by"] for step in log.how(log.seq)["then"]] == ["core", "grow"]


def test_what_is_filtered_out_or_hidden_is_not_in_a_lasso(page: Page, traffic: Traffic, project: Project) -> None:
    points = places(page, project)
    mail = np.arange(N) % 4 == 0
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Column").click()
    page.get_by_role("option", name="channel").click()
    page.get_by_label("Values").click()
    page.get_by_role("option", name="mail").click()
    expect(page.get_by_text("60 of 240 are shown")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    round_group(page, points, 0)
    wait_for_selected(page, int((mail & (GROUP == 0)).sum()))
    type_label(page, "by mail")
    wait_for_legend(page, **{"by mail": 20})
    assert np.flatnonzero(project.open_log().codes >= 0).tolist() == np.flatnonzero(mail & (GROUP == 0)).tolist()

    # Hidden by the legend: no longer selected, and in no lasso.
    chip(page, "by mail").click(modifiers=["Alt"])
    wait_for_selected(page, 0)
    with traffic.answered():
        round_group(page, points, 0)
    wait_for_selected(page, 0)
    chip(page, "by mail").click(modifiers=["Alt"])
    expect(page.get_by_role("button", name="hidden: 1 group")).to_be_hidden()
    chip(page, "by mail").click(modifiers=["ControlOrMeta"])  # all of them
    wait_for_selected(page, 20)
    chip(page, "unlabelled").click(modifiers=["Shift"])
    wait_for_selected(page, 60)
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("button", name="Show all", exact=True).click()
    expect(page.get_by_text("are shown.")).to_have_count(0)


def test_reading_a_text_on_the_map_and_in_the_table(page: Page, project: Project) -> None:
    points = places(page, project)
    round_group(page, points, 1)
    wait_for_selected(page, 80)
    sample = page.locator("[data-corral-row]").first
    row = int(sample.get_attribute("data-corral-row"))
    sample.hover()
    style = page.locator(".corral-lit-mark")
    expect(style).to_be_visible()
    points = places(page, project)
    box = style.bounding_box()
    np.testing.assert_allclose([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2], points[row], atol=1.5)
    page.mouse.move(*(points[row] + [0, 200]))
    page.mouse.move(*points[row])
    expect(page.locator(".corral-tooltip.corral-shown")).to_contain_text("the train was late, number")
    expect(page.locator(".corral-lit")).to_have_count(1)

    page.mouse.click(*points[row])
    pinned = page.locator(".st-key-corral-pinned")
    expect(pinned).to_contain_text("the train was late, number")
    expect(pinned).to_contain_text("channel")
    wait_for_selected(page, 80)  # a click is no lasso
    page.keyboard.press("t")
    expect(page.get_by_text("Nearest to")).to_be_visible()
    wait_for_legend(page, **{"nearest 25": 25})
    expect(page.get_by_text("Nothing selected")).to_be_visible()  # the list shows what was found
    expect(pinned).to_contain_text("the train was late, number")
    page.keyboard.press("Escape")
    expect(pinned).to_have_count(0)
    page.keyboard.press("b")
    wait_for_selected(page, 80)
    expect(page.locator(".corral-keywords")).to_contain_text("train")


def test_the_wheel_the_middle_button_and_the_arrows_move_the_map(page: Page, project: Project) -> None:
    def waits(for_: str, was: list[float]) -> list[float]:
        page.wait_for_function(f"was => {{ const now = {VIEW}; return {for_}; }}", arg=was)
        return view(page)

    whole = view(page)
    middle = places(page, project)[GROUP == 1].mean(axis=0)
    near = wheel(page, middle, -400)
    assert near[1] - near[0] < (whole[1] - whole[0]) * 0.95
    page.mouse.down(button="middle")
    page.mouse.move(middle[0] + 120, middle[1])
    page.mouse.up(button="middle")
    moved = waits("now[0] < was[0]", near)
    page.keyboard.down(" ")
    page.mouse.down()
    page.mouse.move(*middle)
    page.mouse.up()
    page.keyboard.up(" ")
    back = waits("now[0] > was[0]", moved)
    np.testing.assert_allclose(back, near, atol=1e-6)
    page.keyboard.press("ArrowRight")
    right = waits("now[0] > was[0]", back)
    page.keyboard.press("-")
    waits("now[1] - now[0] > was[1] - was[0]", right)
    page.keyboard.press("h")
    waits("Math.abs(now[0] - was[0]) < 1e-6", whole)
    wait_for_selected(page, 0)


def test_the_change_of_the_map_is_played_stopped_and_switched_off(page: Page, project: Project) -> None:
    bar = page.locator(".corral-travel")
    expect(bar).to_be_visible()  # from the UMAP to the PCA
    slider = page.get_by_label("Between the map before and the map now")
    slider.fill("0.5")
    assert page.evaluate("() => globalThis.__corral.maps.get('map').travel.t") == 0.5
    page.get_by_label("Play the change of the map again").click()
    wait_for_map(page, "PCA")
    slider.fill("0.2")
    round_group(page, places(page, project), 0)  # whoever draws means the map as it is now
    assert page.evaluate("() => globalThis.__corral.maps.get('map').travel.t") == 1
    page.get_by_label("animate").uncheck()
    page.get_by_text("Clear map", exact=True).click()
    wait_for_map(page, "UMAP")
    page.reload()
    wait_for_map(page, "UMAP")
    page.get_by_text("Quick map", exact=True).click()
    wait_for_map(page, "PCA")
    expect(page.get_by_label("animate")).not_to_be_checked()


def test_a_hundred_thousand_texts(server: Server, new_page: Callable[..., Page]) -> None:
    """Made up: 40 groups of many sizes, some with threads between them as UMAPs have them; nine are labelled."""
    n, rng = 100_000, np.random.default_rng(3)
    centres = rng.uniform(-10, 10, (40, 2))
    group = rng.choice(40, n, p=rng.dirichlet(np.full(40, 3.0)))
    spread = rng.normal(size=(n, 2)) @ np.diag([0.45, 0.3])
    xy = centres[group] + spread * rng.uniform(0.6, 1.6, (40, 1))[group]
    between = rng.random(n) < 0.06
    xy[between] += (centres[(group[between] + 1) % 40] - xy[between]) * rng.random((between.sum(), 1))
    frame = pd.DataFrame({"text": pd.Series([f"text {row} of group {group[row]}" for row in range(n)], dtype="str")})
    project = Workspace(server.workspace).create("A hundred thousand", Dataset(frame, "text"), {})
    space = project.space(0)
    space.save_map("PCA", xy)
    space.save_map("UMAP", xy)
    distances, graph = NearestNeighbors(n_neighbors=16).fit(xy).kneighbors(xy)
    space.save_graph(graph[:, 1:], distances[:, 1:])
    project.describe_space(0, n_truncated=0, max_tokens=256)
    space.save_embeddings(xy)
    log = project.open_log()
    for number in range(9):
        log.assign(np.flatnonzero((group == 4 * number) & ~between), f"topic {number + 1}")
    page = new_page()
    traffic = Traffic(page)
    page.goto(f"{server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    settle(page)
    assert traffic.down > 8 * n  # the positions, once
    points = on_screen(page, xy)
    wanted = group == int(np.argmax(np.bincount(group[log.codes < 0])))
    centre = np.median(points[wanted], axis=0)
    traffic.count()
    lasso(page, centre, np.array([70.0, 55.0]))
    inside = int((np.linalg.norm((points - centre) / [70, 55], axis=1) < 1).sum())
    found = selected(page)
    assert 0.97 * inside < found <= inside + 5
    wait_for_selected(page, found)
    expect(page.locator(".corral-keywords")).to_contain_text("group")
    settle(page)
    assert n / 8 < traffic.down < n / 8 + 40_000, "a bit a point and the panel, no position and no colour"
    assert 0 < traffic.up < 5_000, "the polygon, no point"
    shot(page, "many")
    traffic.count()
    page.evaluate("document.querySelector('.st-key-corral-texts').parentElement.scrollTop = 1e6")
    page.keyboard.press("j")  # a button elsewhere
    expect(page.get_by_text("800 drawn at random, page 2 of 40")).to_be_visible()
    settle(page)
    assert 0 < traffic.down < 40_000
    type_label(page, "new")
    expect(chip(page, "new")).to_be_visible()
    n_new = int(project.open_log().counts()[9])
    assert 0 < n_new <= found
    wait_for_legend(page, new=n_new)


@pytest.mark.parametrize("painter", ["webgl", "pixels"])
def test_both_painters_draw_the_same(
    server: Server, browser: Browser, project: Project, painter: str, tmp_path: Path
) -> None:
    project.open_log().assign(np.flatnonzero(GROUP == 0), "apples")
    context = browser.new_context(viewport={"width": 1440, "height": 960})
    page = context.new_page()
    page.add_init_script(f"globalThis.__corralPainter = '{painter}'")
    page.goto(f"{server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    wait_for_legend(page, apples=80)
    page.wait_for_function("() => document.querySelector('.corral-map').dataset.colours?.endsWith('-1')")
    assert (
        page.evaluate("() => globalThis.__corral.maps.get('map').painter.constructor.name")
        == {
            "webgl": "GlPainter",
            "pixels": "PixelPainter",
        }[painter]
    )
    page.mouse.move(5, 5)
    settle(page)
    page.locator(".corral-stage").screenshot(path=tmp_path / "map.png")
    pixels = np.asarray(Image.open(tmp_path / "map.png").convert("RGB")).astype(int)
    blue = np.abs(pixels - [0x44, 0x77, 0xAA]).sum(axis=2) < 60
    grey = (np.ptp(pixels, axis=2) < 6) & (pixels[:, :, 0] < 225)
    width = page.evaluate("() => globalThis.__corral.maps.get('map').pointSize()")
    disc = np.pi / 4 * width**2
    assert 0.3 * 80 * disc < blue.sum() < 1.4 * 80 * disc
    assert 0.3 * 160 * disc * 0.7 < grey.sum() < 1.6 * 160 * disc
    context.close()


def test_without_webgl_the_map_works(server: Server, browser: Browser, project: Project) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})  # a small laptop's
    page = context.new_page()
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        " return kind.startsWith('webgl') ? null : real.call(this, kind, ...more); }"
    )
    page.goto(f"{server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    page.get_by_text("Quick map", exact=True).click()
    wait_for_map(page, "PCA")
    points = places(page, project)
    round_group(page, points, 2)
    assert selected(page) == 80
    type_label(page, "plants")
    wait_for_legend(page, plants=80, unlabelled=160)
    context.close()
