"""Files that are packed, or hold a table that only an office program can open."""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Sequence

from labelling.dataset import ReadError
from labelling.readers.shards import is_shard
from labelling.readers.tables import count, listed

GZIP = b"\x1f\x8b"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PAGE = re.compile(
    r"\s*(?:<!--(?:(?!-->).)*+-->\s*)*+<(!doctype html|html|head|body|meta|table)\b", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(r"\s*<\?xml\b", re.IGNORECASE)
# What comes in a zip archive beside workbooks, by a file in it.
_OTHERS = (
    (r"word/document\.xml", "a Word document (.docx)", "copy its texts into a TXT file, one a line"),
    (r"ppt/presentation\.xml", "a PowerPoint file", "copy its texts into a TXT file, one a line"),
    (r"xl/workbook\.bin", "an Excel Binary Workbook (.xlsb)", 'save it in Excel as "Excel Workbook (.xlsx)"'),
    (r"content\.xml", "an OpenDocument file (.ods)", "save it as .xlsx or CSV"),
    (r"index\.iwa|Index/Document\.iwa", "an Apple iWork file (.numbers)", "export it as Excel or CSV"),
)
_TABLES = ("csv", "tsv", "jsonl", "ndjson", "json", "parquet", "pq", "txt", "xlsx", "spacy")
_SETTINGS = ("settings.json", "dataset.json", "dataset_info.json", "dataset_infos.json", "state.json")
CARD = "README.md"  # which tells in its head, in a Hugging Face folder, what the labels are called
MAX_FILES = 10_000  # in a zip archive: its list of files takes many times its bytes in memory
_LIKE_A_FILE = 5_000  # characters at the start that say what a file is


def unpack_gzip(data: bytes, max_bytes: int) -> bytes:
    """What was packed with gzip. Raises ReadError where that is damaged or has more than `max_bytes`."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:  # several may stand one after the other, as in logs
            unpacked = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error):
        raise ReadError(
            "The file is packed with gzip, but is cut off or damaged: download it again, or unpack it first."
        ) from None
    if len(unpacked) > max_bytes:
        raise ReadError(
            f"The file is packed with gzip, and unpacks to more than {max_bytes / 1e6:,.1f} MB, which is all that "
            "can be read. Split it, or keep only the columns you need."
        )
    return unpacked


def unpack_zip(data: bytes, ending: str, max_bytes: int) -> list[tuple[str, bytes]]:
    """The files in a zip archive that hold its table, see `tables_among`: each by its name, and what is in it.

    Nothing where the archive is a workbook. Raises ReadError for all other archives, and says what is in them; where a
    name in it leads out of a folder; where it unpacks to more than `max_bytes`.
    """
    if data.count(b"PK\x01\x02") > MAX_FILES:
        raise ReadError(
            f"The file is a zip archive of more than {MAX_FILES:,} files: unpack it, and upload the table in it."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        if ending == "zip":
            raise ReadError("The file is a zip archive that is cut off or damaged: download it again.") from None
        return []
    if any(re.fullmatch(r"(.*/)?workbook\d*\.xml", name) for name in names):
        return []
    for inside, what, todo in _OTHERS:
        if any(re.fullmatch(inside, name) for name in names):
            raise ReadError(f"The file is {what}, which can't be read: {todo}.")
    files = [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]
    outside = next(filter(climbs_out, files), None)
    if outside is not None:
        raise ReadError(
            f"The file is a zip archive with a file that leads out of its folder ({outside[:60]!r}), as made to do "
            "harm: pack the table anew."
        )
    if tables := tables_among(files):
        return _unpacked(data, tables, max_bytes)
    holds = f"{count(len(files), 'file')}: {listed(files)}" if files else "no file"
    raise ReadError(f"The file is a zip archive, which holds {holds}. Unpack it first, and upload the table in it.")


def climbs_out(name: str) -> bool:
    """Whether a file's name leads out of the folder or the archive that it is in."""
    return re.match(r"[/\\]|[A-Za-z]:", name) is not None or ".." in re.split(r"[/\\]", name)


def tables_among(names: Sequence[str]) -> list[str]:
    """Of the files in a folder or an archive those that hold its table, and beside Parquet its card.

    That is one file; or the shards of one table, in one format, see `shards.split_of`; or JSONL side by side, as
    doccano writes a file for each annotator. None where there is no table, or several.
    """
    tables = sorted(filter(is_table, names))
    kinds = {kind_of(name) for name in tables}
    beside = kinds == {"jsonl"} and not any("/" in name for name in tables)
    if not tables or not (len(tables) == 1 or beside or (len(kinds) == 1 and all(map(is_shard, tables)))):
        return []
    cards = sorted((name for name in names if name.rpartition("/")[2] == CARD), key=len)
    return [*tables, *(cards[:1] if kinds == {"parquet"} else [])]


def kind_of(name: str) -> str:
    """The format that a file's ending tells."""
    ending = name.rpartition(".")[2].lower()
    return {"pq": "parquet", "ndjson": "jsonl"}.get(ending, ending)


def is_table(name: str) -> bool:
    *folders, last = name.split("/")
    hidden = any(part.startswith(".") for part in (*folders, last))
    return not hidden and last not in _SETTINGS and last.rpartition(".")[2].lower() in _TABLES and "." in last


def _unpacked(data: bytes, names: list[str], max_bytes: int) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    left = max_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in names:
                if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ReadError("The file is a zip archive that is packed in an unusual way: unpack it first.")
                with archive.open(name) as file:
                    found.append((name, file.read(left + 1)))
                left -= len(found[-1][1])
                if left < 0:
                    raise ReadError(
                        f"The file is a zip archive that unpacks to more than {max_bytes / 1e6:,.1f} MB, which is all "
                        "that can be read. Split it, or keep only the columns you need."
                    )
    except RuntimeError:
        raise ReadError("The file is a zip archive with a password: unpack it first.") from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError):
        raise ReadError("The file is a zip archive that is cut off or damaged: download it again.") from None
    return found


def refuse_markup(text: str, ending: str) -> None:
    """Raises ReadError for a web page or another document in XML, which many programs call .xls."""
    start = text[:_LIKE_A_FILE]
    save = "open it in Excel or LibreOffice, and save it as .xlsx or CSV"
    if re.match(r"MIME-Version:", start) and "<html" in text.lower():
        raise ReadError(f"The file is a web archive, not a table that can be read: {save}.")
    if _XML.match(start) or (ending == "xml" and start.lstrip().startswith("<")):
        if re.search(r"<([\w-]+:)?Workbook\b|progid=\"Excel\.Sheet\"", start):
            raise ReadError(f"The file is an XML spreadsheet (of 2003), not a table that can be read: {save}.")
        if "<office:document" in start:
            raise ReadError(f"The file is a flat OpenDocument file, not a table that can be read: {save}.")
        if not re.search(r"<(!doctype )?html\b", start, re.IGNORECASE):
            raise ReadError(f"The file is XML, not a table that can be read: if it is a spreadsheet, {save}.")
    elif not _PAGE.match(start) or (ending == "txt" and not re.match(r"\s*<(!doctype )?html\b", start, re.IGNORECASE)):
        return
    if re.search(r"<table\b", text, re.IGNORECASE):
        named = f", though it is named .{ending}" if ending in ("xls", "xlsx", "csv", "tsv") else ""
        raise ReadError(f"The file is a web page (HTML) with a table in it{named}: {save}.")
    raise ReadError("The file is a web page, perhaps a site's sign-in page, not a table: download it again.")
