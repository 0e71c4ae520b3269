"""Limits and names of columns."""

import json
import time

import pytest

from labelling.readers import ReadError, read_table
from labelling.readers.tables import MAX_COLUMNS, unique_names


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["a", "a", "a_2", "a"], ["a", "a_3", "a_2", "a_4"]),
        (["", None, " "], ["column_1", "column_2", "column_3"]),
        (["column_2", ""], ["column_2", "column_2_2"]),
        (["a"] * MAX_COLUMNS, ["a", *(f"a_{k}" for k in range(2, MAX_COLUMNS + 1))]),
        ([1, 1.5, "1"], ["1", "1.5", "1_2"]),
    ],
)
def test_names_are_made_unique(given: list, names: list[str]) -> None:
    notes: list[str] = []
    assert unique_names(given, notes) == names
    assert len(notes) <= 11, "not a note for each of very many"


def test_a_new_key_in_every_row_is_refused_in_no_time() -> None:
    lines = "\n".join(json.dumps({"text": "a b", f"k{k}": 1}) for k in range(100_000))
    start = time.process_time()
    with pytest.raises(ReadError, match="columns; up to 2,000"):
        read_table(lines.encode(), "a.jsonl")
    assert time.process_time() - start < 20


@pytest.mark.parametrize("header", ["a,", "b{},"])
def test_very_many_columns_of_a_csv_are_refused(header: str) -> None:
    names = "".join(header.format(k) for k in range(MAX_COLUMNS)) + "text"
    with pytest.raises(ReadError, match="2,001 columns"):
        read_table(f"{names}\n{'1,' * MAX_COLUMNS}x\n".encode(), "a.csv")
