"""The workspace's SQL tables, and the engine that reaches them.

SQLite is set up so that a committed transaction is on disk before the call returns: a write-ahead log lets other
processes read meanwhile, `synchronous=FULL` flushes it at every commit (https://sqlite.org/pragma.html).
"""

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
    UniqueConstraint,
    create_engine,
    event,
    insert,
    select,
)
from sqlalchemy.exc import DatabaseError

SCHEMA_VERSION = 1

metadata = MetaData()

meta = Table("meta", metadata, Column("schema_version", Integer, nullable=False))

projects = Table(
    "projects",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("n_rows", Integer, nullable=False),
    Column("space", Integer, nullable=False),  # the space that the map shows
)

spaces = Table(
    "spaces",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),  # "encoder" or the tuner's class name
    Column("settings", String, nullable=False),  # JSON: the encoder's or the tuner's parameters
    Column("parent", Integer),  # the space that the tuner was fitted on
    Column("created_at", String, nullable=False),
    Column("state", String, nullable=False),  # kept; candidate: made, not yet kept; discarded: its arrays are gone
)

labels = Table(
    "labels",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    UniqueConstraint("project_id", "name"),
)

actions = Table(
    "actions",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),  # 1, 2, 3 ... in the order in which they took effect
    Column("kind", String, nullable=False),  # assign, clear, import, undo, redo
    Column("label_id", Integer),  # of an assign
    Column("target", Integer),  # the action that an undo or a redo is about
    Column("n_rows", Integer, nullable=False),
    Column("rows", LargeBinary),  # see labels.pack_rows
    Column("after", LargeBinary),  # the label ids of an import, one a row
    Column("before", LargeBinary),  # what the rows held: label ids, then the actions that had set them
    Column("who", String, nullable=False),
    Column("at", String, nullable=False),  # ISO 8601, UTC
    Column("how", String, nullable=False),  # JSON: by lasso, box ..., on which map, with which polygon
    ForeignKeyConstraint(["project_id", "label_id"], ["labels.project_id", "labels.id"]),
)


class WorkspaceError(RuntimeError):
    """The workspace can't be read or written; the message says why and what to do."""


def open_database(path: Path) -> Engine:
    """Open the SQLite database at `path`, making it and its tables where they are missing.

    Raises WorkspaceError where the database was made by a newer version of Corral, or can't be read or written.
    """
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # The write lock is taken at once: what a transaction reads is still true when it writes. SQLAlchemy calls
        # this for the connections of `reading` too: they must not take it.
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    with writing(engine) as connection:
        metadata.create_all(connection)
        version = connection.scalar(select(meta.c.schema_version))
        if version is None:
            connection.execute(insert(meta).values(schema_version=SCHEMA_VERSION))
        elif version != SCHEMA_VERSION:
            raise WorkspaceError(
                f"the workspace {path.parent} has schema version {version}; this Corral reads version "
                f"{SCHEMA_VERSION}: update Corral, or point CORRAL_WORKSPACE to another folder"
            )
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading: no write lock is taken. Raises WorkspaceError where it can't be read."""
    try:
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            yield connection
    except DatabaseError as error:
        raise WorkspaceError(
            f"The workspace can't be read ({error.orig}): check that {engine.url.database} is there and whole. "
            "What was labelled is in that file."
        ) from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is on disk when the block ends, or not there at all.

    Raises WorkspaceError where it can't be written: a full disk, a read-only folder, a lock that another process holds.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except DatabaseError as error:
        raise WorkspaceError(
            f"The workspace can't be written ({error.orig}): nothing was changed. Free some disk space, or check that "
            f"{engine.url.database} may be written, and try again."
        ) from error
