"""Which rows a filter leaves."""

import numpy as np
import pandas as pd
import pytest

from labelling.selection.filters import Filter, as_numbers, is_date

CODES = np.array([-1, 0, 1, -1, 0])
FRAME = pd.DataFrame(
    {
        "text": pd.Series(["red car", "blue car", None, "red", "blue"], dtype="str"),
        "channel": pd.Series(["mail ", "chat", None, "mail", "phone"], dtype="str"),
        "amount": [1.0, 2.5, np.nan, np.inf, -4.0],
        "at": pd.Series(["2024-01-01", "2024-02-01T10:00:00Z", "", "2024-03-01", "2024-01-31"], dtype="str"),
        "yes": [True, False, True, True, False],
    }
)
SECOND = pd.Timestamp("2024-01-31").timestamp()


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (Filter(), [0, 1, 2, 3, 4]),
        (Filter(labels=(-1,)), [0, 3]),
        (Filter(labels=(0, 1)), [1, 2, 4]),
        (Filter(words="car"), [0, 1]),
        (Filter(words="  "), [0, 1, 2, 3, 4]),
        (Filter(column="channel", values=("mail",)), [0, 3]),
        (Filter(column="channel", values=("",)), [2]),
        (Filter(column="channel", values=("mail", "phone")), [0, 3, 4]),
        (Filter(column="amount", low=1.0), [0, 1]),
        (Filter(column="amount", low=-4.0, high=1.0), [0, 4]),
        (Filter(column="at", low=SECOND), [1, 3, 4]),
        (Filter(column="at", high=SECOND), [0, 4]),
        (Filter(column="channel"), [0, 1, 2, 3, 4]),
        (Filter(labels=(-1,), words="car", column="channel", values=("mail",)), [0]),
    ],
)
def test_every_condition_must_be_fulfilled(wanted: Filter, rows: list[int]) -> None:
    mask = wanted.mask(lambda state: state == CODES, FRAME, FRAME["text"])
    assert mask.dtype == bool
    assert np.flatnonzero(mask).tolist() == rows
    assert wanted.active or rows == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("values", "expected", "dates"),
    [
        (pd.Series([1, 2]), [1, 2], False),
        (pd.Series(["1", " 2.5 ", "", None], dtype="str"), [1, 2.5, np.nan, np.nan], False),
        (pd.Series([True, False]), [1, 0], False),
        (pd.Series(["1970-01-02", ""], dtype="str"), [86_400, np.nan], True),
        (pd.Series(pd.to_datetime(["1970-01-01T01:00:00+01:00"])), [3600], True),
        (pd.Series(["a", "1"], dtype="str"), None, False),
    ],
)
def test_numbers_and_dates(values: pd.Series, expected: list | None, dates: bool) -> None:
    numbers = as_numbers(values)
    assert is_date(values) == dates
    if expected is None:
        assert numbers is None
    else:
        np.testing.assert_array_equal(numbers, expected)
