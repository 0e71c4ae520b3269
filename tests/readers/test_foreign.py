"""Other tools' files: read as they are meant, or refused with the way out."""

import io
import json
import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from labelling.readers import (
    ReadError,
    Table,
    guess_label_column,
    guess_label_value_columns,
    guess_labels,
    guess_text_column,
    make_dataset,
    read_label_values,
    read_labels,
    read_pasted,
    read_table,
)
from tests.readers.helpers import DATA

NAN = np.nan
FORMATS = DATA / "formats"


def read(name: str) -> Table:
    return read_table((FORMATS / name).read_bytes(), name)


def jsonl(rows: list[dict]) -> Table:
    return read_table("\n".join(map(json.dumps, rows)).encode(), "a.jsonl")


def label_values_of(table: Table) -> dict[str, list[float]]:
    columns = guess_label_value_columns(table.frame)
    assert columns == ["cats"]
    found = read_label_values(table.frame, columns)
    return {name: found[name].tolist() for name in sorted(found)}


def same(found: dict[str, list[float]], expected: dict[str, list[float]]) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def said(table: Table, part: str) -> bool:
    return any(part in note for note in table.notes)


# ---------------------------------------------------------------- Prodigy


@pytest.mark.parametrize("name", ["prodigy_textcat_binary.jsonl", "prodigy_db_out_teach.jsonl"])
def test_prodigy_a_reject_is_a_no(name: str) -> None:
    table = read(name)
    same(label_values_of(table), {"card": [1, 1, 0, NAN, 0], "refund": [0, 1, 1, 1, 0]})
    assert table.frame["text"].tolist()[:2] == ["my card was stolen", "card lost in town"]
    assert said(table, "A Prodigy data set: 6 accepted, 4 rejected, 0 ignored.")
    assert said(table, "10 rows about 5 texts")
    assert json.loads(table.frame["meta"][0])


def binary(*rows: tuple) -> list[dict]:
    return [{"text": text, "label": label, "answer": answer} for text, label, answer in rows]


@pytest.mark.parametrize(
    ("rows", "answers", "notes"),
    [
        (
            binary(("a b", "x", "accept"), ("c d", "x", "reject"), ("e f", "x", "ignore")),
            {"x": [1, 0, NAN]},
            ["1 accepted, 1 rejected, 1 ignored"],
        ),
        (
            binary(("a b", "x", "accept"), ("a b", "x", "reject"), ("a b", "y", "reject"), ("c d", "x", "accept")),
            {"x": [NAN, 1], "y": [0, NAN]},
            ["4 rows about 2 texts", "The answers about 1 pair of text and label contradict"],
        ),
        (
            binary(("a b", "x", "ignore"), ("a b", "x", "accept"), ("c d", "y", None)),
            {"x": [1, NAN]},
            ["1 accepted, 0 rejected, 1 ignored, 1 not answered"],
        ),
        (binary(("a b", None, "accept"), ("c d", "x", "reject")), {"x": [NAN, 0]}, ["1 accepted, 1 rejected"]),
        (binary(("a b", "e\u0301", "accept"), ("a b", "\u00e9", "accept")), {"\u00e9": [1]}, ["2 rows about 1 text"]),
    ],
)
def test_prodigy_answers_about_one_label(rows: list, answers: dict, notes: list[str]) -> None:
    for table in (
        jsonl(rows),
        read_pasted("\n".join(map(json.dumps, rows))),
        read_table(pd.DataFrame(rows).to_csv(index=False).encode(), "a.csv"),
        read_table(pd.DataFrame(rows).to_csv(index=False, sep="\t").encode(), "a.tsv"),
    ):
        same(label_values_of(table), answers)
        assert all(said(table, note) for note in notes)


def test_prodigy_rows_of_a_text_keep_what_was_answered_and_the_first_rows_values() -> None:
    rows = binary(("a b", "x", "ignore"), ("c d", "x", "accept"), ("a b", "x", "reject"), ("", "x", "accept"))
    rows = [{**row, "meta": {"k": k}, "n": k} for k, row in enumerate([*rows, {**rows[-1]}])]
    table = jsonl(rows)
    assert table.frame["text"].tolist() == ["a b", "c d", "", ""], "rows without a text are about nothing in common"
    assert table.frame["n"].tolist() == [0, 1, 3, 4]
    assert json.loads(table.frame["answer"][0]) == {"x": ["ignore", "reject"]}
    assert json.loads(table.frame["meta"][2]) == {"k": 3}


def choice(text: str, accept: list, answer: str | None, style: str | None = None, options: tuple = ("x", "y")) -> dict:
    row = {"text": text, "options": [{"id": o, "text": f"It is {o}"} for o in options], "accept": accept}
    row |= {"answer": answer} if answer else {}
    return row | ({"config": {"choice_style": style}} if style else {})


@pytest.mark.parametrize("style", [None, "single"])
def test_prodigy_choices_of_one_option_are_labels(style: str | None) -> None:
    rows = [("a b", ["x"], "accept"), ("c d", ["y"], "accept"), ("e f", ["y"], "reject"), ("g h", [], "ignore")]
    table = jsonl([choice(*row, style) for row in rows])
    assert guess_label_value_columns(table.frame) == []
    assert read_labels(table.frame, "label") == ["x", "y", None, None]
    assert table.frame["answer"].tolist() == ["accept", "accept", "reject", "ignore"]
    assert said(table, "2 accepted, 1 rejected, 1 ignored")
    assert said(table, "says nothing certain")


def test_prodigy_choices_of_one_option_that_contradict_each_other() -> None:
    table = jsonl([choice("a b", ["x"], "accept"), choice("a b", ["y"], "accept"), choice("c d", ["y"], "accept")])
    assert read_labels(table.frame, "label") == [None, "y"]
    assert said(table, "contradict each other: unknown")


@pytest.mark.parametrize(
    ("rows", "answers"),
    [
        (
            [("a b", ["x", "y"], "accept"), ("c d", ["x"], "accept"), ("e f", [], "accept")],
            {"x": [1, 1, 0], "y": [1, 0, 0]},
        ),
        (
            [("a b", ["x", "y"], "accept"), ("c d", ["x"], "reject"), ("e f", ["x"], "ignore")],
            {"x": [1, NAN, NAN], "y": [1, NAN, NAN]},
        ),
        ([("a b", ["x"], "accept", "multiple"), ("c d", ["y"], "accept", "multiple")], {"x": [1, 0], "y": [0, 1]}),
        ([("a b", ["x", "y"], "accept"), ("a b", ["x"], "accept")], {"x": [1]}),
    ],
)
def test_prodigy_choices_of_several_options(rows: list, answers: dict) -> None:
    same(label_values_of(jsonl([choice(*row) for row in rows])), answers)


def test_prodigy_options_with_numbers_are_called_by_their_texts() -> None:
    table = jsonl([choice("a b", [1], "accept", None, (1, 2)), choice("c d", [2], "accept", None, (1, 2))])
    assert read_labels(table.frame, "label") == ["It is 1", "It is 2"]


def test_prodigy_the_example_of_choices() -> None:
    table = read("prodigy_textcat_exclusive.jsonl")
    assert read_labels(table.frame, "label") == ["card", "card", "refund", "refund"]
    assert said(table, "5 accepted")


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": "a b", "label": "x"}, {"text": "a b", "label": "y"}],
        [{"text": "a b", "answer": "accept"}, {"text": "a b", "answer": "reject"}],
        [{"text": "a b", "label": [[0, 1, "PER"]], "answer": "accept"}] * 2,
        [{"n": 1, "label": "x", "answer": "accept"}] * 2,
    ],
)
def test_what_is_not_prodigys_stays_as_it_is(rows: list[dict]) -> None:
    table = jsonl(rows)
    assert len(table.frame) == 2
    assert list(table.frame.columns) == list(rows[0])
    assert not said(table, "Prodigy")


def test_prodigy_a_stream_that_nobody_answered_stays_as_it_is() -> None:
    table = read("prodigy_stream_with_suggestions.jsonl")
    assert (len(table.frame), "label" in table.frame, "cats" in table.frame) == (2, False, False)


# ---------------------------------------------------------------- tools that are read


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("doccano_doccano_export.jsonl", ["card", "card", "refund", "refund", None, None, None, "card"]),
        ("argilla_export_flat.json", ["card", "card", "refund", "refund", None, None, None, "card"]),
        ("argilla_hub.parquet", ["card", "card", "refund", "refund", None, None, None, "card"]),
        ("labelstudio_export_single_json_min.json", ["card", "card", "refund", "refund", None, None, None, "card"]),
        ("hf.parquet", ["card", "card", "refund", "refund", None, None, None, "card"]),
        ("labelstudio_tasks_single.json", ["card", "card", "refund", "refund", None, None, None, "card"]),
        ("doccano_export.zip", ["card", "card", "refund", "refund", None, None, None, "card"]),
        ("spacy_train.spacy", ["card", "card", "refund", "refund", "card"]),
        ("fasttext_train.txt", ["card", "card", "refund", "refund", "card"]),
    ],
)
def test_tools_that_give_one_label(name: str, labels: list) -> None:
    table = read(name)
    text = guess_text_column(table.frame)
    assert (text, guess_label_column(table.frame, text)) == ("text", "label")
    assert read_labels(table.frame, "label") == labels
    assert guess_label_value_columns(table.frame) == []
    assert make_dataset(table, text, "label").texts[0] == "my card was stolen"


@pytest.mark.parametrize(
    "name",
    ["doccano_doccano_multi.jsonl", "labelstudio_export_multiple_csv.csv", "labelstudio_export_multiple_json_min.json"],
)
def test_tools_that_give_several_labels(name: str) -> None:
    frame = read(name).frame
    assert guess_label_value_columns(frame) == ["label"]
    found = read_label_values(frame, ["label"])
    np.testing.assert_array_equal(found["card"], [1, 1, NAN, NAN, NAN, NAN, NAN, 1])
    np.testing.assert_array_equal(found["refund"], [NAN, NAN, 1, 1, NAN, NAN, NAN, 1])


@pytest.mark.parametrize(
    ("lines", "texts", "labels"),
    [
        (["__label__x a b", " __label__y  c d", "no label"], ["a b", " c d", "no label"], ["x", "y", None]),
        (["__label__x", "__label__y c"], ["", "c"], ["x", "y"]),
        (["__label__x __label__y a", "__label__x b"], ["a", "b"], ['["x", "y"]', '["x"]']),
        (["a text about __label__x", "c d"], ["a text about __label__x", "c d"], None),
    ],
)
def test_fasttext(lines: list[str], texts: list[str], labels: list | None) -> None:
    for table in (read_table("\n".join(lines).encode(), "train.txt"), read_pasted("\n".join(lines))):
        assert table.frame["text"].tolist() == texts
        found = table.frame["label"].astype(object) if "label" in table.frame else None
        assert (None if found is None else found.where(found.notna(), None).tolist()) == labels


def test_fasttext_that_is_named_as_a_table() -> None:
    with pytest.raises(ReadError, match=r"fastText's.*Name it \.txt"):
        read_table(b"__label__x a b, and c\n__label__y d e, and f\n", "train.csv")


def test_doccano_joins_labels_in_its_csv() -> None:
    table = read_table(b"id,text,Comments,label\n1,a b,,x\n2,c d,,x#y\n3,e f,,\n4,g h,,C#\n", "a.csv")
    found = read_label_values(table.frame, guess_label_value_columns(table.frame))
    np.testing.assert_array_equal(found["x"], [1, 1, NAN, NAN])
    np.testing.assert_array_equal(found["y"], [NAN, 1, NAN, NAN])
    assert found["C#"][3] == 1
    assert said(table, "taken apart in 1 row")
    other = read_table(b"id,text,label\n1,a b,x\n2,c d,x#y\n", "a.csv")
    assert read_labels(other.frame, "label") == ["x", "x#y"]


def test_what_doccano_imports_is_told_by_lists_of_names_for_each_text() -> None:
    rows = [{"text": "a b", "label": ["x"]}, {"text": "c d", "label": []}, {"text": "e f", "label": ["y"]}]
    table = jsonl(rows)
    assert said(table, "A doccano data set: 3 texts, 2 with a label")
    assert guess_labels(table) == ("label", [])
    assert guess_labels(jsonl([*rows, {"text": "g h", "label": ["x", "y"]}])) == (None, ["label"])
    for other in ([[0, 1, "x"]], "x", None, {"choices": ["x"]}):
        assert not said(jsonl([*rows, {"text": "g h", "label": other}]), "doccano")


def argilla(responses: list, status: list, **more: object) -> dict:
    return {"text": "a b", "mood.responses": responses, "mood.responses.status": status, **more}


def test_argilla_only_submitted_answers_count() -> None:
    table = jsonl(
        [
            argilla(["x"], ["submitted"]),
            argilla(["x", "x"], ["submitted", "submitted"]),
            argilla(["x", "y"], ["submitted", "draft"]),
            argilla(["x", "y"], ["submitted", "submitted"]),
            argilla(["x"], ["discarded"]),
            argilla(None, None),
        ]
    )
    assert read_labels(table.frame, "mood") == ["x", "x", "x", None, None, None]
    assert said(table, "'mood' holds the submitted answers of 3 texts; 1 text on which annotators disagree")
    assert said(table, "2 answers that were drafts or discarded")
    assert guess_label_value_columns(table.frame) == []


def test_argilla_several_labels_of_a_text() -> None:
    table = jsonl(
        [
            argilla([["x", "y"]], ["submitted"], mood="a column of theirs"),
            argilla([["x", "y"], ["y", "x"]], ["submitted"] * 2, mood="b"),
            argilla([["x"], ["y"]], ["submitted"] * 2, mood="c"),
        ]
    )
    assert table.frame["mood"].tolist() == ["a column of theirs", "b", "c"]
    found = read_label_values(table.frame, ["mood (submitted)"])
    np.testing.assert_array_equal(found["x"], [1, 1, NAN])


def test_argilla_noes_that_went_along_come_back() -> None:
    rows = [
        {"text": "a b", "label.responses": [["x"]], "label.responses.status": ["submitted"], "corral_no": ["x", "y"]},
        {"text": "c d", "label.responses": None, "label.responses.status": None, "corral_no": ["y"]},
        {"text": "e f", "label.responses": [["y"]], "label.responses.status": ["draft"], "corral_no": None},
    ]
    found = read_label_values(jsonl(rows).frame, ["cats"])
    np.testing.assert_array_equal(found[["x", "y"]], [[1, 0], [NAN, 0], [NAN, NAN]])


# ---------------------------------------------------------------- tools that are refused


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("argilla_records.json", r"8 records of Argilla.*'text'.*to_datasets\(\)\.to_parquet"),
    ],
)
def test_what_can_not_be_read_rightly_is_refused_with_the_way_out(name: str, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read(name)


def test_arrow_files_are_refused() -> None:
    table = pa.table({"text": ["a"]})
    for new in (pa.ipc.new_stream, pa.ipc.new_file):
        out = io.BytesIO()
        with new(out, table.schema) as writer:
            writer.write_table(table)
        with pytest.raises(ReadError, match=r"Arrow file.*to_parquet"):
            read_table(out.getvalue(), "data.arrow")


def test_a_text_that_begins_as_packed_data_does_is_read() -> None:
    assert read_table(b"x^2 is a square\nx^3 is none\n", "a.txt").frame["text"].tolist()[0] == "x^2 is a square"
    with pytest.raises(ReadError, match="packed with zlib"):
        read_table(zlib.compress(b"abc" * 100), "a.csv")


# ---------------------------------------------------------------- texts inside objects


@pytest.mark.parametrize(
    ("rows", "column", "columns"),
    [
        ([{"data": {"text": "a b", "n": 1}}, {"data": {"text": "c d", "n": 2}}], "data.text", ["data.text", "data.n"]),
        ([{"id": 1, "doc": {"body": "a b"}}, {"id": 2, "doc": {"body": "c d"}}], "doc.body", ["id", "doc.body"]),
        ([{"data": {"text": "a b"}}, {"data": {"text": "c d", "n": 2}}], "data.text", ["data.text", "data.n"]),
        (
            [{"data": {"text": "a b"}, "annotations": []}, {"data": {"text": "c d"}, "annotations": []}],
            "data.text",
            None,
        ),
        ([{"data": {"text": "[deleted]"}}, {"data": {"text": "5"}}], "data.text", ["data.text"]),
    ],
)
def test_fields_of_objects_become_columns_where_the_texts_are_there(
    rows: list[dict], column: str, columns: list[str] | None
) -> None:
    table = read_table(json.dumps(rows).encode(), "a.json")
    assert guess_text_column(table.frame) == column
    assert columns is None or list(table.frame.columns) == columns
    assert make_dataset(table, column).texts == [next(iter(row[column.split(".")[0]].values())) for row in rows]
    assert said(table, "The texts are inside")


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": "a b", "data": {"text": "x y"}}],
        [{"n": 1, "data": {"m": 5}}],
        [{"n": 1, "data": [{"text": "x y"}]}],
        [{"n": 1, "data": {"text": "a b"}}, {"n": 1, "data": [5]}],
    ],
)
def test_other_objects_stay_json(rows: list[dict]) -> None:
    table = read_table(json.dumps(rows).encode(), "a.json")
    assert list(table.frame.columns) == list(rows[0])
    assert said(table, "Kept beside the texts as JSON")


def test_marked_parts_of_texts_are_said() -> None:
    table = jsonl([{"text": "a b", "label": [[0, 1, "PER"]]}, {"text": "c d", "label": []}])
    assert said(table, "Marked parts of the texts, which are no labels of whole texts, are in 'label'")
    assert guess_label_column(table.frame, "text") is None
    with pytest.raises(ReadError, match="marked parts"):
        read_labels(table.frame, "label")


def test_fields_of_one_name_in_two_columns() -> None:
    table = read_table(
        b'{"a": {"text": "a long first text"}, "b": {"text": "a long second text"}, "n": 1}\n', "a.jsonl"
    )
    assert list(table.frame.columns) == ["a.text", "b.text", "n"]


@pytest.mark.parametrize("odd", ["skip", "Rejected", "yes"])
def test_an_answer_that_prodigy_does_not_give_is_refused_rather_than_taken_for_a_yes(odd: str) -> None:
    rows = [{"text": "a b", "label": "A", "answer": "reject"}, {"text": "c d", "label": "A", "answer": odd}]
    with pytest.raises(ReadError, match=f"data set of Prodigy, but in row 2 the answer is '{odd}'"):
        read_table("\n".join(map(json.dumps, rows)).encode(), "a.jsonl")
