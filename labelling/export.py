"""Labelled rows as CSV, JSONL and Parquet; each reads back with `labelling.readers.read_table`."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from labelling.formulas import EXPORT_COLUMNS, guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelling.readers import Dataset


def labelled_frame(
    dataset: Dataset,
    label: Sequence[str | None] | np.ndarray,
    labelled_at: Sequence[Any] | np.ndarray | None,
    source: Sequence[str | None] | np.ndarray,
    *,
    only_labelled: bool = False,
) -> pd.DataFrame:
    """The uploaded rows and columns in uploaded order, then ``label``, ``labelled_at`` and ``source``.

    Parameters
    ----------
    label, source : (n_rows,) of str or None
        The label of each row and where it came from.
    labelled_at : (n_rows,) of datetime64, or of ISO 8601 strings or None; or None for no times at all
        Written as ISO 8601 in UTC, to the second: ``2025-01-31T09:30:00Z``. A time without a zone is
        taken as UTC.
    only_labelled : bool
        Leave out the rows that have no label.

    Returns
    -------
    DataFrame, indexed by row number. An uploaded column called ``label``, ``labelled_at`` or ``source`` comes
    out as ``original_label`` and so on: nothing that was uploaded is lost.

    Raises
    ------
    ValueError
        When `label`, `labelled_at` or `source` does not have one value a row.
    """
    n_rows = len(dataset.frame)
    times = [None] * n_rows if labelled_at is None else labelled_at
    for name, values in zip(EXPORT_COLUMNS, (label, times, source), strict=True):
        if len(values) != n_rows:
            raise ValueError(f"{name} must have one value for each of the {n_rows} rows, got {len(values)}")
    taken = set(dataset.frame.columns) | set(EXPORT_COLUMNS)
    renamed = {}
    for name in EXPORT_COLUMNS:
        if name in dataset.frame.columns:
            new = f"original_{name}"
            while new in taken:
                new = f"original_{new}"
            taken.add(new)
            renamed[name] = new
    frame = dataset.frame.rename(columns=renamed)
    when = pd.Series(pd.to_datetime(list(times), utc=True, format="ISO8601"), index=frame.index)
    frame["label"] = pd.Series(list(label), index=frame.index, dtype="str")
    frame["labelled_at"] = when.dt.strftime("%Y-%m-%dT%H:%M:%SZ").astype("str")
    frame["source"] = pd.Series(list(source), index=frame.index, dtype="str")
    return frame[frame["label"].notna()] if only_labelled else frame


def answered_frame(
    dataset: Dataset,
    answers: pd.DataFrame,
    labelled_at: np.ndarray,
    source: np.ndarray,
    *,
    nested: bool = False,
) -> pd.DataFrame:
    """As `labelled_frame`, with yes, no or nothing (unknown) for each label.

    `answers` has a column for each label by its name, (n_rows,): 1 yes, 0 no, NaN unknown. Each becomes a column
    ``label: <name>`` of "yes", "no" or nothing; or with `nested` all become one, ``cats``, of mappings {name: 1 or 0}
    that leave out what is unknown. ``label`` has the names of those that are yes, with a semicolon between them.
    """
    bears = (answers == 1).to_numpy()
    names = np.asarray(answers.columns, object)
    joined = np.array(["; ".join(names[row]) or None for row in bears], object)
    frame = labelled_frame(dataset, joined, labelled_at, source)
    new: dict[str, pd.Series] = {}
    if nested:
        known = [
            {name: int(value) for name, value in zip(names, row, strict=True) if value == value}
            for row in answers.to_numpy(float)
        ]
        new["cats"] = pd.Series(known, index=frame.index, dtype=object)
    else:
        for name in names:
            new[f"label: {name}"] = answers[name].map({1.0: "yes", 0.0: "no"}).astype("str").set_axis(frame.index)
    taken = set(frame.columns) | set(new)
    clashes = {}
    for name in new:
        if name in frame.columns:
            renamed = f"original_{name}"
            while renamed in taken:
                renamed = f"original_{renamed}"
            taken.add(renamed)
            clashes[name] = renamed
    frame = frame.rename(columns=clashes)
    first = len(frame.columns) - len(EXPORT_COLUMNS)
    return pd.concat([frame.iloc[:, :first], pd.DataFrame(new), frame.iloc[:, first:]], axis=1)


def to_csv(frame: pd.DataFrame) -> bytes:
    """CSV as RFC 4180 has it, UTF-8 with a byte order mark so that Excel opens it rightly.

    Headers and cells that a spreadsheet would run as a formula get a leading apostrophe, see
    `labelling.formulas`; missing values become empty cells.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([guard(str(name)) for name in frame.columns])
    columns = [["" if value is None else guard(str(value)) for value in _values(frame[name])] for name in frame.columns]
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue().encode("utf-8-sig")


def to_jsonl(frame: pd.DataFrame) -> bytes:
    """A JSON object a line, UTF-8. Values stay as they are; missing and infinite numbers become null."""
    # JSON has no infinity (RFC 8259, section 6).
    columns = [_values(frame[name].replace([np.inf, -np.inf], None)) for name in frame.columns]
    names = [str(name) for name in frame.columns]
    encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
    lines = [encode(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
    return "".join(line + "\n" for line in lines).encode()


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Parquet, each column with its own type."""
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


def _values(column: pd.Series) -> list[Any]:
    """Plain Python values: None for missing, ISO 8601 text for times."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if value is pd.NaT else value.isoformat() for value in column]
    values = column.astype(object)
    return values.where(column.notna(), None).tolist()
