"""From a polygon or a box on the map to row numbers, and sets of rows.

A selection is a sorted array of distinct row numbers (int64). Rows without a position (NaN) are never selected.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NOTHING = np.empty(0, np.int64)


class Points:
    """The points of a map, put in order of their height once: an edge of a polygon then meets only those beside it.

    Parameters
    ----------
    xy : float32 (n_rows, 2)
        NaN where a row has no position.
    """

    def __init__(self, xy: np.ndarray) -> None:
        self._xy = xy
        order = np.argsort(xy[:, 1], kind="stable")[: np.count_nonzero(~np.isnan(xy[:, 1]))]  # NaN comes last
        self._rows = order.astype(np.int32)
        self._y = xy[order, 1].astype(float)  # as the corners are: float32 would round the edges

    def in_polygon(self, polygon: Sequence[Sequence[float]]) -> np.ndarray:
        """The rows inside `polygon` (n_corners, 2), by the even-odd rule: int64, sorted.

        The polygon is closed by itself and may cross itself. The test is the ray casting of W. R. Franklin's PNPOLY
        (https://wrfranklin.org/Research/Short_Notes/pnpoly.html).
        Raises ValueError for fewer than three corners or a corner that is not a pair of finite numbers.
        """
        corners = np.asarray(polygon, float)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
            raise ValueError(
                f"A lasso needs at least 3 corners (x, y), all finite numbers, got an array of shape {corners.shape}."
            )
        inside = np.zeros(len(self._rows), bool)
        first, last = np.searchsorted(self._y, [corners[:, 1].min(), corners[:, 1].max()])
        x = self._xy[self._rows[first:last], 0]
        for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
            if y1 != y2:
                low, high = np.searchsorted(self._y, sorted((y1, y2)))  # y1 <= y < y2
                crossing = (x2 - x1) * (self._y[low:high] - y1) / (y2 - y1) + x1
                inside[low:high] ^= x[low - first : high - first] < crossing
        return self._sorted(np.flatnonzero(inside))

    def in_box(self, xs: Sequence[float], ys: Sequence[float]) -> np.ndarray:
        """The rows with x between the two `xs` and y between the two `ys`, edges included: int64, sorted."""
        (left, right), (bottom, top) = np.sort(np.asarray([xs, ys], float))
        low, high = np.searchsorted(self._y, bottom), np.searchsorted(self._y, top, side="right")
        x = self._xy[self._rows[low:high], 0].astype(float)
        return self._sorted(low + np.flatnonzero((x >= left) & (x <= right)))

    def _sorted(self, places: np.ndarray) -> np.ndarray:
        found = np.zeros(len(self._xy), bool)
        found[self._rows[places]] = True
        return np.flatnonzero(found)


def combine(old: np.ndarray, new: np.ndarray, how: str) -> np.ndarray:
    """`new` alone ("new"), added to `old` ("add"), taken away from it ("subtract"), or what both hold ("intersect")."""
    if how == "add":
        return np.union1d(old, new)
    if how == "subtract":
        return np.setdiff1d(old, new, assume_unique=True)
    if how == "intersect":
        return np.intersect1d(old, new, assume_unique=True)
    if how == "new":
        return new
    raise ValueError(f"how must be 'new', 'add', 'subtract' or 'intersect', got {how!r}")


class History:
    """The selections that were left behind, to be stepped back to. A million rows take 125 KB each."""

    LENGTH = 50

    def __init__(self, n_rows: int) -> None:
        self.n_rows = n_rows
        self._left: list[tuple[np.ndarray, Mapping[str, Any]]] = []

    def __len__(self) -> int:
        return len(self._left)

    def leave(self, rows: np.ndarray, how: Mapping[str, Any]) -> None:
        """Remember this selection and how it was made."""
        mask = np.zeros(self.n_rows, bool)
        mask[rows] = True
        self._left = [*self._left[1 - self.LENGTH :], (np.packbits(mask), how)]

    def back(self) -> tuple[np.ndarray, Mapping[str, Any]]:
        """The selection that was left last; it is forgotten here. Raises IndexError where there is none."""
        bits, how = self._left.pop()
        return np.flatnonzero(np.unpackbits(bits, count=self.n_rows)), how
