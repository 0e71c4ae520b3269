"""Columns that say yes, no or nothing for each of several labels."""

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from labelling.dataset import ReadError, Table
from labelling.labels.label import MAX_IMPORTED_LABELS, MAX_NAME_LENGTH, composed
from labelling.readers.exported import NESTED, PREFIX, columns_of_export
from labelling.readers.guesses import LABEL_NAMES, filled, judged
from labelling.readers.names import Names, Unnamed, names_in, names_of_rows, nested, read_labels
from labelling.readers.people import BY_PERSON, by_person

_YES, _NO, _UNKNOWN = {"yes", "y", "true", "1", "1.0"}, {"no", "n", "false", "0", "0.0"}, {"", "unknown", "?", "null"}
_SEVERAL_NAMES = ("tags", "categories", "classes", "intents", "topics", "targets", "sentiments")
N_JUDGED = 1_000
MAX_LABEL_VALUES = 100_000_000  # of 8 bytes: a hundred labels for a million rows


def guess_label_value_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that surely hold answers: those of an export of ours, else objects of names and 0 or 1, else lists.

    Of lists only a column in which some row has several names, those called after labels before any others.
    """
    label_values, others = columns_of_export(frame.columns)
    if others:  # Whatever else it has was uploaded once.
        return [name for name in label_values if name != NESTED or _is_nested(frame[name])]
    ours = [name for name in frame.columns if name.startswith(PREFIX)]
    if ours:
        return ours
    frame = judged(frame)
    texts = [name for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)]
    nested_columns = [name for name in texts if _is_nested(frame[name])]
    if nested_columns:
        # An export of ours calls an uploaded column so where it has one of that name itself.
        return [
            name
            for name in nested_columns
            if not (name.startswith("original_") and name.removeprefix("original_") in nested_columns)
        ]
    # What is called after another column and a dot is a part of that.
    wholes = set(frame.columns)
    parts = {name for name in texts for dot in re.finditer(r"\.", name[:1_000]) if name[: dot.start()] in wholes}
    candidates = [name for name in texts if name not in parts and _has_lists(frame[name])]
    lists = [name for name in candidates if _offers_multi_label(frame[name], _is_label(name))]
    return [name for name in lists if _is_label(name)] or ([] if any(map(_is_label, frame.columns)) else lists)


def guess_labels(table: Table) -> tuple[str | None, list[str]]:
    """The column that surely holds one label a row; or those that surely hold answers, see above.

    It is one where an export of ours or another tool's file says so, not by its name alone; and None where its cells
    are no labels of whole texts.
    """
    label_values = guess_label_value_columns(table.frame)
    own = columns_of_export(table.frame.columns)[1]
    label = own[0] if own else table.label
    if label_values or label is None or label not in table.frame:
        return None, label_values
    try:
        read_labels(table.frame, label)
    except ReadError:
        return None, []
    return label, []


def _is_label(name: str) -> bool:
    return name.strip().lower() in (*LABEL_NAMES, *_SEVERAL_NAMES)


def _is_nested(values: pd.Series) -> bool:
    found_one = n = 0
    for cell in filled(values):
        if isinstance(cell, str) and cell.strip() in ("", "{}"):  # it tells nothing, and may stand in thousands of rows
            continue
        found = _mapping(cell)
        if found is None or not _are_label_values(found):
            return False
        found_one += bool(found)
        n += 1
        if n == N_JUDGED:
            break
    return found_one > 0


def _has_lists(values: pd.Series) -> bool:
    cells = (str(cell) for cell in filled(values))
    like_lists = itertools.islice((cell for cell in cells if cell.lstrip()[:1] in ("[", "{")), N_JUDGED)
    return any(isinstance(names_in(cell), Names) for cell in like_lists)


def _offers_multi_label(values: pd.Series, is_label: bool) -> bool:
    """Whether these are lists of labels' names, several in some row; single names may stand among them."""
    named = [found for found in names_of_rows(values) if found or isinstance(found, Names)]
    if any(isinstance(found, Unnamed) for found in named) or not any(len(found) > 1 for found in named):
        return False
    if not is_label and not all(isinstance(found, Names) for found in named):
        return any(isinstance(found, Names) and found.choices for found in named)
    distinct = {name for found in named for name in found}
    return len(distinct) <= MAX_IMPORTED_LABELS and all(len(name) <= MAX_NAME_LENGTH for name in distinct)


def _are_label_values(found: Mapping[str, Any]) -> bool:
    return all(value is None or value in (0, 1) for value in found.values())


def _mapping(cell: Any) -> Mapping[str, Any] | None:
    value = nested(cell) if isinstance(cell, str) else cell
    return value if isinstance(value, dict) else None


def read_label_values(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The answers in these columns: a column for each label by its name, (n_rows,), 1.0 yes, 0.0 no, NaN unknown.

    A column holds objects such as {"refund": 1, "delay": 0}; or lists of names, each a yes, where all others stay
    unknown; or yes or no, true or false, 1 or 0 for the label that it is called after. Nothing, null, "unknown" and "?"
    are unknown. Raises ReadError where a cell is none of these, or two columns are about one label.
    """
    label_values: dict[str, np.ndarray] = {}
    for column in columns:
        values = frame[column]
        read = _nested if _is_nested(values) else _listed if _has_lists(values) else _plain
        for name, found in read(values, column).items():
            if name in label_values:
                raise ReadError(f"Two columns hold answers for the label {name[:40]!r}: choose one of them.")
            label_values[name] = found
    return pd.DataFrame(label_values, index=frame.index)


def read_people(frame: pd.DataFrame, column: str | None, names: Collection[str] = ()) -> dict[str, Any]:
    """What each person said, where the table tells it: see `people.by_person`.

    Of one `column` with a label a row: (n_rows,) names, None for nothing; else, as `read_label_values` gives it, of the
    columns that are about these `names`. Raises ReadError as these readers do.
    """
    said: dict[str, Any] = {}
    columns = [column] if column is not None else [name.removesuffix(BY_PERSON) for name in frame.columns]
    for each in columns:
        people = by_person(frame, each)
        if not people:
            continue
        every = pd.DataFrame({each: pd.concat(list(people.values()), ignore_index=True)})
        parts = [slice(place * len(frame), (place + 1) * len(frame)) for place in range(len(people))]
        if column is not None:
            labels = read_labels(every, each)
            return {person: labels[part] for person, part in zip(people, parts, strict=True)}
        values = read_label_values(every, [each])
        if set(values.columns) & set(names):
            values = values[[name for name in values.columns if name in names]]
            for person, part in zip(people, parts, strict=True):
                theirs = values.iloc[part].reset_index(drop=True)
                said[person] = theirs if person not in said else said[person].combine_first(theirs)
    return said


def _answer(label_values: dict[str, np.ndarray], name: str, row: int, value: float, n_rows: int, column: str) -> None:
    if name not in label_values:
        if len(label_values) == MAX_IMPORTED_LABELS:
            raise ReadError(
                f"Column {column[:40]!r} names more than {MAX_IMPORTED_LABELS:,} different labels, which is as many as "
                "are allowed: choose another column, or none."
            )
        if (len(label_values) + 1) * n_rows > MAX_LABEL_VALUES:
            raise ReadError(
                f"Column {column[:40]!r} names more than {len(label_values):,} labels in {n_rows:,} rows; up to "
                f"{MAX_LABEL_VALUES:,} answers, rows times labels, can be read: choose another column, or none."
            )
        label_values[name] = np.full(n_rows, np.nan)
    label_values[name][row] = value


def _listed(values: pd.Series, column: str) -> dict[str, np.ndarray]:
    label_values: dict[str, np.ndarray] = {}
    for row, names in enumerate(names_of_rows(values)):
        if isinstance(names, Unnamed):
            raise ReadError(f"Column {column[:40]!r}, row {row + 1:,}: {names[0][:80]!r} is no list of labels.")
        for name in names:
            _answer(label_values, name, row, 1.0, len(values), column)
    return label_values


def _nested(values: pd.Series, column: str) -> dict[str, np.ndarray]:
    label_values: dict[str, np.ndarray] = {}
    for row, cell in enumerate(values):
        if cell is None or (not isinstance(cell, dict) and (pd.isna(cell) or not str(cell).strip())):
            continue
        found = _mapping(cell)
        if found is None:
            raise ReadError(f"Column {column[:40]!r}, row {row + 1:,}: {str(cell)[:40]!r} is no object of labels.")
        for name, value in found.items():
            if value is None:
                continue
            if value not in (0, 1):
                raise ReadError(
                    f"Column {column[:40]!r}, row {row + 1:,}: the label {name[:40]!r} must be 1 (yes), 0 (no) or "
                    f"null (unknown), got {str(value)[:40]}."
                )
            _answer(label_values, composed(str(name)), row, float(value), len(values), column)
    return label_values


def _plain(values: pd.Series, column: str) -> dict[str, np.ndarray]:
    words = values.astype("string").str.strip().str.lower().fillna("")
    found = np.full(len(values), np.nan)
    for allowed, value in ((_YES, 1.0), (_NO, 0.0)):
        found[words.isin(allowed).to_numpy(bool)] = value
    wrong = ~words.isin(_YES | _NO | _UNKNOWN).to_numpy(bool)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ReadError(
            f"Column {column[:40]!r} can't be read as yes or no: row {row + 1:,} has {str(values.iloc[row])[:40]!r}. "
            "Allowed are yes, no, true, false, 1, 0, and nothing for unknown."
        )
    return {composed(column.removeprefix(PREFIX)): found}
