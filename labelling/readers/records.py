"""JSON and JSONL to tables."""

import json
import re
from typing import Any

from labelling.dataset import ReadError, Table
from labelling.readers.tables import check_size, count, from_columns, listed

_SURROGATE = re.compile("[\ud800-\udfff]")


def is_json(text: str) -> bool:
    """Whether this is a JSON object or list."""
    try:
        return isinstance(_loads(text), dict | list)
    except ValueError:
        return False


def is_json_line(text: str) -> bool:
    """Whether the first line is a JSON object."""
    line = text.lstrip().partition("\n")[0]
    return line.startswith("{") and is_json(line)


def _loads(text: str) -> Any:
    """JSON; NaN, which pandas and others write for a missing value, is None."""
    try:
        return json.loads(text, parse_constant=lambda name: None if name == "NaN" else float(name))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _problem(error: ValueError) -> str:
    column = f", column {error.colno:,}" if isinstance(error, json.JSONDecodeError) else ""
    return f"{column} isn't valid JSON ({getattr(error, 'msg', error)})"


def read_json(text: str, ending: str) -> Table:
    """JSON or JSONL, whichever it is: the endings .json and .jsonl are often mistaken for each other."""
    try:
        content = _loads(text)
    except ValueError as error:
        if ending != "json" or is_json_line(text):
            return read_jsonl(text)
        where = f"line {getattr(error, 'lineno', 1):,}{_problem(error)}"
        raise ReadError(f"The file is broken: {where}. Mend it, or upload CSV.") from None
    if ending != "json" and not isinstance(content, list) and "\n" not in text.strip():
        return read_jsonl(text)
    notes: list[str] = []
    return _from_records(_rows(content, notes), "JSON", text, notes)


def read_jsonl(text: str) -> Table:
    """JSONL: an object or a string a line."""
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = _loads(line)
        except ValueError as error:
            where = f"Line {number:,}{_problem(error)}"
            raise ReadError(f"{where}. Found: {line.strip()[:60]!r}. Mend or remove this line.") from None
        records.append(_checked(record, f"Line {number:,}"))
    return _from_records(records, "JSONL", text, [])


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


def _checked(record: Any, where: str) -> dict | str:
    if isinstance(record, dict | str):
        return record
    found = f"{where} holds {_kind(record)}: {str(record)[:60]!r}"
    raise ReadError(f'{found}. Allowed are objects such as {{"text": "..."}}, and strings.')


def _rows(content: Any, notes: list[str]) -> list[Any]:
    """The rows of a JSON document: objects or strings."""
    what = _kind(content)
    if isinstance(content, list):
        return [_checked(row, f"Entry {place:,} of the JSON") for place, row in enumerate(content, start=1)]
    if isinstance(content, dict) and content:
        values = list(content.values())
        if all(isinstance(value, list) for value in values):
            if len(values) == 1 and ("data" in content or all(isinstance(row, dict) for row in values[0])):
                return _rows(values[0], notes)
            lengths = {key: len(value) for key, value in content.items()}
            if len(set(lengths.values())) > 1:
                raise ReadError(f"The JSON object's lists must be of one length, got {str(lengths)[:200]}.")
            return [dict(zip(content, row, strict=True)) for row in zip(*values, strict=True)]
        if isinstance(content.get("data"), list):
            others = listed([key for key in content if key != "data"])
            notes.append(f'Read what is under "data"; left out: {others}.')
            return _rows(content["data"], notes)
        if all(isinstance(value, dict) for value in values):
            # As pandas writes it: columns of {row: value}, where the rows are numbered; or {row: record}.
            if all(key.isdecimal() for value in values for key in value):
                rows = dict.fromkeys(key for value in values for key in value)
                check_size(len(rows), len(values))
                return [{name: cells.get(row) for name, cells in content.items()} for row in rows]
            name = "key"
            while any(name in value for value in values):
                name += "_"
            return [{name: key, **value} for key, value in content.items()]
        what = "an object of other values"
    raise ReadError(
        f"The JSON holds {what}. It can be a list of objects, a list of strings, an object of columns "
        '({"text": [...], "id": [...]}), or an object with its rows under "data".'
    )


def _from_records(records: list[Any], kind: str, raw: str, notes: list[str]) -> Table:
    if re.search(r"\\u[dD][89a-fA-F]", raw):
        # Halves of a UTF-16 pair, which no file and no encoder can hold.
        clean, n_broken = _SURROGATE.subn("\ufffd", json.dumps(records, ensure_ascii=False))
        records = _loads(clean)
        if n_broken:
            notes.append(f"{count(n_broken, 'broken character')} (lone surrogates) became \ufffd.")
    rows = [{"text": record} if isinstance(record, str) else record for record in records]
    names = dict.fromkeys(name for row in rows for name in row)
    if not names:
        raise ReadError(f'The {kind} file has no rows with values, such as {{"text": "..."}}.')
    check_size(len(rows), len(names))
    return from_columns(names, ([row.get(name) for row in rows] for name in names), kind, notes)
