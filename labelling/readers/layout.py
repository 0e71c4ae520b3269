"""Where a table's header is: which lines stand above it, and whether there is one."""

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from labelling.readers.guesses import LABEL_NAMES, TEXT_NAMES
from labelling.readers.rows import Rows
from labelling.readers.tables import SAMPLE_ROWS, is_number

_NAMES = {*TEXT_NAMES, *LABEL_NAMES, "id", "index", "name", "date", "time", "author", "user", "source", "split",
          "language", "lang", "score", "rating", "subject", "url"}  # fmt: skip
_CELLS = 100_000  # looked at: all of the sample, but of very wide tables
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?([T ].*)?|\d{1,2}([./-])\d{1,2}\2\d{2,4}( .*)?")
_HINT = re.compile(r'("?)sep=([^\w\s"]|\t)\1\r?(?=\n|\Z)', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How the rows of a delimited file are laid out."""

    header: int | None  # the place of the row with the names among those that aren't blank, counted from 0
    first: int  # the place of the first row with values
    width: int  # the columns
    row_names: bool = False  # the rows' names stand in a first column, which has no name
    fitting: float = 1.0  # the share of the rows that have as many cells
    telling: int = 0  # above 0: the header is unlike the rows below it


def hinted(text: str) -> tuple[str, int]:
    """The delimiter that Excel's first line ``sep=;`` names and the length of that line; ``""`` and 0 without one."""
    match = _HINT.match(text)
    return (match[2], match.end()) if match else ("", 0)


def are_names(cells: Sequence[str]) -> bool:
    """Whether these can be the names of columns, as against texts."""
    return all(cell and cell == cell.strip() and len(cell) <= 60 and cell[-1] not in ".,!?。！？…" for cell in cells)


def find_layout(rows: Rows, *, above: int = 0, header: int | None = None) -> Layout:
    """The layout of these rows, of which the first `above` are not of the table.

    A `header` is the row with the names, counted from 1, or 0 for none, where a person has said so. Only the first
    rows are looked at.
    """
    cells = rows.cells[: above + SAMPLE_ROWS]
    if header:
        names, body = rows.cells[header - 1], rows.cells[header : header + SAMPLE_ROWS]
        return _below(names, body, header - 1, 0)
    start = above + (_n_above(rows, above) if header is None else 0)
    if start >= len(cells):
        return Layout(None, start, 0)
    names, below = cells[start], cells[start + 1 :]
    body = [row for row in below if row != names]
    telling = likeness(names, body)
    if telling <= 0 and len(body) < len(below):  # What is there twice may well be a row.
        telling = likeness(names, below)
    if header == 0 or telling <= -2:
        width = usual_length(cells[start:])
        return Layout(None, start, width, fitting=_fitting(cells[start:], width, width), telling=telling)
    return _below(names, body, start, telling)


def _below(names: Sequence[str], body: Sequence[Sequence[str]], header: int, telling: int) -> Layout:
    if _have_names(names, body):
        return Layout(header, header + 1, len(names) + 1, True, telling=telling)
    fitting = _fitting(body, len(filled(names)), len(names))
    return Layout(header, header + 1, len(names), fitting=fitting, telling=telling)


def usual_length(rows: Sequence[Sequence[str]]) -> int:
    """The number of cells that most rows have; of several such numbers the largest."""
    lengths = Counter(map(len, rows))
    return max(lengths, key=lambda length: (lengths[length], length), default=0)


def filled(row: Sequence[str]) -> Sequence[str]:
    """The row without the empty cells at its end."""
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _fitting(rows: Sequence[Sequence[str]], least: int, width: int) -> float:
    """The share of the rows that have from `least` to `width` cells, empty ones at their end not counted."""
    fitting = sum(least <= len(row) and not any(row[width:]) for row in rows)
    return fitting / len(rows) if rows else 1.0


def _n_above(rows: Rows, above: int) -> int:
    """How many rows above the header are a title or comments."""
    cells = rows.cells[above : above + SAMPLE_ROWS]
    half = cells[len(cells) // 2 :]
    length = usual_length(half)
    usual = max((len(filled(row)) for row in half if len(row) == length), default=0)
    blank = set(rows.blank)

    def apart(place: int) -> bool:
        """Whether all above is comments, or a title with a blank line below."""
        return rows.lines[above + place] - 1 in blank or all(row[0].startswith("#") for row in cells[:place])

    if usual < 2:  # One column: then only a name that is known tells a header from a text.
        for place in range(1, min(len(cells) - 1, 10)):
            if cells[place][0].strip().lower() in TEXT_NAMES and apart(place):
                return place
        return 0
    for place, row in enumerate(cells):  # noqa: B007 - it is where the loop stopped
        comment = row[0].startswith("#") and not (are_names(row) and len(filled(row)) == usual)
        if len(filled(row)) >= usual and not comment:
            break
    else:
        return 0
    below = cells[place + 1 :]
    known = len(cells[0]) == 1 and cells[0][0].strip().lower() in _NAMES  # of a single column
    if not place or not below or known or _have_names(cells[0], cells[1:]):
        return 0
    if any(row[0].startswith("#") for row in cells[:place]) and any(row[0].startswith("#") for row in cells[place:]):
        return 0  # The texts do.
    least, width = len(filled(cells[place])), len(cells[place])
    telling, fitting = likeness(cells[place], below), _fitting(below, least, width)
    if all(len(filled(row)) == 1 or row[0].startswith("#") for row in cells[:place]) and apart(place):
        return place if fitting >= 0.5 else 0
    named = are_names([cell.strip(" ") for cell in filled(cells[place])])
    return place if named and (telling >= 3 or (telling > 0 and fitting >= 0.9)) else 0


def _have_names(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether each row has one cell more than the header, and its first cell is the row's name, as R writes them."""
    if (
        not rows
        or not header[-1]
        or any(len(row) != len(header) + 1 for row in rows)
        or not any(row[-1] for row in rows)
    ):
        return False
    names = [row[0].strip() for row in rows]
    if len(set(names)) < len(names) or not all(names):
        return False
    if len(header) == 1 and _step(names) != 1:  # Texts with a comma in each make two columns of one as well.
        return False
    if all(name.isdecimal() for name in names):
        return likeness(rows[0], rows[1:]) <= 1
    # An unquoted comma in every text looks the same, though a blank follows most of them.
    prose = any(len(name) > 60 or row[1].startswith(" ") for name, row in zip(names, rows, strict=True))
    return len(rows) > 2 and not prose and likeness(rows[0], rows[1:]) <= 1


def likeness(row: Sequence[str], below: Sequence[Sequence[str]]) -> int:
    """How unlike the rows below this one is: above 0 it tells of names, from -2 on of values."""
    row = filled(row)
    below = below[: max(20, _CELLS // max(1, len(row)))]
    columns = [[other[k] for other in below if k < len(other) and other[k].strip()] for k in range(len(row))]
    step = _step(row)
    counted = step > 0 and 2 * sum(_step(other) == step for other in below) < len(below)
    told = [_likeness(cell, column, len(below), counted) for cell, column in zip(row, columns, strict=True)]
    # One cell that is a value of its column is enough, where no other is surely a name.
    return min(sum(told), -2) if -2 in told and max(told) < 2 else sum(told)


def _step(row: Sequence[str]) -> int:
    """How far apart a row's numbers are, as years and places are that name columns; 0 where that varies."""
    numbers = [int(cell) for cell in map(str.strip, row) if cell.isdecimal() and len(cell) < 16]
    steps = {b - a for a, b in pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else 0


def _likeness(cell: str, column: Sequence[str], n_rows: int, counted: bool) -> int:
    cell = cell.strip()
    if not column:
        return 0
    if not cell:
        return 1 if len(column) >= 0.9 * n_rows else 0
    kinds = Counter(_kind(other) for other in column)
    kind, (usual, n_usual) = _kind(cell), kinds.most_common(1)[0]
    if n_usual >= 0.9 * len(column) and usual != "words":
        if kind == "words":
            return 2
        if kind == usual:
            return _number_among(cell, column, counted) if kind == "number" else -2
        return 0
    if kind != "words":
        return 1 if n_usual >= 0.9 * len(column) else 0
    known = cell.lower() in _NAMES
    if cell in column:
        return 0 if known and column.count(cell) == 1 else -2
    form = re.sub(r"\d", "0", cell)
    if form != cell and sum(re.sub(r"\d", "0", other.strip()) == form for other in column) >= 0.9 * len(column):
        return -2  # an identifier like the others
    score = 2 if known else 0
    length = statistics.median(map(len, column))
    if cell.endswith(("?", "？")):  # Surveys have questions for names.
        asked = sum(other.rstrip().endswith(("?", "？")) for other in column)
        return score - (1 if asked > len(column) / 5 else 0)
    if 3 * len(cell) <= length or (len(cell) >= 3 * length and length < 20 and len(cell) <= 200):
        return score + 1
    if len(cell) > 60:
        return score - 2
    return score - (1 if len(cell.split()) > 4 or cell[-1] in ".!。！…" else 0)


def _kind(cell: str) -> str:
    cell = cell.strip()
    return "number" if is_number(cell) else "date" if _DATE.fullmatch(cell) else "words"


def _number_among(cell: str, column: Sequence[str], counted: bool) -> int:
    """A number above numbers: one of them, or the name of a column such as a year or a place."""
    if counted:
        return 0
    values = [value for other in column if (value := _value(other)) is not None]
    value = _value(cell)
    if value is None or not values:
        return -1
    within = min(values) <= value <= max(values)
    if not within and 1900 <= value <= 2100 and value.is_integer():
        return 0
    steps = {b - a for a, b in pairwise(values)} or {1.0}
    goes_on = len(steps) == 1 and values[0] - value == next(iter(steps))
    return -2 if within or goes_on else -1


def _value(cell: str) -> float | None:
    try:
        return float(cell.strip().rstrip("%").replace(",", "."))
    except ValueError:
        return None
