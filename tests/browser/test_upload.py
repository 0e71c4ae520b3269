"""Files chosen in a real browser: read in another way, lost on their way, or given to a server started anew."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

LOST = "This file did not reach the server"


def file(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def choose(page: Page, path: Path) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(path)


def loaded(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=name, exact=True)


def text_column(page: Page) -> Locator:
    """The select box of the text column."""
    return page.get_by_role("combobox", name="Column with the texts")


def drawn(page: Page) -> None:
    """Until the controls of a file are there: what draws them is fetched from the server when they first come."""
    # Once: for a moment a page that is drawn anew has what it had before, too.
    expect(page.get_by_text("there are none")).to_have_count(1)
    expect(page.get_by_text("there are none")).to_be_visible()
    expect(text_column(page)).to_be_visible()
    for kind in ("stDataFrame", "stRadio"):
        expect(page.get_by_test_id(kind).first).to_be_visible()


def start_anew(page: Page, server: Server) -> None:
    """Kill the server under an open page, start it again on the same port, wait until the page has found it."""
    chooser = page.get_by_test_id("stFileUploaderDropzoneInput")
    expect(chooser).to_be_enabled()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    server.kill()
    expect(chooser).to_be_disabled()
    server.start()
    expect(chooser).to_be_enabled()


def test_an_open_page_gives_its_file_to_a_server_that_was_started_anew(
    server: Server, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    first = file(tmp_path, "first.csv", "id,text\n1,the card was lost\n2,where is it\n")
    second = file(tmp_path, "second.csv", "id,text\n1,the refund is late\n2,how is it\n3,who is it\n")
    page = new_page()
    page.goto(server.url)
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()
    start_anew(page, server)
    choose(page, first)  # the first that the new server hears of this page
    expect(loaded(page, "first.csv")).to_be_visible()
    expect(page.get_by_text("2 rows, as read")).to_be_visible()
    drawn(page)

    start_anew(page, server)
    choose(page, second)
    expect(loaded(page, "second.csv")).to_be_visible()
    expect(page.get_by_text("3 rows, as read")).to_be_visible()
    drawn(page)

    start_anew(page, server)
    page.get_by_text("there are none").click()  # something else, of a file that the new server has never seen
    gone = page.get_by_text("no longer has this file: choose it again")
    expect(gone).to_be_visible()
    expect(loaded(page, "second.csv")).to_have_count(0)
    choose(page, second)
    expect(loaded(page, "second.csv")).to_be_visible()
    expect(gone).to_have_count(0)


def test_a_file_that_is_lost_on_its_way_is_said_and_can_be_chosen_again(
    shared_server: Server, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    path = file(tmp_path, "mine.csv", "id,text\n1,the card was lost\n2,where is it\n")
    page = new_page()
    page.goto(shared_server.url)
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()
    page.route("**/upload_file/**", lambda route: route.abort())
    choose(page, path)
    said = "() => getComputedStyle(document.querySelector('.stFileUploader'), '::after').content"
    page.wait_for_function(f"lost => ({said})().includes(lost)", arg=LOST)
    page.unroute("**/upload_file/**")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add files").click()
    chooser.value.set_files(path)
    expect(loaded(page, "mine.csv")).to_be_visible()
    assert LOST not in page.evaluate(said)


def test_a_refused_file_is_read_as_offered_and_with_another_row_of_names(
    shared_server: Server, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    rows = "".join(f"{row},the café of day {row}\n" for row in range(60))
    markup = "<img src=x onerror=alert(1)> na\u00efve **one**"
    data = f"Made by Ann\nid,message\n{rows}".encode() + f"60,{markup}\n".encode("cp1252")
    page = new_page()
    page.goto(shared_server.url)
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()
    choose(page, file(tmp_path, "mixed.csv", data))
    expect(page.get_by_text("The file mixes encodings")).to_be_visible()
    expect(page.get_by_test_id("stCode")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("img[src='x']").count() == 0
    page.get_by_role("button", name="Read all as cp1252").click()
    expect(loaded(page, "mixed.csv")).to_be_visible()
    expect(page.get_by_text("The file mixes encodings")).to_have_count(0)
    row = page.get_by_label("Names of the columns: in row", exact=True)
    expect(row).to_have_value("2")
    expect(page.get_by_text("61 rows, as read")).to_be_visible()
    expect(text_column(page)).to_have_value("message")

    page.get_by_text("there are none").click()
    expect(row).to_be_disabled()
    expect(text_column(page)).not_to_have_value("message")
    page.get_by_text("there are none").click()
    expect(row).to_be_enabled()
    row.fill("2")
    row.press("Enter")
    expect(text_column(page)).to_have_value("message")
    row.fill("900")
    row.press("Enter")
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    expect(page.get_by_text("61 rows, as read")).to_be_visible()
    expect(text_column(page)).to_have_value("message")
