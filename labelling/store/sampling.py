"""Some of a store's texts: drawn at random, or spread over all of it so that small groups are there."""

from collections.abc import Callable, Iterator

import numpy as np

from labelling.store.store import Store, holding

# Cells round texts that are far from each other, found among so many drawn at random: of more of either the time grows,
# and groups of less than a cell's share of what was drawn are found by their distance all the same.
N_CELLS, POOL = 512, 25_600
CHUNK_ROWS = 4_096

OnProgress = Callable[[int, int], object]


def at_random(store: Store, n: int, random_state: int = 0) -> np.ndarray:
    """`n` positions in the store, or all where there are fewer, each as likely as any other: int64, sorted."""
    rng = np.random.default_rng(random_state)
    if n >= store.n_texts:
        return np.arange(store.n_texts)
    return np.sort(rng.choice(store.n_texts, n, replace=False, shuffle=False))


def spread_out(
    store: Store, n: int, random_state: int = 0, on_progress: OnProgress = lambda done, total: None
) -> np.ndarray:
    """`n` positions in the store, those in thin regions likelier than those where there are many: int64, sorted.

    Centres are drawn by k-means++ (Arthur & Vassilvitskii, 2007) from a random part of the texts. Every text belongs to
    the cell of the nearest; one half of its chance is that of its cell, which all cells have alike, the other grows
    with the square of its distance to the centre (as the coresets of Bachem, Lucic & Krause, 2018, KDD). The draw is
    without replacement (Efraimidis & Spirakis, 2006). One pass over the vectors; up to some 40 bytes of memory a text.
    """
    from sklearn.cluster import kmeans_plusplus

    if n >= store.n_texts:
        return np.arange(store.n_texts)
    drawn = at_random(store, POOL, random_state)
    pool = np.concatenate([vectors for _, vectors in vectors_at(store, drawn)])
    n_cells = min(N_CELLS, len(pool), n)
    centres, _ = kmeans_plusplus(pool, n_cells, random_state=random_state)
    cells = np.empty(store.n_texts, np.int16)
    far = np.empty(store.n_texts, np.float32)
    for shard in store.shards:
        vectors = shard.vectors()
        for start in range(0, len(vectors), CHUNK_ROWS):
            part = vectors[start : start + CHUNK_ROWS].astype(np.float32)
            squared = (part**2).sum(axis=1)[:, None] - 2 * part @ centres.T + (centres**2).sum(axis=1)
            at = slice(shard.first + start, shard.first + start + len(part))
            cells[at] = squared.argmin(axis=1)
            far[at] = squared.min(axis=1).clip(0)
        on_progress(shard.first + shard.n_texts, store.n_texts)
    weights = 1 / (n_cells * np.bincount(cells, minlength=n_cells)[cells].astype(np.float64))
    if total := far.sum(dtype=np.float64):
        weights += far / total
    late = np.random.default_rng(random_state).exponential(size=store.n_texts) / weights
    return np.sort(np.argpartition(late, n)[:n])


def vectors_at(store: Store, positions: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The positions, sorted, and their vectors, float32, a shard at a time."""
    for shard, low, high in holding(store.shards, positions):
        yield positions[low:high], shard.vectors()[positions[low:high] - shard.first].astype(np.float32)
