"""Maps that lie like the one before, and places between neighbours for new rows."""

import numpy as np


def align(xy: np.ndarray, to: np.ndarray) -> np.ndarray:
    """`xy` (n, 2), rotated or mirrored, and moved, to lie as `to` (n, 2) does: float32 (n, 2).

    That is the orthogonal Procrustes problem (Schoenemann 1966) of the rows that have a position in both. Distances in
    `xy` stay as they are: `to` may be of another scale. NaN stays NaN; fewer than two common rows: `xy` as it is.
    """
    from scipy.linalg import orthogonal_procrustes

    xy = np.asarray(xy, np.float32)
    common = ~np.isnan(xy).any(axis=1) & ~np.isnan(to).any(axis=1)
    if np.count_nonzero(common) < 2:
        return xy
    ours, theirs = xy[common].astype(float), np.asarray(to[common], float)
    turn, _ = orthogonal_procrustes(ours - ours.mean(axis=0), theirs - theirs.mean(axis=0))
    return ((xy - ours.mean(axis=0)) @ turn + theirs.mean(axis=0)).astype(np.float32)


def place(xy: np.ndarray, neighbours: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """`xy` (n, 2) with a position for the rows that have none (NaN), between those of their neighbours: float32 (n, 2).

    `neighbours` and `distances` (n, k) are as from `UmapProcess.neighbours`. A near neighbour counts for more: the
    weights are those of UMAP's graph, with the median distance for its scale. Rows that only newly placed ones are
    near come after these. Rows that no way leads from to a placed one stay NaN; all others stay as they are.
    """
    xy = np.array(xy, np.float32)
    left = np.flatnonzero(np.isnan(xy).any(axis=1) & (neighbours >= 0).any(axis=1))
    while len(left):
        near, far = neighbours[left], distances[left]
        known = (near >= 0) & ~np.isnan(xy[near]).any(axis=2)
        reached = known.any(axis=1)
        if not reached.any():
            break
        near, far, known = near[reached], far[reached], known[reached]
        beyond = far - np.nanmin(far, axis=1, keepdims=True)
        scale = np.maximum(np.nanmedian(beyond, axis=1, keepdims=True), 1e-9)
        weights = np.where(known, np.exp(-np.minimum(beyond / scale, 50)), 0)  # 50: none is nothing
        weights /= weights.sum(axis=1, keepdims=True)
        xy[left[reached]] = np.einsum("ij,ijk->ik", weights, np.where(known[:, :, None], xy[near], 0))
        left = left[~reached]
    return xy
