"""Fixtures of these tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labelling.readers import make_dataset, read_table
from labelling.tasks.embed import embed
from labelling.ui.frame import resources
from labelling.workspace import Project, Workspace
from tests.ui.helpers import CSV, fresh_workspace


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    yield from fresh_workspace(tmp_path, monkeypatch)


@pytest.fixture
def project(workspace: Workspace) -> Project:
    project = workspace.create("mine", make_dataset(read_table(CSV, "a.csv"), "text"), {})
    assert embed(resources.new_workbench(project))
    return project
