"""CSV, for programs and for Excel."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from labelling.csv_injection import guard
from labelling.formats.frames import as_json, in_parts, values_of


def to_csv(frame: pd.DataFrame) -> bytes:
    """CSV as RFC 4180 has it, for programs: plain UTF-8, every cell as it is; missing values are empty cells."""
    # In quotes it is taken for no other file's first bytes, such as a byte order mark.
    plain = re.fullmatch(r"(?!PAR1)[\w -]+", str(frame.columns[0]))
    return _csv(frame, str, csv.QUOTE_MINIMAL if plain else csv.QUOTE_ALL, csv.QUOTE_MINIMAL)


def to_excel_csv(frame: pd.DataFrame, *, header: bool = True) -> bytes:
    """CSV for Excel: with a byte order mark, by which it knows UTF-8, and every cell in quotes.

    Headers and cells that a spreadsheet would run as a formula get apostrophes, see `labelling.csv_injection`. Without
    the `header`, and the mark, it is more rows of a file that has them.
    """
    rows = _csv(frame, lambda value: guard(str(value)), csv.QUOTE_ALL if header else None, csv.QUOTE_ALL)
    return b"\xef\xbb\xbf" + rows if header else rows


def _csv(frame: pd.DataFrame, cell: Callable[[Any], str], header_quoting: int | None, quoting: int) -> bytes:
    out = io.BytesIO()
    file = io.TextIOWrapper(out, "utf-8", newline="")
    if header_quoting is not None:
        csv.writer(file, quoting=header_quoting).writerow([cell(name) for name in frame.columns])  # type: ignore[arg-type]
    rows = csv.writer(file, quoting=quoting)  # type: ignore[arg-type]
    for part in in_parts(frame):
        rows.writerows(zip(*(_cells(part[name], cell) for name in frame.columns), strict=True))
    file.flush()
    return out.getvalue()


def _cells(values: pd.Series, cell: Callable[[Any], str]) -> list[str]:
    if cell is str and isinstance(values.dtype, pd.StringDtype):
        return list(values.to_numpy(object, na_value=""))
    return ["" if value is None else cell(as_json(value)) for value in values_of(values)]


def read_csv(content: bytes) -> pd.DataFrame:
    """The cells as they stand in the file."""
    header, *cells = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return pd.DataFrame(cells, columns=header, dtype="str")
