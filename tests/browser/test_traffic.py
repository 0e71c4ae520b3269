"""What a step costs: how often the server runs a part of the page for it, and how much it says."""

from collections.abc import Callable

import numpy as np
from playwright.sync_api import Page, expect

from labelling.workspace import Project, Workspace
from tests.browser.app import chip, settle, type_label, wait_for_legend, wait_for_selected
from tests.browser.helpers import GROUP, N, places, round_group
from tests.browser.traffic import Traffic

AT_REST_MS = 3_000
MESSAGES, BYTES = 130, 45_000  # of a run: the panel's and the map's parts, each once
A_THIRD = N // 3


def test_a_step_runs_one_part_of_the_page_once(page: Page, traffic: Traffic, project: Project) -> None:
    points = places(page, project)

    def costs_one_run(do: Callable[[], None], shown: Callable[[], None]) -> None:
        traffic.count()
        with traffic.answered():
            do()
        shown()
        assert traffic.runs == 1
        assert traffic.messages < MESSAGES
        assert traffic.down < BYTES

    def select(group: int) -> None:
        costs_one_run(lambda: round_group(page, points, group), lambda: wait_for_selected(page, A_THIRD))

    select(0)
    costs_one_run(lambda: type_label(page, "pies"), lambda: wait_for_legend(page, pies=A_THIRD))
    costs_one_run(lambda: page.keyboard.press("Escape"), lambda: wait_for_selected(page, 0))
    select(1)
    costs_one_run(lambda: page.keyboard.press("i"), lambda: wait_for_selected(page, N - A_THIRD))
    # What is hidden is selected no longer: that is said in the same run.
    costs_one_run(lambda: chip(page, "pies").click(modifiers=["Alt"]), lambda: wait_for_selected(page, A_THIRD))
    expect(page.get_by_text(f"{A_THIRD} are hidden now, and no longer selected")).to_be_visible()
    costs_one_run(lambda: chip(page, "pies").click(modifiers=["Alt"]), lambda: wait_for_legend(page, pies=A_THIRD))


def test_a_page_at_rest_is_told_what_others_do_and_nothing_else(page: Page, traffic: Traffic, project: Project) -> None:
    points = places(page, project)
    round_group(page, points, 0)
    wait_for_selected(page, A_THIRD)
    traffic.count()
    page.wait_for_timeout(AT_REST_MS)
    assert (traffic.runs, traffic.messages, traffic.up) == (0, 0, 0)

    project.open_log("Ben").assign(np.flatnonzero(GROUP == 1), "trains")
    expect(page.get_by_text("Ben: ")).to_be_visible()
    wait_for_legend(page, trains=A_THIRD)
    wait_for_selected(page, A_THIRD)  # the selection stays
    page.wait_for_timeout(AT_REST_MS)
    assert traffic.runs == 1
    assert traffic.messages < MESSAGES


def test_a_page_with_buttons_that_save_files_is_at_rest_and_says_what_fails(
    page: Page, traffic: Traffic, project: Project
) -> None:
    project.open_log().assign([0], "pies")
    page.get_by_role("link", name="Export").click()
    expect(page.get_by_role("button", name="Download the page")).to_be_visible()
    settle(page)
    traffic.count()
    page.wait_for_timeout(AT_REST_MS)
    assert (traffic.runs, traffic.messages, traffic.up) == (0, 0, 0)

    Workspace(project.folder.parents[1]).delete(project.id)
    page.get_by_role("button", name="Download the page").click()
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    page.wait_for_timeout(AT_REST_MS)
    assert traffic.runs == 1
