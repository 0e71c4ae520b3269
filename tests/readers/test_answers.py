"""Columns of yes, no and unknown."""

import numpy as np
import pandas as pd
import pytest

from labelling.readers import ReadError, guess_answer_columns, read_answers, read_table

NAN = np.nan


def equal(answers: pd.DataFrame, **columns: list[float]) -> None:
    pd.testing.assert_frame_equal(answers, pd.DataFrame(columns, index=answers.index, dtype=float), check_like=True)


def test_objects_of_labels_as_jsonl_has_them() -> None:
    lines = ['{"text": "a b", "cats": {"x": 1}}', '{"text": "c d", "cats": {"x": 0, "y": true}}', '{"text": "e f"}']
    frame = read_table("\n".join(lines).encode(), "a.jsonl").frame
    assert guess_answer_columns(frame) == ["cats"]
    equal(read_answers(frame, ["cats"]), x=[1, 0, NAN], y=[NAN, 1, NAN])


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
    equal(read_answers(frame, ["refund"]), refund=[1, 0, NAN, NAN])


def test_the_columns_of_an_export_are_guessed_and_called_after_their_labels() -> None:
    frame = pd.DataFrame(
        {"text": ["a", "b"], "cats": ['{"a b": 1}', ""], "label: a b": ["yes", "no"], "label": ["", ""]}
    )
    assert guess_answer_columns(frame) == ["label: a b"]
    equal(read_answers(frame, ["label: a b"]), **{"a b": [1, 0]})


def test_what_is_no_answer_is_not_guessed() -> None:
    frame = pd.DataFrame({"score": ['{"x": 0.3}'], "list": ["[1]"], "words": ["{no json"], "none": [None], "n": [1]})
    assert guess_answer_columns(frame) == []


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
        read_answers(pd.DataFrame(frame), list(frame))


def test_no_columns_are_no_answers() -> None:
    answers = read_answers(pd.DataFrame({"a": [1, 2]}), [])
    assert answers.shape == (2, 0)
