"""Uploaded bytes to a table, and a table to a `Dataset`; nothing is silently changed or lost.

CSV follows RFC 4180 and keeps every cell as the text it is: ``NA``, ``null`` and ``007`` stay. What is left
out, filled up or turned into text is said in `Table.notes`; what can't be read rightly is a `ReadError`.
"""

import re
from dataclasses import replace

from labelling.dataset import Dataset, Offer, ReadError, ReadOptions, Table, make_dataset
from labelling.readers import delimited, foreign, records
from labelling.readers.answers import guess_answer_columns, read_answers
from labelling.readers.apart import read_parquet, read_xlsx
from labelling.readers.encoding import decode
from labelling.readers.guesses import TEXT_NAMES, guess_label_column, guess_text_column
from labelling.readers.names import read_labels
from labelling.readers.tables import MAX_BYTES, READABLE, count

__all__ = [
    "Dataset", "Offer", "ReadError", "ReadOptions", "Table", "guess_answer_columns", "guess_label_column",
    "guess_text_column", "make_dataset", "read_answers", "read_labels", "read_pasted", "read_table", "report",
]  # fmt: skip

# A file's first bytes, what it is, and what to do about it.
_UNREADABLE = (
    (b"\xd0\xcf\x11\xe0", "an old Office file (.xls), or has a password", "save it as .xlsx without one"),
    (b"\x89PNG", "a PNG image", f"upload {READABLE}"),
    (b"\xff\xd8\xff", "a JPEG image", f"upload {READABLE}"),
    (b"%PDF-", "a PDF", "copy its texts into a TXT file, one a line"),
    (b"{\\rtf", "an RTF document", "save it as plain text"),
    (b"\x1f\x8b", "packed with gzip", "unpack it first"),
)
_BINARY = (
    (b"PK\x03\x04", "an Excel workbook", ("xlsx", "xlsm"), read_xlsx),
    (b"PAR1", "a Parquet file", ("parquet", "pq"), read_parquet),
)


@foreign.understood
def read_table(data: bytes, name: str, *, max_bytes: int = MAX_BYTES) -> Table:
    """Read an uploaded file's content.

    Of the user's `name` for it only the ending is looked at, and the content has the last word: a workbook
    named ``.csv`` is read as a workbook. Raises ReadError when the file has more than `max_bytes`, or is
    empty, broken, of another kind, or in mixed encodings.
    """
    if len(data) > max_bytes:
        raise ReadError(
            f"The file has {len(data) / 1e6:,.1f} MB; up to {max_bytes / 1e6:,.1f} MB can be read. Split it, "
            "or keep only the columns you need."
        )
    for magic, what, todo in _UNREADABLE:
        if data.startswith(magic):
            raise ReadError(f"The file is {what}, not a table that can be read: {todo}.")
    foreign.check_bytes(data)
    ending = name.rpartition(".")[2].lower()
    for magic, what, endings, read in _BINARY:
        if data.startswith(magic):
            table = read(data)
            if ending in endings:
                return table
            return _with_note(table, f"The file is named {name[-40:]!r}, but it is {what}: read as that.")
        if ending in endings:
            raise ReadError(f"The file is named .{ending}, but is not {what}, or a damaged one. Save it again.")
    text, encoding, notes = decode(data)
    table = _read_text(text, ending, encoding)
    return replace(table, encoding=encoding, notes=(*notes, *table.notes))


def _read_text(text: str, ending: str, encoding: str) -> Table:
    if not text.strip():
        raise ReadError(f"The file is empty. Upload a table: {READABLE}.")
    if encoding == "UTF-8 with BOM" and (ours := delimited.read_our_export(text)):
        return ours
    if re.match(r"\s*<(!doctype )?html", text, re.IGNORECASE):
        raise ReadError("The file is a web page, perhaps a site's sign-in page, not a table: download it again.")
    if re.match(r"[^\r\n]*\r(?!\n)", text):
        # Lines end so on old Macs, and in Excel's "CSV (Macintosh)".
        text = re.sub(r"\r(?!\n)", "\n", text)
    if ending in ("jsonl", "ndjson", "json"):
        return records.read_json(text, ending)
    if records.is_json_line(text) or records.is_json(text):
        table = records.read_json(text, "json")
        return _with_note(table, f"The file's content is {table.format}: read as that.")
    if ending == "txt":
        table = delimited.read_lines(text, "TXT")
        tabs = "Some lines hold tabs. If the file is a table, name it .tsv."
        return _with_note(table, tabs) if "\t" in text else table
    return delimited.read_csv(text)


def _with_note(table: Table, note: str) -> Table:
    return replace(table, notes=(*table.notes, note))


@foreign.understood
def read_pasted(text: str) -> Table:
    """Read pasted text: a text a line, or a table if it clearly is one, such as cells from a spreadsheet.

    Raises ReadError when there is nothing in it.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise ReadError("Nothing was pasted. Paste texts, one a line, or cells copied from a spreadsheet.")
    if records.is_json_line(text):
        return records.read_jsonl(text)
    for delimiter in ("\t", ",", ";"):
        header, *rows = delimited.split(text, delimiter)
        is_table = len(header) > 1 and rows and all(len(row) == len(header) for row in rows)
        # Lines of prose hold commas, but no tabs, so for commas one of the names must be known.
        known = delimiter == "\t" or any(name.strip().lower() in TEXT_NAMES for name in header)
        if is_table and known and delimited.are_names(header):
            return delimited.read_csv(text, delimiter)
    return delimited.read_lines(text, "pasted lines")


def report(dataset: Dataset, table: Table) -> list[str]:
    """Plain sentences that say what was read, and what was left out or changed."""
    how = [table.encoding, delimited.DELIMITERS.get(table.delimiter or "")]
    shown = ", ".join(part for part in how if part)
    lines = [f"{count(len(dataset), 'row')} read as {table.format}{f' ({shown})' if shown else ''}."]
    lines += table.notes
    n_empty, n_duplicates = int(dataset.empty.sum()), dataset.n_duplicates
    if n_empty:
        stay, are = ("row has no text: it stays", "is") if n_empty == 1 else ("rows have no text: they stay", "are")
        lines.append(f"{n_empty:,} {stay} in the file and in the export, but {are} not on the map.")
    if n_duplicates:
        repeat = "row repeats" if n_duplicates == 1 else "rows repeat"
        lines.append(f"{n_duplicates:,} {repeat} an earlier text: all are kept; each text is embedded once.")
    return lines
