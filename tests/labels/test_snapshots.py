"""The snapshot makes opening quick, and is never trusted further than the log."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, delete

from labelling.database.tables import actions, changes
from labelling.labels import LabelLog, reading, snapshots
from labelling.labels.fold import Column
from tests.labels.helpers import N_ROWS, add_project, open_log, state


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SNAPSHOT_EVERY", 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.npz"


def label(log: LabelLog, n: int, name: str = "") -> LabelLog:
    for number in range(n):
        log.assign([number % N_ROWS], f"{name}{number % 3}", overwrite=True)
    return log


def n_taken_in(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many actions' rows opening takes in."""
    n_changes = 0
    change = reading.Fold.change

    def counted(fold: reading.Fold, seq: int, its: list[object]) -> None:
        nonlocal n_changes
        n_changes += len(its)
        change(fold, seq, its)

    with monkeypatch.context() as patched:
        patched.setattr(reading.Fold, "change", counted)
        open_log(engine, snapshot=path)
    return n_changes


def test_only_what_came_since_is_taken_in(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = label(open_log(engine, snapshot=path), 13)
    assert n_taken_in(engine, path, monkeypatch) == 3
    assert state(open_log(engine, snapshot=path)) == state(log) == state(open_log(engine))
    log.undo()
    log.undo()
    log.undo()
    assert state(open_log(engine, snapshot=path)) == state(log), "what was undone may be in the snapshot"


def test_one_is_kept_on_opening_where_there_was_none(
    engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(open_log(engine), 13)
    assert n_taken_in(engine, path, monkeypatch) == 13
    assert n_taken_in(engine, path, monkeypatch) == 0


def test_answers_too(engine: Engine, path: Path) -> None:
    add_project(engine, "several", N_ROWS, multi_label=True)
    log = label(LabelLog(engine, "several", N_ROWS, multi_label=True, snapshot=path), 13)
    assert path.exists()
    assert state(LabelLog(engine, "several", N_ROWS, multi_label=True, snapshot=path)) == state(log)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _another_array(path: Path) -> None:
    np.save(path.with_suffix(".npy"), np.zeros(3))
    path.with_suffix(".npy").rename(path)


def _of_other_rows(path: Path) -> None:
    kept = snapshots.load(path, N_ROWS)
    snapshots.save(path, replace(kept, n_rows=N_ROWS + 1, columns={-1: Column.empty(N_ROWS + 1)}))


def _of_another_history(path: Path) -> None:
    kept = snapshots.load(path, N_ROWS)
    other = kept.token.replace("assign", "clear")
    snapshots.save(path, replace(kept, token=other))


def _of_the_future(path: Path) -> None:
    kept = snapshots.load(path, N_ROWS)
    snapshots.save(path, replace(kept, seq=kept.seq + 100))


def _odd_number(path: Path) -> None:
    about = np.frombuffer(json.dumps({"n_rows": N_ROWS, "seq": "1", "token": 3, "columns": ["-1"]}).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, about=about)


HARM = {
    "gone": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut short": _cut,
    "garbage": lambda path: path.write_bytes(b"garbage " * 1000),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a flipped byte": _flipped,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "another array": _another_array,
    "other rows": _of_other_rows,
    "another history": _of_another_history,
    "the future": _of_the_future,
    "odd number": _odd_number,
}


@pytest.mark.parametrize("harm", HARM)
def test_a_bad_snapshot_is_made_anew(engine: Engine, path: Path, harm: str) -> None:
    log = label(open_log(engine, snapshot=path), 13)
    HARM[harm](path)
    opened = open_log(engine, snapshot=path)
    assert state(opened) == state(log)
    label(opened, 7, name="other ")
    assert state(open_log(engine, snapshot=path)) == state(opened)
    if path.is_file():
        assert snapshots.load(path, N_ROWS).seq > 13 - 5


def test_a_snapshot_that_cannot_be_written_is_no_error(engine: Engine, tmp_path: Path) -> None:
    log = label(open_log(engine, snapshot=tmp_path / "no folder" / "labels.npz"), 13)
    assert log.seq == 13
    assert list(tmp_path.glob("**/*.tmp")) == []


def test_a_database_that_was_put_back_from_a_copy(engine: Engine, path: Path) -> None:
    """An open log sees that what it knew is not what is there, and reads it anew."""
    log = label(open_log(engine, snapshot=path), 13)
    with engine.begin() as connection:
        for table in (changes, actions):
            connection.execute(delete(table).where(table.c.seq > 8))
    assert log.refresh()
    assert log.seq == 8
    assert state(log) == state(open_log(engine))
    label(log, 6, name="other ")
    assert log.seq == 14
    assert state(log) == state(open_log(engine)) == state(open_log(engine, snapshot=path))


def test_a_log_that_is_written_to_sees_it_too(engine: Engine) -> None:
    log = label(open_log(engine), 13)
    with engine.begin() as connection:
        for table in (changes, actions):
            connection.execute(delete(table).where(table.c.seq > 8))
    log.assign([9], "new")
    assert [action.seq for action in log.actions] == list(range(1, 10))
    assert state(log) == state(open_log(engine))
