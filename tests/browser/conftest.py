"""A real server and a real Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.browser.app import TIMEOUT

ROOT = Path(__file__).parents[2]
FAILED = pytest.StashKey[bool]()
expect.set_options(timeout=TIMEOUT)


class Server:
    """`streamlit run app.py` on a free port of this machine, with these secrets (TOML) if any.

    Where CORRAL_TEST_SEED is set, a number, the server makes other maps: no test may hang on where a point lies.
    """

    def __init__(self, workspace: Path, secrets: str = "") -> None:
        self.workspace = workspace
        self.options = ["--server.headless=true"]
        if secrets:
            path = workspace.parent / "secrets.toml"
            path.write_text(secrets)
            self.options.append(f"--secrets.files={path}")
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={self.port}"]
        environment = {**os.environ, "CORRAL_WORKSPACE": str(self.workspace)}
        if "CORRAL_TEST_SEED" in os.environ:
            environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent / "other_maps"), str(ROOT)])
        self.log = (self.workspace.parent / "server.log").open("ab")
        self.process = subprocess.Popen(
            [*command, *self.options],
            cwd=ROOT,
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        end = time.monotonic() + TIMEOUT / 1000
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(Path(self.log.name).read_text())

    def kill(self) -> None:
        """SIGKILL for the server and its child process: nothing gets a chance to tidy up."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


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
def browser() -> Iterator[Browser]:
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
        browser = playwright.chromium.launch(executable_path=path, args=flags + software_gl)
        yield browser
        browser.close()


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
def new_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Makes pages, and holds them to two promises: no script fails, and nothing is asked of any other machine."""
    errors: list[str] = []
    contexts = []

    def check(asked: Request) -> None:
        if not asked.url.startswith(("http://localhost:", "ws://localhost:", "data:", "blob:")):
            errors.append(f"asked for {asked.url}")

    def make(color_scheme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 960}, color_scheme=color_scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.on("request", check)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield make
    for context in contexts:
        if request.node.stash.get(FAILED, False):
            for page in context.pages:
                tell(page)
        context.close()
    assert not errors
