"""The label log: an append-only list of actions, and the labels that follow from it.

Labels now are a fold over the log. Every action is committed to the database before the call returns, and is worked
out inside the transaction that writes it, on the labels as they are then: two tabs or two processes that label at once
get an order, and neither overwrites what it did not mean to.
"""

import getpass
import json
import threading
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, insert, select

from labelling.database import actions, labels, reading, writing

UNLABELLED = -1
MAX_NAME_LENGTH = 80  # what still fits a button
# Control characters, half a surrogate pair, line and paragraph separators. Not all that is "unprintable" to Python:
# Persian needs its zero-width non-joiner, and French its no-break space.
_NOT_IN_A_NAME = {"Cc", "Cs", "Zl", "Zp"}
MAX_IMPORTED_LABELS = 1000  # a column with more values than this is an identifier or a text, not a label


class LabelError(ValueError):
    """A label or a selection that can't be taken; the message says why."""


@dataclass(frozen=True)
class Label:
    id: int
    name: str


@dataclass(frozen=True)
class Action:
    """One entry of the log. `n_rows` is how many rows it changed; `rows` is found by `LabelLog.rows_of`."""

    seq: int
    kind: str
    label_id: int | None
    target: int | None
    n_rows: int
    who: str
    at: str
    how: Mapping[str, Any]

    @property
    def source(self) -> str:
        """How the rows were chosen, in a word, for the export."""
        return str(self.how.get("by", self.kind))


def pack_rows(rows: np.ndarray) -> bytes:
    """Sorted row numbers as zlib-compressed differences: about a byte a row, far less for runs."""
    return zlib.compress(np.diff(rows, prepend=0).astype("<u4").tobytes(), 1)


def unpack_rows(blob: bytes) -> np.ndarray:
    return np.cumsum(np.frombuffer(zlib.decompress(blob), "<u4"), dtype=np.int64)


def _pack(*arrays: np.ndarray) -> bytes:
    return zlib.compress(np.concatenate(arrays).astype("<i4").tobytes(), 1)


def _unpack(blob: bytes) -> np.ndarray:
    return np.frombuffer(zlib.decompress(blob), "<i4").astype(np.int32)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may run under a number without a name
        return ""


def clean_name(name: str) -> str:
    """The label's name with surrounding white space taken off. Raises LabelError where it can't be a name."""
    name = name.strip()
    if not any(char.isprintable() and not char.isspace() for char in name):
        raise LabelError("A label needs a name that can be seen: type one.")
    if len(name) > MAX_NAME_LENGTH:
        raise LabelError(f"The label name has {len(name)} characters; at most {MAX_NAME_LENGTH} are allowed.")
    if any(unicodedata.category(char) in _NOT_IN_A_NAME for char in name):
        raise LabelError("The label name holds a line break or a control character: type it on one line.")
    return name


def _imported_name(value: Any) -> str:
    # A column of whole numbers with gaps comes as floats: its labels are "1" and "2", not "1.0".
    whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value) if whole else value).strip()


def names_to_import(values: Sequence[Any]) -> list[str]:
    """The label names in an uploaded column, one a row, "" where there is none (None, NaN, white space).

    Raises LabelError where a value can't be a name, or there are more than MAX_IMPORTED_LABELS different ones.
    """
    missing = pd.Series(list(values), dtype=object).isna()
    names = ["" if gap else _imported_name(value) for value, gap in zip(values, missing, strict=True)]
    distinct = [name for name in dict.fromkeys(names) if name]
    if len(distinct) > MAX_IMPORTED_LABELS:
        raise LabelError(
            f"The label column has {len(distinct):,} different values, at most {MAX_IMPORTED_LABELS:,} are "
            "allowed: choose another column, or none."
        )
    for name in distinct:
        try:
            clean_name(name)
        except LabelError as error:
            raise LabelError(f"The label column's value {name[:40]!r} can't be a label: {error}") from None
    return names


class LabelLog:
    """The labels of one project. Several threads may refresh and write it.

    Attributes
    ----------
    codes : int32 array (n_rows,)
        The label id of each row, -1 where it has none.
    setters : int32 array (n_rows,)
        The `seq` of the action that set the row's label, 0 where none did.
    labels : list of Label
        In the order in which they were made; a label's id is its place.
    actions : list of Action
        The whole log.
    """

    def __init__(self, engine: Engine, project_id: str, n_rows: int) -> None:
        self.engine = engine
        self.project_id = project_id
        self.n_rows = n_rows
        # Streamlit starts a page's next run before the last one has wound up: both are in here for a moment.
        self._lock = threading.RLock()
        self.codes = np.full(n_rows, UNLABELLED, np.int32)
        self.setters = np.zeros(n_rows, np.int32)
        self.labels: list[Label] = []
        self.actions: list[Action] = []
        self._done: list[int] = []  # what undo takes back, last first
        self._undone: list[int] = []  # what redo brings back, last first
        self.refresh()

    # ---------------------------------------------------------------- reading

    def refresh(self) -> bool:
        """Take in what other tabs and processes have added; True if there was anything."""
        with self._lock, reading(self.engine) as connection:
            return self._refresh(connection)

    def _refresh(self, connection: Connection) -> bool:
        ours = select(actions).where(actions.c.project_id == self.project_id)
        new = connection.execute(ours.where(actions.c.seq > self.seq).order_by(actions.c.seq)).all()
        # Labels are read after the actions: whatever label an action names is then among them.
        named = connection.execute(
            select(labels.c.id, labels.c.name)
            .where(labels.c.project_id == self.project_id, labels.c.id >= len(self.labels))
            .order_by(labels.c.id)
        )
        self.labels += [Label(row.id, row.name) for row in named]
        for row in new:
            if row.target is None:
                self._apply(row)
                self._done.append(row.seq)
                self._undone.clear()
            else:
                target = connection.execute(ours.where(actions.c.seq == row.target)).one()
                if row.kind == "undo":
                    self._revert(target)
                    self._undone.append(self._done.pop())
                else:
                    self._apply(target)
                    self._done.append(self._undone.pop())
            how = json.loads(row.how)
            self.actions.append(Action(row.seq, row.kind, row.label_id, row.target, row.n_rows, row.who, row.at, how))
        return bool(new)

    def _apply(self, row: Any) -> None:
        rows = unpack_rows(row.rows)
        if row.kind == "import":
            self.codes[rows] = _unpack(row.after)
        else:
            self.codes[rows] = UNLABELLED if row.label_id is None else row.label_id
        self.setters[rows] = row.seq

    def _revert(self, row: Any) -> None:
        rows = unpack_rows(row.rows)
        before = _unpack(row.before)
        self.codes[rows], self.setters[rows] = before[: len(rows)], before[len(rows) :]

    @property
    def seq(self) -> int:
        """The number of the last action, 0 where there is none: two equal numbers mean equal labels."""
        return self.actions[-1].seq if self.actions else 0

    @property
    def n_labelled(self) -> int:
        return int(np.count_nonzero(self.codes != UNLABELLED))

    def counts(self, rows: np.ndarray | None = None) -> np.ndarray:
        """How many of `rows` (default: all) bear each label: int array (n_labels,)."""
        codes = self.codes if rows is None else self.codes[rows]
        return np.bincount(codes[codes != UNLABELLED], minlength=len(self.labels))

    def names(self) -> np.ndarray:
        """Each row's label name, None where it has none: object array (n_rows,)."""
        return np.array([label.name for label in self.labels] + [None], object)[self.codes]

    def name_of(self, row: int) -> str | None:
        """The row's label name, None where it has none."""
        code = int(self.codes[row])
        return None if code == UNLABELLED else self.labels[code].name

    def labelled_at(self) -> np.ndarray:
        """When each row got its label, ISO 8601 UTC, None where it has none: object array (n_rows,)."""
        return self._of_setter([action.at for action in self.actions])

    def sources(self) -> np.ndarray:
        """How each row got its label ("lasso", "box", "imported"), None where it has none: object (n_rows,)."""
        return self._of_setter([action.source for action in self.actions])

    def _of_setter(self, values: list[str]) -> np.ndarray:
        found = np.array([None, *values], object)[self.setters]
        found[self.codes == UNLABELLED] = None
        return found

    def rows_of(self, seq: int) -> np.ndarray:
        """The rows that action `seq` changed, sorted: int64 array."""
        ours = select(actions.c.rows, actions.c.target).where(actions.c.project_id == self.project_id)
        with reading(self.engine) as connection:
            row = connection.execute(ours.where(actions.c.seq == seq)).one()
            if row.target is not None:
                row = connection.execute(ours.where(actions.c.seq == row.target)).one()
        return unpack_rows(row.rows)

    @property
    def next_undo(self) -> Action | None:
        return self.actions[self._done[-1] - 1] if self._done else None

    @property
    def next_redo(self) -> Action | None:
        return self.actions[self._undone[-1] - 1] if self._undone else None

    # ---------------------------------------------------------------- writing

    def assign(
        self, rows: np.ndarray, name: str, *, overwrite: bool = False, how: Mapping[str, Any] | None = None
    ) -> int:
        """Give `rows` the label `name`, making the label where it is new; return how many rows changed.

        Rows that bear another label are left as they are unless `overwrite`. Where nothing would change, nothing is
        written. Raises LabelError for a name that can't be one or a row outside 0..n_rows-1.
        """
        name = clean_name(name)
        rows = self._valid(rows)
        with self._lock, writing(self.engine) as connection:
            self._refresh(connection)
            label_id = self._ids([name])[name]
            changed = rows[self.codes[rows] != label_id]
            if not overwrite:
                changed = changed[self.codes[changed] == UNLABELLED]
            if len(changed):
                self._make_labels(connection, [name])
                self._append(connection, "assign", changed, label_id=label_id, how=how)
        return self._written(len(changed))

    def clear(self, rows: np.ndarray, *, how: Mapping[str, Any] | None = None) -> int:
        """Take the label off `rows`; return how many had one."""
        rows = self._valid(rows)
        with self._lock, writing(self.engine) as connection:
            self._refresh(connection)
            changed = rows[self.codes[rows] != UNLABELLED]
            if len(changed):
                self._append(connection, "clear", changed, how=how)
        return self._written(len(changed))

    def import_labels(self, values: Sequence[Any]) -> int:
        """Take in the labels of an uploaded column, one value a row, as one action; return how many rows changed.

        None, NaN and white space mean no label, and leave the row as it is; a row that bears another label gets the
        column's. Raises LabelError where a value can't be a name, or there are more than MAX_IMPORTED_LABELS
        different ones.
        """
        if len(values) != self.n_rows:
            raise LabelError(f"There are {len(values)} labels to import for {self.n_rows} rows.")
        names = names_to_import(values)
        distinct = [name for name in dict.fromkeys(names) if name]
        named = np.flatnonzero([bool(name) for name in names])
        with self._lock, writing(self.engine) as connection:
            self._refresh(connection)
            ids = self._ids(distinct)
            after = np.array([ids[names[row]] for row in named], np.int32)
            new = self.codes[named] != after
            rows, after = named[new], after[new]
            if len(rows):
                self._make_labels(connection, distinct)
                self._append(connection, "import", rows, after=after, how={"by": "imported"})
        return self._written(len(rows))

    def undo(self) -> Action | None:
        """Take back the last action that is in force; return it, None where there is none."""
        return self._step("undo")

    def redo(self) -> Action | None:
        """Bring back the action that was undone last; return it, None where there is none."""
        return self._step("redo")

    def _step(self, kind: str) -> Action | None:
        with self._lock, writing(self.engine) as connection:
            self._refresh(connection)
            target = self.next_undo if kind == "undo" else self.next_redo
            if target:
                self._insert(connection, kind=kind, target=target.seq, n_rows=target.n_rows, how="{}")
        self.refresh()
        return target

    def _valid(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        if rows.size and rows.dtype.kind not in "iu":  # a mask would be taken for the rows 0 and 1
            raise LabelError(f"Rows must be row numbers, got an array of {rows.dtype}.")
        rows = np.unique(rows.astype(np.int64))
        if len(rows) and (rows[0] < 0 or rows[-1] >= self.n_rows):
            raise LabelError(f"Rows must lie in 0..{self.n_rows - 1}, got {rows[0]}..{rows[-1]}.")
        return rows

    def _ids(self, names: Sequence[str]) -> dict[str, int]:
        """The ids of these labels; names that are new get the next free ones."""
        ids = {label.name: label.id for label in self.labels}
        for name in names:
            ids.setdefault(name, len(ids))
        return ids

    def _make_labels(self, connection: Connection, names: Sequence[str]) -> None:
        new = [(name, id_) for name, id_ in self._ids(names).items() if id_ >= len(self.labels)]
        for name, id_ in new:
            connection.execute(insert(labels).values(project_id=self.project_id, id=id_, name=name))

    def _append(
        self,
        connection: Connection,
        kind: str,
        rows: np.ndarray,
        *,
        label_id: int | None = None,
        after: np.ndarray | None = None,
        how: Mapping[str, Any] | None = None,
    ) -> None:
        self._insert(
            connection,
            kind=kind,
            label_id=label_id,
            n_rows=len(rows),
            rows=pack_rows(rows),
            after=None if after is None else _pack(after),
            before=_pack(self.codes[rows], self.setters[rows]),
            how=json.dumps(how or {}),
        )

    def _insert(self, connection: Connection, **values: Any) -> None:
        connection.execute(
            insert(actions).values(
                project_id=self.project_id,
                seq=self.seq + 1,
                who=_user(),
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                **values,
            )
        )

    def _written(self, n_changed: int) -> int:
        self.refresh()  # takes in what was just committed, by the same way as anybody else's
        return n_changed
