"""UMAP in a process of its own.

UMAP (McInnes, Healy & Melville 2018, arXiv:1802.03426) runs in a child process, because it holds the interpreter's lock
for seconds at a time, takes seconds to import and compile, and can be stopped there. One child is kept, warm.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from labelling.files import write_array
from labelling.projections.alignment import place
from labelling.projections.components import embedded, pca
from labelling.projections.nearest import EXACT_BELOW

STOP_POLL_SECONDS = 0.2
N_NEIGHBORS = 15
# The layout of many rows starts from that of a sample, with more room, and needs few epochs then. In umap-learn these
# are 500 epochs up to 10,000 rows, 200 beyond; the figures here are the least that kept as many neighbours.
SAMPLE_ROWS, SAMPLE_EPOCHS, EPOCHS, ALPHA = 10_000, 400, 100, 0.5
PLACE_EPOCHS, PLACE_ALPHA = 100, 0.25  # new rows on a map that stays, each near its place
UMAP_MIN_ROWS = 16  # below, a neighbourhood of 15 is everybody and UMAP says nothing


class ProjectionError(RuntimeError):
    """A projection that could not be made; the message says why."""


def _need_same_rows(embeddings: np.ndarray, *others: np.ndarray | None) -> None:
    for other in others:
        if other is not None and len(other) != len(embeddings):
            raise ValueError(f"the embeddings are of {len(embeddings):,} rows, what came with them of {len(other):,}")


class UmapProcess:
    """A child process that has umap-learn imported and compiled, and makes one map at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._compiled_by: subprocess.Popen[str] | None = None  # the child that has compiled NN-descent

    def warm_up(self) -> None:
        """Start the child; returns at once, while it imports and compiles."""
        self._running()

    def _running(self) -> "subprocess.Popen[str]":
        with self._start_lock:
            if self._child is None or self._child.poll() is not None:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "labelling.projections._umap_worker"],
                    cwd=Path(__file__).parents[2],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={"OMP_WAIT_POLICY": "passive", **os.environ},  # idle threads sleep: the page needs the CPU
                )
            return self._child

    def close(self) -> None:
        """End the child, and with it the work under way, as `stop` would."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()

    def compiles_first(self, n_rows: int) -> bool:
        """Whether `neighbours` of so many rows first compiles NN-descent: once a child, as not all of it is kept."""
        compiled = self._child is not None and self._compiled_by is self._child
        return n_rows**2 >= EXACT_BELOW and not compiled

    def neighbours(
        self,
        embeddings: np.ndarray,
        *,
        n_neighbors: int = N_NEIGHBORS,
        random_state: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """The nearest other rows of each row of `embeddings` (n, n_dims), by Euclidean distance, nearest first.

        int32 (n, k) row numbers and float32 (n, k) distances; k is `n_neighbors`, or as many as there are others.
        Exact where the rows are few; of 20,000 rows and more some 98 of 100 are found. Rows with NaN get -1 and NaN.

        `on_progress(done, total)` is called while it runs; None comes back where `stop` ended it, which also ends the
        child. Waits for other work under way. Raises ProjectionError where the child fails.
        """
        rows = np.flatnonzero(embedded(embeddings))
        return self._neighbours(embeddings, rows, rows, n_neighbors, random_state, on_progress, stop)

    def _neighbours(
        self,
        embeddings: np.ndarray,
        rows: np.ndarray,
        among: np.ndarray,
        n_neighbors: int,
        random_state: int,
        on_progress: Callable[[int, int], None] | None,
        stop: threading.Event | None,
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """The nearest of the sorted rows `among` for those of them that are `rows`; -1 and NaN for all others."""
        k = max(0, min(n_neighbors, len(among) - 1))
        near = np.full((len(embeddings), k), -1, np.int32)
        far = np.full((len(embeddings), k), np.nan, np.float32)
        if k and len(rows):
            asked = embeddings if len(among) == len(embeddings) else embeddings[among]  # it may be large: no copy
            arrays: dict[str, np.ndarray] = {"embeddings": np.asarray(asked, np.float32)}
            if len(rows) < len(among):
                arrays["rows"] = np.searchsorted(among, rows)
            settings = {"n_neighbors": k, "random_state": random_state}
            found = self._run_task("neighbours", arrays, settings, ("near", "far"), on_progress, stop)
            if found is None:
                return None
            if len(rows) * len(among) >= EXACT_BELOW:
                self._compiled_by = self._child
            near[rows] = np.where(found[0] < 0, -1, among[found[0]])
            far[rows] = found[1]
        return near, far

    def fit_transform(
        self,
        embeddings: np.ndarray,
        *,
        init: np.ndarray | None = None,
        neighbours: tuple[np.ndarray, np.ndarray] | None = None,
        n_neighbors: int = N_NEIGHBORS,
        min_dist: float = 0.1,
        random_state: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> np.ndarray | None:
        """The UMAP of `embeddings` (n, n_dims), Euclidean, started from `init` (n, 2) or their PCA: float32 (n, 2).

        `neighbours` are what the method of that name gave for these embeddings, if that has been called; of it the
        nearest `n_neighbors` are used. Rows that have NaN in `init` start near their neighbours.

        `on_progress(epochs_done, epochs)` is called while it runs; None comes back where `stop` ended it, which also
        ends the child. Waits for other work under way. Rows with NaN get NaN. The same on every run.
        Raises ProjectionError for fewer than UMAP_MIN_ROWS rows, and where the child fails; ValueError where the
        arrays are not of the same rows.
        """
        _need_same_rows(embeddings, init, *(neighbours or ()))
        present = embedded(embeddings)
        n_present = int(np.count_nonzero(present))
        if n_present < UMAP_MIN_ROWS:
            raise ProjectionError(f"UMAP needs at least {UMAP_MIN_ROWS} texts, there are {n_present}: use PCA.")
        if neighbours is None:
            neighbours = self.neighbours(embeddings, n_neighbors=n_neighbors, random_state=random_state, stop=stop)
            if neighbours is None:
                return None
        near, far = (part[:, :n_neighbors] for part in neighbours)
        if init is None or np.isnan(init[present]).any(axis=1).all():
            start = pca(embeddings, random_state=random_state)
        else:
            start = self._initial_positions(embeddings, present, init, near, far)
        settings = {"min_dist": min_dist, "random_state": random_state, "alpha": ALPHA}
        if n_present <= SAMPLE_ROWS:
            settings["n_epochs"] = SAMPLE_EPOCHS
            return self._layout(start, present, None, near, far, settings, on_progress, stop)

        before = SAMPLE_EPOCHS * SAMPLE_ROWS // n_present  # what the sample's epochs are worth

        def of_the_sample(done: int, total: int) -> None:
            if on_progress:
                on_progress(done * before // total, before + EPOCHS)

        def of_all(done: int, total: int) -> None:
            if on_progress:
                on_progress(before + done, before + EPOCHS)

        rows = np.flatnonzero(present)
        some = np.sort(np.random.default_rng(random_state).choice(rows, SAMPLE_ROWS, replace=False))
        graph = self._neighbours(embeddings, some, some, n_neighbors, random_state, None, stop)
        if graph is None:
            return None
        sampled = np.isin(np.arange(len(embeddings)), some)
        settings["n_epochs"] = SAMPLE_EPOCHS
        xy = self._layout(start, sampled, None, *graph, settings, of_the_sample, stop)
        if xy is None:
            return None
        start = self._initial_positions(embeddings, present, xy * (n_present / SAMPLE_ROWS) ** 0.25, near, far)
        settings["n_epochs"] = EPOCHS
        return self._layout(start, present, rows, near, far, settings, of_all, stop)

    def place(
        self,
        embeddings: np.ndarray,
        xy: np.ndarray,
        *,
        neighbours: tuple[np.ndarray, np.ndarray] | None = None,
        n_neighbors: int = N_NEIGHBORS,
        min_dist: float = 0.1,
        random_state: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> np.ndarray | None:
        """The UMAP `xy` (n, 2) of `embeddings` (n, n_dims) with a position for each row that has none: float32 (n, 2).

        New rows are put between their nearest, and UMAP's optimisation goes on for them alone: the others stay where
        they are, bit for bit. Rows with NaN in `embeddings` get NaN. `neighbours`, `on_progress`, `stop` and errors as
        in `fit_transform`. Raises ProjectionError where no row has a position.
        """
        _need_same_rows(embeddings, xy, *(neighbours or ()))
        present = embedded(embeddings)
        placed = present & ~np.isnan(xy).any(axis=1)
        new = np.flatnonzero(present & ~placed)
        if not placed.any():
            raise ProjectionError("No row has a position on the map yet: make a map of all.")
        xy = np.where(present[:, None], xy, np.float32(np.nan)).astype(np.float32)
        if not len(new):
            return xy
        if neighbours is None:
            among = np.flatnonzero(present)
            neighbours = self._neighbours(embeddings, new, among, n_neighbors, random_state, None, stop)
            if neighbours is None:
                return None
        near, far = (part[:, :n_neighbors] for part in neighbours)
        start = self._initial_positions(embeddings, present, xy, near, far)
        settings = {"min_dist": min_dist, "random_state": random_state, "n_epochs": PLACE_EPOCHS, "alpha": PLACE_ALPHA}
        return self._layout(start, present, new, near, far, settings, on_progress, stop)

    @staticmethod
    def _initial_positions(
        embeddings: np.ndarray, present: np.ndarray, xy: np.ndarray, near: np.ndarray, far: np.ndarray
    ) -> np.ndarray:
        """`xy` with a position for every row that is `present`: by its neighbours, else where its nearest text lies."""
        start = place(np.where(present[:, None], xy, np.float32(np.nan)), near, far)
        placed = ~np.isnan(start).any(axis=1)
        left = np.flatnonzero(present & ~placed)
        if len(left):  # they have only each other for neighbours, such as many copies of one text
            from sklearn.metrics import pairwise_distances_argmin

            start[left] = start[placed][pairwise_distances_argmin(embeddings[left], embeddings[placed])]
        return start

    def _layout(
        self,
        start: np.ndarray,
        present: np.ndarray,
        moving: np.ndarray | None,
        near: np.ndarray,
        far: np.ndarray,
        settings: dict[str, Any],
        on_progress: Callable[[int, int], None] | None,
        stop: threading.Event | None,
    ) -> np.ndarray | None:
        """The layout of the rows `present`. Those that are `moving` move; where None all, and are scaled first."""
        number = np.cumsum(present) - 1  # the child knows only rows that have a text
        near = near[present]
        arrays = {"xy": start[present], "near": np.where(near < 0, -1, number[near]).astype(np.int32)}
        arrays["far"] = far[present]
        if moving is not None:
            arrays["moving"] = number[moving]
        found = self._run_task("layout", arrays, settings, ("map",), on_progress, stop)
        if found is None:
            return None
        xy = np.full((len(start), 2), np.nan, np.float32)
        xy[present] = found[0]
        return xy

    def _run_task(
        self,
        task: str,
        arrays: dict[str, np.ndarray],
        settings: dict[str, Any],
        wanted: tuple[str, ...],
        on_progress: Callable[[int, int], None] | None,
        stop: threading.Event | None,
    ) -> list[np.ndarray] | None:
        """What is `wanted` of a task that the child does with these arrays; None where `stop` ended it."""
        stop = stop or threading.Event()
        while not self._lock.acquire(timeout=STOP_POLL_SECONDS):
            if stop.is_set():
                return None
        try:
            with tempfile.TemporaryDirectory(prefix="corral-") as name:
                folder = Path(name)
                for what, array in arrays.items():
                    with (folder / f"{what}.npy").open("wb") as file:
                        write_array(file, array)
                for _ in range(2):  # one that the system killed, for want of memory say, is given another try
                    child = self._running()
                    answer = self._send(child, {"folder": name, "task": task, **settings}, on_progress, stop)
                    if stop.is_set() or self._child is not child:
                        child.kill()
                        child.wait()
                        return None
                    if answer is not None or child.wait() >= 0:
                        break
                if answer != "done":
                    if answer is None:
                        answer = f"its process ended with exit status {child.wait()}"
                    n_rows = len(next(iter(arrays.values())))
                    raise ProjectionError(f"UMAP failed on {n_rows:,} rows: {answer}.")
                return [np.load(folder / f"{what}.npy") for what in wanted]
        finally:
            self._lock.release()

    def _send(
        self,
        child: "subprocess.Popen[str]",
        request: dict[str, Any],
        on_progress: Callable[[int, int], None] | None,
        stop: threading.Event,
    ) -> str | None:
        """Send the request; "done", or why it failed, or None where the child ended without an answer."""
        assert child.stdin is not None  # noqa: S101 - for the type checker
        answered = threading.Event()

        def kill_on_stop() -> None:
            while not answered.wait(STOP_POLL_SECONDS):
                if stop.is_set():
                    child.kill()

        # It must end with this request: `stop` may be set later, and the child be at work for somebody else then.
        stopper = threading.Thread(target=kill_on_stop, daemon=True)
        stopper.start()
        try:
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
            return self._read_answer(child, on_progress)
        except BrokenPipeError:
            return None
        except BaseException:  # of `on_progress`: the next request must not read what is still to come for this one
            child.kill()
            child.wait()
            raise
        finally:
            answered.set()
            stopper.join()

    @staticmethod
    def _read_answer(child: subprocess.Popen[str], on_progress: Callable[[int, int], None] | None) -> str | None:
        """Read what the child says until it is "done" or has failed; None where it ended before."""
        for line in child.stdout or ():
            word, _, rest = line.strip().partition(" ")
            if word == "progress":
                done, total = map(int, rest.split("/"))
                if on_progress:
                    on_progress(done, total)
            elif word in ("done", "failed"):
                return rest or word
        return None
