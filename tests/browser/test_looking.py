"""What hides texts is shown, and stays away once it was taken off; texts that are added while a page is open."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace
from tests.browser.app import (
    chip,
    legend,
    on_screen,
    settle,
    type_label,
    wait_for_legend,
    wait_for_map,
    wait_for_selected,
)
from tests.browser.helpers import N, places, round_group
from tests.browser.server import Server


@pytest.fixture
def server(shared_server: Server) -> Server:
    return shared_server


pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SHOWN = re.compile(r"^[\d,]+ of [\d,]+ are shown")


def open_filter(page: Page) -> None:
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_label("Words in the text")).to_be_visible()


def close_filter(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.get_by_label("Words in the text")).to_have_count(0)


def choose(page: Page, box: str, option: str) -> None:
    page.get_by_label(box, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def chips(page: Page) -> list[str]:
    return page.locator("[class*='st-key-chip-']").filter(visible=True).all_inner_texts()


def expect_all(page: Page, n: int) -> None:
    expect(page.get_by_text(SHOWN)).to_have_count(0)
    expect(page.locator(".st-key-corral-chips button").filter(visible=True)).to_have_count(0)
    hidden = "() => globalThis.__corral.maps.get('map').hidden"
    page.wait_for_function(f"() => !({hidden})()")
    assert sum(legend(page).values()) == n


def top_of_map(page: Page) -> float:
    """From the top of the page, however far it is scrolled."""
    scrolled = page.get_by_test_id("stMain").evaluate("main => main.scrollTop")
    return page.locator(".corral-stage").bounding_box()["y"] + scrolled


def test_what_was_filtered_is_all_shown_again_and_stays_so(page: Page, project: Project) -> None:
    points = places(page, project)
    open_filter(page)
    page.get_by_label("Words in the text").fill("apple")
    page.keyboard.press("Enter")
    expect(page.get_by_text("80 of 240 are shown")).to_be_visible()
    page.get_by_role("button", name="Show all", exact=True).click()
    expect_all(page, N)
    round_group(page, points, 1)
    wait_for_selected(page, 80)
    expect_all(page, N)
    type_label(page, "trains")
    wait_for_legend(page, trains=80, unlabelled=160)
    expect_all(page, N)

    top = top_of_map(page)
    open_filter(page)
    assert page.get_by_label("Words in the text").input_value() == "", "the popover says what is in force"
    page.get_by_label("Words in the text").fill("apple")
    page.keyboard.press("Enter")
    expect(page.get_by_text("80 of 240 are shown")).to_be_visible()
    choose(page, "Column", "channel")
    choose(page, "Values", "mail")
    expect(page.get_by_text("20 of 240 are shown")).to_be_visible()
    page.keyboard.press("Escape")
    close_filter(page)
    wait_for_legend(page, trains=0, unlabelled=20)
    expect(page.locator(".corral-legend")).to_be_hidden()
    assert [said.removeprefix("close").strip() for said in chips(page)] == ["words: apple", "channel: mail"]
    assert top_of_map(page) == top

    page.get_by_role("button", name="words: apple").click()
    expect(page.get_by_text("60 of 240 are shown")).to_be_visible()
    round_group(page, points, 1)
    wait_for_selected(page, 20)
    page.keyboard.press("Escape")
    wait_for_selected(page, 0)
    expect(page.get_by_text("60 of 240 are shown")).to_be_visible()
    open_filter(page)  # what stayed is in the popover, what was taken off is not
    assert page.get_by_label("Words in the text").input_value() == ""
    expect(page.get_by_test_id("stMultiSelect").get_by_text("mail")).to_be_visible()
    page.get_by_label("Words in the text").fill("train")
    page.keyboard.press("Enter")
    expect(page.get_by_text("20 of 240 are shown")).to_be_visible()
    close_filter(page)
    page.get_by_role("button", name="words: train").click()
    expect(page.get_by_text("60 of 240 are shown")).to_be_visible()
    page.get_by_role("button", name="channel: mail").click()
    expect_all(page, N)
    page.keyboard.press("u")
    wait_for_selected(page, 160)
    expect_all(page, N)
    assert top_of_map(page) == top


def test_a_range_survives_other_chips_and_ends_with_its_own(page: Page, project: Project) -> None:
    open_filter(page)
    choose(page, "Column", "amount")
    page.get_by_role("slider", name=re.compile("start")).focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
    page.get_by_label("Words in the text").fill("late")
    page.keyboard.press("Enter")
    close_filter(page)
    expect(page.get_by_role("button", name="words: late")).to_be_visible()
    amount = page.get_by_role("button", name=re.compile("amount: "))
    said = amount.inner_text()
    page.get_by_role("button", name="words: late").click()
    expect(page.get_by_role("button", name="words: late")).to_be_hidden()
    chip(page, "unlabelled").click(modifiers=["Alt"])  # hides all
    page.get_by_role("button", name="hidden: 1 group").click()
    expect(page.get_by_role("button", name="hidden: 1 group")).to_be_hidden()
    assert amount.inner_text() == said
    open_filter(page)
    page.wait_for_timeout(500)
    assert f"amount: {page.get_by_role('slider', name=re.compile('start')).input_value()} to 39" in said
    page.get_by_label("Words in the text").fill("late")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="words: late")).to_be_visible()
    assert amount.inner_text() == said, "the popover that was opened kept what was chosen"
    close_filter(page)
    page.get_by_role("button", name="Show all", exact=True).click()
    expect_all(page, N)


def test_texts_that_are_added_while_two_tabs_are_open(shared_server: Server, new_page: Callable[..., Page]) -> None:
    words = ("the parcel is late", "my card was refused", "where is my refund", "the app crashed again")
    frame = pd.DataFrame(
        {
            "text": pd.Series([f"{words[row % 4]}, number {row}" for row in range(40)], dtype="str"),
            "channel": np.where(np.arange(40) % 2 == 0, "mail", "chat"),
            "amount": np.arange(40),
        }
    )
    project = Workspace(shared_server.workspace).create("growing", Dataset(frame, "text"), {})
    tab, other = new_page(), new_page()
    for seen in (tab, other):
        seen.goto(f"{shared_server.url}/label?project={project.id}")
        wait_for_map(seen, "UMAP")
    wait_for_legend(tab, unlabelled=40)
    tab.mouse.move(5, 5)
    tab.keyboard.press("u")
    wait_for_selected(tab, 40)
    expect(tab.get_by_text(re.compile("^Drawn at random, page"))).to_be_visible()
    open_filter(tab)
    choose(tab, "Column", "amount")
    tab.get_by_role("slider", name=re.compile("start")).focus()
    tab.keyboard.press("ArrowRight")
    expect(tab.get_by_text(SHOWN)).to_be_visible()
    close_filter(tab)

    more = pd.DataFrame(
        {
            "text": pd.Series([f"a bus that never came {row}" for row in range(20)], dtype="str"),
            "channel": "post",
            "amount": np.arange(1000, 1020),
        }
    )
    project.append(Dataset(more, "text"))
    expect(tab.get_by_text(re.compile("^0 of 60 labelled"))).to_be_visible()
    wait_for_legend(tab, unlabelled=60)
    expect_all(tab, 60)
    expect(tab.get_by_test_id("stException")).to_have_count(0)
    for seen in (tab, other):
        wait_for_legend(seen, unlabelled=60)
        seen.wait_for_function("() => globalThis.__corral.maps.get('map').count === 60")
        settle(seen)
        seen.mouse.move(5, 5)
        seen.keyboard.press("u")
        wait_for_selected(seen, 60)
        expect(seen.get_by_text(re.compile("^Drawn at random, page 1 of 3"))).to_be_visible()
        expect(seen.get_by_test_id("stException")).to_have_count(0)
        expect_all(seen, 60)
    tab.keyboard.press("Escape")
    tab.keyboard.press("/")
    tab.keyboard.type("bus never")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("20 with the words")).to_be_visible()
    wait_for_legend(tab, found=20, others=40)
    tab.keyboard.press("m")
    wait_for_selected(tab, 20)
    expect(tab.locator(".corral-keywords")).to_contain_text("bus")
    type_label(tab, "buses")
    expect(tab.get_by_text("20 of 60 labelled")).to_be_visible()
    tab.get_by_label("Colour by").click()
    tab.get_by_role("option", name="channel").click()
    wait_for_legend(tab, mail=20, chat=20, post=20)
    project_now = Workspace(shared_server.workspace).open(project.id)
    points = on_screen(tab, project_now.space(0).map("UMAP"))
    tab.mouse.move(*(points[59] + [0, 60]))
    tab.mouse.move(*points[59])
    expect(tab.locator(".corral-tooltip.corral-shown")).to_contain_text("a bus that never came")
    tab.keyboard.press("Control+z")
    expect(tab.get_by_text(re.compile("^0 of 60 labelled"))).to_be_visible()
    assert project_now.open_log().n_labelled == 0
    expect(tab.get_by_test_id("stException")).to_have_count(0)
