"""The nearest rows of each row: all distances where the rows are few, else NN-descent (Dong, Moses & Li 2011).

NN-descent is pynndescent's, in all dimensions: a search among the first 64 principal components took half the time and
missed a third of the neighbours.
"""

import contextlib
import io
import re
from collections.abc import Callable
from functools import cache

import numpy as np

Report = Callable[[int, int], None]


# Below so many pairs of rows all distances are compared. NN-descent takes 20 s to compile, and at later starts of a
# process 5: numba can't keep its outer functions on disk, which ask for the number of threads.
EXACT_BELOW = 20_000**2


BLOCK = 2_048  # rows whose neighbours are looked for at a time


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

    keep_compiled()
    with contextlib.redirect_stdout(_Rounds(report)) as rounds:
        found: tuple[np.ndarray, np.ndarray] = NNDescent(
            embeddings, n_neighbors=k, random_state=random_state, low_memory=True, verbose=True
        ).neighbor_graph
    report(rounds.total, rounds.total)
    return found


@cache
def keep_compiled() -> None:
    """Keep on disk what numba compiles of NN-descent here, where it can: all but its two outer functions.

    What is compiled for a distance is looked for by that function's uuid, which numba draws anew in each process, and
    would so never be found again. Here it has one that stays.
    """
    import pynndescent
    from pynndescent import distances, kernels, pynndescent_, utils

    distance = distances.fast_distance_alternatives["euclidean"]["dist"]
    try:
        distance._set_uuid(f"{distance.py_func.__qualname__} of pynndescent {pynndescent.__version__}")
    except (AssertionError, AttributeError):  # it has one already, or another numba has none: as without this
        return
    for function in (
        pynndescent_.generate_leaf_updates,
        pynndescent_.init_rp_tree,
        pynndescent_.init_random,
        pynndescent_.process_candidates,
        kernels.generate_graph_update_array_batched,
        utils.build_candidates_owner,
        utils.generate_graph_update_array,
        utils.sort_updates_by_block,
        utils.apply_sorted_graph_update_array,
        utils.deheap_sort,
    ):
        function.enable_caching()
