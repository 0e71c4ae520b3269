"""How good labels are: what was read of them, and the estimated share of wrong ones."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from labelling.database.engine import reading
from labelling.labels import error_rate
from labelling.labels.coverage import Coverage, Gone, Standing, turn
from labelling.labels.disagreement import Disagreements
from labelling.labels.fold import ONE, Change
from labelling.labels.label import CHECK, NO, UNLABELLED, YES, Action, LabelError
from labelling.labels.reading import AT_ONCE
from labelling.labels.writing import LogWriter, Outcome, n_changed

RANDOM = "random"  # the sample that tells the share of wrong labels
DOUBTFUL = "doubtful"  # one that does not: texts that were read again, as their label may be wrong
OF_ALL = "setters"  # kept of a check over all labels: the action of each row that was read


class LogAuditor(LogWriter):
    """A log whose actions can be audited."""

    # Of the last action: asked for by every label on the page, at each of its runs.
    _covered: tuple[int, Coverage | None] | None = None
    _all_standing: tuple[int, np.ndarray] | None = None

    def _take_all(self, connection: Connection) -> None:
        self._brought: dict[int, np.ndarray] = {}  # column: the last action that brought each row's label back, 0 none
        self._brought_until = 0
        self._lost: dict[int, dict[int, Change]] = {}  # audit: what it changed
        super()._take_all(connection)

    def audit(self, seq: int, read: np.ndarray, wrong: np.ndarray, sample: str, drawn: int | None = None) -> Outcome:
        """Note that of the rows of action `seq` these were `read`, and those found `wrong`, which lose the label.

        With yes, no and unknown for each label, a yes that was wrong becomes a no. What has been labelled anew since
        stays. `sample` says how the rows to read were drawn: only a "random" one tells the share of wrong labels, see
        `quality_of`. `drawn` is the last action when they were drawn, by default that before this one.
        Raises LabelError where the action gave no labels, was taken back, or did not give these.
        """
        read, wrong = self._valid(read), self._valid(wrong)
        with self._writing() as (connection, seen):
            target = self._action(seq)
            if not target.gives_labels or not self.in_force(seq):
                raise LabelError("Only labels that were given, and not taken back, can be audited.")
            changes = self._changes_of(connection, seq)
            about = np.concatenate([change.rows for change in changes.values()])
            if not (np.isin(read, about).all() and np.isin(wrong, read).all()):
                raise LabelError("An audit reads rows of the action that it is about, and finds some of these wrong.")
            new = self._corrected(target, changes, wrong)
            how = self._how_read(read, wrong, sample, drawn, {seq: sum(len(change.rows) for change in new)})
            self._append(connection, "audit", new, label_id=target.label_id, targets=[seq], how=how)
            meanwhile = self._meanwhile(connection, seen, wrong)
        return Outcome(n_changed(new), 0, meanwhile)

    def keep_right(self, rows: np.ndarray) -> int:
        """Note that these rows were read, and their labels are right, as one action; returns of how many.

        Rows without a label are left out. It tells nothing of the share of wrong labels: they were not drawn at random.
        Raises LabelError with yes, no and unknown for each label.
        """
        rows = self._valid(rows)
        with self._writing() as (connection, _):
            rows = rows[self.codes[rows] != UNLABELLED]
            if len(rows):
                self._keep(connection, rows, rows[:0], DOUBTFUL, self.seq)
        return len(rows)

    def keep_check(self, read: np.ndarray, wrong: np.ndarray, drawn: int | None = None) -> int:
        """Note what was found of the rows of a `check_sample`, as one action; returns how many were wrong.

        `drawn` is the last action when they were drawn, by default that before this one. Rows whose label was taken
        off or given anew meanwhile are left out.
        """
        read = self._valid(read)
        with self._writing() as (connection, _):
            drawn = self.seq if drawn is None else drawn
            read = read[(self.codes[read] != UNLABELLED) & (self.setters[read] <= drawn)]
            wrong = np.intersect1d(read, wrong)
            if len(read):
                self._keep(connection, read, wrong, RANDOM, drawn)
        return len(wrong)

    def _keep(self, connection: Connection, read: np.ndarray, wrong: np.ndarray, sample: str, drawn: int) -> None:
        """An audit of labels of any actions."""
        setters = self.setters[read]
        n_lost = {int(seq): int(np.count_nonzero(self.setters[wrong] == seq)) for seq in np.unique(setters)}
        how = {**self._how_read(read, wrong, sample, drawn, n_lost), OF_ALL: setters.tolist()}
        new = [self._new(ONE, wrong, np.full(len(wrong), UNLABELLED))] if len(wrong) else []
        self._append(connection, "audit", new, targets=list(n_lost), how=how)

    def _how_read(
        self, read: np.ndarray, wrong: np.ndarray, sample: str, drawn: int | None, n_lost: Mapping[int, int]
    ) -> dict[str, Any]:
        """What an audit keeps; of each action that it is about also how many of its labels stand afterwards."""
        standing = self._standing()
        return {
            "by": "audit",
            "sample": sample,
            "drawn": self.seq if drawn is None else drawn,
            "read": read.tolist(),
            "wrong": wrong.tolist(),
            "stood": [int(standing[seq] - n) for seq, n in n_lost.items()],
        }

    def _corrected(self, target: Action, changes: Mapping[int, Change], wrong: np.ndarray) -> list[Change]:
        """What those rows of an action bear that it gave a wrong label, and that still bear it."""
        found: dict[int, np.ndarray] = {}
        for number, change in changes.items():
            column = self._fold.columns[number]
            rows = np.intersect1d(wrong, change.rows)
            rows = rows[column.setters[rows] == target.seq]
            if self.multi_label:
                rows = rows[column.codes[rows] == YES]
            found[number] = np.union1d(rows, found.get(number, rows))
            while (number := self._became.get(number, UNLABELLED)) != UNLABELLED and self.multi_label:
                its = rows[self._column(number).setters[rows] == target.seq]
                found[number] = np.union1d(its, found.get(number, its))
        value = NO if self.multi_label else UNLABELLED
        return [self._new(number, rows, np.full(len(rows), value)) for number, rows in found.items() if len(rows)]

    def read(self, seq: int, sample: str | None = None) -> np.ndarray:
        """The rows of action `seq` that were read in its audits (of this kind of sample): int64, sorted."""
        rows = [row for how in self._audits_of(seq) if sample in (None, how["sample"]) for row in how["read"]]
        return np.unique(np.array(rows, np.int64))

    def _audits_of(self, seq: int) -> list[Mapping[str, Any]]:
        """What the audits in force keep of this action's rows."""
        found = []
        for audit in self._fold.audits.get(seq, ()):
            if self.in_force(audit.seq):
                how = self.how(audit.seq)
                if OF_ALL in how:
                    its = [row for row, setter in zip(how["read"], how[OF_ALL], strict=True) if setter == seq]
                    how = {**how, "read": its, "wrong": [row for row in how["wrong"] if row in set(its)]}
                found.append(how)
        return found

    def checks_of(self, seq: int) -> list[Mapping[str, Any]]:
        """What its random audits in force found of the rows of action `seq`: which were `read`, and which `wrong`."""
        return [how for how in self._audits_of(seq) if how["sample"] == RANDOM]

    def quality_of(self, seq: int) -> error_rate.Estimate | None:
        """The share of wrong labels among those that action `seq` gave, by its random audits; None without one."""
        read: dict[int, bool] = {}
        for how in self.checks_of(seq):
            read.update(dict.fromkeys(how["read"], False))
            read.update(dict.fromkeys(how["wrong"], True))
        return error_rate.estimate(sum(read.values()), len(read), self.actions[seq - 1].n_rows) if read else None

    def quality_now(self, seq: int) -> error_rate.Estimate | None:
        """As `quality_of`, of the labels that stand of the action: those found wrong have lost it, others have another.

        None where nothing was read at random, or none stands.
        """
        return self._estimate(seq=seq) if seq in self._fold.audits else None

    def wrong_shares(self) -> np.ndarray:
        """For each row the share of wrong labels among those of its step that stand, None if unknown: (n_rows,).

        It is that of `quality_now`, from 0 to 1, where enough was read to say it: object array.
        """
        found = {seq: self.quality_now(seq) for seq in self._fold.audits}
        shares = {seq: None if its is None or its.is_rough else its.share for seq, its in found.items()}
        return self._of_setter([shares.get(seq + 1) for seq in range(self.seq)])

    def quality_of_label(self, label_id: int) -> error_rate.Estimate | None:
        """As `rightness`, of the labels of this name."""
        return self._estimate(label_id=label_id)

    def rightness(self) -> error_rate.Estimate | None:
        """How right all labels are that stand, by what was read of them at random: the share of wrong ones; None
        without a check.

        What was found wrong has lost the label. A check over all labels is a sample of all that stood, an audit of its
        action's rows alone; what was given or brought back since is not covered, see `labels.coverage`.
        """
        return self._estimate()

    @property
    def n_unchecked(self) -> int:
        """How many of the labels that stand no check covers."""
        found = self.rightness()
        return int(self._standing().sum()) if found is None else found.n_unchecked

    @property
    def last_check(self) -> int:
        """The last action when a check over all labels was drawn that is in force, 0 where there is none."""
        audits = (
            action.seq for action in reversed(self.actions) if action.kind == "audit" and self.in_force(action.seq)
        )
        return next((_drawn(seq, self.how(seq)) for seq in audits if _is_over_all(self.how(seq))), 0)

    def unchecked_actions(self) -> dict[int, int]:
        """How many of the labels that stand no check covers, by the action that gave them."""
        coverage = self._checked()
        if coverage is not None:
            return coverage.unchecked()
        standing = self._standing()
        return {seq: int(standing[seq]) for seq in np.flatnonzero(standing).tolist() if seq}

    def _estimate(self, **which: int) -> error_rate.Estimate | None:
        coverage = self._checked()
        return None if coverage is None else coverage.of(**which)

    def _checked(self) -> Coverage | None:
        if self._covered is None or self._covered[0] != self.seq:
            self._covered = (self.seq, self._coverage() if self._fold.audits else None)
        return self._covered[1]

    def _coverage(self) -> Coverage | None:
        audits = {audit.seq for audits in self._fold.audits.values() for audit in audits if self.in_force(audit.seq)}
        hows = {seq: self.how(seq) for seq in sorted(audits)}
        over_all, until = [], np.full(self.seq + 1, -1)
        for seq, how in hows.items():
            if _is_over_all(how):
                over_all.append(_drawn(seq, how))
            elif how["sample"] == RANDOM:
                until[self.actions[seq - 1].targets[0]] = _drawn(seq, how)
        if not over_all and (until < 0).all():
            return None
        self._find_brought_back()
        parts = [
            self._standing_of(number, hows)
            for number in ([label.id for label in self.labels] if self.multi_label else [ONE])
        ]
        standing = Standing(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
        return Coverage(standing, self._gone(hows), sorted(over_all), until)

    def _standing_of(self, number: int, hows: Mapping[int, Mapping[str, Any]]) -> tuple[np.ndarray, ...]:
        """The labels of a column as `Standing` has them: those of a label where each is yes, no or unknown."""
        if self.multi_label:
            column, labels = self._column(number), np.full(self.n_rows, number)
            stands, setters = column.codes == YES, column.setters
        else:
            labels, setters = self.codes, self.setters
            stands = labels != UNLABELLED
        since, known, drawn = setters.astype(np.int64), np.full(self.n_rows, -1), np.full(self.n_rows, -1)
        for other, brought in self._brought.items():
            if self._now(other) == number or not self.multi_label:
                np.maximum(since, brought, out=since)
        for seq, how in hows.items():
            read, by = self._found_right_by(seq, how)
            its = read[setters[read] == by]
            for last in (known, drawn) if how["sample"] == RANDOM else (known,):
                last[its] = np.maximum(last[its], _drawn(seq, how))
        # What a check found wrong was read when it got its right label.
        corrected = np.isin(setters, [action.seq for action in self.actions if action.source == CHECK])
        known[corrected] = np.maximum(known, setters)[corrected]
        rows = np.flatnonzero(stands)
        return rows, labels[rows], setters[rows].astype(np.int64), since[rows], known[rows], drawn[rows]

    def _found_right_by(self, seq: int, how: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """The rows that an audit found right, and the action that had given each its label: int64 (n,) each."""
        read = np.setdiff1d(how["read"], how["wrong"]).astype(np.int64)
        of = dict(zip(how["read"], how[OF_ALL], strict=True)) if OF_ALL in how else {}
        return read, np.array([of.get(row, self.actions[seq - 1].targets[0]) for row in read.tolist()], np.int64)

    def _gone(self, hows: Mapping[int, Mapping[str, Any]]) -> Gone:
        """The labels that audits found wrong and took off."""
        standing = self._standing()
        lost: dict[tuple[int, int, int], tuple[int, bool, float]] = {}
        with reading(self.engine) as connection:
            for seq, how in hows.items():
                if not self.actions[seq - 1].n_rows:
                    continue
                if seq not in self._lost:
                    self._lost[seq] = self._changes_of(connection, seq)
                stood = dict(zip(self.actions[seq - 1].targets, how.get("stood", ()), strict=False))
                for number, change in self._lost[seq].items():
                    assert change.before is not None and change.before_setters is not None  # noqa: S101, PT018
                    for row, value, setter in zip(
                        change.rows.tolist(), change.before.tolist(), change.before_setters.tolist(), strict=True
                    ):
                        if self.multi_label and value != YES:
                            continue
                        label_id = self._now(number if self.multi_label else value)
                        left = stood.get(setter)
                        weight = min(standing[setter] / left, 1.0) if left else float(self.in_force(setter))
                        lost[row, label_id, setter] = (seq, how["sample"] == RANDOM, float(weight))
        rows, labels, setters = np.array(list(lost), np.int64).reshape(-1, 3).T
        at, random, weight = (np.array([values[place] for values in lost.values()]) for place in range(3))
        return Gone(rows, labels, setters, at.astype(np.int64), random.astype(bool), weight.astype(float))

    def _find_brought_back(self) -> None:
        """Take in which labels stand again by an undo, a redo or a revert: they did not, for a while."""
        with reading(self.engine) as connection:
            for action in self.actions[self._brought_until :]:
                if action.kind in ("undo", "redo", "revert"):
                    for seq in {action.seq, *self._ended(action)}:
                        for number, change in self._changes_of(connection, seq).items():
                            last = self._brought.setdefault(number, np.zeros(self.n_rows, np.int64))
                            last[change.rows[change.rows < self.n_rows]] = action.seq
        self._brought_until = self.seq

    def _ended(self, action: Action) -> Iterator[int]:
        """The mergings and deletions that such an action takes back or brings back: their rows change as well."""
        for target in map(abs, action.targets):
            if self.actions[target - 1].kind in ("merge", "delete"):
                yield target
            elif self.actions[target - 1].kind in ("undo", "redo", "revert"):
                yield from self._ended(self.actions[target - 1])

    def _standing(self, rows: np.ndarray | None = None) -> np.ndarray:
        """How many labels of `rows` (default: all) stand of each action, by its number: int64 (n_actions + 1,)."""
        if rows is None:
            if self._all_standing is None or self._all_standing[0] != self.seq:
                self._all_standing = (self.seq, self._standing(np.arange(self.n_rows)))
            return self._all_standing[1]
        standing = np.zeros(len(self.actions) + 1, np.int64)
        if not self.multi_label:
            known = self.codes[rows] != UNLABELLED
            return standing + np.bincount(self.setters[rows][known], minlength=len(standing))
        for label in self.labels:
            column = self._column(label.id)
            standing += np.bincount(column.setters[rows][column.codes[rows] == YES], minlength=len(standing))
        return standing

    def check_sample(self, n: int) -> np.ndarray:
        """At most `n` rows to read, a random sample of all that have a label, together with what was read: int64.

        They are the first ones in the order of `coverage.turn` that nobody has read. What was found is kept by
        `keep_check`. Raises LabelError with yes, no and unknown for each label.
        """
        left = self.codes != UNLABELLED
        for seq in map(int, np.unique(self.setters[left])):
            if seq in self._fold.audits:
                read = self.read(seq)
                left[read[self.setters[read] == seq]] = False  # others of them have another label since
        rows = np.flatnonzero(left)
        return rows[np.argsort(turn(rows, self.setters[rows]))][:n]

    def disagreements(self) -> Disagreements:
        """Where one person has changed what another had said, of what is in force; merged labels are one."""
        found = Disagreements(self.n_rows)
        ends = {label_id: self._now(label_id) for label_id in self._became}
        with reading(self.engine) as connection:
            for start in range(0, self.seq, AT_ONCE):
                some = self.actions[start : start + AT_ONCE]
                changes = self._changes_between(connection, start, some[-1].seq)
                for action in some:
                    if self.in_force(action.seq) and action.is_step and action.kind != "revert":
                        for change in changes.get(action.seq, ()):
                            found.take(action, change if self.multi_label else _as_now(change, ends))
        return found

    def _now(self, label_id: int) -> int:
        """What the label is by now, UNLABELLED where it was deleted."""
        while label_id in self._became:
            label_id = self._became[label_id]
        return label_id

    def _is_now(self, given: int | None, label_id: int) -> bool:
        """Whether the label that was given is by now this one."""
        return given is not None and self._now(given) == label_id


def _as_now(change: Change, ends: Mapping[int, int]) -> Change:
    """The same with each label as what became of it."""
    if change.after is None or not ends:
        return change
    after = change.after.copy()
    for label_id, end in ends.items():
        after[change.after == label_id] = end
    return replace(change, after=after)


def _is_over_all(how: Mapping[str, Any]) -> bool:
    """Whether it is a check that was drawn at random from all labels."""
    return OF_ALL in how and how["sample"] == RANDOM


def _drawn(seq: int, how: Mapping[str, Any]) -> int:
    """The last action when the rows of this audit were drawn, as far as it was kept."""
    return int(how.get("drawn", seq - 1))
