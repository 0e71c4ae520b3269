"""A real server and a real Chromium."""

import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace
from tests.browser.app import TIMEOUT, wait_for_map
from tests.browser.helpers import GROUP, WORDS, N, Provider
from tests.browser.server import Server
from tests.browser.traffic import Traffic

ROOT = Path(__file__).parents[2]
SIZE: ViewportSize = {"width": 1440, "height": 960}
FAILED = pytest.StashKey[bool]()
expect.set_options(timeout=TIMEOUT)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "workspace")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that have a project of their own on it: to start one takes as long as such a test."""
    server = Server(tmp_path_factory.mktemp("shared") / "workspace")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[BrowserType, dict[str, Any]]]:
    """Chromium, and how it is launched."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        message = "no Chromium on this machine: install it (Debian, Ubuntu: apt install chromium) to run these tests"
        if os.environ.get("CORRAL_BROWSER_REQUIRED"):
            pytest.fail(message)
        pytest.skip(message)
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    # WebGL on the CPU is for the map alone: to put the page itself together with it takes ten times as long.
    software_gl = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    flags.append("--disable-gpu-compositing")
    with sync_playwright() as playwright:
        yield playwright.chromium, {"executable_path": path, "args": flags + software_gl}


@pytest.fixture(scope="session")
def browser(chromium: tuple[BrowserType, dict[str, Any]]) -> Iterator[Browser]:
    """For contexts of a test's own."""
    kind, how = chromium
    browser = kind.launch(**how)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def profile(
    chromium: tuple[BrowserType, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """The profile of a browser on disk, which keeps the app's scripts compiled: that is a third of opening a page."""
    kind, how = chromium
    profile = kind.launch_persistent_context(tmp_path_factory.mktemp("profile"), **how, viewport=SIZE)
    yield profile
    profile.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def tell(page: Page) -> None:
    """Print what a page shows, for the report of a test that failed."""
    print(f"---- {page.url}\n{page.inner_text('body')}\n---- its maps")
    print(page.evaluate("() => [...globalThis.__corral?.maps ?? []].map(([name, map]) => [name, map.positionsId])"))


@pytest.fixture
def new_page(profile: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Makes pages, and holds them to two promises: no script fails, and nothing is asked of any other machine.

    With `alone` a page is in a browser of its own, as another person's; the others are tabs of one browser, which has
    forgotten what the tests before left in it.
    """
    errors: list[str] = []
    contexts = [profile]
    kept = profile.pages[0]  # with its last page a browser would end

    def check(asked: Request) -> None:
        if not asked.url.startswith(("http://localhost:", "ws://localhost:", "data:", "blob:")):
            errors.append(f"asked for {asked.url}")

    def make(color_scheme: Literal["light", "dark"] = "light", *, alone: bool = False) -> Page:
        if alone:
            browser: Browser = request.getfixturevalue("browser")
            contexts.append(browser.new_context(viewport=SIZE))
        page = contexts[-1 if alone else 0].new_page()
        page.emulate_media(color_scheme=color_scheme)
        page.set_default_timeout(TIMEOUT)
        page.on("request", check)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield make
    pages = [page for context in contexts for page in context.pages if page is not kept]
    if request.node.stash.get(FAILED, False):
        for page in pages:
            tell(page)
    origins = {"/".join(page.url.split("/")[:3]) for page in pages if page.url.startswith("http")}
    for page in pages:
        page.close()
    forget = profile.new_cdp_session(kept)
    for origin in origins:
        forget.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "cookies,local_storage"})
    forget.detach()
    for context in contexts[1:]:
        context.close()
    assert not errors


@pytest.fixture
def project(shared_server: Server) -> Project:
    """Three round groups of 80 texts side by side, already embedded and mapped; every fourth came by mail."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "text": pd.Series([f"{WORDS[GROUP[row]]}, number {row}" for row in range(N)], dtype="str"),
            "channel": np.where(np.arange(N) % 4 == 0, "mail", "chat"),
            "amount": np.arange(N) % 40,
        }
    )
    project = Workspace(shared_server.workspace).create("groups", Dataset(frame, "text"), {})
    space = project.space(0)
    angle, radius = rng.uniform(0, 2 * np.pi, N), np.sqrt(rng.uniform(0, 1, N))
    xy = np.column_stack([GROUP * 4 + radius * np.cos(angle), radius * np.sin(angle)]).astype(np.float32)
    embeddings = np.column_stack([xy, rng.normal(scale=0.1, size=(N, 6))]).astype(np.float32)
    distance = np.linalg.norm(embeddings[:, None] - embeddings, axis=2)
    graph = np.argsort(distance, axis=1)[:, 1:16]
    space.save_graph(graph, np.take_along_axis(distance, graph, axis=1))
    space.save_map("PCA", xy)
    space.save_map("UMAP", xy[:, ::-1])
    project.describe_space(0, n_truncated=0, max_tokens=256)
    space.save_embeddings(embeddings)
    return project


@pytest.fixture
def traffic(new_page: Callable[..., Page]) -> Traffic:
    return Traffic(new_page())


@pytest.fixture
def page(shared_server: Server, traffic: Traffic, project: Project) -> Page:
    """The label page of `project`, on its PCA."""
    page = traffic.page
    page.goto(f"{shared_server.url}/label?project={project.id}")
    wait_for_map(page, "UMAP")
    page.get_by_text("Quick map", exact=True).click()
    wait_for_map(page, "PCA")
    return page


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    provider = Provider()
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    yield provider
    provider.shutdown()
    provider.server_close()


@pytest.fixture(scope="session")
def server_with_sign_in(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("sign_in") / "workspace", provider.secrets())
    yield server
    server.kill()
