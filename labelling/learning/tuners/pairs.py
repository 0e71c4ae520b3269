"""Pairs of rows from labels: what a learner is fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from labelling.learning.targets import Targets, read_targets


def make_pairs(
    y: Any,
    n_negatives: int = 3,
    *,
    n_positives: int = 1,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw, for each labelled row, rows that share its label and rows that do not.

    Parameters
    ----------
    y : as for `FeedForwardTuner.fit`: one label a row, unlabelled ones None, NaN or -1; or (n, n_labels), 1 yes, 0 no,
        None, NaN or -1 unknown, where a row with yes is paired with others that have yes for the same label, and with
        rows that have no for it. Rows of which nothing is known are in no pair.
    n_negatives, n_positives : pairs of each kind for a row. A row is paired with itself only where it is the only one
        of its label. Where nothing differs from a row, it has no negative pair.
    random_state : int, RandomState instance or None.

    Returns
    -------
    left, right : int64 (n_pairs,), row numbers.
    similar : float32 (n_pairs,), 1 or 0.

    Raises
    ------
    ValueError : a count below 0; `y` as for a tuner.
    """
    for name, count in (("n_negatives", n_negatives), ("n_positives", n_positives)):
        if count < 0:
            raise ValueError(f"{name} must be 0 or more, got {count}")
    rng = check_random_state(random_state)
    targets = read_targets(y)
    if targets.multi_label:
        parts = _of_multi_label(targets, n_positives, n_negatives, rng)
    else:
        parts = _of_one(np.flatnonzero(targets.known), targets.codes, n_positives, n_negatives, rng)
    left = np.concatenate([np.zeros(0, int), *(part[0] for part in parts)])
    right = np.concatenate([np.zeros(0, int), *(part[1] for part in parts)])
    similar = np.concatenate([np.zeros(0, np.float32), *(np.full(len(part[0]), part[2], np.float32) for part in parts)])
    return left, right, similar


Part = tuple[np.ndarray, np.ndarray, float]


def _of_one(
    rows: np.ndarray, codes: np.ndarray, n_positives: int, n_negatives: int, rng: np.random.RandomState
) -> list[Part]:
    rows = rows[np.argsort(codes[rows], kind="stable")]  # a class is a stretch [start, start + size) of them
    place = np.arange(len(rows))
    _, start, size = np.unique(codes[rows], return_index=True, return_counts=True)
    start, size = np.repeat(start, size), np.repeat(size, size)
    parts: list[Part] = []
    for _ in range(n_positives):
        # so far on from itself, round the class: never itself unless it is alone
        step = 1 + (rng.random_sample(len(rows)) * (size - 1)).astype(int)
        parts.append((rows, rows[start + (place - start + step) % size], 1))
    others = len(rows) - size
    some = others > 0
    for _ in range(n_negatives):
        other = (rng.random_sample(len(rows)) * others).astype(int)
        other += np.where(other >= start, size, 0)  # past its own class
        parts.append((rows[some], rows[other[some]], 0))
    return parts


def _of_multi_label(targets: Targets, n_positives: int, n_negatives: int, rng: np.random.RandomState) -> list[Part]:
    parts: list[Part] = []
    for column in targets.codes.T:
        yes, no = np.flatnonzero(column == 1), np.flatnonzero(column == 0)
        parts += _of_one(yes, column, n_positives, 0, rng) if len(yes) else []
        if len(yes) and len(no):
            parts += [(yes, no[rng.randint(len(no), size=len(yes))], 0) for _ in range(n_negatives)]
    return parts
