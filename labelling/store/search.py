"""Search over a store by meaning: exact, a shard at a time, so that no more than one is in memory."""

from collections.abc import Callable

import numpy as np

from labelling.encoders import Encoder
from labelling.store.store import Store

CHUNK_ROWS = 16_384


def nearest(
    store: Store,
    query: np.ndarray,
    n: int = 20,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[np.ndarray, np.ndarray]:
    """The positions of the `n` texts whose vectors have the highest cosine to `query` (n_dims,), and their cosines.

    int64 and float32, the nearest first; of equal ones the first in the store. All vectors are compared. Raises
    StoreError where a shard is missing or damaged.
    """
    query = np.asarray(query, np.float32)
    query = query / max(float(np.linalg.norm(query)), np.finfo(np.float32).tiny)
    positions, cosines = np.empty(0, np.int64), np.empty(0, np.float32)
    for shard in store.shards:
        vectors = shard.vectors()
        for start in range(0, len(vectors), CHUNK_ROWS):
            part = vectors[start : start + CHUNK_ROWS].astype(np.float32)
            lengths = np.linalg.norm(part, axis=1)
            found = part @ query / np.where(lengths > 0, lengths, 1)
            best = np.argpartition(-found, n)[:n] if len(found) > n else np.arange(len(found))
            positions = np.concatenate([positions, np.sort(best) + shard.first + start])
            cosines = np.concatenate([cosines, found[np.sort(best)]])
        order = np.argsort(-cosines, kind="stable")[:n]
        positions, cosines = positions[order], cosines[order]
        on_progress(shard.first + shard.n_texts, store.n_texts)
    return positions, cosines


def search(
    store: Store,
    encoder: Encoder,
    words: str,
    n: int = 20,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[np.ndarray, np.ndarray]:
    """As `nearest`, to what the words mean to the store's encoder. Raises StoreError where it is another one."""
    store.must_be_of(encoder.fingerprint, "the search")
    return nearest(store, encoder.encode([words])[0], n, on_progress)
