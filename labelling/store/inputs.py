"""The texts of one column of a file of any size, a block of rows at a time: Parquet, CSV, TSV or JSONL."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.fs import FileSystem, FileType, LocalFileSystem

from labelling.dataset import ReadError

PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
DELIMITERS = (",", "\t", ";", "|")
CHUNK = 16_000_000  # bytes of CSV that are read at once: no cell may be larger
HEAD = 1_000_000  # bytes in which the names of a CSV's columns end


@dataclass(frozen=True)
class Block:
    """Consecutive rows: the number of the first, their texts (a missing one is ""), and how much of the file, from 0
    to 1, was read by then."""

    first: int
    texts: pa.Array
    done: float


class Input:
    """A file on this machine, or at an address that pyarrow reads (s3://, gs://, hdfs://, file://).

    Raises ReadError where it is not there, or is none of the kinds.
    """

    def __init__(self, name: str, column: str) -> None:
        self.name = name if "://" in name else str(Path(name).expanduser().resolve())
        self.column = column
        path = self.name.lower()
        self._packed = next((kind for ending, kind in PACKED.items() if path.endswith(ending)), None)
        self._kind = Path(path).with_suffix("").suffix if self._packed else Path(path).suffix
        readers = {
            **dict.fromkeys((".parquet", ".pq"), self._parquet),
            **dict.fromkeys((".csv", ".tsv"), self._csv),
            **dict.fromkeys((".jsonl", ".ndjson"), self._jsonl),
        }
        if self._kind not in readers or (self._packed and readers[self._kind] == self._parquet):
            raise ReadError(
                f"{name} can't go into a store: that takes .parquet, and .csv, .tsv or .jsonl, also as .gz."
            )
        self._read = readers[self._kind]
        with self._clear_errors():
            self._system: Any = LocalFileSystem()
            self._path = self.name
            if "://" in name:
                self._system, self._path = FileSystem.from_uri(name)
            found = self._system.get_file_info(self._path)
            if found.type != FileType.File:
                raise ReadError(f"There is no file {name}.")
        self.n_bytes = int(found.size or 0)

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """All rows, `n_rows` in each block but the last. Raises ReadError where the file can't be read rightly."""
        first, n_read, held = 0, 0, pa.chunked_array([], pa.large_string())
        with self._clear_errors():
            for texts, done in self._read(n_rows):
                n_read += len(texts)
                held = pa.chunked_array([*held.chunks, *texts.chunks], pa.large_string())
                while len(held) >= n_rows:
                    part, held = held.slice(0, n_rows), held.slice(n_rows)
                    yield Block(first, part.combine_chunks(), done * (first + n_rows) / n_read)
                    first += n_rows
            if len(held):
                yield Block(first, held.combine_chunks(), 1.0)

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except ReadError:
            raise
        except (pa.ArrowException, UnicodeDecodeError, csv.Error) as error:
            why = " ".join(str(error).split())[:300]
            raise ReadError(f"{self.name} can't be read: {why}. It must be UTF-8, and whole.") from error
        except OSError as error:
            raise ReadError(f"{self.name} can't be read: {error.strerror or str(error)[:300]}.") from error

    def _no_column(self, names: list[str]) -> ReadError:
        shown = ", ".join(repr(name[:40]) for name in names[:20])
        return ReadError(f"There is no column {self.column[:40]!r} in {self.name}. There are: {shown}.")

    # ---------------------------------------------------------------- the kinds

    def _parquet(self, n_rows: int) -> Iterator[tuple[pa.ChunkedArray, float]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._system.open_input_file(self._path), pre_buffer=False) as file:
            if self.column not in file.schema_arrow.names:
                raise self._no_column(file.schema_arrow.names)
            n_done, n_all = 0, file.metadata.num_rows
            for batch in file.iter_batches(n_rows, columns=[self.column]):
                n_done += len(batch)
                texts = pc.fill_null(pc.cast(batch.column(0), pa.large_string()), "")
                yield pa.chunked_array([texts]), n_done / n_all

    def _csv(self, _n_rows: int) -> Iterator[tuple[pa.ChunkedArray, float]]:
        from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv

        with self._opened() as (_, stream):
            delimiter = self._delimiter(stream.read(HEAD))
        convert = ConvertOptions(
            include_columns=[self.column], column_types={self.column: pa.large_string()}, strings_can_be_null=False
        )
        parse = ParseOptions(delimiter=delimiter, newlines_in_values=True)
        with (
            self._opened() as (raw, stream),
            open_csv(stream, ReadOptions(block_size=CHUNK), parse, convert) as reader,
        ):
            for batch in reader:
                yield pa.chunked_array([batch.column(0)]), self._done(raw)

    def _delimiter(self, head: bytes) -> str:
        """The one by which the first row names the column."""
        text = head.decode("utf-8-sig", "replace")
        rows = [next(csv.reader(io.StringIO(text), delimiter=each), []) for each in DELIMITERS]
        for delimiter, row in zip(DELIMITERS, rows, strict=True):
            if self.column in row:
                return delimiter
        raise self._no_column(max(rows, key=len))

    def _jsonl(self, n_rows: int) -> Iterator[tuple[pa.ChunkedArray, float]]:
        texts: list[str] = []
        seen = False
        with self._opened() as (raw, stream):
            for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8-sig"), 1):
                if line.isspace():
                    continue
                row = self._row(line, number)
                seen = seen or self.column in row
                texts.append(_as_text(row.get(self.column)))
                if len(texts) == n_rows:
                    if not seen:
                        raise self._no_column(list(row))
                    yield pa.chunked_array([texts], pa.large_string()), self._done(raw)
                    texts = []
            if texts and not seen:
                raise self._no_column(list(row))
            yield pa.chunked_array([texts], pa.large_string()), 1.0

    def _row(self, line: str, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ReadError(
                f"Line {number:,} of {self.name} is no JSON ({error}): an object a line is asked for."
            ) from None
        if not isinstance(row, dict):
            raise ReadError(f"Line {number:,} of {self.name} is no JSON object, but {line[:40]!r}.")
        return row

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        """The file as it lies there, and as it reads, unpacked."""
        with self._system.open_input_file(self._path) as raw:
            if self._packed is None:
                yield raw, raw
            else:
                with pa.CompressedInputStream(raw, self._packed) as stream:
                    yield raw, stream

    def _done(self, raw: Any) -> float:
        return min(1.0, raw.tell() / max(self.n_bytes, 1))


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
