"""What an export of ours looks like: in whatever format, its last columns; and CSV of ours to a table."""

import codecs
import csv
import io
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from labelling.dataset import Table
from labelling.formulas import unguard
from labelling.readers.delimited import read_csv

EXPORT_COLUMNS = ("label", "labelled_at", "source")  # the last columns of every export, in this order
PREFIX = "label: "  # of the columns of yes and no, one a label, that stand before them
NESTED = "cats"  # or one of objects, as JSONL has it


def is_exports_name(name: str) -> bool:
    """Whether an uploaded column of this name could be taken for one that an export adds, whatever its case."""
    plain = name.strip().lower()
    return plain in (*EXPORT_COLUMNS, NESTED) or name.lstrip().lower().startswith(PREFIX)


def columns_of_export(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """What an export has added at the end of a table: its columns of answers, then label, labelled_at and source.

    Both are empty where the table is no export of ours, or its columns were moved or renamed since.
    """
    *names, label, labelled_at, source = ["", "", "", *names]
    if (label, labelled_at, source) != EXPORT_COLUMNS:
        return [], []
    if names[-1] == NESTED:
        return [NESTED], [*EXPORT_COLUMNS]
    first = len(names)
    while names[first - 1].startswith(PREFIX):
        first -= 1
    return names[first:], [*EXPORT_COLUMNS]


def read_our_export(data: bytes) -> Table | None:
    """Read what `labelling.export.to_csv` or `to_excel_csv` wrote, exactly; None for other CSV.

    Only the one for Excel has a byte order mark, and then its guards against formulas are taken off. Where another
    program has saved it since, what the reader of other CSV mends and says holds for it too.
    """
    if b"labelled_at" not in data[:1_000_000]:
        return None
    marked = data.startswith(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8-sig" if marked else "utf-8")
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(rows)
        if not columns_of_export(header)[1] or len(set(header)) < len(header):
            return None
        body = [row for row in rows if row]
    except (csv.Error, UnicodeDecodeError):
        return None
    if not body or any(len(row) != len(header) for row in body):
        if not marked:
            return None
        table = read_csv(text, ",")
    else:
        frame = pd.DataFrame(dict(zip(header, zip(*body, strict=True), strict=True)), dtype="str")
        table = Table(frame, "CSV", delimiter=",", header=1)
    if marked:
        names = [unguard(name) for name in table.frame.columns]
        names = names if len(set(names)) == len(names) else list(table.frame.columns)
        cells = ([unguard(cell) for cell in column] for _, column in table.frame.items())
        table = replace(table, frame=pd.DataFrame(dict(zip(names, cells, strict=True)), dtype="str"))
    return replace(table, encoding="UTF-8 with BOM" if marked else "UTF-8")
