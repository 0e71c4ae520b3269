"""The workspace's database: how it is opened, brought up to date, and what is refused."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, func, insert, inspect, select, text, update
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from labelling.database import engine as database
from labelling.database.engine import HEAD, WorkspaceError, open_database, reading, writing
from labelling.database.tables import alembic_version, metadata, projects
from labelling.labels import LabelLog

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data"
V1_ROWS = 12


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "corral.db"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    """A database as Corral 0.3 wrote it, with that version's code."""
    path = tmp_path / "corral.db"
    connection = sqlite3.connect(path)
    connection.executescript((DATA / "workspace_v1.sql").read_text())
    connection.close()
    return path


def pragma(engine: Engine, name: str) -> object:
    with reading(engine) as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def version_of(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.scalars(select(alembic_version.c.version_num)))


def all_of(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    dumped = list(connection.iterdump())
    connection.close()
    return dumped


# ---------------------------------------------------------------- opening


def test_a_commit_is_on_disk_before_the_call_returns(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "corral.db")
    assert pragma(engine, "journal_mode") == "wal"
    assert pragma(engine, "synchronous") == 2, "FULL"
    assert pragma(engine, "foreign_keys") == 1
    assert pragma(engine, "busy_timeout") == 30_000


@pytest.mark.parametrize("name", ["corral.db", "what?.db", "50%41.db", "a b#c.db", "ä.db", "a&mode=memory.db"])
def test_a_file_of_any_name(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        assert version_of(open_database(tmp_path / name)) == [HEAD]
    assert sqlite3.connect(tmp_path / name).execute("select count(*) from projects").fetchone() == (0,)
    assert database.place(open_database(tmp_path / name)) == str(tmp_path / name)


def test_opening_at_the_same_time(where: Path | str) -> None:
    barrier = threading.Barrier(4)
    errors: list[Exception] = []

    def work() -> None:
        barrier.wait()
        try:
            open_database(where).dispose()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert version_of(open_database(where)) == [HEAD]


def test_what_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "corral.db").write_bytes(b"no database at all " * 100)
    with pytest.raises(WorkspaceError, match="not a database"):
        open_database(tmp_path / "corral.db")
    with pytest.raises(WorkspaceError, match="can't be made"):
        open_database(tmp_path / "no folder" / "corral.db")
    assert (tmp_path / "corral.db").read_bytes() == b"no database at all " * 100


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://root:secret@host/name", "must be a PostgreSQL address"),
        ("sqlite:///x.db", "must be a PostgreSQL address"),
        ("not an address secret", "no database address"),
        ("nonsense+psycopg://root:secret@host/name", "must be a PostgreSQL address"),
        ("postgresql://root:secret@/name?host=/nowhere", "can't be read"),
    ],
)
def test_what_is_no_address(address: str, message: str) -> None:
    with pytest.raises(WorkspaceError, match=message) as caught:
        open_database(address)
    assert "secret" not in str(caught.value)


def test_the_tables_of_something_else_are_left_alone(where: Path | str) -> None:
    engine = open_database(where)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("create table actions (what varchar)"))
        connection.execute(text("create table projects (id varchar)"))
    with pytest.raises(WorkspaceError, match=r"something else \(actions, projects\).*database of its own"):
        open_database(where)
    assert set(inspect(engine).get_table_names()) == {"actions", "projects"}
    assert [column["name"] for column in inspect(engine).get_columns("projects")] == ["id"]


# ---------------------------------------------------------------- transactions


def test_a_transaction_is_whole_or_not_there(where: Path | str) -> None:
    engine = open_database(where)
    row = {"name": "", "created_at": "", "n_rows": 1, "space": 0, "kind": "one"}
    with pytest.raises(KeyError), writing(engine) as connection:  # noqa: PT012
        connection.execute(insert(projects).values(id="a", **row))
        raise KeyError
    with pytest.raises(WorkspaceError, match=r"(?i)unique"), writing(engine) as connection:  # noqa: PT012
        connection.execute(insert(projects).values(id="b", **row))
        connection.execute(insert(projects).values(id="b", **row))
    with reading(engine) as connection:
        assert connection.execute(select(projects.c.id)).all() == []


def test_reading_takes_no_lock(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "corral.db")
    with reading(engine) as connection:
        connection.execute(select(projects)).all()
        other = sqlite3.connect(tmp_path / "corral.db", timeout=0)
        other.execute("BEGIN IMMEDIATE")  # raises at once where the reader holds the write lock
        other.rollback()
    other.execute("BEGIN IMMEDIATE")
    with reading(engine) as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        assert connection.scalar(select(func.count()).select_from(projects)) == 0
    other.rollback()


# ---------------------------------------------------------------- what an earlier version made


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "labelling/database/migrations"))
    return ScriptDirectory.from_config(config)


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    assert script().get_heads() == [HEAD]
    assert script().get_bases() == [database.FIRST]


def test_an_earlier_workspace_opens_with_all_its_labels(v1: Path) -> None:
    engine = open_database(v1)
    for project_id, told in json.loads((DATA / "workspace_v1.json").read_text()).items():
        log = LabelLog(engine, project_id, V1_ROWS, who="ann")
        assert log.names().tolist() == told["names"]
        assert log.sources().tolist() == told["sources"]
        assert log.labelled_at().tolist() == told["labelled_at"]
        labelled = log.codes >= 0
        assert log.setters[labelled].tolist() == [
            seq for seq, name in zip(told["setters"], told["names"], strict=True) if name
        ]
        assert {label.name for label in log.labels} >= set(told["names"]) - {None}
        assert {label.name for label in log.labels} <= set(told["labels"])
        actions = [
            [a.seq, a.kind, (a.targets or [None])[0], a.n_rows, a.who, a.at, log.how(a.seq)] for a in log.actions
        ]
        assert actions == told["actions"]
        assert [log.rows_of(action.seq).tolist() for action in log.actions] == told["rows"]
        assert [action.seq for action in log.actions if not log.in_force(action.seq)] == told["undone"]


def test_work_goes_on_in_an_earlier_workspace(v1: Path) -> None:
    log = LabelLog(open_database(v1), "abcdefghjkmn", V1_ROWS, who="ann")
    names = log.names().tolist()
    for seq in [action.seq for action in log.actions if action.is_step and log.in_force(action.seq)]:
        log.undo(seq)
    assert log.names().tolist() == [None] * V1_ROWS
    assert log.labels == []
    assert log.undo() is None
    log.revert(15)
    assert log.names().tolist() == names
    log.redo(9)
    assert log.names().tolist()[9:11] == ["taken back"] * 2
    assert log.assign([0], "new", overwrite=True).n_changed == 1
    assert len({label.id for label in log.labels}) == len(log.labels)


@pytest.mark.parametrize("made", ["migrated", "new", "new on PostgreSQL"])
def test_the_schema_is_the_same_however_it_came(
    made: str, v1: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if made == "new on PostgreSQL":
        engine = open_database(request.getfixturevalue("postgres").new_database())
    else:
        engine = open_database(v1 if made == "migrated" else tmp_path / "new.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
    assert version_of(engine) == [HEAD]


def test_foreign_keys_hold_after_a_migration(v1: Path) -> None:
    engine = open_database(v1)
    with reading(engine) as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_a_newer_database_is_refused_and_left_as_it_is(where: Path | str) -> None:
    engine = open_database(where)
    with writing(engine) as connection:
        connection.execute(update(alembic_version).values(version_num="9999"))
        connection.exec_driver_sql("DROP TABLE changes")
    with pytest.raises(WorkspaceError, match=rf"version 9999.*up to {HEAD}.*update Corral"):
        open_database(where)
    assert version_of(engine) == ["9999"]
    assert "changes" not in inspect(engine).get_table_names()


MIGRATE = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from labelling.database.engine import open_database
print("ready", flush=True)
sys.stdin.readline()
open_database(Path(sys.argv[1]))
print("done", flush=True)
"""


@pytest.mark.slow
def test_two_processes_that_migrate_at_once(v1: Path, tmp_path: Path) -> None:
    code = MIGRATE.format(root=str(ROOT))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(v1)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in both] == ["done\n", "done\n"]
    assert version_of(open_database(v1)) == [HEAD]
    assert LabelLog(open_database(v1), "npqrstuvwxyz", V1_ROWS).seq == 7


@pytest.mark.parametrize("table", ["actions", "changes"])
def test_a_migration_that_fails_leaves_the_old_database(v1: Path, table: str) -> None:
    """Whatever it is that fails: here a row that can't be, met half-way."""
    connection = sqlite3.connect(v1)
    column, value = ("how", "no JSON") if table == "actions" else ("before", b"no zlib")
    connection.execute(f"update actions set {column} = ? where project_id = 'npqrstuvwxyz' and seq = 3", (value,))
    if table == "changes":
        connection.execute("update actions set after = ? where project_id = 'npqrstuvwxyz' and seq = 3", (value,))
    connection.commit()
    connection.close()
    before = all_of(v1)
    with pytest.raises(WorkspaceError, match=r"can't be brought up to date.*left as it is"):
        open_database(v1)
    assert all_of(v1) == before


CUT_SHORT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from sqlalchemy import event
from labelling.database import engine as database
left = int(sys.argv[2])
def count(connection, cursor, statement, *_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(database.Engine, "before_cursor_execute", count)
database.open_database(Path(sys.argv[1]))
print("done", flush=True)
"""


@pytest.mark.slow
def test_a_migration_cut_short_leaves_the_old_database(v1: Path) -> None:
    before = all_of(v1)
    for n_statements in (25, 60, 130):
        done = subprocess.run(
            [sys.executable, "-c", CUT_SHORT.format(root=str(ROOT)), str(v1), str(n_statements)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert all_of(v1) == before
    assert version_of(open_database(v1)) == [HEAD]


# ---------------------------------------------------------------- damaged, locked, missing


def test_a_damaged_database_is_called_damaged_and_nothing_is_promised(tmp_path: Path) -> None:
    path = tmp_path / "corral.db"
    engine = open_database(path)
    with writing(engine) as connection:
        connection.execute(insert(projects), [project_row(f"{number:04d}" * 3) for number in range(500)])
    engine.dispose()
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * len(data[8192:])
    path.write_bytes(data)
    before = path.read_bytes()

    def write() -> None:
        with writing(open_database(path)) as connection:
            connection.execute(update(projects).values(name="other"))

    def read() -> None:
        with reading(open_database(path)) as connection:
            connection.execute(select(projects)).all()

    for attempt in (write, read):
        with pytest.raises(WorkspaceError, match=r"is damaged.*put the newest copy") as caught:
            attempt()
        assert "all before was" not in str(caught.value)
        assert "What was labelled" not in str(caught.value)
    assert path.read_bytes() == before


def project_row(project_id: str) -> dict[str, object]:
    return {"id": project_id, "name": "p" * 40, "created_at": "now", "n_rows": 1, "space": 0, "kind": "one"}


def test_readers_wait_for_nobody(where: Path | str) -> None:
    engine = open_database(where)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=3000"))
    with writing(engine) as connection:
        connection.execute(insert(projects).values(**project_row("a" * 12)))
    started, over = threading.Barrier(21), threading.Event()

    def write() -> None:
        started.wait()
        with suppress(WorkspaceError), writing(engine, "a" * 12):
            over.wait(30)

    def read() -> int:
        with reading(engine) as connection:
            return connection.scalar(select(func.count()).select_from(projects)) or 0

    # More writers than there are connections to write by: one has the lock, the others wait for it or for a connection.
    writers = [threading.Thread(target=write) for _ in range(20)]
    for thread in writers:
        thread.start()
    started.wait()
    try:
        with ThreadPoolExecutor(16) as pool:
            found = [pool.submit(read) for _ in range(64)]
            assert [future.result(timeout=10) for future in found] == [1] * 64
        with reading(open_database(where)) as connection:  # opening it waits for nobody either
            assert connection.scalar(select(alembic_version.c.version_num)) == HEAD
    finally:
        over.set()
        for thread in writers:
            thread.join()
    engine.dispose()


def test_no_connection_left_is_a_sentence(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "corral.db")
    engine.pool._timeout = 0.01  # type: ignore[attr-defined]
    held = []
    with suppress(PoolTimeoutError):
        while True:
            held.append(engine.raw_connection())
    with pytest.raises(WorkspaceError, match=r"is locked.*not saved.*do it again"), writing(engine):
        pass
    for connection in held:
        connection.close()
