"""The contenders of map.py: the made data, a server each, and what a person does on their pages."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import Page

from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace

PEERS = Path(__file__).parent
ROOT = PEERS.parents[2]
N_DIMS, N_NEIGHBOURS, N_LABELS, LABELLED = 8, 15, 5, 0.3
IDLE_TICKS = 15  # of a hundredth of a second, in three seconds


class StepFailed(Exception):
    """What a contender could not do; the message says why."""


def make(n_points: int, workspace: Workspace, folder: Path) -> tuple[Project, np.ndarray]:
    """A project with everything that the background would make, and the same points and labels for the peers."""
    rng = np.random.default_rng(0)
    blob = rng.integers(0, 40, n_points)
    xy = (rng.normal(0, 4, (40, 2))[blob] + rng.normal(0, 1, (n_points, 2))).astype(np.float32)
    codes = np.where(rng.random(n_points) < LABELLED, blob % N_LABELS + 1, 0).astype(np.uint8)
    np.save(folder / f"xy-{n_points}.npy", xy)
    np.save(folder / f"codes-{n_points}.npy", codes)

    frame = pd.DataFrame({"text": pd.Series([f"text {row}" for row in range(n_points)], dtype="str")})
    project = workspace.create(f"{n_points:,} points", Dataset(frame, "text"), {"n_truncated": 0})
    space = project.current
    space.save_map("PCA", xy)
    space.save_map("UMAP", xy)
    # Next to each other in blob and height: near enough for neighbours whose cost alone counts.
    order = np.lexsort((xy[:, 1], blob))
    steps = [step for step in range(-(N_NEIGHBOURS // 2) - 1, N_NEIGHBOURS // 2 + 1) if step]
    near = np.empty((n_points, len(steps)), np.int32)
    for column, step in enumerate(steps):
        near[order, column] = np.roll(order, -step)
    space.save_graph(near, np.ones(near.shape, np.float32))
    space.save_embeddings(rng.normal(size=(n_points, N_DIMS)).astype(np.float32))
    log = project.open_log()
    for code in range(1, N_LABELS + 1):
        log.assign(np.flatnonzero(codes == code), f"label {code}")
    return project, xy


# ---------------------------------------------------------------- a contender and its server


@dataclass
class Contender:
    name: str
    script: Path
    address: Callable[[int], str]  # of the page with so many points
    label: Callable[[Page], None] | None  # what a person does to label the selection
    label_event: str = "keydown"
    lasso_tool: Callable[[Page], None] = lambda page: None  # what a person does before the first lasso
    forget: Callable[[int], Any] = lambda n_points: None  # takes the labels of a round back
    environment: dict[str, str] = field(default_factory=dict)
    root: Path = ROOT
    server: subprocess.Popen[bytes] | None = None

    def start(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        self.url = f"http://localhost:{port}"
        command = [sys.executable, "-m", "streamlit", "run", str(self.script), f"--server.port={port}"]
        with log.open("ab") as output:
            self.server = subprocess.Popen(
                [*command, "--server.headless=true"],
                cwd=self.root,  # all with the same .streamlit/config.toml
                env={**os.environ, **self.environment, "PYTHONPATH": self.path},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2)
                return
            except OSError:
                time.sleep(0.2)
        raise StepFailed(f"the server does not start: {log.read_text()[-300:]}")

    @property
    def path(self) -> str:
        return os.pathsep.join([str(self.root), *filter(None, [os.environ.get("PYTHONPATH")])])

    def stop(self) -> None:
        if self.server:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()

    def memory(self) -> np.ndarray:
        """The server's resident memory once it has next to nothing more to do: bytes in all, and of files mapped."""
        assert self.server
        process = Path(f"/proc/{self.server.pid}")
        ticks: list[int] = []
        while len(ticks) < 4 or (ticks[-1] - ticks[-4] > IDLE_TICKS and len(ticks) < 60):
            time.sleep(1)
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            ticks.append(int(fields[11]) + int(fields[12]))
        kilobytes = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        return np.array([int(kilobytes[name].split()[0]) * 1024 for name in ("VmRSS", "RssFile")])


def contenders(
    workspace: Workspace, projects: dict[int, Project], folder: Path, before: Path | None = None
) -> list[Contender]:
    """Corral, the same from another checkout where `before` is one, and the peers."""

    def undo(n_points: int) -> None:
        log = projects[n_points].open_log()
        while log.seq > N_LABELS and log.next_undo and log.next_undo.seq > N_LABELS:
            log.undo()

    def click_label(page: Page) -> None:
        page.get_by_role("button", name="Label", exact=True).click()

    def choose_lasso(page: Page) -> None:
        page.frame_locator("iframe").get_by_title("Toggle lasso selection mode").first.click()

    def ours(name: str, root: Path) -> Contender:
        return Contender(
            name,
            root / "app.py",
            lambda n: f"/label?project={projects[n].id}",
            lambda page: page.keyboard.press("1"),
            forget=undo,
            environment={"CORRAL_WORKSPACE": str(workspace.folder)},
            root=root,
        )

    peer = {"BENCHMARK_FOLDER": str(folder)}
    return [
        ours("corral", ROOT),
        *([ours("before", before.resolve())] if before else []),
        Contender(
            "plotly",
            PEERS / "plotly_chart.py",
            lambda n: f"/?points={n}",
            click_label,
            label_event="click",
            environment=peer,
        ),
        Contender(
            "atlas", PEERS / "atlas.py", lambda n: f"/?points={n}", None, lasso_tool=choose_lasso, environment=peer
        ),
    ]
