"""The formats of an export, by their names on the command line: a new one is a file, and an entry here."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from labelling.formats.delimited import read_csv, to_csv, to_excel_csv
from labelling.formats.jsonl import read_jsonl, to_jsonl
from labelling.formats.parquet import read_parquet, to_parquet


@dataclass(frozen=True)
class Format:
    """How a table of labelled rows becomes a file.

    `write` makes its bytes, `read` gives back what stands in them, for a look at it. A `nested` one takes yes, no and
    unknown as one column of mappings. `tail` ends the file's name.
    """

    title: str
    about: str
    write: Callable[[pd.DataFrame], bytes]
    read: Callable[[bytes], pd.DataFrame]
    tail: str
    mime: str
    nested: bool = False


CSV, EXCEL, JSONL, PARQUET = "csv", "excel", "jsonl", "parquet"
FORMATS = {
    CSV: Format(
        "CSV for programs",
        "Plain UTF-8, every cell as it is. For scripts and tools.",
        to_csv,
        read_csv,
        "labelled.csv",
        "text/csv",
    ),
    EXCEL: Format(
        "CSV for Excel",
        "Accents read rightly. What Excel would run as a formula gets an apostrophe; uploaded as it is, it loses it.",
        to_excel_csv,
        read_csv,
        "labelled-excel.csv",
        "text/csv",
    ),
    JSONL: Format(
        "JSONL",
        "A JSON object a line. Numbers stay numbers.",
        to_jsonl,
        read_jsonl,
        "labelled.jsonl",
        "application/jsonl",
        nested=True,
    ),
    PARQUET: Format(
        "Parquet",
        "For pandas, Polars, DuckDB, Spark. Numbers and times keep their types.",
        to_parquet,
        read_parquet,
        "labelled.parquet",
        "application/vnd.apache.parquet",
    ),
}
