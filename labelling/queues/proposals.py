"""What to label next: proposals of rows that can be labelled in one go, the most promising first."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from labelling.learning.graph import GraphClassifier, smooth, walk_matrix
from labelling.learning.targets import read_targets
from labelling.queues.answers import BY, OVERLAP, SHARE, TYPICAL, VERSION, Answers, logit, sketch
from labelling.queues.heap_tree import HeapTree
from labelling.queues.known import Known
from labelling.queues.proposal import ALIKE, HEAP, LABEL, SURE, TEN, Found, Proposal, ProposalError, check, in_words

MODEL = "GraphClassifier"
UNLIKELY = 0.05  # that a heap is accepted: not counted as bulk
LIKELY = 0.5  # that a suggestion is right, to be said of a text in a heap
BLOCK = 64  # nodes of which is asked at a time whether they were refused
# Of the free rows of a heap the EDGE, what is farthest from its mean, is left out: most of what is wrong stands there.
# Of one that is larger than TYPICAL more is, as what is wrong in it is many rows: so many more times as it is larger.
EDGE, LARGER = 0.1, 0.05


class ProposalQueue:
    """A queue of proposals, ranked by how many rows each is expected to label.

    Three sources, one measure: rows x the chance that nine of ten that are read are alike. Heaps of a tree
    (`HeapTree`), as likely to be accepted as those like them were; what `GraphClassifier` suggests, as many rows as are
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
        check(self.aim, self.n_read, X, graph)
        if hasattr(self, "answers_") and self.answers_.n_rows != len(X):
            raise ProposalError(f"what was answered is of {self.answers_.n_rows:,} rows, X is of {len(X):,}")
        X = np.asarray(X)
        self._rows = np.flatnonzero(~np.isnan(X).any(axis=1))  # of the places that all below speak of
        place = np.full(len(X) + 1, -1, np.int32)
        place[self._rows] = np.arange(len(self._rows), dtype=np.int32)
        self._place = place
        near = place[np.asarray(graph)[self._rows]]
        if len(self._rows):
            embedded = X[self._rows]
            self._X, self._Z = smooth(embedded, near, 0), smooth(embedded, near)
            self._steps = walk_matrix(near)
            self.tree_ = HeapTree().fit(self._Z, near)
            self._known = Known(self._X, self._steps, self.tree_.order_)
            # Where each row stands in the tree's order; one that is not in it, beyond all.
            self._at = np.append(self.tree_.start_[: len(self._rows)], len(self._rows) + 1)[place[:-1]]
        if not hasattr(self, "answers_"):
            self.answers_: Answers = Answers(len(X), self.n_read)
        return self

    def next(
        self,
        y: Sequence[Any] | np.ndarray,
        n: int = 1,
        *,
        among: np.ndarray | None = None,
        denied: tuple[np.ndarray, np.ndarray] | None = None,
        known: np.ndarray | None = None,
    ) -> list[Proposal]:
        """The next `n` proposals, the best first, none with a row of another; fewer where no more rows are left.

        `y` (n_rows,): each row's label, text or number; None, NaN or -1 where it has none. `among`, bool (n_rows,),
        None for all: no other row is proposed. `denied`, rows and a label for each: beside what was answered here, it
        was said that it is not of that, which is not suggested for it. `known`, bool (n_rows,): whose labels are from
        elsewhere, a file say, and tell how right suggestions are before any answer.
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
        if known is not None and len(self._rows):
            rows = np.flatnonzero(np.asarray(known, bool)[self._rows] & (codes >= 0))
            self.answers_.begin_with(self._known.told(codes, rows, self.answers_.novelty, self.random_state))
        self._suggest(codes, targets.classes, denied)
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
        """How many of the rows without a label are expected to come many at once, by what `next` was given last.

        Those that are suggested surely enough, and those of heaps that look alike and were not refused, each as likely
        as its heap is to be accepted: to count the likely heaps whole jumps by hundreds with one answer. The others are
        left for reading in tens.
        """
        if not len(self._rows):
            return 0
        tree, count = self.tree_, self.tree_.sums(self._free)
        heaps = np.flatnonzero((count > self.n_read) & (count <= self.answers_.largest))
        chance = self.answers_.accepted(self._features(heaps, count))
        heaps, chance = heaps[chance >= UNLIKELY], chance[chance >= UNLIKELY]
        asked = ~self._are_refused(heaps, count)
        heaps, chance = heaps[asked], chance[asked]
        expected = np.where(self._right >= self.aim, 1.0, 0.0)
        order = np.argsort(-chance, kind="stable")  # the likeliest first: much of the others is known by these
        for node, likely in zip(heaps[order].tolist(), chance[order].tolist(), strict=True):
            places = tree.rows(node)[self._free[tree.rows(node)]]
            if likely > expected[places].min() and tree.likeness(self._Z[places]) >= ALIKE:
                expected[places] = np.maximum(expected[places], likely)
        return int(expected[self._free].sum())

    def _need_fit(self) -> None:
        if not hasattr(self, "_rows"):
            raise ProposalError("the queue knows no texts yet: call fit(X, graph) first")

    def _suggest(self, codes: np.ndarray, classes: np.ndarray, denied: tuple[np.ndarray, np.ndarray] | None) -> None:
        """For each place its best label, how sure that is and how often that is right: from labels of two classes."""
        here, codes = np.unique(codes, return_inverse=True)
        codes = codes - (len(here) > 0 and here[0] < 0)
        here = here[here >= 0]
        self._codes, self._logit, self._right = None, np.zeros(len(codes)), np.zeros(len(codes))
        if len(here) < 2:
            return
        model = GraphClassifier(rounds=0).fit_smoothed(self._X, self._steps, here, codes, self.tree_.order_)
        number = {label: i for i, label in enumerate(classes[here].tolist())}
        said = [(row, label) for row, labels in self.answers_.not_of.items() for label in labels]
        said += [] if denied is None else zip(denied[0].tolist(), denied[1].tolist(), strict=True)
        known = {(self._place[row], number[label]) for row, label in said if label in number and self._place[row] >= 0}
        model.deny(*np.array(sorted(known), int).reshape(-1, 2).T)
        self._codes = here[model.label_distributions_.argmax(axis=1)]
        confidence = model.confidence(self.answers_.novelty)
        self._logit, (self._right, self._few) = logit(confidence), self.answers_.rightness(confidence)
        self._some = confidence >= 0  # of the others every label was said to be wrong

    def _candidates(self, free: np.ndarray) -> list[Found]:
        found = [] if self._codes is None else self._suggested(free)
        left = free * (1 - self._chance(self._right))  # what will not be had in bulk anyway
        found += filter(None, [self._heap(free, left), self._ten(free, left)])
        return found or [self._loners(free)]

    def _suggested(self, free: np.ndarray) -> list[Found]:
        """The best bulk and the best few of what is suggested: of all labels together, or of one each."""
        assert self._codes is not None  # noqa: S101, for mypy
        places = np.flatnonzero(free & self._some)
        put_off = self.answers_.put_off[self._rows]
        places = places[np.lexsort((-self._logit[places], put_off[places]))]
        if self.mixed:
            groups = [places]
        else:
            by_label = places[np.argsort(self._codes[places], kind="stable")]
            groups = np.split(by_label, np.flatnonzero(np.diff(self._codes[by_label])) + 1)
        found = []
        for group in filter(len, groups):
            right = np.cumsum(self._right[group]) / np.arange(1, len(group) + 1)
            few = group[: self.n_read]
            found.append(self._found(TEN, few, float(self._few[few].sum()), self._few[few].mean()))
            bulk = np.flatnonzero(right >= self.aim)
            most = self.answers_.most_at_once(self._rows[group])
            bulk = bulk[(bulk >= self.n_read) & (bulk < most) & (put_off[group[bulk]] == 0)]
            if len(bulk):
                chance = self._chance(right[bulk])
                # Where it is refused, those that were read and are right get their label all the same.
                worth = (bulk + 1) * chance + (1 - chance) * self.n_read * right[bulk] * self.mixed
                best = int(worth.argmax())
                found.append(self._found(SURE, group[: bulk[best] + 1], float(worth[best]), right[bulk[best]]))
        return found

    def _found(self, kind: str, places: np.ndarray, worth: float, expected: float) -> Found:
        assert self._codes is not None  # noqa: S101, for mypy
        codes = self._codes[places]
        if kind == SURE and (codes == codes[0]).all():
            kind = LABEL
        return Found(worth, kind, places, codes, float(expected), float(self._logit[places].mean()))

    def _chance(self, right: np.ndarray) -> np.ndarray:
        """The chance that enough of those that are read are right, where each is with chance `right`."""
        from scipy.stats import binom

        chance: np.ndarray = binom.cdf(int(SHARE * self.n_read), self.n_read, 1 - np.clip(right, 0, 1))
        return chance

    def _heap(self, free: np.ndarray, left: np.ndarray) -> Found | None:
        """The node that is expected to label most, of those that were not refused."""
        tree, answers, count = self.tree_, self.answers_, self.tree_.sums(free)
        nodes = np.flatnonzero((count > self.n_read) & (count <= answers.largest))
        features = self._features(nodes, count)
        chance = answers.accepted(features)
        order = np.argsort(-chance * tree.sums(left)[nodes], kind="stable")
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            for i in block[~self._are_refused(nodes[block], count)].tolist():
                places = self._without_edge(int(nodes[i]), free)
                if not self.answers_.was_refused(self._rows[places]):
                    worth, known = float(chance[i] * left[places].sum()), tuple(features[i].tolist())
                    return Found(worth, HEAP, places, None, 1 - SHARE / 2, features=known)
        return None

    def _features(self, nodes: np.ndarray, count: np.ndarray) -> np.ndarray:
        """What says whether a node with so many free rows is of one label, see ACCEPTED: (n, n_features)."""
        tree, n = self.tree_, count[nodes]
        inside, likeness = tree.inside_[nodes] - 0.5, tree.likeness_[nodes] - 1
        free = np.log(n / (tree.end_ - tree.start_)[nodes])
        return np.stack([np.ones(len(n)), np.log(n / TYPICAL), inside, likeness, free], axis=1)

    def _without_edge(self, node: int, free: np.ndarray) -> np.ndarray:
        """The free places of a node, the nearest to its mean first, but for the last and those that look otherwise."""
        places = self.tree_.rows(node)
        places = places[free[places]]
        looks = self._right[places] >= LIKELY
        if self._codes is not None and looks.any():
            codes = self._codes[places]
            alike = places[~looks | (codes == np.bincount(codes[looks]).argmax())]
            places = alike if len(alike) > self.n_read else places
        n = max(self.n_read + 1, int(np.ceil((1 - EDGE) * min(1, (len(places) / TYPICAL) ** -LARGER) * len(places))))
        return places[np.argsort(-(self._Z[places] @ self._Z[places].mean(axis=0)), kind="stable")[:n]]

    def _ten(self, free: np.ndarray, left: np.ndarray) -> Found | None:
        """What stands nearest to the middle of a small node, as many as are read: the most that are of one label."""
        mixed = self.answers_.mixed[self._rows]
        free = free & (mixed == mixed[free].min())
        tree, places, count = self.tree_, np.flatnonzero(free), self.tree_.sums(free)
        n = min(self.n_read, len(places))
        nodes = np.flatnonzero((count >= 2) & (count <= n) & ((count[tree.parent_] > n) | (count == len(places))))
        if not len(nodes):
            return None
        middles = tree.totals(self._Z, free, nodes)
        order = np.argsort(-tree.likeness_of(middles, count[nodes]) * count[nodes], kind="stable")
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            block = block[~self._are_refused(nodes[block], count)]
            cosines = middles[block] @ self._Z[places].T
            tens = places[np.argpartition(-cosines, n - 1, axis=1)[:, :n]]
            expected, features = self._alike(tens)
            worth = expected * left[tens].sum(axis=1)
            for i in np.argsort(-worth, kind="stable").tolist():
                if not self.answers_.was_refused(self._rows[tens[i]]):
                    ten = tens[i][np.argsort(-(self._Z[tens[i]] @ middles[block[i]]), kind="stable")]
                    return Found(
                        float(worth[i]), TEN, ten, None, float(expected[i]), features=tuple(features[i].tolist())
                    )
        return None

    def _alike(self, tens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each of some sets of n places, (m, n), the share expected to be of one label, and by what features."""
        m, n = tens.shape
        features = np.stack([np.ones(m), self.tree_.likeness(self._Z[tens]) - 1], axis=1)
        return (1 + (n - 1) * self.answers_.alike(features)) / n, features

    def _are_refused(self, nodes: np.ndarray, count: np.ndarray) -> np.ndarray:
        """bool (len(nodes),): of each node what `Answers.was_refused` says, before its edge is left out."""
        found = np.zeros(len(nodes), bool)
        for rows, n, least in self.answers_.refusals():
            at = np.sort(self._at[rows])  # where they stand in the tree's order; each for n / len(rows) rows
            inside = np.searchsorted(at, self.tree_.end_[nodes]) - np.searchsorted(at, self.tree_.start_[nodes])
            found |= (inside * (n / len(rows)) >= OVERLAP * count[nodes]) & (count[nodes] >= least / (1 - EDGE))
        return found

    def _loners(self, free: np.ndarray) -> Found:
        """The place farthest from all labels, and what is nearest to it: of what was put off least.

        Of a refused proposal that was not much larger there are fewer than half in it, while there are others.
        """
        places = np.flatnonzero(free)
        put_off = self.answers_.put_off[self._rows[places]]
        one = places[np.lexsort((self._logit[places], put_off))[0]]
        near = places[np.lexsort((-(self._Z[places] @ self._Z[one]), put_off))]
        near = self._place[self.answers_.mostly_new(self._rows[near])]
        (expected,), (features,) = self._alike(near[None])
        return Found(0.0, TEN, near, None, float(expected), features=tuple(features.tolist()))

    def _drawn_up(self, found: Found) -> Proposal:
        rows = self._rows[found.rows]
        sample = rows
        if len(rows) > self.n_read:
            sample = np.random.default_rng([self.random_state, len(rows), *rows[:8]]).choice(rows, self.n_read, False)
        labels = None if found.codes is None else self.classes_[found.codes]
        found.likeness = float(self.tree_.likeness(self._Z[found.rows]))
        said, expected = in_words(found, labels), round(found.expected, 3)
        return Proposal(found.kind, rows, labels, expected, sample, said, found.likeness, found.logit, found.features)

    def split(self, proposal: Proposal) -> list[Proposal]:
        """The two parts of what looks alike, the larger first. Raises ProposalError where labels are suggested."""
        self._need_fit()
        if proposal.labels is not None or len(proposal.rows) < 2:
            raise ProposalError("Only texts that look alike, two or more, can be split.")
        found = []
        for part in self.tree_.parts(self._place[proposal.rows]):
            near = part[np.argsort(-(self._Z[part] @ self._Z[part].mean(axis=0)), kind="stable")]
            found.append(Found(0.0, HEAP if len(part) > self.n_read else TEN, near, None, 1 - SHARE / 2))
        return [self._drawn_up(part) for part in found]

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
            "label": label.item() if isinstance(label, np.generic) else label,
            "new": proposal.labels is None and label not in self.classes_.tolist(),
            "suggested": proposal.suggested(gone or []),
            "rows": [] if accepted else np.sort(sketch(proposal.rows)).tolist(),
            "logit": proposal._logit,
            "guessed": self._guessed(proposal, label, np.setdiff1d(read, gone or [])) if accepted else None,
            "features": None if proposal._features is None else list(proposal._features),
            "model": MODEL,
            "version": VERSION,
        }
        self.answers_.take(record)
        return record

    def _guessed(self, proposal: Proposal, label: Any, rows: np.ndarray) -> tuple[int, int, float] | None:
        """Of rows that are `label`: how many, for how many it would have been suggested, and how surely."""
        if proposal.labels is not None or self._codes is None or not len(rows):
            return None
        places, classes = self._place[rows], self.classes_.tolist()
        right = self._codes[places] == classes.index(label) if label in classes else np.zeros(len(rows), bool)
        return len(rows), int(right.sum()), float(self._logit[places].mean())

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
