"""A real server and a real browser, killed, crowded, and doubled: figures of docs/security.md. Each prints a line.

    python tests/benchmarks/hostile_browser.py kills --rounds 20
    python tests/benchmarks/hostile_browser.py clients --seconds 120
    python tests/benchmarks/hostile_browser.py two_servers

What databases and disks do: hostile.py. Thirty people by Streamlit's own protocol: hostile_clients.py.
"""

import argparse
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from labelling.dataset import Dataset  # noqa: E402
from labelling.encoders.cache import EmbeddingCache, _batches  # noqa: E402
from labelling.encoders.sentence import SentenceEncoder  # noqa: E402
from labelling.workspace import Project, Workspace  # noqa: E402
from labelling.workspace.upkeep import LEFT_OVER_SECONDS, sweep  # noqa: E402
from tests.benchmarks.hostile import Writers, compare, ended_after  # noqa: E402
from tests.browser.app import TIMEOUT, legend, until, wait_for_map, wait_for_selected  # noqa: E402
from tests.browser.server import Server  # noqa: E402

N = 240
GROUP = 10  # texts that have a word in common


@contextmanager
def chromium() -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    flags += ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        yield browser
        browser.close()


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    server = Server(folder / "workspace")
    try:
        yield server
    finally:
        server.kill()


def new_page(browser: Browser) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 960}).new_page()
    page.set_default_timeout(TIMEOUT)
    return page


def small(workspace: Workspace, n: int = N) -> Project:
    """So many texts, embedded and mapped."""
    rng = np.random.default_rng(0)
    texts = pd.Series([f"a text of group{row // GROUP:02d}, number {row}" for row in range(n)], dtype="str")
    project = workspace.create("small", Dataset(pd.DataFrame({"text": texts}), "text"), {})
    space = project.space(0)
    xy = rng.normal(size=(n, 2)).astype(np.float32)
    space.save_graph(np.tile(np.arange(1, 16), (n, 1)), np.ones((n, 15)))
    space.save_map("PCA", xy)
    space.save_map("UMAP", xy)
    project.describe_space(0, n_truncated=0, max_tokens=256)
    space.save_embeddings(np.column_stack([xy, xy]))
    return project


def fresh(workspace: Workspace, n: int, word: str) -> tuple[Project, list[str]]:
    """Texts that nothing has been done with."""
    rng = random.Random(word)
    words = (ROOT / "data" / "demo.csv").read_text(encoding="utf-8").split()
    texts = [f"{word} {number} {' '.join(rng.sample(words, 20))}" for number in range(n)]
    return workspace.create(word, Dataset(pd.DataFrame({"text": pd.Series(texts, dtype="str")}), "text"), {}), texts


def opened(browser: Browser, server: Server, project: Project) -> Page:
    page = new_page(browser)
    page.goto(f"{server.url}/label?project={project.id}")
    return page


def label_group(page: Page, group: int, name: str) -> None:
    """By keys: search for the group's word, select what was found, type a name."""
    page.keyboard.press("/")
    page.keyboard.type(f"group{group:02d}")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(f"^{GROUP} with the words group{group:02d}$"))).to_be_visible()
    page.keyboard.press("m")
    wait_for_selected(page, GROUP)
    expect(page.get_by_text(f"{GROUP} unlabelled", exact=True)).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def acknowledged(page: Page, n_groups: int) -> None:
    expect(page.get_by_text(f"{n_groups * GROUP} of {N} labelled")).to_be_visible()
    page.keyboard.press("Escape")
    wait_for_selected(page, 0)


# ---------------------------------------------------------------- kills


def kill_alone(server: Server) -> None:
    """The server, and not its child process, which has to find out by itself."""
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.log.close()


def group_of(server: Server) -> dict[int, str]:
    """The processes that the server began with, by number: their commands."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(path.name)) == server.process.pid:
                found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ProcessLookupError):
            continue
    return {number: command for number, command in found.items() if command}


def wait(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


def server_killed(browser: Browser, server: Server, chance: random.Random) -> str:
    """While somebody labels by keys."""
    project = small(Workspace(server.workspace))
    page = opened(browser, server, project)
    wait_for_map(page, "UMAP")
    page.mouse.move(5, 5)
    n_done = chance.randint(1, 3)
    for group in range(n_done):
        label_group(page, group, f"label {group}")
        acknowledged(page, group + 1)
    label_group(page, n_done, "the last")
    time.sleep(chance.uniform(0, 0.3))
    kill_alone(server)
    wait(lambda: not group_of(server), "the child process to end")
    server.start()
    page.reload()
    wait_for_map(page, "UMAP")
    log = project.open_log()
    names = log.names().tolist()
    there = log.seq - n_done
    assert there in (0, 1)
    assert names[: n_done * GROUP] == [f"label {row // GROUP}" for row in range(n_done * GROUP)]
    rest = ["the last"] * GROUP * there
    assert names[n_done * GROUP :] == rest + [None] * (N - n_done * GROUP - len(rest)), "all of it or nothing"
    expect(page.get_by_text(f"{(n_done + there) * GROUP} of {N} labelled")).to_be_visible()
    page.context.close()
    return f"{n_done} labels acknowledged, {n_done} there, the one under way {'too' if there else 'not'}"


def embedding_killed(browser: Browser, server: Server, chance: random.Random) -> str:
    encoder = SentenceEncoder()
    workspace = Workspace(server.workspace)
    project, texts = fresh(workspace, 600, f"embedding{chance.random()}")
    page = opened(browser, server, project)
    cache = EmbeddingCache(server.workspace / "embeddings")
    wait(lambda: cache.lookup(encoder.fingerprint, texts, encoder.n_dims)[1].any(), "a first batch on disk")
    time.sleep(chance.uniform(0, 1))
    kill_alone(server)
    vectors, there = cache.lookup(encoder.fingerprint, texts, encoder.n_dims)
    assert not project.space(0).ready or there.all()
    server.start()
    page.reload()
    wait(lambda: project.space(0).ready, "the rest to be embedded", 300)
    page.wait_for_function("() => globalThis.__corral?.maps.get('map')?.ready")
    embeddings = np.asarray(project.space(0).embeddings)
    assert np.isfinite(embeddings).all()
    np.testing.assert_array_equal(embeddings[there], vectors[there])
    page.context.close()
    return f"{there.sum()} of {len(texts)} texts were embedded, and were not embedded again"


def umap_killed(browser: Browser, server: Server, chance: random.Random) -> str:
    project, _ = fresh(Workspace(server.workspace), 400, f"umap{chance.random()}")
    page = opened(browser, server, project)

    def children() -> list[int]:
        return [number for number, command in group_of(server).items() if "_umap_worker" in command]

    wait(children, "the child process")
    wait(lambda: project.space(0).ready, "the embeddings")
    time.sleep(chance.uniform(0, 2))
    at_work = not project.space(0).has_map("UMAP")
    for number in children():
        os.kill(number, signal.SIGKILL)
    by_itself = True
    try:
        page.wait_for_function(
            "() => globalThis.__corral?.maps.get('map')?.positionsId?.endsWith('-UMAP')", timeout=40_000
        )
    except Exception:  # said on the page, with what to do
        by_itself = False
        page.reload()
    wait_for_map(page, "UMAP")
    assert project.space(0).map("UMAP") is not None
    page.context.close()
    return (
        f"killed {'at work' if at_work else 'when it was done'}, the map came {'' if by_itself else 'after a reload'}"
    )


def kills(rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    kinds = [server_killed, embedding_killed, server_killed, umap_killed]
    said: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name, chromium() as browser, started(Path(name)) as server:
        try:
            for number in range(rounds):
                kind, begun = kinds[number % len(kinds)], time.monotonic()
                what = kind(browser, server, chance)
                said[kind.__name__] += 1
                print(
                    f"{number + 1} {kind.__name__}: {what} ({time.monotonic() - begun:.0f} s)",
                    file=sys.stderr,
                    flush=True,
                )
        finally:
            print((server.workspace.parent / "server.log").read_text()[-1500:], file=sys.stderr)
        left = list(server.workspace.rglob("*.tmp"))
        for path in (*left, *server.workspace.glob("projects/*")):
            os.utime(path, (0, time.time() - 2 * LEFT_OVER_SECONDS))
        gone = sweep(Workspace(server.workspace))
        assert not list(server.workspace.rglob("*.tmp"))
    done = ", ".join(f"{n} {kind}" for kind, n in said.items())
    print(
        f"kills: {sum(said.values())} ({done}); all acknowledged labels there, none half; "
        f"{len(left)} leftovers, {len(gone)} swept"
    )


# ---------------------------------------------------------------- many at once


def memory(server: Server, field: str) -> float:
    """MB of the server's process."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith(field)).split()[1]) / 1024


def clients(seconds: float, n_pages: int) -> None:
    with tempfile.TemporaryDirectory() as name, chromium() as browser, started(Path(name)) as server:
        project = small(Workspace(server.workspace))
        pages = [opened(browser, server, project) for _ in range(n_pages)]
        for page in pages:
            wait_for_map(page, "UMAP")
        megabytes = [memory(server, "VmRSS")]
        writers = Writers(server.workspace / "corral.db", project.id, N, seconds, n_processes=5, n_threads=6, pause=1)
        writers.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for page in pages:
                page.evaluate("() => 0")
            time.sleep(seconds / 4 - 0.1)
            megabytes.append(memory(server, "VmRSS"))
        told = writers.told(120)
        said = compare(project.engine, project.id, told)
        begun = time.monotonic()
        log = project.open_log()
        wanted = {label.name: n for label, n in zip(log.labels, log.counts().tolist(), strict=False) if n}
        for page in pages:
            until(
                page, lambda page=page: {k: v for k, v in legend(page).items() if k in wanted} == wanted, "the counts"
            )
        late, peak = time.monotonic() - begun, memory(server, "VmHWM")
    print(
        f"clients: 30 in 5 processes and {n_pages} pages, {seconds:.0f} s: {said}; all pages had the same counts "
        f"{late:.1f} s after the end; the server had {', '.join(f'{each:,.0f}' for each in megabytes)} MB in turn, "
        f"{peak:,.0f} at most"
    )


# ---------------------------------------------------------------- two servers


def two_servers(n_texts: int) -> None:
    with tempfile.TemporaryDirectory() as name, chromium() as browser, ExitStack() as stack:
        one, two = (stack.enter_context(started(Path(name))) for _ in range(2))
        project = small(Workspace(one.workspace))
        here, there = opened(browser, one, project), opened(browser, two, project)
        for page in (here, there):
            wait_for_map(page, "UMAP")
            page.mouse.move(5, 5)
        seconds = []
        for number, (page, other) in enumerate([(here, there), (there, here)] * 2):
            label_group(page, number, f"label {number}")
            begun = time.monotonic()
            acknowledged(page, number + 1)
            expect(other.get_by_text(f"{(number + 1) * GROUP} of {N} labelled")).to_be_visible()
            seconds.append(time.monotonic() - begun)
        here.context.close()
        there.context.close()

        encoder = SentenceEncoder()
        project, texts = fresh(Workspace(one.workspace), n_texts, "both")
        cache = EmbeddingCache(one.workspace / "embeddings")
        cache.lookup(encoder.fingerprint, texts[:1], encoder.n_dims)  # makes the database
        environment = cache._database._environment
        before = environment.info()["last_txnid"]
        pages = [opened(browser, server, project) for server in (one, two)]
        for page in pages:
            wait_for_map(page, "UMAP")
        n_written = environment.info()["last_txnid"] - before
        n_batches = len(list(_batches(texts, np.arange(len(texts)), 0)))
        assert cache.lookup(encoder.fingerprint, texts, encoder.n_dims)[1].all()
        assert np.isfinite(np.asarray(project.space(0).embeddings)).all()
    print(
        f"two servers: a label of the one was on the other's page after {max(seconds):.1f} s at most; {n_texts:,} "
        f"texts opened on both were embedded once: {n_batches} batches, {n_written} written"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kills", "clients", "two_servers"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--texts", type=int, default=1_500)
    arguments = parser.parse_args()
    with ended_after(3_600):
        if arguments.what == "kills":
            kills(arguments.rounds, arguments.seed)
        elif arguments.what == "clients":
            clients(arguments.seconds, arguments.pages)
        else:
            two_servers(arguments.texts)


if __name__ == "__main__":
    main()
