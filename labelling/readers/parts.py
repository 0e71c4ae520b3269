"""A table in parts, a few thousand rows at a time, for files that are larger than memory.

CSV, TSV, JSONL and Parquet are read so. Any other file that can be read is read whole, and given in parts.
"""

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from labelling.csv_injection import unguard
from labelling.dataset import ReadError
from labelling.readers import columnar, delimited, packed, read_table, records
from labelling.readers.encoding import BOMS, decode
from labelling.readers.exported import columns_of_export
from labelling.readers.quotes import blanks_follow
from labelling.readers.rows import QuoteError, unused

ROWS = 4_096  # a part: some seconds of embedding on two cores, which is what a stop may lose
HEAD = 1_000_000  # bytes, by which a file's kind, encoding and delimiter are found out
CHUNK = 4_000_000
MIXED = b"\xff\xff"  # in place of a part by which an encoding could be told
NOT_IN_PARTS = (".xlsx", ".xls", ".spacy", ".parquet", ".txt", ".json")
COMPARED = 1_000  # rows of CSV that must be as the reader of whole files reads them
PLAIN = "Save it as UTF-8 CSV from a spreadsheet, or as JSONL or Parquet."


@dataclass
class Parts:
    """A file as parts; each time it is gone through it is read anew.

    Attributes
    ----------
    path : Path
    digest : str, of the file's bytes
    total : int, of `done` when all was read; bytes or rows
    done : int, how much of the file has been read by now
    notes : list of str, on how it is read
    """

    path: Path
    digest: str
    total: int = 0
    done: int = 0
    notes: list[str] = field(default_factory=list)
    _kind: str = ""
    _codec: str = "utf-8"
    _head: str = field(default="", repr=False)
    _table: pd.DataFrame | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Frames of `ROWS` rows, the last one of fewer. Raises ReadError where the file can't be read rightly."""
        self.done = 0
        read = {"parquet": self._parquet, "jsonl": self._jsonl, "csv": self._csv}.get(self._kind, self._whole)
        try:
            yield from read()
        except UnicodeDecodeError as error:
            raise ReadError(f"{self.path.name} is not all {self._codec}: {error.reason}. {PLAIN}") from error
        except OSError as error:
            raise ReadError(f"{self.path.name} can't be read: {error.strerror or error}.") from error

    def _whole(self) -> Iterator[pd.DataFrame]:
        if self._table is None:
            self._table = read_table(self.path.read_bytes(), self.path.name).frame
        frame, self.total = self._table, len(self._table)
        for start in range(0, len(frame), ROWS):
            self.done = min(start + ROWS, len(frame))
            yield frame.iloc[start : start + ROWS].reset_index(drop=True)

    # ---------------------------------------------------------------- Parquet

    def _parquet(self) -> Iterator[pd.DataFrame]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with columnar.reading("Parquet file"), pq.ParquetFile(self.path) as file:
            self.total, held = file.metadata.num_rows, None
            for batch in file.iter_batches(ROWS, use_threads=False):
                part = pa.Table.from_batches([batch], file.schema_arrow)
                held = part if held is None else pa.concat_tables([held, part])
                while held.num_rows >= ROWS:
                    self.done += ROWS
                    yield columnar.part_of(held.slice(0, ROWS))
                    held = held.slice(ROWS)
            if held is not None and held.num_rows:
                self.done += held.num_rows
                yield columnar.part_of(held)

    # ---------------------------------------------------------------- lines

    def _open(self) -> TextIO:
        return self.path.open(encoding=self._codec, newline="\n")  # which keeps the \r\n inside cells

    def _jsonl(self) -> Iterator[pd.DataFrame]:
        with self._open() as file:
            lines: list[str] = []
            first, n_filled = 1, 0
            for line in file:
                lines.append(line)
                n_filled += not line.isspace()
                if n_filled == ROWS:
                    self.done = file.buffer.tell()
                    yield records.read_jsonl("".join(lines), first).frame
                    first, n_filled, lines = first + len(lines), 0, []
            self.done = self.total
            if n_filled:
                yield records.read_jsonl("".join(lines), first).frame

    def _csv(self) -> Iterator[pd.DataFrame]:
        """As RFC 4180 has it, with the delimiter and header of the reader of whole files."""
        table = delimited.read_csv(self._head)
        names = list(table.frame.columns)
        compared = table.frame.head(COMPARED)
        skip = table.delimiter is not None and blanks_follow(self._head, table.delimiter)
        # An export of ours for Excel, by its byte order mark.
        ours = self._codec == "utf-8-sig" and bool(columns_of_export(names)[1])
        with self._open() as file:
            used = table.delimiter or unused(self._head)
            rows: list[list[str]] = []
            reader = csv.reader(file, delimiter=used, strict=True, skipinitialspace=skip)
            for row in self._cells(reader, names, table.header or 0):
                rows.append(row)
                if len(rows) == ROWS:
                    self.done = file.buffer.tell()
                    yield self._frame(rows, names, compared, unguarded=ours)
                    compared, rows = compared.head(0), []
            self.done = self.total
            if rows:
                yield self._frame(rows, names, compared, unguarded=ours)

    def _cells(self, reader: Any, names: list[str], header: int) -> Iterator[list[str]]:
        """The rows below the header, each with as many cells as there are names."""
        line, n_above, width = 1, header, len(names)
        above: list[str] = []
        try:
            for row in reader:
                if not row:
                    pass
                elif n_above:
                    n_above, above = n_above - 1, row
                elif row != above or width == 1:  # else the header once more, as in files that were put together
                    if any(row[width:]):
                        raise ReadError(
                            f"Line {line:,} of {self.path.name} has {len(row)} cells, but there are {width} columns. "
                            "Put a text with a delimiter in it in double quotes, or save the table from a spreadsheet."
                        )
                    yield row[:width] + [""] * (width - len(row))
                line = reader.line_num + 1
        except csv.Error as error:
            raise QuoteError(
                f"{self.path.name} can't be read in parts from line {line:,} on ({error}): a quote that belongs to a "
                f'text must be doubled ("") and its cell put in quotes. {PLAIN}'
            ) from error

    def _frame(
        self, rows: list[list[str]], names: list[str], compared: pd.DataFrame, *, unguarded: bool
    ) -> pd.DataFrame:
        columns = list(zip(*rows, strict=True))
        n_same = min(len(compared), len(rows))
        if any(
            tuple(compared[name].iloc[:n_same]) != cells[:n_same] for name, cells in zip(names, columns, strict=True)
        ):
            raise ReadError(
                f"{self.path.name} is CSV that can't be read in parts: it writes quotes or line ends in a way of its "
                f"own. {PLAIN}"
            )
        if unguarded:
            names, columns = [unguard(name) for name in names], [tuple(map(unguard, cells)) for cells in columns]
        return pd.DataFrame(dict(zip(names, columns, strict=True)), dtype="str")


def open_parts(path: Path) -> Parts:
    """A file, to be gone through in parts. It is read once for its digest.

    Raises ReadError where there is none, it is empty, or it is of a kind that can't be read.
    """
    try:
        digest, odd = _scan(path)
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise ReadError(f"{path} can't be read: {error.strerror or error}.") from error
    if not head.strip():
        raise ReadError(f"{path.name} is empty.")
    n_bytes, ending = path.stat().st_size, path.suffix.lower()
    if head.startswith(b"PAR1"):
        return Parts(path, digest, n_bytes, _kind="parquet")
    whole = Parts(path, digest, n_bytes, _kind="whole")
    if head.startswith((*packed.ZIP, packed.GZIP)) or ending in NOT_IN_PARTS:
        return whole
    marked = next((codec for mark, codec, _ in BOMS if head.startswith(mark)), None)
    codec, notes = marked or "utf-8", list[str]()
    if odd and marked is None:
        codec, notes = _legacy(path, odd)
    text = codecs.getincrementaldecoder(codec)().decode(head)  # which may end within a character
    is_jsonl = ending in (".jsonl", ".ndjson") or records.is_json_line(text)
    if not is_jsonl and text.lstrip()[:1] in "[{<":
        return whole
    text = text if len(head) < HEAD else _whole_rows(text)
    kind = "jsonl" if is_jsonl else "csv"
    return Parts(path, digest, n_bytes, notes=notes, _kind=kind, _codec=codec, _head=text)


def _scan(path: Path) -> tuple[str, bytes]:
    """The digest of a file, and the first part of it that is not UTF-8, empty where all of it is."""
    digest, decoder, odd, telling = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), b"", False
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            if odd:
                continue
            try:
                decoder.decode(chunk)
                telling = telling or not chunk.isascii()
            except UnicodeDecodeError:
                # What came before is the most of a file that mixes encodings, which no codec reads rightly.
                odd = MIXED if telling else chunk
    if not odd and decoder.getstate()[0]:
        odd = MIXED
    return digest.hexdigest(), odd


def _legacy(path: Path, odd: bytes) -> tuple[str, list[str]]:
    """The codec of a file that is not UTF-8, by a part of it, and notes. Raises ReadError where it can't be told."""
    if odd == MIXED:
        raise ReadError(
            f"{path.name} is UTF-8 in part, or ends within a character: it was cut off, or mixes encodings."
        )
    lines = odd.split(b"\n")
    _, shown, notes = decode(b"\n".join(lines[1:-1] if len(lines) > 2 else lines))
    return codecs.lookup(shown.replace(" ", "-")).name, notes


def _whole_rows(text: str) -> str:
    """The beginning of a text up to the last line break that stands in no quotes."""
    end = len(text)
    for _ in range(100):
        end = text.rfind("\n", 0, max(end, 0))
        if end > 0 and text.count('"', 0, end) % 2 == 0:
            return text[: end + 1]
    return text[: text.rfind("\n") + 1] or text
