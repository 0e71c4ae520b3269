"""What somebody has said of single texts: of which labels they are not, and whether the one they bear is right.

The first must not be suggested again, the second not be asked.
"""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from labelling.database.engine import reading
from labelling.database.tables import changes as changes_table
from labelling.labels.fold import Change
from labelling.labels.label import BY_TEXT, CHECK, PROPOSAL, UNLABELLED, Action
from labelling.labels.people import LogPeople
from labelling.labels.reading import AT_ONCE
from labelling.labels.stored import stored_change

_CORRECTING = ("assign", "accept", "split", "audit")


class LogDenied(LogPeople):
    """A log that knows which labels were denied of its rows, and which were decided on by reading."""

    def _take_all(self, connection: Connection) -> None:
        self._denials: list[np.ndarray] = []  # int64 (n, 4): row, label, the one in its place, and the action
        self._denied_until = 0
        self._read: tuple[int, tuple[np.ndarray, np.ndarray]] | None = None  # of the last action: see `_by_reading`
        super()._take_all(connection)

    def denied(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows, and for each a label that it was said not to be of, by its id: int64 (n,) each, a row perhaps several.

        Said by an action in force that took the label off it: a check that found it wrong, another label in its place,
        or clearing this text alone. Clearing a whole selection says nothing of each. Or by an answer to a proposal of
        the label: what was read and marked as not belonging. Not while the row bears the label all the same. Merged
        labels are one. None with yes, no and unknown for each label: what is no of one is known there.
        """
        with self._lock:
            if self.multi_label:
                return np.empty(0, np.int64), np.empty(0, np.int64)
            self._take_in_denials()
            said = np.concatenate([np.empty((0, 4), np.int64), *self._denials])
            in_force = np.array([False, *(self.in_force(action.seq) for action in self.actions)])
            said = said[in_force[said[:, 3]] & (said[:, 0] < self.n_rows)]
            now = np.array([*map(self._now, range(self.n_ids)), UNLABELLED], np.int64)  # the last for none in its place
            rows, labels, instead = said[:, 0], now[said[:, 1]], now[said[:, 2]]
            still = (labels != UNLABELLED) & (labels != instead) & (labels != self.codes[rows])  # or given again
            return rows[still], labels[still]

    def imported(self) -> np.ndarray:
        """Whether the label that a row bears came with a file, of labels that exclude each other: bool (n_rows,)."""
        brought = np.array([False, *(action.kind == "import" for action in self.actions)])
        found: np.ndarray = brought[self.setters] & (self.codes != UNLABELLED)
        return found

    def found_right(self) -> np.ndarray:
        """Whether somebody has read the text and found the label right that it bears: bool (n_rows,)."""
        return self._by_reading()[0]

    def decided(self) -> np.ndarray:
        """Whether somebody decided on the label by reading this text: bool (n_rows,).

        `found_right`, or it was given to the text alone, as the right one in a check, or in a proposal of which the
        text was read. Both raise LabelError with yes, no and unknown for each label.
        """
        return self._by_reading()[1]

    def _by_reading(self) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            if self._read is None or self._read[0] != self.seq:
                known, setters = self.codes != UNLABELLED, self.setters
                right = np.zeros(self.n_rows, bool)
                for seq in sorted({audit.seq for audits in self._fold.audits.values() for audit in audits}):
                    if self.in_force(seq):
                        read, by = self._found_right_by(seq, self.how(seq))
                        right[read[setters[read] == by]] = True
                by_text = np.array([False, *(action.source in (BY_TEXT, CHECK) for action in self.actions)])
                decided = right | by_text[setters]
                for seq, how in self.hows(PROPOSAL).items():
                    read = np.array(how.get("read") or (), np.int64)
                    decided[read[setters[read] == seq]] = True
                self._read = self.seq, (right & known, decided & known)
            return self._read[1]

    def _take_in_denials(self) -> None:
        """Add what was denied by the actions that came since."""
        seq = changes_table.c.seq
        for start in range(self._denied_until, self.seq, AT_ONCE):
            some = self.actions[start : start + AT_ONCE]
            with reading(self.engine) as connection:
                asked = self._changes().where((seq > start) & (seq <= some[-1].seq))
                found = {row.seq: row for row in connection.execute(asked)}
            for action in some:
                if action.seq in found and _corrects(action):
                    self._deny_taken_off(action, stored_change(found[action.seq]))
                if action.source == PROPOSAL:
                    given = stored_change(found[action.seq]).rows if action.seq in found else ()
                    self._deny_marked(action, given)
        self._denied_until = self.seq

    def _deny_taken_off(self, action: Action, change: Change) -> None:
        if change.before is not None and change.after is not None:
            other = (change.before != UNLABELLED) & (change.before != change.after)
            self._deny(action, change.rows[other], change.before[other], change.after[other])

    def _deny_marked(self, action: Action, given: Sequence[int] | np.ndarray) -> None:
        """What was read of a proposal and is not of the label that was `given`, or not of that which was suggested."""
        how = self.how(action.seq)
        if action.label_id is not None:
            self._deny(action, np.setdiff1d(how.get("read", ()), given), action.label_id)
        if suggested := how.get("suggested"):
            self._deny(action, np.array(how["wrong"]), np.array(suggested))

    def _deny(
        self, action: Action, rows: np.ndarray, labels: np.ndarray | int, instead: np.ndarray | int = UNLABELLED
    ) -> None:
        said = np.empty((len(rows), 4), np.int64)
        said[:, 0], said[:, 1], said[:, 2], said[:, 3] = rows, labels, instead, action.seq
        self._denials.append(said)


def _corrects(action: Action) -> bool:
    """Whether it may take a label off a text that somebody has looked at: what came with a file says nothing."""
    return action.kind in _CORRECTING or (action.kind == "clear" and action.source == BY_TEXT)
