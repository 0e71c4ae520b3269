"""What axe-core finds on every page: nothing serious. And nothing jumps on the label page while one works on it."""

import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from labelling.workspace import Project
from tests.browser.app import settle, wait_for_map
from tests.browser.helpers import GROUP, places, round_group, search
from tests.browser.server import ROOT, Server
from tests.browser.traffic import Traffic

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PAGES = {
    **{"Label": "label", "Labels": "labels", "Improve": "tune", "Classify": "classify", "Check": "history"},
    **{"Export": "export", "Show": "separation", "Texts": ""},
}
OF_COLOURS = ("color-contrast", "link-in-text-block")  # all that a theme changes
SERIOUS = ("serious", "critical")
# Streamlit's and plotly's own parts, which no page of ours can change.
NOT_OURS = (
    "[data-testid=stToolbar]",
    "[data-testid=stHeader]",
    ".modebar",
    ".js-plotly-plot",
    "[data-testid=stDataFrame]",
)


def found_by_axe(page: Page, rules: tuple[str, ...] = ()) -> list[str]:
    """Each serious fault: its rule, what it is about, and the first element that has it. Of all rules, or of these."""
    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    run = "([skip, how]) => axe.run({ exclude: skip.map((name) => [name]) }, how)"
    result: dict[str, Any] = page.evaluate(run, [list(NOT_OURS), {"resultTypes": ["violations"], **only}])
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
    traffic = Traffic(page)
    page.goto(f"{shared_server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = []
    for title, path in PAGES.items():
        if title != "Label":
            with traffic.answered():  # to open a page anew takes far longer than to go there
                page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(f"^{title}$")).click()
            page.wait_for_url(re.compile(rf"//[^/]*/{path}(\?|$)"))
        settle(page)
        found += [f"{title}: {fault}" for fault in found_by_axe(page, OF_COLOURS if theme == "dark" else ())]
    assert not found, "\n".join(found)


STAYS = {
    "the map": ".corral-stage",
    "what is selected": ".st-key-corral-head",
    "what it bears": ".st-key-corral-bears",
    "the name": 'input[aria-label="New label"]',
    "the labels": ".st-key-corral-labels",
    "the line below the map": ".st-key-corral-below",
}


@pytest.mark.parametrize(("width", "height", "n_labels"), [(1100, 700, 150), (1440, 900, 11), (1920, 1080, 150)])
def test_nothing_jumps_and_the_texts_are_in_sight(
    shared_server: Server, new_page: Callable[..., Page], project: Project, width: int, height: int, n_labels: int
) -> None:
    log, n_labelled = project.open_log(), n_labels
    for number in range(n_labels):
        log.assign([number], f"label {number}")
    page = new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{shared_server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    page.get_by_text("Quick map", exact=True).click()
    wait_for_map(page, "PCA")

    def boxes() -> dict[str, tuple[int, ...]]:
        settle(page)
        found = {name: page.locator(css).first.bounding_box() for name, css in STAYS.items()}
        return {name: tuple(round(box[side]) for side in ("x", "y", "width")) for name, box in found.items() if box}

    before = boxes()
    assert set(before) == set(STAYS)
    round_group(page, places(page, project), 1)
    expect(page.get_by_role("heading", name="80 selected")).to_be_visible()
    assert boxes() == before, "after a lasso"
    expect(page.locator("[role=status].corral-spoken")).to_have_text(f"Selected: 80. Labelled: {n_labelled:,} of 240.")
    texts = page.locator(".st-key-corral-texts .corral-sample")
    panel = page.locator("[data-testid=stLayoutWrapper]:has(> .st-key-corral-texts)").bounding_box()
    seen = [box for row in texts.all() if (box := row.bounding_box()) and box["y"] + box["height"] <= height]
    assert panel
    assert panel["y"] + panel["height"] <= height
    assert len(seen) >= 3, "texts of the selection that can be read at once"
    search(page, "train")
    expect(page.get_by_text("with the words train")).to_be_visible()
    assert boxes() == before, "after a search"
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing selected")).to_be_visible()
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="80 selected")).to_be_visible()
    settle(page)
    page.keyboard.press("1")
    expect(page.get_by_text(re.compile("labelled label 0")).first).to_be_visible()
    after = boxes()
    assert after == before, "after a label was given"
    scrolled = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    assert scrolled <= height, "nothing scrolls but the texts"
