"""Writing to the label log: what rows bear, and undo.

Every action is committed to the database before the call returns, and is worked out inside the transaction that writes
it, on the labels as they are then: two tabs or two processes that label at once get an order, and neither overwrites
what it did not mean to.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from labelling.database.engine import writing
from labelling.database.tables import projects
from labelling.labels.fold import ONE, Change, Fold
from labelling.labels.label import (
    NO,
    STYLE,
    UNKNOWN,
    UNLABELLED,
    YES,
    Action,
    LabelError,
    check_imported_names,
    clean_name,
    composed,
    names_to_import,
)
from labelling.labels.reading import LogReader
from labelling.labels.stored import insert_action
from labelling.palette import free_style


@dataclass(frozen=True)
class Outcome:
    """What came of an action: how many rows changed, and how many were left because they had another label.

    `meanwhile`: of the rows that were asked for, how many others have changed since this log was read last, by person.
    """

    n_changed: int
    n_left: int = 0
    meanwhile: Mapping[str, int] | None = None


class LogWriter(LogReader):
    """A log that can be added to, by several threads."""

    # ---------------------------------------------------------------- labels of rows

    def assign(
        self,
        rows: np.ndarray,
        name: str,
        *,
        answer: int = YES,
        overwrite: bool = False,
        how: Mapping[str, Any] | None = None,
        near: Collection[int] = (),
    ) -> Outcome:
        """Give `rows` the label `name`, making the label where it is new.

        Rows that bear another label are left as they are unless `overwrite`. Where nothing would change, nothing is
        written. With yes, no and unknown for each label: say that the `answer` is YES or NO; rows to which the other
        answer was given are left unless `overwrite`. Raises LabelError for a name that can't be one or a row outside
        0..n_rows-1. A new label's colour is told apart from those of the labels `near`, by their ids.
        """
        clean_name(name)
        rows = self._valid(rows)
        with self._writing() as (connection, seen):
            label, made = self._find_or_make(name, near)
            column, value = self._place(label, answer)
            values = self._values(column)
            changed = rows[values[rows] != value]
            others = np.count_nonzero(values[changed] != UNLABELLED)
            if not overwrite:
                changed = changed[values[changed] == UNLABELLED]
            if len(changed):
                change = self._new(column, changed, np.full(len(changed), value))
                kind = "assign" if answer == YES else "deny"
                self._append(connection, kind, [change], label_id=label, labels=made, how=how)
            meanwhile = self._meanwhile(connection, seen, rows)
        return Outcome(len(changed), 0 if overwrite else int(others), meanwhile)

    def assign_each(self, rows: np.ndarray, label_ids: np.ndarray, *, how: Mapping[str, Any] | None = None) -> Outcome:
        """Give each of `rows` the label with its id, as one action. Those that bear a label are left as they are.

        Raises LabelError for rows and ids of different numbers, for a row that there is not or that comes twice, for
        the id of a label that there is not (any more), and with yes, no and unknown.
        """
        if self.multi_label:
            raise LabelError("Texts of this project have no label each: say yes or no for one label.")
        rows, ids = np.asarray(rows), np.asarray(label_ids)
        if len(rows) != len(ids) or len(self._valid(rows)) != len(rows):
            raise LabelError(f"Each of the {len(rows):,} rows must come once, with one label: got {len(ids):,} labels.")
        order = np.argsort(rows)
        rows, ids = rows[order].astype(np.int64), ids[order].astype(np.int32)
        with self._writing() as (connection, seen):
            if gone := set(ids.tolist()) - {label.id for label in self.labels}:
                raise LabelError(f"There is no label with the id {min(gone)} any more: look at what is suggested now.")
            free = self.codes[rows] == UNLABELLED
            others = np.count_nonzero(self.codes[rows[~free]] != ids[~free])
            if free.any():
                self._append(connection, "accept", [self._new(ONE, rows[free], ids[free])], how=how)
            meanwhile = self._meanwhile(connection, seen, rows)
        return Outcome(int(np.count_nonzero(free)), int(others), meanwhile)

    def refuse(self, how: Mapping[str, Any]) -> None:
        """Keep that a proposal was refused, as an action without rows: what is proposed next depends on it."""
        with self._writing() as (connection, _):
            self._append(connection, "refuse", how=how)

    def clear(self, rows: np.ndarray, name: str | None = None, *, how: Mapping[str, Any] | None = None) -> Outcome:
        """Take the labels off `rows`, or the label `name` alone; with yes, no and unknown: they are unknown then."""
        rows = self._valid(rows)
        with self._writing() as (connection, seen):
            found = self.labels if name is None else list(filter(None, [self.find(name)]))
            new = []
            if self.multi_label:
                for label in found:
                    its = rows[self.label_values(label.id)[rows] != UNKNOWN]
                    new.append(self._new(label.id, its, np.full(len(its), UNKNOWN)))
            else:
                its = rows[self.codes[rows] != UNLABELLED]
                if name is not None:
                    its = its[np.isin(self.codes[its], [label.id for label in found])]
                new.append(self._new(ONE, its, np.full(len(its), UNLABELLED)))
            new = [change for change in new if len(change.rows)]
            if new:
                label_id = found[0].id if name is not None else None
                self._append(connection, "clear", new, label_id=label_id, how=how)
            meanwhile = self._meanwhile(connection, seen, rows)
        return Outcome(n_changed(new), 0, meanwhile)

    def import_labels(self, values: Sequence[Any]) -> Outcome:
        """Take in the labels of an uploaded column, one value a row, as one action.

        None, NaN and white space mean no label, and leave the row as it is; a row that bears another label gets the
        column's. Raises LabelError where a value can't be a name, or there are more than MAX_IMPORTED_LABELS
        different ones.
        """
        if len(values) != self.n_rows:
            raise LabelError(f"There are {len(values)} labels to import for {self.n_rows} rows.")
        names = names_to_import(values)
        distinct = [name for name in dict.fromkeys(names) if name]
        if self.multi_label:
            array = np.array(names, object)
            label_values = {name: np.where(array == name, 1.0, np.nan) for name in distinct}
            return self.import_label_values(pd.DataFrame(label_values, index=range(self.n_rows)))
        named = np.flatnonzero([bool(name) for name in names])
        with self._writing() as (connection, _):
            ids, made = self._ids(distinct)
            after = np.array([ids[names[row]] for row in named], np.int32)
            new = self.codes[named] != after
            rows, after = named[new], after[new]
            if len(rows):
                self._append(connection, "import", [self._new(ONE, rows, after)], labels=made, how={"by": "imported"})
        return Outcome(len(rows))

    def import_label_values(self, label_values: pd.DataFrame) -> Outcome:
        """Take in a column for each label, by its name: 1 yes, 0 no, NaN unknown (left as it is), as one action."""
        if not self.multi_label:
            raise LabelError("This project has one label a text; answers for each label need a project of that kind.")
        if len(label_values) != self.n_rows:
            raise LabelError(f"There are {len(label_values)} answers to import for {self.n_rows} rows.")
        names = [composed(str(name)) for name in label_values.columns]
        check_imported_names(names)
        if len(set(names)) < len(names):
            raise LabelError("Two columns of answers have one name: each label needs a column of its own.")
        given = [label_values_of(name, label_values.iloc[:, place]) for place, name in enumerate(names)]
        with self._writing() as (connection, _):
            ids, made = self._ids(names)
            new = []
            for name, values in zip(names, given, strict=True):
                rows = np.flatnonzero(values != UNKNOWN)
                rows = rows[self._values(ids[name])[rows] != values[rows]]
                if len(rows):
                    new.append(self._new(ids[name], rows, values[rows]))
            if new:
                self._append(connection, "import", new, labels=made, how={"by": "imported"})
        return Outcome(n_changed(new))

    # ---------------------------------------------------------------- undo

    def undo(self, seq: int | None = None) -> Action | None:
        """Take back one's own last action that is in force, or action `seq`; return it, None where there is none.

        What was done in one step with it goes, too: see `_together`. What others have done since stays. Raises
        LabelError where two labels would then have one name.
        """
        with self._writing() as (connection, _):
            target = self.next_undo if seq is None else self._action(seq)
            if target is None or not target.is_step or not self.in_force(target.seq):
                return None
            self._switch(connection, "undo", list(filter(self.in_force, self._together(target))))
        return target

    def redo(self, seq: int | None = None) -> Action | None:
        """Bring back what one undid last, or action `seq`; return it, None where there is none."""
        with self._writing() as (connection, _):
            target = self.next_redo if seq is None else self._action(seq)
            if target is None or self.in_force(target.seq):
                return None
            self._switch(connection, "redo", [each for each in self._together(target) if not self.in_force(each)])
        return target

    def _together(self, action: Action) -> list[int]:
        """The actions that are taken back with this one, itself the last: those that its `how` names under "with"."""
        named = self.how(action.seq).get("with", ())
        own = {each.seq for each in self.actions[: action.seq - 1] if each.who == action.who and each.is_step}
        return [*(sorted(own.intersection(named)) if isinstance(named, list) else ()), action.seq]

    def revert(self, seq: int) -> int:
        """Go back to how the labels were after action `seq` (0: none): how many actions it took back or brought back.

        It is an action like others, and can be undone.
        """
        with self._writing() as (connection, _):
            if seq:
                self._action(seq)
            then = Fold(0, multi_label=True)
            for action in self.actions[:seq]:
                then.take(action)
            steps = [action.seq for action in self.actions if action.is_step and action.kind != "revert"]
            off = [step for step in steps if self.in_force(step) and (step > seq or not then.in_force(step))]
            on = [-step for step in steps if step <= seq and then.in_force(step) and not self.in_force(step)]
            if off or on:
                self._switch(connection, "revert", off + on)
        return len(off) + len(on)

    def _switch(self, connection: Connection, kind: str, targets: list[int]) -> None:
        n_rows = select(projects.c.n_rows).where(projects.c.id == self.project_id)
        if connection.scalar(n_rows) != self.n_rows:  # the new ones may have been set by what is taken back
            raise LabelError("Texts were added to this project, in another tab: open it again, then take this step.")
        off, on = self._fold.switches(kind, targets)
        changed = self._fold.after_switching(off, on, lambda seq: self._changes_of(connection, seq))
        self._fold.labels_where((self._fold.off | off) - on, changed, strict=True)
        label_id = self.actions[targets[0] - 1].label_id if kind != "revert" else None
        self._append(connection, kind, changed, label_id=label_id, targets=targets)

    # ---------------------------------------------------------------- writing

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, int]]:
        """A transaction; and the last action that was known before it. Others' are taken in before, one's own after."""
        with self._lock:
            with writing(self.engine, self.project_id) as connection:
                seen = self.seq
                self._refresh(connection)
                yield connection, seen
            self.refresh()  # takes in what was just committed, by the same way as anybody else's
            self._keep_snapshot()

    def _action(self, seq: int) -> Action:
        if not 1 <= seq <= self.seq:
            raise LabelError(f"There is no action {seq}: the log has those from 1 to {self.seq}.")
        return self.actions[seq - 1]

    def _place(self, label_id: int, answer: int) -> tuple[int, int]:
        """The column that an answer goes into, and the value that it has there."""
        if self.multi_label:
            return label_id, answer
        if answer != YES:
            raise LabelError("A text of this project has one label or none: it can't be said that it has not this one.")
        return ONE, label_id

    def _values(self, column: int) -> np.ndarray:
        return self.codes if column == ONE else self.label_values(column)

    def _new(self, column: int, rows: np.ndarray, after: np.ndarray) -> Change:
        was = self._fold.columns.get(column)
        before = np.full(len(rows), UNLABELLED) if was is None else was.codes[rows]
        setters = np.zeros(len(rows), np.int32) if was is None else was.setters[rows]
        return Change(column, rows, after.astype(np.int32), None, before, setters)

    def _valid(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        if rows.size and rows.dtype.kind not in "iu":  # a mask would be taken for the rows 0 and 1
            raise LabelError(f"Rows must be row numbers, got an array of {rows.dtype}.")
        rows = np.unique(rows.astype(np.int64))
        if len(rows) and (rows[0] < 0 or rows[-1] >= self.n_rows):
            raise LabelError(f"Rows must lie in 0..{self.n_rows - 1}, got {rows[0]}..{rows[-1]}.")
        return rows

    def _ids(
        self, names: Sequence[str], near: Collection[int] = ()
    ) -> tuple[dict[str, int], dict[int, dict[str, Any]]]:
        """The ids of these labels, and what makes those that are new: they get the next ids."""
        ids = {composed(label.name): label.id for label in reversed(self.labels)}
        ids |= {label.name: label.id for label in self.labels}  # two of an old log may look alike
        made: dict[int, dict[str, Any]] = {}
        styles = {label.id: label.style for label in self.labels}
        for name in names:
            clean = composed(name)
            if name not in ids and clean not in ids:
                ids[clean] = self.n_ids + len(made)
                style = free_style(styles.values(), [styles[each] for each in near if each in styles])
                made[ids[clean]] = {"name": clean, STYLE: style}
                styles[ids[clean]] = style
            ids.setdefault(name, ids[clean])
        return ids, made

    def _find_or_make(self, name: str, near: Collection[int] = ()) -> tuple[int, dict[int, dict[str, Any]]]:
        ids, made = self._ids([name], near)
        return ids[name], made

    def _append(
        self,
        connection: Connection,
        kind: str,
        new: Sequence[Change] = (),
        *,
        label_id: int | None = None,
        targets: Sequence[int] = (),
        labels: Mapping[int, Mapping[str, Any]] | None = None,
        how: Mapping[str, Any] | None = None,
        who: str | None = None,
    ) -> None:
        how = how or {}
        at = datetime.now(UTC).isoformat(timespec="seconds")
        source = str(how.get("by", kind))
        n_rows = n_changed(new)
        author = self.who if who is None else who
        action = Action(self.seq + 1, kind, label_id, tuple(targets), n_rows, author, at, source, labels or {})
        insert_action(connection, self.project_id, action, how, new)

    def _meanwhile(self, connection: Connection, seen: int, rows: np.ndarray) -> dict[str, int]:
        """How many of `rows` others have changed after action `seen`, by person."""
        found: dict[str, np.ndarray] = {}
        for action in self.actions[seen:]:
            if action.who != self.who and action.n_rows:
                known = found.get(action.who, np.empty(0, np.int64))
                theirs = [change.rows for change in self._changes_of(connection, action.seq).values()]
                found[action.who] = np.intersect1d(np.concatenate([known, *theirs]), rows)
        return {who: len(theirs) for who, theirs in found.items() if len(theirs)}


def n_changed(changes: Sequence[Change]) -> int:
    """How many rows there are in any of these."""
    rows = [change.rows for change in changes]
    return len(np.unique(np.concatenate(rows))) if len(rows) > 1 else sum(map(len, rows))


def label_values_of(name: str, column: pd.Series) -> np.ndarray:
    """1 yes, 0 no, -1 unknown: int32 (n_rows,). Raises LabelError where there is anything else."""
    try:
        values = column.astype("Float64").to_numpy(float, na_value=UNKNOWN)
    except (ValueError, TypeError):
        values = np.full(1, np.nan)
    if not np.isin(values, (YES, NO, UNKNOWN)).all():
        raise LabelError(f"The answers for {name!r} must be 1 (yes), 0 (no) or empty (unknown).")
    return values.astype(np.int32)
