"""What all readers share: limits, wording, and columns of Python values to a table."""

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from labelling.dataset import ReadError, Table
from labelling.readers.memory import room_for

READABLE = "CSV, TSV, JSONL, JSON, Parquet, XLSX or TXT"
# A million texts of 500 bytes. A file is held in memory a few times over while it is read.
MAX_BYTES = 500_000_000
# Forty columns for a million rows, or as many for 100,000 rows as an embedding has. A cell is 8 bytes in a finished
# table and up to 60 while it is a Python object: 2.4 GB. Above all a stop for small files that unpack to huge tables.
MAX_CELLS = 40_000_000
# Three times the texts that Corral is made for. A row of one short text takes 180 bytes while it is read from CSV.
MAX_ROWS = 3_000_000
# All texts of a table: a million of 500 bytes, and as much in its other columns. No CSV file of MAX_BYTES has more.
MAX_CHARS = 1_000_000_000
# What a packed file may unpack to: all texts, and the numbers or the markup around them.
MAX_UNPACKED = 1_500_000_000
# Tables of texts have tens of columns; a file that has a new key in each row has as many as rows.
MAX_COLUMNS = 2_000
MAX_NOTED = 10  # renamed columns, one by one
NESTED = "Kept beside the texts as JSON, because they hold lists or objects"  # how the note of such columns begins
# Enough rows to see a file's habits, few enough to look at in no time.
SAMPLE_ROWS = 2_000
FEWER = "Keep only the rows and columns you need."

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?\s?%?")


def is_number(cell: str) -> bool:
    """Whether the cell is a number, as people and programs write them: ``-3``, ``1,234.5``, ``1e-3``, ``40 %``."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def check_size(n_rows: int, n_columns: int) -> None:
    """Raises ReadError where a table of this size would not fit into memory, or has more than MAX_COLUMNS."""
    if n_columns > MAX_COLUMNS:
        raise ReadError(
            f"The table has {n_columns:,} columns; up to {MAX_COLUMNS:,} can be read. Keep only the columns you need."
        )
    if n_rows > MAX_ROWS:
        raise ReadError(f"The table has {n_rows:,} rows or more; up to {MAX_ROWS:,} can be read. {FEWER}")
    if n_rows * n_columns > MAX_CELLS:
        raise ReadError(
            f"The table has {n_rows:,} rows or more, of {n_columns:,} columns; up to {MAX_CELLS:,} cells can be read. "
            f"{FEWER}"
        )


def check_chars(n_chars: int) -> None:
    """Raises ReadError where the texts of a table have more characters, or bytes, than MAX_CHARS."""
    if n_chars > MAX_CHARS:
        raise ReadError(
            f"The texts of the table have more than {MAX_CHARS / 1e6:,.0f} million characters, which is what can be "
            f"read. {FEWER}"
        )


def check_unpacked(n_bytes: int) -> None:
    """Raises ReadError where a packed file unpacks to more than MAX_UNPACKED."""
    if n_bytes > MAX_UNPACKED:
        raise ReadError(
            f"The file unpacks to more than {MAX_UNPACKED / 1e6:,.0f} MB, which is what can be read. {FEWER}"
        )


class Columns:
    """Rows gathered into columns, by name or number. Raises ReadError at the limits, before the memory is taken."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.n_chars = 0
        self._columns: dict[Any, list[Any]] = {}

    def add(self, row: Mapping[Any, Any]) -> None:
        """Add a row; a column that it leaves out is None in it."""
        n_rows, columns = self.n_rows, self._columns
        for name, value in row.items():
            column = columns.get(name)
            if column is None:
                column = columns[name] = []
                self._check()
            if len(column) < n_rows:
                column.extend(itertools.repeat(None, n_rows - len(column)))
            column.append(value)
            if isinstance(value, str):
                self.n_chars += len(value)
        self.n_rows = n_rows + 1
        if n_rows % 1_000 == 0:
            self._check()

    def _check(self) -> None:
        check_size(self.n_rows, len(self._columns))
        check_chars(self.n_chars)
        # A cell is a place in a list and a number or the frame of a text; texts are there once more when the table is
        # made of them, and are counted as of two bytes a character.
        room_for(70 * self.n_rows * len(self._columns) + 4 * self.n_chars)

    def done(self) -> dict[Any, list[Any]]:
        """The columns, (n_rows,) each, in the order in which they first came."""
        self._check()
        for column in self._columns.values():
            column.extend(itertools.repeat(None, self.n_rows - len(column)))
        return self._columns


class Nested(str):
    """A list or an object, as JSON text."""

    __slots__ = ()


def count(n: int, what: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def numbered(what: str, numbers: Sequence[int]) -> str:
    """``line 4``, ``lines 4, 6``; of many the first five and how many more."""
    shown = ", ".join(f"{number:,}" for number in numbers[:5])
    shown += f" and {len(numbers) - 5:,} more" if len(numbers) > 5 else ""
    return f"{what}{'' if len(numbers) == 1 else 's'} {shown}"


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
            (nested if types & {dict, list, Nested} else turned).append(name)
            values = [None if value is None else as_text(value) for value in values]
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


def as_text(value: Any) -> str:
    """A value as text: lists and objects as JSON, times as ISO 8601."""
    if isinstance(value, bytes):  # Older writers of Parquet store strings without saying that they are.
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat().removesuffix("T00:00:00") if hasattr(value, "isoformat") else str(value)
