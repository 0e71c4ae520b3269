"""What several people say of the same texts: taken in as theirs, and where they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from labelling.database.engine import reading, storable
from labelling.labels.auditing import LogAuditor
from labelling.labels.fold import ONE
from labelling.labels.label import UNLABELLED, YES, check_imported_names, composed, names_to_import
from labelling.labels.writing import Outcome, label_values_of

MAX_PERSON = 60  # characters of the name of somebody in a file
MAJORITY, TIE = "majority", "tie"  # how what stands of several people's answers was chosen: nobody has said it
_SAYING = ("assign", "deny", "accept", "split", "import", "clear", "audit")


class LogPeople(LogAuditor):
    """A log that knows who said what, beside what stands."""

    def import_answers(self, said: Mapping[str, Any], standing: Any) -> Outcome:
        """Take in what several people said of the rows, as an import by each of them, and then what stands, by one's
        own name: where that is something else than the last of them said, or nothing.

        Parameters
        ----------
        said : mapping
            By person, as `import_labels` takes a column, or with yes, no and unknown as `import_label_values` does.
        standing : the same
            What stands. Rows of which nobody says anything are left as they are.

        Raises LabelError as these do; nothing is taken in then.
        """
        every = [standing, *said.values()]
        names = [name for given in every for name in (given.columns if self.multi_label else names_to_import(given))]
        distinct = list(dict.fromkeys(composed(str(name)) for name in names if name))
        check_imported_names(distinct)
        before = self.seq
        with self._writing() as (connection, _):
            ids, made = self._ids(distinct)
            stands = self._answers(standing, ids)
            spoken = {column: np.zeros(self.n_rows, bool) for column in stands}
            for person, given in said.items():
                answers = {column: values for column, values in self._answers(given, ids).items() if column in stands}
                new = []
                for column, values in answers.items():
                    rows = np.flatnonzero(values != UNLABELLED)
                    spoken[column][rows] = True
                    new += [self._new(column, rows, values[rows])] if len(rows) else []
                if new:
                    how = {"by": "imported", "imported_by": self.who}
                    who = storable(person.strip())[:MAX_PERSON] or "somebody"
                    self._append(connection, "import", new, labels=made, how=how, who=who)
                    self._refresh(connection)  # the next one comes after it
                    made = {}
            for kind, by in (("import", MAJORITY), ("clear", TIE)):
                new = []
                for column, values in stands.items():
                    wanted = (values != UNLABELLED) if by == MAJORITY else spoken[column] & (values == UNLABELLED)
                    rows = np.flatnonzero(wanted & (self._values(column) != values))
                    new += [self._new(column, rows, values[rows])] if len(rows) else []
                if new:
                    self._append(connection, kind, new, labels=made, how={"by": by})
                    self._refresh(connection)
                    made = {}
        changed = [self.rows_of(action.seq) for action in self.actions[before:]]
        return Outcome(len(np.unique(np.concatenate(changed))) if changed else 0)

    def _answers(self, given: Any, ids: Mapping[str, int]) -> dict[int, np.ndarray]:
        """The values of each column, int32 (n_rows,), -1 where nothing is said."""
        if self.multi_label:
            values = ((composed(str(name)), given[name]) for name in given.columns)
            return {ids[name]: label_values_of(name, column) for name, column in values}
        ids = {"": UNLABELLED, **ids}
        return {ONE: np.array([ids[name] for name in names_to_import(given)], np.int32)}

    # ---------------------------------------------------------------- where they differ

    def _take_all(self, connection: Connection) -> None:
        self._said: list[np.ndarray] = []  # int64 (n, 5): column, row, person, value, seq
        self._said_until = 0
        self._disputes: tuple[int, dict[int, dict[str, str]]] | None = None
        super()._take_all(connection)

    @property
    def people(self) -> list[str]:
        """Those who have said something of rows, in the order in which they came."""
        return list(dict.fromkeys(action.who for action in self.actions if _says(action)))

    def disputes(self) -> dict[int, dict[str, str]]:
        """The rows on which people differ, and what each says: a label's name; with yes and no of which label.

        Who takes a label off says nothing any more. It is settled once somebody, one of them too, has labelled the row
        after they differed, but by an import.
        """
        with self._lock:
            if self._disputes is None or self._disputes[0] != self.seq:
                self._disputes = (self.seq, self._find_disputes() if len(self.people) > 1 else {})
            return self._disputes[1]

    def _find_disputes(self) -> dict[int, dict[str, str]]:
        self._take_in_sayings()
        in_force = np.array([False, *(self.in_force(action.seq) for action in self.actions)])
        said = np.concatenate(self._said) if self._said else np.empty((0, 5), np.int64)
        said = said[in_force[said[:, 4]]]
        if not self.multi_label:
            ends = np.full(self.n_ids + 1, UNLABELLED)
            for label_id in range(self.n_ids):
                end = self._fold._end_of(label_id, self._became)
                ends[label_id + 1] = UNLABELLED if end is None or end not in self._by_id else end
            said[:, 3] = ends[said[:, 3] + 1]
        else:
            said = said[np.isin(said[:, 0], list(self._by_id))]
        said = said[np.lexsort((said[:, 4], said[:, 1], said[:, 0]))]
        if not len(said):
            return {}
        starts = np.flatnonzero(np.r_[True, np.any(said[1:, :2] != said[:-1, :2], axis=1)])
        # Most texts were labelled by one person, or by several alike: they are left out before they are looked at.
        n = np.diff(np.r_[starts, len(said)])
        of_several = np.maximum.reduceat(said[:, 2], starts) != np.minimum.reduceat(said[:, 2], starts)
        unlike = np.maximum.reduceat(said[:, 3], starts) != np.minimum.reduceat(said[:, 3], starts)
        people, imports = self.people, {action.seq for action in self.actions if action.kind == "import"}
        found: dict[int, dict[str, str]] = {}
        for start, length in zip(starts[of_several & unlike], n[of_several & unlike], strict=True):
            group = said[start : start + length]
            if differing := _unsettled(group[:, 2:].tolist(), imports):
                column, row = group[0, :2].tolist()
                its = found.setdefault(int(row), {})
                for person, value in differing.items():
                    words = self._words(int(column), value)
                    its[people[person]] = f"{its[people[person]]}, {words}" if people[person] in its else words
        return dict(sorted(found.items()))

    def _words(self, column: int, value: int) -> str:
        if not self.multi_label:
            return self._by_id[value].name
        return f"{self._by_id[column].name}: {'yes' if value == YES else 'no'}"

    def _take_in_sayings(self) -> None:
        """Add what was said by the actions that came since."""
        number = {person: place for place, person in enumerate(self.people)}
        with reading(self.engine) as connection:
            changes = self._changes_between(connection, self._said_until, self.seq)
        for seq, its in sorted(changes.items()):
            action = self.actions[seq - 1]
            for change in its if _says(action) else ():
                if change.after is not None:
                    n = np.searchsorted(change.rows, self.n_rows)
                    told = np.empty((n, 5), np.int64)
                    told[:, 0], told[:, 1], told[:, 2] = change.column, change.rows[:n], number[action.who]
                    told[:, 3], told[:, 4] = change.after[:n], seq
                    self._said.append(told)
        self._said_until = self.seq


def _says(action: Any) -> bool:
    return action.kind in _SAYING and action.n_rows > 0 and action.source not in (MAJORITY, TIE)


def _unsettled(said: Sequence[Sequence[int]], imports: set[int]) -> dict[int, int]:
    """What each person says of a row where they differ and nobody has settled it since; {} else.

    `said` is (person, value, seq) in the order of seq.
    """
    current: dict[int, int] = {}
    differ = False
    for person, value, seq in said:
        if value == UNLABELLED:
            current.pop(person, None)
        else:
            if differ and seq not in imports:
                current = {}  # read again: what was said before is answered
            current[person] = value
        differ = len(set(current.values())) > 1
    return current if differ else {}
