"""Columns of yes, no and unknown."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from labelling.readers import ReadError, guess_label_value_columns, read_label_values, read_table
from tests.readers.helpers import DATA

NAN = np.nan


def equal(label_values: pd.DataFrame, **columns: list[float]) -> None:
    pd.testing.assert_frame_equal(
        label_values, pd.DataFrame(columns, index=label_values.index, dtype=float), check_like=True
    )


def test_objects_of_labels_as_jsonl_has_them() -> None:
    lines = ['{"text": "a b", "cats": {"x": 1}}', '{"text": "c d", "cats": {"x": 0, "y": true}}', '{"text": "e f"}']
    frame = read_table("\n".join(lines).encode(), "a.jsonl").frame
    assert guess_label_value_columns(frame) == ["cats"]
    equal(read_label_values(frame, ["cats"]), x=[1, 0, NAN], y=[NAN, 1, NAN])


@pytest.mark.parametrize(
    "values",
    [
        ["yes", "No", " ", "unknown"],
        [1, 0, None, NAN],
        [True, False, None, None],
        ["1", "0", "", "?"],
        ["Y", "n", None, ""],
    ],
)
def test_a_column_for_one_label(values: list) -> None:
    frame = pd.DataFrame({"refund": pd.Series(values, dtype=object)})
    equal(read_label_values(frame, ["refund"]), refund=[1, 0, NAN, NAN])


def test_the_columns_of_an_export_are_guessed_and_called_after_their_labels() -> None:
    frame = pd.DataFrame(
        {"text": ["a", "b"], "cats": ['{"a b": 1}', ""], "label: a b": ["yes", "no"], "label": ["", ""]}
    )
    assert guess_label_value_columns(frame) == ["label: a b"]
    equal(read_label_values(frame, ["label: a b"]), **{"a b": [1, 0]})


def test_what_is_no_answer_is_not_guessed() -> None:
    frame = pd.DataFrame({"score": ['{"x": 0.3}'], "list": ["[1]"], "words": ["{no json"], "none": [None], "n": [1]})
    assert guess_label_value_columns(frame) == []


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"a": ["yes", "perhaps"]}, "row 2 has 'perhaps'.*Allowed are yes, no"),
        ({"a": [1.0, 0.5]}, "row 2 has '0.5'"),
        ({"a": ['{"x": 1}', "{broken"]}, "can't be read as yes or no"),
        ({"a": ['{"x": 1}'] * 1000 + ['{"x": 2}']}, "row 1,001: the label 'x' must be 1 .yes., 0 .no. or null"),
        ({"a": ['{"x": 1}'] * 1000 + ["x"]}, "row 1,001: 'x' is no object"),
        ({"x": [1], "label: x": [0]}, "Two columns hold answers for the label 'x'"),
    ],
)
def test_bad_answers_are_said(frame: dict, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read_label_values(pd.DataFrame(frame), list(frame))


def test_no_columns_are_no_answers() -> None:
    label_values = read_label_values(pd.DataFrame({"a": [1, 2]}), [])
    assert label_values.shape == (2, 0)


@pytest.mark.parametrize(
    ("values", "label_values"),
    [
        ([["x", "y"], ["x"], [], None], {"x": [1, 1, NAN, NAN], "y": [1, NAN, NAN, NAN]}),
        ([["x", "x", "y"], [None, "y"], [""], ["x"]], {"x": [1, NAN, NAN, 1], "y": [1, 1, NAN, NAN]}),
        ([[1, 2], [2.0], [], [1]], {"1": [1, NAN, NAN, 1], "2": [1, 1, NAN, NAN]}),
        (["x", {"choices": ["x", "y"]}, None, ""], {"x": [1, 1, NAN, NAN], "y": [NAN, 1, NAN, NAN]}),
        (["x", ["x", "y"], "y", None], {"x": [1, 1, NAN, NAN], "y": [NAN, 1, 1, NAN]}),
        (["['x', 'y']", "[]", "['y']", ""], {"x": [1, NAN, NAN, NAN], "y": [1, NAN, 1, NAN]}),
        (["['x' 'y']", "[]", "['y']", ""], {"x": [1, NAN, NAN, NAN], "y": [1, NAN, 1, NAN]}),
        ([["e\u0301", "y"], ["\u00e9"], [], None], {"\u00e9": [1, 1, NAN, NAN], "y": [1, NAN, NAN, NAN]}),
        ([["long " * 15, "y"], ["longer" * 10], [], None], None),
    ],
)
def test_a_name_in_a_list_is_a_yes_and_all_others_are_unknown(values: list, label_values: dict | None) -> None:
    lines = [json.dumps({"text": "a b", "label": value}) for value in values]
    for data, name in (
        ("\n".join(lines).encode(), "a.jsonl"),
        (
            pd.DataFrame({"text": "a b", "label": [v if v is not None else "" for v in values]}).to_csv().encode(),
            "a.csv",
        ),
    ):
        frame = read_table(data, name).frame
        assert guess_label_value_columns(frame) == ["label"]
        found = read_label_values(frame, ["label"])
        if label_values is None:
            assert found.sum().tolist() == [1, 1, 1]
        else:
            equal(found, **label_values)


@pytest.mark.parametrize(
    ("columns", "guessed"),
    [
        ({"label": [["x"], ["y"]]}, []),
        ({"label": [[], []]}, []),
        ({"tags": [["x", "y"], ["x"]], "tokens": [["a", "b"], ["c", "d"]]}, ["tags"]),
        ({"kinds": [["x", "y"], ["x"]]}, ["kinds"]),
        ({"label": ["x", "y"], "tokens": [["a", "b"], ["c", "d"]]}, []),
        ({"kinds": [["x", "y"], ["x"]], "kinds.users": [["u", "v"], ["u"]]}, ["kinds"]),
        ({"label": [["x", "y"], ["x"]], "cats": [{"x": 1, "y": 0}, {"x": 1}]}, ["cats"]),
        ({"label": [[[0, 5, "PER"], [6, 9, "LOC"]], []]}, []),
        ({"label": [{"choices": ["x", "y"]}, "x"]}, ["label"]),
        ({"note": ["[1, 2] is a list", "x"]}, []),
        ({"note": ["[1, 2]", "a sentence"]}, []),
        ({"label": [["x" * 90, "y"], []]}, []),
    ],
)
def test_which_lists_are_guessed(columns: dict, guessed: list[str]) -> None:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    frame = read_table(json.dumps([{"text": "a b", **row} for row in rows]).encode(), "a.json").frame
    assert guess_label_value_columns(frame) == guessed


def test_lists_that_are_no_labels_are_said() -> None:
    frame = pd.DataFrame({"label": ['["x", "y"]', '[[0, 5, "PER"]]']})
    with pytest.raises(ReadError, match=r"row 2: .*PER.* is no list of labels"):
        read_label_values(frame, ["label"])
    frame = pd.DataFrame({"label": [json.dumps([f"a{k}", f"b{k}"]) for k in range(600)]})
    with pytest.raises(ReadError, match="more than 1,000 different labels"):
        read_label_values(frame, ["label"])


def test_many_rows_are_read_in_no_time() -> None:
    frame = pd.DataFrame({"list": ['["x", "y"]'] * 100_000, "cats": ['{"x": 1, "y": 0}'] * 100_000}, dtype="str")
    start = time.process_time()
    for column in frame:
        assert read_label_values(frame, [column])["x"].sum() == 100_000
    assert time.process_time() - start < 15


def test_class_labels_in_lists_as_datasets_writes_them() -> None:
    frame = read_table((DATA / "formats/hf_multi.parquet").read_bytes(), "a.parquet").frame
    assert guess_label_value_columns(frame) == ["cats"]
    equal(
        read_label_values(frame, ["label"]),
        card=[1, 1, NAN, NAN, NAN, NAN, NAN, 1],
        refund=[NAN, NAN, 1, 1, NAN, NAN, NAN, 1],
    )
    assert read_label_values(frame, ["cats"])["card"].tolist()[:3] == [1, 1, 0]
