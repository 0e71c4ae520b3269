"""Files that are packed, or hold a table that only an office program can open."""

import gzip
import io
import re
import zipfile
import zlib

from labelling.dataset import ReadError
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
_MAX_FILES = 10_000  # in a zip archive: its list of files takes many times its bytes in memory
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


def refuse_zip(data: bytes, ending: str) -> None:
    """Raises ReadError for a zip archive that is no workbook, and says what is in it."""
    if data.count(b"PK\x01\x02") > _MAX_FILES:
        raise ReadError(
            f"The file is a zip archive of more than {_MAX_FILES:,} files: unpack it, and upload the table in it."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        if ending == "zip":
            raise ReadError("The file is a zip archive that is cut off or damaged: download it again.") from None
        return
    if any(re.fullmatch(r"(.*/)?workbook\d*\.xml", name) for name in names):
        return
    for inside, what, todo in _OTHERS:
        if any(re.fullmatch(inside, name) for name in names):
            raise ReadError(f"The file is {what}, which can't be read: {todo}.")
    files = [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]
    holds = f"{count(len(files), 'file')}: {listed(files)}" if files else "no file"
    raise ReadError(f"The file is a zip archive, which holds {holds}. Unpack it first, and upload the table in it.")


def refuse_markup(text: str, ending: str) -> None:
    """Raises ReadError for a web page or another document in XML, which many programs call .xls."""
    start = text[:_LIKE_A_FILE]
    save = "open it in Excel or LibreOffice, and save it as .xlsx or CSV"
    if re.match(r"MIME-Version:", start) and "<html" in text.lower():
        raise ReadError(f"The file is a web archive, not a table that can be read: {save}.")
    if _XML.match(start):
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
