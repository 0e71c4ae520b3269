"""Each action, and each of its changes, has a checksum: SQLite's file has none."""

import sqlalchemy as sa
from alembic import op

from labelling.database.packing import OF_ACTION, OF_CHANGE, checksum

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    for name, of, key in (
        ("actions", OF_ACTION, ("project_id", "seq")),
        ("changes", OF_CHANGE, ("project_id", "seq", "column")),
    ):
        op.add_column(name, sa.Column("checksum", sa.BigInteger))
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        keys = connection.execute(sa.select(*(table.c[each] for each in key))).all()
        for values in keys:  # one at a time: all blobs of a large workspace would not fit into memory
            this = sa.and_(*(table.c[each] == value for each, value in zip(key, values, strict=True)))
            row = connection.execute(sa.select(*(table.c[each] for each in of)).where(this)).one()
            connection.execute(sa.update(table).where(this).values(checksum=checksum(row)))
