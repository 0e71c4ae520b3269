"""A map of two uploaded columns: what may be one, and where the texts lie."""

import numpy as np
import pandas as pd
import pytest

from labelling.dataset import Dataset
from labelling.readers import ReadError
from labelling.readers.own_map import extended, numeric_columns, own_map


def dataset(**columns: list) -> Dataset:
    return Dataset(pd.DataFrame({"text": ["a b", "", "c d", "e f"], **columns}), "text")


def test_where_the_texts_lie() -> None:
    found = own_map(dataset(x=["1e3", "", " 1001.5 ", "-2"], y=[5, 6, 7, 8]), "x", "y")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[0, 0], [np.nan, np.nan], [1.5, 2], [-1002, 3]])
    far = own_map(dataset(x=[5e8, 5e8, 5e8 + 0.25, 5e8 + 1], y=[1, 2, 3, 4]), "x", "y")
    np.testing.assert_array_equal(far[[0, 2, 3], 0], [0, 0.25, 1])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (["1", "2", "two", "4"], r"Column 'x' can't be a side of the map: row 3 holds 'two', no number"),
        ([1.0, 2.0, np.nan, np.nan], r"row 3 is empty \(2 such rows\)"),
        (["1", "2", " ", "4"], r"row 3 is empty \(1 such row\)"),
        ([1.0, 2.0, np.inf, 4.0], r"row 3 is infinite \(1 such row\)"),
        (["1", "2", "-inf", "4"], "row 3 is infinite"),
        (["1", "2", "nan", "4"], "row 3 holds 'nan', no number"),
        ([1.0, np.inf, 1.0, 1.0], "the same number in all rows"),
        ([1.0, 2.0, 1e300, 4.0], "too far apart"),
        ([True, False, True, False], "row 1 holds 'True', no number"),
        (pd.to_datetime(["2020-01-01"] * 4).tolist(), "no number"),
    ],
)
def test_what_can_not_be_a_side_of_a_map(x: list, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        own_map(dataset(x=x, y=[1, 2, 3, 4]), "x", "y")


def test_columns_that_are_not_there_or_one_twice() -> None:
    with pytest.raises(ReadError, match="There is no column 'z' for the map; the file has: 'text', 'y'"):
        own_map(dataset(y=[1, 2, 3, 4]), "y", "z")
    with pytest.raises(ReadError, match="two different columns"):
        own_map(dataset(y=[1, 2, 3, 4]), "y", "y")


def test_columns_that_are_offered() -> None:
    columns = {"a": [1, 2, 3, 4], "b": ["1", "", "2.5", "3"], "c": ["1", "x", "2", "3"], "d": [None] * 4}
    assert numeric_columns(dataset(**columns, e=[True] * 4).frame) == ["a", "b"]


def test_added_texts_lie_among_the_others_where_they_have_numbers() -> None:
    first = dataset(x=[10, 20, 30, 40], y=[1, 2, 3, 4])
    before = own_map(first, "x", "y")
    more = Dataset(pd.DataFrame({"text": ["g h", "i j", "k l"], "x": ["50", "far", "5"], "y": [5, 6, None]}), "text")
    after = extended(first.extended(more), "x", "y")
    np.testing.assert_array_equal(after[:4], before)
    np.testing.assert_array_equal(after[4:], [[40, 4], [np.nan] * 2, [np.nan] * 2])
    without = Dataset(pd.DataFrame({"text": ["g h"]}), "text")
    assert np.isnan(extended(first.extended(without), "x", "y")[4]).all()
