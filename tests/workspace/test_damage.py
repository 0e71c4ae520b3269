"""A workspace whose disk goes bad: what can be made again is made again, what can't is named, labels stay."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from labelling.database.engine import WorkspaceError, check_is_whole
from labelling.database.packing import OF_ACTION
from labelling.tasks.embed import can_be_made
from labelling.workspace import Space, Workspace
from labelling.workspace.upkeep import check
from tests.projects import TEXTS, make_dataset
from tests.workspace.helpers import LABELS, flip, labels, opened

ARRAYS = ["embeddings", "PCA"]


def same_vectors(space: Space, other: Space) -> bool:
    return np.allclose(space.embeddings, other.embeddings, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("how", ["flipped", "cut off", "gone", "something else"])
@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("space_id", [0, 1], ids=["original", "tuned"])
def test_arrays_are_made_again(made: Path, work: Path, how: str, name: str, space_id: int) -> None:
    path = next(work.glob(f"projects/*/spaces/{space_id}/{name}.npy"))
    if how == "flipped":
        data = bytearray(path.read_bytes())
        data[-40] ^= 8
        path.write_bytes(data)
    elif how == "cut off":
        path.write_bytes(path.read_bytes()[:-60])
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"something else entirely")
    session = opened(work)
    assert labels(session) == LABELS
    space = session.project.space(space_id)
    with pytest.raises(WorkspaceError, match="made again") if name == "embeddings" else pytest.MonkeyPatch.context():
        _ = space.embeddings
    assert can_be_made(session.project.space(space_id))
    assert session.embed()
    assert not can_be_made(session.project.space(space_id))
    assert session.map.look(session.project.space(space_id), "PCA") is not None
    assert same_vectors(session.project.space(space_id), opened(made).project.space(space_id))
    assert labels(session) == LABELS


def test_a_tuned_space_whose_tuner_is_gone_too_is_told_and_the_rest_opens(work: Path) -> None:
    folder = next(work.glob("projects/*/spaces/1"))
    (folder / "embeddings.npy").unlink()
    (folder / "tuner.safetensors").unlink()
    session = opened(work)
    space = session.project.space(1)
    assert not space.ready
    assert not can_be_made(space)
    assert session.embed()
    assert labels(session) == LABELS


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("flipped", "is damaged"),
        ("cut off", "is damaged"),
        ("gone", "is missing"),
        ("folder gone", "is missing"),
        ("other columns", "is damaged"),
        ("no json", "is damaged"),
        ("fewer rows", "has 2 rows, the project has 40"),
    ],
)
def test_a_damaged_table_is_named(work: Path, damage: str, said: str) -> None:
    folder = next(work.glob("projects/*/dataset"))
    table = folder / "dataset.parquet"
    if damage == "flipped":
        data = bytearray(table.read_bytes())
        data[40] ^= 1
        table.write_bytes(data)
    elif damage == "cut off":
        table.write_bytes(table.read_bytes()[:-30])
    elif damage == "gone":
        table.unlink()
    elif damage == "folder gone":
        shutil.rmtree(folder.parent)
    elif damage == "other columns":
        (folder / "dataset.json").write_text('{"text_column": "x", "label_column": null}')
    elif damage == "no json":
        (folder / "dataset.json").write_text("{")
    else:
        make_dataset(TEXTS[:2]).save(folder)
    session = opened(work)
    assert labels(session) == LABELS, "the labels are in the database"
    with pytest.raises(WorkspaceError, match=f"The table of 'texts' {said}|'texts' in .* {said}") as caught:
        _ = session.project.dataset
    assert "labels are in the database" in str(caught.value)


def test_a_damaged_action_is_named(work: Path) -> None:
    for path in work.glob("projects/*/labels-*.npz"):
        path.unlink()  # the snapshot, without which the actions themselves are read
    connection = sqlite3.connect(work / "corral.db")
    connection.execute("update changes set rows = x'00112233' where seq = 3")
    connection.commit()
    connection.close()
    with pytest.raises(WorkspaceError, match=r"Action 3 of the labels' history is damaged.*newest copy"):
        opened(work)


def sql(work: Path, statement: str) -> None:
    with closing(sqlite3.connect(work / "corral.db")) as connection, connection:
        assert connection.execute(statement).rowcount


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update spaces set settings = '{\"kind' where id = 0", "The space .* is damaged in the database"),
        ("update spaces set settings = '[1]' where id = 1", "The space 'Round 1' .* is damaged in the database"),
        ("update actions set how = '{\"by\":' where seq = 2", "history is damaged in the database"),
        ("update actions set seq = 16619 where seq = 4", "history is damaged in the database"),
        ("update actions set labels = replace(labels, 'name', 'nane')", "history is damaged in the database"),
        ("update actions set targets = '[99]', kind = 'undo' where seq = 4", "history is damaged in the database"),
        ("update changes set after = (select after from changes where seq = 3) where seq = 2", "Action 2 .* damaged"),
        ("update changes set rows = (select rows from changes where seq = 3) where seq = 2", "Action 2 .* damaged"),
        ("update changes set after = null where seq = 2", "Action 2 .* damaged"),
        ('update changes set "column" = 7 where seq = 2', "Action 2 .* damaged"),
    ],
)
def test_what_no_corral_wrote_into_the_database_is_named(work: Path, statement: str, said: str) -> None:
    for path in work.glob("projects/*/labels-*.npz"):
        path.unlink()
    sql(work, statement)
    with pytest.raises(WorkspaceError, match=said) as caught:  # noqa: PT012
        session = opened(work)
        session.project.spaces()
        for action in session.log.actions:
            session.log.how(action.seq)
        session.log.names()
    assert "newest copy" in str(caught.value)
    assert [problem for problem in check(Workspace(work)) if re.search(said, problem.what)], "the operator is told too"


def test_a_server_does_not_start_on_what_sqlite_finds_damaged(work: Path) -> None:
    """What a damaged index leads past is not there for whoever reads, without a word."""
    check_is_whole(Workspace(work).engine)
    path = work / "corral.db"
    found = []
    for seed in range(30):
        whole = path.read_bytes()
        flip(path, seed, 40)
        try:
            check_is_whole(Workspace(work).engine)
        except WorkspaceError as error:
            found.append(str(error))
        path.unlink()
        for left in work.glob("corral.db-*"):
            left.unlink()
        path.write_bytes(whole)
    assert len(found) >= 10
    for message in found:
        assert re.search("damaged.*newest copy|holds the tables of something else|schema version", message), message


@pytest.mark.parametrize("column", [*OF_ACTION, "checksum"])
def test_another_value_in_an_action_is_noticed(work: Path, column: str) -> None:
    """One that would be read without a word: another label, another person, another moment."""
    sql(work, f"update actions set {column} = 77 where seq = 2")
    with pytest.raises(WorkspaceError, match=r"history is damaged in the database.*newest copy"):
        opened(work)


@pytest.mark.slow
def test_ten_bytes_flipped_in_any_file(made: Path, tmp_path: Path) -> None:
    """It opens as it was, or says what is wrong."""
    names = [path.relative_to(made) for path in sorted(made.rglob("*")) if path.is_file()]
    names = [name for name in names if name.suffix not in (".lock", ".mdb", ".db-shm", ".db-wal")]
    assert len(names) >= 7
    said: dict[tuple[Path, int], str] = {}
    for number, name in enumerate(names):
        for seed in range(20 if name.suffix == ".db" else 3):
            work = tmp_path / f"{number}-{seed}"
            shutil.copytree(made, work)
            if (work / name).stat().st_size:
                flip(work / name, seed)
            try:
                check_is_whole(Workspace(work).engine)  # as a server does when it starts
                session = opened(work)
                assert labels(session) == LABELS, name
                assert session.project.dataset.texts == TEXTS, name
                assert session.embed(), name
                for space in session.project.spaces():
                    if space.ready:
                        assert same_vectors(space, opened(made).project.space(space.id)), name
                        assert session.map.look(space, "PCA") is not None, name
            except WorkspaceError as error:
                said[name, seed] = str(error)
            shutil.rmtree(work)
    for where, message in said.items():
        assert re.search("damaged|holds the tables of something else|schema version|there and whole", message), (
            where,
            message,
        )
