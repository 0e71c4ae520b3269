"""A workspace that an earlier version wrote, and what that version exported of it.

Two projects of sixty texts of our own, of one label a text and of yes, no and unknown, with vectors that were brought
along: lassos of two people, a colour, a description, an audit, an undo, and a space tuned on the labels. The version is
that before labels got a style, projects became multi-label, and a session became parts.
"""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from labelling.formats.registry import FORMATS
from labelling.learning.tuners import FeedForwardTuner
from labelling.session import Session
from labelling.tasks.export import export
from labelling.workspace import Project, Workspace
from labelling.workspace.spaces import TUNER_FILE
from tests.projects import WordEncoder

RECORDED = Path(__file__).parents[1] / "data" / "workspace_0_5.zip"
NAMES = {"one": "one label a text", "several": "yes, no or unknown"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with zipfile.ZipFile(RECORDED) as file:
        file.extractall(tmp_path)
    return tmp_path


def opened(folder: Path, which: str) -> tuple[Workspace, Project]:
    workspace = Workspace(folder / "workspace")
    (found,) = (info for info in workspace.projects() if info.name == NAMES[which])
    return workspace, workspace.open(found.id)


@pytest.mark.parametrize("which", NAMES)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_it_exports_the_same_bytes(folder: Path, which: str, kind: str) -> None:
    _, project = opened(folder, which)
    form = FORMATS[kind]
    assert export(project, form) == (folder / f"{which}.{form.tail}").read_bytes()


def test_what_a_person_sees_of_it(folder: Path) -> None:
    _, project = opened(folder, "one")
    session = Session(project, lambda settings: WordEncoder(), "ann")
    log = session.log
    assert [(label.name, label.style, label.key) for label in log.labels] == [
        ("card", 0, "1"),
        ("refund", 7, "2"),
        ("parcel", 2, "3"),
    ]
    assert log.find("parcel").description == "what was sent and has not come"
    assert {action.who for action in log.actions} == {"ann", "ben"}
    assert log.quality_of(2) is not None
    assert session.labelling.redo() is not None, "what was undone can be brought back"
    assert [(space.name, space.kind, space.state) for space in project.spaces()][1:] == [
        ("First tuning", "FeedForwardTuner", "kept")
    ]
    assert session.map.look(project.current, "PCA") is not None
    session.selection.select(np.array([58]), "lasso")
    assert session.labelling.give("card").n_changed == 1


@pytest.mark.parametrize(("which", "multi_label"), [("one", False), ("several", True)])
def test_its_tuner_goes_on(folder: Path, which: str, multi_label: bool) -> None:
    _, project = opened(folder, which)
    space = project.spaces()[1]
    tuner = FeedForwardTuner.load(space.folder / TUNER_FILE)
    assert tuner.multi_label_ is multi_label
    original = np.asarray(project.spaces()[0].embeddings)
    filled = ~project.dataset.empty
    np.testing.assert_allclose(tuner.transform(original[filled]), np.asarray(space.embeddings)[filled], atol=1e-5)
    tuner.save(folder / "again")
    assert FeedForwardTuner.load(folder / "again").multi_label_ is multi_label
