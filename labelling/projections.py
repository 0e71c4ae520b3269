"""Embeddings to two dimensions: PCA at once, UMAP in a process of its own.

UMAP (McInnes, Healy & Melville 2018, arXiv:1802.03426) runs in a child process, because it holds the interpreter's lock
for seconds at a time, takes ten seconds to import and compile, and can be stopped there. One child is kept, warm.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STOP_POLL_SECONDS = 0.2
UMAP_MIN_ROWS = 16  # below, a neighbourhood of 15 is everybody and UMAP says nothing


class ProjectionError(RuntimeError):
    """A projection that could not be made; the message says why."""


def pca(embeddings: np.ndarray, *, random_state: int = 0) -> np.ndarray:
    """The first two principal components of `embeddings` (n, n_dims): float32 (n, 2).

    A sign is free in PCA; each axis is turned so that its largest loading is positive (scikit-learn's svd_flip).
    Rows with NaN have no position: NaN in, NaN out. Fewer than three distinct texts still get a position each.
    """
    from sklearn.decomposition import PCA

    # A row that is being filled in while this runs has NaN somewhere, not always in its first column.
    present = ~np.isnan(embeddings.sum(axis=1))
    xy = np.full((len(embeddings), 2), np.nan, np.float32)
    xy[present] = 0
    known = embeddings[present]
    n_components = min(2, len(known) - 1, known.shape[1])
    if n_components > 0:
        solver = "covariance_eigh" if known.shape[0] > known.shape[1] else "full"
        with np.errstate(invalid="ignore"):  # identical texts have no variance that could be shared out
            flat = PCA(n_components, svd_solver=solver, random_state=random_state).fit_transform(known)
        xy[np.flatnonzero(present), :n_components] = flat
    return xy


class UmapProcess:
    """A child process that has umap-learn imported and compiled, and makes one map at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

    def warm_up(self) -> None:
        """Start the child; returns at once, while it imports and compiles."""
        self._start()

    def _start(self) -> "subprocess.Popen[str]":
        with self._start_lock:
            if self._child is None or self._child.poll() is not None:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "labelling.umap_child"],
                    cwd=Path(__file__).parent.parent,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            return self._child

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def fit_transform(
        self,
        embeddings: np.ndarray,
        *,
        init: np.ndarray | None = None,
        n_neighbors: int = 15,
        min_dist: float = 0.1,
        random_state: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> np.ndarray | None:
        """The UMAP of `embeddings` (n, n_dims), Euclidean, started from `init` (n, 2): float32 (n, 2).

        `on_progress(epochs_done, epochs)` is called while it runs; None comes back where `stop` ended it, which also
        ends the child. Waits for another map under way. Rows with NaN get NaN.
        Raises ProjectionError for fewer than UMAP_MIN_ROWS rows, and where the child fails.
        """
        present = ~np.isnan(embeddings[:, 0])
        n_present = np.count_nonzero(present)
        if n_present < UMAP_MIN_ROWS:
            raise ProjectionError(f"UMAP needs at least {UMAP_MIN_ROWS} texts, there are {n_present}: use PCA.")
        stop = stop or threading.Event()
        while not self._lock.acquire(timeout=STOP_POLL_SECONDS):
            if stop.is_set():
                return None
        try:
            with tempfile.TemporaryDirectory(prefix="corral-") as name:
                folder = Path(name)
                np.save(folder / "embeddings.npy", np.asarray(embeddings[present], np.float32))
                if init is not None:
                    np.save(folder / "init.npy", init[present])
                settings = {"n_neighbors": n_neighbors, "min_dist": min_dist, "random_state": random_state}
                child = self._start()
                answer = self._ask(child, {"folder": name, **settings}, on_progress, stop)
                if stop.is_set():
                    child.kill()
                    child.wait()
                    return None
                if answer != "done":
                    if answer is None:
                        answer = f"its process ended with exit status {child.wait()}"
                    raise ProjectionError(f"UMAP failed on {n_present:,} rows: {answer}.")
                xy = np.full((len(embeddings), 2), np.nan, np.float32)
                xy[present] = np.load(folder / "map.npy")
                return xy
        finally:
            self._lock.release()

    def _ask(
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
            return self._wait(child, on_progress)
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
    def _wait(child: subprocess.Popen[str], on_progress: Callable[[int, int], None] | None) -> str | None:
        for line in child.stdout or ():
            word, _, rest = line.strip().partition(" ")
            if word == "epoch":
                done, total = map(int, rest.split("/"))
                if on_progress:
                    on_progress(done, total)
            elif word in ("done", "failed"):
                return rest or word
        return None
