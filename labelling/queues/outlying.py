"""Labels whose texts lie nearer to the texts of another label."""

import numpy as np

from labelling.queues.review import Records, Review

CHUNK = 16_384
MARGIN = 0.1  # of the cosines: of what lies between two labels next to nothing is wrong


def outlying(codes: np.ndarray, actions: np.ndarray, embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much nearer each labelled row is to another label's middle than to its own, and which label that is.

    The difference of the two cosines, float32 (n_rows,), and int (n_rows,). Its own label's middle is that of the rows
    that other actions gave it: the texts of one lasso are wrong together, and their middle is among them. NaN and -1
    where there is no such row, or no other label.

    Parameters are as in `queues.review.Records`. Raises ValueError where they are not of the same rows.
    """
    if not len(codes) == len(actions) == len(embeddings):
        raise ValueError(
            f"codes, actions, embeddings are of {len(codes):,}, {len(actions):,}, {len(embeddings):,} rows"
        )
    scores, nearest = np.full(len(codes), np.nan, np.float32), np.full(len(codes), -1)
    rows = np.flatnonzero(codes >= 0)
    rows = rows[~np.isnan(embeddings[rows, 0])]
    labels, label = np.unique(codes[rows], return_inverse=True)
    if len(labels) < 2:
        return scores, nearest
    groups, group = np.unique(np.column_stack([label, actions[rows]]), axis=0, return_inverse=True)
    group = group.ravel()
    sums = np.zeros((len(groups), embeddings.shape[1]))
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        np.add.at(sums, group[part], _unit(embeddings[rows[part]]))
    of_label = np.zeros((len(labels), embeddings.shape[1]))
    np.add.at(of_label, groups[:, 0], sums)
    own = _unit(of_label[groups[:, 0]] - sums)  # 0 where all of a label's rows are of one action
    alone = np.bincount(groups[:, 0])[groups[:, 0]] == 1
    middles = _unit(of_label)
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        X = _unit(embeddings[rows[part]])
        near = X @ middles.T
        near[np.arange(len(X)), label[part]] = -np.inf
        best = near.argmax(axis=1)
        score = near[np.arange(len(X)), best] - np.einsum("ij,ij->i", X, own[group[part]])
        score[alone[group[part]]] = np.nan
        scores[rows[part]] = score
        nearest[rows[part]] = np.where(np.isnan(score), -1, labels[best])
    return scores, nearest


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, float)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.where(length > 0, length, 1)
    return unit


def review(records: Records) -> Review:
    """Labelled texts that lie nearer to another label's than to their own, by the widest margin first."""
    scores, nearest = outlying(records.codes, records.actions, records.need_embeddings())
    scores[scores < MARGIN] = np.nan
    return Review(scores, lambda row: f"nearer to the texts of {records.name(int(nearest[row]))}")
