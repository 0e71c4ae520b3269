"""The label page's screen: a lasso over whatever stands round the map, labels and texts in sight at three sizes."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace
from tests.browser.app import on_screen, settle, wait_for_selected
from tests.browser.helpers import GROUP, opened
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SMALL, MIDDLE, LARGE = (1100, 700), (1440, 900), (1920, 1080)
NAMES = [
    *("hardware", "plants", "connection", "delivery", "billing", "how to", "pod club", "account", "feedback"),
    *("returns", "other things"),
]
CHIPS = ".st-key-corral-labels [class*='st-key-label-'] button:visible"
TEXTS, LIST = ".st-key-corral-texts .corral-sample", "[data-testid=stLayoutWrapper]:has(> .st-key-corral-texts)"
IN_SIGHT = """(all, place) => {
    const { top, bottom } = document.querySelector(place).getBoundingClientRect();
    const boxes = all.map((one) => one.getBoundingClientRect()).filter(({ height }) => height);
    return boxes.filter((box) => box.top >= top - 1 && box.bottom <= Math.min(bottom, innerHeight) + 1).length;
}"""
# What was found, and the buttons of the panel and the lines round the map, of which not all is to be seen.
CUT = """() => {
    const found = [];
    for (const words of document.querySelectorAll(".st-key-corral-found p"))
        if (words.scrollWidth > words.clientWidth + 1) found.push(words.innerText);
    const parts = ["steps", "below", "head", "new", "choice", "answered", "accept-proposal", "pinned", "pages"];
    const where = [...parts.map((name) => `.st-key-corral-${name} button`), ".st-key-corral-ways-on :is(button, a)"];
    for (const button of document.querySelectorAll(where.join())) {
        const box = button.getBoundingClientRect();
        if (!box.width) continue;
        const words = button.querySelector("p");
        let cut = box.right > innerWidth || box.bottom > innerHeight || words?.scrollWidth > words?.clientWidth + 1;
        for (let round = button.parentElement; round; round = round.parentElement) {
            if (getComputedStyle(round).overflow === "visible") continue;
            const edge = round.getBoundingClientRect();
            cut ||= box.left < edge.left - 1 || box.right > edge.right + 1;
            cut ||= box.top < edge.top - 1 || box.bottom > edge.bottom + 1;
        }
        if (cut) found.push(button.innerText);
    }
    return found;
}"""


@pytest.fixture
def labelled(shared_server: Server) -> Callable[[int], Project]:
    """Makes projects of 240 texts of two lines each, at every size, in three heaps, with so many labels."""

    def make(n_labels: int) -> Project:
        n, rng = 240, np.random.default_rng(0)
        words = ("an apple pie with much cream", "the train to the coast was late", "the plant has lost its leaves")
        told = "which I would like to tell somebody about before it is too late for it, as was said"
        texts = pd.Series([f"{words[GROUP[row]]}, number {row}, {told}" for row in range(n)], dtype="str")
        project = Workspace(shared_server.workspace).create(
            "screen", Dataset(pd.DataFrame({"text": texts}), "text"), {}
        )
        space = project.space(0)
        xy = (rng.normal(size=(n, 2)) * 0.3 + np.column_stack([4 * GROUP, 0 * GROUP])).astype(np.float32)
        embeddings = np.column_stack([xy, rng.normal(scale=0.1, size=(n, 6))]).astype(np.float32)
        distance = np.linalg.norm(embeddings[:, None] - embeddings, axis=2)
        graph = np.argsort(distance, axis=1)[:, 1:16]
        space.save_graph(graph, np.take_along_axis(distance, graph, axis=1))
        space.save_map("PCA", xy)
        space.save_map("UMAP", xy)
        project.describe_space(0, n_truncated=0, max_tokens=256)
        space.save_embeddings(embeddings)
        log = project.open_log()
        names = NAMES if n_labels <= len(NAMES) else [f"label {place}" for place in range(n_labels)]
        for place, name in enumerate(names[:n_labels]):
            log.assign(np.arange(place, 165, n_labels), name)
        return project

    return make


def at_rest(new_page: Callable[..., Page], server: Server, project: Project, size: tuple[int, int]) -> Page:
    page = opened(new_page, server, project, size)
    settle(page)
    return page


def middle(of: Locator) -> np.ndarray:
    box = of.bounding_box()
    assert box
    return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])


def drag(page: Page, path: list[np.ndarray]) -> None:
    page.mouse.move(*path[0])
    page.mouse.down()
    for place in path[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def in_sight(page: Page, what: str, place: str) -> int:
    return page.locator(what).evaluate_all(IN_SIGHT, place)


def test_a_lasso_goes_over_buttons_and_what_is_said_and_presses_nothing(
    shared_server: Server, new_page: Callable[..., Page], labelled: Callable[[int], Project]
) -> None:
    project = labelled(3)
    page = at_rest(new_page, shared_server, project, (1100, 700))
    xy = project.space(0).map("UMAP")

    def round_group(group: int, more: list[np.ndarray]) -> list[np.ndarray]:
        its = on_screen(page, xy)[group == GROUP]
        (left, top), (right, bottom) = its.min(axis=0) - 8, its.max(axis=0) + 8
        return [np.array(at) for at in ([right, top], [right, bottom], [left, bottom], [left, top])] + more

    # From a button that is off, above the map, to another one.
    back = page.get_by_role("button", name="Back")
    grow = page.get_by_role("button", name="Grow")
    expect(back).to_be_disabled()
    drag(page, [middle(back), *round_group(0, [middle(grow)])])
    wait_for_selected(page, 80)
    # To one that is on: it is not pressed.
    expect(back).to_be_enabled()
    drag(page, round_group(1, [middle(back)]))
    wait_for_selected(page, 80)
    path = round_group(2, [middle(page.get_by_role("button", name="Undo"))])
    stage = page.locator(".corral-stage").bounding_box()
    page.keyboard.press("1")
    said = page.get_by_test_id("stToast")
    expect(said).to_be_visible()
    box = said.bounding_box()
    assert stage
    assert box
    assert box["y"] >= stage["y"] + stage["height"], "what is said stands below the map"
    log = project.open_log()
    seq = log.seq
    assert set(GROUP[log.rows_of(seq)]) == {1}

    # Over what is said to a button below the map.
    drag(page, [*path[:3], middle(said), *path[3:]])
    wait_for_selected(page, 80)
    log.refresh()
    assert log.seq == seq, "nothing was taken back"
    # A button alone is what a press on it is for.
    page.mouse.move(*middle(back))
    page.mouse.down()
    page.mouse.up()
    wait_for_selected(page, 80)
    page.keyboard.press("Escape")
    wait_for_selected(page, 0)


def test_the_map_is_moved_by_the_tool_for_that(
    shared_server: Server, new_page: Callable[..., Page], labelled: Callable[[int], Project]
) -> None:
    page = at_rest(new_page, shared_server, labelled(3), (1100, 700))
    page.locator(".modebar-btn[data-val=pan]").click()
    low = "globalThis.__corral.maps.get('map').range.x[0]"
    before = page.evaluate(low)
    at = middle(page.locator(".corral-stage"))
    drag(page, [at, at + np.array([90, 20])])
    page.wait_for_function(f"before => {low} < before - 0.1", arg=before)
    wait_for_selected(page, 0)


@pytest.mark.parametrize(("size", "n_labels"), [(SMALL, 11), (SMALL, 150), (MIDDLE, 8), (LARGE, 150)])
def test_labels_texts_and_buttons_are_in_sight(
    shared_server: Server,
    new_page: Callable[..., Page],
    labelled: Callable[[int], Project],
    size: tuple[int, int],
    n_labels: int,
) -> None:
    page = at_rest(new_page, shared_server, labelled(n_labels), size)

    wrong: list[str] = []

    def look(what: str) -> None:
        settle(page)
        n_chips, n_texts = page.locator(CHIPS).count(), in_sight(page, TEXTS, LIST)
        if n_labels <= 11 and (n := in_sight(page, CHIPS, ".st-key-corral-labels")) < n_chips:
            wrong.append(f"{what}: {n} of {n_chips} labels in sight")
        n_texts += what == "pinned"  # which stands below the list
        if n_texts < 4:
            wrong.append(f"{what}: {n_texts} texts in sight")
        wrong.extend(f"{what}: {button!r} is cut off" for button in page.evaluate(CUT))

    page.keyboard.press("u")
    wait_for_selected(page, 75)
    page.mouse.move(5, 5)
    look("selected")
    stage = page.locator(".corral-stage").bounding_box()
    page.locator(TEXTS).first.dblclick()
    expect(page.get_by_text("Pinned: row")).to_be_visible()
    page.mouse.move(5, 5)
    look("pinned")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Pinned: row")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("train")
    page.keyboard.press("Enter")
    expect(page.locator(".corral-legend")).to_be_visible()
    look("a search")
    assert page.locator(".corral-stage").bounding_box() == stage, "a search leaves the map where it is"
    page.keyboard.press("v")
    expect(page.get_by_role("heading", name="Checking")).to_be_visible()
    look("a check")
    for name in ("All of these belong", "Done"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="All of these belong")).to_have_count(0)
    page.keyboard.press("q")
    expect(page.get_by_role("button", name="Mixed")).to_be_visible()
    look("a proposal")
    n_read, n_seen = page.locator(TEXTS).count(), in_sight(page, TEXTS, LIST)
    if n_seen < n_read and (n_labels <= 11 or size != SMALL):
        wrong.append(f"a proposal: {n_seen} of {n_read} texts in sight")
    assert not wrong, "\n".join(wrong)


def test_what_is_worth_doing_at_the_end_is_a_press_away_and_moves_nothing(
    shared_server: Server, new_page: Callable[..., Page], labelled: Callable[[int], Project]
) -> None:
    project = labelled(3)
    log = project.open_log()
    for place, name in enumerate(NAMES[:3]):
        log.assign(np.arange(165 + place, 228, 3), name)
    log.assign(np.arange(4), NAMES[1], overwrite=True)
    page = at_rest(new_page, shared_server, project, SMALL)

    def way(words: str) -> Locator:
        ways = page.locator(".st-key-corral-ways-on :is(button, a)").filter(visible=True)
        return ways.filter(has_text=re.compile(words))

    def places() -> list[list[float]]:
        assert page.evaluate(CUT) == []
        parts = (page.get_by_label("New label"), page.locator(CHIPS).first, page.locator(".corral-stage"))
        return [middle(part).tolist() for part in parts]

    expect(page.get_by_text("The aim is reached: 12 left, by kind: ")).to_be_visible()
    expect(way("^Export$")).to_be_visible()
    before = places()
    way("^Select the 12").click()
    wait_for_selected(page, 12)
    assert places() == before
    page.keyboard.press("1")
    expect(page.get_by_text("All is labelled")).to_be_visible()
    settle(page)
    assert places() == before
    way("^Read .* doubtful$").click()
    expect(page.get_by_text("labelled neighbours differ").first).to_be_visible()
    settle(page)
    assert places() == before
    way("^Export$").click()
    expect(page.get_by_role("button", name="Download 240 rows")).to_be_visible()
