"""Deleting a project: all of it goes, nothing else, and a kill leaves it there or gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import func, select

from labelling.database.engine import WorkspaceError, reading
from labelling.database.tables import metadata
from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace
from labelling.workspace.deleting import GOING
from labelling.workspace.upkeep import LEFT_OVER_SECONDS, check, sweep

ROOT = Path(__file__).parents[2]
ANN, BOB = "ann@example.org", "bob@example.org"


class Encoder:
    """Two numbers of each text."""

    fingerprint, n_dims, max_tokens = "lengths", 2, None

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([[len(text), 1] for text in texts], np.float32)


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    if request.param == "postgresql":
        monkeypatch.setenv("CORRAL_DATABASE_URL", request.getfixturevalue("postgres").new_database())
    return Workspace(tmp_path / "workspace")


def make(workspace: Workspace, texts: list[str], owner: str | None = None) -> Project:
    dataset = Dataset(pd.DataFrame({"text": pd.Series(texts, dtype="str")}), "text")
    project = workspace.create("mine", dataset, {}, owner=owner)
    space = project.spaces()[0]
    space.save_embeddings(workspace.cache_of(owner).embed(Encoder(), texts))
    space.save_map("PCA", np.zeros((len(texts), 2)))
    project.open_log(owner).assign([0], "a")
    return project


def left_of(workspace: Workspace) -> int:
    """How many rows there are in all tables, but for the version."""
    with reading(workspace.engine) as connection:
        tables = [table for table in metadata.sorted_tables if table.name != "alembic_version"]
        return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def cached(workspace: Workspace, texts: list[str], owner: str | None = None) -> list[bool]:
    return workspace.cache_of(owner).lookup("lengths", texts, 2)[1].tolist()


def test_all_of_it_goes_and_nothing_else(workspace: Workspace) -> None:
    gone, kept = make(workspace, ["one", "two", "both"]), make(workspace, ["both", "three"])
    before = left_of(workspace)
    workspace.delete(gone.id)
    assert [info.id for info in workspace.projects()] == [kept.id]
    assert not gone.folder.exists()
    assert cached(workspace, ["one", "two", "both", "three"]) == [False, False, True, True]
    assert 0 < left_of(workspace) < before
    assert kept.open_log().names().tolist() == ["a", None]
    assert np.isfinite(kept.spaces()[0].embeddings).all()
    assert check(workspace) == []
    workspace.delete(kept.id)
    assert left_of(workspace) == 0
    with pytest.raises(WorkspaceError, match="There is no project"):
        workspace.delete(kept.id)


def test_another_tab_hears_that_it_is_gone(workspace: Workspace) -> None:
    project = make(workspace, ["one", "two"])
    log = project.open_log()
    workspace.delete(project.id)
    assert project.has_grown, "by which the page opens it anew, and says that it is not there"
    with pytest.raises(WorkspaceError):
        log.assign([1], "b")
    assert left_of(workspace) == 0


def test_only_the_owner_may(workspace: Workspace) -> None:
    theirs = make(workspace, ["one", "same"], ANN)
    mine = make(workspace, ["same"], BOB)
    workspace.open(theirs.id, ANN).share(BOB)
    with pytest.raises(WorkspaceError, match="Only its owner can delete 'mine': ann@"):
        workspace.delete(theirs.id, BOB)
    with pytest.raises(WorkspaceError, match="There is no project"):
        workspace.delete(mine.id, ANN)
    with pytest.raises(WorkspaceError, match="There is no project"):
        workspace.delete(theirs.id)
    assert not (theirs.folder / GOING).exists()
    workspace.delete(theirs.id, ANN)
    assert cached(workspace, ["one", "same"], ANN) == [False, False]
    assert cached(workspace, ["same"], BOB) == [True], "each owner has a cache of their own"
    assert workspace.projects(BOB)[0].id == mine.id


def test_what_can_not_be_written_leaves_it_whole(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(workspace, ["one", "two"])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("labelling.workspace.deleting.write_whole", full)
        with pytest.raises(WorkspaceError, match="No space left on device"):
            workspace.delete(project.id)
    assert workspace.open(project.id).dataset.texts == ["one", "two"]
    with monkeypatch.context() as patch:
        patch.setattr("labelling.workspace.deleting.finish", full)
        workspace.delete(project.id)
    assert workspace.projects() == []
    assert project.folder.exists()
    assert sweep(workspace) == [], "it may still be under way"
    old(project)
    sweep(workspace)
    assert not project.folder.exists()
    assert cached(workspace, ["one", "two"]) == [False, False]


def old(project: Project) -> None:
    then = time.time() - LEFT_OVER_SECONDS - 1
    for path in (project.folder / GOING, project.folder):
        if path.exists():
            os.utime(path, (then, then))


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from labelling.workspace import Workspace, deleting
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
deleting.{where} = die
Workspace(Path(sys.argv[1])).delete(sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "there"), [("writing", True), ("_owned_by", True), ("finish", False), ("shutil.rmtree", False)]
)
def test_killed(workspace: Workspace, where: str, there: bool) -> None:
    project = make(workspace, ["one", "two"])
    code = KILLED.format(root=str(ROOT), where=where)
    done = subprocess.run([sys.executable, "-c", code, str(workspace.folder), project.id], check=False)
    assert done.returncode == -signal.SIGKILL
    again = Workspace(workspace.folder)
    assert [info.id for info in again.projects()] == [project.id] * there
    if there:
        opened = again.open(project.id)
        assert opened.open_log().names().tolist() == ["a", None]
        assert np.isfinite(opened.spaces()[0].embeddings).all()
    old(project)
    sweep(again)
    assert not (project.folder / GOING).exists()
    assert project.folder.exists() == there
    assert cached(again, ["one", "two"]) == [there, there]
