"""The first two principal components, and where they put texts that came later."""

import numpy as np


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
    known = embeddings if present.all() else embeddings[present]
    n_components = min(2, len(known) - 1, known.shape[1])
    if n_components > 0:
        solver = "covariance_eigh" if known.shape[0] > known.shape[1] else "full"
        with np.errstate(invalid="ignore"):  # identical texts have no variance that could be shared out
            flat = PCA(n_components, svd_solver=solver, random_state=random_state).fit_transform(known)
        xy[np.flatnonzero(present), :n_components] = flat
    return xy


def extend_pca(xy: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    """The PCA `xy` (n, 2) with the rows that have no position yet where its components put them: float32 (n, 2).

    `embeddings` (n, n_dims) are of all rows. The components are found again by least squares from the rows that have a
    position: whatever rotation and shift the map was given since, new rows get it too. The others stay bit for bit.
    """
    xy = np.array(xy, np.float32)
    present = ~np.isnan(embeddings.sum(axis=1))
    known = np.flatnonzero(present & ~np.isnan(xy[:, 0]))
    new = np.flatnonzero(present & np.isnan(xy[:, 0]))
    if len(new) and len(known):
        # There is no noise to be averaged out: some rows more than there are dimensions tell all.
        known = np.random.default_rng(0).permutation(known)[: 20 * embeddings.shape[1]]
        x, middle = embeddings[known].astype(float), xy[known].mean(axis=0, dtype=float)
        centre = x.mean(axis=0)
        components = np.linalg.lstsq(x - centre, xy[known] - middle)[0]
        xy[new] = (embeddings[new] - centre) @ components + middle
    return xy
