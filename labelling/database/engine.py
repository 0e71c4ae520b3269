"""The engine that reaches a workspace's tables: SQLite in its folder, or PostgreSQL by a URL.

SQLite is set up so that a committed transaction is on disk before the call returns: a write-ahead log lets other
processes read meanwhile, `synchronous=FULL` flushes it at every commit (https://sqlite.org/pragma.html). PostgreSQL
does so by default.
"""

import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from labelling.database.tables import alembic_version, metadata, projects
from labelling.errors import CorralError

HEAD = "0003"  # the newest of labelling/database/migrations/versions
FIRST = "0001"  # that of workspaces made before migrations were numbered in a table of their own
WAL_TRIES = 100  # a tenth of a second apart
_MIGRATION_LOCK = 0x636F7272  # any number that is ours

# To each engine another one, with connections of its own: who reads never waits for those who write.
_readers: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()


class WorkspaceError(CorralError, RuntimeError):
    """The workspace can't be read or written; the message says why and what to do."""


def open_database(where: Path | str) -> Engine:
    """Open the database: a SQLite file at this path, or a URL (`postgresql://user@host/name`).

    What is missing of it is made, and what an earlier version of Corral made is brought up to date. One that is up to
    date is read alone: it may be read-only. Raises WorkspaceError where a newer version of Corral made it, or it can't
    be read, or can't be written and needs to be.
    """
    engine = _sqlite(where) if isinstance(where, Path) else _by_url(where)
    if _is_up_to_date(engine):
        return engine
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":  # SQLite's transactions have the database to themselves
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        tables = set(inspect(connection).get_table_names())
        if not tables:
            metadata.create_all(connection)
            connection.execute(insert(alembic_version).values(version_num=HEAD))
        elif {"projects", "alembic_version"} <= tables or {"projects", "meta"} <= tables:
            _migrate(connection, tables)
        else:
            raise WorkspaceError(
                f"{place(engine)} holds the tables of something else ({', '.join(sorted(tables)[:3])}): give Corral a "
                "database of its own."
            )
    _readers[engine].dispose()  # those of before there was anything to read, and no write-ahead log
    return engine


def _is_up_to_date(engine: Engine) -> bool:
    with reading(engine) as connection:
        has_version = inspect(connection).has_table(alembic_version.name)
        return has_version and connection.scalar(select(alembic_version.c.version_num)) == HEAD


def _migrate(connection: Connection, tables: set[str]) -> None:
    if "alembic_version" not in tables:
        alembic_version.create(connection)
        connection.execute(insert(alembic_version).values(version_num=FIRST))
    version = connection.scalar(select(alembic_version.c.version_num))
    if version == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise WorkspaceError(
            f"the workspace's database has schema version {version}; this Corral reads versions up to {HEAD}: update "
            "Corral, or point CORRAL_WORKSPACE to another folder"
        ) from error
    except (ValueError, LookupError, zlib.error) as error:  # what is in it is not what that version wrote
        raise WorkspaceError(
            f"The workspace's database can't be brought up to date from version {version} ({error}): it was left as it "
            "is. Open it with the Corral that made it, or put a copy of it back."
        ) from error


def _sqlite(path: Path) -> Engine:
    if not path.exists():
        try:
            path.touch()
        except OSError as error:
            raise WorkspaceError(f"{path} can't be made ({error.strerror}): check that it may be written.") from error
    # An existing file only: where it has gone, an empty one in its place would look as if all labels were gone.
    url = URL.create("sqlite", database=f"file:{_quoted(path)}", query={"mode": "rw", "uri": "true"})
    if _is_on_a_read_only_disk(path):
        url = url.update_query_dict({"mode": "ro", "immutable": "1"})
    engine = create_engine(url, connect_args={"timeout": 30})
    # As many connections as there are readers, and no limit: none of them waits.
    reader = create_engine(url, connect_args={"timeout": 30}, max_overflow=-1, isolation_level="AUTOCOMMIT")

    def configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        for pragma in ("busy_timeout=30000", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        record.info["file"] = _identity(path)

    def same_file(_connection: Any, record: Any, _proxy: Any) -> None:
        # What is written to a file that has been moved or replaced would be lost.
        if record.info["file"] != _identity(path):
            raise DisconnectionError("the database file is not there, or another one")

    for each in (engine, reader):
        event.listen(each, "connect", configure)
        event.listen(each, "checkout", same_file)

    @event.listens_for(engine, "connect")
    def _log_ahead(connection: Any, _record: Any) -> None:
        _use_write_ahead_log(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # The write lock is taken at once: what a transaction reads is still true when it writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return _with_reader(engine, reader)


def _with_reader(engine: Engine, reader: Engine) -> Engine:
    _readers[engine] = reader
    event.listen(engine, "engine_disposed", lambda _engine: reader.dispose())
    return engine


def _is_on_a_read_only_disk(path: Path) -> bool:
    """Whether SQLite can't make what it needs beside the file to read it, nor needs to: nobody is writing to it."""
    ahead = path.with_name(f"{path.name}-wal")
    return not os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids) and not (
        ahead.exists() and ahead.stat().st_size
    )


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # Where another process does this at the same moment SQLite does not wait, whatever the busy timeout.
            if "locked" not in str(error):
                raise
            time.sleep(0.1)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _by_url(address: str) -> Engine:
    try:
        url = make_url(address)
        if url.get_backend_name() != "postgresql":
            raise WorkspaceError(
                f"CORRAL_DATABASE_URL must be a PostgreSQL address, postgresql://user@host/name, got "
                f"{url.drivername}://...: leave it out for SQLite in the workspace."
            )
        # A page that waits for ever says nothing; for a lock, as long as SQLite's `busy_timeout`.
        limits = {"connect_timeout": 10, "options": "-c lock_timeout=30000"}
        limits = {name: limit for name, limit in limits.items() if name not in url.query}
        # Connections that the server has closed meanwhile are told before they are used.
        url, options = url.set(drivername="postgresql+psycopg"), {"pool_pre_ping": True, "connect_args": limits}
        return _with_reader(
            create_engine(url, **options), create_engine(url, max_overflow=20, isolation_level="AUTOCOMMIT", **options)
        )
    except (ArgumentError, NoSuchModuleError) as error:  # the address may hold a password: it is not repeated
        raise WorkspaceError(
            "CORRAL_DATABASE_URL is no database address: it looks like postgresql://user@host/name"
        ) from error


def place(engine: Engine) -> str:
    """Where the database is, for a message; without a password."""
    if engine.dialect.name == "sqlite":
        from urllib.parse import unquote

        return unquote(str(engine.url.database).removeprefix("file:"))
    return engine.url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading: no write lock is taken. Raises WorkspaceError where it can't be read."""
    try:
        with _readers[engine].connect() as connection:
            yield connection
    except UnicodeDecodeError as error:  # SQLite's message repeats a name of a table that is none
        raise WorkspaceError(_damaged(str(error), place(engine))) from error
    except (DBAPIError, DisconnectionError, PoolTimeoutError) as error:
        raise WorkspaceError(
            _known_problem(error, engine)
            or f"The workspace can't be read ({_why(error)}): check that {place(engine)} is there and whole. "
            "What was labelled is in it."
        ) from error


@contextmanager
def writing(engine: Engine, project_id: str | None = None) -> Iterator[Connection]:
    """A transaction that is on disk when the block ends, or not there at all.

    Those with one `project_id` take turns. Raises WorkspaceError where it can't be written: a full disk, a read-only
    folder, a lock that another process holds, a database that has gone away or is damaged.
    """
    try:
        with engine.begin() as connection:
            if project_id is not None:  # where transactions run side by side; SQLite's never do
                connection.execute(select(projects.c.id).where(projects.c.id == project_id).with_for_update())
            yield connection
    except UnicodeDecodeError as error:
        raise WorkspaceError(_damaged(str(error), place(engine), "What you did last was not saved. ")) from error
    except (DBAPIError, DisconnectionError, PoolTimeoutError) as error:
        raise WorkspaceError(
            _known_problem(error, engine, "What you did last was not saved. ")
            or f"The workspace can't be written ({_why(error)}): what you did last was not saved, all before was. "
            f"Check that {place(engine)} may be written, and that the disk is not full; then do it again."
        ) from error


def _known_problem(error: SQLAlchemyError, engine: Engine, unsaved: str = "") -> str | None:
    """What is wrong, and what to do, where the error tells it: nothing is promised of a database that is damaged."""
    why, where = _why(error), place(engine)
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF  # the lower byte is the kind
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(why, where, unsaved)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or isinstance(error, PoolTimeoutError):
        return (
            f"The workspace's database is locked: something else has been writing to {where} for half a minute "
            f"({why}). {unsaved}What was labelled before is in it: do it again in a while."
        )
    if code == sqlite3.SQLITE_CANTOPEN or isinstance(error, DisconnectionError):
        return (
            f"The workspace's database is missing: {where} can't be opened ({why}). {unsaved}What was labelled before "
            "is in that file: put it back where it was, then do it again."
        )
    return None


def _damaged(why: str, where: str, unsaved: str = "") -> str:
    return (
        f"The workspace's database is damaged ({why}). {unsaved}Nothing was changed in it. Stop Corral, keep {where} "
        "with the files that begin with its name, and put the newest copy of it in its place."
    )


def problems_of(engine: Engine) -> list[str]:
    """What SQLite finds wrong with its file, at most ten lines: it has no checksums, so that not all can be found.

    All of the file is read. Nothing of PostgreSQL, whose own tools do it better.
    """
    if engine.dialect.name != "sqlite":
        return []
    with reading(engine) as connection:
        return [line for line in connection.scalars(text("PRAGMA integrity_check(10)")) if line != "ok"]


def check_is_whole(engine: Engine) -> None:
    """Raises WorkspaceError where `problems_of` finds one: what would be read may be wrong, and be written on."""
    if problems := problems_of(engine):
        raise WorkspaceError(_damaged(" ".join(problems[0].split())[:200], place(engine)))


def storable(text: str) -> str:
    """The text without what a database can't hold: a NUL, half a surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _why(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
