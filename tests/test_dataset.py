"""A dataset keeps every row, and comes back from its folder."""

import gc
import json
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labelling.dataset import Dataset, make_dataset
from labelling.readers import ReadError, Table, read_table


def test_dataset_keeps_every_row(tmp_path):
    rows = [
        {"text": "b", "n": 1},
        {"text": None},
        {"text": " \n"},
        {"text": "b", "n": 3},
        {"text": "", "label": "x"},
    ]
    dataset = make_dataset(read_table(json.dumps(rows).encode(), "a.json"), "text", "label")
    for one in (dataset, [dataset.save(tmp_path / "new"), Dataset.load(tmp_path / "new")][1]):
        assert len(one) == one.n_rows == 5
        assert one.texts == ["b", "", " \n", "b", ""]
        assert one.empty.tolist() == [False, True, True, False, True]
        assert one.empty.dtype == np.bool_
        assert one.n_duplicates == 1
        assert one.metadata_columns == ["n"]
        assert one.label_column == "label"
        pd.testing.assert_frame_equal(one.frame, dataset.frame)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["dataset.json", "dataset.parquet"]


def test_dataset_saves_any_column_name_and_text(tmp_path):
    names = ["=a", "a\nb", "\0", "名", "a.b", "__index_level_0__"]
    frame = pd.DataFrame({name: ["x\0y", "'", "\r\n😀"] for name in names})
    Dataset(frame, "\0").save(tmp_path)
    loaded = Dataset.load(tmp_path)
    pd.testing.assert_frame_equal(loaded.frame, frame)
    assert loaded.texts == ["x\0y", "'", "\r\n😀"]


def test_dataset_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        Dataset.load(tmp_path)


def test_a_dataset_that_is_held_is_read_once_and_anew_when_its_files_change(tmp_path: Path) -> None:
    Dataset(pd.DataFrame({"text": ["a", "b"]}), "text").save(tmp_path)
    one = Dataset.load(tmp_path)
    assert Dataset.load(tmp_path) is one
    Dataset(pd.DataFrame({"text": ["a", "c"]}), "text").save(tmp_path)
    other = Dataset.load(tmp_path)
    assert (one.texts, other.texts) == (["a", "b"], ["a", "c"])
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None


def test_make_dataset_refuses_columns_that_hold_no_text():
    table = read_table(b'[{"text": "a", "n": 1, "empty": " "}]', "a.json")
    for text_column, label_column, said in (
        ("missing", None, "no column 'missing'.*'text', 'n', 'empty'"),
        ("text", "missing", "no column 'missing'"),
        ("empty", None, "no text in any of its 1 rows"),
        ("text", "text", "both the text and the label"),
    ):
        with pytest.raises(ReadError, match=said):
            make_dataset(table, text_column, label_column)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pd.Series([1, 2]), ["1", "2"]),
        (pd.Series([1, None], dtype="Int64"), ["1", ""]),
        (pd.Series([1.0, None]), ["1", ""]),
        (pd.Series([1.0, 2.5]), ["1.0", "2.5"]),
        (pd.Series([0.1, 1e-7], dtype="float32"), ["0.1", "1e-07"]),
        (pd.Series([True, None], dtype="boolean"), ["True", ""]),
        (pd.Series(pd.to_datetime(["2024-01-02", None])), ["2024-01-02", ""]),
        (
            pd.Series(pd.to_datetime(["2024-01-02", "2024-01-02 03:04"], format="ISO8601")),
            ["2024-01-02T00:00:00", "2024-01-02T03:04:00"],
        ),
        (pd.Series(["a", None], dtype="str"), ["a", ""]),
    ],
)
def test_any_column_can_be_the_text(values: pd.Series, texts: list[str], tmp_path: Path) -> None:
    table = Table(pd.DataFrame({"n": values, "other": ["x", "y"]}), "CSV")
    dataset = make_dataset(table, "n", "other")
    assert dataset.texts == texts
    dataset.save(tmp_path)
    assert Dataset.load(tmp_path).texts == texts
    assert dataset.text(0) == texts[0]


def test_labels_of_added_rows_are_written_as_those_that_there_are() -> None:
    old = Dataset(pd.DataFrame({"text": ["a", "b"], "label": [0.0, None]}), "text", "label")
    more = Dataset(pd.DataFrame({"text": ["c"], "label": pd.Series([1], dtype="int64")}), "text", "label")
    assert old.extended(more).frame["label"].fillna("").tolist() == ["0", "", "1"]


def test_extended_rows_come_after_and_columns_are_matched_by_name() -> None:
    old = Dataset(
        pd.DataFrame({"text": ["a", "b"], "label": ["x", None], "n": [1, 2], "yes": [True, False], "kind": ["k", "l"]}),
        "text",
        "label",
    )
    more = Dataset(
        pd.DataFrame({"message": ["c"], "text": ["theirs"], "topic": ["y"], "kind": [7], "size": [3]}),
        "message",
        "topic",
    )
    joined = old.extended(more)
    assert (joined.text_column, joined.label_column) == ("text", "label")
    assert joined.texts == ["a", "b", "c"]
    assert joined.frame["label"].tolist()[::2] == ["x", "y"]
    assert joined.frame["text (2)"].tolist()[2] == "theirs"
    assert joined.frame["n"].tolist()[:2] == [1, 2]
    assert str(joined.frame["n"].dtype) == "Int64", "whole numbers stay whole"
    assert joined.frame["n"].isna().tolist() == [False, False, True]
    assert joined.frame["yes"].tolist()[:2] == [True, False]
    assert joined.frame["kind"].tolist() == ["k", "l", "7"]
    assert joined.frame["size"].tolist()[2] == 3
    assert old.frame.columns.tolist() == ["text", "label", "n", "yes", "kind"], "what was there is as it was"
    assert more.frame.columns.tolist() == ["message", "text", "topic", "kind", "size"]


def test_extended_is_saved_and_read_again(tmp_path: Path) -> None:
    old = Dataset(pd.DataFrame({"text": ["a"], "at": pd.to_datetime(["2024-01-01"]), "n": [1]}), "text")
    more = Dataset(pd.DataFrame({"text": ["b"], "at": ["yesterday"]}), "text")
    joined = old.extended(more)
    joined.save(tmp_path)
    again = Dataset.load(tmp_path)
    assert again.texts == ["a", "b"]
    assert again.frame["at"].tolist() == ["2024-01-01", "yesterday"]
    assert again.frame["n"].tolist()[0] == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "dtype", "values"),
    [
        ([1, 2], pd.array([3, None], "Int64"), "Int64", [1, 2, 3, None]),
        ([1, 2], [0.5], "float64", [1.0, 2.0, 0.5]),
        (pd.array([1, None], "Int64"), [0.5], "float64", [1.0, None, 0.5]),
        ([2**60], [0.5], "str", [str(2**60), "0.5"]),
        ([1, 2], ["x"], "str", ["1", "2", "x"]),
    ],
)
def test_numbers_stay_numbers_when_rows_are_added(ours, theirs, dtype, values):
    def of(column):
        texts = pd.Series(["a"] * len(column), dtype="str")
        return Dataset(pd.DataFrame({"text": texts, "n": column}), "text")

    column = of(ours).extended(of(theirs)).frame["n"]
    assert column.dtype == dtype
    assert [None if pd.isna(value) else value for value in column] == values
