"""A whole label log, entry by entry: read from one database, taken over into another with who, when and how."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, select

from labelling.database.engine import reading
from labelling.database.packing import OF_ACTION, OF_CHANGE
from labelling.database.tables import actions
from labelling.database.tables import changes as changes_table
from labelling.labels.fold import Change, Column, Fold
from labelling.labels.label import NO, UNLABELLED, YES, Action
from labelling.labels.stored import insert_action, stored_action, stored_change

AT_ONCE = 50  # actions whose rows are in memory together


@dataclass(frozen=True)
class Entry:
    """An action, how its rows were chosen, and what it changed: without what these rows bore before."""

    action: Action
    how: Mapping[str, Any]
    changes: Sequence[Change] = ()


def read_entries(engine: Engine, project_id: str) -> Iterator[Entry]:
    """All of a project's log, the oldest first. Raises WorkspaceError where an entry is damaged."""
    of_action = [actions.c[name] for name in (*OF_ACTION, "checksum")]
    of_change = [changes_table.c[name] for name in (*OF_CHANGE, "checksum")]
    last = 0
    with reading(engine) as connection:
        while True:
            next_ones = select(*of_action).where(actions.c.project_id == project_id, actions.c.seq > last)
            rows = connection.execute(next_ones.order_by(actions.c.seq).limit(AT_ONCE)).all()
            if not rows:
                return
            within = (changes_table.c.seq > last) & (changes_table.c.seq <= rows[-1].seq)
            theirs = select(*of_change).where(changes_table.c.project_id == project_id, within)
            changes: dict[int, list[Change]] = {}
            for row in connection.execute(theirs.order_by(changes_table.c.seq, changes_table.c.column)):
                changes.setdefault(row.seq, []).append(stored_change(row))
            for row in rows:
                yield Entry(stored_action(row), json.loads(row.how), changes.get(row.seq, ()))
            last = rows[-1].seq


def take_over(
    connection: Connection, project_id: str, fold: Fold, entries: Iterable[Entry], *, anew: bool = False
) -> None:
    """Append the entries to a project's log, which `fold` holds so far and holds all of afterwards.

    What rows bore before is worked out on the way. With `anew`, what an undo, a redo or a revert changed is, too,
    rather than taken from the entry.
    """

    def changes_of(seq: int) -> dict[int, Change]:
        ours = (changes_table.c.project_id == project_id) & (changes_table.c.seq == seq)
        return {row.column: stored_change(row) for row in connection.execute(select(changes_table).where(ours))}

    for entry in entries:
        action = entry.action
        if anew and action.kind in ("undo", "redo", "revert"):
            off, on = fold.switches(action.kind, action.targets)
            changes: Sequence[Change] = fold.after_switching(off, on, changes_of)
        else:
            changes = [_with_before(fold, change) for change in entry.changes]
        insert_action(connection, project_id, action, entry.how, changes)
        fold.take(action)
        fold.change(action.seq, changes)


def _with_before(fold: Fold, change: Change) -> Change:
    if change.after is None:
        return change
    column = fold.columns.get(change.column) or Column.empty(fold.n_rows)
    return replace(change, before=column.codes[change.rows], before_setters=column.setters[change.rows])


def borne(fold: Fold) -> dict[int, str | dict[str, int]]:
    """What the rows bear of which anything is known: a label's name; or for each label 1 (yes) or 0 (no)."""
    labels, became = fold.labels_where(fold.off)
    if not fold.multi_label:
        names = {label.id: label.name for label in labels}
        codes = fold.codes(became)
        return {row: names[codes[row]] for row in np.flatnonzero(codes != UNLABELLED).tolist()}
    found: dict[int, str | dict[str, int]] = {}
    for label in labels:
        values = fold.label_values(label.id, became).codes
        for row in np.flatnonzero((values == YES) | (values == NO)).tolist():
            answers = found.setdefault(row, {})
            assert isinstance(answers, dict)  # noqa: S101 - of such a project
            answers[label.name] = int(values[row])
    return found
