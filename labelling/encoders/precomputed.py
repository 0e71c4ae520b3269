"""Vectors that the person brings along, a row for each row of the upload."""

import io
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labelling.encoders import EncoderError


class OwnVectors:
    """Vectors that no encoder here has made: the `Encoder` of a project that has them.

    They belong to rows and not to texts, as two rows with the same text may have two vectors: so they don't go through
    the `EmbeddingCache`. Its `embed` is theirs, too, for these rows alone: what else is embedded in such a project, by
    a classifier say, goes through the cache.

    Parameters
    ----------
    n_dims : int
    load : callable, default=None
        Gives the vectors of the rows that have a text: float32, shape (n_texts, n_dims). None where nothing is to be
        embedded.
    """

    fingerprint = "own vectors"
    max_tokens = None

    def __init__(self, n_dims: int, load: Callable[[], np.ndarray] | None = None) -> None:
        self.n_dims = n_dims
        self._load = load

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Raises EncoderError: there is no encoder that would make a vector like them."""
        raise EncoderError(
            "The vectors of this project were brought along: there is no encoder here that could make one for another "
            "text. Search by words, or for what is like a text that is there."
        )

    def count_truncated(self, texts: Sequence[str]) -> int:
        """How much of each text its vector knows can't be told: 0."""
        return 0

    def embed(
        self,
        encoder: object,
        texts: Sequence[str],
        *,
        out: np.ndarray | None = None,
        at: np.ndarray | None = None,
        on_batch: Callable[[np.ndarray, int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> np.ndarray:
        """The vectors of all rows that have a text, as `EmbeddingCache.embed` gives them.

        Raises EncoderError where there is not one for each of `texts`.
        """
        vectors = self._load() if self._load else None
        if vectors is None or len(vectors) != len(texts):
            found = "none" if vectors is None else f"{len(vectors):,}"
            raise EncoderError(
                f"This project needs {len(texts):,} vectors of its own, one for each text; it has {found}."
            )
        if out is not None:
            out[slice(None) if at is None else at] = vectors
        if on_batch:
            on_batch(np.arange(len(vectors)), len(vectors), len(vectors))
        return vectors if out is None else out


def from_npy(data: bytes, empty: np.ndarray) -> np.ndarray:
    """Vectors of a NumPy file: float32, shape (n_rows, n_dims), NaN in the rows that have no text.

    Parameters
    ----------
    data : bytes
        The content of a .npy file: an array of numbers, shape (n_rows, n_dims), in the order of the rows.
    empty : ndarray of bool, shape (n_rows,)
        The rows that have no text: theirs may be anything.

    Raises
    ------
    EncoderError
        It is no such file, or the array has another shape or type, or a row's vector is not finite.
    """
    if data.startswith(b"PK\x03\x04"):
        raise EncoderError("the file of vectors is an archive (.npz): save one array with numpy.save, as .npy")
    try:
        vectors = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:
        why = "it holds objects, not numbers" if "allow_pickle" in str(error) else str(error)[:200] or "it is empty"
        raise EncoderError(f"the file of vectors can't be read as .npy: {why}. Save it with numpy.save") from error
    return _checked(vectors, empty)


def from_column(values: Sequence[Any], empty: np.ndarray) -> np.ndarray:
    """Vectors of a column of lists of numbers, as JSON text: float32, shape (n_rows, n_dims).

    Rows that have no text may have no vector. Raises EncoderError as `from_npy` does, naming the first bad row.
    """
    vectors: np.ndarray | None = None
    for row in np.flatnonzero(~empty).tolist():
        vector = _list(values[row])
        if vector is None:
            raise EncoderError(f"the vector in row {row + 1:,} must be a list of numbers, got {values[row]!r:.60}")
        if vectors is None:
            vectors = np.full((len(empty), len(vector)), np.nan)
        if len(vector) != vectors.shape[1]:
            n_dims = vectors.shape[1]
            raise EncoderError(f"all vectors must be of one length: row {row + 1:,} has {len(vector)}, others {n_dims}")
        vectors[row] = vector
    return _checked(np.empty((len(empty), 0)) if vectors is None else vectors, empty)


def holds_vectors(values: Sequence[Any]) -> bool:
    """Whether a column seems to hold lists of numbers: its first values do."""
    seen = [value for value in values[:50] if value is not None and value == value and str(value).strip()][:5]
    return bool(seen) and all(_list(value) is not None for value in seen)


def _list(value: Any) -> list[float] | None:
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return None
    try:
        vector = json.loads(value)
    except (ValueError, RecursionError):
        return None
    numbers = all(isinstance(number, int | float) and not isinstance(number, bool) for number in vector)
    return vector if vector and numbers else None


def _checked(vectors: np.ndarray, empty: np.ndarray) -> np.ndarray:
    if not np.issubdtype(vectors.dtype, np.floating) and not np.issubdtype(vectors.dtype, np.integer):
        raise EncoderError(f"vectors must be real numbers, got {vectors.dtype}")
    if vectors.ndim != 2 or len(vectors) != len(empty):
        raise EncoderError(
            f"vectors must have the shape ({len(empty)}, n_dims), a row for each of the {len(empty):,} rows that were "
            f"read, got {vectors.shape}"
        )
    if vectors.shape[1] < 2:
        raise EncoderError(f"vectors must have 2 columns at least, got {vectors.shape[1]}")
    with np.errstate(over="ignore"):
        vectors = vectors.astype(np.float32)  # a copy
    vectors[empty] = np.nan
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1) & ~empty)
    if len(bad):
        raise EncoderError(
            f"vectors must be finite numbers: {len(bad):,} rows that have a text have NaN, infinity or what is too "
            f"large for 32 bits, row {bad[0] + 1:,} the first"
        )
    return vectors
