"""What the tests of the log share."""

import numpy as np
from sqlalchemy import Engine, func, insert, select

from labelling.database.tables import actions, projects
from labelling.labels import LabelLog

N_ROWS = 10


def add_project(engine: Engine, project_id: str = "p", n_rows: int = N_ROWS, *, multi_label: bool = False) -> None:
    kind = "several" if multi_label else "one"
    values = {"id": project_id, "name": "", "created_at": "", "n_rows": n_rows, "space": 0, "kind": kind}
    with engine.begin() as connection:
        connection.execute(insert(projects).values(values))


def open_log(engine: Engine, n_rows: int = N_ROWS, **how: object) -> LabelLog:
    return LabelLog(engine, "p", n_rows, **how)  # type: ignore[arg-type]


def n_actions(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


def names_of(log: LabelLog) -> list[str]:
    return [label.name for label in log.labels]


def state(log: LabelLog) -> list[object]:
    """All that a log says: two that are of one project and up to date say the same."""
    values = [log.label_values(label.id).tolist() for label in log.labels] if log.multi_label else log.codes.tolist()
    force = [log.in_force(action.seq) for action in log.actions]
    told = [log.labels, values, log.actions, force, log.next_undo, log.next_redo, log.n_labelled, log.counts().tolist()]
    return [*told, log.sources().tolist(), log.labelled_at().tolist()]


def rows_by_replay(log: LabelLog) -> list[int]:
    """The label ids that assign, clear, undo and redo give when they are replayed by hand: one label a row."""
    codes = np.full(log.n_rows, -1)
    for action in log.actions:
        if log.in_force(action.seq) and action.kind in ("assign", "clear"):
            codes[log.rows_of(action.seq)] = -1 if action.kind == "clear" else action.label_id
    return codes.tolist()
