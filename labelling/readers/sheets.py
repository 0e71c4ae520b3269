"""What is in a workbook's archive (ECMA-376, parts 1 and 2), read as a stream.

Nothing of it is held but the cells that hold something, and nothing is unpacked that isn't counted: not what the
archive's directory says, but what comes out. Entities, which can make gigabytes of a line, are refused.
"""

import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from xml.parsers import expat

from labelling.dataset import ReadError
from labelling.readers.memory import room_for
from labelling.readers.tables import MAX_CELLS, check_chars, check_unpacked

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384  # of a sheet, in every version of Excel since 2007
BLOCK = 1 << 16
UNWORKED = object()  # stands for the value of a formula that no spreadsheet has worked out
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_DIGITS = "0123456789"
Cells = dict[int, Any]  # what a row holds, by column, counted from 1
Start = Callable[[str, dict[str, str]], None]


class Archive:
    """The parts of a workbook. Raises ReadError for an archive that no spreadsheet program writes."""

    def __init__(self, source: Any) -> None:
        self._zip = zipfile.ZipFile(source)
        self._parts = {info.filename.lower(): info for info in self._zip.infolist()}  # OPC: in any case
        self._n_unpacked = 0

    @property
    def names(self) -> list[str]:
        return self._zip.namelist()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._parts

    def parse(
        self,
        name: str,
        start: Start,
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Call these for the elements of a part, by their names without a namespace, and yield every now and then."""
        if name not in self:
            return
        info = self._parts[name.lower()]
        if info.flag_bits & 1:
            raise ReadError("The workbook has a password. Save it without one.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ReadError("The workbook is packed in a way that no spreadsheet program uses. Save it again.")
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_entities
        parser.StartElementHandler = lambda tag, attributes: start(tag[tag.find(":") + 1 :], attributes)
        if end is not None:
            parser.EndElementHandler = lambda tag: end(tag[tag.find(":") + 1 :])
        if text is not None:
            parser.CharacterDataHandler = text
        with self._zip.open(info) as stream:
            while block := stream.read(BLOCK):
                self._n_unpacked += len(block)
                check_unpacked(self._n_unpacked)
                parser.Parse(block, False)
                yield
            parser.Parse(b"", True)
        yield

    def read(self, name: str, start: Start, end: Callable[[str], None] | None = None) -> None:
        """Parse a part to its end."""
        for _ in self.parse(name, start, end):
            pass


def _refuse_entities(*_: object) -> None:
    raise ReadError(
        "The workbook holds a document type definition, which no spreadsheet program writes. Save it again."
    )


class Workbook:
    """The sheets of cells of a workbook, and what their cells share."""

    def __init__(self, archive: Archive, name: str) -> None:
        """`name` is that of the part that lists the sheets, such as ``xl/workbook.xml``."""
        from openpyxl.utils import datetime as dates

        self.archive, self.dates = archive, dates
        self.strict = False  # whether it is a "Strict Open XML Spreadsheet"
        self.left_to_excel = False  # whether formulas are to be worked out when it is opened: values may be made up
        self.since_1904 = False
        listed: list[tuple[str, str, bool]] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            self.strict = self.strict or any("purl.oclc.org/ooxml" in value for value in attributes.values())
            if tag == "workbookPr":
                self.since_1904 = attributes.get("date1904") in ("1", "true")
            elif tag == "calcPr":
                self.left_to_excel = attributes.get("fullCalcOnLoad") in ("1", "true")
            elif tag == "sheet":
                link = next((value for key, value in attributes.items() if key.endswith(":id")), "")
                listed.append((attributes.get("name", ""), link, attributes.get("state", "visible") == "visible"))

        archive.read(name, start)
        folder, own = posixpath.split(name)
        links = _links(archive, f"{folder}/_rels/{own}.rels".lstrip("/"), folder)
        self._strings_at = next((at for kind, at in links.values() if kind == "sharedStrings"), "")
        self._strings: list[str] | None = None
        styles_at = next((at for kind, at in links.values() if kind == "styles"), "")
        self.date_styles, self.duration_styles = _styles(archive, styles_at)
        self.sheets = {
            title: Sheet(self, title, links[link][1], visible)
            for title, link, visible in listed
            if links.get(link, ("",))[0] == "worksheet" and links[link][1] in archive
        }

    @property
    def strings(self) -> list[str]:
        """The texts that cells refer to by their places."""
        if self._strings is None:
            self._strings = _strings(self.archive, self._strings_at)
        return self._strings


def _links(archive: Archive, name: str, folder: str) -> dict[str, tuple[str, str]]:
    """The kind of each related part and its name, by the relation's id."""
    links = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            target = posixpath.normpath(posixpath.join("/" + folder, attributes.get("Target", ""))).lstrip("/")
            links[attributes.get("Id", "")] = (kind, target)

    archive.read(name, start)
    return links


def _styles(archive: Archive, name: str) -> tuple[set[str], set[str]]:
    """The styles, by their numbers, that make a date or time of a number, and those of them that make a duration."""
    from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format

    formats: dict[str, str] = {}
    styles: list[str] = []
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if tag == "numFmt" and "formatCode" in attributes:
            formats.setdefault(attributes.get("numFmtId", ""), attributes["formatCode"][:1_000])
        elif tag == "cellXfs":
            inside = True
        elif tag == "xf" and inside:
            styles.append(attributes.get("numFmtId", "0"))

    def end(tag: str) -> None:
        nonlocal inside
        inside = inside and tag != "cellXfs"

    archive.read(name, start, end)
    codes = {
        key: formats.get(key) or (builtin_format_code(int(key)) if key.isdecimal() else None) for key in set(styles)
    }
    dates = {str(place) for place, key in enumerate(styles) if is_date_format(codes[key])}
    return dates, {place for place in dates if is_timedelta_format(codes[styles[int(place)]])}


def _strings(archive: Archive, name: str) -> list[str]:
    strings: list[str] = []
    parts: list[str] = []
    taking = phonetic = False
    n_chars = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal taking, phonetic
        phonetic = phonetic or tag == "rPh"
        taking = tag == "t" and not phonetic

    def end(tag: str) -> None:
        nonlocal taking, phonetic, n_chars
        taking = False
        if tag == "rPh":
            phonetic = False
        elif tag == "si":
            text = unescape("".join(parts))
            parts.clear()
            strings.append(text)
            n_chars += len(text)

    def take(text: str) -> None:
        if taking:
            parts.append(text)

    for _ in archive.parse(name, start, end, take):
        check_chars(n_chars)
        if len(strings) > MAX_CELLS // 4:
            raise ReadError(
                f"The workbook has more than {MAX_CELLS // 4:,} different texts, which is what can be read."
            )
        room_for(2 * n_chars + 100 * len(strings))
    return strings


def unescape(text: str) -> str:
    """ECMA-376 writes \\r and other controls as _x000D_; halves of a character that stand alone become U+FFFD."""
    if "_x" not in text:
        return text
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _place(letters: str) -> int:
    """1 for A, 28 for AB."""
    place = 0
    for letter in letters.upper():
        place = 26 * place + ord(letter) - 64
    if not letters.isascii() or not letters.isalpha() or not 0 < place <= MAX_COLUMNS:
        raise ValueError(f"there is no column {letters[:10]!r}")
    return place


class Sheet:
    """One sheet of cells."""

    def __init__(self, book: Workbook, title: str, part: str, visible: bool) -> None:
        self.title, self.visible = title, visible
        self._book, self._part = book, part
        self.peeked: list[list[Any]] | None = None  # what its first rows hold, once that was looked at
        self.n_formulas = 0
        self.undated: Counter[int] = Counter()  # by column, how many cells were to be dates that there are none of

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """The number of each row, counted from 1, and what it holds: UNWORKED for a formula without a value."""
        self.n_formulas, self.undated = 0, Counter()
        rows: list[tuple[int, Cells]] = []
        places: dict[str, int] = {}
        cells: Cells = {}
        parts: list[str] = []
        number = column = n_rows = 0
        kind = style = ""
        formula = taking = phonetic = ended = False

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal number, column, n_rows, cells, kind, style, formula, taking, phonetic
            taking = False
            if tag == "c":
                letters = attributes.get("r", "").rstrip(_DIGITS)
                if letters:
                    if letters not in places:
                        places[letters] = _place(letters)
                    column = places[letters]
                else:
                    column += 1
                if column > MAX_COLUMNS:
                    raise ValueError(f"a row has more than {MAX_COLUMNS:,} columns")
                kind, style, formula = attributes.get("t", "n"), attributes.get("s", ""), False
                phonetic = False
                parts.clear()
            elif tag == "v":
                taking = kind != "inlineStr"
            elif tag == "t":
                taking = kind == "inlineStr" and not phonetic
                if taking:
                    parts.append("")  # an empty text is one, too
            elif tag == "f":
                formula = True
            elif tag == "rPh":
                phonetic = True
            elif tag == "row":
                n_rows += 1
                number = int(float(attributes.get("r", number + 1)))
                if not 0 < max(number, n_rows) <= MAX_ROWS:
                    raise ReadError(
                        f"The sheet has more than {MAX_ROWS:,} rows, which no workbook can have: it is damaged."
                    )
                cells, column = {}, 0

        def end(tag: str) -> None:
            nonlocal taking, phonetic, ended
            taking = False
            if tag == "c":
                self.n_formulas += formula
                if parts:
                    cells[column] = self._value(column, kind, style, parts[0] if len(parts) == 1 else "".join(parts))
                elif formula and kind != "str":
                    cells[column] = UNWORKED
            elif tag == "row":
                rows.append((number, cells))
            elif tag == "rPh":
                phonetic = False
            elif tag == "sheetData":
                ended = True

        def take(text: str) -> None:
            if taking:
                parts.append(text)

        for _ in self._book.archive.parse(self._part, start, end, take):
            yield from rows
            rows.clear()
            if ended:
                return

    def _value(self, column: int, kind: str, style: str, written: str) -> Any:
        if kind == "s":
            place = int(written)
            if not 0 <= place < len(self._book.strings):
                raise ValueError(f"a cell has the text number {place:,}, and there are {len(self._book.strings):,}")
            return self._book.strings[place]
        if kind in ("str", "inlineStr"):
            return unescape(written)
        if kind == "b":
            return written.strip() in ("1", "true")
        try:
            return self._number(kind, style, written)
        except (ValueError, OverflowError):  # errors such as #N/A; and what is no number or date
            self.undated[column] += kind == "d" or style in self._book.date_styles
            return written

    def _number(self, kind: str, style: str, written: str) -> Any:
        dates = self._book.dates
        if kind == "d":
            return dates.from_ISO8601(written)
        if kind == "e":
            return written
        value = float(written)
        if style in self._book.date_styles:
            epoch = dates.MAC_EPOCH if self._book.since_1904 else dates.WINDOWS_EPOCH
            return dates.from_excel(value, epoch, timedelta=style in self._book.duration_styles)
        if abs(value) <= 2**53:
            return int(value) if value.is_integer() else value  # Excel knows one kind of number: 1.0 is 1 there.
        return value if {".", "e", "E"} & set(written) else int(written)
