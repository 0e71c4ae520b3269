"""A project of texts of which several people have said something, and texts added to one."""

import json
from dataclasses import replace

import numpy as np
import pytest

from labelling.readers import ReadError, make_dataset, read_label_values, read_table
from labelling.selection.filters import Filter
from labelling.session.labels import DISPUTED, Labels
from labelling.session.reviews import REVIEWS
from labelling.tasks.projects import add_texts, create_project
from labelling.workspace import Workspace
from labelling.workspace.spaces import OWN_MAP


def prodigy(answers: dict[str, dict[str, str]], *, about: bool = False) -> bytes:
    """JSONL of Prodigy: of each text who chose what; or who accepted or rejected the label x."""
    options = [{"id": name, "text": name} for name in ("x", "y")]
    rows = []
    for text, said in answers.items():
        for person, name in said.items():
            of = {"label": "x", "answer": name} if about else {"options": options, "accept": [name], "answer": "accept"}
            rows.append({"text": text, **of, "_annotator_id": person})
    return "\n".join(map(json.dumps, rows)).encode()


FIRST = {"a b": {"ann": "x", "bob": "x"}, "c d": {"ann": "x", "bob": "y"}, "e f": {"bob": "y"}}


def test_each_ones_labels_come_in_as_theirs(workspace: Workspace) -> None:
    dataset = make_dataset(read_table(prodigy(FIRST), "a.jsonl"), "text", "label")
    project = create_project(workspace, "mine", dataset, {}, who="me")
    log = project.open_log("me")
    assert [(action.who, action.n_rows) for action in log.actions] == [("ann", 2), ("bob", 3), ("me", 1)]
    assert log.names().tolist() == ["x", None, "y"]
    assert log.disputes() == {1: {"ann": "x", "bob": "y"}}

    labels = Labels(project, log)
    assert labels.states()[DISPUTED] == "people differ"
    assert labels.filtered(Filter((DISPUTED,))).tolist() == [False, True, False]
    assert labels.filtered(Filter(column="disagreement", values=("yes",))).tolist() == [False, True, False]

    more = make_dataset(read_table(prodigy({"g h": {"cid": "x", "bob": "y"}, "i j": {"cid": "z"}}), "b.jsonl"), "text")
    add_texts(project, replace(more, label_column="label"), who="me")
    log = project.open_log("me")
    assert log.names().tolist() == ["x", None, "y", None, "z"], "what was there stays as it was"
    assert log.disputes() == {1: {"ann": "x", "bob": "y"}, 3: {"cid": "x", "bob": "y"}}


def test_yes_and_no_too(workspace: Workspace) -> None:
    answers = {"a b": {"ann": "accept", "bob": "reject"}, "c d": {"ann": "accept", "bob": "accept"}}
    table = read_table(prodigy(answers, about=True), "a.jsonl")
    values = read_label_values(table.frame, ["cats"])
    project = create_project(workspace, "mine", make_dataset(table, "text"), {}, label_values=values, who="me")
    log = project.open_log("me")
    assert [(action.who, action.kind) for action in log.actions] == [
        ("ann", "import"),
        ("bob", "import"),
        ("me", "clear"),
    ]
    np.testing.assert_array_equal(log.frame()["x"], [np.nan, 1])
    assert log.disputes() == {0: {"ann": "x: yes", "bob": "x: no"}}
    assert Labels(project, log).filtered(Filter((DISPUTED,))).tolist() == [True, False]


def test_alone_nobody_differs(workspace: Workspace) -> None:
    dataset = make_dataset(read_table(b"text,label\na b,x\nc d,y\n", "a.csv"), "text", "label")
    project = create_project(workspace, "mine", dataset, {}, who="me")
    labels = Labels(project, project.open_log("me"))
    assert DISPUTED not in labels.states()
    assert "disagreements" in REVIEWS


def test_a_map_of_ones_own_is_the_same_in_all_spaces_and_takes_in_added_texts(workspace: Workspace) -> None:
    dataset = make_dataset(read_table(b"text,x,y\na b,1,5\nc d,2,7\n", "a.csv"), "text")
    with pytest.raises(ReadError, match="no column 'z'"):
        create_project(workspace, "mine", dataset, {}, map_columns=("x", "z"))
    assert workspace.projects() == []
    project = create_project(workspace, "mine", dataset, {}, map_columns=("x", "y"))
    tuned = project.add_space("tuned", "FeedForwardTuner", {}, 0)
    for space in (project.spaces()[0], tuned):
        np.testing.assert_array_equal(space.map(OWN_MAP), [[0, 0], [1, 2]])
    add_texts(project, make_dataset(read_table(b"text,x,y\ne f,4,5\ng h,,1\n", "b.csv"), "text"))
    for space in workspace.open(project.id).spaces():
        np.testing.assert_array_equal(space.map(OWN_MAP), [[0, 0], [1, 2], [3, 0], [np.nan, np.nan]])
        assert space.has_map(OWN_MAP)
