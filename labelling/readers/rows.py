"""Delimited text to rows of cells, each with its line."""

import contextlib
import csv
import io
import re
from array import array
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass, field

from labelling.dataset import ReadError
from labelling.readers.tables import MAX_BYTES, check_size

# The csv module stops at cells of 131,072 characters; a cell here may be as long as the file. The setting
# belongs to the process; raising it changes no other result.
csv.field_size_limit(MAX_BYTES)
PART = 1_000_000  # characters


def _numbers() -> MutableSequence[int]:
    return array("q")


@dataclass
class Rows:
    """The rows that aren't blank, as they stand in the file."""

    cells: list[list[str]] = field(default_factory=list)
    lines: MutableSequence[int] = field(default_factory=_numbers)  # where each row begins, counted from 1
    blank: MutableSequence[int] = field(default_factory=_numbers)  # the lines that are blank
    long: list[tuple[int, int]] = field(default_factory=list)  # (row, its last line) of those of several lines


def unused(text: str) -> str:
    """A character that isn't in the text: no encoding of a file can hold half a surrogate pair."""
    return next((char for char in map(chr, range(0xD800, 0xE000)) if char not in text), "\ud800")


class QuoteError(ReadError):
    """A quote isn't closed, or is closed too early."""


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends, by parts: io.StringIO holds four bytes a character."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + PART) + 1 or len(text)
        yield from io.StringIO(text[start:end], newline="")  # which keeps the \r\n inside cells
        start = end


def read_rows(
    text: str, delimiter: str, *, quoting: int = csv.QUOTE_MINIMAL, skip: bool = False, strict: bool = True
) -> Rows:
    """The rows of `text`; with `skip`, without the blanks after each delimiter.

    Raises QuoteError where a quote isn't closed, or closed too early, unless not `strict`; ReadError for too many rows.
    """
    # strict finds quotes that are never closed.
    reader = csv.reader(_lines(text), delimiter=delimiter, quoting=quoting, strict=strict, skipinitialspace=skip)  # type: ignore[arg-type]
    rows = Rows()
    line = 1
    try:
        for row in reader:
            if row:
                if reader.line_num > line:
                    rows.long.append((len(rows.cells), reader.line_num))
                rows.cells.append(row)
                rows.lines.append(line)
            else:
                rows.blank.append(line)
            if (n_rows := len(rows.cells) + len(rows.blank)) % 1_000 == 0:
                check_size(n_rows, 0)
            line = reader.line_num + 1
    except csv.Error as error:
        at = f"line {line:,}" + (f", noticed in line {reader.line_num:,}" if reader.line_num > line else "")
        raise QuoteError(
            f"A quote isn't closed, or is closed too early, in the row at {at} ({error}). A quote that belongs to a "
            'text must be doubled ("") and its cell put in quotes; a spreadsheet does that when it saves CSV.'
        ) from error
    return rows


def read_quoted(text: str, delimiter: str | None, *, skip: bool, notes: list[str]) -> Rows:
    """The rows of `text`, whichever way it has of writing quotes; what is not RFC 4180 is said in `notes`."""
    used = delimiter or unused(text)  # A file of one column has none: one that isn't in it does nothing.
    try:
        return read_rows(text, used, skip=skip)
    except QuoteError as error:
        problem = error
    if '\\"' in text:
        # MySQL and others write \" and \\ in quoted cells. Other backslashes stay.
        doubled = re.sub(r'\\([\\"])', lambda match: '""' if match[1] == '"' else "\\", text)
        with contextlib.suppress(QuoteError):
            rows = read_rows(doubled, used, skip=skip)
            notes.append('Quotes inside cells are written \\" here: read as quotes.')
            return rows
    if delimiter in (None, "\t") and not text.lstrip().startswith('"'):
        notes.append("Quotes don't enclose the cells here: they are kept as part of the texts.")
        return read_rows(text, used, quoting=csv.QUOTE_NONE)
    raise problem
