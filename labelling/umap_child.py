"""The child process of `projections.UmapProcess`: a line of JSON in, lines of progress and arrays in files out.

UMAP in three steps, each the quickest of those that were tried (tests/benchmarks/umap_at_size.py):

- The nearest rows: all distances where the rows are few, else NN-descent (Dong, Moses & Li 2011) of pynndescent, in
  all dimensions. A search among the first 64 principal components took half the time and missed a third of them.
- The fuzzy graph of UMAP (McInnes, Healy & Melville 2018, arXiv:1802.03426, section 3.1), by umap-learn.
- The layout (section 3.2) by the sampling of umap-learn, in a loop of our own, `_epoch`.
"""

import contextlib
import io
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

Report = Callable[[int, int], None]

# Below so many pairs of rows all distances are compared. NN-descent takes 20 s to compile, once a process.
EXACT_BELOW = 20_000**2
BLOCK = 2_048  # rows whose neighbours are looked for at a time
REPORT_SECONDS = 0.2
WIDTH = 10.0  # of the map that the layout starts from, as in umap-learn
NEGATIVE_SAMPLES = 5


def neighbours(
    embeddings: np.ndarray, rows: np.ndarray | None, n_neighbors: int, random_state: int, report: Report
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other rows of `rows` (all where None) of float32 (n, n_dims), nearest first, by Euclidean distance.

    int32 row numbers and float32 distances, (n_rows, n_neighbors). Where NN-descent found fewer: -1 and NaN.
    """
    asked = np.arange(len(embeddings)) if rows is None else rows
    k = n_neighbors + 1  # a row finds itself, too
    if len(asked) * len(embeddings) < EXACT_BELOW:
        near, far = _exact(embeddings, asked, k, report)
    else:
        near, far = (found[asked] for found in _descent(embeddings, k, random_state, report))
    itself = near == asked[:, None]
    itself[~itself.any(axis=1), -1] = True  # more than k equal texts: it is not among the nearest of itself
    near, far = (found[~itself].reshape(len(asked), n_neighbors) for found in (near, far))
    return near.astype(np.int32), np.where(near < 0, np.nan, far).astype(np.float32)


def _exact(embeddings: np.ndarray, asked: np.ndarray, k: int, report: Report) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(embeddings)
    near, far = np.empty((len(asked), k), np.int64), np.empty((len(asked), k))
    for start in range(0, len(asked), BLOCK):
        part = slice(start, start + BLOCK)
        far[part], near[part] = search.kneighbors(embeddings[asked[part]])
        report(min(start + BLOCK, len(asked)), len(asked))
    return near, far


class _Rounds(io.TextIOBase):
    """Takes what NN-descent prints: "1 / 16"."""

    def __init__(self, report: Report) -> None:
        self.report, self.line, self.total = report, "", 1

    def write(self, text: str) -> int:
        self.line += text
        if text.endswith("\n"):
            if match := re.search(r"(\d+)\s*/\s*(\d+)\s*$", self.line):
                done, self.total = map(int, match.groups())
                self.report(done - 1, self.total)
            self.line = ""
        return len(text)


def _descent(embeddings: np.ndarray, k: int, random_state: int, report: Report) -> tuple[np.ndarray, np.ndarray]:
    from pynndescent import NNDescent  # type: ignore[import-untyped]

    with contextlib.redirect_stdout(_Rounds(report)) as rounds:
        found: tuple[np.ndarray, np.ndarray] = NNDescent(
            embeddings, n_neighbors=k, random_state=random_state, low_memory=True, verbose=True
        ).neighbor_graph
    report(rounds.total, rounds.total)
    return found


def layout(
    xy: np.ndarray,
    moving: np.ndarray,
    near: np.ndarray,
    far: np.ndarray,
    *,
    min_dist: float,
    n_epochs: int,
    alpha: float,
    random_state: int,
    report: Report,
) -> np.ndarray:
    """`xy` (n, 2) after `n_epochs` of UMAP's optimisation that move the rows `moving` alone: float32 (n, 2).

    `near` and `far` (n, k) are the neighbours of each row and their distances, -1 and NaN where there is none.
    """
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set

    n_rows = len(xy)
    itself = np.arange(n_rows, dtype=np.int32)
    graph = fuzzy_simplicial_set(
        xy,  # asked for the number of its rows
        near.shape[1] + 1,
        None,
        "euclidean",
        knn_indices=np.column_stack([itself, near]),
        knn_dists=np.column_stack([np.zeros(n_rows, np.float32), np.nan_to_num(far)]),
    )[0].tocsr()
    share = (graph.data / graph.data.max(initial=1e-9)).astype(np.float32)
    a, b = find_ab_params(1.0, min_dist)
    eighths = min(round(8 * b), 15)  # b is 0.9 for a min_dist of 0.1, and 1.9 for 1
    old = np.ascontiguousarray(xy, np.float32)
    new, told = old.copy(), time.monotonic()
    moving = np.asarray(moving, np.int32)
    for epoch in range(n_epochs):
        step = np.float32(alpha * (1 - epoch / n_epochs))
        seed = np.uint64((random_state * 1_000_003 + epoch) % 2**63)
        _epoch(new, old, moving, graph.indptr, graph.indices, share, epoch, step, np.float32(a), eighths, seed)
        new, old = old, new
        if time.monotonic() > told + REPORT_SECONDS or epoch in (0, n_epochs - 1):
            told = time.monotonic()
            report(epoch + 1, n_epochs)
    return old


@numba.njit(fastmath=True)
def _power(square: np.float32, eighths: int) -> np.float32:
    """square ** (eighths / 8) by square roots, which are a fifth of the price of a power."""
    fourth = np.sqrt(square)
    second = np.sqrt(fourth)
    power = np.float32(1)
    if eighths & 1:
        power *= np.sqrt(second)
    if eighths & 2:
        power *= second
    if eighths & 4:
        power *= fourth
    if eighths & 8:
        power *= square
    return power


@numba.njit(fastmath=True)
def _clip(value: np.float32) -> np.float32:
    return min(max(value, np.float32(-4)), np.float32(4))


@numba.njit(fastmath=True)
def _random(state: np.uint64) -> np.uint64:
    """The next number of Marsaglia's xorshift64 (2003, Journal of Statistical Software 8/14)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@numba.njit(fastmath=True, parallel=True, error_model="numpy")
def _epoch(new, old, moving, starts, ends, share, epoch, step, a, eighths, seed):  # type: ignore[no-untyped-def]
    """One epoch of umap-learn's optimisation, with three differences that make it quicker and repeatable.

    Each row moves by itself, seeing the others where they lay before the epoch, and has random numbers of its own: the
    map is the same for any number of threads. The forces of an edge and its random rows are summed before the row
    moves. An edge moves the row that it starts from; its other end has the same edge the other way round.
    `share` is how often an edge is drawn, 1 for every epoch.
    """
    n_rows, b = np.uint64(len(old)), np.float32(eighths / 8)
    one, least = np.float32(1), np.float32(1e-12)
    for i in numba.prange(len(moving)):
        row = moving[i]
        state = _random(seed * np.uint64(0x9E3779B97F4A7C15) + np.uint64(row + 1) * np.uint64(0xBF58476D1CE4E5B9))
        x, y = old[row, 0], old[row, 1]
        for edge in range(starts[row], starts[row + 1]):
            if np.floor(np.float32(epoch + 1) * share[edge]) == np.floor(np.float32(epoch) * share[edge]):
                continue
            other = np.int64(ends[edge])
            dx, dy = x - old[other, 0], y - old[other, 1]
            square = dx * dx + dy * dy + least
            power = a * _power(square, eighths)
            pull = np.float32(-2) * b * power / (square * (one + power))
            towards_x, towards_y = _clip(pull * dx), _clip(pull * dy)
            for _ in range(NEGATIVE_SAMPLES):
                state = _random(state)
                other = np.int64(((state >> np.uint64(32)) * n_rows) >> np.uint64(32))
                dx, dy = x - old[other, 0], y - old[other, 1]
                square = dx * dx + dy * dy + least
                push = np.float32(2) * b / ((np.float32(0.001) + square) * (one + a * _power(square, eighths)))
                towards_x += _clip(push * dx)
                towards_y += _clip(push * dy)
            x += step * towards_x
            y += step * towards_y
        new[row, 0], new[row, 1] = x, y


def scaled(xy: np.ndarray, random_state: int) -> np.ndarray:
    """`xy` moved and scaled to WIDTH, with a little noise, which parts texts that lie on one spot: float32 (n, 2)."""
    width = max(float(np.ptp(xy, axis=0).max()), 1e-9)
    noise = np.random.default_rng(random_state).normal(scale=1e-3, size=xy.shape)
    return (WIDTH * ((xy - xy.mean(axis=0)) / width) + noise).astype(np.float32)


def serve(folder: Path, task: str, settings: dict, report: Report) -> None:
    """Do one task with the arrays in `folder`, and put what comes of it there."""
    # "c", which can be written: numba would compile all anew for arrays that can't be
    given = {path.stem: np.load(path, mmap_mode="c") for path in folder.glob("*.npy")}
    if task == "neighbours":
        near, far = neighbours(given["embeddings"], given.get("rows"), report=report, **settings)
        np.save(folder / "near.npy", near)
        np.save(folder / "far.npy", far)
    else:
        xy, moving = np.array(given["xy"], np.float32), given.get("moving")
        if moving is None:
            xy, moving = scaled(xy, settings["random_state"]), np.arange(len(xy))
        np.save(folder / "map.npy", layout(xy, moving, given["near"], given["far"], report=report, **settings))


def main() -> None:
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first
    out = sys.stdout
    tiny = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    near, far = neighbours(tiny, None, 5, 0, report=lambda *_: None)
    compiling: dict[str, Any] = {"min_dist": 0.1, "n_epochs": 2, "alpha": 1.0, "random_state": 0}
    layout(tiny[:, :2], np.arange(64), near, far, report=lambda *_: None, **compiling)  # what every map needs
    for line in sys.stdin:
        request = json.loads(line)
        folder, task = Path(request.pop("folder")), request.pop("task")
        try:
            serve(folder, task, request, lambda done, total: print(f"progress {done}/{total}", file=out, flush=True))
            print("done", file=out, flush=True)
        except Exception as error:
            traceback.print_exc()  # to the server's log
            print("failed", " ".join(f"{type(error).__name__}: {error}".split()), file=out, flush=True)


if __name__ == "__main__":
    main()
