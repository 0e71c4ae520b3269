"""What the neighbour graph of a space says about a selection of its rows.

The graph is int32 (n_rows, k): the k nearest other rows of each row in the full space, nearest first, -1 where there
is none. It is made once a space, with its UMAP (`projections.UmapProcess.neighbours`).
"""

import numpy as np

STEP = 0.2  # how much larger a step of growing makes a selection, and how much smaller a step of shrinking
MOST = 0.5
CHUNK = 65_536


def share_inside(
    rows: np.ndarray, graph: np.ndarray, members: np.ndarray, seen: np.ndarray | None = None
) -> np.ndarray:
    """For each of `rows`, the share of its nearest neighbours that are `members`: float32 (len(rows),).

    Of a small group with fewer members than neighbours only so many nearest are asked, as no more could be inside.
    `members` are row numbers. Where `seen`, bool (n_rows,), is given, neighbours that it leaves out are not asked: what
    a filter hides is neither inside nor outside. NaN where a row has no neighbours to ask.
    """
    inside = np.zeros(len(graph) + 1, bool)  # one more, for -1
    inside[members] = True
    known = np.ones(len(graph) + 1, bool) if seen is None else np.append(seen, False)
    known[-1] = False
    k = max(1, min(graph.shape[1], len(members) - 1))
    share = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), CHUNK):
        near = np.asarray(graph[rows[start : start + CHUNK], :k])
        asked = known[near].sum(axis=1)
        with np.errstate(invalid="ignore"):
            share[start : start + CHUNK] = (inside & known)[near].sum(axis=1) / np.where(asked, asked, np.nan)
    return share


def strays(rows: np.ndarray, graph: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """Those of `rows` with most of their nearest neighbours outside: the map shows them here, the space does not.

    None where that is so of half of the rows or more: then these are no group that some stray from. `seen` as in
    `share_inside`.
    """
    if len(rows) < 3:
        return rows[:0]
    found = rows[share_inside(rows, graph, rows, seen) < MOST]
    return found if 2 * len(found) < len(rows) else rows[:0]


def grow(rows: np.ndarray, graph: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """`rows` and those of their neighbours that belong there most: a fifth more, from a few rows all their nearest.

    First come those with the largest share of their own neighbours inside, then those that most of `rows` name.
    `allowed` is bool (n_rows,): no other row is taken. Returns sorted int64 row numbers.
    """
    if not len(rows):
        return rows
    n_more = max(graph.shape[1], int(np.ceil(STEP * len(rows))))
    return np.union1d(rows, nearest_outside(rows, graph, allowed, allowed)[:n_more])


def nearest_outside(
    rows: np.ndarray, graph: np.ndarray, allowed: np.ndarray, seen: np.ndarray | None = None
) -> np.ndarray:
    """The neighbours of `rows` that are not among them, those that belong there most first: int64.

    `allowed` is bool (n_rows,): no other row is taken.
    """
    named = np.bincount(np.asarray(graph[rows]).ravel() + 1, minlength=len(graph) + 1)[1:]  # -1 is no row
    named[rows] = 0
    candidates = np.flatnonzero(allowed & (named > 0))
    share = np.nan_to_num(share_inside(candidates, graph, rows, seen))
    order: np.ndarray = candidates[np.lexsort((-named[candidates], -share))]
    return order


def core(rows: np.ndarray, graph: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """`rows` without the fifth that has the fewest of its neighbours inside; at least one row is left.

    `seen` as in `share_inside`.
    """
    n_less = min(len(rows) - 1, int(np.ceil(STEP * len(rows))))
    if n_less < 1:
        return rows
    order = np.argsort(np.nan_to_num(share_inside(rows, graph, rows, seen)), kind="stable")
    return np.sort(rows[order[n_less:]])


def changed(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The share of each row's neighbours in graph `old` that are no longer its neighbours in `new`: float32 (n_rows,).

    NaN where a row has none. Both are (n_rows, k), with k of their own: as many as both have are compared.
    """
    k = min(old.shape[1], new.shape[1])
    share = np.empty(len(old), np.float32)
    for start in range(0, len(old), CHUNK):
        a, b = (np.asarray(graph[start : start + CHUNK, :k]) for graph in (old, new))
        kept = (a[:, :, None] == b[:, None]).any(axis=2) & (a >= 0)
        known = (a >= 0).sum(axis=1)
        share[start : start + CHUNK] = 1 - kept.sum(axis=1) / np.where(known, known, np.nan)
    return share
