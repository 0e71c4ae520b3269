"""CSV, TSV and plain lines to tables."""

import contextlib
import csv
import io
import re
from collections.abc import Sequence

import pandas as pd

from labelling.dataset import ReadError, Table
from labelling.readers.tables import MAX_BYTES, SAMPLE_ROWS, check_size, count, unique_names

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
SAMPLE_CHARS = 200_000

# The csv module stops at cells of 131,072 characters; a cell here may be as long as the file. The setting
# belongs to the process; raising it changes no other result.
csv.field_size_limit(MAX_BYTES)


def read_lines(text: str, kind: str) -> Table:
    """A text a line."""
    # Not str.splitlines: it would also split at form feeds and at Unicode's separators.
    lines = re.split("\r?\n", text)
    if lines[-1] == "":
        lines.pop()
    texts = [line for line in lines if line.strip()]
    n_blank = len(lines) - len(texts)
    notes = (f"{count(n_blank, 'blank line')} skipped.",) if n_blank else ()
    return Table(pd.DataFrame({"text": texts}, dtype="str"), kind, notes=notes)


def split(text: str, delimiter: str) -> list[list[str]]:
    """The rows that aren't blank."""
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def _find_delimiter(text: str) -> str | None:
    """The delimiter, or None for a file of one column.

    The rule: the delimiter stands in the header, and most rows then have as many cells as the header. It is
    ours because CleverCSV 0.8.5 splits the texts of one-column files at commas, spaces or hyphens, and took
    the colon of a time, or a pipe in a text, over the comma; csv.Sniffer failed on quoted line breaks.
    """
    start = text.lstrip("\r\n")[:SAMPLE_CHARS]
    found = []
    for delimiter in DELIMITERS:
        header, *body = split(start, delimiter)
        if len(text) > SAMPLE_CHARS:
            body = body[:-1]  # The last row may be cut in two.
        fitting = sum(len(row) == len(header) for row in body) / len(body) if body else 1.0
        if len(header) > 1:
            found.append((fitting, len(header), delimiter, are_names(header)))
    fitting, _, best, named = max(found, default=(0.0, 0, None, False))
    # With a real header, rows of other lengths are mistakes to point out; else the comma was in a text.
    return best if named or fitting >= 0.9 else None


def are_names(cells: Sequence[str]) -> bool:
    """Whether these can be the names of columns, as against texts."""
    return all(cell and cell == cell.strip() and len(cell) <= 60 and cell[-1] not in ".,!?。！？…" for cell in cells)


def read_csv(text: str, delimiter: str | None = None) -> Table:
    """CSV with this delimiter, else with the one that is found; every cell stays as the text it is."""
    # The csv module takes every lone \r that isn't in quotes for a line's end: hide it.
    hidden = _unused(text)
    text, n_hidden = re.subn(r"(?<!\r)\r++(?!\n)", lambda match: hidden * len(match[0]), text)
    delimiter = delimiter or _find_delimiter(text)
    (header, *rows), notes = _parse(text, delimiter)
    if n_hidden:
        header, *rows = ([cell.replace(hidden, "\r") for cell in row] for row in (header, *rows))
    if delimiter is None and _is_sentence(header[0], rows):
        rows.insert(0, header)
        header = ["text"]
        notes.append("The first line reads like a text, not like a column's name: it is kept as a row.")
    if not rows:
        raise ReadError(
            f"The file has only a header ({', '.join(header)[:100]}) and no rows. Add rows, or, if that line "
            "is a text, put a line with the word text above it."
        )
    columns = dict(zip(unique_names(header, notes), zip(*rows, strict=True), strict=True))
    frame = pd.DataFrame(columns, dtype="str")
    return Table(frame, "TSV" if delimiter == "\t" else "CSV", delimiter=delimiter, notes=tuple(notes))


def _unused(text: str) -> str:
    """A character of the private use area that isn't in the text."""
    return next(char for char in map(chr, range(0xE000, 0xF900)) if char not in text)


def _parse(text: str, delimiter: str | None) -> tuple[list[list[str]], list[str]]:
    """Rows of as many cells, the header first, and notes."""
    used = delimiter or _unused(text)  # A file of one column has none: one that isn't in it does nothing.
    try:
        return _parse_rows(text, used, csv.QUOTE_MINIMAL)
    except ReadError as error:
        problem = error
    if '\\"' in text:
        # Not RFC 4180, but MySQL and others write \" and \\ in quoted cells. Other backslashes stay.
        doubled = re.sub(r'\\([\\"])', lambda match: '""' if match[1] == '"' else "\\", text)
        with contextlib.suppress(ReadError):
            rows, notes = _parse_rows(doubled, used, csv.QUOTE_MINIMAL)
            return rows, [*notes, 'Quotes inside cells are written \\" here: read as quotes.']
    wrong_quotes = isinstance(problem.__cause__, csv.Error)
    if wrong_quotes and delimiter in (None, "\t") and not text.lstrip().startswith('"'):
        rows, notes = _parse_rows(text, used, csv.QUOTE_NONE)
        return rows, [*notes, "Quotes don't enclose the cells here: they are kept as part of the texts."]
    raise problem


def _parse_rows(text: str, delimiter: str, quoting: int) -> tuple[list[list[str]], list[str]]:
    # newline="" keeps the \r\n inside cells; strict finds quotes that are never closed.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)  # type: ignore[arg-type]
    rows: list[list[str]] = []
    n_blank, short, line = 0, [], 1
    try:
        for row in reader:
            missing = len(rows[0]) - len(row) if rows else 0
            if not row:
                n_blank += 1
            elif missing < 0:
                raise ReadError(
                    f"Line {line:,} has {len(row)} cells, but the header has {len(rows[0])}. Probably a text "
                    f"with a {DELIMITERS.get(delimiter, repr(delimiter))} in it isn't in quotes: put that "
                    "cell in double quotes, or save the table from a spreadsheet, which does it for you."
                )
            else:
                if missing:
                    short.append(f"{line:,}")
                    check_size(len(rows), len(rows[0]))
                    row += [""] * missing
                rows.append(row)
            line = reader.line_num + 1
    except csv.Error as error:
        at = f"line {line:,}" + (f", noticed in line {reader.line_num:,}" if reader.line_num > line else "")
        raise ReadError(
            f"A quote isn't closed, or is closed too early, in the row at {at} ({error}). A quote that belongs to a "
            'text must be doubled ("") and its cell put in quotes; a spreadsheet does that when it saves CSV.'
        ) from error
    notes = []
    if n_blank:
        notes.append(f"{count(n_blank, 'blank line')} skipped.")
    if short:
        where = ", ".join(short[:5]) + (", …" if len(short) > 5 else "")
        notes.append(
            f"{count(len(short), 'row')} with too few cells, filled up with empty ones: "
            f"line{'s' if len(short) > 1 else ''} {where}."
        )
    return rows, notes


def _is_sentence(cell: str, rows: list[list[str]]) -> bool:
    """Whether a lone header is a text. A question is the header of a survey, unless more questions follow."""
    cell = cell.strip()
    if cell.endswith(("?", "？")):
        sample = rows[:SAMPLE_ROWS]
        return sum(row[0].rstrip().endswith(("?", "？")) for row in sample) > len(sample) / 5
    if len(cell.split()) > 4 or len(cell) > 60 or cell.endswith(("。", "！")):
        return True
    return " " in cell and cell[-1] in ".!"
