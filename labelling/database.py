"""The SQL tables of a workspace, and the engine that reaches them: SQLite in its folder, or PostgreSQL by a URL.

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

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError, SQLAlchemyError

from labelling.errors import CorralError

HEAD = "0002"  # the newest of labelling/migrations/versions
FIRST = "0001"  # that of workspaces made before migrations were numbered in a table of their own
WAL_TRIES = 100  # a tenth of a second apart
_MIGRATION_LOCK = 0x636F7272  # any number that is ours

metadata = MetaData()

alembic_version = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))

projects = Table(
    "projects",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("n_rows", Integer, nullable=False),
    Column("space", Integer, nullable=False),  # the space that the map shows
    Column("kind", String, nullable=False),  # one: a label a row; several: yes, no or unknown for each label
    Column("owner", String),  # who signed in made it; None where nobody signs in
)

members = Table(
    "members",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("who", String, primary_key=True),  # whom the owner shares it with
)

spaces = Table(
    "spaces",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),  # "encoder" or the tuner's class name
    Column("settings", String, nullable=False),  # JSON: the encoder's or the tuner's parameters
    Column("parent", Integer),  # the space that the tuner was fitted on
    Column("created_at", String, nullable=False),
    Column("state", String, nullable=False),  # kept; candidate: made, not yet kept; discarded: its arrays are gone
)

actions = Table(
    "actions",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 ... as they took effect
    Column("kind", String, nullable=False),  # see labels.Action
    Column("label_id", Integer),
    Column("targets", String),  # JSON: the actions that an undo, a redo, a revert or an audit is about
    Column("n_rows", Integer, nullable=False),
    Column("who", String, nullable=False),
    Column("at", String, nullable=False),  # ISO 8601, UTC
    Column("source", String, nullable=False),  # how the rows were chosen, in a word
    Column("how", String, nullable=False),  # JSON: by lasso, box ..., on which map, with which polygon
    Column("labels", String),  # JSON: what it changed about labels, {id: {field: value}}
)

changes = Table(
    "changes",
    metadata,
    Column("project_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("column", Integer, primary_key=True, autoincrement=False),  # a label's id; -1: one label a row
    Column("rows", LargeBinary, nullable=False),  # see packing
    Column("after", LargeBinary),  # what the rows hold now: values, or values and the actions that had set them
    Column("before", LargeBinary),  # what they held: values, then the actions that had set them
    ForeignKeyConstraint(["project_id", "seq"], ["actions.project_id", "actions.seq"]),
)


class WorkspaceError(CorralError, RuntimeError):
    """The workspace can't be read or written; the message says why and what to do."""


def open_database(where: Path | str) -> Engine:
    """Open the database: a SQLite file at this path, or a URL (`postgresql://user@host/name`).

    What is missing of it is made, and what an earlier version of Corral made is brought up to date. Raises
    WorkspaceError where a newer version of Corral made it, or it can't be read or written.
    """
    engine = _sqlite(where) if isinstance(where, Path) else _by_url(where)
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
    return engine


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
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        for pragma in ("busy_timeout=30000", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _use_write_ahead_log(connection)
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def _same_file(_connection: Any, record: Any, _proxy: Any) -> None:
        # What is written to a file that has been moved or replaced would be lost.
        if record.info["file"] != _identity(path):
            raise DisconnectionError("the database file was replaced")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # The write lock is taken at once: what a transaction reads is still true when it writes. SQLAlchemy calls
        # this for the connections of `reading` too: they must not take it.
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


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
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args=limits)
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
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            yield connection
    except (DBAPIError, DisconnectionError) as error:
        raise WorkspaceError(
            f"The workspace can't be read ({_why(error)}): check that {place(engine)} is there and whole. "
            "What was labelled is in it."
        ) from error


@contextmanager
def writing(engine: Engine, project_id: str | None = None) -> Iterator[Connection]:
    """A transaction that is on disk when the block ends, or not there at all.

    Those with one `project_id` take turns. Raises WorkspaceError where it can't be written: a full disk, a read-only
    folder, a lock that another process holds, a database that has gone away.
    """
    try:
        with engine.begin() as connection:
            if project_id is not None:  # where transactions run side by side; SQLite's never do
                connection.execute(select(projects.c.id).where(projects.c.id == project_id).with_for_update())
            yield connection
    except (DBAPIError, DisconnectionError) as error:
        raise WorkspaceError(
            f"The workspace can't be written ({_why(error)}): what you did last was not saved, all before was. Check "
            f"that {place(engine)} is there and may be written, and that the disk is not full; then do it again."
        ) from error


def storable(text: str) -> str:
    """The text without what a database can't hold: a NUL, half a surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _why(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
