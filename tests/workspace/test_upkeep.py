"""A workspace looked through, copied while it is used, and tidied up."""

import os
import sqlite3
import threading
import time
import zipfile
from pathlib import Path

import pytest

from labelling import cli
from labelling.database.engine import WorkspaceError
from labelling.workspace import Workspace, upkeep
from labelling.workspace.upkeep import backup, check, sweep
from tests.workspace.helpers import LABELS, flip, labels, opened


def test_a_whole_workspace_has_no_problem(work: Path) -> None:
    assert check(Workspace(work)) == []
    (info,) = Workspace(work).projects()
    assert check(Workspace(work), info.id) == []
    with pytest.raises(WorkspaceError, match="no project 'abc'"):
        check(Workspace(work), "abc")


def test_all_that_is_wrong_is_found_and_nothing_is_changed(work: Path) -> None:
    flip(next(work.glob("projects/*/spaces/0/PCA.npy")), 0)
    next(work.glob("projects/*/dataset/dataset.parquet")).write_bytes(b"PAR1 no more")
    (work / "projects" / ("b" * 12)).mkdir()
    connection = sqlite3.connect(work / "corral.db")
    connection.execute("update changes set rows = x'00' where seq = 2")
    connection.commit()
    connection.close()
    before = {path: path.read_bytes() for path in work.rglob("projects/**/*") if path.is_file()}
    said = [problem.what for problem in check(Workspace(work))]
    for wanted in ("PCA.npy is damaged", "The table of 'texts' is damaged", "Action 2", "belongs to no project"):
        assert sum(wanted in line for line in said) == 1, said
    assert {path: path.read_bytes() for path in work.rglob("projects/**/*") if path.is_file()} == before


def test_a_copy_made_while_labels_are_given_opens(work: Path, tmp_path: Path) -> None:
    session = opened(work)
    over = threading.Event()

    def label_on() -> None:
        log = opened(work).log
        for number in range(400):
            if over.is_set():
                break
            log.assign([10 + number % 20], f"label {number % 3}", overwrite=True)

    at_work = threading.Thread(target=label_on)
    at_work.start()
    file = tmp_path / "copy.zip"
    try:
        assert backup(Workspace(work), file) == 1
    finally:
        over.set()
        at_work.join()
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "back")
    assert check(Workspace(tmp_path / "back")) == []
    back = opened(tmp_path / "back")
    assert labels(back) == LABELS
    session.log.refresh()
    n = back.log.seq
    assert back.log.actions == session.log.actions[:n]
    assert back.project.dataset.texts == session.project.dataset.texts
    assert back.embed(), "what was left out is made again"


def test_a_copy_that_cannot_be_written_leaves_nothing(work: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="can't be written"):
        backup(Workspace(work), tmp_path / "file" / "copy.zip")


def test_leftovers_of_kills_are_swept(work: Path) -> None:
    (info,) = Workspace(work).projects()
    folder = work / "projects" / info.id
    old, new = folder / "spaces/0/PCA.npy.0123abcd.tmp", folder / "spaces/0/UMAP.npy.0123abcd.tmp"
    unpacked = work / "unpack.0123abcd.tmp"
    staged, orphan, worked_on = (
        folder / "dataset-50.0123abcd.tmp",
        work / "projects" / ("b" * 12),
        work / "projects" / ("c" * 12),
    )
    for each in (staged, unpacked, orphan / "dataset", worked_on / "spaces"):
        each.mkdir(parents=True)
        (each / "dataset.parquet").touch()
    for path in (old, new):
        path.touch()
    (work / "notes").mkdir()
    foreign = [work / "notes" / "thesis.tmp", folder / "mine.tmp", work / "work.tmp"]
    for path in foreign:
        path.touch()
    hours_ago = time.time() - 2 * upkeep.LEFT_OVER_SECONDS
    for path in (old, staged, unpacked, orphan, worked_on, *foreign):
        os.utime(path, (hours_ago, hours_ago))
    assert set(sweep(Workspace(work))) == {old, staged, unpacked, orphan}
    assert new.exists(), "somebody may be at work on it"
    assert (work / "leftovers" / ("b" * 12) / "dataset").exists()
    assert all(path.exists() for path in foreign), "what others keep there is theirs"
    assert worked_on.exists(), "it may be another database's"
    assert check(Workspace(work), info.id) == []


def test_the_command(work: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(work))
    assert cli.main(["check"]) == 0
    assert "0 problems found" in capsys.readouterr().out
    assert cli.main(["backup", str(tmp_path / "a.zip")]) == 0
    assert "1 project copied" in capsys.readouterr().out
    assert cli.main(["check", "nothing"]) == 1
    assert cli.main(["backup"]) == 2
