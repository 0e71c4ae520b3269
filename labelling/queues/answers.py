"""What a queue has learnt from the answers to its proposals: a pure function of their records."""

from collections.abc import Mapping
from typing import Any

import numpy as np

VERSION = 1
BY = "proposal"
SHARE = 0.1  # of those read may be of another label, and the proposal is still accepted
SHRINK, GROW = 0.7, 1.15  # of the size of heaps, after one that was refused and one that was accepted
FIRST_HEAP = 1 / 8  # of all rows; no heap is larger, as what is wrong in it would be hard to find
MEMORY = 0.8  # how much of what heaps were like before counts, after one more
NOVELTY_MEMORY = 0.9
EVIDENCE_MEMORY = 0.97
# How often a suggestion is right whose confidence is c, before any was read: 1 / (1 + exp(-(OFFSET + SLOPE logit(c)))).
# What is read then moves the offset, which is taken to be off by about SPREAD. To learn the slope as well (Platt 1999)
# predicts better what is read, on all three corpora of the benchmark, and took as many gestures or more.
OFFSET, SLOPE, SPREAD = 1.2, 3.0, 1.0
RECENT = 5
UNSAID = 3  # read ones of ten taken for wrong, where a refusal does not say which
SKETCH = 500  # rows that a refused heap is remembered by


class Answers:
    """The size at which heaps are accepted, how new their labels are, what was refused, how right suggestions were.

    Attributes
    ----------
    size : the most rows of the next heap.
    accepted : share of the last heaps that were accepted, 0 to 1.
    alike : share of the rows of small heaps, read as a whole, that got its label.
    novelty : share of the last heaps with a label that was not there before.
    refused : list of (sorted rows, n_rows); of a large one a sketch.
    not_of : for a row, the labels that it was said not to be of.
    put_off : int (n_rows,), in how many refused proposals a row was of which all was read, or of which it was not said
        what is wrong with the suggestions: it comes after the others, and not in bulk.
    offset : of the calibration, see OFFSET.
    """

    def __init__(self, n_rows: int, n_read: int) -> None:
        self.n_rows, self.n_read = n_rows, n_read
        self.largest = self.size = max(n_read, n_rows * FIRST_HEAP)
        self.accepted, self.alike, self.novelty, self.offset = 0.5, 0.9, 1.0, OFFSET
        self.refused: list[tuple[np.ndarray, int]] = []
        self.not_of: dict[int, set[Any]] = {}
        self.put_off = np.zeros(n_rows, np.int32)
        self._evidence: list[tuple[float, int, int]] = []

    def take(self, record: Mapping[str, Any]) -> None:
        """Learn from one record, as `ProposalQueue.answer` makes it."""
        wrong, n = record["wrong"], record["n"]
        labels = record["suggested"] or [record.get("label")] * len(wrong or ())  # none was kept in earlier records
        for row, label in zip(wrong or (), labels, strict=False):
            if label is not None:
                self.not_of.setdefault(row, set()).add(label)
        if record["logit"] is None:
            self._take_heap(record["accepted"], n, 0 if wrong is None else len(wrong), record["new"])
        else:
            n_read = len(record["read"])
            n_wrong = min(n_read, UNSAID) if wrong is None else len(wrong)
            self._evidence.append((record["logit"], n_read, n_read - n_wrong))
            self.offset = _calibrated(self._evidence)
        if not record["accepted"] and record["rows"]:
            self.refused.append((np.array(record["rows"]), n))
            if n <= self.n_read or (wrong is None and record["logit"] is not None):
                self.put_off[record["rows"]] += 1

    def _take_heap(self, accepted: bool, n: int, n_wrong: int, new: bool) -> None:
        whole = n <= self.n_read  # all of it was read
        if accepted and (not whole or n_wrong <= SHARE * n):
            self.size = min(self.largest, max(self.size, n) * GROW)
        elif not accepted:
            self.size = max(2.0, min(self.size, n) * SHRINK)
        if whole and accepted:
            self.alike = NOVELTY_MEMORY * self.alike + (1 - NOVELTY_MEMORY) * (n - n_wrong) / n
        elif not whole:
            self.accepted = MEMORY * self.accepted + (1 - MEMORY) * accepted
        if accepted:
            self.novelty = NOVELTY_MEMORY * self.novelty + (1 - NOVELTY_MEMORY) * new

    @property
    def proved(self) -> tuple[int, int]:
        """Of the suggestions that were read last, in RECENT proposals, how many were right, and how many were read."""
        last = self._evidence[-RECENT:]
        return sum(right for _, _, right in last), sum(read for _, read, _ in last)

    def rightness(self, confidence: np.ndarray) -> np.ndarray:
        """How often suggestions of these confidences, 0 to 1, are right."""
        right: np.ndarray = 1 / (1 + np.exp(-(self.offset + SLOPE * logit(confidence))))
        return right


def logit(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 1e-4, 1 - 1e-4)
    odds: np.ndarray = np.log(share / (1 - share))
    return odds


def _calibrated(evidence: list[tuple[float, int, int]]) -> float:
    """The likeliest offset, by Newton's method: read (mean logit, read, right), the last counting most."""
    logits, read, right = np.array(evidence).T
    weight = EVIDENCE_MEMORY ** np.arange(len(evidence))[::-1]
    offset = OFFSET
    for _ in range(8):
        p = 1 / (1 + np.exp(-(offset + SLOPE * logits)))
        slope = weight @ (right - read * p) - (offset - OFFSET) / SPREAD**2
        bend = weight @ (read * p * (1 - p)) + 1 / SPREAD**2
        offset += float(np.clip(slope / bend, -1, 1))
    return offset
