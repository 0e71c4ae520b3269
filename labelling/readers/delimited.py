"""CSV, TSV and plain lines to tables."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from labelling.dataset import ReadError, ReadOptions, Table
from labelling.readers.guesses import TEXT_NAMES
from labelling.readers.layout import Layout, are_names, filled, find_layout, hinted, usual_length
from labelling.readers.quotes import blanks_follow, mended, say_loose_quotes, unwrapped
from labelling.readers.rows import Rows, read_quoted, read_rows, unused
from labelling.readers.tables import SAMPLE_ROWS, check_size, count, numbered, unique_names

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
SAMPLE_CHARS = 200_000


def read_lines(text: str, kind: str, options: ReadOptions = ReadOptions()) -> Table:
    """A text a line; with `options.header` the column is called what that line says, of those that aren't blank."""
    check_size(text.count("\n"), 1)
    # Not str.splitlines: it would also split at form feeds and at Unicode's separators.
    lines = re.split("\r?\n", text)
    if lines[-1] == "":
        lines.pop()
    texts = [line for line in lines if line.strip()]
    n_blank = len(lines) - len(texts)
    notes = [f"{count(n_blank, 'blank line')} skipped."] if n_blank else []
    header = options.header or 0
    _check_header(header, len(texts))
    name = "text"
    if header:
        if header > 1:
            notes.append(_left_out(texts[: header - 1]))
        name, texts = unique_names([texts[header - 1].strip()], notes)[0], texts[header:]
    if not texts:
        raise ReadError("There is no line below the one with the column's name. Choose another, or none.")
    return Table(pd.DataFrame({name: texts}, dtype="str"), kind, notes=tuple(notes), header=header)


def _find_delimiter(text: str, header: int | None, delimiters: Iterable[str] = tuple(DELIMITERS)) -> str | None:
    """The delimiter, or None for a file of one column.

    The rule: the delimiter stands in the header, and most rows then have as many cells as the header. It is
    ours because CleverCSV 0.8.5 splits the texts of one-column files at commas, spaces or hyphens, and took
    the colon of a time, or a pipe in a text, over the comma; csv.Sniffer failed on quoted line breaks.
    """
    start = text.lstrip("\r\n")[:SAMPLE_CHARS]
    found = []
    for delimiter in delimiters:
        if delimiter not in start:
            continue
        skip = blanks_follow(start, delimiter)
        rows = read_rows(start, delimiter, skip=skip, strict=False)
        if len(text) > SAMPLE_CHARS and len(rows.cells) > 1:
            rows.cells.pop()  # It may be cut in two.
        if header is not None and header > len(rows.cells):
            continue
        layout = find_layout(rows, header=header)
        # Prose has blanks after its commas too: without them anything passes for a name.
        named = layout.header is not None and not skip and are_names(rows.cells[layout.header])
        n_spaced = sum(any(cell[:1] == " " and cell.strip() for cell in row[1:]) for row in rows.cells)
        tidy = (layout.header == 0 and not layout.row_names) + (not skip and 2 * n_spaced < len(rows.cells))
        if layout.width > 1:
            found.append((layout.fitting, tidy, layout.width, delimiter, named))
    fitting, _, _, best, named = max(found, default=(0.0, 0, 0, None, False))
    # With a real header, rows of other lengths are mistakes to point out; else the comma was in a text.
    return best if named or fitting >= 0.9 else None


def read_csv(text: str, delimiter: str | None = None, options: ReadOptions = ReadOptions()) -> Table:
    """CSV with this delimiter, else with the one that is found; every cell stays as the text it is.

    `options.header` is the row with the columns' names, counted from 1 over all rows of the file that aren't blank,
    those above the table and Excel's line ``sep=;`` too; 0 says that there is none. `Table.header` counts likewise.
    """
    notes: list[str] = []
    # The csv module takes every lone \r that isn't in quotes for a line's end: hide it.
    hidden = unused(text)
    text, n_hidden = re.subn(r"\r++(?!\n)", lambda match: hidden * len(match[0]), text)
    hint, end = hinted(text)
    above = 1 if hint else 0
    chosen = max(options.header - above, 0) if options.header else options.header
    if hint:
        says = DELIMITERS.get(hint, repr(hint))
        notes.append(f"The first line, sep=, only says that the delimiter is a {says}: it isn't a row.")
        delimiter = delimiter or _find_delimiter(text[end:], chosen, [hint])
    for wrapping in [delimiter] if delimiter else DELIMITERS:
        if plain := unwrapped(text, wrapping, text[:SAMPLE_CHARS]):
            text, delimiter = plain, wrapping
            notes.append("Whole lines stood in quotes: these were taken off.")
            break
    if delimiter is None:
        delimiter = _find_delimiter(text[end:], chosen)
    skip = delimiter is not None and blanks_follow(text[end : end + SAMPLE_CHARS], delimiter)
    try:
        names, cells, header, said = _read(text, delimiter, skip, above, options)
    except ReadError as error:
        # A blank before a quote makes an ordinary character of it.
        if skip or delimiter is None or not re.search(rf'{re.escape(delimiter)} +"', text):
            raise
        try:
            names, cells, header, said = _read(text, delimiter, True, above, options)
        except ReadError:
            raise error from None
    if n_hidden:
        names, *cells = ([cell.replace(hidden, "\r") for cell in row] for row in (names, *cells))
    columns = dict(zip(names, zip(*cells, strict=True), strict=True))
    return Table(
        pd.DataFrame(columns, dtype="str"),
        "TSV" if delimiter == "\t" else "CSV",
        delimiter=delimiter,
        notes=(*notes, *said),
        header=header,
    )


def _read(
    text: str, delimiter: str | None, skip: bool, above: int, options: ReadOptions
) -> tuple[list[str], list[list[str]], int, list[str]]:
    """The columns' names, the rows, the header's row (0: none) and notes."""
    notes = ["Blanks after the delimiter are left out."] if skip else []
    rows = read_quoted(text, delimiter, skip=skip, notes=notes)
    _check_header(options.header, len(rows.cells))
    layout = find_layout(rows, above=above, header=options.header)
    if delimiter is not None:
        whole = mended(text, delimiter, rows, layout.first, skip, notes)
        if whole is not rows:
            rows, layout = whole, find_layout(whole, above=above, header=options.header)
    else:
        say_loose_quotes(text, rows, notes)
        below = rows.cells[layout.first :]
        if layout.header is not None and options.header is None and _is_sentence(rows.cells[layout.header][0], below):
            layout = replace(layout, header=None, first=layout.header)
    names, cells = _table(rows, layout, above, delimiter, options, notes)
    return names, cells, 0 if layout.header is None else layout.header + 1, notes


def _check_header(header: int | None, n_rows: int) -> None:
    if header is not None and not 0 <= header <= n_rows:
        raise ReadError(
            f"There is no row {header:,} to take the columns' names from: the file has {count(n_rows, 'row')} that "
            f"{'is' if n_rows == 1 else 'are'} not blank. Choose one of these, or 0 for none."
        )


def _table(
    rows: Rows, layout: Layout, above: int, delimiter: str | None, options: ReadOptions, notes: list[str]
) -> tuple[list[str], list[list[str]]]:
    """The columns' names and rows of as many cells, in `layout`; what was left out or filled up is in `notes`."""
    start = layout.first if layout.header is None else layout.header
    if rows.cells[above:start]:
        notes.append(_left_out([(delimiter or "").join(filled(row)) for row in rows.cells[above:start]]))
    if rows.blank:
        notes.append(f"{count(len(rows.blank), 'blank line')} skipped.")
    names = None if layout.header is None else rows.cells[layout.header]
    places = list(range(layout.first, len(rows.cells)))
    if (
        names is not None
        and (layout.telling > 0 or options.header)
        and (delimiter or names[0].strip().lower() in TEXT_NAMES)
    ):
        places = _without_repeats(rows, places, above, layout.header or 0, notes)
    if not places and names is None:
        raise ReadError("The file has no rows, only lines above them. Add rows.")
    if not places:
        raise ReadError(
            f"The file has only a header ({', '.join(names or [])[:100]}) and no rows. Add rows, or, if that line "
            "is a text, put a line with the word text above it."
        )
    cells = [rows.cells[place] for place in places]
    lines = [rows.lines[place] for place in places]
    if layout.row_names and names is not None:
        name = next(name for k in range(1, 9**9) if (name := "row" if k == 1 else f"row_{k}") not in names)
        names = [name, *names]
        notes.append(f"The header has one cell less than the rows, which begin with their names: called {name!r}.")
    _even(cells, lines, names, delimiter, notes)
    width = len(cells[0])
    if names is not None:
        if len(names) > 1 and all(name.startswith(" ") for name in names[1:]):
            names = [name.strip(" ") for name in names]
            notes.append("Blanks round the columns' names are left out.")
        return unique_names([*names[:width]], notes), cells
    called = ["text"] if delimiter is None else [f"column_{k}" for k in range(1, width + 1)]
    if delimiter is None and options.header is None:
        notes.append("The first line reads like a text, not like a column's name: it is kept as a row.")
    else:
        why = "" if options.header == 0 else "The first row is like those below it, so it is kept as a row. "
        to = f" to {called[-1]}" if width > 1 else ""
        are = "columns are" if width > 1 else "column is"
        notes.append(f"{why}There is no header: the {are} called {called[0]}{to}.")
    return called, cells


def _left_out(lines: Sequence[str]) -> str:
    shown = repr(lines[0][:60] + ("…" if len(lines[0]) > 60 else ""))
    return (
        f"{count(len(lines), 'line')} above the table left out{': ' if len(lines) == 1 else ', the first is '}{shown}."
    )


def _without_repeats(rows: Rows, places: list[int], above: int, header: int, notes: list[str]) -> list[int]:
    """The places of the rows, without the header, and what stands above it, once more, as in files put together."""
    names = rows.cells[header]
    again = [place for place in places if rows.cells[place] == names]
    if not again or (len(names) == 1 and len(again) == 1):  # a text may say the word that the one column is called
        return places
    head = rows.cells[:header]
    left_out: set[int] = set()
    for place in again:
        n_above = header if header and rows.cells[place - header : place] == head else 0
        left_out.update(range(place - n_above, place + 1))
    where = numbered("line", [rows.lines[place] for place in again])
    notes.append(f"The header stands {count(len(again), 'time')} more, in {where}: left out.")
    return [place for place in places if place not in left_out]


def _even(
    cells: list[list[str]], lines: Sequence[int], names: Sequence[str] | None, delimiter: str | None, notes: list[str]
) -> None:
    """Make all rows equally long, in place: what is missing is filled up, empty cells too many are cut off."""
    n_named = len(filled(names)) if names is not None else 0
    given = width = len(names) if names is not None else usual_length(cells)
    while width > max(n_named, 1) and not any(len(row) >= width and row[width - 1].strip() for row in cells):
        width -= 1
    if width < given:
        empty = "column has no name and no values: left out"
        if given - width > 1:
            empty = f"{given - width:,} columns have no names and no values: left out"
        notes.append(f"The last {empty}.")
    check_size(len(cells), width)
    short, long = [], []
    for place, row in enumerate(cells):
        if len(row) < width:
            short.append(lines[place])
            cells[place] = row + [""] * (width - len(row))
        elif len(row) > width:
            if any(row[width:]):
                has = f"the header has {width}" if names is not None else f"most rows have {width}"
                probably = "Probably a"
                if len(cells) > 1 and all(len(other) == len(row) for other in cells[place:]):
                    probably = (
                        "So has every row: a name may be missing in the header, then add it. Otherwise probably a"
                    )
                raise ReadError(
                    f"Line {lines[place]:,} has {len(row)} cells, but {has}. {probably} text "
                    f"with a {DELIMITERS.get(delimiter or '', repr(delimiter))} in it isn't in quotes: put that "
                    "cell in double quotes, or save the table from a spreadsheet, which does it for you."
                )
            if len(row) > given:
                long.append(lines[place])
            cells[place] = row[:width]
    if long:
        ends = "row ends in empty cells" if len(long) == 1 else "rows end in empty cells"
        notes.append(f"{len(long):,} {ends} beyond the {count(width, 'column')}, left out: {numbered('line', long)}.")
    if short:
        notes.append(
            f"{count(len(short), 'row')} with too few cells, filled up with empty ones: {numbered('line', short)}."
        )


def _is_sentence(cell: str, rows: list[list[str]]) -> bool:
    """Whether a lone header is a text. A question is the header of a survey, unless more questions follow."""
    cell = cell.strip()
    if cell.endswith(("?", "？")):
        sample = rows[:SAMPLE_ROWS]
        return sum(row[0].rstrip().endswith(("?", "？")) for row in sample) > len(sample) / 5
    if len(cell.split()) > 4 or len(cell) > 60 or cell.endswith(("。", "！")):
        return True
    return " " in cell and cell[-1] in ".!"
