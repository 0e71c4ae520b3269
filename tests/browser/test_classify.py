"""Training a classifier in the page: the map before and after, and its suggestions labelled with a key."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.workspace import Project
from tests.browser.app import legend, settle, shot, until, wait_for_legend, wait_for_map
from tests.browser.helpers import GROUP
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_train_look_keep_and_take_suggestions(
    shared_server: Server,
    new_page: Callable[..., Page],
    project: Project,
) -> None:
    log = project.open_log()
    for group, name in enumerate(("apples", "trains", "plants")):
        log.assign(np.flatnonzero(group == GROUP)[:20], name)
    page = new_page()
    page.goto(f"{shared_server.url}/classify?project={project.id}")
    page.get_by_text("More settings").click()
    expect(page.get_by_text("parameters will move")).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("Suggested for texts without a label")).to_be_visible()
    page.wait_for_function("() => globalThis.__corral.maps.get('map-after')?.ready")
    settle(page)
    shot(page, "classify")
    page.get_by_role("button", name="Keep it").click()
    page.wait_for_url("**/label?project=*")
    page.get_by_text("Quick map", exact=True).click()  # the UMAP may be there by now
    wait_for_map(page, "PCA", space=1)
    page.get_by_role("button", name="Suggestions").click()
    page.get_by_role("button", name=re.compile(r"^trains \(\d+\) how right")).click()
    expect(page.get_by_role("heading", name=re.compile(r"^\d\d selected$"))).to_be_visible()
    expect(page.get_by_text("At least so sure")).to_have_count(0)  # nothing lies over the map
    expect(page.get_by_role("button", name=re.compile(r"^Accept \d+ as trains"))).to_be_visible()
    page.keyboard.press("Enter")
    until(page, lambda: legend(page).get("trains", 0) > 40, "the suggested ones")
    log.refresh()
    assert log.actions[-1].source == "suggestion"
    given = log.rows_of(log.seq)
    assert len(given) > 20
    assert (GROUP[given] == 1).mean() > 0.95
    wait_for_legend(page, apples=20, plants=20, trains=20 + len(given))
