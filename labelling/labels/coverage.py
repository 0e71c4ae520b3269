"""Which labels a check covers, and what was read of them: the strata of `labels.error_rate`.

Each label that is given gets a random place in the order in which labels are read. A check over all labels reads the
first ones that nobody has read yet: so what stood at that moment up to some place was read, and is a random sample of
all that stood, also of the actions of which it holds none. What is given later is read up to the same place first, and
then counts with the rest (permanent random numbers: E. Ohlsson, 1995, in Business Survey Methods, chapter 9).
A check of one action is a random sample of its labels alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelling.labels.error_rate import Estimate, Stratum, of_strata


@dataclass(frozen=True)
class Standing:
    """The labels that stand, arrays (n,): the row, the label's id, the action that gave it.

    `since` is the action from which on it stood, a later one where it was brought back; `known` the last one up to
    which it was read, -1 where it was not, and `drawn` the same of random samples alone.
    """

    rows: np.ndarray
    labels: np.ndarray
    setters: np.ndarray
    since: np.ndarray
    known: np.ndarray
    drawn: np.ndarray


@dataclass(frozen=True)
class Gone:
    """The labels that were found wrong and taken off, arrays (n,): as in `Standing`, and in which action, `at`.

    `random`: whether they were drawn at random. Each has the `weight` of how much of its action still stands.
    """

    rows: np.ndarray
    labels: np.ndarray
    setters: np.ndarray
    at: np.ndarray
    random: np.ndarray
    weight: np.ndarray


def turn(rows: np.ndarray, setters: np.ndarray) -> np.ndarray:
    """The place in the order of reading of the labels that these actions gave to these rows: float (n,), 0 to 1.

    Random numbers that are the same for good, as what was read rests on them: by the mixing function of SplitMix64
    (G. L. Steele, D. Lea & C. H. Flood, 2014, OOPSLA).
    """
    with np.errstate(over="ignore"):
        x = (np.asarray(setters).astype(np.uint64) << np.uint64(40)) + np.asarray(rows).astype(np.uint64)
        x = (x + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)) / 2.0**53


class Coverage:
    """What checks tell of the labels that stand.

    `over_all` are the actions up to which the labels stood of which checks over all labels were drawn, ascending.
    `until` is the same of the last check of each action by itself, by its number, -1 where there is none:
    (n_actions + 1,).
    """

    def __init__(self, standing: Standing, gone: Gone, over_all: Sequence[int], until: np.ndarray) -> None:
        unread = standing.known < standing.since
        place, place_gone = turn(standing.rows, standing.setters), turn(gone.rows, gone.setters)
        # Epochs: what was given before the first check over all, the second ... The last one no check covers. Up to
        # the first that is unread of what stood at a check, all was read.
        checks = np.array(over_all, np.int64)
        epoch, epoch_gone = np.searchsorted(checks, standing.since), np.searchsorted(checks, gone.setters)
        ends = np.ones(len(checks) + 1)
        np.minimum.at(ends, epoch[unread], place[unread])
        ends = np.append(np.minimum.accumulate(ends)[:-1], 0.0)
        sample, sample_gone = (place < ends[epoch]) & ~unread, (place_gone < ends[epoch_gone]) & gone.random
        # Those that were read up to the same place are one stratum.
        numbers = np.append(np.unique(ends[:-1], return_inverse=True)[1], len(checks))
        stratum, stratum_gone = numbers[epoch], numbers[epoch_gone]
        # And so is an action of which more was read, in checks of it.
        its, its_gone = standing.since <= until[standing.setters], until[gone.setters] >= 0
        read, read_gone = its & (standing.drawn >= standing.since), its_gone & gone.random
        more = np.zeros(len(until), bool)
        more[standing.setters[read & ~sample]] = True
        more[gone.setters[read_gone & ~sample_gone]] = True
        its, its_gone = its & more[standing.setters], its_gone & more[gone.setters]
        stratum = np.where(its, len(numbers) + standing.setters, stratum)
        stratum_gone = np.where(its_gone, len(numbers) + gone.setters, stratum_gone)
        sample, sample_gone = np.where(its, read, sample), np.where(its_gone, read_gone, sample_gone)
        # What was found otherwise before a sample was drawn was not there to be drawn.
        last = np.where(its_gone, until[gone.setters], over_all[-1] if over_all else 0)
        self._not_covered = len(checks)
        self._gone, self._stratum_gone, self._sample_gone = gone, stratum_gone, sample_gone
        self._late_gone = ~gone.random & (gone.at > last)
        # Of a million labels most are like many others: how many there are of each kind.
        n_labels = int(standing.labels.max(initial=0)) + 1
        shape = (n_labels, len(until), len(numbers) + len(until), 2, 2)
        values = (standing.labels, standing.setters, stratum, sample.astype(np.int64), unread.astype(np.int64))
        kinds, self._n = np.unique(np.ravel_multi_index(values, shape), return_counts=True)
        self._labels, self._setters, self._stratum, self._sample, self._unread = np.unravel_index(kinds, shape)

    def unchecked(self) -> dict[int, int]:
        """How many labels no check covers, by the action that gave them."""
        its = (self._stratum == self._not_covered) & (self._unread == 1)
        seqs, n = np.unique(self._setters[its], return_inverse=True)
        return dict(zip(seqs.tolist(), np.bincount(n, self._n[its], len(seqs)).astype(int).tolist(), strict=True))

    def of(self, label_id: int | None = None, seq: int | None = None) -> Estimate | None:
        """The share of wrong labels of all that stand, of a label or of an action; None where none was checked."""
        gone = self._gone
        here, here_gone = np.ones(len(self._n), bool), np.ones(len(gone.rows), bool)
        if label_id is not None:
            here, here_gone = self._labels == label_id, gone.labels == label_id
        if seq is not None:
            here, here_gone = self._setters == seq, gone.setters == seq
        strata, n_unchecked = [], 0
        for number in np.unique(self._stratum[here]):
            its, its_gone = here & (self._stratum == number), here_gone & (self._stratum_gone == number)
            n_wrong = float(gone.weight[its_gone & self._sample_gone].sum())
            n_gone = n_wrong + float(np.count_nonzero(its_gone & self._late_gone))
            n_read = float(self._n[its & (self._sample == 1)].sum()) + n_wrong
            n_unread = int(self._n[its & (self._unread == 1)].sum())
            if n_read and number != self._not_covered:
                strata.append(Stratum(float(self._n[its].sum()) + n_gone, n_read, n_wrong, n_gone, n_unread))
            else:  # of what a check covers none may have been drawn: nothing is known of it, either
                n_unchecked += n_unread
        return of_strata(strata, int(self._n[here].sum()), n_unchecked)
