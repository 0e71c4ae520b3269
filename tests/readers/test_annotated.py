"""What several people said of a text, in Label Studio's tasks and Argilla's records; spaCy's DocBin."""

import json
import struct
import zlib

import numpy as np
import pytest

from labelling.formats.docbin import _packed
from labelling.readers import ReadError, Table, guess_label_value_columns, read_label_values, read_labels, read_table
from labelling.readers.docbin import hash_of, unpacked
from tests.readers.helpers import DATA

NAN = np.nan


def table_of(rows: list[dict]) -> Table:
    return read_table(json.dumps(rows).encode(), "a.json")


def said(table: Table, part: str) -> bool:
    return any(part in note for note in table.notes)


# ---------------------------------------------------------------- Label Studio


def chosen(*names: str, control: str = "label") -> dict:
    value = {"choices": list(names)}
    return {"from_name": control, "to_name": "text", "type": "choices", "value": value}


def task(text: str, *annotations: list, skipped: int = 0, **data: object) -> dict:
    given = [{"result": result, "was_cancelled": False} for result in annotations]
    given += [{"result": [chosen("x")], "was_cancelled": True}] * skipped
    return {"id": 7, "data": {"text": text, **data}, "annotations": given, "predictions": []}


def test_label_studio_one_choice_a_text() -> None:
    rows = [
        task("a b", [chosen("x")], channel="mail"),
        task("c d", [chosen("x")], [chosen("y")], channel="chat"),
        task("e f", [chosen("y")], [chosen("y")]),
        task("g h", skipped=1),
        task("i j"),
    ]
    table = table_of(rows)
    assert table.frame["text"].tolist() == ["a b", "c d", "e f", "g h", "i j"]
    assert table.frame["channel"].tolist()[:2] == ["mail", "chat"]
    assert read_labels(table.frame, "label") == ["x", None, "y", None, None]
    assert table.frame["disagreement"].fillna("").tolist() == ["", "yes", "", "", ""]
    assert said(table, "A Label Studio data set: 5 tasks.")
    assert said(table, "1 text on which annotators disagree came in without")
    assert said(table, "1 annotation that was skipped")


def test_label_studio_several_choices_a_text() -> None:
    rows = [
        task("a b", [chosen("x", "y")], [chosen("y", "x")], corral_no=["z"]),
        task("c d", [chosen("z")], corral_no=["z", "x"]),
        task("e f", []),
    ]
    frame = table_of(rows).frame
    assert guess_label_value_columns(frame) == ["cats"]
    found = read_label_values(frame, ["cats"])
    np.testing.assert_array_equal(found["x"], [1, 0, NAN])
    np.testing.assert_array_equal(found["y"], [1, NAN, NAN])
    np.testing.assert_array_equal(found["z"], [0, 1, NAN])


def test_label_studio_two_controls_are_two_columns() -> None:
    frame = table_of([task("a b", [chosen("x"), chosen("5", control="stars")]), task("c d", [chosen("y")])]).frame
    assert read_labels(frame, "label") == ["x", "y"]
    assert read_labels(frame, "stars") == ["5", None]


def test_label_studio_marked_parts_are_refused() -> None:
    marked = {"from_name": "ner", "type": "labels", "value": {"start": 0, "end": 1, "labels": ["PER"]}}
    with pytest.raises(ReadError, match=r"Label Studio export with 1 task, which holds no choices, but 'labels'"):
        table_of([task("a b", [marked])])
    both = table_of([task("a b", [marked, chosen("x")])])
    assert said(both, "'labels', nothing was taken")


# ---------------------------------------------------------------- Argilla


def record(text: str, *answers: tuple) -> dict:
    given = [{"value": value, "user_id": str(n), "status": status} for n, (value, status) in enumerate(answers)]
    return {"id": "a", "fields": {"text": text}, "metadata": {"n": 1}, "responses": {"mood": given} if given else {}}


def test_argilla_records_whose_status_is_told() -> None:
    rows = [
        record("a b", ("x", "submitted"), ("y", "draft")),
        record("c d", ("x", "submitted"), ("y", "submitted")),
        record("e f", ("y", "discarded")),
        record("g h"),
    ]
    table = table_of(rows)
    assert read_labels(table.frame, "mood") == ["x", None, None, None]
    assert table.frame["n"].tolist() == [1] * 4
    assert said(table, "An Argilla data set: 4 records.")
    assert said(table, "2 answers that were drafts or discarded")
    assert table.frame["disagreement"].fillna("").tolist() == ["", "yes", "", ""]


def test_argilla_answers_that_are_no_labels_are_refused() -> None:
    with pytest.raises(ReadError, match="are no labels of whole texts"):
        table_of([record("a b", ([{"start": 0, "end": 1, "label": "x"}], "submitted"))])


# ---------------------------------------------------------------- spaCy


def docbin(given: list[dict], **changed: object) -> bytes:
    words = [hash_of("a"), hash_of("b")]
    content = {
        "version": "0.1", "attrs": [65], "tokens": struct.pack("<2Q", *words) * len(given),
        "spaces": b"\1\0" * len(given), "lengths": struct.pack("<i", 2) * len(given), "strings": ["a", "b"],
        "cats": given, **changed,
    }  # fmt: skip
    return zlib.compress(_packed(content))


def test_spacys_hashes_are_those_in_a_file_of_spacys() -> None:
    found = unpacked((DATA / "formats" / "spacy_train.spacy").read_bytes())
    assert found
    words = np.frombuffer(found["tokens"], "<u8").tolist()
    assert words[:4] == [hash_of(word) for word in ("my", "card", "was", "stolen")]
    assert hash_of("") == 0


def test_docs_with_every_label_and_one_of_them_have_one_label() -> None:
    table = read_table(docbin([{"x": 1.0, "y": 0.0}, {"x": 0.0, "y": 1.0}]), "a.spacy")
    assert read_labels(table.frame, "label") == ["x", "y"]
    assert table.frame["text"].tolist() == ["a b", "a b"]
    assert said(table, "A spaCy data set: 2 docs, 2 with cats.")


def test_docs_with_some_labels_have_answers() -> None:
    frame = read_table(docbin([{"x": 1.0, "y": 1.0}, {"x": 0.0}, {}]), "a").frame
    found = read_label_values(frame, guess_label_value_columns(frame))
    np.testing.assert_array_equal(found["x"], [1, 0, NAN])
    np.testing.assert_array_equal(found["y"], [1, NAN, NAN])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (docbin([{"x": 0.7}]), r"in doc 1 'x' is 0\.7, as a model writes it"),
        (docbin([{"x": 1.0}])[:-9], "damaged"),
        (docbin([{"x": 1.0}], tokens=b"\0" * 8), "can't be read: its docs have other tokens"),
        (docbin([{"x": 1.0}], strings=["a"]), "can't be read"),
        (docbin([{"x": 1.0}], cats=[{}] * 3), "cats for other docs"),
        (docbin([{"x": 1.0}], attrs=[1]), "can't be read"),
        (zlib.compress(b"\x89\xa7version\xa30.1\xa5attrs" + b"\x91" * 100), "damaged"),
        (zlib.compress(b"\x89\xa7version\xa30.1\xa5attrs" + b"\xdd\xff\xff\xff\xff"), "damaged"),
    ],
)
def test_a_docbin_that_can_not_be_read_rightly(data: bytes, message: str) -> None:
    with pytest.raises(ReadError, match=message):
        read_table(data, "a.spacy")


def test_a_docbin_of_very_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelling.readers.docbin._MAX_VALUES", 100)
    with pytest.raises(ReadError, match="holds more than can be read"):
        read_table(docbin([{}] * 20), "a.spacy")
