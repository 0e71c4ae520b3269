"""The labels beside the map: the box for a name with what it may mean, and the strip of chips."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.workspace import Project
from tests.browser.app import chip, until, wait_for_legend, wait_for_selected
from tests.browser.helpers import opened
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def select(page: Page, n: int) -> None:
    """All that is unlabelled."""
    page.keyboard.press("u")
    wait_for_selected(page, n)


def test_a_part_of_a_name_becomes_a_label_only_where_that_was_chosen(
    shared_server: Server, new_page: Callable[..., Page], project: Project
) -> None:
    log = project.open_log()
    for place, name in enumerate(("billing", "billing address", "Café")):
        log.assign(np.arange(10) + 10 * place, name)
    page = opened(new_page, shared_server, project)
    options = page.locator(".corral-names [role=option]")
    select(page, 210)
    page.keyboard.press("n")
    page.keyboard.type("bill")
    expect(options).to_have_text(["Enter: new label “bill”↓ or a click for these", "billing", "billing address"])
    box, listed = page.get_by_label("New label").bounding_box(), page.locator(".corral-names").bounding_box()
    assert box
    assert listed
    assert 0 <= listed["y"] - box["y"] - box["height"] < 12, "right below the box"
    page.keyboard.press("Enter")
    wait_for_legend(page, bill=210, billing=10)
    expect(options.first).to_be_hidden()

    page.keyboard.press("Control+z")
    wait_for_legend(page, unlabelled=210)
    page.keyboard.press("n")
    page.keyboard.type("BILL")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".corral-names [aria-selected=true]")).to_have_text("billing address")
    page.keyboard.press("Enter")
    wait_for_legend(page, **{"billing address": 220})

    page.keyboard.press("Control+z")
    wait_for_legend(page, unlabelled=210)
    page.keyboard.press("n")
    page.keyboard.type("cafe")
    options.get_by_text("Café").click()
    wait_for_legend(page, Café=220)
    expect(page.get_by_label("New label")).not_to_be_focused()

    page.keyboard.press("Control+z")
    wait_for_legend(page, unlabelled=210)
    page.keyboard.press("n")
    page.keyboard.type("BILLING")
    expect(options.first).to_have_text("Enter: billing↓ or a click for these")
    page.keyboard.press("Enter")
    wait_for_legend(page, billing=220)
    log.refresh()
    assert {label.name for label in log.labels} == {"billing", "billing address", "Café"}


def test_a_label_without_a_key_has_two_after_a_point(
    shared_server: Server, new_page: Callable[..., Page], project: Project
) -> None:
    log = project.open_log()
    for place in range(150):
        log.assign([place], f"label {place}")
    page = opened(new_page, shared_server, project)
    hint = page.locator(".corral-strokes")
    select(page, 90)
    for keys, name, n in ((".13", "label 12", 91), (".F0", "label 149", 91)):
        page.keyboard.type(keys)
        wait_for_legend(page, **{name: n})
        expect(hint).to_be_hidden()
        page.keyboard.press("Control+z")
        wait_for_legend(page, unlabelled=90)
    seq = log.refresh() and log.seq
    page.keyboard.type(".1")
    expect(hint).to_contain_text("10 label 9 · 11 label 10")
    page.keyboard.press("Escape")  # gives it up, and nothing else
    expect(hint).to_be_hidden()
    page.keyboard.type(".52")
    wait_for_legend(page, **{"label 51": 91})
    page.keyboard.press("Control+z")
    wait_for_legend(page, unlabelled=90)
    page.keyboard.type(".z1")
    expect(hint).to_have_text("No label has the keys . z1")
    wait_for_selected(page, 90)
    log.refresh()
    assert [action.kind for action in log.actions[seq:]] == ["assign", "undo"]
    page.keyboard.press("?")
    expect(page.get_by_text("these keys")).to_be_visible()


@pytest.mark.parametrize("n_labels", [3, 150])  # of 150 several have one colour and shape
def test_the_chips_are_the_maps_legend(
    shared_server: Server, new_page: Callable[..., Page], project: Project, n_labels: int
) -> None:
    log = project.open_log()
    for place in range(n_labels):
        log.assign(np.arange(place, 200, n_labels), f"label {place}")
    counts = {label.name: int(log.counts()[label.id]) for label in log.labels}
    page = opened(new_page, shared_server, project)
    root = page.locator(".corral-map")
    lit = [(name, counts[name]) for name in ("label 0", "label 2")] + [("unlabelled", 40)]
    expect(page.locator(".corral-legend")).to_be_hidden()
    seq = log.seq
    for name, n in lit:
        chip(page, name).hover()
        expect(root).to_have_attribute("data-lit", str(n))
    page.mouse.move(300, 400)
    expect(root).to_have_attribute("data-lit", "")
    chip(page, "label 1").focus()
    expect(root).to_have_attribute("data-lit", str(counts["label 1"]))
    wait_for_selected(page, 0)

    chip(page, "label 0").click(modifiers=["ControlOrMeta"])
    wait_for_selected(page, counts["label 0"])
    chip(page, "label 2").click(modifiers=["Shift"])
    wait_for_selected(page, counts["label 0"] + counts["label 2"])
    chip(page, "label 2").click(modifiers=["Alt"])
    wait_for_selected(page, counts["label 0"])
    expect(page.get_by_text(f"{240 - counts['label 2']} of 240 are shown")).to_be_visible()
    wait_for_legend(page, **{"label 2": 0, "label 0": counts["label 0"]})
    chip(page, "label 2").focus()
    page.keyboard.press("Alt+Enter")
    wait_for_legend(page, **{"label 2": counts["label 2"]})
    chip(page, "unlabelled").click()
    wait_for_selected(page, 40)
    log.refresh()
    assert log.seq == seq, "nothing was labelled"

    # Coloured by something else the map has its own legend again, and chips still light their points up.
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="channel", exact=True).click()
    wait_for_legend(page, mail=60, chat=180)
    chip(page, "label 2").hover()
    expect(root).to_have_attribute("data-lit", str(counts["label 2"]))
    chip(page, "label 2").click(modifiers=["Alt"])
    expect(page.get_by_text("can be hidden while the map is coloured by label")).to_be_visible()


def test_the_chips_stand_as_they_are_sorted(
    shared_server: Server, new_page: Callable[..., Page], project: Project
) -> None:
    log = project.open_log()
    for rows, name in ((range(5), "beta"), (range(5, 25), "gamma"), (range(25, 35), "alpha")):
        log.assign(rows, name)
    page = opened(new_page, shared_server, project)

    def stand(names: list[str]) -> None:
        def left(name: str) -> tuple[float, float]:
            box = chip(page, name).bounding_box()
            assert box
            return box["y"], box["x"]

        until(page, lambda: sorted(names, key=left) == names, f"the order {names}")

    stand(["beta", "gamma", "alpha", "unlabelled"])
    button = page.locator(".st-key-sort-labels button").filter(visible=True)
    button.click()
    expect(button).to_contain_text("by use")
    stand(["gamma", "alpha", "beta", "unlabelled"])
    button.click()
    expect(button).to_contain_text("by name")
    stand(["alpha", "beta", "gamma", "unlabelled"])
    page.keyboard.press("n")
    page.keyboard.type("a")
    expect(page.locator(".corral-names [role=option] .corral-names-name")).to_have_text(
        ["Enter: new label “a”", "alpha", "beta", "gamma"]
    )
    page.keyboard.press("Escape")

    hidden = "name => getComputedStyle(name).textDecorationLine"
    chip(page, "beta").click(modifiers=["Alt"])
    until(page, lambda: chip(page, "beta").evaluate(hidden) == "line-through", "the chip of hidden points")
    chip(page, "beta").click(modifiers=["Alt"])
    until(page, lambda: chip(page, "beta").evaluate(hidden) == "none", "the chip of points that are shown again")
