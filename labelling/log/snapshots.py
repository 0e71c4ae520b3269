"""Snapshots: what the rows bear after an action, in a file, so that opening a project need not take in all of them.

A snapshot holds nothing that the log does not: where it is missing, cut short or of another log, it is made anew.
"""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelling.log.fold import Column


@dataclass(frozen=True)
class Snapshot:
    """`columns` as they are after action `seq`, which `token` tells from one of another log."""

    seq: int
    token: str
    columns: Mapping[int, Column]


def save(path: Path, snapshot: Snapshot) -> None:
    """Write it so that `path` holds either all of it or what it held before. What can't be written is left."""
    about = {"seq": snapshot.seq, "token": snapshot.token, "columns": list(snapshot.columns)}
    arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    for number, column in snapshot.columns.items():
        arrays[f"values{number}"], arrays[f"setters{number}"] = column.codes, column.setters
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    with suppress(OSError):
        try:
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def load(path: Path, n_rows: int) -> Snapshot | None:
    """None where there is none that is whole and of so many rows."""
    try:
        with np.load(path, allow_pickle=False) as file:  # a zip archive: each part has its checksum
            about = json.loads(file["about"].tobytes())
            columns = {number: Column(file[f"values{number}"], file[f"setters{number}"]) for number in about["columns"]}
            snapshot = Snapshot(about["seq"], about["token"], columns)
    except Exception:  # whatever can be wrong with a file: the log has it all
        return None
    arrays = [array for column in columns.values() for array in (column.codes, column.setters)]
    if snapshot.seq < 1 or any(array.shape != (n_rows,) or array.dtype != np.int32 for array in arrays):
        return None
    return snapshot
