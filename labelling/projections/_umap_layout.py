"""UMAP's graph (McInnes, Healy & Melville 2018, arXiv:1802.03426, section 3.1), by umap-learn, and its layout (3.2).

The layout follows the sampling of umap-learn, in a loop of our own, `_epoch`.
"""

import time

import numba
import numpy as np

from labelling.projections.nearest import Report

WIDTH = 10.0  # of the map that the layout starts from, as in umap-learn


REPORT_SECONDS = 0.2


NEGATIVE_SAMPLES = 5


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


@numba.njit(fastmath=True, cache=True)
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


@numba.njit(fastmath=True, cache=True)
def _clip(value: np.float32) -> np.float32:
    return min(max(value, np.float32(-4)), np.float32(4))


@numba.njit(fastmath=True, cache=True)
def _random(state: np.uint64) -> np.uint64:
    """The next number of Marsaglia's xorshift64 (2003, Journal of Statistical Software 8/14)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@numba.njit(fastmath=True, parallel=True, error_model="numpy", cache=True)
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


def keep_compiled() -> None:
    """Keep on disk what numba compiles of umap-learn here, as it does of our own functions.

    It lies beside the package, or in the person's cache where that can't be written. Compiling is most of what a
    process has to do before its first map.
    """
    from umap import umap_

    for function in (umap_.smooth_knn_dist, umap_.compute_membership_strengths):
        function.enable_caching()


def scaled(xy: np.ndarray, random_state: int) -> np.ndarray:
    """`xy` moved and scaled to WIDTH, with a little noise, which parts texts that lie on one spot: float32 (n, 2)."""
    width = max(float(np.ptp(xy, axis=0).max()), 1e-9)
    noise = np.random.default_rng(random_state).normal(scale=1e-3, size=xy.shape)
    return (WIDTH * ((xy - xy.mean(axis=0)) / width) + noise).astype(np.float32)
