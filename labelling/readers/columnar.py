"""Parquet files and Excel workbooks to tables."""

import io
import itertools
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from labelling.dataset import ReadError, ReadOptions, Table
from labelling.readers.tables import MAX_BYTES, READABLE, check_size, count, from_columns, listed


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """A damaged file raises whatever the parsers raise; all of it becomes a ReadError."""
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
        raise ReadError(
            f"The {what} can't be read: {str(error)[:200]}. It is cut off or damaged, or another kind of file: "
            f"save or download it again, or upload {READABLE}."
        ) from None


def _check_unpacked(size: int) -> None:
    if size > 4 * MAX_BYTES:
        raise ReadError(f"The file unpacks to {size / 1e6:,.0f} MB; up to {4 * MAX_BYTES / 1e6:,.0f} MB can be read.")


@_reading("Parquet file")
def read_parquet(data: bytes, options: ReadOptions = ReadOptions()) -> Table:
    """Read a Parquet file; numbers and times keep their types, nested values become JSON text."""
    import pyarrow.parquet as pq
    from pyarrow import types

    file = pq.ParquetFile(io.BytesIO(data))
    check_size(file.metadata.num_rows, len(file.schema_arrow.names))
    _check_unpacked(sum(file.metadata.row_group(k).total_byte_size for k in range(file.num_row_groups)))
    arrow = file.read()
    if not arrow.num_columns or not arrow.num_rows:
        raise ReadError("The Parquet file has no rows.")
    columns = (
        column.to_pandas()
        if types.is_floating(column.type) or types.is_timestamp(column.type)
        else column.to_pylist()  # Not to pandas, which makes floats of integers where one is missing.
        for column in arrow.columns
    )
    return from_columns(arrow.column_names, columns, "Parquet")


@_reading("Excel workbook")
def read_xlsx(data: bytes, options: ReadOptions = ReadOptions()) -> Table:
    """Read the first sheet of a workbook: its first row that isn't blank holds the names."""
    import openpyxl
    from openpyxl.utils.escape import unescape

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        _check_unpacked(sum(info.file_size for info in archive.infolist()))
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheet, *others = book.worksheets
    sheet.reset_dimensions()  # Many writers state a wrong size, and openpyxl would believe it.
    rows = list(sheet.iter_rows(values_only=True))
    book.close()
    while rows and not _filled(rows[-1]):
        rows.pop()
    filled = list(filter(_filled, rows))
    title = repr(sheet.title[:40])
    if len(filled) < 2:
        what = "only a header" if filled else "empty"
        raise ReadError(f"The first sheet, {title}, is {what}. Put the texts on the first sheet.")
    notes = []
    if others:
        titles = listed([other.title for other in others])
        notes.append(f"Read the sheet {title}; the others were not read: {titles}.")
    if len(filled) < len(rows):
        notes.append(f"{count(len(rows) - len(filled), 'blank row')} skipped.")
    check_size(len(filled), max(map(len, filled)))
    # ECMA-376 writes \r and other controls as _x000D_.
    cells = ([unescape(cell) if isinstance(cell, str) else cell for cell in row] for row in filled)
    columns = [column for column in itertools.zip_longest(*cells) if _filled(column)]
    return from_columns([column[0] for column in columns], [column[1:] for column in columns], "XLSX", notes)


def _filled(cells: tuple) -> bool:
    return any(cell is not None for cell in cells)
