"""How near rows lie to the labelled ones of a label.

A classifier divides all there is among the labels that it knows, and is sure of texts of a label that nobody has named
yet. Their embeddings tell them apart: they lie no nearer to the labelled rows than rows of another label do.
"""

import numpy as np

from labelling.learning.memory import Memory

NEAREST = 3  # labelled rows of the label: one alone may bear a wrong label
CHUNK_ROWS = 16_384


def support(x: np.ndarray, codes: np.ndarray, memory: Memory) -> np.ndarray:
    """How near each row is to the labelled rows of the label `codes` (n,) names: float32 (n,), from 0 to 1.

    1 is as near as rows of a label are to each other, 0 as near as they are to another label's: both are the medians of
    the labelled rows, and near is the mean cosine similarity to the nearest few. All 0 where the labels do not part.
    `x` is float32 (n, n_features) of unit length; `memory` holds the labelled rows, of one label each.
    """
    same, other = _scale(memory)
    found = np.zeros(len(x), np.float32)
    if same <= other:
        return found
    for code in np.unique(codes):
        rows, known = np.flatnonzero(codes == code), memory.x[memory.targets.codes == code]
        for start in range(0, len(rows) if len(known) else 0, CHUNK_ROWS):
            part = rows[start : start + CHUNK_ROWS]
            found[part] = (_nearest(x[part] @ known.T) - other) / (same - other)
    return found.clip(0, 1)


def _scale(memory: Memory) -> tuple[float, float]:
    """How near the labelled rows are to others of their own label, and to those of the label that is nearest."""
    codes = memory.targets.codes
    own, others = np.full(len(codes), np.nan), np.full(len(codes), -1.0)
    for code in np.unique(codes):
        inside = codes == code
        known = memory.x[inside]
        others[~inside] = np.maximum(others[~inside], _nearest(memory.x[~inside] @ known.T))
        if len(known) > 1:
            similarity = known @ known.T
            n = len(known) - 1
            apart = similarity[~np.eye(len(known), dtype=bool)].reshape(len(known), n)
            own[inside] = _nearest(apart)
    # Where each label has one row alone, nothing is known to be near but what is equal.
    return (1.0 if np.isnan(own).all() else float(np.nanmedian(own))), float(np.median(others))


def _nearest(similarity: np.ndarray) -> np.ndarray:
    """The mean of the highest few of each row of (n, m), m > 0."""
    k = min(NEAREST, similarity.shape[1])
    return np.partition(similarity, -k, axis=1)[:, -k:].mean(axis=1)
