"""What axe-core finds on every page: nothing serious. And nothing jumps on the label page while one works on it."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.workspace import Project
from tests.browser.app import settle
from tests.browser.helpers import GROUP
from tests.browser.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PAGES = ("label", "labels", "tune", "classify", "history", "export", "separation", "")
SERIOUS = ("serious", "critical")
# Streamlit's and plotly's own parts, which no page of ours can change.
NOT_OURS = (
    "[data-testid=stToolbar]",
    "[data-testid=stHeader]",
    ".modebar",
    ".js-plotly-plot",
    "[data-testid=stDataFrame]",
)


def found_by_axe(page: Page) -> list[str]:
    """Each serious fault: its rule, what it is about, and the first element that has it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    run = "(skip) => axe.run({ exclude: skip.map((name) => [name]) }, { resultTypes: ['violations'] })"
    result: dict[str, Any] = page.evaluate(run, list(NOT_OURS))
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in result["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(
    shared_server: Server, new_page: Callable[..., Page], project: Project, theme: str
) -> None:
    if not AXE.exists():
        assert "CORRAL_NODE_REQUIRED" not in os.environ, "axe-core is not installed: run `make scripts` before"
        pytest.skip("axe-core is not installed: run `make scripts` before")
    log = project.open_log()
    for group, name in enumerate(("apples", "trains", "plants")):
        log.assign(np.flatnonzero(group == GROUP)[:40], name)
    page = new_page(color_scheme=theme)
    found: list[str] = []
    for name in PAGES:
        page.goto(f"{shared_server.url}/{name}?project={project.id}" if name else shared_server.url)
        expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")
        settle(page)
        found += [f"{name or 'texts'}: {fault}" for fault in found_by_axe(page)]
    assert not found, "\n".join(found)
