"""Keys that answer a check or a proposal: each counts once, in order, however quickly they come."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.workspace import Project
from tests.browser.app import settle, until, wait_for_selected
from tests.browser.helpers import N, opened
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
TEXTS = ".st-key-corral-texts [data-corral-row]"
CHECKING = re.compile("^Checking")


@pytest.fixture
def page(new_page: Callable[..., Page], shared_server: Server, project: Project) -> Page:
    log = project.open_log()
    log.assign(np.arange(20), "billing")
    log.assign(np.arange(20, 40), "delivery")
    page = opened(new_page, shared_server, project)
    settle(page)
    return page


def check(page: Page) -> list[int]:
    """Begin a check; its rows."""
    page.mouse.move(700, 5)
    page.keyboard.press("v")
    expect(page.get_by_text(CHECKING)).to_be_visible()
    expect(page.locator(TEXTS)).to_have_count(5)
    settle(page)
    return [int(text.get_attribute("data-corral-row") or "") for text in page.locator(TEXTS).all()]


def test_keys_of_a_check_count_once_and_in_order(page: Page, project: Project) -> None:
    log = project.open_log()
    rows = check(page)
    expect(page.get_by_text("Draw a lasso")).to_have_count(0)
    for key in ("2", "4", "4", "a", "Enter", "Enter"):  # Enter once more than it takes
        page.keyboard.press(key)
    expect(page.get_by_text(CHECKING)).to_have_count(0)
    wait_for_selected(page, 0)
    log.refresh()
    assert [action.kind for action in log.actions] == ["assign", "assign", "audit"]
    assert sorted(log.how(3)["read"]) == sorted(rows)
    assert log.how(3)["wrong"] == [rows[1]]


def test_a_wrong_text_is_given_its_right_label_and_all_is_one_step(page: Page, project: Project) -> None:
    log = project.open_log()
    rows = check(page)
    for key in ("1", ".", "0", "1"):  # the text that was marked last
        page.keyboard.press(key)
    expect(page.locator(TEXTS).nth(0)).to_contain_text("billing")
    page.locator(TEXTS).nth(2).click()  # one that is clicked on
    page.keyboard.press("n")
    page.keyboard.type("returns")
    page.keyboard.press("Enter")
    expect(page.locator(TEXTS).nth(2)).to_contain_text("returns")
    page.keyboard.press("4")  # without one
    expect(page.locator(TEXTS).nth(3)).to_contain_text("?")
    log.refresh()
    assert log.seq == 2, "nothing is kept yet"
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.get_by_text(CHECKING)).to_have_count(0)
    until(page, lambda: (log.refresh(), log.seq == 5)[1], "the labels")
    wanted = ["billing", "delivery", "returns", None, "delivery"]
    assert [log.name_of(row) for row in rows] == wanted
    settle(page)
    page.keyboard.press("Control+z")
    until(page, lambda: (log.refresh(), log.seq == 6)[1], "the undo")
    assert {log.name_of(row) for row in rows} == {"delivery"}
    assert log.quality_of(2) is None
    settle(page)
    page.keyboard.press("Control+Shift+z")
    until(page, lambda: (log.refresh(), log.seq == 7)[1], "the redo")
    assert [log.name_of(row) for row in rows] == wanted


def test_keys_of_a_proposal_are_for_what_was_on_show(page: Page, project: Project) -> None:
    log = project.open_log()
    page.mouse.move(700, 5)
    page.keyboard.press("q")
    expect(page.locator(TEXTS)).to_have_count(10)
    settle(page)
    rows = [int(text.get_attribute("data-corral-row") or "") for text in page.locator(TEXTS).all()]
    for key in "135":
        page.keyboard.press(key)
    expect(page.get_by_role("button", name=re.compile("close"))).to_have_count(3)
    page.locator(TEXTS).nth(0).click()
    for key in ".02":  # a label of its own for one of them, and the others are still proposed
        page.keyboard.press(key)
    expect(page.locator(TEXTS).nth(0)).to_contain_text("delivery")
    log.refresh()
    assert log.name_of(rows[0]) == "delivery"
    expect(page.get_by_role("button", name=re.compile("close"))).to_have_count(2)
    page.keyboard.press("5")
    expect(page.get_by_role("button", name=re.compile("close"))).to_have_count(1)
    seq = log.seq
    # Of the next one, which nobody has seen yet, nothing is said. At once: on a busy machine presses take their time.
    page.evaluate("""() => {
        for (const key of "xxx") document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }""")
    until(page, lambda: (log.refresh(), log.seq > seq)[1], "the answer")
    page.wait_for_timeout(2000)
    log.refresh()
    assert [action.kind for action in log.actions[seq:]] == ["refuse"]
    assert log.n_labelled == 41 < N


def test_clicks_on_a_proposal_are_for_what_was_on_show(page: Page, project: Project) -> None:
    log = project.open_log()

    def done(seq: int) -> None:
        until(page, lambda: (log.refresh(), log.seq > seq)[1], "the answer")
        settle(page)

    def kinds() -> list[str]:
        page.wait_for_timeout(1500)
        log.refresh()
        return [action.kind for action in log.actions[2:]]

    page.mouse.move(700, 5)
    page.keyboard.press("q")
    expect(page.locator(TEXTS)).to_have_count(10)
    settle(page)
    mixed, chip, mark, new, stop = (
        page.locator(f".st-key-{key} button").filter(visible=True)
        for key in ("mixed", "label-1", "belongs-2", "new-label-button", "stop-proposals")
    )
    mixed.dblclick()  # both before the next one is there
    done(2)
    assert kinds() == ["refuse"]
    box = mixed.bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    for n in (1, 2):  # the second meets the next one, which has come under the pointer meanwhile
        page.mouse.down(click_count=n)
        page.mouse.up(click_count=n)
        done(3)
    assert kinds() == ["refuse"] * 2
    mark.click()
    expect(page.get_by_role("button", name=re.compile("close"))).to_have_count(1)
    n = log.n_labelled
    chip.dblclick()
    done(4)
    assert kinds() == ["refuse"] * 2 + ["assign"]
    labelled = log.n_labelled - n
    assert 0 < labelled < 40
    settle(page)
    mark.click()  # where each has a label proposed, a name is for what is marked
    expect(page.get_by_role("button", name=re.compile("close"))).to_have_count(1)
    page.keyboard.press("n")
    page.keyboard.type("returns")
    new.dblclick()
    done(5)
    assert kinds() == ["refuse"] * 2 + ["assign"] * 2
    assert log.find("returns") is not None
    expect(page.get_by_label("New label")).to_have_value("")
    stop.click()
    expect(page.get_by_text("Nothing selected")).to_be_visible()


def test_u_keeps_to_the_selection(page: Page) -> None:
    page.mouse.move(700, 5)
    page.keyboard.press("u")
    wait_for_selected(page, 200)
    page.get_by_role("button", name=re.compile("^Grow")).wait_for()
    page.locator("[class*='st-key-label-0'] button").click(modifiers=["Shift"])
    wait_for_selected(page, 220)
    expect(page.get_by_role("button", name=re.compile("^Only unlabelled"))).to_be_visible()
    page.keyboard.press("u")
    wait_for_selected(page, 200)
    page.keyboard.press("u")
    expect(page.get_by_text("All 200 selected are unlabelled")).to_be_visible()
    wait_for_selected(page, 200)
