"""CSV and TSV as most files are, read by Arrow in parts: many times faster, and only the table stays in memory.

Such a file is UTF-8, with a header in its first line, rows of as many cells each, and the quotes of RFC 4180. Any
other, and any of which something has to be said, is left to `delimited.read_csv`, which makes the same table of such
files.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from labelling.dataset import ReadError, Table
from labelling.readers import delimited, packed
from labelling.readers.quotes import by_itself
from labelling.readers.tables import SAMPLE_ROWS, check_size, unique_names

PART = 8_000_000  # bytes that are read at a time
LEAST = 1_000_000  # bytes of a file for which it is worth it, and by which the columns are found out
_QUOTE, _FEED, _RETURN = b'"\n\r'


class _NotPlainError(Exception):
    """The file is not as this module needs it."""


def read_plain(data: bytes, ending: str) -> Table | None:
    """The table of a file's bytes; None where it is not plain, or small.

    Raises ReadError where there are too many rows or columns, or it is a web page.
    """
    import pyarrow as pa

    if ending not in ("csv", "tsv") or len(data) < LEAST:
        return None
    marked = data.startswith(codecs.BOM_UTF8)
    start = len(codecs.BOM_UTF8) if marked else 0
    if b"\0" in data or b"\n" + codecs.BOM_UTF8 in data:
        return None
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return None
    try:
        names, delimiter, notes = _begin(data, start, ending)
        columns: list[list[Any]] = [[] for _ in names]
        n_rows = 0
        for part in _parts(data, start, ord(delimiter), PART):
            table = _cells(part, names, delimiter)
            if not n_rows:
                table = table.slice(1)  # the header
            _check_header(table, names)
            if (np.frombuffer(part, np.uint8) == _QUOTE).any():
                _check_lines(table, delimiter)
            n_rows += len(table)
            check_size(n_rows, len(names))
            for column, more in zip(columns, table.columns, strict=True):
                column += more.chunks
    except (_NotPlainError, pa.ArrowInvalid):
        return None
    frame = {}
    for name in unique_names(names, []):
        frame[name] = pa.chunked_array(columns.pop(0), pa.large_string()).combine_chunks().to_pandas()
    return Table(
        pd.DataFrame(frame, dtype="str"),
        "TSV" if delimiter == "\t" else "CSV",
        "UTF-8 with BOM" if marked else "UTF-8",
        delimiter,
        notes,
        header=1,
    )


def _begin(data: bytes, start: int, ending: str) -> tuple[list[str], str, tuple[str, ...]]:
    """The columns' names as they stand in the header, the delimiter and notes, by the beginning of the file."""
    for n_bytes in (LEAST, PART):
        part = next(_parts(data, start, None, n_bytes))
        try:
            head = bytes(part).decode()
        except UnicodeDecodeError:
            raise _NotPlainError from None
        if head.lstrip()[:1] in ("", "\ufeff", "[", "{", "<") or head.startswith("MIME-Version:"):
            raise _NotPlainError
        packed.refuse_markup(head, ending)
        try:
            table = delimited.read_csv(head)
        except ReadError:  # it may be mended by what comes later
            raise _NotPlainError from None
        # Fewer rows than the other reader looks at for the columns: it may find others in the whole file.
        if len(table.frame) > SAMPLE_ROWS + 10 or start + n_bytes >= len(data):
            break
    else:
        raise _NotPlainError
    if table.header != 1 or table.delimiter is None:
        raise _NotPlainError
    names = next(csv.reader(io.StringIO(head, newline=""), delimiter=table.delimiter))
    notes: list[str] = []
    if list(table.frame.columns) != unique_names(names, notes) or table.notes != tuple(notes) or not names[-1].strip():
        raise _NotPlainError  # something was mended or left out
    return names, table.delimiter, table.notes


def _parts(data: bytes, start: int, delimiter: int | None, n_bytes: int) -> Iterator[memoryview]:
    """The data in parts of so many bytes that end where a row does; without a `delimiter` quotes are not checked."""
    view = memoryview(data)
    while start < len(data):
        part = np.frombuffer(view[start : start + n_bytes], np.uint8)
        quotes = np.flatnonzero(part == _QUOTE)
        end = len(part)
        if start + end < len(data):
            feeds = np.flatnonzero(part == _FEED)
            outside = feeds[np.searchsorted(quotes, feeds) % 2 == 0]
            if not len(outside):
                raise _NotPlainError  # a row of this size
            end = int(outside[-1]) + 1
            quotes = quotes[: np.searchsorted(quotes, end)]
        if delimiter is not None:
            _check_quotes(part[:end], quotes, delimiter)
        yield view[start : start + end]
        start += end


def _check_quotes(part: np.ndarray, quotes: np.ndarray, delimiter: int) -> None:
    """Raise where a quote does not open a cell, close one, or stand doubled inside of one.

    Those in even places open, or are the second ones of two that stand for one; those in odd places close, or are the
    first ones.
    """
    if len(quotes) % 2:
        raise _NotPlainError
    opens, closes = quotes[::2], quotes[1::2]
    doubled = np.append(opens[1:] == closes[:-1] + 1, False)  # a quote that closes, and the next one that opens
    before = part[opens[np.flatnonzero(opens > 0)] - 1]
    begins = np.ones(len(opens), bool)
    begins[opens > 0] = (before == delimiter) | (before == _FEED)
    begins[1:] |= doubled[:-1]
    inside = closes < len(part) - 1
    after = part[closes[inside] + 1]
    ends = np.ones(len(closes), bool)
    ends[inside] = (after == delimiter) | (after == _FEED) | (after == _RETURN)
    if not (begins.all() and (ends | doubled).all()):
        raise _NotPlainError


def _cells(part: memoryview, names: list[str], delimiter: str) -> Any:
    """The rows as an Arrow table of texts. Raises ArrowInvalid where one has other cells, or is not UTF-8."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    columns = [str(k) for k in range(len(names))]
    return arrow.read_csv(
        pa.BufferReader(pa.py_buffer(part)),
        # One block: a cell with line breaks in it may be as long as the part.
        arrow.ReadOptions(use_threads=False, block_size=len(part) + 1, column_names=columns),
        arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
        arrow.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.large_string()), strings_can_be_null=False, check_utf8=True
        ),
    )


def _check_header(table: Any, names: list[str]) -> None:
    """Raise where the header comes again, as in files that were put together."""
    import pyarrow.compute as pc

    for place, name in enumerate(names):
        table = table.filter(pc.equal(table.column(place), name))
        if not len(table):
            return
    raise _NotPlainError


def _check_lines(table: Any, delimiter: str) -> None:
    """Raise where each line of a row could be a row by itself, which a quote that isn't one has swallowed."""
    import pyarrow.compute as pc

    long, n_inside = False, 0
    for column in table.columns:
        lines = pc.match_substring(column, "\n")
        long = pc.or_(long, lines)
        n_inside = pc.add(n_inside, pc.if_else(lines, pc.count_substring(column, delimiter), 0))
    width = table.num_columns
    suspects = table.filter(pc.and_(long, pc.greater_equal(n_inside, width - 1)))
    for row in zip(*(column.to_pylist() for column in suspects.columns), strict=True):
        # A line has at most a cell more than delimiters.
        if any(line.count(delimiter) < width - 1 for line in delimiter.join(row).split("\n") if line.strip("\r")):
            continue
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter, lineterminator="").writerow(row)
        lines = [line for line in out.getvalue().split("\n") if line.strip("\r")]
        if all(len(by_itself(line, delimiter, False)) == width for line in lines):
            raise _NotPlainError
