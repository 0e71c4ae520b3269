"""Signing in with a provider of the tests' own: whose a project is, who else sees it, and that nobody else does."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.app import pictures, until, wait_for_map, wait_for_selected
from tests.browser.helpers import ANN, BEN, address, make
from tests.browser.server import Server


@pytest.fixture
def server(server_with_sign_in: Server) -> Server:
    return server_with_sign_in


pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PAGES = ("label", "labels", "tune", "history", "export")  # on which a project is


def sign_in(page: Page, server: Server, name: str) -> None:
    page.goto(server.url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()


def refusal(page: Page, server: Server, name: str, project: str) -> str:
    """What a page says of this project, in place of showing it; its id cut out."""
    page.goto(address(server, name, project))
    message = page.get_by_text("There is no project")
    expect(message).to_be_visible()
    expect(page.get_by_role("link", name="Go to the texts")).to_be_visible()
    expect(page.get_by_text(", text 1")).to_have_count(0)
    return page.locator(".stMain").inner_text().replace(project, "")


def listed(page: Page) -> list[str]:
    """The names of the projects on the texts page."""
    expect(page.get_by_role("button", name="Open", exact=True).first).to_be_visible()
    return [name for name in ("letters", "notes", "old") if page.get_by_text(name, exact=True).count()]


def test_a_project_is_its_owners_and_of_those_it_is_shared_with(server: Server, new_page: Callable[..., Page]) -> None:
    letters, notes, old = make(server, "letters", ANN), make(server, "notes", BEN), make(server, "old", None)
    ann, ben = new_page(alone=True), new_page(alone=True)

    # Nobody is let in anywhere before they have signed in.
    for name in ("", "label", "export"):
        ann.goto(address(server, name, letters.id))
        expect(ann.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(ann.get_by_text("letters")).to_have_count(0)

    # Each sees their own; another's address says what that of no project says, on every page.
    sign_in(ann, server, "Ann")
    assert listed(ann) == ["letters"]
    sign_in(ben, server, "Ben")
    assert listed(ben) == ["notes"]
    nothing = refusal(ben, server, "label", "aaaaaaaaaaaa")
    assert refusal(ben, server, "label", old.id) == nothing
    for name in PAGES:
        assert refusal(ben, server, name, letters.id) == nothing
    ben.goto(address(server, "separation", letters.id))
    ben.get_by_text("A project", exact=True).click()
    ben.get_by_role("combobox", name=re.compile("Project")).click()
    expect(ben.get_by_role("option")).to_have_text(["notes"])

    # Shared, it is on the other's list and can be worked on; what is done stands under who did it.
    # A popover that is clicked while the page is still being made may be closed by that again.
    expect(ann.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    box = ann.get_by_role("textbox", name="Share with")

    def opened() -> bool:
        if not box.is_visible():
            ann.get_by_role("button", name="More").click()
            pictures(ann, 30)
        return box.is_visible()

    until(ann, opened, "the project's menu")
    box.fill(" BEN@example.org")
    box.press("Enter")
    expect(ann.get_by_role("button", name="Stop sharing")).to_be_visible()
    ben.goto(server.url)
    assert listed(ben) == ["letters", "notes"]
    expect(ben.get_by_text(f"of {ANN}")).to_be_visible()
    expect(ben.get_by_role("button", name="More")).to_have_count(1)  # that of their own
    ben.goto(address(server, "label", letters.id))
    wait_for_map(ben, "UMAP")
    ben.get_by_role("button", name="Unlabelled Shortcut U").click()
    wait_for_selected(ben, 40)
    ben.get_by_placeholder("type a name").fill("post")
    ben.get_by_placeholder("type a name").press("Enter")
    expect(ben.get_by_text("40 of 40 labelled")).to_be_visible()
    assert [action.who for action in letters.open_log().actions] == [BEN]
    second = ben.context.new_page()
    second.goto(address(server, "export", letters.id))
    with second.expect_download():
        second.get_by_role("button", name="Download 40 rows").click()

    # What is no longer shared ends at the next click at the latest, downloads too.
    ann.get_by_role("button", name="Stop sharing").click()
    expect(ann.get_by_role("button", name="Stop sharing")).to_have_count(0)
    downloads = []
    second.on("download", lambda download: downloads.append(download))
    second.get_by_role("button", name="Download 40 rows").click()
    expect(second.get_by_text("Failed to generate file")).to_be_visible()
    second.get_by_text("Only the labelled", exact=True).click()
    ben.keyboard.press("Control+z")
    for page in (second, ben):
        expect(page.get_by_text("There is no project")).to_be_visible()
        expect(page.get_by_text(", text 1")).to_have_count(0)
    assert not downloads
    assert len(letters.open_log().actions) == 1
    refusal(ben, server, "history", letters.id)

    # Whoever only says that they have an address does not get what is its owner's.
    eve = new_page(alone=True)
    sign_in(eve, server, "Eve")
    expect(eve.get_by_role("heading", name="Your projects")).to_have_count(0)
    refusal(eve, server, "export", letters.id)
    assert notes.open_log().actions == []


def test_signing_out_ends_it_in_every_tab(server: Server, new_page: Callable[..., Page]) -> None:
    letters, _ = make(server, "letters", "cleo@example.org"), make(server, "notes", "dan@example.org")
    page = new_page()
    sign_in(page, server, "Cleo")
    other = page.context.new_page()
    other.goto(address(server, "label", letters.id))
    expect(other.get_by_text("Nothing selected")).to_be_visible()
    page.locator(".st-key-corral-person button").click()
    expect(page.get_by_text("Signed in as cleo@example.org")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    for each in (page, other):  # nothing needs to be clicked
        expect(each.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(each.get_by_text("letters")).to_have_count(0)

    # Somebody else in the same browser gets nothing of it, in the tab that was left open neither.
    sign_in(page, server, "Dan")
    assert listed(page) == ["notes"]
    refusal(page, server, "label", letters.id)
    refusal(other, server, "history", letters.id)


def test_a_name_is_remembered_in_the_browser(shared_server: Server, new_page: Callable[..., Page]) -> None:
    project = make(shared_server, "free", None)
    page = new_page()
    page.goto(shared_server.url)
    expect(page.get_by_text("It listens on localhost")).to_be_visible()
    page.locator(".st-key-corral-person button").click()
    box = page.get_by_role("textbox", name="Your name")
    box.fill("Jörg <b>; =")
    box.press("Enter")
    expect(page.locator(".st-key-corral-person button")).to_have_text(re.compile("Jörg <b>; ="))
    page.wait_for_function("() => document.cookie.includes('corral-name=J')")
    page.goto(address(shared_server, "label", project.id))
    expect(page.locator(".st-key-corral-person button")).to_have_text(re.compile("Jörg <b>; ="))
    wait_for_map(page, "UMAP")
    page.get_by_role("button", name="Unlabelled Shortcut U").click()
    wait_for_selected(page, 40)
    page.get_by_placeholder("type a name").fill("all")
    page.get_by_placeholder("type a name").press("Enter")
    expect(page.get_by_text("40 of 40 labelled")).to_be_visible()
    assert [action.who for action in project.open_log().actions] == ["Jörg <b>; ="]
