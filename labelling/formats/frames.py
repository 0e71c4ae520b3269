"""Labelled rows as a table, before a format makes a file of it; each reads back with `labelling.readers.read_table`.

An export is the uploaded columns, then what Corral adds: a column ``label: <name>`` for each label (or ``cats``) where
each is yes, no or unknown, then always ``label``, ``labelled_at`` and ``source``. An uploaded column whose name could
be taken for one of these, whatever its case, comes out as ``original_<name>``, in every format. So the last columns
are those of today's labels, and the reader finds them.

Where what was uploaded is itself an export of ours, its last columns are not uploaded ones: they are replaced rather
than kept beside the new ones, see `superseded`, so that however often a file goes out and comes in again, no column
is added. A row whose label has stood since it was imported keeps the time and the source that the file has for it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from labelling.readers.exported import EXPORT_COLUMNS, NESTED, PREFIX, columns_of_export, is_exports_name
from labelling.readers.label_values import read_label_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from labelling.dataset import Dataset

PART = 20_000  # rows that are written at a time


def labelled_frame(
    dataset: Dataset,
    label: Sequence[str | None] | np.ndarray,
    labelled_at: Sequence[Any] | np.ndarray | None,
    source: Sequence[str | None] | np.ndarray,
    *,
    only_labelled: bool = False,
    drop: Collection[str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """The uploaded rows and columns in uploaded order, then ``label``, ``labelled_at`` and ``source``.

    Parameters
    ----------
    label, source : (n_rows,) of str or None
        The label of each row and where it came from.
    labelled_at : (n_rows,) of datetime64, or of ISO 8601 strings or None; or None for no times at all
        Becomes datetime64[us, UTC], to the second. A time without a zone is taken as UTC.
    only_labelled : bool
        Leave out the rows that have no label.
    drop : collection of str, optional
        The columns of an earlier export that the new ones replace: by default those that `superseded` finds.
    more : mapping of str to (n_rows,) values, optional
        Further columns, which stand before the label's. An uploaded one of such a name becomes ``original_<name>``.

    Returns
    -------
    DataFrame, indexed by row number.

    Raises
    ------
    ValueError
        When `label`, `labelled_at` or `source` does not have one value a row.
    """
    drop = superseded(dataset) if drop is None else drop
    frame = _frame(dataset, dict(more or {}), label, labelled_at, source, drop)
    return frame[frame["label"].notna()] if only_labelled else frame


def label_values_frame(
    dataset: Dataset,
    label_values: pd.DataFrame,
    labelled_at: Sequence[Any] | np.ndarray | None,
    source: Sequence[str | None] | np.ndarray,
    *,
    nested: bool = False,
    drop: Collection[str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """As `labelled_frame`, with yes, no or nothing (unknown) for each label.

    `answers` has a column for each label by its name, (n_rows,): 1 yes, 0 no, NaN unknown. Each becomes a column
    ``label: <name>`` of "yes", "no" or nothing; or with `nested` all become one, ``cats``, of mappings {name: 1 or 0}
    that leave out what is unknown. ``label`` has the names of those that are yes, with a semicolon between them: for
    the eye, as a name may hold one itself.
    """
    drop = superseded(dataset, list(label_values.columns)) if drop is None else drop
    names = np.asarray(label_values.columns, object)
    joined = ["; ".join(names[row]) or None for row in (label_values == 1).to_numpy(bool)]
    if nested:
        known = [
            {name: int(value) for name, value in zip(names, row, strict=True) if value == value}
            for row in label_values.to_numpy(float)
        ]
        new = {NESTED: pd.Series(known, dtype=object)}
    else:
        words = {1.0: "yes", 0.0: "no"}
        new = {f"{PREFIX}{name}": label_values[name].map(words).astype("str").reset_index(drop=True) for name in names}
    return _frame(dataset, {**(more or {}), **new}, joined, labelled_at, source, drop)


def superseded(
    dataset: Dataset,
    labels: Sequence[str] | None = None,
    imported: np.ndarray | None = None,
    by_label: Mapping[str, np.ndarray] | None = None,
) -> list[str]:
    """The columns of an earlier export, at the dataset's end, whose content is in the log and comes out anew.

    That is so where every row of which they say something has been imported: `imported` is bool (n_rows,), None for
    all; `by_label` says it of each label, where each is yes, no or unknown. With one label a text (`labels` is None)
    they are ``label``, ``labelled_at`` and ``source``, where the label column is the one that was imported; else, where
    `labels` are the names of those there are, also the answers for these labels. Columns that are empty say nothing.
    Any others, such as those that the person did not take as labels, moved or renamed, are uploaded columns like all
    others, and none of them is lost.
    """
    label_values, others = columns_of_export(dataset.frame.columns)
    label_values = [] if labels is None else label_values
    if not others or dataset.text_column in (*label_values, *others):
        return []
    said = {name: _filled(dataset.frame[name]) for name in (*label_values, *others)}
    if imported is not None and (np.logical_or.reduce(list(said.values())) & ~imported).any():
        return []
    nothing = np.zeros(len(dataset.frame), bool)

    def is_in_the_log(name: str) -> bool:
        if name != NESTED:
            about = {name.removeprefix(PREFIX): said[name]}
        else:
            found = read_label_values(dataset.frame, [NESTED]) if said[NESTED].any() else pd.DataFrame()
            about = {label: values.notna().to_numpy(bool) for label, values in found.items()}
        known = set(labels or ())
        return all(
            label in known and (by_label is None or not (rows & ~by_label.get(label, nothing)).any())
            for label, rows in about.items()
        )

    ours = {name for name in label_values if is_in_the_log(name)}
    dropped = [name for name in label_values if name in ours or not said[name].any()]
    taken = dataset.label_column == EXPORT_COLUMNS[0] if labels is None else not ours.isdisjoint(dropped)
    return dropped + others if taken or not any(said[name].any() for name in others) else dropped


def _filled(values: pd.Series) -> np.ndarray:
    """bool (n_rows,): the cells that say something; an object without any label, as JSONL has it, does not."""
    return (values.notna() & ~values.isin(["", "{}"])).to_numpy(bool)


def _frame(
    dataset: Dataset,
    added: dict[str, Any],
    label: Sequence[str | None] | np.ndarray,
    labelled_at: Sequence[Any] | np.ndarray | None,
    source: Sequence[str | None] | np.ndarray,
    drop: Collection[str],
) -> pd.DataFrame:
    n_rows = len(dataset.frame)
    times = [None] * n_rows if labelled_at is None else labelled_at
    for name, values in zip(EXPORT_COLUMNS, (label, times, source), strict=True):
        if len(values) != n_rows:
            raise ValueError(f"{name} must have one value for each of the {n_rows} rows, got {len(values)}")
    when = _times(list(times))
    how = pd.Series(list(source), dtype="str")
    if set(drop) >= {"labelled_at", "source"}:
        earlier = dataset.frame.reset_index(drop=True)
        then = _times(earlier["labelled_at"].astype("str"), errors="coerce")
        kept = (how == "imported") & then.notna()
        when, how = when.mask(kept, then), how.mask(kept, earlier["source"].astype("str"))
    new = {
        **added,
        "label": pd.Series(list(label), dtype="str"),
        "labelled_at": when,
        "source": how,
    }
    frame = dataset.frame.drop(columns=list(drop))
    taken = {*frame.columns, *new}
    renamed: dict[str, str] = {}
    for name in (name for name in frame.columns if is_exports_name(name) or name.strip().lower() in added):
        other = f"original_{name}"
        while other in taken:
            other = f"original_{other}"
        taken.add(other)
        renamed[name] = other
    return pd.concat([frame.rename(columns=renamed), pd.DataFrame(new).set_axis(frame.index)], axis=1)


def _times(values: Any, errors: Literal["raise", "coerce"] = "raise") -> pd.Series:
    times = pd.Series(pd.to_datetime(values, utc=True, format="ISO8601", errors=errors))
    return times.dt.floor("s").astype("datetime64[us, UTC]")


def file_name(project: str, tail: str) -> str:
    """A file's name after a project's, which may be anything: letters, digits and hyphens, never a path."""
    stem = re.sub(r"[^\w-]+", "-", re.sub(r"\.\w{1,7}$", "", project))
    # 50 characters have at most 200 bytes, and file systems take 255.
    return f"{stem[:50].strip('-') or 'texts'}-{tail}"


def as_json(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def values_of(column: pd.Series) -> list[Any]:
    """Plain Python values: None for missing, ISO 8601 text for times, with Z for UTC."""
    if pd.api.types.is_datetime64_any_dtype(column):
        codes, times = pd.factorize(column)  # a lasso gives many rows one time
        written = np.array([*(time.isoformat().replace("+00:00", "Z") for time in times), None], object)
        return list(written[codes])
    return list(column.to_numpy(object, na_value=None))


def in_parts(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The frame, some rows at a time: their Python values take many times the room that they have in it."""
    for start in range(0, len(frame), PART):
        yield frame.iloc[start : start + PART]
