"""A map of one's own: two columns of numbers, which say where each text lies."""

import numpy as np
import pandas as pd

from labelling.dataset import Dataset, ReadError

OF = "own_map"  # the setting of a project's original space that names the two columns


def numeric_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that `own_map` may take: of numbers, or of texts that are numbers in the first rows."""
    head = frame.head(1_000)
    return [name for name in frame.columns if (found := _numbers(head[name])) is not None and not np.isnan(found).all()]


def own_map(dataset: Dataset, x: str, y: str) -> np.ndarray:
    """Where each text lies, by its numbers in these two columns: float32 (n_rows, 2), NaN in rows without a text.

    The first text lies at 0, so that numbers far from there keep their differences. Raises ReadError where there is no
    such column, where a text's value is none, no number or not finite, or where all are the same.
    """
    if x == y:
        raise ReadError(f"A map needs two different columns for x and y, got {x[:40]!r} twice.")
    xy = _placed(dataset, np.column_stack([_column(dataset, name) for name in (x, y)]))
    for name, values in zip((x, y), xy[~dataset.empty].T, strict=True):
        if not np.isfinite(values).all():
            raise ReadError(f"Column {name[:40]!r} holds numbers too far apart for a map: scale them to below 1e38.")
        if values.min() == values.max():
            raise ReadError(
                f"Column {name[:40]!r} is the same number in all rows: all texts would lie on one line. Choose another."
            )
    return xy


def extended(dataset: Dataset, x: str, y: str) -> np.ndarray:
    """As `own_map`, of a dataset to which texts were added: NaN for those that have no number there."""
    columns = [pd.to_numeric(dataset.frame[name], errors="coerce").astype("Float64") for name in (x, y)]
    xy = np.column_stack([column.to_numpy(float, na_value=np.nan) for column in columns])
    xy[~np.isfinite(xy).all(axis=1)] = np.nan
    return _placed(dataset, xy)


def _placed(dataset: Dataset, xy: np.ndarray) -> np.ndarray:
    xy[dataset.empty] = np.nan
    first = xy[int(np.argmin(dataset.empty))]
    with np.errstate(over="ignore"):
        return (xy - first).astype(np.float32)


def _column(dataset: Dataset, name: str) -> np.ndarray:
    frame = dataset.frame
    if name not in frame:
        raise ReadError(f"There is no column {name[:40]!r} for the map; the file has: {', '.join(map(repr, frame))}.")
    values = _numbers(frame[name])
    rows = np.flatnonzero(~dataset.empty)
    if values is None:
        texts = frame[name].astype("string").str.strip().fillna("")
        wrong = pd.to_numeric(texts.where(texts != ""), errors="coerce").isna() & (texts != "")
        row = int(np.flatnonzero(wrong.to_numpy(bool))[0]) if wrong.any() else 0
        cell = str(frame[name].iloc[row])
        raise ReadError(
            f"Column {name[:40]!r} can't be a side of the map: row {row + 1:,} holds {cell[:40]!r}, no number. "
            "Choose a column of numbers."
        )
    bad = rows[~np.isfinite(values[rows])]
    if len(bad):
        what = "is empty" if np.isnan(values[bad[0]]) else "is infinite"
        raise ReadError(
            f"Column {name[:40]!r} can't be a side of the map: row {bad[0] + 1:,} {what} ({len(bad):,} such "
            f"{'row' if len(bad) == 1 else 'rows'}). Each text needs a number."
        )
    return values


def _numbers(values: pd.Series) -> np.ndarray | None:
    """The column as float64 (n_rows,), NaN where it is empty; None where some of it is no number."""
    if values.dtype.kind not in "iuf":
        if not isinstance(values.dtype, pd.StringDtype):
            return None
        texts = values.str.strip()
        values = texts.where(texts != "")
    try:
        return pd.to_numeric(values).astype("Float64").to_numpy(float, na_value=np.nan)
    except (ValueError, TypeError):
        return None
