"""The separation page: record the demo, play, pause, drag the slider, and play the saved file without a network."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.app import TIMEOUT, pictures, shot
from tests.browser.helpers import NAUGHTY
from tests.browser.server import Server
from tests.browser.traffic import Traffic

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def open_separation(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.get_by_role("link", name="Show").click()


def record(page: Page) -> None:
    page.get_by_role("button", name="Record").click()
    page.locator(".corral-player[data-frame]").wait_for()  # it plays of itself


def frame(page: Page) -> int:
    return int(page.locator("[data-frame]").get_attribute("data-frame") or "")


def wait_for_frame(page: Page, condition: str) -> None:
    page.wait_for_function(
        f"() => {{ const frame = Number(document.querySelector('[data-frame]').dataset.frame); return {condition}; }}"
    )


def places(page: Page) -> list[str]:
    """Where the points of the first label are on the screen."""
    return page.evaluate(
        "() => [...document.querySelector('.scatterlayer .trace').querySelectorAll('.point')]"
        ".map(point => point.getAttribute('transform'))"
    )


def press(page: Page, name: str) -> None:
    page.locator(".updatemenu-button", has_text=name).click()


def rest(page: Page) -> None:
    """Until plotly.js has no picture left to show, and no point is on its way."""
    page.wait_for_function(
        """() => {
            const { _transitionData, _transitioning } = document.querySelector("[data-frame]");
            return !_transitionData._animationRaf && !_transitioning;
        }"""
    )


def drag_slider_to_start(page: Page) -> None:
    grip, rail = (page.locator(f".slider-{part}-rect").bounding_box() for part in ("grip", "rail"))
    assert grip
    assert rail
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(rail["x"] + rail["width"] / 2, grip["y"] + 5, steps=5)
    page.mouse.move(rail["x"] + 1, grip["y"] + 5, steps=5)
    page.mouse.up()
    wait_for_frame(page, "frame === 0")


def play_through(page: Page, last: int) -> None:
    """Press play at the start: the points move, pause where told, and move on to the end."""
    before = places(page)
    press(page, "Play")
    wait_for_frame(page, "frame > 10")
    press(page, "Pause")
    rest(page)
    at, between = frame(page), places(page)
    assert 10 < at < last
    assert between != before
    pictures(page, 40)
    assert (frame(page), places(page)) == (at, between)
    press(page, "Play")
    wait_for_frame(page, f"frame === {last}")
    rest(page)
    assert places(page) not in (before, between)


def open_offline(browser: Browser, path: Path, color_scheme: str = "dark") -> tuple[Page, list[str]]:
    """Open a saved file where there is no network; what it asks for, and its errors, are in the list."""
    context = browser.new_context(viewport={"width": 1440, "height": 960}, color_scheme=color_scheme, offline=True)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    heard: list[str] = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda message: heard.append(message.text))
    page.goto(path.as_uri())
    page.locator("#player[data-frame]").wait_for()
    return page, heard


def test_the_demo_is_recorded_played_and_saved(
    shared_server: Server, new_page: Callable[..., Page], browser: Browser, tmp_path: Path
) -> None:
    page = new_page()
    traffic = Traffic(page)
    open_separation(page, shared_server)
    record(page)
    wait_for_frame(page, "frame === 160")
    rest(page)
    end = places(page)
    shot(page, "separation")
    drag_slider_to_start(page)
    assert places(page) != end
    play_through(page, 160)
    assert places(page) == end

    # The same from the keyboard.
    page.locator(".corral-player").focus()
    page.keyboard.press("Home")
    wait_for_frame(page, "frame === 0")
    page.keyboard.press("ArrowRight")
    wait_for_frame(page, "frame > 0")
    page.keyboard.press("ArrowLeft")
    wait_for_frame(page, "frame === 0")
    page.keyboard.press("Space")
    wait_for_frame(page, "frame > 10")
    page.keyboard.press("Space")
    rest(page)
    at = frame(page)
    pictures(page, 40)
    assert frame(page) == at < 160
    page.keyboard.press("End")
    wait_for_frame(page, "frame === 160")

    # Another setting leaves what was recorded where it is; so does a look at another page.
    drag_slider_to_start(page)
    page.get_by_role("spinbutton", name="Seed").fill("3")
    with traffic.answered():
        page.get_by_role("spinbutton", name="Seed").press("Enter")
    pictures(page, 40)
    assert frame(page) == 0
    page.get_by_role("link", name="Texts").click()
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()
    page.get_by_role("link", name="Show").click()
    page.locator(".corral-player[data-frame]").wait_for()

    with page.expect_download() as download:
        page.get_by_role("button", name="Save as HTML").click()
    path = tmp_path / download.value.suggested_filename
    assert path.suffix == ".html"
    download.value.save_as(path)
    alone, heard = open_offline(browser, path)
    expect(alone.get_by_text("60 (10 for each of 6 labels)")).to_be_visible()
    drag_slider_to_start(alone)  # while it plays of itself: the slider has the last word
    play_through(alone, 160)
    assert heard == [path.as_uri()]
    alone.context.close()


def test_markup_in_names_and_texts_runs_nowhere(
    shared_server: Server, new_page: Callable[..., Page], browser: Browser, tmp_path: Path
) -> None:
    naughty = NAUGHTY.replace('"', "'") + "</script><script>window.caught = 1</script>"
    rows = [
        f"{naughty} {row},{'<img src=x onerror=caught=1></script>' if row % 2 else 'a <b>name</b>'}"
        for row in range(40)
    ]
    uploaded = tmp_path / "naughty.csv"
    uploaded.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    page = new_page()
    open_separation(page, shared_server)
    page.get_by_text("A file", exact=True).click()
    page.locator("input[type=file]").set_input_files(uploaded)
    expect(page.get_by_text("2 of 2 labels, 40 texts")).to_be_visible()
    record(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as HTML").click()
    path = tmp_path / "saved.html"
    download.value.save_as(path)
    alone, heard = open_offline(browser, path, "light")
    for each in (page, alone):
        wait_for_frame(each, "frame === 160")
        rest(each)
        box = each.locator(".scatterlayer .trace .point").first.bounding_box()
        assert box
        each.mouse.move(box["x"] + 30, box["y"] + 30)
        each.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        hover = each.locator(".hoverlayer .hovertext")
        expect(hover).to_contain_text("<script>window.caught = 1</script>")
        names = each.locator(".legend .legendtext").all_text_contents()
        assert names == ["<img src=x onerror=caug…", "a <b>name</b>"]
        assert each.evaluate("() => window.caught") is None
    assert heard == [path.as_uri()]
    alone.context.close()
