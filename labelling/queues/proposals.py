"""What to label next: proposals of rows that can be labelled in one go, the most promising first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from labelling.errors import CorralError
from labelling.learning.graph import GraphClassifier, smooth, walk_matrix
from labelling.learning.targets import read_targets
from labelling.queues.answers import BY, SHARE, SKETCH, VERSION, Answers, logit
from labelling.queues.heap_tree import HeapTree

MODEL = "GraphClassifier"
HEAP, LABEL, SURE, TEN = "heap", "label", "sure", "ten"
EDGE = 0.1  # of a heap is left out, what is farthest from its mean: most of what is wrong stands there
LIKELY = 0.5  # that a suggestion is right, to be made of a text that is shown as one of a heap
BLOCK = 64  # nodes of which is asked at a time whether they were refused
MEMORY_OVERLAP = 0.5  # of a heap's rows stood in one that was refused: it is taken for that one, unless it is smaller


class ProposalError(CorralError, ValueError):
    """What a queue can't be given; the message says what is wrong and what is allowed."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """Rows that are worth looking at next.

    Attributes
    ----------
    kind : "heap", rows that look alike, to be given one label that the reader names; "label", rows that are all
        suggested one label; "sure", rows each with a label suggested to it; "ten", so few that all are read, with
        suggestions or, as a heap, without.
    rows : int64 (n,), the likeliest first.
    labels : (n,), the label suggested for each row, or None where the reader is to name one for all.
    expected : the share of the rows that is expected to be right, should it be accepted.
    sample : int64, the rows to read, drawn at random; all where they are few.
    why : a line for a person.
    """

    kind: str
    rows: np.ndarray
    labels: np.ndarray | None
    expected: float
    sample: np.ndarray
    why: str
    _logit: float | None = field(default=None, repr=False)


@dataclass
class _Found:
    """A proposal before it is drawn up."""

    worth: float  # rows that it is expected to label
    kind: str
    rows: np.ndarray
    codes: np.ndarray | None
    expected: float
    logit: float | None = None


class ProposalQueue:
    """A queue of proposals, ranked by how many rows each is expected to label.

    Three sources, one measure: rows x the chance that nine of ten that are read are alike. Heaps of a tree
    (`HeapTree`), at a size that adapts to what was accepted; what `GraphClassifier` suggests, as many rows as are
    expected to be right often enough; few rows that are read as a whole. The queue depends on the labels and on the
    records of the answers alone: `replay` of these gives the same queue, whatever was undone or labelled in between.

    Parameters
    ----------
    aim : above 0.5 and below 1, the share of a proposal that is to be right. The higher, the more has to be read.
    n_read : how many texts of a proposal are read before it is accepted or refused.
    mixed : whether a proposal may show texts of many labels, each beside its own.
    random_state : seed of what is drawn for reading.
    """

    def __init__(self, *, aim: float = 0.9, n_read: int = 10, mixed: bool = True, random_state: int = 0) -> None:
        self.aim = aim
        self.n_read = n_read
        self.mixed = mixed
        self.random_state = random_state

    def fit(self, X: np.ndarray, graph: np.ndarray) -> Self:
        """Take in a space: embeddings float (n_rows, n_dims) and int (n_rows, k), the nearest other rows of each row.

        -1 in `graph` where there is no neighbour. A row that has NaN in X (not embedded) is never proposed. What was
        answered before is kept: a queue is fitted anew to a new space of the same rows.

        Raises ProposalError for arrays of different rows and for parameters out of range.
        """
        if not 0.5 < self.aim < 1:
            raise ProposalError(f"aim must be above 0.5 and below 1, got {self.aim!r}")
        if not isinstance(self.n_read, int) or self.n_read < 2:
            raise ProposalError(f"n_read must be a whole number from 2, got {self.n_read!r}")
        if np.ndim(X) != 2 or np.ndim(graph) != 2 or len(X) != len(graph):
            raise ProposalError(f"X and graph must be 2-D and of the same rows, got {np.shape(X)}, {np.shape(graph)}")
        if hasattr(self, "answers_") and self.answers_.n_rows != len(X):
            raise ProposalError(f"what was answered is of {self.answers_.n_rows:,} rows, X is of {len(X):,}")
        X = np.asarray(X)
        self._rows = np.flatnonzero(~np.isnan(X).any(axis=1))  # of the places that all below speak of
        place = np.full(len(X) + 1, -1, np.int32)
        place[self._rows] = np.arange(len(self._rows), dtype=np.int32)
        self._place = place
        near = place[np.asarray(graph)[self._rows]]
        if len(self._rows):
            self._Z = smooth(X[self._rows], near)
            self._steps = walk_matrix(near)
            self.tree_ = HeapTree().fit(self._Z, near)
            # Where each row stands in the tree's order; one that is not in it, beyond all.
            self._at = np.append(self.tree_.start_[: len(self._rows)], len(self._rows) + 1)[place[:-1]]
        if not hasattr(self, "answers_"):
            self.answers_: Answers = Answers(len(X), self.n_read)
        return self

    def next(self, y: Sequence[Any] | np.ndarray, n: int = 1, *, among: np.ndarray | None = None) -> list[Proposal]:
        """The next `n` proposals, the best first, none with a row of another; fewer where no more rows are left.

        `y` (n_rows,): each row's label, text or number; None, NaN or -1 where it has none. `among`, bool (n_rows,),
        None for all: no other row is proposed.
        """
        self._need_fit()
        targets = read_targets(y)
        if targets.multi_label or len(targets.codes) != self.answers_.n_rows:
            raise ProposalError(f"y must be one label a row for {self.answers_.n_rows:,} rows, got {np.shape(y)}")
        self.classes_ = targets.classes
        codes = targets.codes[self._rows]
        free = codes < 0
        if among is not None:
            free &= np.asarray(among, bool)[self._rows]
        self._suggest(codes, targets.classes)
        self._free = free.copy()
        proposals: list[Proposal] = []
        while len(proposals) < n and free.any():
            found = max(self._candidates(free), key=lambda candidate: candidate.worth)
            free[found.rows] = False
            proposals.append(self._drawn_up(found))
        return proposals

    def suggested(self, rows: np.ndarray) -> np.ndarray | None:
        """The label that each of `rows` looks like, by the labels that `next` was given last, where that is likelier
        than not: object (n,), None elsewhere; None for all without two labels.
        """
        self._need_fit()
        codes = getattr(self, "_codes", None)
        if codes is None:
            return None
        places = self._place[rows]
        labels = self.classes_[codes[places]].astype(object)
        labels[self._right[places] < LIKELY] = None
        return labels

    def n_in_bulk(self) -> int:
        """How many of the rows without a label may still come many at once, by what `next` was given last.

        Those that are suggested surely enough, and those of heaps that were not refused. The others are left for
        reading in tens.
        """
        if not len(self._rows):
            return 0
        tree, count = self.tree_, self.tree_.sums(self._free)
        heap = (count > self.n_read) & (count <= self.answers_.size)
        largest = np.flatnonzero(heap & ~heap[tree.parent_])
        at_once = self._right >= self.aim
        for node in largest[~self._are_refused(largest, count)].tolist():
            at_once[tree.rows(node)] = True
        return int(np.count_nonzero(at_once & self._free))

    def _need_fit(self) -> None:
        if not hasattr(self, "_rows"):
            raise ProposalError("the queue knows no texts yet: call fit(X, graph) first")

    def _suggest(self, codes: np.ndarray, classes: np.ndarray) -> None:
        """For each place its best label, how sure that is and how often that is right: from labels of two classes."""
        here, codes = np.unique(codes, return_inverse=True)
        codes = codes - (len(here) > 0 and here[0] < 0)
        here = here[here >= 0]
        self._codes, self._logit, self._right = None, np.zeros(len(codes)), np.zeros(len(codes))
        if len(here) < 2:
            return
        model = GraphClassifier().fit_smoothed(self._Z, self._steps, here, codes)
        number = {label: i for i, label in enumerate(classes[here].tolist())}
        for row, labels in self.answers_.not_of.items():
            if (place := self._place[row]) >= 0:
                model.label_distributions_[place, [number[label] for label in labels if label in number]] = 0
        self._codes = here[model.label_distributions_.argmax(axis=1)]
        confidence = model.confidence(self.answers_.novelty)
        self._logit, self._right = logit(confidence), self.answers_.rightness(confidence)

    def _candidates(self, free: np.ndarray) -> list[_Found]:
        found = [] if self._codes is None else self._suggested(free)
        if heap := self._heap(free):
            found.append(heap)
        return found or [self._loners(free)]

    def _suggested(self, free: np.ndarray) -> list[_Found]:
        """The best bulk and the best few of what is suggested: of all labels together, or of one each."""
        assert self._codes is not None  # noqa: S101, for mypy
        places = np.flatnonzero(free)
        places = places[np.argsort(-self._logit[places], kind="stable")]
        if self.mixed:
            groups = [places]
        else:
            by_label = places[np.argsort(self._codes[places], kind="stable")]
            groups = np.split(by_label, np.flatnonzero(np.diff(self._codes[by_label])) + 1)
        found = []
        for group in groups:
            right = np.cumsum(self._right[group]) / np.arange(1, len(group) + 1)
            few = group[: self.n_read]
            found.append(self._found(TEN, few, float(self._right[few].sum()), right[len(few) - 1]))
            bulk = np.flatnonzero(right >= self.aim)
            bulk = bulk[bulk >= self.n_read]
            if len(bulk):
                chance = self._chance(right[bulk])
                # Where it is refused, those that were read and are right get their label all the same.
                worth = (bulk + 1) * chance + (1 - chance) * self.n_read * right[bulk] * self.mixed
                best = int(worth.argmax())
                found.append(self._found(SURE, group[: bulk[best] + 1], float(worth[best]), right[bulk[best]]))
        return found

    def _found(self, kind: str, places: np.ndarray, worth: float, expected: float) -> _Found:
        assert self._codes is not None  # noqa: S101, for mypy
        codes = self._codes[places]
        if kind == SURE and (codes == codes[0]).all():
            kind = LABEL
        return _Found(worth, kind, places, codes, float(expected), float(self._logit[places].mean()))

    def _chance(self, right: np.ndarray) -> np.ndarray:
        """The chance that enough of those that are read are right, where each is with chance `right`."""
        from scipy.stats import binom

        chance: np.ndarray = binom.cdf(int(SHARE * self.n_read), self.n_read, 1 - np.clip(right, 0, 1))
        return chance

    def _heap(self, free: np.ndarray) -> _Found | None:
        """The node that is best set off, and largest, of those that are small enough and were not refused."""
        tree, answers = self.tree_, self.answers_
        left = free * (1 - self._chance(self._right))  # what will not be had in bulk anyway
        count = tree.sums(free)
        nodes = np.flatnonzero((count >= 2) & (count <= max(answers.size, 2)))
        order = np.argsort(-(tree.separation_ * tree.sums(left))[nodes], kind="stable")
        for start in range(0, len(order), BLOCK):
            block = nodes[order[start : start + BLOCK]]
            block = block[~self._are_refused(block, count)]
            if len(block):
                break
        else:
            return None
        places = tree.rows(int(block[0]))
        places = places[free[places]]
        middle = self._Z[places].mean(axis=0)
        n = max(self.n_read, int(np.ceil((1 - EDGE) * len(places))))
        if len(places) < n:  # as many are read anyway: fill up with what is nearest
            places = np.flatnonzero(free)
        places = places[np.argsort(-(self._Z[places] @ middle), kind="stable")[:n]]
        if len(places) <= self.n_read:
            return _Found(answers.alike * left[places].sum(), TEN, places, None, answers.alike)
        return _Found(answers.accepted * left[places].sum(), HEAP, places, None, 1 - SHARE / 2)

    def _are_refused(self, nodes: np.ndarray, count: np.ndarray) -> np.ndarray:
        """bool (len(nodes),): whether half of its rows stood in a refused heap that was not much larger."""
        found = np.zeros(len(nodes), bool)
        for rows, n in self.answers_.refused:
            at = np.sort(self._at[rows])  # where they stand in the tree's order; each for n / len(rows) rows
            inside = np.searchsorted(at, self.tree_.end_[nodes]) - np.searchsorted(at, self.tree_.start_[nodes])
            found |= (inside * (n / len(rows)) >= MEMORY_OVERLAP * count[nodes]) & (
                count[nodes] >= 0.6 * n / (1 - EDGE)
            )
        return found

    def _loners(self, free: np.ndarray) -> _Found:
        """The place farthest from all labels, and what is nearest to it."""
        places = np.flatnonzero(free)
        one = places[self._logit[places].argmin()]
        near = np.argsort(-(self._Z[places] @ self._Z[one]), kind="stable")[: self.n_read]
        return _Found(0.0, TEN, places[near], None, self.answers_.alike)

    def _drawn_up(self, found: _Found) -> Proposal:
        rows = self._rows[found.rows]
        sample = rows
        if len(rows) > self.n_read:
            sample = np.random.default_rng([self.random_state, len(rows), *rows[:8]]).choice(rows, self.n_read, False)
        labels = None if found.codes is None else self.classes_[found.codes]
        return Proposal(found.kind, rows, labels, round(found.expected, 3), sample, _why(found, labels), found.logit)

    def answer(
        self,
        proposal: Proposal,
        accepted: bool,
        *,
        label: Any = None,
        read: Sequence[int] | np.ndarray | None = None,
        wrong: Sequence[int] | np.ndarray | None = (),
    ) -> dict[str, Any]:
        """Learn what became of a proposal; gives its record, to be kept as `how` of the action that did it.

        Parameters
        ----------
        accepted : whether its rows were labelled, but for those that were read and are `wrong`. Where it was refused,
            those that were read and are right may have been labelled as suggested.
        label : what was given, where the proposal suggested nothing.
        read : the rows that were read; `proposal.sample` where None.
        wrong : those of them that are of another label; None where a refusal doesn't say which.
        """
        self._need_fit()
        read = proposal.sample if read is None else np.asarray(read, int)
        gone = None if wrong is None else np.asarray(wrong, int).tolist()
        if not np.isin(read, proposal.rows).all() or not np.isin(gone or [], read).all():
            raise ProposalError("`read` must be rows of the proposal, and `wrong` rows that were read")
        record = {
            "by": BY,
            "kind": proposal.kind,
            "aim": self.aim,
            "expected": proposal.expected,
            "n": len(proposal.rows),
            "read": read.tolist(),
            "wrong": gone,
            "accepted": bool(accepted),
            "new": proposal.labels is None and label not in self.classes_.tolist(),
            "suggested": self._suggestions(proposal, gone or []),
            "rows": [] if accepted else np.sort(_sketch(proposal.rows)).tolist(),
            "logit": proposal._logit,
            "model": MODEL,
            "version": VERSION,
        }
        self.answers_.take(record)
        return record

    @staticmethod
    def _suggestions(proposal: Proposal, rows: list[int]) -> list[Any]:
        if proposal.labels is None:
            return []
        suggested = dict(zip(proposal.rows.tolist(), proposal.labels.tolist(), strict=True))
        return [suggested[row] for row in rows]

    def replay(self, log: Iterable[Mapping[str, Any]]) -> Self:
        """Forget all answers and learn from the records in `log`: of the actions in force, the oldest first.

        What is not a record of a queue, or of another version of it, is passed over. Raises ProposalError for records
        of rows that there are not.
        """
        self._need_fit()
        answers = Answers(self.answers_.n_rows, self.n_read)
        for record in log:
            if record.get("by") == BY and record.get("version") == VERSION:
                rows = [*record["rows"], *record["read"]]
                if rows and not 0 <= min(rows) <= max(rows) < answers.n_rows:
                    raise ProposalError(f"a record is of row {max(rows):,}, there are {answers.n_rows:,} rows")
                answers.take(record)
        self.answers_ = answers
        return self


def _sketch(rows: np.ndarray) -> np.ndarray:
    """All rows, or so many of them, spread evenly from the inner to the outer ones."""
    return rows if len(rows) <= SKETCH else rows[np.linspace(0, len(rows) - 1, SKETCH).astype(int)]


def _why(found: _Found, labels: np.ndarray | None) -> str:
    n = f"{len(found.rows):,}"
    right = f"about {int(100 * found.expected + 1e-9)}% right"
    if labels is None:
        return f"{n} texts that look alike" + (", to read" if found.kind == TEN else "")
    if found.kind == LABEL:
        return f"{n} more like “{labels[0]}”, {right}"
    if found.kind == SURE:
        return f"{n} texts of {len(set(labels.tolist()))} labels, {right}"
    return f"{n} to read, {right}"
