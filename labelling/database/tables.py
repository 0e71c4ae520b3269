"""The tables of the database, as the newest migration leaves them."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

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
    Column("checksum", BigInteger),  # of all above, see packing; SQLite has none of its own
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
    Column("checksum", BigInteger),  # of seq, column, rows, after
    ForeignKeyConstraint(["project_id", "seq"], ["actions.project_id", "actions.seq"]),
)
