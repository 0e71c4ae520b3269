"""The texts beside the map: keys on one or some of them, words marked in them, and the next after a label."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.workspace import Project
from tests.browser.app import chip, selected, settle, until, wait_for_legend, wait_for_selected
from tests.browser.helpers import opened
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
TEXTS = ".st-key-corral-texts [data-corral-row]"
MARKED = ".st-key-corral-texts .corral-marked"


@pytest.fixture
def page(new_page: Callable[..., Page], shared_server: Server, project: Project) -> Page:
    log = project.open_log()
    log.assign(np.arange(10), "billing")
    log.assign(np.arange(10, 20), "delivery")
    page = opened(new_page, shared_server, project)
    page.keyboard.press("u")
    wait_for_selected(page, 220)
    expect(page.get_by_text("Drawn at random, page 1 of 11")).to_be_visible()
    return page


def row(page: Page, place: int) -> int:
    return int(page.locator(TEXTS).nth(place).get_attribute("data-corral-row") or "")


def test_a_key_on_a_text_is_for_this_text_alone(page: Page, project: Project) -> None:
    texts, marked, log = page.locator(TEXTS), page.locator(MARKED), project.open_log()
    second, third = row(page, 1), row(page, 2)
    texts.nth(1).hover()
    page.keyboard.press("x")
    wait_for_selected(page, 219)
    until(page, lambda: row(page, 1) == third, "the others to stay in their order")
    assert log.codes[second] == -1

    texts.nth(1).click()
    expect(marked).to_have_count(1)
    expect(page.locator(".st-key-corral-new button")).to_have_attribute("data-corral-marks", "Label 1 marked")
    settle(page)
    page.keyboard.press("2")
    wait_for_legend(page, delivery=11, billing=10)
    wait_for_selected(page, 219)
    log.refresh()
    assert log.name_of(third) == "delivery"
    expect(marked).to_have_count(0)
    assert log.actions[-1].source == "text"

    page.keyboard.press("Control+z")
    wait_for_legend(page, delivery=10)


def test_some_texts_are_marked_by_keys_or_with_shift(page: Page, project: Project) -> None:
    texts, marked, log = page.locator(TEXTS), page.locator(MARKED), project.open_log()
    rows = [row(page, place) for place in range(6)]
    texts.nth(0).click()
    settle(page)
    texts.nth(3).click(modifiers=["Shift"])
    expect(marked).to_have_count(4)
    page.keyboard.press("Escape")
    expect(marked).to_have_count(0)
    wait_for_selected(page, 220)  # Escape was for the marks

    page.mouse.move(700, 5)
    texts.nth(0).click()
    settle(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(marked).to_have_count(2)
    chip(page, "billing").click()  # with texts marked a click on a label is for these alone
    wait_for_legend(page, billing=12)
    log.refresh()
    assert [log.name_of(each) for each in rows] == [None, "billing", "billing", None, None, None]
    settle(page)
    texts.nth(1).click()
    settle(page)
    page.keyboard.press("0")
    wait_for_legend(page, billing=11)


def test_a_second_click_pins_and_a_third_escape_or_another_selection_takes_the_pin_out(page: Page) -> None:
    texts, marked = page.locator(TEXTS), page.locator(MARKED)
    pinned = page.get_by_text(re.compile("^Pinned: row")).filter(visible=True)
    texts.nth(0).dblclick()
    expect(pinned).to_have_count(1)
    expect(marked).to_have_count(1)
    settle(page)
    texts.nth(1).click()  # what is pinned is what was clicked
    expect(pinned).to_have_text(f"Pinned: row {row(page, 1) + 1:,}")
    settle(page)
    texts.nth(1).click()
    expect(pinned).to_have_count(0)
    expect(marked).to_have_count(0)

    texts.nth(0).dblclick()
    expect(pinned).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")  # at once: the first is for the pin, the second for the selection
    wait_for_selected(page, 0)
    expect(pinned).to_have_count(0)

    page.keyboard.press("u")
    wait_for_selected(page, 220)
    texts.nth(2).dblclick()
    expect(pinned).to_have_count(1)
    settle(page)
    page.keyboard.press("i")  # all that it is not in
    wait_for_selected(page, 20)
    expect(pinned).to_have_count(0)


def test_x_takes_out_what_is_marked_or_under_the_pointer_and_says_so(page: Page) -> None:
    texts = page.locator(TEXTS)
    page.mouse.move(700, 5)
    page.keyboard.press("x")
    expect(page.locator(".st-key-corral-pages")).to_have_attribute("data-corral-said", re.compile("none is$"))
    wait_for_selected(page, 220)
    first = row(page, 0)
    texts.nth(0).dblclick()
    expect(page.get_by_text("Pinned: row")).to_be_visible()
    page.keyboard.press("x")
    wait_for_selected(page, 219)
    expect(page.get_by_text("1 text taken out of the selection")).to_be_visible()
    assert first not in [row(page, place) for place in range(10)]


def test_a_name_is_for_the_marked_texts_alone(page: Page, project: Project) -> None:
    texts, log = page.locator(TEXTS), project.open_log()
    rows = [row(page, place) for place in range(3)]
    texts.nth(0).click()
    settle(page)
    texts.nth(1).click(modifiers=["Shift"])
    expect(page.locator(MARKED)).to_have_count(2)
    page.keyboard.press("n")
    page.keyboard.type("a new one")
    page.keyboard.press("Enter")
    wait_for_legend(page, **{"a new one": 2})
    log.refresh()
    assert [log.name_of(each) for each in rows] == ["a new one", "a new one", None]
    texts.nth(2).click()
    page.get_by_label("New label").fill("by the button")
    page.locator(".st-key-corral-new button").click()  # which is for what is marked, too
    wait_for_legend(page, **{"by the button": 1})
    settle(page)
    page.keyboard.press("Control+z")
    wait_for_legend(page, **{"a new one": 2})
    settle(page)
    expect(page.get_by_label("New label")).to_have_value("")
    texts.nth(2).click()
    settle(page)
    page.get_by_label("New label").click()  # with the mouse, too
    page.keyboard.type("A NEW")
    page.keyboard.press("ArrowDown")  # the label that is offered
    page.keyboard.press("Enter")
    wait_for_legend(page, **{"a new one": 3})


def test_what_is_marked_stays_so_when_the_list_is_written_anew(page: Page, project: Project) -> None:
    texts, log = page.locator(TEXTS), project.open_log()
    rows = [row(page, place) for place in range(2)]
    page.locator(".corral-stage").hover(position={"x": 5, "y": 5})  # a pointer that rests there takes no keys
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(MARKED)).to_have_attribute("data-corral-row", str(rows[1]))
    other = project.open_log(who="ben")
    other.assign(np.array(rows), "delivery", overwrite=True)  # the page takes it in, and writes these texts anew
    expect(texts.nth(1)).to_contain_text("delivery")
    expect(page.locator(MARKED)).to_have_count(1)
    page.keyboard.press("1")
    wait_for_legend(page, billing=11, delivery=11)
    log.refresh()
    assert [log.name_of(each) for each in rows] == ["delivery", "billing"]
    settle(page)
    page.keyboard.press("ArrowDown")  # goes on from there
    expect(page.locator(MARKED)).to_have_attribute("data-corral-row", str(row(page, 2)))


def test_the_next_come_up_after_a_label(page: Page, project: Project) -> None:
    page.keyboard.press("Escape")
    page.locator(".corral-region").first.click(force=True)
    expect(page.get_by_text(re.compile("^Drawn at random"))).to_be_visible()
    n = selected(page)
    page.keyboard.press("s")  # to its core: what was left out is like it
    until(page, lambda: 0 < selected(page) < n, "a smaller selection")
    wait_for_selected(page, selected(page))
    page.keyboard.press("1")
    expect(page.get_by_text(re.compile("^Next like these"))).to_be_visible()
    log = project.open_log()
    expect(page.locator(TEXTS).first).to_contain_text("unlabelled")
    shown = [row(page, place) for place in range(min(5, page.locator(TEXTS).count()))]
    assert all(log.codes[each] == -1 for each in shown)
    n = int(re.findall(r"Select (\d+)", page.inner_text(".st-key-corral-pages"))[0])
    page.keyboard.press("m")
    wait_for_selected(page, n)
    page.keyboard.press("1")
    until(page, lambda: (log.refresh(), log.name_of(shown[0]) == "billing")[1], "the next to be labelled")


def test_words_that_set_the_selection_apart_are_marked_and_search_on_click(page: Page, project: Project) -> None:
    page.keyboard.press("Escape")
    page.locator(".corral-region").first.click(force=True)
    words = page.locator("[data-corral-word]")
    until(page, lambda: selected(page) < 220, "the region to be selected")
    settle(page)  # the words of what was selected before are gone
    expect(words.first).to_be_visible()
    until(page, lambda: page.evaluate("CSS.highlights.get('corral-words')?.size > 0"), "words to be marked")
    word = words.first.inner_text()
    words.first.click()
    expect(page.get_by_text(re.compile(f"with the words {word}"))).to_be_visible()
    expect(page.get_by_label("Search", exact=True)).to_have_value(word)


def test_j_shows_the_next_screenful_before_the_next_page(page: Page) -> None:
    top = "document.querySelector('.st-key-corral-texts').parentElement.scrollTop"
    tall = page.evaluate("document.querySelector('.st-key-corral-texts').parentElement.scrollHeight")
    shown = page.evaluate("document.querySelector('.st-key-corral-texts').parentElement.clientHeight")
    assert tall > shown, "more texts than fit"
    page.keyboard.press("j")
    until(page, lambda: page.evaluate(top) > 0, "the list to be scrolled")
    expect(page.get_by_text("Drawn at random, page 1 of 11")).to_be_visible()
    for _ in range(12):
        page.keyboard.press("j")
        page.wait_for_timeout(50)
    expect(page.get_by_text(re.compile("page [2-9] of 11"))).to_be_visible()
