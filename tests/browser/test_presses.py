"""One press is one action, on a machine that is busy too; and whose the keys are after a control was used."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.labels import LabelLog
from labelling.ui.label.texts import PAGE_ROWS
from labelling.workspace import Project
from tests.browser.app import settle, type_label, wait_for_legend, wait_for_map, wait_for_selected
from tests.browser.helpers import N, search
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
N_UNDO, N_LABELS, N_STEPS = 50, 8, 12
FOCUS = "() => document.activeElement.ariaLabel ?? document.activeElement.tagName"


@pytest.fixture
def busy() -> Iterator[None]:
    """A process a core, and one more, that do nothing but compute."""
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range((os.cpu_count() or 2) + 1)]
    yield
    for process in burning:
        process.kill()
        process.wait()


def opened(new_page: Callable[..., Page], server: Server, project: Project) -> Page:
    page = new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    expect(page.get_by_text("All unlabelled", exact=True).first).to_be_visible()
    return page


def says(page: Page, text: str) -> None:
    """Until the page says so; asked in the page, which is as quick as a person who sees it."""
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=text)


def undone(log: LabelLog) -> list[int]:
    log.refresh()
    return [action.targets[0] for action in log.actions if action.kind == "undo"]


def test_a_press_is_one_action_on_a_busy_machine(
    shared_server: Server,
    new_page: Callable[..., Page],
    project: Project,
    busy: None,
) -> None:
    log = project.open_log()
    for number in range(N_UNDO):
        log.assign(np.array([number]), f"label {number % 3}")
    page = opened(new_page, shared_server, project)
    page.mouse.move(5, 5)
    for number in range(N_UNDO):
        left = N_UNDO - 1 - number
        page.keyboard.press("Control+z")
        page.wait_for_function("n => new RegExp(`\\\\b${n} of 240 labelled`).test(document.body.innerText)", arg=left)
        assert undone(log) == list(range(N_UNDO, left, -1)), f"press {number + 1}"
    says(page, "Taken back: label label 0, 1 text. Redo brings it back.")
    for number in range(3):
        page.keyboard.press("Control+Shift+z")
        says(page, f"{number + 1} of 240 labelled")
    log.refresh()
    assert [action.targets[0] for action in log.actions if action.kind == "redo"] == [1, 2, 3]
    says(page, "Brought back: label label 2, 1 text")

    # Steps of a selection: each is taken from what was shown, once.
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelector('.corral-map').dataset.selected === '237'")
    expect(page.get_by_role("button", name="Invert")).to_be_enabled()  # with nothing selected it was not
    for number in range(N_STEPS):
        page.keyboard.press("i")
        wanted = str((3, 237)[number % 2])
        page.wait_for_function("n => document.querySelector('.corral-map').dataset.selected === n", arg=wanted)
        page.wait_for_function("n => document.body.innerText.includes(`${n} selected`)", arg=wanted)
    n_pages = -(-237 // PAGE_ROWS)
    says(page, f"Drawn at random, page 1 of {n_pages}")  # before it is there it has no next page, and no key for it
    for number in range(min(N_STEPS, n_pages - 1)):
        page.evaluate("document.querySelector('.st-key-corral-texts').parentElement.scrollTop = 1e6")
        page.keyboard.press("j")  # at the end of the list: the next page
        says(page, f"Drawn at random, page {number + 2} of {n_pages}")
        settle(page)  # what says the page stands above the button whose key it is

    # A label's key: an action a press.
    page.get_by_text("Overwrite", exact=True).first.wait_for(state="detached")
    before = log.seq
    for number in range(N_LABELS):
        page.keyboard.press("123"[number % 3])
        if number == 0:  # from here on all have a label
            says(page, "240 of 240 labelled")
        else:
            says(page, f"Last: label label {number % 3}, ")
        expect(page.get_by_role("button", name="Label 0: 237 have one", exact=True)).to_be_visible()
        page.get_by_text("Overwrite", exact=True).click()  # each time: it is for one label
        expect(page.get_by_role("button", name="Label 237", exact=True)).to_be_visible()
    log.refresh()
    given = [action for action in log.actions[before:] if action.kind == "assign"]
    assert [action.label_id for action in given] == [number % 3 for number in range(N_LABELS)]


def test_a_label_that_changes_nothing_says_so(
    shared_server: Server,
    new_page: Callable[..., Page],
    project: Project,
) -> None:
    log = project.open_log()
    log.assign(np.arange(96), "refund")
    log.assign(np.arange(96, 100), "card")
    page = opened(new_page, shared_server, project)
    page.keyboard.press("u")
    wait_for_selected(page, 140)
    page.keyboard.press("i")
    wait_for_selected(page, 100)
    button = page.get_by_role("button", name="Label 0: 100 have one", exact=True)
    expect(button).to_be_visible()
    seq = log.seq
    page.keyboard.press("1")
    expect(page.get_by_text("Nothing was labelled: 96 are refund already, 4 have another label.")).to_be_visible()
    expect(page.get_by_test_id("stToast")).to_have_count(0)
    log.refresh()
    assert log.seq == seq
    page.get_by_role("button", name="Overwrite 4", exact=True).click()
    wait_for_legend(page, refund=100)
    expect(page.get_by_text("Nothing was labelled")).to_have_count(0)
    page.keyboard.press("1")
    expect(page.get_by_text("Nothing was labelled: 100 are refund already.")).to_be_visible()
    expect(page.get_by_role("button", name="Overwrite 4")).to_have_count(0)
    # A name that was typed is not lost; with Overwrite the number is that of all.
    type_label(page, "card")
    expect(page.get_by_text("Nothing was labelled: 100 have another label.")).to_be_visible()
    expect(page.get_by_label("New label")).to_have_value("card")
    page.get_by_text("Overwrite", exact=True).click()
    expect(page.get_by_role("button", name="Label 100", exact=True)).to_be_visible()
    page.keyboard.press("u")
    wait_for_selected(page, 140)
    expect(page.get_by_text("Nothing was labelled")).to_have_count(0)


def test_only_what_was_read_counts_in_an_audit(
    shared_server: Server,
    new_page: Callable[..., Page],
    project: Project,
) -> None:
    log = project.open_log()
    log.assign(np.arange(80), "refund")
    page = opened(new_page, shared_server, project)
    page.get_by_role("link", name=re.compile("^Last: label ")).click()
    begin = page.get_by_role("button", name="Check 9 texts")
    begin.click()
    following = page.get_by_role("button", name=re.compile(r"^Next \("))
    expect(following).to_be_disabled()
    page.mouse.move(5, 5)
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="Done (1 read)")).to_be_visible()
    page.keyboard.press("5")
    expect(page.get_by_role("button", name="Done (2 read)")).to_be_visible()
    page.keyboard.press("5")  # belongs after all
    expect(following).to_have_text(re.compile(r"Next \(1 wrong\)"))
    page.keyboard.press("Escape")  # in the middle of the page: the seven others were not read
    expect(begin).to_be_visible()
    expect(page.get_by_text(re.compile(r"^9 to 91 % right; 2 read"))).to_be_visible()
    log.refresh()
    found = log.quality_of(1)
    assert found
    assert (found.n_read, found.share) == (2, 0.5)
    begin.click()
    rest = page.get_by_role("button", name="All of these belong")
    rest.wait_for()
    page.keyboard.press("Escape")  # nothing was read
    expect(begin).to_be_visible()
    log.refresh()
    assert len(log.read(1)) == 2
    begin.click()
    rest.wait_for()
    page.mouse.move(5, 5)
    page.keyboard.press("1")
    expect(page.get_by_role("button", name=re.compile("The other 8 belong"))).to_be_visible()
    page.keyboard.press("a")
    expect(following).to_be_enabled()
    for _ in range(3):  # the next pages have no answer yet: Enter is for the first alone
        page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^81 % right .*; 11 read"))).to_be_visible()
    log.refresh()
    audits = [action for action in log.actions if action.kind == "audit"]
    assert [len(log.how(action.seq)["read"]) for action in audits] == [2, 9]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back: check of 9 texts of refund: 1 wrong")).to_be_visible()


def test_keys_are_for_the_page_again_after_a_choice(
    shared_server: Server,
    new_page: Callable[..., Page],
    project: Project,
) -> None:
    page = opened(new_page, shared_server, project)
    kind = page.get_by_role("combobox", name="Search by")
    kind.click()
    page.get_by_role("option", name="Pattern", exact=True).click()
    expect(kind).not_to_be_focused()
    search(page, "late")  # with /
    expect(page.get_by_text("80 with the pattern")).to_be_visible()
    expect(page.get_by_label("Search", exact=True)).not_to_be_focused()
    search(page, "leaves")  # typed over
    expect(page.get_by_label("Search", exact=True)).to_have_value("leaves")
    kind.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("wor")  # a name that is being typed stays in its box
    page.wait_for_timeout(300)
    expect(kind).to_be_focused()
    page.keyboard.press("Enter")
    expect(kind).not_to_be_focused()
    page.keyboard.press("m")
    wait_for_selected(page, 80)

    kind.click()
    page.keyboard.press("Escape")  # closes the list, and takes nothing else away
    expect(kind).not_to_be_focused()
    page.wait_for_timeout(500)
    wait_for_selected(page, 80)
    page.keyboard.press("n")
    page.keyboard.type("tree")
    page.keyboard.press("Control+z")  # in a box it is for what was typed
    page.wait_for_timeout(300)
    assert page.evaluate(FOCUS) == "New label"
    page.keyboard.press("Escape")
    expect(page.get_by_label("New label")).not_to_be_focused()
    wait_for_selected(page, 80)

    page.get_by_text("Quick map", exact=True).click()
    wait_for_map(page, "PCA")
    page.wait_for_function("() => document.activeElement === document.body")
    page.get_by_role("button", name="Filter").click()
    box = page.get_by_role("combobox", name="Label").last
    box.click()
    page.get_by_role("option", name="unlabelled").click()
    page.keyboard.press("Escape")
    expect(box).not_to_be_focused()
    page.keyboard.press("Escape")  # the popover
    expect(page.get_by_role("button", name="Filter")).to_have_attribute("aria-expanded", "false")
    wait_for_selected(page, 80)

    # The number of the nearest, and the key beside it.
    page.locator(".corral-sample").first.dblclick()
    expect(page.get_by_role("button", name="More like it")).to_be_visible()
    page.keyboard.press("t")
    number = page.get_by_label("How many")
    number.fill("12")
    number.press("Enter")
    expect(number).not_to_be_focused()
    page.wait_for_timeout(1500)
    page.keyboard.press("m")
    wait_for_selected(page, 12)
    number.fill("15")
    page.get_by_role("heading", name="groups").click()
    page.wait_for_timeout(1500)
    page.keyboard.press("m")
    wait_for_selected(page, 15)
    page.keyboard.press("Escape")  # unpins
    expect(page.get_by_role("button", name="More like it")).to_be_hidden()
    wait_for_selected(page, 15)
    page.keyboard.press("Escape")
    wait_for_selected(page, 0)
    assert N == 240
