"""What breaks: a clear message, nothing lost, and the same log goes on afterwards."""

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event, text

from labelling.database.engine import WorkspaceError, open_database
from labelling.labels import LabelLog, writing
from tests.labels.helpers import N_ROWS, add_project, kill_a_stream, open_log, state
from tests.postgres import REQUIRED, Server, binaries

pytestmark = pytest.mark.slow

MANY = 20_000  # rows: an action of these needs more than the pages that happen to be free

# ---------------------------------------------------------------- kills


@pytest.mark.parametrize("seed", range(2))
def test_what_was_acknowledged_outlives_a_kill(database: Path | str, seed: int) -> None:
    chance = random.Random(seed)
    add_project(open_database(database), "p", 100)
    n_done, _ = kill_a_stream(database, 1000, chance.randint(0, 60), chance.uniform(0, 0.02))
    assert n_done < 1000, "it was killed before it was through"


def test_what_was_acknowledged_outlives_the_servers_death(server: Server) -> None:
    engine = open_database(server.new_database())
    add_project(engine)
    log = open_log(engine)
    for number in range(20):
        log.assign([number % N_ROWS], f"{number}", overwrite=True)
    before = state(log)
    server.kill()
    with pytest.raises(WorkspaceError, match="can't be written"):
        log.assign([0], "x", overwrite=True)
    server.start()
    assert state(open_log(engine)) == before
    assert log.assign([0], "x", overwrite=True).n_changed == 1
    engine.dispose()


# ---------------------------------------------------------------- faults that pass


@contextmanager
def moved_away(engine: Engine, database: Any) -> Iterator[None]:
    away = database.with_name("away.db")
    database.rename(away)
    yield
    assert not database.exists(), "nothing new was made in its place"
    away.rename(database)


@contextmanager
def folder_moved_away(engine: Engine, database: Any) -> Iterator[None]:
    away = database.parent.with_name("away")
    database.parent.rename(away)
    yield
    assert not database.parent.exists()
    away.rename(database.parent)


@contextmanager
def file_size_limited(engine: Engine, database: Any) -> Iterator[None]:
    """No file may grow, as on a full disk or over a quota."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def no_pages_left(engine: Engine, database: Any) -> Iterator[None]:
    """SQLite's own "database or disk is full"."""
    engine.dispose()
    with sqlite3.connect(database) as connection:
        n_pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    with listener(engine, f"PRAGMA max_page_count={n_pages}"):
        yield
    engine.dispose()


@contextmanager
def listener(engine: Engine, *statements: str) -> Iterator[None]:
    """Each connection begins with these."""

    def begin(connection: Any, *_: Any) -> None:
        for statement in statements:
            connection.execute(statement)
        connection.commit()

    event.listen(engine, "checkout", begin)
    yield
    event.remove(engine, "checkout", begin)


@contextmanager
def locked(engine: Engine, database: Any) -> Iterator[None]:
    """Another process holds the lock and does not let go."""
    short = "PRAGMA busy_timeout=20" if engine.dialect.name == "sqlite" else "set lock_timeout=20"
    other = open_database(database)
    with listener(engine, short), other.connect() as connection:
        connection.begin()
        if engine.dialect.name == "postgresql":
            connection.execute(text("select id from projects for update"))
        yield
    other.dispose()
    engine.dispose()


@contextmanager
def read_only(engine: Engine, database: Any) -> Iterator[None]:
    if engine.dialect.name == "sqlite":
        with listener(engine, "PRAGMA query_only=ON"):
            yield
    else:  # as after a failover to a copy
        with listener(engine, "set default_transaction_read_only=on"):
            yield
    engine.dispose()


@contextmanager
def trigger(engine: Engine, database: Any) -> Iterator[None]:
    """The last statement of the transaction fails."""
    if engine.dialect.name == "sqlite":
        make = ["CREATE TRIGGER no BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'broken'); END"]
        drop = "DROP TRIGGER no"
    else:
        function = "begin raise exception 'broken'; end"
        make = [
            f"create function no() returns trigger language plpgsql as $${function}$$",
            "create trigger no before insert on changes execute function no()",
        ]
        drop = "drop function no cascade"
    with engine.begin() as connection:
        for statement in make:
            connection.execute(text(statement))
    yield
    with engine.begin() as connection:
        connection.execute(text(drop))


@contextmanager
def server_stopped(engine: Engine, database: Any) -> Iterator[None]:
    server: Server = engine.server  # type: ignore[attr-defined]
    server.stop()
    yield
    server.start()


@contextmanager
def connections_cut(engine: Engine, database: Any) -> Iterator[None]:
    """The server ends each connection that comes, as when it is being shut down."""
    with engine.connect() as connection:
        name = connection.scalar(text("select current_database()"))
    other = engine.server.connect()  # type: ignore[attr-defined]
    other.execute(f"alter database {name} allow_connections false")
    other.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
    yield
    other.execute(f"alter database {name} allow_connections true")
    other.close()


Fault = Callable[[Engine, Any], AbstractContextManager[None]]
SQLITE: list[Fault] = [moved_away, folder_moved_away, file_size_limited, no_pages_left, locked, read_only, trigger]
POSTGRESQL: list[Fault] = [server_stopped, connections_cut, locked, read_only, trigger]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One that may be stopped, and killed."""
    if binaries() is None and not REQUIRED:
        pytest.skip("PostgreSQL's server is not installed")
    server = Server()
    yield server
    server.remove()


CASES = [("sqlite", fault) for fault in SQLITE] + [("postgresql", fault) for fault in POSTGRESQL]


@pytest.mark.parametrize(("kind", "fault"), CASES, ids=[f"{kind}-{fault.__name__}" for kind, fault in CASES])
def test_a_fault_that_passes(tmp_path: Path, request: pytest.FixtureRequest, kind: str, fault: Fault) -> None:
    database: Any = tmp_path / "workspace" / "corral.db"
    if kind == "postgresql":
        its_server = request.getfixturevalue("server")
        database = its_server.new_database()
    else:
        database.parent.mkdir()
    engine = open_database(database)
    if kind == "postgresql":
        engine.server = its_server  # type: ignore[attr-defined]
    add_project(engine, "p", MANY)
    log = open_log(engine, MANY)
    log.assign([0, 1], "a")
    log.assign([2], "b")
    log.undo()
    before = state(log)
    chance = np.random.default_rng(0)
    rows = chance.choice(MANY, MANY // 2, replace=False)
    names = chance.choice(["new", "newer", "newest"], MANY).tolist()
    steps: list[Callable[[], object]] = [lambda: log.assign(rows, "new"), lambda: log.import_labels(names)]
    if fault is not no_pages_left:  # it fills what pages have room for
        steps += [lambda: log.clear([0]), log.undo, log.redo, lambda: log.revert(0), lambda: log.delete(0)]
        steps += [lambda: log.split(0, [0], "c"), lambda: log.audit(1, [0], [0], "edge")]
    if fault not in (no_pages_left, trigger):  # which lets those that change no rows pass
        steps += [lambda: log.create("c"), lambda: log.rename(0, "c")]
    with fault(engine, database):
        for step in steps:
            with pytest.raises(WorkspaceError, match=r"not saved.*do it again"):
                step()
        assert state_in_memory(log) == before[:2]
    assert log.refresh() is False
    assert state(log) == before
    assert state(open_log(engine, MANY)) == before, "nothing was lost, nothing is half there"
    assert log.assign(rows, "new").n_changed == MANY // 2 - len(set(rows) & {0, 1})
    assert log.undo() is not None
    assert state(log) == state(open_log(engine, MANY))
    engine.dispose()


def state_in_memory(log: LabelLog) -> list[object]:
    return [log.labels, log.codes.tolist()]


@pytest.mark.parametrize(
    ("kind", "fault"), [("sqlite", moved_away), ("sqlite", folder_moved_away), ("postgresql", server_stopped)]
)
def test_reading_says_so_too(tmp_path: Path, request: pytest.FixtureRequest, kind: str, fault: Fault) -> None:
    database: Any = tmp_path / "workspace" / "corral.db"
    database.parent.mkdir()
    server = request.getfixturevalue("server") if kind == "postgresql" else None
    if server:
        database = server.new_database()
    engine = open_database(database)
    engine.server = server  # type: ignore[attr-defined]
    add_project(engine)
    log = open_log(engine)
    log.assign([0], "a")
    with fault(engine, database):
        for step in (log.refresh, lambda: log.rows_of(1), lambda: log.how(1), lambda: open_log(engine)):
            with pytest.raises(
                WorkspaceError, match=r"is missing.*put it back|can't be read.*What was labelled is in it"
            ):
                step()
        assert log.names().tolist()[:2] == ["a", None], "what is known can still be looked at"
    assert log.refresh() is False
    assert log.how(1) == {}


def test_reading_does_not_wait_for_a_writer(engine: Engine, database: Path | str) -> None:
    log, other = open_log(engine), open_log(engine)
    other.assign([0], "a")
    with locked(engine, database):
        assert log.refresh() is True
        assert log.names()[0] == "a"
        assert log.rows_of(1).tolist() == [0]
        assert open_log(engine).seq == 1


def test_another_file_in_its_place_is_not_taken_for_it(tmp_path: Path) -> None:
    """The file was moved, and something made a new one: what is in neither is not lost sight of silently."""
    path = tmp_path / "corral.db"
    engine = open_database(path)
    add_project(engine)
    log = open_log(engine)
    log.assign([0], "a")
    engine.dispose()
    path.rename(tmp_path / "old.db")
    other = open_database(path)
    for step in (log.refresh, lambda: log.assign([1], "b")):
        with pytest.raises(WorkspaceError, match="another database by now"):
            step()
    assert log.names()[0] == "a"
    other.dispose()
    for name in ("corral.db", "corral.db-wal", "corral.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "old.db").rename(path)
    assert log.assign([1], "b").n_changed == 1
    assert open_log(open_database(path)).names().tolist()[:2] == ["a", "b"]


# ---------------------------------------------------------------- real disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    engine = open_database(small_disk / "corral.db")
    add_project(engine, "p", MANY)
    log = open_log(engine, MANY, snapshot=small_disk / "labels.npz")
    log.assign([0, 1], "a")
    with (small_disk / "ballast").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):  # noqa: PT012
        while True:
            file.write(bytes(1024))
    n_done = 0
    with pytest.raises(WorkspaceError, match=r"(disk is full|disk I/O error).*not saved"):  # noqa: PT012
        for number in range(100):
            log.assign(np.arange(number, MANY, 3), f"{number}", overwrite=True)
            n_done += 1
    before = state(log)
    assert log.seq == n_done + 1
    for _ in range(3):
        with pytest.raises(WorkspaceError):
            log.assign(np.random.default_rng(0).permutation(MANY), "x", overwrite=True)
    (small_disk / "ballast").unlink()
    assert state(log) == before
    assert log.assign(range(MANY), "after", overwrite=True).n_changed == MANY
    assert state(open_log(engine, MANY)) == state(log)
    engine.dispose()


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Root may write anywhere: not as root then."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.mark.parametrize("cut_short", [False, True], ids=["closed before", "killed before"])
def test_a_read_only_workspace(cut_short: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="corral-") as name:  # pytest's own is its user's alone
        folder = Path(name)
        engine = open_database(folder / "corral.db")
        add_project(engine)
        log = open_log(engine)
        log.assign([0], "a")
        if cut_short:  # what was written last is in the write-ahead log
            shutil.copytree(folder, folder / "copy")
        engine.dispose()
        folder.chmod(0o755)
        if cut_short:
            folder = folder / "copy"
            assert (folder / "corral.db-wal").stat().st_size > 0
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        with bound_by_permissions():
            log = open_log(open_database(folder / "corral.db"))
            assert log.names().tolist()[:2] == ["a", None], "it can be read, and exported"
            with pytest.raises(WorkspaceError, match="not saved"):
                log.assign([1], "b")
            log.engine.dispose()
        folder.chmod(0o755)
        for path in folder.iterdir():
            path.chmod(0o644)
        again = open_log(open_database(folder / "corral.db"))
        assert again.names().tolist()[:2] == ["a", None]
        assert again.assign([1], "b").n_changed == 1
        assert again.names().tolist()[:2] == ["a", "b"]


# ---------------------------------------------------------------- clocks


def test_a_clock_that_jumps_back(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The order is that of the numbers; times are only told."""

    class Clock(datetime):
        hour_now = 12

        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            return cls(2025, 3, 1, cls.hour_now, tzinfo=UTC)

    monkeypatch.setattr(writing, "datetime", Clock)
    ann, bob = open_log(engine, who="ann", snapshot=tmp_path / "s"), open_log(engine, who="bob")
    for turn, hour in enumerate([12, 3, 23, 0, 5]):
        Clock.hour_now = hour
        (ann, bob)[turn % 2].assign([0, turn], f"{turn}", overwrite=True)
    ann.refresh()
    assert ann.names().tolist()[:5] == ["4", "1", "2", "3", "4"]
    assert ann.labelled_at()[0] == "2025-03-01T05:00:00+00:00"
    assert ann.undo() == ann.actions[4]
    assert ann.names()[0] == "3"
    bob.refresh()
    assert bob.next_undo == bob.actions[3]
    assert state(ann) == state(open_log(engine, who="ann"))
