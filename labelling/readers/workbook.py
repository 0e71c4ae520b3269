"""Excel workbooks to tables."""

import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelling.dataset import Offer, ReadError, ReadOptions, Table
from labelling.readers.columnar import reading
from labelling.readers.guesses import LABEL_NAMES, TEXT_NAMES
from labelling.readers.layout import likeness
from labelling.readers.sheets import UNWORKED, Archive, Cells, Sheet, Workbook
from labelling.readers.tables import Columns, count, from_columns, listed

PEEKED_ROWS = 50  # tell a table from a cover sheet, and a title from a header
COVER_CELLS = 10  # what a cover sheet holds at most
MAX_TITLE_ROWS = 10
_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
Row = tuple[Any, ...]


@reading("Excel workbook")
def read_xlsx(source: bytes | Path, options: ReadOptions | None = None) -> Table:
    """Read one sheet of a workbook: that of `options`, else the first that is visible and holds a table.

    `options.header` says which row, of those that aren't blank, holds the names; else it is the first below titles.
    """
    archive = Archive(io.BytesIO(source) if isinstance(source, bytes) else source)
    book = Workbook(archive, _main_part(archive.names))
    if book.strict:
        raise ReadError(
            'The file is a "Strict Open XML Spreadsheet", which can\'t be read. Save it in Excel as ordinary '
            '"Excel Workbook (.xlsx)", or as CSV.'
        )
    return _read(book, options or ReadOptions())


def _main_part(names: Sequence[str]) -> str:
    """The part that lists the sheets. Raises ReadError where the archive is another kind of file."""
    found = next((name for name in names if re.fullmatch(r"(.*/)?workbook\d*\.xml", name, re.IGNORECASE)), None)
    if found is not None:
        return found
    raise ReadError("The file is a zip archive without a workbook in it: unpack it first.")


def _read(book: Workbook, options: ReadOptions) -> Table:
    sheets = book.sheets
    notes: list[str] = []
    sheet = _choose(sheets, options, notes)
    rows = _Rows(sheet)
    n_rows = len(rows.numbers)
    if n_rows < (1 if options.header == 0 else 2):
        raise _no_table(sheet, sheets, "only a header" if n_rows else "empty")
    n_blank = rows.numbers[-1] - n_rows
    if n_blank > 0:
        notes.append(f"{count(n_blank, 'blank row')} skipped.")
    header = _header(rows, options, notes)
    first = max(header - 1, 0)  # of the rows, from 0, that is read
    # A column that has neither a name nor a value, and no formula either, is none.
    used = {
        place: column
        for place, column in sorted(rows.columns.items())
        if _filled(itertools.islice(column, first, None)) or any(row >= first for row in rows.unworked.get(place, ()))
    }
    names = [column[first] if header else f"column_{n}" for n, column in enumerate(used.values(), 1)]
    for column in used.values():
        del column[:header]
    named = dict(zip(used, names, strict=True))
    unworked = {place: sum(row >= header for row in found) for place, found in rows.unworked.items()}
    notes += _formula_notes(named, unworked, sheet.n_formulas if book.left_to_excel else 0)
    notes += _undated(named, sheet.undated)
    notes += _errors(named, used)
    table = from_columns(names, used.values(), "XLSX", notes)
    return Table(table.frame, "XLSX", notes=table.notes, header=header, sheet=sheet.title, sheets=tuple(sheets))


# ---------------------------------------------------------------- which sheet


def _choose(sheets: dict[str, Sheet], options: ReadOptions, notes: list[str]) -> Sheet:
    if options.sheet is not None:
        if options.sheet not in sheets:
            raise ReadError(f"There is no sheet {options.sheet[:40]!r}; the workbook has: {listed(list(sheets))}.")
        return sheets[options.sheet]
    visible = [sheet for sheet in sheets.values() if sheet.visible]
    if not visible:
        raise ReadError(
            f"The workbook has no visible sheet with cells. {_hidden(sheets)}".rstrip(),
            offers=_offers(sheets, sheets.values()),
        )
    found = (next(filter(test, visible), None) for test in (_is_table, _has_columns, _has_rows))
    chosen = next(filter(None, found), visible[0])
    others = [title for title in sheets if title != chosen.title]
    if others:
        before = [sheet.title for sheet in itertools.takewhile(lambda sheet: sheet is not chosen, visible)]
        why = f": the first with a table; {listed(before)} before it holds none" if before else ""
        notes.append(f"Read the sheet {chosen.title[:40]!r}{why}; the others were not read: {listed(others)}.")
    return chosen


def _peek(sheet: Sheet) -> list[list[Any]]:
    """What the first rows hold that aren't blank."""
    if sheet.peeked is None:
        rows = (list(_worked(cells).values()) for _, cells in itertools.islice(sheet.rows(), 100 * PEEKED_ROWS))
        sheet.peeked = list(itertools.islice(filter(None, rows), PEEKED_ROWS))
    return sheet.peeked


def _worked(cells: Cells) -> Cells:
    """Without the formulas that have no value."""
    return {place: value for place, value in cells.items() if value is not UNWORKED}


def _has_rows(sheet: Sheet) -> bool:
    return len(_peek(sheet)) > 1


def _has_columns(sheet: Sheet) -> bool:
    """Whether there is a row under a header of two names at least."""
    rows = _peek(sheet)
    return len(rows) > 1 and len(rows[0]) > 1


def _is_table(sheet: Sheet) -> bool:
    """Whether there is a row under a header, and more than a cover sheet has, or a column of texts."""
    rows = _peek(sheet)
    known = any(isinstance(cell, str) and cell.strip().lower() in TEXT_NAMES for row in rows[:1] for cell in row)
    return len(rows) > 1 and (known or sum(map(len, rows)) > COVER_CELLS)


def _hidden(sheets: dict[str, Sheet]) -> str:
    hidden = [title for title, sheet in sheets.items() if not sheet.visible]
    return f"Hidden: {listed(hidden)}. Choose a sheet, or put the texts on a visible one." if hidden else ""


def _offers(sheets: dict[str, Sheet], among: Iterable[Sheet]) -> list[Offer]:
    found = [sheet.title for sheet in among if _has_rows(sheet)]
    return [Offer(f"Read the sheet {title[:40]!r}", ReadOptions(sheet=title)) for title in found]


def _no_table(sheet: Sheet, sheets: dict[str, Sheet], what: str) -> ReadError:
    others = [other for other in sheets.values() if other is not sheet]
    more = f" {_hidden(sheets)}" if _hidden(sheets) else " Put the texts on it." if not others else ""
    return ReadError(f"The sheet {sheet.title[:40]!r} is {what}.{more}", offers=_offers(sheets, others))


# ---------------------------------------------------------------- rows


class _Rows:
    """The rows of a sheet that hold something."""

    def __init__(self, sheet: Sheet) -> None:
        self.numbers: list[int] = []  # in the sheet
        self.unworked: dict[int, list[int]] = {}  # by column, the rows here with a formula that has no value
        gathered = Columns()
        for number, cells in sheet.rows():
            if cells:
                for place in [place for place, value in cells.items() if value is UNWORKED]:
                    self.unworked.setdefault(place, []).append(len(self.numbers))
                    cells[place] = None
                self.numbers.append(number)
                gathered.add(cells)
        self.columns: dict[int, list[Any]] = gathered.done()  # by their places in the sheet, from 1

    def first(self, n_rows: int) -> list[Row]:
        """The first rows, as wide as any of them."""
        columns = [self.columns[place][:n_rows] for place in sorted(self.columns)]
        return list(zip(*columns, strict=True))


def _filled(cells: Iterable[Any]) -> bool:
    return any(cell is not None for cell in cells)


def _header(rows: _Rows, options: ReadOptions, notes: list[str]) -> int:
    """Which of these rows holds the names of the columns, from 1; 0 where none does."""
    if options.header is not None:
        if options.header >= len(rows.numbers):
            raise ReadError(
                f"Row {options.header:,} can't hold the names: the sheet has {count(len(rows.numbers), 'row')} that "
                "aren't blank, and below the names there must be one at least."
            )
        header = options.header
    else:
        first = rows.first(PEEKED_ROWS)
        header = _below_titles(first)
        names, *below = [["" if cell is None else str(cell) for cell in row] for row in first]
        if header == 1 and likeness(names, below) <= -2:
            notes.append("There is no row with the names of the columns: the first is like the others.")
            return 0
    if header > 1:
        titles = [str(cell) for row in rows.first(header - 1) for cell in row if cell is not None]
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


# ---------------------------------------------------------------- what is said of cells


def _held(counts: Mapping[int, int], named: Mapping[int, Any]) -> str:
    """``2 cells in 'n', 1 cell in 'when'``, of the columns that have names and cells; empty without any."""
    found = [f"{count(counts[k], 'cell')} in {str(name)[:40]!r}" for k, name in named.items() if counts.get(k)]
    return ", ".join(found[:10]) + (", …" if len(found) > 10 else "")


def _formula_notes(named: Mapping[int, Any], unworked: Mapping[int, int], n_left: int) -> list[str]:
    """What to say of formulas without a value, and of `n_left` whose values may be wrong."""
    todo = "Open the file in Excel or LibreOffice, save it once, and upload it again."
    if held := _held(unworked, named):
        return [f"Formulas whose values no spreadsheet has worked out came in as nothing: {held}. {todo}"]
    if n_left:
        return [
            f"Formulas in {count(n_left, 'cell')} were left to Excel to work out by the program that wrote the file, "
            f"so that their values may be wrong. {todo}"
        ]
    return []


def _undated(named: Mapping[int, Any], undated: Mapping[int, int]) -> list[str]:
    held = _held(undated, named)
    return [f"Cells that are marked as dates hold none that there is; kept as they are: {held}."] if held else []


def _errors(named: Mapping[int, Any], columns: Mapping[int, Sequence[Any]]) -> list[str]:
    counts = {k: sum(isinstance(cell, str) and cell in _ERRORS for cell in column) for k, column in columns.items()}
    held = _held(counts, named)
    return [f"Errors of the spreadsheet, such as #N/A, are kept as text: {held}."] if held else []
