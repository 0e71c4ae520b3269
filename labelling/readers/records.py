"""JSON and JSONL to tables."""

import json
import re
from collections.abc import Iterator
from typing import Any

from labelling.dataset import ReadError, Table
from labelling.readers import tables
from labelling.readers.tables import Columns, Nested, as_text, check_size, count, from_columns, listed

_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK = re.compile(r"[ \t\r\n]*")
MAX_OBJECTS = 5_000_000  # in one value, which is read as a whole: 230 bytes each
_Pairs = list[tuple[str, Any]]


class _Json:
    """JSON to Python. NaN, which pandas and others write for a missing value, is None; of equal keys the last stays."""

    def __init__(self) -> None:
        self._decoder = json.JSONDecoder(
            parse_constant=lambda name: None if name == "NaN" else float(name), object_pairs_hook=self._object
        )
        self._n_objects = 0
        self._again: str | None = None
        self.n_again = 0  # how many values held an object with a key twice
        self.first_again = ""  # the first such key, and where

    def _object(self, pairs: _Pairs) -> dict[str, Any]:
        self._n_objects += 1
        if self._n_objects > MAX_OBJECTS:
            raise ReadError(
                f"The JSON holds more than {MAX_OBJECTS:,} objects in one, which is what can be read. Write it as "
                "JSONL, an object a line."
            )
        found = dict(pairs)
        if len(found) < len(pairs) and self._again is None:
            seen: set[str] = set()
            self._again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return found

    def loads(self, text: str, where: str) -> Any:
        """What is written in `text`, which is called `where` in notes. Raises ValueError where it is no JSON."""
        value, end = self.value(text, _skip(text, 0), where)
        if end < len(text) and _skip(text, end) < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
        return value

    def value(self, text: str, start: int, where: str) -> tuple[Any, int]:
        """The value that begins there, and where it ends."""
        self._n_objects, self._again = 0, None
        try:
            value, end = self._decoder.raw_decode(text, start)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if self._again is not None:
            self.n_again += 1
            self.first_again = self.first_again or f"{self._again[:40]!r} in {where}"
        return value, end

    def entries(self, text: str) -> Iterator[Any]:
        """Those of a list, one by one, so that they need not all be held as Python's objects."""
        place = _skip(text, text.index("[") + 1)
        number = 0
        while text[place : place + 1] != "]" or number:
            number += 1
            value, place = self.value(text, place, f"entry {number:,}")
            yield value
            if not text.startswith(",", place):
                place = _skip(text, place)
            if text.startswith("]", place):
                break
            if not text.startswith(",", place):
                raise json.JSONDecodeError("Expecting ',' delimiter", text, place)
            place = _skip(text, place + 1)
        if _skip(text, place + 1) < len(text):
            raise json.JSONDecodeError("Extra data", text, place + 1)

    def notes(self) -> list[str]:
        if not self.n_again:
            return []
        hold = "One object holds" if self.n_again == 1 else f"{self.n_again:,} objects hold"
        return [f"{hold} a name twice, the first {self.first_again}: of its values the last was kept."]


def _skip(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return match.end() if match else place


def is_json(text: str) -> bool:
    """Whether this is a JSON object or list."""
    reader = _Json()
    try:
        if _is_list(text):
            for _ in reader.entries(text):
                pass
            return True
        return text.lstrip()[:1] == "{" and isinstance(reader.loads(text, ""), dict)
    except ValueError as error:
        if isinstance(error, ReadError):
            raise
        return False


def is_json_line(text: str) -> bool:
    """Whether the first line is a JSON object."""
    line = text.lstrip().partition("\n")[0]
    return line.startswith("{") and is_json(line)


def _is_list(text: str) -> bool:
    return text.startswith("[", _skip(text, 0))


def _check_values(text: str) -> None:
    """Each value but the first comes after one of these, which stand in texts as well."""
    n_values = text.count(",") + text.count("[") + text.count("{")
    if n_values > tables.MAX_CELLS:
        raise ReadError(
            f"The JSON holds some {n_values:,} values; up to {tables.MAX_CELLS:,} can be read. {tables.FEWER}"
        )


def _problem(error: ValueError) -> str:
    column = f", column {error.colno:,}" if isinstance(error, json.JSONDecodeError) else ""
    return f"{column} isn't valid JSON ({getattr(error, 'msg', error)})"


def read_json(text: str, ending: str) -> Table:
    """JSON or JSONL, whichever it is: the endings .json and .jsonl are often mistaken for each other."""
    _check_values(text)
    reader, rows = _Json(), _Rows(text)
    try:
        if _is_list(text):
            rows.add_entries(reader.entries(text))
            return rows.table("JSON", reader.notes())
        content = reader.loads(text, "the file")
    except ReadError:
        raise
    except ValueError as error:
        if ending != "json" or is_json_line(text):
            return read_jsonl(text)
        where = f"line {getattr(error, 'lineno', 1):,}{_problem(error)}"
        raise ReadError(f"The file is broken: {where}. Mend it, or upload CSV.") from None
    if ending != "json" and "\n" not in text.strip():
        return read_jsonl(text)
    notes = reader.notes()
    rows.add_entries(_rows(content, notes))
    return rows.table("JSON", notes)


def read_jsonl(text: str, first: int = 1) -> Table:
    """JSONL: an object or a string a line, of which the first is called line `first`."""
    _check_values(text)
    reader, rows = _Json(), _Rows(text)
    for number, line in enumerate(text.split("\n"), start=first):
        if not line.strip():
            continue
        try:
            record = reader.loads(line, f"line {number:,}")
        except ReadError:
            raise
        except ValueError as error:
            where = f"Line {number:,}{_problem(error)}"
            raise ReadError(f"{where}. Found: {line.strip()[:60]!r}. Mend or remove this line.") from None
        rows.add(_checked(record, f"Line {number:,}"))
    return rows.table("JSONL", reader.notes())


class _Rows:
    """Objects and strings gathered into columns."""

    def __init__(self, text: str) -> None:
        self._columns = Columns()
        self._may_be_broken = re.search(r"\\u[dD][89a-fA-F]", text) is not None
        self._n_broken = 0

    def add(self, record: dict | str) -> None:
        row = {"text": record} if isinstance(record, str) else record
        cells = {
            name: Nested(as_text(value)) if isinstance(value, dict | list) else value for name, value in row.items()
        }
        if self._may_be_broken:
            cells = {self._mended(name): self._mended(value) for name, value in cells.items()}
        self._columns.add(cells)

    def _mended(self, value: Any) -> Any:
        """Without halves of a UTF-16 pair, which no file and no encoder can hold."""
        if not isinstance(value, str):
            return value
        clean, n_broken = _SURROGATE.subn("\ufffd", value)
        self._n_broken += n_broken
        return type(value)(clean)

    def add_entries(self, entries: Iterator[Any]) -> None:
        """Raises ReadError for the first that is no row, when all have been seen to be JSON."""
        wrong: ReadError | None = None
        for place, entry in enumerate(entries, start=1):
            try:
                record = _checked(entry, f"Entry {place:,} of the JSON")
            except ReadError as error:
                wrong = wrong or error
            if wrong is None:
                self.add(record)
        if wrong is not None:
            raise wrong

    def table(self, kind: str, notes: list[str]) -> Table:
        columns = self._columns.done()
        if not columns:
            raise ReadError(f'The {kind} file has no rows with values, such as {{"text": "..."}}.')
        if self._n_broken:
            notes = [*notes, f"{count(self._n_broken, 'broken character')} (lone surrogates) became \ufffd."]
        return from_columns(columns, columns.values(), kind, notes)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


def _checked(record: Any, where: str) -> dict | str:
    if isinstance(record, dict | str):
        return record
    found = f"{where} holds {_kind(record)}: {str(record)[:60]!r}"
    raise ReadError(f'{found}. Allowed are objects such as {{"text": "..."}}, and strings.')


def _rows(content: Any, notes: list[str]) -> Iterator[Any]:
    """The rows of a JSON document."""
    what = _kind(content)
    if isinstance(content, list):
        return iter(content)
    if isinstance(content, dict) and content:
        values = list(content.values())
        if all(isinstance(value, list) for value in values):
            if len(values) == 1 and ("data" in content or all(isinstance(row, dict) for row in values[0])):
                return _rows(values[0], notes)
            lengths = {key: len(value) for key, value in content.items()}
            if len(set(lengths.values())) > 1:
                raise ReadError(f"The JSON object's lists must be of one length, got {str(lengths)[:200]}.")
            return (dict(zip(content, row, strict=True)) for row in zip(*values, strict=True))
        if isinstance(content.get("data"), list):
            others = listed([key for key in content if key != "data"])
            notes.append(f'Read what is under "data"; left out: {others}.')
            return _rows(content["data"], notes)
        if all(isinstance(value, dict) for value in values):
            # As pandas writes it: columns of {row: value}, where the rows are numbered; or {row: record}.
            if all(key.isdecimal() for value in values for key in value):
                rows = dict.fromkeys(key for value in values for key in value)
                check_size(len(rows), len(values))
                return ({name: cells.get(row) for name, cells in content.items()} for row in rows)
            name = "key"
            while any(name in value for value in values):
                name += "_"
            return ({name: key, **value} for key, value in content.items())
        what = "an object of other values"
    raise ReadError(
        f"The JSON holds {what}. It can be a list of objects, a list of strings, an object of columns "
        '({"text": [...], "id": [...]}), or an object with its rows under "data".'
    )
