"""Columns that hold a label's name, or a list of names, for each row."""

import ast
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from labelling.dataset import ReadError, as_strings
from labelling.labels.label import composed
from labelling.readers.exported import EXPORT_COLUMNS, columns_of_export

MULTI_LABEL = "Yes, no or unknown for each label"  # the kind of project that takes several names a text
MAX_PYTHON = 10_000  # characters of a list as Python writes it: its parser takes much memory for a long text
TRIES = 10
_WHOLE = re.compile(r"-?(0|[1-9]\d*)(\.0+)?")
_LIST = re.compile(r"\s*[\[{].*[\]}]\s*", re.DOTALL)
# As numpy prints a list: ['late' 'cold'], which to Python would be the one string 'latecold'.
_WORD = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d*)?)"""
_PRINTED = re.compile(rf"\s*\[\s*{_WORD}(?:\s+{_WORD})+\s*\]\s*")


def read_labels(frame: pd.DataFrame, column: str) -> list[str | None]:
    """(n_rows,) The one label of each row, as it comes into the log; None where there is none.

    A list of one name is that name, an empty one none; so is {"choices": [...]}, as Label Studio writes it. A column
    that holds nothing but whole numbers gives "1", however it is written ("1.0"), and one of truth values "True" and
    "False". The labels of an export of ours are taken as they are. Raises ReadError where a row holds several names,
    or something else than names.
    """
    if column == EXPORT_COLUMNS[0] and columns_of_export(frame.columns)[1]:
        return [None if pd.isna(cell) or cell == "" else str(cell) for cell in frame[column]]  # as they are in the log
    names = names_of_rows(frame[column])
    for row, found in enumerate(names):
        if isinstance(found, Unnamed) or len(found) > 1:
            cell = str(frame[column].iloc[row])
            where = f"Column {column[:40]!r}, row {row + 1:,}"
            if not isinstance(found, Unnamed):
                raise ReadError(
                    f"{where} holds several labels ({', '.join(found)[:80]}), and here a text gets one. The kind "
                    f'"{MULTI_LABEL}" takes them.'
                )
            if found.answers:
                raise ReadError(
                    f'{where} holds answers ({cell[:80]}), not one label. The kind "{MULTI_LABEL}" takes them.'
                )
            raise ReadError(
                f"{where} holds no label of a whole text, but {cell[:80]}: marked parts of it, or values within "
                "values. Choose another column, or none."
            )
    return [found[0] if found else None for found in names]


class Unnamed(tuple[str, ...]):
    """A cell with lists or objects in it that are no names; whether they are `answers`, by label."""

    answers = False


class Names(tuple[str, ...]):
    """A cell that is a list of names, rather than one name; whether it is an object of Label Studio's `choices`."""

    choices = False


def names_of_rows(values: pd.Series) -> list[tuple[str, ...]]:
    """(n_rows,) The names in each cell, each once, of `Names` where the cell is a list; `Unnamed` for other things."""
    cells = [None if cell is None or not cell.strip() else cell.strip() for cell in as_strings(values)]
    distinct = {cell for cell in cells if cell is not None}
    known: dict[str, tuple[str, ...]]
    if all(map(_WHOLE.fullmatch, distinct)):
        known = {cell: (cell.partition(".")[0],) for cell in distinct}
    elif {cell.lower() for cell in distinct} <= {"true", "false"}:
        known = {cell: (cell.capitalize(),) for cell in distinct}
    else:
        known = {cell: names_in(cell) for cell in distinct}
    return [() if cell is None else known[cell] for cell in cells]


def names_in(cell: str) -> tuple[str, ...]:
    """The names in one cell that is not blank: `Names`, `Unnamed`, or the cell itself as the one name."""
    value = nested(cell)
    choices = isinstance(value, dict) and set(value) == {"choices"}
    if choices:
        value = value["choices"] if isinstance(value["choices"], list) else [value["choices"]]
    if isinstance(value, list | tuple):
        if all(entry is None or isinstance(entry, str | int | float) for entry in value):
            names = Names(unique(_name(entry) for entry in value if entry is not None and entry == entry))
            names.choices = choices
            return names
        return Unnamed([cell])
    if isinstance(value, dict):
        other = Unnamed([cell])
        other.answers = all(entry is None or entry in (0, 1) for entry in value.values())
        return other
    return (composed(cell),)


def nested(cell: str) -> Any:
    """The list or object that is written in a cell, as JSON or as Python writes it; None where it is plain text."""
    if not _LIST.fullmatch(cell):
        return None
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    if _PRINTED.fullmatch(cell):
        return [_literal(word) for word in re.findall(_WORD, cell)]
    if len(cell) > MAX_PYTHON:
        return None
    try:
        value = _literal(cell.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
    return value if isinstance(value, list | dict) else None


def _literal(written: str) -> Any:
    """The value that is written as Python writes it; the errors of ast.literal_eval.

    Python up to 3.11 may raise SystemError where another thread parses in between
    (github.com/python/cpython/issues/106905): that is tried again.
    """
    for _ in range(TRIES - 1):
        try:
            return ast.literal_eval(written)
        except SystemError:
            continue
    return ast.literal_eval(written)


def _name(entry: Any) -> str:
    whole = isinstance(entry, float) and entry.is_integer()
    return composed(str(int(entry) if whole else entry))


def unique(names: Iterable[str]) -> Sequence[str]:
    """The names that are not empty, each once."""
    return list(dict.fromkeys(name for name in names if name))
