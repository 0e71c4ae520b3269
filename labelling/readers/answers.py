"""Columns that say yes, no or nothing for each of several labels."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from labelling.dataset import ReadError
from labelling.readers.exported import NESTED, PREFIX, columns_of_export

_YES, _NO, _UNKNOWN = {"yes", "y", "true", "1", "1.0"}, {"no", "n", "false", "0", "0.0"}, {"", "unknown", "?", "null"}
N_JUDGED = 1_000


def guess_answer_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that surely hold answers: those of an export of ours, else objects of names and 0 or 1."""
    answers, others = columns_of_export(frame.columns)
    if others:  # Whatever else it has was uploaded once.
        return [name for name in answers if name != NESTED or _is_nested(frame[name])]
    ours = [name for name in frame.columns if name.startswith(PREFIX)]
    if ours:
        return ours
    nested = [name for name in frame.columns if _is_nested(frame[name])]
    # An export of ours calls an uploaded column so where it has one of that name itself.
    return [name for name in nested if not (name.startswith("original_") and name.removeprefix("original_") in nested)]


def _is_nested(values: pd.Series) -> bool:
    # "{}" tells nothing, and may stand in thousands of rows.
    cells = values[~values.isin(["{}"])].dropna().head(N_JUDGED)
    objects = [_mapping(cell) for cell in cells]
    return any(objects) and all(found is not None and _are_answers(found) for found in objects)


def _are_answers(found: Mapping[str, Any]) -> bool:
    return all(value is None or value in (0, 1) for value in found.values())


def _mapping(cell: Any) -> Mapping[str, Any] | None:
    if isinstance(cell, str) and cell.lstrip().startswith("{"):
        try:
            cell = json.loads(cell)
        except ValueError:
            return None
    return cell if isinstance(cell, dict) else None


def read_answers(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The answers in these columns: a column for each label by its name, (n_rows,), 1.0 yes, 0.0 no, NaN unknown.

    A column holds objects such as {"refund": 1, "delay": 0}; or yes or no, true or false, 1 or 0 for the label that it
    is called after. Nothing, null, "unknown" and "?" are unknown. Raises ReadError where a cell is none of these, or
    two columns are about one label.
    """
    answers: dict[str, np.ndarray] = {}
    for column in columns:
        found = _nested(frame[column], column) if _is_nested(frame[column]) else _plain(frame[column], column)
        for name, values in found.items():
            if name in answers:
                raise ReadError(f"Two columns hold answers for the label {name[:40]!r}: choose one of them.")
            answers[name] = values
    return pd.DataFrame(answers, index=frame.index)


def _nested(values: pd.Series, column: str) -> dict[str, np.ndarray]:
    answers: dict[str, np.ndarray] = {}
    for row, cell in enumerate(values):
        if cell is None or (not isinstance(cell, dict) and pd.isna(cell)) or cell == "":
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
            answers.setdefault(name.strip(), np.full(len(values), np.nan))[row] = float(value)
    return answers


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
    return {column.removeprefix(PREFIX).strip(): found}
