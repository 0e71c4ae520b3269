"""What a queue has learnt from the answers to its proposals: a pure function of their records."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from labelling.queues.chance import Chance

VERSION = 1
BY = "proposal"
CHECK = "check"  # the kind of a record of what a check found of what was accepted
SHARE = 0.1  # of those read may be of another label, and the proposal is still accepted
LARGEST = 1 / 8  # of all rows; no heap is larger, as what is wrong in it would be hard to find
TYPICAL = 27  # rows of a heap
NOVELTY_MEMORY = 0.9
# What is taken to be so before any answer, by weights of what is known, and by about how much each is off:
# that a suggestion is right, by 1 and the logit of its confidence. To learn the slope as well (Platt 1999) predicts
# better what is read, on all three corpora of the benchmark, and took as many gestures or more.
RIGHT = (1.2, 3.0), (1.0, 0.0)
# That a heap is accepted, by 1, ln(rows / TYPICAL), the share of the steps to a neighbour that stay in its node less a
# half, likeness of its node less 1, and ln of the share of its node that has no label yet.
ACCEPTED = (0.5, -2.0, 4.5, 4.0, 2.3), (2.5, 2.5, 3.0, 3.0, 1.5)
# That another text of a ten is of its commonest label, by 1 and its likeness less 1.
ALIKE = (0.9, 3.0), (0.7, 2.0)
UNSAID = 6  # read ones of ten taken for wrong, where a refusal does not say which
OVERLAP = 0.5  # of a heap's rows stood in one that was refused: it is taken for that one ...
SMALLER = 0.6  # ... unless it has less than so much of its rows
LATELY = 10  # answers: what was refused so short a time ago is not proposed in smaller parts either
SKETCH = 500  # rows that a refused heap is remembered by


class Answers:
    """Which heaps are accepted, how new their labels are, what was refused, how right suggestions were.

    Attributes
    ----------
    largest : the most rows of a heap.
    right, accepted, alike : what is learnt of RIGHT, ACCEPTED, ALIKE.
    few : of RIGHT, too, also from what heaps and tens turned out to be, and what would have been suggested for them. It
        is for a few suggestions that are read as a whole: of many at once it would promise too much.
    novelty : share of the last heaps with a label that was not there before.
    n_taken : how many answers there were.
    refused : list of (sorted rows, n_rows, n_taken when it was); of a large one a sketch.
    bulks : those of them that suggested labels for more rows than are read.
    not_of : for a row, the labels that it was said not to be of.
    put_off : int (n_rows,), in how many refused proposals a row was that suggested nothing and of which all was read,
        or of which it was not said what is wrong with the suggestions: it comes after the others, and not in bulk.
    mixed : int (n_rows,), in how many of these that suggested nothing: it is in no ten while there are others.
    """

    def __init__(self, n_rows: int, n_read: int) -> None:
        self.n_rows, self.n_read = n_rows, n_read
        self.largest, self.novelty = max(n_read, n_rows * LARGEST), 1.0
        self.right, self.accepted, self.alike = Chance(*RIGHT), Chance(*ACCEPTED), Chance(*ALIKE)
        self.few = Chance(*RIGHT)
        self.n_taken = 0
        self.refused: list[tuple[np.ndarray, int, int]] = []
        self.bulks: list[tuple[np.ndarray, int, int]] = []
        self.not_of: dict[int, set[Any]] = {}
        self.put_off, self.mixed = np.zeros((2, n_rows), np.int32)

    def take(self, record: Mapping[str, Any]) -> None:
        """Learn from one record, as `ProposalQueue.answer` or `with_checks` makes it."""
        if record["kind"] == CHECK:
            self._take_suggestions(record)
            return
        self.n_taken += 1
        wrong, n = record["wrong"], record["n"]
        labels = record["suggested"] or [record.get("label")] * len(wrong or ())  # none was kept in earlier records
        for row, label in zip(wrong or (), labels, strict=False):
            if label is not None:
                self.not_of.setdefault(row, set()).add(label)
        n_read, suggested = len(record["read"]), record["logit"] is not None
        if suggested:
            self._take_suggestions(record)
        else:
            self._take_heap(record, n_read, len(wrong or ()))
        if not record["accepted"] and record["rows"]:
            self.refused.append((np.array(record["rows"]), n, self.n_taken))
            if suggested and n > self.n_read:
                self.bulks.append(self.refused[-1])
            if not suggested and n <= self.n_read:
                self.mixed[record["rows"]] += 1
            if not wrong if suggested else n <= self.n_read:
                self.put_off[record["rows"]] += 1

    def _take_suggestions(self, record: Mapping[str, Any]) -> None:
        for chance in (self.right, self.few):
            chance.take((1.0, record["logit"]), len(record["read"]), n_right(record))

    def _take_heap(self, record: Mapping[str, Any], n_read: int, n_wrong: int) -> None:
        features, accepted = record.get("features"), record["accepted"]  # none were kept in earlier records
        if features and record["n"] > self.n_read:
            self.accepted.take(features, 1, int(accepted))
        elif features and n_read > 1:
            self.alike.take(features, n_read - 1, max(n_read - 1 - n_wrong, 0) if accepted else 0)
        if guessed := record.get("guessed"):
            n, n_right, sure = guessed
            self.few.take((1.0, sure), n, n_right)
        if accepted:
            self.novelty = NOVELTY_MEMORY * self.novelty + (1 - NOVELTY_MEMORY) * record["new"]

    def begin_with(self, told: list[tuple[Sequence[float], int, int]]) -> None:
        """How right suggestions were of labels from elsewhere, see `queues.known`: older than all answers."""
        self.right.begin_with(told)
        self.few.begin_with(told)

    def refusals(self) -> list[tuple[np.ndarray, int, float]]:
        """Of each refused proposal its rows, how many they were, and the least rows of a part that is taken for it."""
        return [
            (rows, n, 0 if n <= self.n_read or self.n_taken - when < LATELY else SMALLER * n)
            for rows, n, when in self.refused
        ]

    def was_refused(self, rows: np.ndarray) -> bool:
        """Whether half of them stood in a refused proposal that was not much larger, was refused lately, or of which
        all was read.
        """
        return any(
            np.isin(rows, refused).sum() * (n / len(refused)) >= OVERLAP * len(rows)
            for refused, n, least in self.refusals()
            if least <= len(rows)
        )

    def mostly_new(self, rows: np.ndarray) -> np.ndarray:
        """The first of them, as many as are read, for which that is not so; where too few are left, just the first."""
        new, most = rows, int(np.ceil(OVERLAP * self.n_read)) - 1
        for refused, _, least in self.refusals():
            if least <= self.n_read:
                new = np.delete(new, np.flatnonzero(np.isin(new, refused))[most:])
        return (new if len(new) >= self.n_read else rows)[: self.n_read]

    def most_at_once(self, rows: np.ndarray) -> float:
        """How many of these, the surest first, may be suggested at once: after many were refused lately, of which half
        are still among them, so many fewer. What is learnt of all suggestions would shrink them by a few at a time.
        """
        lately = [(refused, n) for refused, n, when in self.bulks if self.n_taken - when < LATELY]
        return min((SMALLER * n for refused, n in lately if np.isin(refused, rows).mean() >= OVERLAP), default=np.inf)

    def rightness(self, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How often suggestions of these confidences, 0 to 1, are right: of many at once, and of a few."""
        known = np.stack([np.ones(len(confidence)), logit(confidence)], axis=1)
        return self.right(known), self.few(known)


def n_right(record: Mapping[str, Any]) -> int:
    """How many of the suggestions that were read were right."""
    n_read, wrong = len(record["read"]), record["wrong"]
    return n_read - (min(n_read, UNSAID) if wrong is None else len(wrong))


def with_checks(
    answers: Mapping[int, Mapping[str, Any]], checks_of: Callable[[int], Iterable[Mapping[str, Any]]]
) -> Iterator[Mapping[str, Any]]:
    """Records of answers by the number of the action, each followed by what checks found of what it labelled.

    `checks_of(number)`: of each random check which rows of the action were `read`, and which `wrong`. Whoever accepts
    without reading says that all was right; this puts it right. It is learnt where a label was suggested.
    """
    for number, record in answers.items():
        yield record
        if record.get("logit") is None:  # or a record of something else, which `replay` passes over
            continue
        known = {name: record[name] for name in ("by", "version", "logit")}
        for found in checks_of(number):
            yield {**known, "kind": CHECK, "rows": [], "read": found["read"], "wrong": found["wrong"]}


def logit(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 1e-4, 1 - 1e-4)
    odds: np.ndarray = np.log(share / (1 - share))
    return odds


def sketch(rows: np.ndarray) -> np.ndarray:
    """All rows, or so many of them, spread evenly from the inner to the outer ones."""
    return rows if len(rows) <= SKETCH else rows[np.linspace(0, len(rows) - 1, SKETCH).astype(int)]
