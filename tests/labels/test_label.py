"""What may be a label's name, typed or in an uploaded column."""

import numpy as np
import pandas as pd
import pytest

from labelling.labels.label import MAX_IMPORTED_LABELS, LabelError, clean_name, names_to_import
from tests.labels.helpers import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_as_it_was_typed(name: str) -> None:
    assert clean_name(f"\u00a0 {name} \n") == name


@pytest.mark.parametrize(
    "name", ["", " \t\n", "\u200b", "a\nb", "a\tb", "a\0b", "a\x1bb", "\u2028x\u2028y", "\ud800", "x" * 81]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(LabelError, match=r"label name|needs a name"):
        clean_name(name)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["b", None, np.nan, "", "  ", " a ", pd.NA, pd.NaT], ["b", "", "", "", "", "a", "", ""]),
        (pd.Series([1, None, 2], dtype="Int64"), ["1", "", "2"]),
        (pd.Series([1.0, np.nan, 2.5]), ["1", "", "2.5"]),
        (pd.Series([True, None, False], dtype="boolean"), ["True", "", "False"]),
        (np.array([0, -1, 3]), ["0", "-1", "3"]),
        (pd.Series(["x", None, "nan"], dtype="str"), ["x", "", "nan"]),
    ],
)
def test_names_of_a_column(values: object, names: list[str]) -> None:
    assert names_to_import(list(values)) == names  # type: ignore[call-overload]


def test_what_is_no_label_column() -> None:
    with pytest.raises(LabelError, match="1,001 different values"):
        names_to_import([f"{'long text ' * 20} {row}" for row in range(MAX_IMPORTED_LABELS + 1)])
    with pytest.raises(LabelError, match=r"'two\\nlines'.*line break"):
        names_to_import(["a", "two\nlines"])
    with pytest.raises(LabelError, match="200 characters"):
        names_to_import(["a", "x" * 200])
    assert len(names_to_import([str(row % MAX_IMPORTED_LABELS) for row in range(2 * MAX_IMPORTED_LABELS)])) == 2000
