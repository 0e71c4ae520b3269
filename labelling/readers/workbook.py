"""Excel workbooks to tables."""

import io
import itertools
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from labelling.dataset import Offer, ReadError, ReadOptions, Table
from labelling.readers.columnar import check_unpacked, reading
from labelling.readers.guesses import LABEL_NAMES, TEXT_NAMES
from labelling.readers.tables import MAX_CELLS, READABLE, check_size, count, from_columns, listed

MAX_ROWS = 1_048_576  # of a sheet, in every version of Excel since 2007
PEEKED_ROWS = 50  # tell a table from a cover sheet, and a title from a header
COVER_CELLS = 10  # what a cover sheet holds at most
MAX_TITLE_ROWS = 10
_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
# What else comes in a ZIP archive, by a file in it.
_OTHERS = (
    (r"word/document\.xml", "a Word document (.docx)", "copy its texts into a TXT file, one a line"),
    (r"ppt/presentation\.xml", "a PowerPoint file", "copy its texts into a TXT file, one a line"),
    (r"xl/workbook\.bin", "an Excel Binary Workbook (.xlsb)", 'save it in Excel as "Excel Workbook (.xlsx)"'),
    (r"content\.xml", "an OpenDocument file (.ods)", "save it as .xlsx or CSV"),
    (r"index\.iwa|Index/Document\.iwa", "an Apple iWork file (.numbers)", "export it as Excel or CSV"),
)
Row = tuple[Any, ...]


@reading("Excel workbook")
def read_xlsx(data: bytes, options: ReadOptions | None = None) -> Table:
    """Read one sheet of a workbook: that of `options`, else the first that is visible and holds a table.

    `options.header` says which row, of those that aren't blank, holds the names; else it is the first below titles.
    """
    import openpyxl

    options = options or ReadOptions()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        check_unpacked(sum(info.file_size for info in archive.infolist()))
        left = _left_to_excel(archive)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    try:
        return _read(book, options, left)
    finally:
        book.close()


def _left_to_excel(archive: zipfile.ZipFile) -> bool:
    """Whether the workbook's formulas are to be worked out when Excel opens it: their values may be made up.

    Raises ReadError where the archive is another kind of file, or a workbook that openpyxl takes for empty.
    """
    names = archive.namelist()
    for name in names:
        if re.fullmatch(r"(.*/)?workbook\d*\.xml", name):
            content = archive.read(name)
            if b"http://purl.oclc.org/ooxml/spreadsheetml" in content:
                raise ReadError(
                    'The file is a "Strict Open XML Spreadsheet", which can\'t be read. Save it in Excel as ordinary '
                    '"Excel Workbook (.xlsx)", or as CSV.'
                )
            return re.search(rb"fullCalcOnLoad=.(1|true)", content) is not None
    for inside, what, todo in _OTHERS:
        if any(re.fullmatch(inside, name) for name in names):
            raise ReadError(f"The file is {what}, which can't be read: {todo}.")
    raise ReadError(f"The file is a ZIP archive with {listed(names)} in it. Unpack it and upload {READABLE}.")


def _read(book: Any, options: ReadOptions, left: bool) -> Table:
    sheets = {sheet.title: sheet for sheet in book.worksheets}  # without sheets of charts
    for sheet in sheets.values():
        sheet.reset_dimensions()  # Many writers state a wrong size, and openpyxl would believe it.
    notes: list[str] = []
    sheet = _choose(sheets, options, notes)
    formulas = _formulas(sheet, left)
    filled, n_blank = _rows(sheet, formulas)
    if len(filled) < (1 if options.header == 0 else 2):
        raise _no_table(sheet, sheets, "only a header" if filled else "empty")
    if n_blank:
        notes.append(f"{count(n_blank, 'blank row')} skipped.")
    check_size(len(filled), max(len(row) for _, row in filled))
    header = _header(filled, options, notes)
    kept = filled[max(header - 1, 0) :]
    numbers = [number for number, _ in kept[1 if header else 0 :]]
    columns = list(itertools.zip_longest(*(map(_value, row) for _, row in kept)))
    # A column that has neither a name nor a value, and no formula either, is none.
    used = [k for k, column in enumerate(columns) if _filled(column) or any(formulas.missing.get(k + 1, ()))]
    names = [columns[k][0] if header else f"column_{n}" for n, k in enumerate(used, 1)]
    values = [columns[k][1 if header else 0 :] for k in used]
    notes += formulas.notes(dict(zip(used, names, strict=True)), set(numbers))
    notes += _errors(names, values)
    table = from_columns(names, values, "XLSX", notes)
    return Table(table.frame, "XLSX", notes=table.notes, header=header, sheet=sheet.title, sheets=tuple(sheets))


# ---------------------------------------------------------------- which sheet


def _choose(sheets: dict[str, Any], options: ReadOptions, notes: list[str]) -> Any:
    if options.sheet is not None:
        if options.sheet not in sheets:
            raise ReadError(f"There is no sheet {options.sheet[:40]!r}; the workbook has: {listed(list(sheets))}.")
        return sheets[options.sheet]
    visible = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"]
    if not visible:
        raise ReadError(
            f"The workbook has no visible sheet with cells. {_hidden(sheets)}", offers=_offers(sheets, sheets.values())
        )
    found = (next(filter(test, visible), None) for test in (_is_table, _has_columns, _has_rows))
    chosen = next(filter(None, found), visible[0])
    others = [title for title in sheets if title != chosen.title]
    if others:
        before = [sheet.title for sheet in itertools.takewhile(lambda sheet: sheet is not chosen, visible)]
        why = f": the first with a table; {listed(before)} before it holds none" if before else ""
        notes.append(f"Read the sheet {chosen.title[:40]!r}{why}; the others were not read: {listed(others)}.")
    return chosen


def _peek(sheet: Any) -> list[Row]:
    """The first rows that aren't blank."""
    rows = itertools.islice(sheet.iter_rows(values_only=True), 100 * PEEKED_ROWS)
    return list(itertools.islice(filter(_filled, rows), PEEKED_ROWS))


def _has_rows(sheet: Any) -> bool:
    return len(_peek(sheet)) > 1


def _has_columns(sheet: Any) -> bool:
    """Whether there is a row under a header of two names at least."""
    rows = _peek(sheet)
    return len(rows) > 1 and sum(cell is not None for cell in rows[0]) > 1


def _is_table(sheet: Any) -> bool:
    """Whether there is a row under a header, and more than a cover sheet has, or a column of texts."""
    rows = _peek(sheet)
    known = any(isinstance(cell, str) and cell.strip().lower() in TEXT_NAMES for row in rows[:1] for cell in row)
    return len(rows) > 1 and (known or sum(cell is not None for row in rows for cell in row) > COVER_CELLS)


def _hidden(sheets: dict[str, Any]) -> str:
    hidden = [title for title, sheet in sheets.items() if sheet.sheet_state != "visible"]
    return f"Hidden: {listed(hidden)}. Choose a sheet, or put the texts on a visible one." if hidden else ""


def _offers(sheets: dict[str, Any], among: Iterable[Any]) -> list[Offer]:
    found = [sheet.title for sheet in among if _has_rows(sheet)]
    return [Offer(f"Read the sheet {title[:40]!r}", ReadOptions(sheet=title)) for title in found]


def _no_table(sheet: Any, sheets: dict[str, Any], what: str) -> ReadError:
    others = [other for other in sheets.values() if other is not sheet]
    more = f" {_hidden(sheets)}" if _hidden(sheets) else " Put the texts on it." if not others else ""
    return ReadError(f"The sheet {sheet.title[:40]!r} is {what}.{more}", offers=_offers(sheets, others))


# ---------------------------------------------------------------- rows


def _rows(sheet: Any, formulas: "_Formulas") -> tuple[list[tuple[int, Row]], int]:
    """The rows that hold something, with their numbers in the sheet; and how many blank ones stand among them."""
    filled = []
    n_cells = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > MAX_ROWS:
            raise ReadError(f"The sheet has more than {MAX_ROWS:,} rows, which no workbook can have: it is damaged.")
        if _filled(row) or number in formulas.rows:
            filled.append((number, row))
            n_cells += len(row)
            if n_cells > MAX_CELLS:
                check_size(len(filled), -(-n_cells // len(filled)))
    return filled, (filled[-1][0] - len(filled) if filled else 0)


def _filled(cells: Iterable[Any]) -> bool:
    return any(cell is not None for cell in cells)


def _value(cell: Any) -> Any:
    from openpyxl.utils.escape import unescape

    if isinstance(cell, str):
        return unescape(cell)  # ECMA-376 writes \r and other controls as _x000D_.
    # Excel knows one kind of number: 1.0 is 1 there.
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) <= 2**53 else cell


def _header(filled: list[tuple[int, Row]], options: ReadOptions, notes: list[str]) -> int:
    """Which of these rows holds the names of the columns, from 1; 0 where none does."""
    if options.header is not None:
        if options.header >= len(filled):
            raise ReadError(
                f"Row {options.header:,} can't hold the names: the sheet has {count(len(filled), 'row')} that aren't "
                "blank, and below the names there must be one at least."
            )
        header = options.header
    else:
        header = _below_titles([row for _, row in filled[:PEEKED_ROWS]])
    if header > 1:
        titles = [str(cell) for _, row in filled[: header - 1] for cell in row if cell is not None]
        what = "row above the names was" if header == 2 else "rows above the names were"
        notes.append(f"Row {header} holds the names of the columns. {header - 1} {what} left out: {listed(titles)}.")
    return header


def _below_titles(rows: Sequence[Row]) -> int:
    """The first row that names all columns, where those above it have gaps: titles, or groups of columns."""
    n_filled = [sum(cell is not None for cell in row) for row in rows]
    width = max(n_filled)
    place = n_filled.index(width)
    first = [cell for cell in rows[0] if isinstance(cell, str)]
    if not 0 < place <= MAX_TITLE_ROWS or place == len(rows) - 1 or any(_is_known(cell) for cell in first):
        return 1
    names = [cell for cell in rows[place] if cell is not None]
    if not all(isinstance(name, str) and name.strip() and len(name) <= 60 for name in names):
        return 1
    if len(set(names)) < len(names):
        return 1
    below = list(itertools.zip_longest(rows[place], *rows[place + 1 :]))
    values = any(
        any(cell is not None and not isinstance(cell, str) for cell in column[1:])
        or sum(len(cell or "") for cell in column[1:]) > (len(column) - 1) * (2 * len(column[0]) + 10)
        for column in below
        if isinstance(column[0], str)
    )
    return place + 1 if values or any(map(_is_known, names)) else 1


def _is_known(cell: str) -> bool:
    return cell.strip().lower() in (*TEXT_NAMES, *LABEL_NAMES, "id")


# ---------------------------------------------------------------- formulas and errors


class _Formulas:
    """The cells of a sheet that hold a formula and no value: the rows by column, both counted from 1."""

    def __init__(self, missing: dict[int, list[int]], n_stale: int) -> None:
        self.missing = missing
        self.rows = {row for rows in missing.values() for row in rows}
        self.n_stale = n_stale

    def notes(self, names: dict[int, Any], rows: set[int]) -> list[str]:
        """What to say of them, with the names of the columns, by place, and the numbers of the rows of values."""
        todo = "Open the file in Excel or LibreOffice, save it once, and upload it again."
        counts = Counter({k: sum(row in rows for row in self.missing.get(k + 1, ())) for k in names})
        found = [f"{count(n, 'cell')} in {str(names[k])[:40]!r}" for k, n in counts.items() if n]
        if found:
            holding = f"{', '.join(found[:10])}{', …' if len(found) > 10 else ''}"
            return [f"Formulas whose values no spreadsheet has worked out came in as nothing: {holding}. {todo}"]
        if self.n_stale:
            return [
                f"Formulas in {count(self.n_stale, 'cell')} were left to Excel to work out by the program that wrote "
                f"the file, so that their values may be wrong. {todo}"
            ]
        return []


def _formulas(sheet: Any, left: bool) -> _Formulas:
    """Find them in the sheet's XML: openpyxl gives None for them, as for a formula whose value is an empty string."""
    from openpyxl.xml.functions import iterparse

    with sheet._get_source() as source:
        if not _holds(source, re.compile(rb"<(\w+:)?f[\s/>]")):
            return _Formulas({}, 0)
    missing: dict[int, list[int]] = {}
    n_formulas, row, column = 0, 0, 0
    with sheet._get_source() as source:
        for event, element in iterparse(source, events=("start", "end")):
            tag = element.tag.rpartition("}")[2]
            if event == "start" and tag == "row":
                row, column = int(float(element.get("r", row + 1))), 0
            elif event == "end" and tag == "c":
                letters = re.match(r"[A-Z]+", element.get("r", ""))
                column = _column(letters[0]) if letters else column + 1
                inside = {child.tag.rpartition("}")[2]: child.text for child in element}
                if "f" in inside:
                    n_formulas += 1
                    if not inside.get("v") and element.get("t") != "str":
                        missing.setdefault(column, []).append(row)
            elif event == "end" and tag == "row":
                element.clear()
    return _Formulas(missing, n_formulas if left else 0)


def _holds(source: Any, pattern: re.Pattern[bytes]) -> bool:
    kept = b""
    while block := source.read(1 << 20):
        if pattern.search(kept + block):
            return True
        kept = block[-40:]
    return False


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number


def _errors(names: Sequence[Any], columns: Sequence[Sequence[Any]]) -> list[str]:
    found = {}
    for name, column in zip(names, columns, strict=True):
        n = sum(isinstance(cell, str) and cell in _ERRORS for cell in column)
        if n:
            found[str(name)] = n
    if not found:
        return []
    held = ", ".join(f"{count(n, 'cell')} in {name[:40]!r}" for name, n in list(found.items())[:10])
    return [f"Errors of the spreadsheet, such as #N/A, are kept as text: {held}."]
