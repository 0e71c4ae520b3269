"""How good labels are: what was read of them, and the estimated share of wrong ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from labelling.database.engine import reading
from labelling.labels import error_rate
from labelling.labels.disagreement import Disagreements
from labelling.labels.fold import Change
from labelling.labels.label import NO, UNLABELLED, YES, Action, LabelError
from labelling.labels.reading import AT_ONCE
from labelling.labels.writing import LogWriter, Outcome, n_changed


class LogAuditor(LogWriter):
    """A log whose actions can be audited."""

    # Of the last action: asked for by every label on the page, at each of its runs.
    _right: tuple[int, error_rate.Rightness | None] | None = None
    _all_standing: tuple[int, np.ndarray] | None = None

    def audit(self, seq: int, read: np.ndarray, wrong: np.ndarray, sample: str) -> Outcome:
        """Note that of the rows of action `seq` these were `read`, and those found `wrong`, which lose the label.

        With yes, no and unknown for each label, a yes that was wrong becomes a no. What has been labelled anew since
        stays. `sample` says how the rows to read were drawn: only a "random" one tells the share of wrong labels, see
        `quality_of`.
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
            how = {"by": "audit", "sample": sample, "read": read.tolist(), "wrong": wrong.tolist()}
            self._append(connection, "audit", new, label_id=target.label_id, targets=[seq], how=how)
            meanwhile = self._meanwhile(connection, seen, wrong)
        return Outcome(n_changed(new), 0, meanwhile)

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
        rows = [how["read"] for how in self._audits_of(seq) if sample in (None, how["sample"])]
        return np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int64)

    def _audits_of(self, seq: int) -> list[Mapping[str, Any]]:
        return [self.how(audit.seq) for audit in self._fold.audits.get(seq, ()) if self.in_force(audit.seq)]

    def quality_of(self, seq: int) -> error_rate.Estimate | None:
        """The share of wrong labels among those that action `seq` gave, by its random audits; None without one."""
        read: dict[int, bool] = {}
        for how in self._audits_of(seq):
            if how["sample"] == "random":
                read.update(dict.fromkeys(how["read"], False))
                read.update(dict.fromkeys(how["wrong"], True))
        return error_rate.estimate(sum(read.values()), len(read), self.actions[seq - 1].n_rows) if read else None

    def quality_now(self, seq: int) -> error_rate.Estimate | None:
        """As `quality_of`, of the labels that stand of the action: those found wrong have lost it, others have another.

        None where nothing was read at random, or none stands.
        """
        return self._quality_now(seq, self._standing())

    def _quality_now(self, seq: int, standing: np.ndarray) -> error_rate.Estimate | None:
        given = self.quality_of(seq) if seq in self._fold.audits else None
        n_rows = int(standing[seq])
        if given is None or not n_rows:
            return None
        read = self.read(seq)
        n_rows_seen = int(self._standing(read)[seq])
        n_found = len({row for how in self._audits_of(seq) for row in how["wrong"]})
        return given.of_what_stands(n_found, len(read), n_rows, n_rows_seen)

    def wrong_shares(self) -> np.ndarray:
        """For each row the share of wrong labels among those of its step that stand, None without an audit: (n_rows,).

        It is that of `quality_now`, from 0 to 1: object array.
        """
        standing = self._standing() if self._fold.audits else np.empty(0)
        shares: list[float | None] = [None] * self.seq
        for seq in self._fold.audits:
            found = self._quality_now(seq, standing) if self.in_force(seq) else None
            shares[seq - 1] = None if found is None else found.share
        return self._of_setter(shares)

    def quality_of_label(self, label_id: int) -> error_rate.Estimate | None:
        """The share of wrong labels among those left of what the label's audited actions gave; None without an audit.

        Left: those that an audit found wrong have lost the label.
        """
        if not self._fold.audits:
            return None
        standing = self._standing()
        audited = {
            seq
            for seq, audits in self._fold.audits.items()
            if self._is_now(self.actions[seq - 1].label_id, label_id)
            and self.in_force(seq)
            and any(self.in_force(audit.seq) for audit in audits)
        }
        found = [each for seq in sorted(audited) if (each := self._quality_now(seq, standing)) is not None]
        return error_rate.pooled(found) if found else None

    def rightness(self) -> error_rate.Rightness | None:
        """How right all labels are that stand, by the random audits of their actions; None without an audit.

        Each action weighs as many labels as stand of it (stratified sampling: W. G. Cochran, Sampling Techniques, 1977,
        chapter 5). Actions of which nothing was read are taken to be like the others.
        """
        if self._right is None or self._right[0] != self.seq:
            self._right = (self.seq, self._rightness() if self._fold.audits else None)
        return self._right[1]

    def _rightness(self) -> error_rate.Rightness | None:
        standing = self._standing()
        found = [
            each for seq in np.flatnonzero(standing) if (each := self._quality_now(int(seq), standing)) is not None
        ]
        if not found:
            return None
        pooled = error_rate.pooled(found)
        n_checked, n = sum(each.n_rows for each in found), int(standing.sum())
        return error_rate.Rightness(replace(pooled, n_rows=n), n_checked / n)

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

    def check_sample(self, n: int, random_state: int = 0) -> np.ndarray:
        """At most `n` rows to read, drawn at random of all that have a label and were not drawn so before: int64.

        What was found is kept by an `audit` of each row's own action, `setters`. Raises LabelError with yes, no and
        unknown for each label.
        """
        left = self.codes != UNLABELLED
        for seq in map(int, np.unique(self.setters[left])):
            if seq in self._fold.audits:
                read = self.read(seq, "random")
                left[read[self.setters[read] == seq]] = False  # others of them have another label since
        return np.random.default_rng(random_state).permutation(np.flatnonzero(left))[:n]

    def keep_check(self, read: np.ndarray, wrong: np.ndarray) -> int:
        """Note what was found of the rows of a `check_sample`, each action's by itself; returns how many were wrong.

        Rows whose label was taken off meanwhile are left out.
        """
        read = read[self.codes[read] != UNLABELLED]
        n_wrong = 0
        for seq in np.unique(self.setters[read]):
            its = read[self.setters[read] == seq]
            n_wrong += self.audit(int(seq), its, np.intersect1d(its, wrong), "random").n_changed
        return n_wrong

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
