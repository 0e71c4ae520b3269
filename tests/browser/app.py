"""What a person does with the app, and where the points are on their screen."""

import math
import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
from playwright.sync_api import Page, expect


def open_demo(page: Page, url: str) -> str:
    """Open the demo; its project's id."""
    page.goto(url)
    page.get_by_role("button", name="Open the demo").click()
    page.wait_for_url("**/label?project=*")
    return project_id(page)


def project_id(page: Page) -> str:
    return parse_qs(urlparse(page.url).query)["project"][0]


def wait_for_map(page: Page, projection: str, space: int = 0) -> None:
    """Until the map shows this projection of this space and its points no longer travel."""
    wanted = f"^{project_id(page)}-[0-9]+-{space}-{projection}$"
    page.wait_for_function(
        """wanted => {
            const map = globalThis.__corral?.maps.get("map");
            const there = map?.ready && new RegExp(wanted).test(map.positionsId);
            return there && map.travel.t === 1 && document.contains(map.root);
        }""",
        arg=wanted,
    )


def on_screen(page: Page, xy: np.ndarray) -> np.ndarray:
    """Where these points of the map (n, 2) are, in the page's pixels."""
    (x0, x1), (y0, y1) = page.evaluate(
        "() => { const {x, y} = globalThis.__corral.maps.get('map').range; return [x, y]; }"
    )
    left, top, width, height = page.locator(".corral-stage").evaluate(
        """stage => {
            const box = stage.getBoundingClientRect();
            return [box.x + stage.clientLeft, box.y + stage.clientTop, stage.clientWidth, stage.clientHeight];
        }"""
    )
    xy = xy.astype(float)
    across = (xy[:, 0] - x0) / (x1 - x0) * width + left
    down = (y1 - xy[:, 1]) / (y1 - y0) * height + top
    return np.column_stack([across, down])


def lasso(page: Page, centre: np.ndarray, radius: float | np.ndarray, modifier: str | None = None) -> np.ndarray:
    """Drag a round lasso with the mouse, or an oval one of two radii; its corners in the page's pixels."""
    angles = np.linspace(1, 3, 40) * math.pi  # from the left: on the right there may be the toolbar
    path = centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    if modifier:
        page.keyboard.down(modifier)
    page.mouse.move(*path[0])
    page.mouse.down()
    for x, y in path[1:]:
        page.mouse.move(x, y)
    page.mouse.up()
    if modifier:
        page.keyboard.up(modifier)
    return path


def densest(points: np.ndarray, radius: float) -> np.ndarray:
    """The one of these points (n, 2) with the most of the others round it: where a person would draw."""
    near = np.hypot(*(points[:, None] - points).transpose(2, 0, 1)) < radius
    return points[near.sum(0).argmax()]


def inside_and_near(points: np.ndarray, centre: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Which points a round lasso surely holds, and which are too close to its edge to tell (a lasso has corners)."""
    distance = np.hypot(*(points - centre).T)
    return np.flatnonzero(distance < radius - 4), np.flatnonzero(np.abs(distance - radius) <= 4)


def selected(page: Page) -> int:
    """How many points the page says are selected."""
    heading = page.get_by_role("heading", name=re.compile(r"^[\d,]+ selected$"))
    expect(heading).to_be_visible()
    return int(heading.inner_text().split()[0].replace(",", ""))


def type_label(page: Page, name: str) -> None:
    box = page.get_by_placeholder("type a name")
    box.fill(name)
    box.press("Enter")


def legend(page: Page) -> dict[str, int]:
    """The legend under the map: how many points it counts for each label."""
    entries = page.locator(".corral-legend-entry")
    names = entries.locator(".corral-legend-name").all_inner_texts()
    counts = entries.locator(".corral-legend-count").all_inner_texts()
    return {name: int(count.replace(",", "")) for name, count in zip(names, counts, strict=True)}


def wait_for_legend(page: Page, **counts: int) -> None:
    page.wait_for_function(
        """counts => {
            const shown = {};
            for (const entry of document.querySelectorAll(".corral-legend-entry")) {
                const read = (part) => entry.querySelector(`.corral-legend-${part}`).textContent;
                shown[read("name")] = Number(read("count").replaceAll(",", ""));
            }
            return Object.entries(counts).every(([name, count]) => (shown[name] ?? 0) === count);
        }""",
        arg=counts,
    )


def shot(page: Page, name: str, height: int | None = None) -> None:
    """A screenshot for the README, where CORRAL_SCREENSHOTS names a folder; of so many pixels' height if need be."""
    if folder := os.environ.get("CORRAL_SCREENSHOTS"):
        before = page.viewport_size
        assert before
        page.mouse.move(5, 5)
        expect(page.get_by_test_id("stToast")).to_have_count(0)
        if height:
            page.set_viewport_size({"width": before["width"], "height": height})
            page.wait_for_timeout(1500)
        page.screenshot(path=Path(folder) / f"{name}.png")
        page.set_viewport_size(before)


def wait_for_selected(page: Page, n: int) -> None:
    """Until so many points are selected: in the panel's words, and drawn on the map."""
    if n:
        expect(page.get_by_role("heading", name=f"{n:,} selected", exact=True)).to_be_visible()
    else:
        expect(page.get_by_text("Nothing selected")).to_be_visible()
    page.wait_for_function("n => document.querySelector('.corral-map').dataset.selected === String(n)", arg=n)
