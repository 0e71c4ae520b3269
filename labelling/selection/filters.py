"""Which rows a person wants to see: by label, by a column, by words in the text."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Filter:
    """Rows that fulfil every condition that is set; a condition that is empty leaves all rows.

    Parameters
    ----------
    labels : tuple of int
        States of a row's labels, any of which it must be in: see `mask`.
    column : str
        A metadata column, for `values` or for `low` and `high`.
    values : tuple of str
        The column's value, as text without white space round it, is one of these.
    low, high : float
        The column's value, as a number or as seconds since 1970, lies between them, both included.
    words : str
        As in `search.with_words`.
    """

    labels: tuple[int, ...] = ()
    column: str = ""
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    words: str = ""

    @property
    def active(self) -> bool:
        return bool(self.labels or self.values or self.words.strip() or self.low is not None or self.high is not None)

    def mask(self, in_state: Callable[[int], np.ndarray], frame: pd.DataFrame, texts: pd.Series) -> np.ndarray:
        """bool (n_rows,): which rows are wanted. `in_state` gives the rows of a label state; `frame` has the column."""
        from labelling.selection.search import with_words

        wanted = np.ones(len(texts), bool)
        if self.labels:
            wanted &= np.any([in_state(state) for state in self.labels], axis=0)
        if self.values:
            wanted &= as_text(frame[self.column]).isin(self.values).to_numpy(bool)
        if self.low is not None or self.high is not None:
            numbers = as_numbers(frame[self.column])
            if numbers is not None:
                low = -np.inf if self.low is None else self.low
                high = np.inf if self.high is None else self.high
                with np.errstate(invalid="ignore"):
                    wanted &= (numbers >= low) & (numbers <= high)
        if self.words.strip():
            wanted &= with_words(texts, self.words)
        return wanted


def as_text(values: pd.Series) -> pd.Series:
    """The column as text without white space round it; "" where there is nothing."""
    return values.astype("string").str.strip().fillna("")


def is_date(values: pd.Series) -> bool:
    """Whether the column holds dates: as such, or as ISO 8601 text throughout."""
    return pd.api.types.is_datetime64_any_dtype(values.dtype) or (
        not pd.api.types.is_numeric_dtype(values.dtype) and _numbers(values) is None and as_numbers(values) is not None
    )


def as_numbers(values: pd.Series) -> np.ndarray | None:
    """The column as float64 (n_rows,), NaN where it is empty: numbers, or dates as seconds since 1970.

    None where some of it is neither.
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _seconds(values.dt.tz_localize(None).dt.tz_localize("UTC"))  # by the clock of the column's own zone
    numbers = _numbers(values)
    if numbers is not None:
        return numbers
    texts = as_text(values)
    try:
        return _seconds(pd.to_datetime(texts.where(texts != ""), utc=True, format="ISO8601"))
    except (ValueError, TypeError):
        return None


def _numbers(values: pd.Series) -> np.ndarray | None:
    try:
        numbers = pd.to_numeric(values if values.dtype.kind in "iufb" else as_text(values).replace("", None))
    except (ValueError, TypeError):
        return None
    found = numbers.astype("Float64").to_numpy(float, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def _seconds(dates: pd.Series) -> np.ndarray:
    seconds = (dates - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(seconds=1)
    return seconds.to_numpy(float, na_value=np.nan)
