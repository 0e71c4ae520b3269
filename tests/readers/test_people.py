"""Answers of several people in the files of other tools: what stands, who said what, and where they differ."""

import json

import pandas as pd
import pytest

from labelling.readers import Table, read_label_values, read_labels, read_people, read_table
from tests.readers.helpers import packed


def chosen(*names: str) -> list[dict]:
    value = {"choices": list(names)}
    return [{"from_name": "mood", "to_name": "text", "type": "choices", "value": value}] if names else []


def task(text: str, **said: str) -> dict:
    """A task of Label Studio: what the people said of it."""
    people = {"ann": {"id": 1, "email": "ann@example.org"}, "bob": 2, "cid": "cid"}
    given = [{"result": chosen(name), "completed_by": people[person]} for person, name in said.items()]
    return {"id": 1, "data": {"text": text}, "annotations": given}


def record(text: str, **said: str) -> dict:
    given = [{"value": name, "user_id": person, "status": "submitted"} for person, name in said.items()]
    return {"id": "a", "fields": {"text": text}, "metadata": {}, "responses": {"mood": given}}


def flat(text: str, **said: str) -> dict:
    """A row of what Argilla's to_datasets() gives."""
    given = {"": list(said.values()), ".status": ["submitted"] * len(said), ".users": list(said)}
    return {"text": text, **{f"mood.responses{part}": values for part, values in given.items()}}


TEXTS = {
    "a b": {"ann": "x", "bob": "x"},
    "c d": {"ann": "x", "bob": "y", "cid": "y"},
    "e f": {"ann": "x", "bob": "y"},
    "g h": {"cid": "y"},
}
STANDS = ["x", "y", None, "y"]


def jsonl(rows: list[dict]) -> Table:
    return read_table("\n".join(map(json.dumps, rows)).encode(), "a.jsonl")


@pytest.mark.parametrize(
    ("write", "people", "column"),
    [
        (task, {"ann": "ann@example.org", "bob": "annotator 2", "cid": "cid"}, "mood"),
        (record, {"ann": "ann", "bob": "bob", "cid": "cid"}, "mood"),
        (flat, {"ann": "ann", "bob": "bob", "cid": "cid"}, "mood"),
    ],
)
def test_what_most_said_stands_and_each_ones_answers_are_kept(write, people: dict, column: str) -> None:
    table = jsonl([write(text, **said) for text, said in TEXTS.items()])
    check(table, people, column)
    note = "2 texts on which annotators disagree bear what most said, but for 1 with a tie, which came in without"
    assert any(note in said for said in table.notes)
    assert any("3 people answered" in said for said in table.notes)


def check(table: Table, people: dict[str, str], column: str) -> None:
    frame = table.frame
    assert read_labels(frame, column) == STANDS
    assert frame["disagreement"].fillna("").tolist() == ["", "yes", "yes", ""]
    said = read_people(frame, column)
    assert said == {
        people[person]: [answers.get(person) for answers in TEXTS.values()] for person in ("ann", "bob", "cid")
    }


@pytest.mark.parametrize("key", ["_annotator_id", "_session_id"])
def test_prodigy_choices(key: str) -> None:
    options = [{"id": name, "text": name} for name in ("x", "y")]
    rows = [
        {"text": text, "options": options, "accept": [name], "answer": "accept", key: person}
        for text, said in TEXTS.items()
        for person, name in said.items()
    ]
    rows.append({"text": "g h", "options": options, "accept": [], "answer": "ignore", key: "ann"})
    table = jsonl(rows)
    check(table, {name: name for name in ("ann", "bob", "cid")}, "label")
    assert any("came in without" in note for note in table.notes)


def test_prodigy_answers_about_a_label() -> None:
    rows = [
        {"text": "a b", "label": "x", "answer": answer, "_annotator_id": person}
        for person, answer in (("ann", "accept"), ("bob", "reject"), ("cid", "accept"), ("dan", "ignore"))
    ]
    rows += [{"text": "c d", "label": "y", "answer": "accept", "_annotator_id": "ann"}]
    rows += [{"text": "c d", "label": "x", "answer": answer, "_annotator_id": person}
             for person, answer in (("ann", "reject"), ("bob", "accept"))]  # fmt: skip
    frame = jsonl(rows).frame
    values = read_label_values(frame, ["cats"])
    assert values["x"].fillna(-1).tolist() == [1, -1]
    assert values["y"].fillna(-1).tolist() == [-1, 1]
    assert frame["disagreement"].tolist() == ["yes", "yes"]
    said = read_people(frame, None, values.columns)
    assert {person: given.fillna(-1).to_numpy().tolist() for person, given in said.items()} == {
        "ann": [[1, -1], [0, 1]],
        "bob": [[0, -1], [1, -1]],
        "cid": [[1, -1], [-1, -1]],
    }


def test_lists_of_labels_are_settled_as_a_whole() -> None:
    given = {"ann": ["x", "y"], "bob": ["y", "x"], "cid": ["x"]}
    frame = jsonl([flat("a b", **given), flat("c d", ann=["z"])]).frame
    values = read_label_values(frame, ["mood"])
    assert values.fillna(-1).to_dict("list") == {"x": [1, -1], "y": [1, -1], "z": [-1, 1]}
    said = read_people(frame, None, values.columns)
    assert said["cid"].fillna(-1).to_numpy().tolist() == [[1, -1, -1], [-1, -1, -1]]


def test_one_person_or_nobody_who_is_named_is_no_column() -> None:
    for rows in ([task("a b", ann="x"), task("c d", ann="y")], [flat("a b", ann="x"), flat("c d")]):
        frame = jsonl(rows).frame
        assert not any("by person" in name for name in frame.columns)
        assert read_people(frame, "mood") == {}
    unnamed = {"id": 1, "data": {"text": "a b"}, "annotations": [{"result": chosen(name)} for name in ("x", "y", "y")]}
    frame = jsonl([unnamed, task("c d", ann="x")]).frame
    assert read_labels(frame, "mood") == ["y", "x"]
    assert not any("by person" in name for name in frame.columns)


def test_who_answers_twice_has_one_vote() -> None:
    given = [("ann", "x"), ("bob", "y"), ("ann", "y"), ("cid", "x"), ("cid", "x")]
    annotations = [{"result": chosen(name), "completed_by": person} for person, name in given]
    frame = jsonl([{"id": 1, "data": {"text": "a b"}, "annotations": annotations}, task("c d")]).frame
    assert read_labels(frame, "mood") == ["y", None]
    assert json.loads(frame["mood by person"][0]) == {"ann": "y", "bob": "y", "cid": "x"}


def test_doccanos_annotators_are_called_after_their_files() -> None:
    line = '{"id": %d, "text": "%s", "label": ["%s"], "Comments": []}'
    files = {"ann.jsonl": (line % (1, "a b", "x")).encode(), "bob.jsonl": (line % (1, "a b", "y")).encode()}
    frame = read_table(packed(files), "export.zip").frame
    assert read_people(frame, "label") == {"ann": ["x"], "bob": ["y"]}


def test_a_column_of_such_a_name_that_is_somebody_elses() -> None:
    frame = pd.DataFrame({"text": ["a b", "c d"], "mood": ["x", "y"], "mood by person": ["both", '{"ann": "x"}']})
    assert read_people(frame, "mood") == {}
    assert read_people(frame, "text") == {}
