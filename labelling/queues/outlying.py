"""Labels whose texts lie nearer to the texts of another label."""

from collections.abc import Iterator

import numpy as np

from labelling.queues.review import Records, Review

CHUNK = 16_384
OF_MIDDLES = 20_000  # rows: of a label a hundred and more, by which its middle is known well
MARGIN = 0.1  # of the cosines: of what lies between two labels next to nothing is wrong


def outlying(
    codes: np.ndarray, actions: np.ndarray, embeddings: np.ndarray, among: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """How much nearer each labelled row is to another label's middle than to its own, and which label that is.

    The difference of the two cosines, float32 (n_rows,), and int (n_rows,). Its own label's middle is that of the rows
    that other actions gave it: the texts of one lasso are wrong together, and their middle is among them. NaN and -1
    where there is no such row, or no other label. Of many rows the middles are those of a random sample.

    Parameters are as in `queues.review.Records`; `among` are the rows to ask, default all. Raises ValueError where they
    are not of the same rows.
    """
    if not len(codes) == len(actions) == len(embeddings):
        raise ValueError(
            f"codes, actions, embeddings are of {len(codes):,}, {len(actions):,}, {len(embeddings):,} rows"
        )
    scores, nearest = np.full(len(codes), np.nan, np.float32), np.full(len(codes), -1)
    every = np.flatnonzero(codes >= 0)
    labels, label = np.unique(codes[every], return_inverse=True)
    if len(labels) < 2:
        return scores, nearest
    of = np.full(len(codes), -1)
    of[every] = label
    n_actions = int(actions[every].max()) + 1
    groups, group = np.unique(label * n_actions + actions[every], return_inverse=True)
    group_of = np.full(len(codes), -1)
    group_of[every] = group
    sums = _sums(every, group_of, len(groups), embeddings)
    its_label = groups // n_actions
    of_label = np.add.reduceat(sums, np.unique(its_label, return_index=True)[1])
    own = _unit(of_label[its_label] - sums)  # 0 where all of a label's rows are of one action
    alone = np.bincount(its_label)[its_label] == 1
    unit = _unit(of_label)
    for rows, X in _in_parts(every if among is None else among[codes[among] >= 0], embeddings):
        near = X @ unit.T
        near[np.arange(len(X)), of[rows]] = -np.inf
        best = near.argmax(axis=1)
        score = near[np.arange(len(X)), best] - np.einsum("ij,ij->i", X, own[group_of[rows]])
        score[alone[group_of[rows]]] = np.nan
        scores[rows] = score
        nearest[rows] = np.where(np.isnan(score), -1, labels[best])
    return scores, nearest


def middles(codes: np.ndarray, embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels that there are, int (n_labels,), and the middles of their texts, of length 1: (n_labels, n_dims)."""
    every = np.flatnonzero(codes >= 0)
    labels, label = np.unique(codes[every], return_inverse=True)
    of = np.full(len(codes), -1)
    of[every] = label
    return labels, _unit(_sums(every, of, len(labels), embeddings))


def _sums(rows: np.ndarray, group_of: np.ndarray, n_groups: int, embeddings: np.ndarray) -> np.ndarray:
    """The sum of the vectors, scaled to length 1, of each group of `rows`, or of a sample of them."""
    sums = np.zeros((n_groups, embeddings.shape[1]))
    known = _some(rows)
    for part, X in _in_parts(known[np.argsort(group_of[known], kind="stable")], embeddings):
        here, start = np.unique(group_of[part], return_index=True)
        if len(here):
            sums[here] += np.add.reduceat(X, start)
    return sums


def _some(rows: np.ndarray) -> np.ndarray:
    """Rows that the middles are of: all, or a random sample."""
    if len(rows) <= OF_MIDDLES:
        return rows
    return np.random.default_rng(0).choice(rows, OF_MIDDLES, replace=False)


def _in_parts(rows: np.ndarray, embeddings: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows that have a text, and their vectors, scaled to length 1, CHUNK at a time."""
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        X = np.asarray(embeddings[part], np.float32)
        has_text = ~np.isnan(X[:, 0])
        yield part[has_text], _unit(X[has_text])


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.where(length > 0, length, 1)
    return unit


def review(records: Records) -> Review:
    """Labelled texts that lie nearer to another label's than to their own, by the widest margin first."""
    scores, nearest = outlying(records.codes, records.actions, records.need_embeddings())
    scores[scores < MARGIN] = np.nan
    return Review(scores, lambda row: f"nearer to the texts of {records.name(int(nearest[row]))}")
