"""Labels in: one label a row, or yes / no / unknown for each of several labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

UNKNOWN = -1


@dataclass(frozen=True)
class Targets:
    """What is known of the labels of n rows.

    Attributes
    ----------
    classes : (n_classes,), sorted; for yes / no / unknown the labels' names or numbers, in the order of the columns.
    codes : int8 or int64 array. (n,): the place in `classes` of each row's label, -1 where it has none.
        (n, n_classes): 1 yes, 0 no, -1 unknown.
    """

    classes: np.ndarray
    codes: np.ndarray

    @property
    def multi_label(self) -> bool:
        """Whether a row may bear several labels: yes / no / unknown for each."""
        return self.codes.ndim == 2

    @property
    def known(self) -> np.ndarray:
        """Whether anything is known of each row: bool (n,)."""
        known = self.codes != UNKNOWN
        return known.any(axis=1) if self.multi_label else known

    def take(self, rows: np.ndarray) -> Targets:
        return Targets(self.classes, self.codes[rows])


def read_targets(y: Any) -> Targets:
    """Read `y` as a tuner takes it.

    Parameters
    ----------
    y : array-like (n,) of text or numbers: one label a row. None, NaN and, among numbers, -1 (as in
        `sklearn.semi_supervised`) mark a row without one. Or array-like (n, n_labels) with more than one column, or a
        DataFrame: 1 or True for yes, 0 or False for no, None, NaN or -1 for unknown.

    Raises
    ------
    ValueError : text and numbers mixed, values between the classes (regression targets), a value in a yes / no column
        that is none of these.
    """
    import pandas as pd
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets

    names = y.columns if isinstance(y, pd.DataFrame) else None
    y = np.asarray(y, dtype=object)  # an array of text would turn NaN into the text "nan"
    if names is not None or (y.ndim == 2 and y.shape[1] > 1):
        return _read_multi_label(y, names)
    y = column_or_1d(y, warn=True)
    known = ~pd.isna(y)
    values = y[known].tolist()
    if len({isinstance(value, str) for value in values}) > 1:
        raise ValueError("labels must be all text or all numbers, got both")
    labels = np.asarray(values)
    if labels.dtype.kind in "if":
        known[known] = labels != UNKNOWN
        labels = labels[labels != UNKNOWN]
    check_classification_targets(labels)
    codes = np.full(len(y), UNKNOWN)
    classes, codes[known] = np.unique(labels, return_inverse=True)
    return Targets(classes, codes)


def _read_multi_label(y: np.ndarray, names: Any) -> Targets:
    import pandas as pd

    codes = np.full(y.shape, UNKNOWN, np.int8)
    gap = pd.isna(y)
    for value, code in ((0, 0), (1, 1)):
        codes[~gap & (y == value)] = code
    wrong = ~gap & (codes == UNKNOWN) & (y != UNKNOWN)
    if wrong.any():
        raise ValueError(
            f"several labels a row must be 1 (yes), 0 (no), or None, NaN or -1 (unknown) each, got {y[wrong][0]!r}"
        )
    return Targets(np.arange(y.shape[1]) if names is None else np.asarray(names), codes)
