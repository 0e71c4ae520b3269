"""Signing in with a provider of the tests' own: whose a project is, who else sees it, and that nobody else does."""

import base64
import html
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import numpy as np
import pandas as pd
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import Page, expect

from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace
from tests.browser.app import pictures, until, wait_for_map, wait_for_selected
from tests.browser.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PAGES = ("label", "labels", "tune", "history", "export")  # on which a project is
ANN, BEN = "ann@example.org", "ben@example.org"
CLAIMS: dict[str, dict[str, Any]] = {
    "Ann": {"sub": "1", "email": "Ann@example.org", "email_verified": True},
    "Ben": {"sub": "2", "email": BEN, "email_verified": True},
    "Cleo": {"sub": "4", "email": "cleo@example.org", "email_verified": True},
    "Dan": {"sub": "5", "email": "dan@example.org", "email_verified": True},
    "Eve": {"sub": "3", "email": ANN, "email_verified": False},  # says so, and nobody has looked
}


class Provider(ThreadingHTTPServer):
    """An OpenID Connect provider at which anybody is whom they choose (OpenID Connect Core 1.0, the code flow)."""

    def __init__(self) -> None:
        super().__init__(("localhost", 0), _Requests)
        self.url = f"http://localhost:{self.server_port}"
        self.key = RSAKey.generate_key(2048, {"kid": "tests", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}

    def secrets(self) -> str:
        return (
            f'[auth]\nredirect_uri = "http://localhost:{{port}}/oauth2callback"\ncookie_secret = "{"c" * 32}"\n'
            f'client_id = "corral"\nclient_secret = "s"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n'
        )


class _Requests(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = self.server.url
        parts = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._answer(
                {
                    "issuer": url,
                    "authorization_endpoint": f"{url}/authorize",
                    "token_endpoint": f"{url}/token",
                    "jwks_uri": f"{url}/jwks",
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "code_challenge_methods_supported": ["S256"],
                }
            )
        elif parts.path == "/jwks":
            self._answer({"keys": [self.server.key.as_dict(private=False)]})
        elif parts.path == "/authorize" and "as" not in query:
            links = (f'<a href="{html.escape(f"{self.path}&as={name}")}">{name}</a>' for name in CLAIMS)
            self._send("<h1>Who are you?</h1>" + " ".join(links), "text/html")
        elif parts.path == "/authorize":
            code = secrets.token_hex()
            self.server.codes[code] = query
            self.send_response(302)
            back = urlencode({"code": code, "state": query["state"]})
            self.send_header("Location", f"{query['redirect_uri']}?{back}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = self.server.codes.pop(body["code"][0])
        proof = sha256(body["code_verifier"][0].encode()).digest()
        assert base64.urlsafe_b64encode(proof).decode().rstrip("=") == asked["code_challenge"]
        now = int(time.time())
        claims = {"iss": self.server.url, "aud": "corral", "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        token = jwt.encode({"alg": "RS256", "kid": "tests"}, claims | CLAIMS[asked["as"]], self.server.key)
        self._answer({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def _answer(self, value: dict[str, Any]) -> None:
        self._send(json.dumps(value), "application/json")

    def _send(self, text: str, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider()
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    yield provider
    provider.shutdown()
    provider.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("sign_in") / "workspace", provider.secrets())
    yield server
    server.kill()


def make(server: Server, name: str, owner: str | None) -> Project:
    """A project of 40 texts, embedded and mapped."""
    n = 40
    xy = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    texts = pd.Series([f"{name}, text {row}" for row in range(n)], dtype="str")
    columns = {"text": texts, "mood": ["glad", "sad"] * (n // 2)}
    project = Workspace(server.workspace).create(name, Dataset(pd.DataFrame(columns), "text"), {}, owner=owner)
    space = project.space(0)
    space.save_graph(np.tile(np.arange(1, 16), (n, 1)), np.ones((n, 15)))
    space.save_map("PCA", xy)
    space.save_map("UMAP", xy)
    project.describe_space(0, n_truncated=0, max_tokens=256)
    space.save_embeddings(np.column_stack([xy, xy]))
    return project


def sign_in(page: Page, server: Server, name: str) -> None:
    page.goto(server.url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()


def address(server: Server, name: str, project: str) -> str:
    return f"{server.url}/{name}?project={project}"


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
    ann, ben = new_page(), new_page()

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
    eve = new_page()
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
