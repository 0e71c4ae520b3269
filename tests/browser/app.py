"""What a person does with the app, and where the points are on their screen."""

import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
from playwright.sync_api import Locator, Page, expect

TIMEOUT = 180_000  # ms; a loaded machine with two cores takes its time
VIEW = "(({x, y}) => [...x, ...y])(globalThis.__corral.maps.get('map').range)"


def open_demo(page: Page, url: str, *, easy: bool = False) -> str:
    """Open a demo; its project's id."""
    page.goto(url)
    page.get_by_role("button", name="Open the easy demo" if easy else "Open the demo").click()
    page.wait_for_url("**/label?project=*")
    return project_id(page)


def project_id(page: Page) -> str:
    page.wait_for_url("**project=*")  # a page that was just gone to puts it there as it runs
    return parse_qs(urlparse(page.url).query)["project"][0]


def until(page: Page, condition: Callable[[], bool], what: str) -> None:
    """Until a condition holds that the page itself can't tell; looked at once a picture."""
    end = time.monotonic() + TIMEOUT / 1000
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {TIMEOUT / 1000:.0f} s for {what}")
        pictures(page, 1)


def pictures(page: Page, n: int) -> None:
    """Until the browser has drawn so many more pictures."""
    page.evaluate(
        "async n => { for (; n > 0; n--) await new Promise((drawn) => requestAnimationFrame(drawn)); }",
        n,
    )


def settle(page: Page) -> None:
    """Until the server has no more to say, and every map is drawn and stays where it is from picture to picture."""
    page.wait_for_function(
        """() => {
            const app = document.querySelector("[data-testid=stApp]");
            if (app?.dataset.testScriptState !== "notRunning") return false;
            const places = [app.scrollHeight];
            for (const map of globalThis.__corral?.maps.values() ?? []) {
                if (!map.ready || map.frame || map.moving || map.travel.playing) return false;
                const box = map.stage.getBoundingClientRect();
                places.push(box.x, box.y, box.width, box.height, map.chart.clientWidth, map.canvas.width);
            }
            const now = places.join(" ");
            const { was, pictures } = globalThis.__settling ?? {};
            globalThis.__settling = { was: now, pictures: now === was ? pictures + 1 : 0 };
            if (globalThis.__settling.pictures < 5) return false;
            globalThis.__settling = null;
            return true;
        }"""
    )


def wait_for_map(page: Page, projection: str, space: int = 0) -> None:
    """Until the map shows this projection of this space, can be drawn on, and nothing moves any more."""
    wanted = f"^{project_id(page)}-[0-9]+-{space}-{projection}$"
    page.wait_for_function(
        """wanted => {
            const map = globalThis.__corral?.maps.get("map");
            const shown = map?.ready && new RegExp(wanted).test(map.positionsId);
            const there = shown && map.drawnOn?.startsWith(map.positionsId);
            return there && map.travel.t === 1 && document.contains(map.root);
        }""",
        arg=wanted,
    )
    settle(page)


def view(page: Page) -> list[float]:
    """The part of the plane that the map shows: from and to across, from and to upwards."""
    return page.evaluate(f"() => {VIEW}")


def wait_for_view(page: Page, wanted: list[float]) -> None:
    page.wait_for_function(f"wanted => JSON.stringify({VIEW}) === JSON.stringify(wanted)", arg=wanted)


def stage(page: Page) -> np.ndarray:
    """The corners of the map, left top and right bottom, in the page's pixels: (2, 2)."""
    left, top, width, height = page.locator(".corral-stage").evaluate(
        """stage => {
            const box = stage.getBoundingClientRect();
            return [box.x + stage.clientLeft, box.y + stage.clientTop, stage.clientWidth, stage.clientHeight];
        }"""
    )
    return np.array([[left, top], [left + width, top + height]])


def on_screen(page: Page, xy: np.ndarray) -> np.ndarray:
    """Where these points of the map (n, 2) are now, in the page's pixels; ask anew when the page has changed."""
    settle(page)
    x0, x1, y0, y1 = view(page)
    (left, top), (right, bottom) = stage(page)
    xy = xy.astype(float)
    across = (xy[:, 0] - x0) / (x1 - x0) * (right - left) + left
    down = (y1 - xy[:, 1]) / (y1 - y0) * (bottom - top) + top
    return np.column_stack([across, down])


def lasso(page: Page, centre: np.ndarray, radius: float | np.ndarray, modifier: str | None = None) -> None:
    """Drag a round lasso with the mouse, or an oval one of two radii. What of it lies beyond the map is cut off."""
    corners = stage(page)
    middle = corners.mean(axis=0)
    # Begun on the side of the middle of the map: at its edges are tools, and beyond them no lasso begins.
    start = math.atan2(*(middle - centre)[::-1])
    angles = start + np.linspace(0, 2, 40) * math.pi
    path = centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    path = np.clip(path, corners[0] + 1, corners[1] - 1)
    if modifier:
        page.keyboard.down(modifier)
    page.mouse.move(*path[0])
    page.mouse.down()
    for x, y in path[1:]:
        page.mouse.move(x, y)
    page.mouse.up()
    if modifier:
        page.keyboard.up(modifier)


def wheel(page: Page, at: np.ndarray, by: float) -> list[float]:
    """Zoom with the mouse's wheel there, until plotly.js has done with it; what the map shows then."""
    page.evaluate(
        """() => {
            globalThis.__wheeled = false;
            globalThis.__corral.maps.get("map").chart.once("plotly_relayout", () => (globalThis.__wheeled = true));
        }"""
    )
    page.mouse.move(*at)
    page.mouse.wheel(0, by)
    page.wait_for_function("() => globalThis.__wheeled")
    return view(page)


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


LEGEND = r"""() => {
    const shown = {};
    for (const entry of document.querySelectorAll(".corral-legend-entry")) {
        const read = (part) => entry.querySelector(`.corral-legend-${part}`).textContent;
        shown[read("name")] = Number(read("count").replaceAll(",", ""));
    }
    if (Object.keys(shown).length) return shown;
    for (const chip of document.querySelectorAll("[class*='st-key-label-'] button p")) {
        const [, name, count] = /^(.*?)\s+\(([\d,]+)[^(]*\)$/s.exec(chip.textContent);
        shown[name] = Number(count.replaceAll(",", ""));
    }
    return shown;
}"""


def legend(page: Page) -> dict[str, int]:
    """How many points are shown of each label, or whatever the colours mean: by its chips or below it."""
    return page.evaluate(LEGEND)


def wait_for_legend(page: Page, **counts: int) -> None:
    page.wait_for_function(
        f"counts => Object.entries(counts).every(([name, count]) => (({LEGEND})()[name] ?? 0) === count)",
        arg=counts,
    )


def chip(page: Page, name: str) -> Locator:
    """The chip of a label, or of "unlabelled", beside the map."""
    chips = page.locator("[class*='st-key-label-'] button").filter(visible=True)
    return chips.filter(has_text=re.compile(rf"^{re.escape(name)}\s+\("))


def shot(page: Page, name: str, height: int | None = None) -> None:
    """A screenshot for the README, where CORRAL_SCREENSHOTS names a folder; of so many pixels' height if need be."""
    if folder := os.environ.get("CORRAL_SCREENSHOTS"):
        before = page.viewport_size
        assert before
        page.mouse.move(5, 5)
        expect(page.get_by_test_id("stToast")).to_have_count(0)
        if height:
            page.set_viewport_size({"width": before["width"], "height": height})
        settle(page)
        page.screenshot(path=Path(folder) / f"{name}.png")
        page.set_viewport_size(before)


def nothing_was_caught(page: Page) -> None:
    """No script in a text or a name has run: none at once, and none when a picture couldn't be loaded."""
    page.evaluate(
        "() => new Promise((end) => Object.assign(new Image(), { src: 'x?asked-for-last', onerror: () => end() }))"
    )
    assert page.evaluate("() => window.caught") is None


def wait_for_selected(page: Page, n: int) -> None:
    """Until so many points are selected: in the panel's words, drawn on the map, and all of the panel is there."""
    if n:
        expect(page.get_by_role("heading", name=f"{n:,} selected", exact=True)).to_be_visible()
    else:
        expect(page.get_by_text("Nothing selected")).to_be_visible()
    page.wait_for_function("n => document.querySelector('.corral-map').dataset.selected === String(n)", arg=n)
    settle(page)
