"""What these tests share."""

import base64
import html
import json
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import numpy as np
import pandas as pd
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import Page

from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace
from tests.browser.app import lasso, on_screen, wait_for_map
from tests.browser.server import Server

NAUGHTY = '<img src=x onerror="window.caught = 1"> <script>window.caught = 1</script> **bold** `code` $x$ :red[no]'


N = 240


WORDS = ("apple pie with cream", "the train was late", "a plant lost its leaves")


GROUP = np.arange(N) % 3


def opened(
    new_page: Callable[..., Page], server: Server, project: Project, size: tuple[int, int] | None = None
) -> Page:
    """The label page of a project, with its clear map and the map's words."""
    page = new_page()
    if size:
        page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    page.locator(".corral-region").first.wait_for(state="attached")  # they come last, with another run of the page
    page.locator(
        ".st-key-corral-steps button"
    ).first.wait_for()  # drawn after the map, and not before its keys are there
    return page


def places(page: Page, project: Project) -> np.ndarray:
    return on_screen(page, project.space(0).map("PCA"))


def round_group(page: Page, points: np.ndarray, group: int, modifier: str | None = None) -> None:
    """A lasso round all of a group."""
    its = points[group == GROUP]
    lasso(page, (its.max(axis=0) + its.min(axis=0)) / 2, 1.35 * np.ptp(its, axis=0) / 2, modifier)


def search(page: Page, words: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.keyboard.press("Enter")


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


def address(server: Server, name: str, project: str) -> str:
    return f"{server.url}/{name}?project={project}"
