"""The first two principal components, and where they put texts that came later."""

from collections.abc import Iterator

import numpy as np

from labelling.files import let_go

PART = 8_192  # rows that are in memory at a time


def pca(embeddings: np.ndarray, *, random_state: int = 0) -> np.ndarray:
    """The first two principal components of `embeddings` (n, n_dims): float32 (n, 2).

    A sign is free in PCA; each axis is turned so that its largest loading is positive (scikit-learn's svd_flip).
    Rows with NaN have no position: NaN in, NaN out. Fewer than three distinct texts still get a position each.

    Of more rows than dimensions a part is read at a time, for those that are memory-mapped.
    """
    present = embedded(embeddings)
    xy = np.full((len(embeddings), 2), np.nan, np.float32)
    xy[present] = 0
    rows = np.flatnonzero(present)
    n_dims = embeddings.shape[1]
    n_components = min(2, len(rows) - 1, n_dims)
    if n_components > 0 and len(rows) > n_dims:
        middle, components = _components(embeddings, rows, n_components)
        for part in _parts(embeddings, rows):
            xy[part, :n_components] = (embeddings[part] - middle) @ components
    elif n_components > 0:
        from sklearn.decomposition import PCA

        with np.errstate(invalid="ignore"):  # identical texts have no variance that could be shared out
            flat = PCA(n_components, svd_solver="full", random_state=random_state).fit_transform(embeddings[rows])
        xy[rows, :n_components] = flat
    return xy


def embedded(embeddings: np.ndarray) -> np.ndarray:
    """Which rows have an embedding, bool (n,): one that is being filled in while this runs has NaN in any column."""
    present = np.empty(len(embeddings), bool)
    for part in _parts(embeddings, np.arange(len(embeddings))):
        present[part] = ~np.isnan(embeddings[part].sum(axis=1))
    return present


def _parts(embeddings: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rows, some at a time; the memory of mapped embeddings is given back after each."""
    for start in range(0, len(rows), PART):
        yield rows[start : start + PART]
        let_go(embeddings)


def _components(embeddings: np.ndarray, rows: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle of these rows, float32 (n_dims,), and their principal components, float32 (n_dims, n_components)."""
    n_dims = embeddings.shape[1]
    total = np.zeros(n_dims)
    for part in _parts(embeddings, rows):
        total += embeddings[part].sum(axis=0, dtype=float)
    middle = (total / len(rows)).astype(np.float32)
    scatter = np.zeros((n_dims, n_dims))
    for part in _parts(embeddings, rows):
        x = embeddings[part] - middle
        scatter += x.T @ x
    components = np.linalg.eigh(scatter)[1][:, ::-1][:, :n_components]
    largest = np.abs(components).argmax(axis=0)
    return middle, (components * np.sign(components[largest, range(n_components)])).astype(np.float32)


def extend_pca(xy: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    """The PCA `xy` (n, 2) with the rows that have no position yet where its components put them: float32 (n, 2).

    `embeddings` (n, n_dims) are of all rows. The components are found again by least squares from the rows that have a
    position: whatever rotation and shift the map was given since, new rows get it too. The others stay bit for bit.
    """
    xy = np.array(xy, np.float32)
    present = embedded(embeddings)
    known = np.flatnonzero(present & ~np.isnan(xy[:, 0]))
    new = np.flatnonzero(present & np.isnan(xy[:, 0]))
    if len(new) and len(known):
        # There is no noise to be averaged out: some rows more than there are dimensions tell all.
        known = np.random.default_rng(0).permutation(known)[: 20 * embeddings.shape[1]]
        x, middle = embeddings[known].astype(float), xy[known].mean(axis=0, dtype=float)
        centre = x.mean(axis=0)
        components = np.linalg.lstsq(x - centre, xy[known] - middle)[0]
        for part in _parts(embeddings, new):
            xy[part] = (embeddings[part] - centre) @ components + middle
    return xy
