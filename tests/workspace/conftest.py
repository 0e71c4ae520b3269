"""Fixtures of these tests."""

import shutil
from pathlib import Path

import pytest

from labelling.learning.tuners import FeedForwardTuner
from labelling.workspace import Workspace
from tests.projects import make_dataset, new_session, select_rows
from tests.workspace.helpers import LABELS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one project: labelled, embedded, mapped, with a tuned space."""
    folder = tmp_path_factory.mktemp("made") / "work"
    workspace = Workspace(folder)
    session = new_session(workspace, workspace.create("texts", make_dataset(), {}))
    assert session.embed()
    assert session.map.look(session.project.current, "PCA")
    for row, name in enumerate(LABELS):
        select_rows(session, [row])
        session.labelling.give(name)
    space = session.tune(FeedForwardTuner(steps=5, random_state=0), "Round 1")
    session.project.keep_space(space.id)
    workspace.engine.dispose()
    return folder


@pytest.fixture
def work(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "work"))
