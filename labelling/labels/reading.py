"""Reading the label log: what the actions are, and what follows from them."""

import getpass
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, select

from labelling.database.engine import WorkspaceError, place, reading, storable
from labelling.database.packing import OF_ACTION, OF_CHANGE
from labelling.database.tables import actions, projects
from labelling.database.tables import changes as changes_table
from labelling.errors import CorralError
from labelling.labels import snapshots
from labelling.labels.fold import ONE, Change, Column, Fold
from labelling.labels.label import UNKNOWN, UNLABELLED, YES, Action, Label, LabelError, composed
from labelling.labels.stored import stored_action, stored_change

AT_ONCE = 50  # actions whose rows are in memory together
SNAPSHOT_EVERY = 100  # actions: more would be taken in anew when the project is opened


def user_name() -> str:
    """The name under which this process runs, "" where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may run under a number without a name
        return ""


class LogReader:
    """The labels of one project, as the log has them. Several threads may refresh it.

    Parameters
    ----------
    engine, project_id, n_rows
        The database; the project, and how many rows it has.
    several : bool
        Whether each label is yes, no or unknown for each row, rather than one label a row.
    who : str
        Who acts; undo and redo are theirs. None is the name under which this process runs.
    snapshot : Path
        Where what the rows bear is kept, so that opening need not take in all actions. None keeps it nowhere.

    Attributes
    ----------
    labels : list of Label
        In their order. A label keeps its id for good.
    actions : list of Action
        The whole log.
    """

    def __init__(
        self,
        engine: Engine,
        project_id: str,
        n_rows: int,
        *,
        multi_label: bool = False,
        who: str | None = None,
        snapshot: Path | None = None,
    ) -> None:
        self.engine = engine
        self.project_id = project_id
        self.n_rows = n_rows
        self.multi_label = multi_label
        self.who = storable(user_name() if who is None else who)
        self._snapshot = snapshot
        # Streamlit starts a page's next run before the last one has wound up: both are in here for a moment.
        self._lock = threading.RLock()
        with reading(self.engine) as connection:
            self._open(connection)
        self._keep_snapshot()

    # ---------------------------------------------------------------- reading

    def _open(self, connection: Connection) -> None:
        """Take in the whole log: all of it, or none where it can't be read."""
        with _readable():
            self._take_all(connection)

    def _take_all(self, connection: Connection) -> None:
        ours = select(projects.c.id).where(projects.c.id == self.project_id)
        if connection.scalar(ours) is None:
            raise WorkspaceError(
                f"The project is not in {place(self.engine)}: is it another database by now? What was labelled is in "
                "the one that was there."
            )
        fold = Fold(self.n_rows, multi_label=self.multi_label)
        log = self._actions(connection, 0)
        kept = None if self._snapshot is None else snapshots.load(self._snapshot, self.n_rows)
        if kept is not None and (kept.seq > len(log) or kept.token != token(log[kept.seq - 1])):
            kept = None
        self._snapshot_seq = 0 if kept is None else kept.seq
        if kept is not None:
            fold.columns.update(kept.columns)
        self._take(connection, fold, log, self._snapshot_seq)
        self._fold = fold
        self._how: dict[int, Mapping[str, Any]] = {}
        self._codes: tuple[int, np.ndarray] | None = None
        self._label_values: dict[int, tuple[int, Column]] = {}
        self._find_labels()

    def refresh(self) -> bool:
        """Take in what other tabs and processes have added; True if there was anything."""
        with self._lock, reading(self.engine) as connection:
            return self._refresh(connection)

    @property
    def is_behind(self) -> bool:
        """Whether there is anything for `refresh` to take in."""
        with self._lock, reading(self.engine) as connection, _readable():
            stored = self._actions(connection, max(self.seq - 1, 0))
            return [*map(token, stored)] != [*map(token, self.actions[-1:])]

    def _refresh(self, connection: Connection) -> bool:
        with _readable():
            known = self.actions[-1:]
            new = self._actions(connection, max(self.seq - 1, 0))
            if known and [token(action) for action in new[:1]] != [token(*known)]:  # it was put back from a copy, say
                self._open(connection)
                return True
            new = new[len(known) :]
            if new:
                self._take(connection, self._fold, new, self.seq)
                self._find_labels()
            return bool(new)

    def _actions(self, connection: Connection, after: int) -> list[Action]:
        columns = (actions.c[name] for name in (*OF_ACTION, "checksum"))
        rows = connection.execute(
            select(*columns)
            .where(actions.c.project_id == self.project_id, actions.c.seq > after)
            .order_by(actions.c.seq)
        )
        return [stored_action(row) for row in rows]

    def _take(self, connection: Connection, fold: Fold, new: Sequence[Action], known: int) -> None:
        """Take in these actions, and the rows of those after action `known`."""
        for start in range(0, len(new), AT_ONCE):
            some = new[start : start + AT_ONCE]
            changes = self._changes_between(connection, max(some[0].seq - 1, known), some[-1].seq)
            for action in some:
                fold.take(action)
                fold.change(action.seq, changes.get(action.seq, ()))

    def _changes_between(self, connection: Connection, after: int, last: int) -> dict[int, list[Change]]:
        """The rows of the actions after the one up to the other, without what these had before."""
        found: dict[int, list[Change]] = {}
        if after < last:
            columns = (changes_table.c[name] for name in (*OF_CHANGE, "checksum"))
            within = (changes_table.c.seq > after) & (changes_table.c.seq <= last)
            for row in connection.execute(
                select(*columns).where(changes_table.c.project_id == self.project_id, within)
            ):
                found.setdefault(row.seq, []).append(stored_change(row))
        return found

    def _keep_snapshot(self) -> None:
        """Keep what the rows bear, so that opening is quick. It can be made anew from the log: no loss if it fails."""
        if self._snapshot is None or self.seq - self._snapshot_seq < SNAPSHOT_EVERY:
            return
        kept = snapshots.Snapshot(self.n_rows, self.seq, token(self.actions[-1]), self._fold.columns)
        snapshots.save(self._snapshot, kept)
        self._snapshot_seq = self.seq

    def _find_labels(self) -> None:
        self.labels, self._became = self._fold.labels_where(self._fold.off)
        self._by_id = {label.id: label for label in self.labels}

    def _changes(self) -> Any:
        return select(changes_table).where(changes_table.c.project_id == self.project_id)

    @property
    def actions(self) -> list[Action]:
        return self._fold.actions

    @property
    def seq(self) -> int:
        """The number of the last action, 0 where there is none: two equal numbers mean equal labels."""
        return len(self._fold.actions)

    def in_force(self, seq: int) -> bool:
        """Whether the action has not been taken back."""
        return self._fold.in_force(seq)

    def label(self, label_id: int) -> Label:
        """Raises LabelError where there is no such label (any more)."""
        if label_id not in self._by_id:
            raise LabelError("This label is no longer there: it was deleted or merged, in another tab perhaps.")
        return self._by_id[label_id]

    def last_name(self, label_id: int) -> str:
        """The name of a label, also of one that is gone."""
        if label_id in self._by_id:
            return self._by_id[label_id].name
        named = (action.changes[label_id] for action in reversed(self.actions) if label_id in action.changes)
        return next((str(fields["name"]) for fields in named if "name" in fields), "")

    def find(self, name: str) -> Label | None:
        """The label of this name; else the one whose name looks the same (`labels.composed`)."""
        named = next((label for label in self.labels if label.name == name), None)
        alike = (label for label in self.labels if composed(label.name) == composed(name))
        return named or next(alike, None)

    def find_by_then(self, name: str) -> Label | None:
        """As `find`; else what became of the label that had this name last: it was renamed, or merged into another."""
        if (label := self.find(name)) is not None:
            return label
        named = (
            label_id
            for action in reversed(self.actions)
            for label_id, fields in action.changes.items()
            if fields.get("name") == name
        )
        label_id = next(named, UNLABELLED)
        for _ in self._became:
            label_id = self._became.get(label_id, label_id)
        return self._by_id.get(label_id)

    @property
    def n_ids(self) -> int:
        """One more than the highest id of a label, gone or not."""
        return self._fold.n_labels

    @property
    def codes(self) -> np.ndarray:
        """The label id of each row, -1 where it has none: int32 (n_rows,). Not to be written to.

        With yes, no and unknown for each label, see `answers`.
        """
        if self.multi_label:
            raise LabelError("A row of this project may bear several labels.")
        if self._codes is None or self._codes[0] != self.seq:
            self._codes = (self.seq, self._fold.codes(self._became))
        return self._codes[1]

    @property
    def setters(self) -> np.ndarray:
        """The `seq` of the action that set the row's label, 0 where none did: int32 (n_rows,)."""
        return self._fold.columns[ONE].setters

    def label_values(self, label_id: int) -> np.ndarray:
        """Whether each row bears the label: int32 (n_rows,), 1 yes, 0 no, -1 unknown.

        With one label a row it is yes or no where the row has a label.
        """
        if not self.multi_label:
            return np.where(self.codes == UNLABELLED, UNKNOWN, self.codes == label_id).astype(np.int32)
        return self._column(label_id).codes

    def _column(self, label_id: int) -> Column:
        kept = self._label_values.get(label_id)
        if kept is None or kept[0] != self.seq:
            kept = self._label_values[label_id] = (self.seq, self._fold.label_values(label_id, self._became))
        return kept[1]

    @property
    def known(self) -> np.ndarray:
        """Whether anything is known of each row: bool (n_rows,). With one label a row: whether it has one."""
        if not self.multi_label:
            return self.codes != UNLABELLED
        known = np.zeros(self.n_rows, bool)
        for label in self.labels:
            known |= self.label_values(label.id) != UNKNOWN
        return known

    @property
    def n_labelled(self) -> int:
        return int(np.count_nonzero(self.known))

    def counts(self, rows: np.ndarray | None = None, answer: int = YES) -> np.ndarray:
        """How many of `rows` (default: all) bear each label: int array (n_ids,).

        With yes, no and unknown for each label: to how many the `answer` is this.
        """
        if self.multi_label:
            counts = np.zeros(self.n_ids, int)
            for label in self.labels:
                label_values = self.label_values(label.id)
                counts[label.id] = np.count_nonzero((label_values if rows is None else label_values[rows]) == answer)
            return counts
        codes = self.codes if rows is None else self.codes[rows]
        return np.bincount(codes[codes != UNLABELLED], minlength=self.n_ids)

    def names(self) -> np.ndarray:
        """Each row's label name, None where it has none: object array (n_rows,)."""
        names = np.full(self.n_ids + 1, None, object)
        for label in self.labels:
            names[label.id] = label.name
        return names[self.codes]

    def frame(self) -> pd.DataFrame:
        """A column for each label by its name: 1.0 yes, 0.0 no, NaN unknown."""
        columns = {label.name: self.label_values(label.id).astype(float) for label in self.labels}
        return pd.DataFrame(columns, index=range(self.n_rows)).replace(UNKNOWN, np.nan)

    def name_of(self, row: int) -> str | None:
        """The row's label name, None where it has none; with several, the names of all that it bears."""
        if self.multi_label:
            bears = [label.name for label in self.labels if self.label_values(label.id)[row] == YES]
            return ", ".join(bears) or None
        code = int(self.codes[row])
        return None if code == UNLABELLED else self._by_id[code].name

    def labelled_at(self) -> np.ndarray:
        """When each row got its label, ISO 8601 UTC, None where it has none: object array (n_rows,)."""
        return self._of_setter([action.at for action in self.actions])

    def sources(self) -> np.ndarray:
        """How each row got its label ("lasso", "box", "imported"), None where it has none: object (n_rows,)."""
        return self._of_setter([action.source for action in self.actions])

    def labelled_by(self) -> np.ndarray:
        """Who gave each row its label, None where it has none: object array (n_rows,)."""
        return self._of_setter([action.who for action in self.actions])

    def _of_setter(self, values: list[Any]) -> np.ndarray:
        if self.multi_label:
            last = np.zeros(self.n_rows, np.int32)
            for label in self.labels:
                column = self._column(label.id)
                np.maximum(last, np.where(column.codes == UNKNOWN, 0, column.setters), out=last)
        else:
            last = np.where(self.codes == UNLABELLED, 0, self.setters)
        found = np.array([None, *values], object)
        return found[last]

    def rows_of(self, seq: int) -> np.ndarray:
        """The rows that action `seq` changed, sorted: int64 array."""
        rows = list(self.rows_by_column(seq).values())
        return np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int64)

    def rows_by_column(self, seq: int) -> dict[int, np.ndarray]:
        """The rows that action `seq` changed, by the label's id where each label is yes, no or unknown."""
        with reading(self.engine) as connection:
            return {number: change.rows for number, change in self._changes_of(connection, seq).items()}

    def standing(self, seq: int) -> np.ndarray:
        """The rows that action `seq` gave their label and that have not been labelled anew since: int64, sorted."""
        with reading(self.engine) as connection:
            found = self._changes_of(connection, seq)
        columns = self._fold.columns
        rows = [
            each.rows[columns[number].setters[each.rows] == seq] for number, each in found.items() if number in columns
        ]
        return np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int64)

    def how(self, seq: int) -> Mapping[str, Any]:
        """How the rows of action `seq` were chosen: by what, on which space and projection, with which polygon."""
        if seq in self._how:
            return self._how[seq]
        ours = select(actions.c.how).where(actions.c.project_id == self.project_id, actions.c.seq == seq)
        with reading(self.engine) as connection, _readable():
            self._how[seq] = json.loads(connection.scalar(ours) or "")  # without one it is damaged
        return self._how[seq]

    def hows(self, source: str) -> dict[int, Mapping[str, Any]]:
        """`how` of the actions in force whose rows were chosen by `source`, by their numbers, the oldest first."""
        ours = [actions.c.project_id == self.project_id, actions.c.source == source]
        with reading(self.engine) as connection, _readable():
            found = connection.execute(select(actions.c.seq, actions.c.how).where(*ours).order_by(actions.c.seq))
            return {row.seq: json.loads(row.how) for row in found if row.seq <= self.seq and self.in_force(row.seq)}

    @property
    def next_undo(self) -> Action | None:
        return self._fold.next_undo(self.who)

    @property
    def next_redo(self) -> Action | None:
        return self._fold.next_redo(self.who)

    def _changes_of(self, connection: Connection, seq: int) -> dict[int, Change]:
        found = connection.execute(self._changes().where(changes_table.c.seq == seq))
        return {row.column: stored_change(row) for row in found}


def token(action: Action) -> str:
    """Tells an action from one of another history, such as that of a database that was put back from a copy."""
    return repr((action.seq, action.kind, action.label_id, action.n_rows, action.who, action.at))


@contextmanager
def _readable() -> Iterator[None]:
    """Raises WorkspaceError where what the log holds can't be: the database was changed by something else."""
    try:
        yield
    except CorralError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise WorkspaceError(
            f"The labels' history is damaged in the database ({error}). Nothing was changed. Put the newest copy of "
            "the database back."
        ) from error
