"""The fold: what labels there are and what every row bears, from the actions that are in force.

A row bears what the last action in force has set. To undo is to put an action out of force, to redo is to put it in
force again, whatever others have done meanwhile: a row that a later action has set stays as that action left it.
Deleting or merging a label changes no row: its rows are read as unlabelled, or as the other label's, while that action
is in force.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelling.labels import KEYS, NO, UNKNOWN, UNLABELLED, YES, Action, Label, LabelError

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

    def __init__(self, n_rows: int, *, several: bool = False) -> None:
        self.n_rows = n_rows
        self.several = several
        self.actions: list[Action] = []
        self.columns: dict[int, Column] = {} if several else {ONE: Column.empty(n_rows)}
        self.off: set[int] = set()  # the actions that are out of force
        self._since: dict[int, int] = {}  # action: when it was last brought back
        self._undone: dict[str, list[int]] = {}  # person: what redo brings back, last first
        self._steps: dict[str, list[int]] = {}  # person: what undo takes back, last first
        self._made_by: dict[int, int] = {}  # label id: the action that made it

    # ---------------------------------------------------------------- taking in

    def take(self, action: Action) -> None:
        """Take in the next action, but for its rows."""
        if action.seq != len(self.actions) + 1:
            raise ValueError(f"the next action has seq {len(self.actions) + 1}, got {action.seq}")
        self.actions.append(action)
        off, on = self.switches(action.kind, action.targets)
        self.off = (self.off | off) - on
        self._since.update(dict.fromkeys(on, action.seq))
        undone = self._undone.setdefault(action.who, [])
        if action.kind == "undo":
            undone += action.targets
        elif action.kind == "redo":
            self._undone[action.who] = [seq for seq in undone if seq not in action.targets]
        else:
            undone.clear()
            self._steps.setdefault(action.who, []).append(action.seq)
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

    def switched(self, off: set[int], on: set[int], changes_of: Callable[[int], Mapping[int, Change]]) -> list[Change]:
        """What the rows bear once these actions are out of force and those in force: a Change for each column.

        `changes_of` finds the changes of an action, by column.
        """
        still_off = (self.off | off) - on
        off, on = ({seq for seq in seqs if self.actions[seq - 1].kind != "revert"} for seqs in (off, on))
        found = {seq: changes_of(seq) for seq in off | on}
        result = []
        for number in sorted({number for changes in found.values() for number in changes}):
            old = self.columns.get(number) or Column.empty(self.n_rows)
            new = Column(old.codes.copy(), old.setters.copy())
            for seq in sorted(off, reverse=True):
                change = found[seq].get(number)
                if change is not None and change.after is not None:
                    rows = change.rows[new.setters[change.rows] == seq]
                    new.codes[rows], new.setters[rows] = self._below(seq, number, rows, still_off, changes_of)
            for seq in sorted(on):
                change = found[seq].get(number)
                if change is not None and change.after is not None:
                    wins = new.setters[change.rows] < seq
                    rows = change.rows[wins]
                    new.codes[rows], new.setters[rows] = change.after[wins], seq
            rows = np.flatnonzero((new.codes != old.codes) | (new.setters != old.setters))
            if len(rows):
                now = new.codes[rows], new.setters[rows]
                result.append(Change(number, rows, *now, old.codes[rows], old.setters[rows]))
        return result

    def _below(
        self,
        seq: int,
        number: int,
        rows: np.ndarray,
        off: set[int],
        changes_of: Callable[[int], Mapping[int, Change]],
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the last action in force before `seq` gave each of these rows, which `seq` has set; and that action."""
        values, setters = np.full(len(rows), UNLABELLED, np.int32), np.zeros(len(rows), np.int32)
        pending = {seq: np.arange(len(rows))}
        while pending:
            at = max(pending)
            places = pending.pop(at)
            change = changes_of(at)[number]
            where = np.searchsorted(change.rows, rows[places])
            assert change.before is not None and change.before_setters is not None  # noqa: S101, PT018 - it sets rows
            value, setter = change.before[where], change.before_setters[where]
            # When `at` was written, what has been brought back since was out of force, and not recorded.
            for back in sorted(seq for seq, since in self._since.items() if seq < at < since and seq not in off):
                other = changes_of(back).get(number)
                if other is not None and other.after is not None:
                    spot = np.searchsorted(other.rows, rows[places]).clip(max=len(other.rows) - 1)
                    wins = (other.rows[spot] == rows[places]) & (setter < back)
                    value, setter = np.where(wins, other.after[spot], value), np.where(wins, back, setter)
            values[places], setters[places] = value, setter
            for dead in set(setter.tolist()) & off:
                more = places[setter == dead]
                pending[dead] = np.concatenate([pending[dead], more]) if dead in pending else more
        return values, setters

    # ---------------------------------------------------------------- labels

    def labels_where(self, off: Collection[int], *, strict: bool = False) -> tuple[list[Label], dict[int, int]]:
        """The labels that there are, in their order, where these actions are out of force; and what the others became.

        A label that was merged became the other's id, one that was deleted became -1.
        With `strict` it raises LabelError where two labels would have one name, or be merged into each other.
        """
        fields: dict[int, dict[str, Any]] = {}
        for action in self.actions:
            for label_id, changed in action.changes.items():
                if action.seq == self._made_by[label_id]:
                    fields[label_id] = {"position": label_id, "mark": label_id, **changed}
                elif action.seq not in off:
                    fields[label_id].update(changed)
        became = {label_id: int(known["became"]) for label_id, known in fields.items() if "became" in known}
        if strict and any(self._end_of(label_id, became) is None for label_id in became):
            raise LabelError("Two labels would be merged into each other: take the other merging back first.")
        unmade = [label_id for label_id in fields if self._made_by[label_id] in off and label_id not in became]
        unused = {label_id for label_id in unmade if not self._bears(label_id)}
        there = [label_id for label_id in fields if label_id not in became and label_id not in unused]
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
            Label(label_id, name, known["mark"], known.get("description", ""), key)
            for (name, label_id), key in zip(names.items(), keys, strict=True)
            for known in [fields[label_id]]
        ]
        return labels, became

    @staticmethod
    def _end_of(label_id: int, became: Mapping[int, int]) -> int | None:
        """What the label is by now; None where labels were merged in a circle."""
        for _ in range(len(became) + 1):
            if label_id not in became:
                return label_id
            label_id = became[label_id]
        return None

    def _bears(self, label_id: int) -> bool:
        """Whether any row bears the label, or an answer to it."""
        if self.several:
            return label_id in self.columns and bool((self.columns[label_id].codes != UNKNOWN).any())
        return bool((self.columns[ONE].codes == label_id).any())

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

    def answers(self, label_id: int, became: Mapping[int, int]) -> Column:
        """Whether each row bears the label: 1 yes, 0 no, -1 unknown; and the action that said so.

        What was merged into it counts as yes where either was yes, and as no where both were no, but for rows that
        have been answered since.
        """
        column = self.columns.get(label_id) or Column.empty(self.n_rows)
        for other, end in became.items():
            if end != label_id:
                continue
            merged_at = next(
                action.seq
                for action in reversed(self.actions)
                if action.seq not in self.off and "became" in action.changes.get(other, {})
            )
            theirs = self.answers(other, became)
            either = np.where((column.codes == NO) & (theirs.codes == NO), NO, UNKNOWN)
            either[(column.codes == YES) | (theirs.codes == YES)] = YES
            by_theirs = (theirs.codes == YES) & (column.codes != YES)
            setters = np.where(by_theirs, theirs.setters, np.where(column.setters > 0, column.setters, theirs.setters))
            since = column.setters > merged_at
            column = Column(
                np.where(since, column.codes, either).astype(np.int32),
                np.where(since, column.setters, setters).astype(np.int32),
            )
        return column


def _keys(given: Sequence[str | None]) -> list[str | None]:
    """The labels' keys: the one that it was given, else the next free one of 1 to 9, while there are any."""
    free = iter(key for key in KEYS[:9] if key not in given)
    return [key or next(free, None) for key in given]


def _signed(targets: Sequence[int]) -> tuple[set[int], set[int]]:
    """The actions that a revert took back, and those that it brought back, which it lists with a minus."""
    return {seq for seq in targets if seq > 0}, {-seq for seq in targets if seq < 0}
