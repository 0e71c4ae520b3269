"""What all readers share: limits, wording, and columns of Python values to a table."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from labelling.dataset import ReadError, Table

READABLE = "CSV, TSV, JSONL, JSON, Parquet, XLSX or TXT"
# A million texts of 500 bytes. A file is held in memory a few times over while it is read.
MAX_BYTES = 500_000_000
# A hundred columns for a million rows. Above all a stop for small files that unpack to huge tables.
MAX_CELLS = 100_000_000
# Tables of texts have tens of columns; a file that has a new key in each row has as many as rows.
MAX_COLUMNS = 2_000
MAX_NOTED = 10  # renamed columns, one by one
NESTED = "Kept as JSON text, because they hold lists or objects"  # how the note of such columns begins
# Enough rows to see a file's habits, few enough to look at in no time.
SAMPLE_ROWS = 2_000


def check_size(n_rows: int, n_columns: int) -> None:
    """Raises ReadError where a table of this size would not fit into memory, or has more than MAX_COLUMNS."""
    if n_columns > MAX_COLUMNS:
        raise ReadError(
            f"The table has {n_columns:,} columns; up to {MAX_COLUMNS:,} can be read. Keep only the columns you need."
        )
    if n_rows * n_columns > MAX_CELLS:
        raise ReadError(
            f"The table has {n_rows:,} rows of {n_columns:,} columns; up to {MAX_CELLS:,} cells can be read. "
            "Keep only the columns you need."
        )


def count(n: int, what: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def listed(names: Sequence[str]) -> str:
    """The first names in quotes."""
    return ", ".join(repr(name[:40]) for name in names[:10]) + (", …" if len(names) > 10 else "")


def unique_names(names: Iterable[Any], notes: list[str]) -> list[str]:
    """Names as strings, made unique; what was changed is added to `notes`. Raises ReadError for too many."""
    given = ["" if name is None else str(name) for name in names]
    check_size(0, len(given))
    taken = set(given)
    unique: dict[str, None] = {}
    numbers: dict[str, int] = {}
    said = []
    for place, name in enumerate(given, start=1):
        stem = new = name if name.strip() else f"column_{place}"
        while new in unique or (new != name and new in taken):
            numbers[stem] = numbers.get(stem, 1) + 1
            new = f"{stem}_{numbers[stem]}"
        if new != name:
            what = f"is another {name[:40]!r}" if name.strip() else "has no name"
            said.append(f"Column {place} {what}: called {new[:60]!r}.")
        unique[new] = None
    notes += said[:MAX_NOTED]
    if len(said) > MAX_NOTED:
        notes.append(f"{len(said) - MAX_NOTED:,} more columns were given names of their own so.")
    return list(unique)


def nested_note(names: Sequence[str]) -> list[str]:
    """What to say of columns of lists or objects; nothing where there are none."""
    if not names:
        return []
    return [
        f"{NESTED}: {listed(names)}. If the texts are inside, take that field out into a column of its own and upload "
        "the file again."
    ]


def from_columns(names: Iterable[Any], columns: Iterable[Any], kind: str, notes: Sequence[str] = ()) -> Table:
    """A table of columns of Python values, each turned into one plain type; Series stay as they are."""
    notes = list(notes)
    nested: list[str] = []
    turned: list[str] = []
    series: dict[str, pd.Series] = {}
    for name, values in zip(unique_names(names, notes), columns, strict=True):
        if isinstance(values, pd.Series):
            series[name] = values
            continue
        types = set(map(type, values))
        dtype = _dtype(types, values)
        if dtype is None:
            (nested if types & {dict, list} else turned).append(name)
            values = [None if value is None else _as_text(value) for value in values]
        series[name] = pd.Series(values, dtype=dtype or "str")
    notes += nested_note(nested)
    if turned:
        notes.append(f"Kept as text: {listed(turned)}. They hold dates, mixed values or big numbers.")
    return Table(pd.DataFrame(series), kind, notes=tuple(notes))


def _dtype(types: set[type], values: Iterable[Any]) -> str | None:
    """pandas' type that holds these values exactly, None where there is none."""
    missing, types = type(None) in types, types - {type(None)}
    if types <= {str}:
        return "str"
    if types == {bool}:
        return "boolean" if missing else "bool"
    if types == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):
        return "Int64" if missing else "int64"
    # Floats hold whole numbers exactly up to 2**53.
    if types <= {int, float} and all(type(value) is not int or abs(value) <= 2**53 for value in values):
        return "float64"
    return None


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):  # Older writers of Parquet store strings without saying that they are.
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat().removesuffix("T00:00:00") if hasattr(value, "isoformat") else str(value)
