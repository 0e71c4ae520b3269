"""The fold: what labels there are and what every row bears, from the actions that are in force.

A row bears what the last action in force has set. To undo is to put an action out of force, to redo is to put it in
force again, whatever others have done meanwhile: a row that a later action has set stays as that action left it.
Deleting or merging a label changes no row: its rows are read as unlabelled, or as the other label's, while that action
is in force.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelling.labels.label import KEYS, NO, STYLE, UNKNOWN, UNLABELLED, YES, Action, Label, LabelError

ONE = -1  # the column of a project with one label a row; else a column's number is its label's id


@dataclass(frozen=True)
class Change:
    """What an action changed in one column: `rows` int64 (n,), sorted; the others int32 (n,).

    `after` and `before` are the values, `setters` and `before_setters` the actions that had set them, 0 where none.
    An action without `after` tells which rows it is about, and changes none.
    """

    column: int
    rows: np.ndarray
    after: np.ndarray | None = None
    setters: np.ndarray | None = None
    before: np.ndarray | None = None
    before_setters: np.ndarray | None = None


@dataclass
class Column:
    """The values of all rows, int32 (n_rows,): label ids, or 1 (yes), 0 (no); -1 where none. And what set them."""

    codes: np.ndarray
    setters: np.ndarray

    @classmethod
    def empty(cls, n_rows: int) -> "Column":
        return cls(np.full(n_rows, UNLABELLED, np.int32), np.zeros(n_rows, np.int32))


class Fold:
    """The actions so far and what follows from them. `several`: yes, no or unknown for each label on its own."""

    def __init__(self, n_rows: int, *, multi_label: bool = False) -> None:
        self.n_rows = n_rows
        self.multi_label = multi_label
        self.actions: list[Action] = []
        self.columns: dict[int, Column] = {} if multi_label else {ONE: Column.empty(n_rows)}
        self.off: set[int] = set()  # the actions that are out of force
        self._gone: dict[int, int] = {}  # action: when it was first put out of force
        self._since: dict[int, int] = {}  # action: when it was last brought back
        self._undone: dict[str, list[int]] = {}  # person: what redo brings back, last first
        self._steps: dict[str, list[int]] = {}  # person: what undo takes back, last first
        self._made_by: dict[int, int] = {}  # label id: the action that made it
        self._edits: list[Action] = []  # those that changed labels themselves
        self.audits: dict[int, list[Action]] = {}  # action: those that audited it

    # ---------------------------------------------------------------- taking in

    def take(self, action: Action) -> None:
        """Take in the next action, but for its rows."""
        if action.seq != len(self.actions) + 1:
            raise ValueError(f"the next action has seq {len(self.actions) + 1}, got {action.seq}")
        self.actions.append(action)
        off, on = self.switches(action.kind, action.targets)
        self.off |= off
        self.off -= on
        for seq in off:
            self._gone.setdefault(seq, action.seq)
        self._since.update(dict.fromkeys(on, action.seq))
        undone = self._undone.setdefault(action.who, [])
        if action.kind == "undo":
            undone += action.targets
        elif action.kind == "redo":
            self._undone[action.who] = [seq for seq in undone if seq not in action.targets]
        else:
            undone.clear()
            self._steps.setdefault(action.who, []).append(action.seq)
        if action.kind == "audit":
            for seq in action.targets:
                self.audits.setdefault(seq, []).append(action)
        if action.changes:
            self._edits.append(action)
        for label_id in action.changes:
            self._made_by.setdefault(label_id, action.seq)

    def change(self, seq: int, changes: Iterable[Change]) -> None:
        """Take in the rows of an action."""
        for change in changes:
            if change.after is None:
                continue
            column = self.columns.get(change.column)
            if column is None:
                column = self.columns[change.column] = Column.empty(self.n_rows)
            # Texts may have been added since this was opened: what was done to them is seen when it is opened anew.
            n = np.searchsorted(change.rows, self.n_rows)
            rows = change.rows[:n]
            column.codes[rows] = change.after[:n]
            column.setters[rows] = seq if change.setters is None else change.setters[:n]

    def in_force(self, seq: int) -> bool:
        return seq not in self.off

    def switches(self, kind: str, targets: Sequence[int]) -> tuple[set[int], set[int]]:
        """The actions that such an action puts out of force, and those that it puts in force."""
        off: set[int] = set()
        on: set[int] = set()
        if kind == "revert":
            off, on = _signed(targets)
        elif kind in ("undo", "redo"):
            these, those = (off, on) if kind == "undo" else (on, off)
            for seq in targets:
                these.add(seq)
                if self.actions[seq - 1].kind == "revert":
                    taken_back, brought_back = _signed(self.actions[seq - 1].targets)
                    those |= taken_back
                    these |= brought_back
        return off - self.off, on & self.off

    def next_undo(self, who: str) -> Action | None:
        """The last step of this person that is in force."""
        seqs = (seq for seq in reversed(self._steps.get(who, [])) if seq not in self.off)
        return next((self.actions[seq - 1] for seq in seqs), None)

    def next_redo(self, who: str) -> Action | None:
        """The last action that this person took back, where it has not been brought back since."""
        seqs = (seq for seq in reversed(self._undone.get(who, [])) if seq in self.off)
        return next((self.actions[seq - 1] for seq in seqs), None)

    # ---------------------------------------------------------------- putting in and out of force

    def after_switching(
        self, off: set[int], on: set[int], changes_of: Callable[[int], Mapping[int, Change]]
    ) -> list[Change]:
        """What the rows bear once the actions `off` are out of force and those `on` in force: a Change for each column.

        A row whose label was set by an action that goes out of force gets back what it bore before that action. Where
        that in turn was set by an action out of force, it goes back further, newest action first. Then each action that
        comes into force sets its rows anew, but for those that a later action has set since.

        `changes_of` finds the changes of an action, by column; it is asked once for each of these actions, and for
        those below them that are out of force.
        """
        still_off = (self.off | off) - on
        new: dict[int, Column] = {}
        pending: dict[int, dict[int, np.ndarray]] = {}  # action: the rows that it has set and that go back, by column
        for number, column in self.columns.items():
            for seq, rows in _by_setter(column.setters, off):
                pending.setdefault(seq, {})[number] = rows
        while pending:
            seq = max(pending)
            going_back, changes = pending.pop(seq), changes_of(seq)
            for number, rows in going_back.items():
                values, setters = self._borne_before(seq, changes[number], rows, still_off, changes_of)
                column = self._copied(number, new)
                column.codes[rows], column.setters[rows] = values, setters
                for dead, places in _by_setter(setters, still_off):
                    its = pending.setdefault(dead, {})
                    its[number] = np.union1d(its[number], rows[places]) if number in its else rows[places]
        for seq in sorted(on):
            for number, change in changes_of(seq).items():
                if change.after is not None and self.actions[seq - 1].kind != "revert":
                    column = self._copied(number, new)
                    wins = column.setters[change.rows] < seq
                    rows = change.rows[wins]
                    column.codes[rows], column.setters[rows] = change.after[wins], seq
        result = []
        for number, column in sorted(new.items()):
            old = self.columns.get(number) or Column.empty(self.n_rows)
            rows = np.flatnonzero((column.codes != old.codes) | (column.setters != old.setters))
            if len(rows):
                now = column.codes[rows], column.setters[rows]
                result.append(Change(number, rows, *now, old.codes[rows], old.setters[rows]))
        return result

    def _copied(self, number: int, copies: dict[int, Column]) -> Column:
        if number not in copies:
            old = self.columns.get(number) or Column.empty(self.n_rows)
            copies[number] = Column(old.codes.copy(), old.setters.copy())
        return copies[number]

    def _borne_before(
        self,
        seq: int,
        change: Change,
        rows: np.ndarray,
        off: set[int],
        changes_of: Callable[[int], Mapping[int, Change]],
    ) -> tuple[np.ndarray, np.ndarray]:
        """What these rows bore before action `seq` set them by `change`, and the actions that had set them then.

        Those actions may be out of force by now: the caller goes back further.
        """
        where = np.searchsorted(change.rows, rows)
        assert change.before is not None and change.before_setters is not None  # noqa: S101, PT018 - it sets rows
        values, setters = change.before[where], change.before_setters[where]
        # When `seq` was written, what has been brought back since was out of force, and not recorded.
        backs = (back for back, since in self._since.items() if self._gone[back] < seq < since and back not in off)
        for back in sorted(backs):
            other = None if self.actions[back - 1].kind == "revert" else changes_of(back).get(change.column)
            if other is not None and other.after is not None and len(other.rows):
                spot = np.searchsorted(other.rows, rows).clip(max=len(other.rows) - 1)
                wins = (other.rows[spot] == rows) & (setters < back)
                values, setters = np.where(wins, other.after[spot], values), np.where(wins, back, setters)
        return values, setters

    # ---------------------------------------------------------------- labels

    def labels_where(
        self, off: Collection[int], changes: Sequence[Change] = (), *, strict: bool = False
    ) -> tuple[list[Label], dict[int, int]]:
        """The labels that there are, in their order, where these actions are out of force; and what the others became.

        A label whose making was undone is there while a row bears it, by somebody else's action. A label that was
        merged became the other's id, one that was deleted became -1. `changes` are of rows, still to be taken in.
        With `strict` it raises LabelError where two labels would have one name, or be merged into each other.
        """
        fields: dict[int, dict[str, Any]] = {}
        for action in self._edits:
            for label_id, changed in action.changes.items():
                if action.seq == self._made_by[label_id]:
                    fields[label_id] = {"position": label_id, STYLE: label_id, **changed}
                elif action.seq not in off:
                    fields[label_id].update(changed)
        became = {label_id: int(known["became"]) for label_id, known in fields.items() if "became" in known}
        ends = {label_id: self._end_of(label_id, became) for label_id in fields}
        if strict and None in ends.values():
            raise LabelError("Two labels would be merged into each other: take the other merging back first.")
        unmade = {label_id for label_id, seq in self._made_by.items() if seq in off}
        if unmade:
            borne = {ends[label_id] for label_id in self._borne(changes)}
            unmade -= borne
        there = [label_id for label_id in fields if label_id not in became and label_id not in unmade]
        there.sort(key=lambda label_id: (fields[label_id]["position"], label_id))
        names: dict[str, int] = {}
        for label_id in there:
            name = fields[label_id]["name"]
            if strict and name in names:
                raise LabelError(f"There would be two labels called {name!r}: rename the one that there is first.")
            while name in names:  # can't be refused any more: it is in the log
                name += "'"
            names[name] = label_id
        keys = _keys([fields[label_id].get("key") for label_id in there])
        labels = [
            Label(label_id, name, known[STYLE], known.get("description", ""), key)
            for (name, label_id), key in zip(names.items(), keys, strict=True)
            for known in [fields[label_id]]
        ]
        return labels, became

    def _borne(self, changes: Sequence[Change]) -> set[int]:
        """The labels that some row bears, or has an answer to, once these changes are taken in; as they were given."""
        new: dict[int, Column] = {}
        for change in changes:
            if change.after is not None:
                self._copied(change.column, new).codes[change.rows] = change.after
        columns = {**self.columns, **new}
        if self.multi_label:
            return {label_id for label_id, column in columns.items() if (column.codes != UNKNOWN).any()}
        return set((np.flatnonzero(np.bincount(columns[ONE].codes + 1)) - 1).tolist()) - {UNLABELLED}

    @staticmethod
    def _end_of(label_id: int, became: Mapping[int, int]) -> int | None:
        """What the label is by now; None where labels were merged in a circle."""
        for _ in range(len(became) + 1):
            if label_id not in became:
                return label_id
            label_id = became[label_id]
        return None

    @property
    def n_labels(self) -> int:
        """How many labels there ever were: the next one's id."""
        return len(self._made_by)

    def codes(self, became: Mapping[int, int]) -> np.ndarray:
        """The label id of each row, -1 where it has none: int32 (n_rows,)."""
        values = self.columns[ONE].codes
        if not became:
            return values
        ends = np.arange(-1, self.n_labels, dtype=np.int32)
        for label_id in became:
            end = self._end_of(label_id, became)
            ends[label_id + 1] = UNLABELLED if end is None else end
        return ends[values + 1]

    def label_values(self, label_id: int, became: Mapping[int, int]) -> Column:
        """Whether each row bears the label: 1 yes, 0 no, -1 unknown; and the action that said so.

        What was merged into it counts as yes where either was yes, and as no where both were no, but for rows that
        have been answered since.
        """
        column = self.columns.get(label_id) or Column.empty(self.n_rows)
        merged_at = {
            other: action.seq
            for action in self._edits
            if action.seq not in self.off
            for other, changed in action.changes.items()
            if "became" in changed and became[other] == label_id
        }
        for other, at in sorted(merged_at.items(), key=lambda merged: merged[1]):
            theirs = self.label_values(other, became)
            either = np.where((column.codes == NO) & (theirs.codes == NO), NO, UNKNOWN)
            either[(column.codes == YES) | (theirs.codes == YES)] = YES
            by_theirs = (theirs.codes == YES) & (column.codes != YES)
            setters = np.where(by_theirs, theirs.setters, np.where(column.setters > 0, column.setters, theirs.setters))
            since = column.setters > at
            column = Column(
                np.where(since, column.codes, either).astype(np.int32),
                np.where(since, column.setters, setters).astype(np.int32),
            )
        return column


def _keys(given: Sequence[str | None]) -> list[str | None]:
    """The labels' keys: the one that it was given, else the next free one of 1 to 9, while there are any."""
    # Two may have been given the same one, where what took it off the first was undone.
    own = [None if key in given[:place] or key not in KEYS else key for place, key in enumerate(given)]
    free = iter(key for key in KEYS[:9] if key not in own)
    return [key or next(free, None) for key in own]


def _by_setter(setters: np.ndarray, seqs: Collection[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The places of `setters` at which each of these actions stands."""
    if not seqs:
        return
    wanted = np.zeros(max(*seqs, setters.max(initial=0)) + 1, bool)
    wanted[list(seqs)] = True
    places = np.flatnonzero(wanted[setters])
    order = places[np.argsort(setters[places], kind="stable")]
    found, starts = np.unique(setters[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, starts)[1:], strict=True)


def _signed(targets: Sequence[int]) -> tuple[set[int], set[int]]:
    """The actions that a revert took back, and those that it brought back, which it lists with a minus."""
    return {seq for seq in targets if seq > 0}, {-seq for seq in targets if seq < 0}
