"""Labels are made by actions, an undo says which rows it set, and projects have a kind and an owner."""

import json

import sqlalchemy as sa
from alembic import op

from labelling.database.packing import pack_values, unpack_values

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    connection = op.get_bind()
    op.add_column("projects", sa.Column("kind", sa.String, nullable=False, server_default="one"))
    op.add_column("projects", sa.Column("owner", sa.String))
    op.create_table(
        "members",
        sa.Column("project_id", sa.String, sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("who", sa.String, primary_key=True),
    )
    op.rename_table("actions", "actions_before")
    actions = op.create_table(
        "actions",
        sa.Column("project_id", sa.String, sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("label_id", sa.Integer),
        sa.Column("targets", sa.String),
        sa.Column("n_rows", sa.Integer, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("how", sa.String, nullable=False),
        sa.Column("labels", sa.String),
    )
    changes = op.create_table(
        "changes",
        sa.Column("project_id", sa.String, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("column", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
        sa.Column("after", sa.LargeBinary),
        sa.Column("before", sa.LargeBinary),
        sa.ForeignKeyConstraint(["project_id", "seq"], ["actions.project_id", "actions.seq"]),
    )
    before = sa.Table("actions_before", sa.MetaData(), autoload_with=connection)
    labels = sa.Table("labels", sa.MetaData(), autoload_with=connection)
    for project_id in connection.scalars(sa.select(before.c.project_id).distinct()).all():
        mine = sa.select(labels.c.id, labels.c.name).where(labels.c.project_id == project_id)
        names = {row.id: row.name for row in connection.execute(mine)}
        written = sa.select(before).where(before.c.project_id == project_id)
        for seq in connection.scalars(written.with_only_columns(before.c.seq).order_by(before.c.seq)).all():
            old = connection.execute(written.where(before.c.seq == seq)).one()
            about = old if old.target is None else connection.execute(written.where(before.c.seq == old.target)).one()
            made = _labels_of(old)
            how = json.loads(old.how)
            connection.execute(
                sa.insert(actions).values(
                    project_id=project_id,
                    seq=seq,
                    kind=old.kind,
                    label_id=old.label_id,
                    targets=None if old.target is None else json.dumps([old.target]),
                    n_rows=old.n_rows,
                    who=old.who,
                    at=old.at,
                    source=str(how.get("by", old.kind)),
                    how=old.how,
                    labels=json.dumps({id_: {"name": names.pop(id_)} for id_ in made if id_ in names})
                    if made
                    else None,
                )
            )
            after, was = _values(about)
            if old.kind == "undo":
                after, was = was, after
            connection.execute(
                sa.insert(changes).values(
                    project_id=project_id, seq=seq, column=-1, rows=about.rows, after=after, before=was
                )
            )
    op.drop_table("actions_before")
    op.drop_table("labels")
    op.drop_table("meta")


def _labels_of(action: sa.Row) -> list[int]:
    """The ids of the labels that an action gave."""
    if action.kind == "import":
        return sorted(set(unpack_values(action.after, action.n_rows)[0].tolist()))
    return [] if action.label_id is None else [action.label_id]


def _values(action: sa.Row) -> tuple[bytes, bytes]:
    """What the rows of an action held after it and before it: values, then the actions that had set them."""
    import numpy as np

    code = -1 if action.label_id is None else action.label_id
    set_by = np.full(action.n_rows, action.seq)
    after = unpack_values(action.after, action.n_rows)[0] if action.after else np.full(action.n_rows, code)
    return pack_values(after, set_by), action.before
