"""CSV that Corral has written to a table."""

import codecs
from dataclasses import replace

import pandas as pd

from labelling.csv_injection import unguard
from labelling.dataset import ReadError, Table
from labelling.readers.delimited import read_csv
from labelling.readers.exported import columns_of_export
from labelling.readers.rows import read_rows
from labelling.readers.tables import check_size


def read_our_export(data: bytes) -> Table | None:
    """Read what `labelling.formats.delimited.to_csv` or `to_excel_csv` wrote, exactly; None for other CSV.

    Only the one for Excel has a byte order mark, and then its guards against formulas are taken off. Where another
    program has saved it since, what the reader of other CSV mends and says holds for it too.
    """
    if b"labelled_at" not in data[:1_000_000]:
        return None
    marked = data.startswith(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8-sig" if marked else "utf-8")
        header, *body = read_rows(text, ",").cells
    except (ReadError, UnicodeDecodeError):
        return None
    if not columns_of_export(header)[1] or len(set(header)) < len(header):
        return None
    check_size(len(body), len(header))
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
