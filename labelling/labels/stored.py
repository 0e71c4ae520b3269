"""What stands in a row of the label log's tables: actions, and the rows that they changed. Damage is said."""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, insert

from labelling.database.engine import WorkspaceError
from labelling.database.packing import (
    OF_ACTION,
    OF_CHANGE,
    checksum,
    pack_rows,
    pack_values,
    unpack_rows,
    unpack_values,
)
from labelling.database.tables import actions
from labelling.database.tables import changes as changes_table
from labelling.labels.fold import Change
from labelling.labels.label import Action


def stored_action(row: Row[Any]) -> Action:
    """The action of a row with the columns OF_ACTION and its checksum. Raises WorkspaceError where it is damaged."""
    _check(row, OF_ACTION)
    try:
        labels = {int(label_id): fields for label_id, fields in json.loads(row.labels).items()} if row.labels else {}
        targets = tuple(json.loads(row.targets)) if row.targets else ()
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(row.seq, error) from error
    return Action(row.seq, row.kind, row.label_id, targets, row.n_rows, row.who, row.at, row.source, labels)


def stored_change(row: Row[Any]) -> Change:
    """The rows that an action changed, of a row with the columns OF_CHANGE, its checksum and perhaps `before`.

    Raises WorkspaceError where it is damaged.
    """
    _check(row, OF_CHANGE)
    try:
        rows = unpack_rows(row.rows)
        after = unpack_values(row.after, len(rows)) if row.after else []
        before = unpack_values(row.before, len(rows)) if getattr(row, "before", None) else []
    except (zlib.error, ValueError) as error:
        raise _damaged(row.seq, error) from error
    return Change(row.column, rows, *_two(after), *_two(before))


def insert_action(
    connection: Connection, project_id: str, action: Action, how: Mapping[str, Any], changes: Sequence[Change]
) -> None:
    """Write an action, how its rows were chosen, and what it changed."""
    values: dict[str, str | int | None] = {
        "seq": action.seq,
        "kind": action.kind,
        "label_id": action.label_id,
        "targets": json.dumps(list(action.targets)) if action.targets else None,
        "n_rows": action.n_rows,
        "who": action.who,
        "at": action.at,
        "source": action.source,
        "how": json.dumps(how),
        "labels": json.dumps(action.changes) if action.changes else None,
    }
    sum_ = checksum([values[name] for name in OF_ACTION])
    connection.execute(insert(actions).values(project_id=project_id, checksum=sum_, **values))
    for change in changes:
        after = [values for values in (change.after, change.setters) if values is not None]
        before = [values for values in (change.before, change.before_setters) if values is not None]
        blobs: dict[str, int | bytes | None] = {
            "seq": action.seq,
            "column": change.column,
            "rows": pack_rows(change.rows),
            "after": pack_values(*after) if after else None,
            "before": pack_values(*before) if before else None,
        }
        sum_ = checksum([blobs[name] for name in OF_CHANGE])
        connection.execute(insert(changes_table).values(project_id=project_id, checksum=sum_, **blobs))


def _check(row: Row[Any], names: Sequence[str]) -> None:
    if checksum([getattr(row, name) for name in names]) != row.checksum:
        raise _damaged(row.seq, "its checksum is another one")


def _damaged(seq: int, error: Exception | str) -> WorkspaceError:
    return WorkspaceError(
        f"Action {seq:,} of the labels' history is damaged in the database ({error}): what it did can't be told any "
        "more. Nothing was changed. Put the newest copy of the database back."
    )


def _two(values: list[np.ndarray]) -> tuple[np.ndarray | None, np.ndarray | None]:
    return (values[0] if values else None, values[1] if len(values) > 1 else None)
