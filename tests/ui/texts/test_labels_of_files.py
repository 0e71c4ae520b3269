"""The labels of an uploaded file, in the log of the project that is made of it."""

import numpy as np
import pytest

from labelling.workspace import Project, Workspace
from tests.readers.helpers import DATA
from tests.ui.helpers import open_page, press, said, upload

pytestmark = pytest.mark.slow

LINES = (
    b'{"text": "so late", "label": ["late"]}\n{"text": "so cold", "label": []}\n{"text": "bye", "label": ["late"]}\n'
)


def made(workspace: Workspace, name: str, data: bytes, label: str | None) -> Project:
    """The project that is made of this file, with this column for its labels."""
    at = upload(open_page("texts"), name, data)
    if label is not None:
        at.selectbox(key=f"label column of {name}").select(label).run()
    press(at, "Make the map")
    assert not at.exception
    assert not at.error, said(at)
    (info,) = workspace.projects()
    return workspace.open(info.id)


@pytest.mark.parametrize(
    ("name", "data", "labels"),
    [
        ("a.jsonl", LINES, ["late", None, "late"]),
        ("labels_float.csv", None, ["0", "1", "2", None, "1", "2", "0", None]),
        ("labels_float.parquet", None, ["0", "1", "2", None, "1", "2", "0", None]),
        ("formats/hf.parquet", None, ["card", "card", "refund", "refund", None, None, None, "card"]),
    ],
)
def test_labels_come_into_the_log(workspace: Workspace, name: str, data: bytes | None, labels: list) -> None:
    project = made(workspace, name, (DATA / name).read_bytes() if data is None else data, "label")
    assert project.open_log().names().tolist() == labels


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("formats/prodigy_textcat_binary.jsonl", [1, 1, 0, np.nan, 0]),
        ("formats/doccano_doccano_multi.jsonl", [1, 1, *[np.nan] * 5, 1]),
    ],
)
def test_answers_come_into_the_log(workspace: Workspace, name: str, card: list[float]) -> None:
    log = made(workspace, name, (DATA / name).read_bytes(), None).open_log()
    assert log.multi_label
    np.testing.assert_array_equal(log.frame()["card"], card)


def test_several_names_for_one_label_are_explained_and_nothing_is_made(workspace: Workspace) -> None:
    name = "a.jsonl"
    at = upload(open_page("texts"), name, LINES.replace(b'["late"]', b'["late", "cold"]'))
    at.radio(key=f"kind of {name}").set_value("One label").run()
    at.selectbox(key=f"label column of {name}").select("label").run()
    assert not at.exception
    assert "Yes, no or unknown for each label" in at.error[0].value
    assert not any(button.label == "Make the map" for button in at.button)
    assert workspace.projects() == []
