"""The workspace's database: how it is opened, and what is refused."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from labelling.database import SCHEMA_VERSION, WorkspaceError, meta, open_database, projects, reading, writing


def pragma(engine, name: str) -> object:
    with reading(engine) as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_a_commit_is_on_disk_before_the_call_returns(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "corral.db")
    assert pragma(engine, "journal_mode") == "wal"
    assert pragma(engine, "synchronous") == 2, "FULL"
    assert pragma(engine, "foreign_keys") == 1


@pytest.mark.parametrize("name", ["corral.db", "what?.db", "50%41.db", "a b#c.db", "ä.db"])
def test_opening_twice(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        engine = open_database(tmp_path / name)
        with reading(engine) as connection:
            assert connection.scalars(select(meta.c.schema_version)).all() == [SCHEMA_VERSION]
    assert (tmp_path / name).exists()


def test_opening_at_the_same_time(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)
    errors: list[Exception] = []

    def work() -> None:
        barrier.wait()
        try:
            open_database(tmp_path / "corral.db")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with reading(open_database(tmp_path / "corral.db")) as connection:
        assert connection.scalar(select(func.count()).select_from(meta)) == 1


def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "corral.db"
    engine = open_database(path)
    with writing(engine) as connection:
        connection.execute(update(meta).values(schema_version=SCHEMA_VERSION + 1))
        connection.exec_driver_sql("DROP TABLE actions")
    with pytest.raises(WorkspaceError, match=rf"version {SCHEMA_VERSION + 1}.*version {SCHEMA_VERSION}.*update Corral"):
        open_database(path)
    tables = sqlite3.connect(path).execute("SELECT name FROM sqlite_master WHERE name = 'actions'").fetchall()
    assert tables == []


def test_what_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "corral.db").write_bytes(b"no database at all " * 100)
    with pytest.raises(WorkspaceError, match="not a database"):
        open_database(tmp_path / "corral.db")
    with pytest.raises(WorkspaceError, match="unable to open"):
        open_database(tmp_path / "no folder" / "corral.db")


def test_a_transaction_is_whole_or_not_there(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "corral.db")
    row = {"name": "", "created_at": "", "n_rows": 1, "space": 0}
    with pytest.raises(KeyError), writing(engine) as connection:  # noqa: PT012
        connection.execute(projects.insert().values(id="a", **row))
        raise KeyError
    with pytest.raises(WorkspaceError, match="UNIQUE"), writing(engine) as connection:  # noqa: PT012
        connection.execute(projects.insert().values(id="b", **row))
        connection.execute(projects.insert().values(id="b", **row))
    with reading(engine) as connection:
        assert connection.execute(select(projects.c.id)).all() == []


def test_reading_takes_no_lock(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "corral.db")
    with reading(engine) as connection:
        connection.execute(select(meta)).all()
        other = sqlite3.connect(tmp_path / "corral.db", timeout=0)
        other.execute("BEGIN IMMEDIATE")  # raises at once where the reader holds the write lock
        other.rollback()
    other.execute("BEGIN IMMEDIATE")
    with reading(engine) as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        assert connection.scalar(select(meta.c.schema_version)) == SCHEMA_VERSION
    other.rollback()
