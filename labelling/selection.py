"""From a polygon or a box on the map to row numbers, and sets of rows.

A selection is a sorted array of distinct row numbers (int64). Rows without a position (NaN) are never selected.
"""

from collections.abc import Sequence

import numpy as np

NOTHING = np.empty(0, np.int64)


def rows_in_polygon(xy: np.ndarray, polygon: Sequence[Sequence[float]]) -> np.ndarray:
    """Rows of `xy` (n, 2) inside `polygon` (n_corners, 2), by the even-odd rule: int64, sorted.

    The polygon is closed by itself and may cross itself. The test is the ray casting of W. R. Franklin's PNPOLY
    (https://wrfranklin.org/Research/Short_Notes/pnpoly.html), on the points in the polygon's bounding box only.
    Raises ValueError for fewer than three corners or a corner that is not a pair of finite numbers.
    """
    corners = np.asarray(polygon, float)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError(
            f"A lasso needs at least 3 corners (x, y), all finite numbers, got an array of shape {corners.shape}."
        )
    (left, bottom), (right, top) = corners.min(0), corners.max(0)
    rows = rows_in_box(xy, (left, right), (bottom, top))
    x, y = xy[rows].astype(float).T
    inside = np.zeros(len(rows), bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return rows[inside]


def rows_in_box(xy: np.ndarray, xs: Sequence[float], ys: Sequence[float]) -> np.ndarray:
    """Rows of `xy` (n, 2) with x between the two `xs` and y between the two `ys`, edges included: int64, sorted."""
    # As float64, or the edges would be rounded to the positions' float32.
    (left, right), (bottom, top) = np.sort(np.asarray([xs, ys], float))
    x, y = xy[:, 0], xy[:, 1]
    return np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top))


def combine(old: np.ndarray, new: np.ndarray, how: str) -> np.ndarray:
    """`new` alone ("new"), added to `old` ("add"), or taken away from it ("subtract")."""
    if how == "add":
        return np.union1d(old, new)
    if how == "subtract":
        return np.setdiff1d(old, new, assume_unique=True)
    if how == "new":
        return new
    raise ValueError(f"how must be 'new', 'add' or 'subtract', got {how!r}")
