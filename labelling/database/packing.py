"""Row numbers and values as small blobs: 100,000 rows in one action is a normal day."""

import zlib
from collections.abc import Sequence

import numpy as np

# What the checksum of an action is of, and that of what it changed in a column: `before` is not read when a project is
# opened, and zlib has a checksum in each blob.
OF_ACTION = ("seq", "kind", "label_id", "targets", "n_rows", "who", "at", "source", "how", "labels")
OF_CHANGE = ("seq", "column", "rows", "after")


def checksum(values: Sequence[str | int | bytes | None]) -> int:
    """CRC-32 of a row of the database: a value that its disk has changed is noticed."""
    parts = [zlib.crc32(value) if isinstance(value, bytes) else value for value in values]
    return zlib.crc32(repr(parts).encode())


def pack_rows(rows: np.ndarray) -> bytes:
    """Sorted row numbers as zlib-compressed differences: about a byte a row, far less for runs."""
    return zlib.compress(np.diff(rows, prepend=0).astype("<u4").tobytes(), 1)


def unpack_rows(blob: bytes) -> np.ndarray:
    """int64 (n,), sorted."""
    return np.cumsum(np.frombuffer(zlib.decompress(blob), "<u4"), dtype=np.int64)


def pack_values(*arrays: np.ndarray) -> bytes:
    """Arrays of one length, int32."""
    return zlib.compress(np.concatenate(arrays).astype("<i4").tobytes(), 1)


def unpack_values(blob: bytes, n_rows: int) -> list[np.ndarray]:
    """The arrays again: int32 (n_rows,) each."""
    values = np.frombuffer(zlib.decompress(blob), "<i4").astype(np.int32)
    return [values[start : start + n_rows] for start in range(0, len(values), n_rows)]
