"""On which rows people disagree: one has changed what another had said."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from labelling.labels.fold import ONE, Change
from labelling.labels.label import UNLABELLED, Action

_KINDS = ("assign", "deny", "accept", "clear", "split", "audit")


@dataclass(frozen=True)
class Overruled:
    """`first` had said `before` of some rows, `then` somebody else said `after` of them: a label's id, -1 for none.

    With yes, no and unknown both are 1, 0 or -1, of the label `column`.
    """

    first: str
    before: int
    then: str
    after: int
    column: int = ONE


@dataclass
class Disagreements:
    """What one person said and another changed, of actions in force, which are to be taken in in their order.

    `pairs` counts the rows of each kind, `rows` is bool (n_rows,): where there was any. A correction is one too. Labels
    that came with a file are nobody's word, and who says the same leaves no trace in the log: this is no measure of how
    far people agree.
    """

    n_rows: int
    pairs: Counter[Overruled] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rows = np.zeros(self.n_rows, bool)
        self._people: dict[str, int] = {}
        self._said: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # column: the value of each row, and who said it

    def take(self, action: Action, change: Change) -> None:
        if change.after is None:
            return
        if change.column not in self._said:
            self._said[change.column] = np.full(self.n_rows, UNLABELLED, np.int32), np.full(self.n_rows, -1, np.int32)
        values, people = self._said[change.column]
        rows, after = change.rows, change.after
        person = self._people.setdefault(action.who, len(self._people)) if action.kind in _KINDS else -1
        if person >= 0:
            other = (people[rows] >= 0) & (people[rows] != person)
            other &= (values[rows] != UNLABELLED) & (values[rows] != after)
            names = list(self._people)
            found = np.column_stack([people[rows[other]], values[rows[other]], after[other]])
            for (first, before, then), n in zip(*np.unique(found, axis=0, return_counts=True), strict=True):
                self.pairs[Overruled(names[first], int(before), action.who, int(then), change.column)] += int(n)
            self.rows[rows[other]] = True
        values[rows], people[rows] = after, person
