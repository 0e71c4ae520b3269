"""Snapshots: what the rows bear after an action, in a file, so that opening a project need not take in all of them.

A snapshot holds nothing that the log does not: where it is missing, cut short or of another log, it is made anew.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelling import errors
from labelling.database.packing import pack_rows, pack_values, unpack_rows, unpack_values
from labelling.files import write_whole
from labelling.labels.fold import Column


@dataclass(frozen=True)
class Snapshot:
    """`columns` of `n_rows` as they are after action `seq`, which `token` tells from one of another log."""

    n_rows: int
    seq: int
    token: str
    columns: Mapping[int, Column]


def save(path: Path, snapshot: Snapshot) -> None:
    """Write it so that `path` holds either all of it or what it held before. What can't be written is left."""
    about = {"n_rows": snapshot.n_rows, "seq": snapshot.seq, "token": snapshot.token, "columns": list(snapshot.columns)}
    arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    for number, column in snapshot.columns.items():
        rows = np.flatnonzero(column.setters)  # with yes, no and unknown for each of many labels, these are few
        arrays[f"rows{number}"] = np.frombuffer(pack_rows(rows), np.uint8)
        arrays[f"values{number}"] = np.frombuffer(pack_values(column.codes[rows], column.setters[rows]), np.uint8)
    with suppress(OSError):
        write_whole(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def load(path: Path, n_rows: int) -> Snapshot | None:
    """None where there is none that is whole and of so many rows."""
    try:
        with np.load(path, allow_pickle=False) as file:  # a zip archive: each part has its checksum
            about = json.loads(file["about"].tobytes())
            if about["n_rows"] != n_rows or about["seq"] < 1:
                return None
            packed = [(file[f"rows{number}"], file[f"values{number}"]) for number in about["columns"]]
        with ThreadPoolExecutor() as pool:  # with many labels, unpacking takes most of opening
            columns = pool.map(lambda blobs: _column(n_rows, *blobs), packed)
            return Snapshot(n_rows, about["seq"], about["token"], dict(zip(about["columns"], columns, strict=True)))
    except FileNotFoundError:
        return None
    except Exception:  # whatever can be wrong with a file: the label log has it all
        errors.log.warning("%s can't be read: the label log is read anew", path.name, exc_info=True)
        return None


def _column(n_rows: int, packed_rows: np.ndarray, packed_values: np.ndarray) -> Column:
    column = Column.empty(n_rows)
    rows = unpack_rows(packed_rows.tobytes())
    if len(rows):
        column.codes[rows], column.setters[rows] = unpack_values(packed_values.tobytes(), len(rows))
    return column
