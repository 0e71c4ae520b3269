"""Ways of writing quotes that are not RFC 4180, known by how a whole file is written."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from labelling.dataset import ReadError
from labelling.readers.layout import usual_length
from labelling.readers.rows import Rows, read_rows
from labelling.readers.tables import SAMPLE_ROWS, count, numbered

_TAILS = re.compile(r'^("(?:[^"]|"")*+")[,;|\t]+(?=\r?$)', re.MULTILINE)

FEWEST = 5  # rows that show what a column holds


def blanks_follow(text: str, delimiter: str) -> bool:
    """Whether blanks after the delimiter are this text's habit.

    They are where they stand before every cell in quotes, or, where none is in quotes, before every cell but a
    row's first, and all rows have as many cells: the commas of prose have blanks after them too.
    """
    end = re.escape(delimiter)
    cell = re.compile(
        rf'(?P<blanks> *+)(?:(?P<quoted>"(?:[^"]|"")*+")|(?P<plain>[^"{end}\r\n]*+))(?P<end>{end}|\r?\n|\Z)'
    )
    quoted, plain, widths = [], [], Counter[int]()
    at, place = 0, 1
    while at < len(text):
        match = cell.match(text, at)
        if match is None:  # Quotes out of place: on with the next line.
            at, place = text.find("\n", at) + 1 or len(text), 1
            continue
        if place > 1 and match["quoted"]:
            quoted.append(bool(match["blanks"]))
        elif place > 1 and match["plain"]:
            plain.append(bool(match["blanks"]))
        at = match.end()
        if match["end"] == delimiter:
            place += 1
        else:
            if place > 1 or match["quoted"] or match["plain"]:
                widths[place] += 1
            place = 1
    if quoted:
        return all(quoted)
    return len(widths) == 1 and widths.total() > 2 and len(plain) > 1 and all(plain)


def unwrapped(text: str, delimiter: str, sample: str) -> str | None:
    """The text without quotes round its lines, as exports have them that were once put into a single column.

    None where there are none, or where what is inside does not have as many cells as every other row.
    """
    if delimiter not in sample or not re.search(r'^"', sample, re.MULTILINE):
        return None
    if _TAILS.match(sample):  # A spreadsheet left empty cells behind its single column.
        text, sample = _TAILS.sub(r"\1", text), _TAILS.sub(r"\1", sample)
    rows = read_rows(sample, delimiter, strict=False).cells
    if len(sample) < len(text):
        rows = rows[:-1]  # It may be cut in two.

    def is_wrapped(row: Sequence[str]) -> bool:
        return len(row) == 1 and delimiter in row[0]

    wrapped = [row[0] for row in rows if is_wrapped(row)]
    inner = [_cells(line, delimiter) for line in wrapped]
    widths = {len(cells) for cells in inner} | {len(row) for row in rows if not is_wrapped(row)}
    if not wrapped or len(widths) != 1 or max(widths) < 2:
        return None
    # A column of its own may hold commas, each cell as many; its cells have no quotes of their own, or a blank follows.
    quotes = any(re.search(rf'(^|{re.escape(delimiter)})"', line) for line in wrapped)
    blanks = any(cell.startswith(" ") for cells in inner for cell in cells[1:])
    if not quotes and (blanks or len(wrapped) < len(rows)):
        return None
    parts: list[str] = []
    at = 1  # the line
    try:
        whole = read_rows(text, delimiter)
    except ReadError:
        return None
    for row, line in zip(whole.cells, whole.lines, strict=True):
        parts.append("\n" * (line - at))
        parts.append((row[0] if is_wrapped(row) else _joined(row, delimiter)) + "\n")
        at = line + parts[-1].count("\n")
    return "".join(parts)


def _cells(line: str, delimiter: str, skip: bool = False) -> list[str]:
    """The cells of a line; none if it isn't one row."""
    try:
        rows = read_rows(line, delimiter, skip=skip).cells
    except ReadError:
        return []
    return rows[0] if len(rows) == 1 else []


def _joined(row: Sequence[str], delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(row)
    return out.getvalue()


def mended(text: str, delimiter: str, rows: Rows, first: int, skip: bool, notes: list[str]) -> Rows:
    """The rows, with those apart again that a quote which isn't one of CSV's made a single cell of.

    From the `first` row on, a row of several lines is taken for that where each of its lines has as many cells as the
    other rows, and cells like theirs. Where that does not explain all rows of several lines, or nothing tells it from
    a text of several lines, the rows stay and a note says so.
    """
    if not rows.long:
        return rows
    width = usual_length(rows.cells[first : first + SAMPLE_ROWS])
    suspects = _suspects(text, delimiter, rows, first, width, skip)
    if not suspects:
        return rows
    long = {place for place, _ in rows.long if place >= first}
    others = [row for place, row in enumerate(rows.cells) if place >= first and place not in long]
    inside = [row for found in suspects.values() for row in found.values()]
    alone = len(others) < FEWEST and len(inside) >= FEWEST * len(suspects)
    sample = inside if alone else others
    habits = _habits(sample[:: max(1, len(sample) // SAMPLE_ROWS)], width)
    fits = {place: _fit(list(found.values()), habits) for place, found in suspects.items()}
    # Where no column tells: texts hold commas, but next to never tabs; and stray quotes are few.
    tabs, few = delimiter == "\t" and len(others) >= 10, 4 * len(suspects) < len(others)
    for place, found in list(suspects.items()):
        if not (few and (tabs or not _is_prose(found)) if fits[place] is None else fits[place]):
            del suspects[place]
    if not suspects:
        return rows
    sure = tabs or all(fits[place] for place in suspects)
    begin = [rows.lines[place] for place in suspects]
    if not sure or long != set(suspects) or any(len(row) != width for row in others):
        last = dict(rows.long)[next(iter(suspects))]
        more = f", and so in {numbered('line', begin[1:])}" if begin[1:] else ""
        notes.append(
            f"The row in line {begin[0]:,} has a cell that reaches to line {last:,}, and what is in it looks like rows "
            f"of their own{more}. If they are, a quote isn't closed there: double it, and upload the file again."
        )
        return rows
    plain = read_rows(text, delimiter, quoting=csv.QUOTE_NONE, skip=skip)
    if plain.cells[:first] == rows.cells[:first] and all(len(row) == width for row in plain.cells[first:]):
        after = plain
    else:
        after = Rows(blank=rows.blank)
        for place, (row, begins) in enumerate(zip(rows.cells, rows.lines, strict=True)):
            found = suspects.get(place, {begins: row})
            after.cells.extend(found.values())
            after.lines.extend(found)
    has = "has a quote that isn't" if len(begin) == 1 else "have quotes that aren't"
    n_lost = sum(map(len, suspects.values())) - len(begin)
    notes.append(
        f"{numbered('line', begin).capitalize()} {has} closed in the same row: read as CSV, that would swallow "
        f"{count(n_lost, 'row')}. Every line is read as a row, and such quotes are kept as part of the texts."
    )
    return after


def say_loose_quotes(text: str, rows: Rows, notes: list[str]) -> None:
    """A note where a single column has texts of several lines, and quotes that belong to other texts."""
    long = dict(rows.long)
    loose = [place for place, row in enumerate(rows.cells) if place not in long and '"' in row[0]] if long else []
    raw = text.split("\n") if loose else []
    if any(not raw[rows.lines[place] - 1].lstrip().startswith('"') for place in loose):
        first, last = next(iter(long.items()))
        notes.append(
            f"The row in line {rows.lines[first]:,} reaches to line {last:,}, as it begins with a quote. Elsewhere "
            "quotes are part of the texts: if they are here too, double them, or name the file .txt."
        )


def _suspects(
    text: str, delimiter: str, rows: Rows, first: int, width: int, skip: bool
) -> dict[int, dict[int, list[str]]]:
    """The places of the rows of several lines, of which each is a whole row by itself; and these rows by their line."""
    suspects = {}
    raw: list[str] = []
    for place, last in rows.long:
        n_inside = sum(cell.count(delimiter) for cell in rows.cells[place] if "\n" in cell)
        if place < first or width < 2 or n_inside < width - 1:
            continue
        raw = raw or text.split("\n")
        start = rows.lines[place]
        found = {}
        for number, line in enumerate(raw[start - 1 : last], start=start):
            if line.strip("\r"):
                found[number] = by_itself(line, delimiter, skip)
                if len(found[number]) != width:
                    break
        else:
            suspects[place] = found
    return suspects


def by_itself(line: str, delimiter: str, skip: bool) -> list[str]:
    """The cells of a line: its quotes enclose cells where they can, else they are part of them."""
    return _cells(line, delimiter, skip) or read_rows(line, delimiter, quoting=csv.QUOTE_NONE, skip=skip).cells[0]


def _is_prose(found: Mapping[int, Sequence[str]]) -> bool:
    return any(cell.startswith(" ") for row in found.values() for cell in row)


Habit = tuple[int, Callable[[str], str], set[str]]  # a column, what of its cells is looked at, and what that can be


def _habits(rows: Sequence[Sequence[str]], width: int) -> list[Habit]:
    """The columns of numbers, dates and identifiers, by their cells' shapes, and those of a few values."""
    habits: list[Habit] = []
    for column in range(width):
        values = [row[column].strip() for row in rows if len(row) == width]
        cells = [value for value in values if value]
        if len(cells) < FEWEST:
            continue
        shapes = {_shape(cell) for cell in cells}
        empty = {""} if len(cells) < len(values) else set()
        if len(shapes) <= 4 and all(any(char.isdigit() for char in cell) for cell in cells):
            habits.append((column, _shape, shapes | empty))
        elif len(set(cells)) * 4 <= len(cells):
            habits.append((column, str, set(cells) | empty))
    return habits


def _fit(rows: Sequence[Sequence[str]], habits: Sequence[Habit]) -> bool | None:
    """Whether rows have these habits, where the quote opens or closes aside; None where no habit is left."""
    known = [
        10 * sum(look(row[column].strip()) in cells for row in rows) >= 9 * len(rows)
        for column, look, cells in habits
        if not (rows[0][column].startswith('"') or rows[-1][column].endswith('"'))
    ]
    return all(known) if known else None


def _shape(cell: str) -> str:
    """What numbers, dates and identifiers of a kind share: ``2024-05-01`` is ``0-0-0``, ``M0001`` is ``a0``."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell))
