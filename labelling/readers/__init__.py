"""Uploaded bytes to a table, and a table to a `Dataset`; nothing is silently changed or lost.

CSV follows RFC 4180 and keeps every cell as the text it is: ``NA``, ``null`` and ``007`` stay. What is left
out, filled up or turned into text is said in `Table.notes`; what can't be read rightly is a `ReadError`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from labelling.dataset import Dataset, Offer, ReadError, ReadOptions, Table, make_dataset
from labelling.readers import annotated, delimited, foreign, hub, packed, records
from labelling.readers.apart import read_parquet, read_xlsx
from labelling.readers.card import name_labels
from labelling.readers.docbin import read_docbin
from labelling.readers.encoding import decode
from labelling.readers.folder import files_in
from labelling.readers.guesses import TEXT_NAMES, guess_label_column, guess_text_column
from labelling.readers.label_values import guess_label_value_columns, guess_labels, read_label_values, read_people
from labelling.readers.layout import are_names
from labelling.readers.names import read_labels
from labelling.readers.own_csv import read_our_export
from labelling.readers.plain import read_plain
from labelling.readers.rows import read_rows
from labelling.readers.shards import is_shard, put_together
from labelling.readers.tables import MAX_BYTES, READABLE, check_size, count, listed, numbered

__all__ = [
    "Dataset",
    "Offer",
    "ReadError",
    "ReadOptions",
    "Table",
    "guess_label_column",
    "guess_label_value_columns",
    "guess_labels",
    "guess_text_column",
    "make_dataset",
    "read_files",
    "read_folder",
    "read_hub",
    "read_label_values",
    "read_labels",
    "read_pasted",
    "read_people",
    "read_table",
    "report",
]  # fmt: skip

# A file's first bytes, what it is, and what to do about it.
_UNREADABLE = (
    (b"\xd0\xcf\x11\xe0", "an old Office file (.xls), or has a password", "save it as .xlsx without one"),
    (b"\x89PNG", "a PNG image", f"upload {READABLE}"),
    (b"\xff\xd8\xff", "a JPEG image", f"upload {READABLE}"),
    (b"%PDF-", "a PDF", "copy its texts into a TXT file, one a line"),
    (b"{\\rtf", "an RTF document", "save it as plain text"),
    (b"BZh91AY&SY", "packed with bzip2", "unpack it first"),
    (b"\xfd7zXZ\0", "packed with xz", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it first"),
)
_BINARY = (
    (b"PK\x03\x04", "an Excel workbook", ("xlsx", "xlsm"), read_xlsx),
    (b"PAR1", "a Parquet file", ("parquet", "pq"), read_parquet),
)


@foreign.understood
def read_table(data: bytes, name: str, options: ReadOptions = ReadOptions(), *, max_bytes: int = MAX_BYTES) -> Table:
    """Read an uploaded file's content.

    Of the user's `name` for it only the ending is looked at, and the content has the last word: a workbook
    named ``.csv`` is read as a workbook. A file packed with gzip is unpacked.

    Raises ReadError when the file has more than `max_bytes`, or is
    empty, broken, of another kind, or in mixed encodings.
    """
    if len(data) > max_bytes:
        raise ReadError(
            f"The file has {len(data) / 1e6:,.1f} MB; up to {max_bytes / 1e6:,.1f} MB can be read. Split it, "
            "or keep only the columns you need."
        )
    if data.startswith(packed.ZIP):
        files = packed.unpack_zip(data, name.rpartition(".")[2].lower(), max_bytes)
        if files:
            return read_files(files, "The file was a zip archive, which holds", options)
    if not data.startswith(packed.GZIP):
        return _read(data, name, options)
    inside = packed.unpack_gzip(data, max_bytes)
    if inside.startswith(packed.GZIP):
        raise ReadError("The file is packed with gzip twice: unpack it first.")
    table = _read(inside, re.sub(r"\.gz(ip)?$", "", name, flags=re.IGNORECASE), options)
    return replace(table, notes=("The file was packed with gzip: unpacked.", *table.notes))


@foreign.understood
def read_folder(folder: Path, options: ReadOptions = ReadOptions(), *, max_bytes: int = MAX_BYTES) -> Table:
    """Read a folder: of Hugging Face, of Argilla, or of a table or its shards in one format.

    Raises ReadError as `read_table` does, and where it holds several tables, or a link that leads out of it.
    """
    return read_files(files_in(folder, max_bytes), f"The folder {folder.name!r} holds", options)


@foreign.understood
def read_hub(
    named: str,
    split: str | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    token: bool | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Table:
    """Read a data set of the Hugging Face hub: ``owner/name``, ``hf:owner/name/folder@revision``; one `split` or all.

    Raises ReadError; see `hub.files_of`.
    """
    name = hub.DatasetName.parse(named)
    files = hub.files_of(name, split, max_bytes, token=token, on_progress=on_progress)
    return read_files(files, f"The data set {name.id} on the hub holds")


def read_files(files: Sequence[tuple[str, bytes]], where: str, options: ReadOptions = ReadOptions()) -> Table:
    """The table that these files hold, by their names, see `packed.tables_among`; `where` they are begins the note.

    What another tool wrote is not understood yet: `foreign.understand` does.
    """
    card = dict(files).get(packed.CARD) or next((data for name, data in files if name.endswith(f"/{packed.CARD}")), b"")
    files = [(name, data) for name, data in files if packed.is_table(name)]
    for name, data in files:
        if data.startswith((*packed.ZIP, packed.GZIP)) and not name.lower().endswith(".xlsx"):
            raise ReadError(f"{where} {name[-60:]!r}, which is packed again: unpack it first.")
    tables = [_read(data, name, options) for name, data in files]
    names = [name for name, _ in files]
    if len(tables) == 1:
        whole = tables[0]
    elif all(map(is_shard, names)):
        check_size(sum(len(table.frame) for table in tables), len(tables[0].frame.columns))
        try:
            frame = put_together([table.frame for table in tables], names)
        except ReadError as error:
            raise ReadError(f"{where} {listed(names)}. {error}") from None
        whole = replace(
            tables[0], frame=frame, notes=tuple(dict.fromkeys(note for table in tables for note in table.notes))
        )
    else:
        found = annotated.read_doccano_annotators([table.frame for table in tables], [name[:-6] for name in names])
        if found is None:
            raise ReadError(
                f"{where} {len(files):,} files: {listed(names)}. They are not doccano's, with a file for each "
                "annotator: take the one that is your table alone."
            )
        whole = found
    return _with_note(name_labels(whole, card) if card else whole, f"{where} {listed(names)}: read.")


def _read(data: bytes, name: str, options: ReadOptions) -> Table:
    for magic, what, todo in _UNREADABLE:
        if data.startswith(magic):
            raise ReadError(f"The file is {what}, not a table that can be read: {todo}.")
    if data[:1] == b"x" and (docs := read_docbin(data)):
        return docs
    foreign.check_bytes(data)
    if data[257:262] == b"ustar":
        raise ReadError("The file is a tar archive, not a table that can be read: unpack it first.")
    ending = name.rpartition(".")[2].lower()
    for magic, what, endings, read in _BINARY:
        if data.startswith(magic):
            table = read(data, options)
            if ending in endings:
                return table
            return _with_note(table, f"The file is named {name[-40:]!r}, but it is {what}: read as that.")
        if ending in endings:
            raise ReadError(f"The file is named .{ending}, but is not {what}, or a damaged one. Save it again.")
    if options.header in (None, 1) and options.encoding is None and (ours := read_our_export(data)):
        return ours
    if options == ReadOptions() and (plain := read_plain(data, ending)):
        return plain
    text, encoding, notes = decode(data, options)
    table = _read_text(text, ending, encoding, options)
    return replace(table, encoding=encoding, notes=(*notes, *table.notes))


def _read_text(text: str, ending: str, encoding: str, options: ReadOptions) -> Table:
    if not text.strip(" \t\r\n\ufeff"):
        raise ReadError(f"The file is empty. Upload a table: {READABLE}.")
    if re.match(r"[^\r\n]*\r(?!\n)", text):
        # Lines end so on old Macs, and in Excel's "CSV (Macintosh)".
        text = re.sub(r"\r(?!\n)", "\n", text)
    text, notes = _without_marks(text, marked=encoding in ("UTF-8 with BOM", "UTF-16", "UTF-32"))
    packed.refuse_markup(text, ending)
    table = _read_lines_or_table(text, ending, options)
    return replace(table, notes=(*notes, *table.notes))


def _without_marks(text: str, *, marked: bool) -> tuple[str, list[str]]:
    """The text without the byte order marks left in it where files were put together, and a note.

    Those inside are taken off where the file begins with one too (`marked`), is JSON, or its first line comes again.
    """
    text = text.lstrip("\ufeff")
    if "\n\ufeff" not in text:
        return text, []
    first = re.escape(text[: text.find("\n")].rstrip("\r"))
    pattern = r"\n\ufeff+" if marked or text.lstrip()[:1] in "{[" else rf"\n\ufeff+(?={first}\r?(\n|\Z))"
    lines, line, at = [], 1, 0
    for match in re.finditer(pattern, text):
        line, at = line + text.count("\n", at, match.end()), match.end()
        lines.append(line)
    if not lines:
        return text, []
    marks = f"{count(len(lines), 'byte order mark')} inside the file left out, in {numbered('line', lines)}."
    return re.sub(pattern, "\n", text), [marks]


def _read_lines_or_table(text: str, ending: str, options: ReadOptions) -> Table:
    if ending in ("jsonl", "ndjson", "json"):
        return records.read_json(text, ending)
    if records.is_json_line(text) or records.is_json(text):
        table = records.read_json(text, "json")
        return _with_note(table, f"The file's content is {table.format}: read as that.")
    if ending == "txt":
        table = delimited.read_lines(text, "TXT", options)
        tabs = "Some lines hold tabs. If the file is a table, name it .tsv."
        return _with_note(table, tabs) if "\t" in text else table
    table = delimited.read_csv(text, options=options)
    return (
        _with_note(table, f"The file is named .xls, but is {table.format}: read as that.") if ending == "xls" else table
    )


def _with_note(table: Table, note: str) -> Table:
    return replace(table, notes=(*table.notes, note))


@foreign.understood
def read_pasted(text: str, options: ReadOptions = ReadOptions()) -> Table:
    """Read pasted text: a text a line, or a table if it clearly is one, such as cells from a spreadsheet.

    Raises ReadError when there is nothing in it.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise ReadError("Nothing was pasted. Paste texts, one a line, or cells copied from a spreadsheet.")
    if records.is_json_line(text):
        return records.read_jsonl(text)
    if text.lstrip().startswith("[") and records.is_json(text):
        return records.read_json(text, "json")
    for delimiter in ("\t", ",", ";"):
        header, *rows = read_rows(text, delimiter, strict=False).cells
        is_table = len(header) > 1 and rows and all(len(row) == len(header) for row in rows)
        # Lines of prose hold commas, but no tabs, so for commas one of the names must be known.
        known = any(name.strip().lower() in TEXT_NAMES for name in header) and are_names(header)
        if is_table and (delimiter == "\t" or known):
            return delimited.read_csv(text, delimiter, options)
    return delimited.read_lines(text, "pasted lines", options)


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
