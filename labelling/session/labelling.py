"""Labels: given, taken off, taken back; and samples of them to read."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from labelling.errors import StepError
from labelling.labels import LabelLog, Outcome
from labelling.labels.coverage import turn
from labelling.labels.label import BY_TEXT, CHECK, UNLABELLED, YES, Action
from labelling.selection import neighbours, search
from labelling.session.reviews import Reviews
from labelling.session.selection import Selection
from labelling.workspace import Project

SAMPLES = ("random", "contradicted", "outlying", "edge")
NEAR = 0.03  # of the texts round a selection: fewer of a label are no border with it


class Labelling:
    """Labels for the selection, on disk when each step returns."""

    def __init__(self, project: Project, log: LabelLog, selection: Selection, reviews: Reviews) -> None:
        self.project, self.log, self.selection, self.reviews = project, log, selection, reviews

    def give_texts(self, rows: np.ndarray, name: str, *, answer: int = YES) -> Outcome:
        """Give these texts alone a label, or say yes or no to it, whatever is selected and whatever they bear."""
        return self.log.assign(rows, name, answer=answer, overwrite=True, how=self._by_text)

    def give_right(self, right: Mapping[int, str], after: int) -> None:
        """Give rows that a check found wrong these labels; with its audit, after action `after`, they are one step."""
        for name in sorted(set(right.values())):
            since = [action for action in self.log.actions[after:] if action.who == self.log.who]
            # What the same person did meanwhile in another tab is no part of it.
            own = [action.seq for action in since if action.kind == "audit" or action.source == CHECK]
            rows = np.array([row for row in right if right[row] == name], np.int64)
            self.log.assign(rows, name, how={**self.selection.on_map, "by": CHECK, "with": own})

    def clear_texts(self, rows: np.ndarray, name: str | None = None) -> Outcome:
        """Take the labels, or this one, off these texts alone."""
        return self.log.clear(rows, name, how=self._by_text)

    @property
    def _by_text(self) -> dict[str, Any]:
        return {**self.selection.on_map, "by": BY_TEXT}

    def give(self, name: str, *, answer: int = YES, overwrite: bool = False) -> Outcome:
        """Give the selection a label, or say yes or no to it."""
        self.selection.need_some()
        near = [] if self.log.multi_label or self.log.find(name.strip()) else self._labels_beside()
        return self.log.assign(
            self.selection.rows, name, answer=answer, overwrite=overwrite, how=self.selection.how, near=near
        )

    def _labels_beside(self) -> list[int]:
        """The labels that a new one's colour must differ from: a good part of the selection's nearest texts bear them.

        Or a good part of the nearest texts of theirs, of those without the same label, are selected.
        """
        graph, codes, rows = self.selection.map.graph, self.log.codes, self.selection.rows
        if graph is None:
            return []
        around = np.setdiff1d(graph[rows], rows)
        beside = self.log.counts(around[around >= 0]) > NEAR * len(around)
        selected = np.zeros(len(codes) + 1, bool)  # one more, for the -1 of a text with fewer nearest ones
        selected[rows] = True
        labelled = np.flatnonzero((codes != UNLABELLED) & ~selected[:-1])
        own, nearest = codes[labelled], graph[labelled]
        n_selected = np.bincount(own, selected[nearest].sum(axis=1), len(beside))
        n_others = np.bincount(own, (codes[nearest] != own[:, None]).sum(axis=1), len(beside))
        return np.flatnonzero(beside | (n_selected > NEAR * n_others)).tolist()

    def clear(self, name: str | None = None) -> Outcome:
        """Take the labels off the selection, or this label alone."""
        self.selection.need_some()
        return self.log.clear(self.selection.rows, name, how=self.selection.how)

    def split(self, label_id: int, name: str) -> Outcome:
        """Give what is selected of a label a new label."""
        self.selection.need_some()
        return self.log.split(label_id, self.selection.rows, name, how=self.selection.how)

    def audit_sample(self, seq: int, sample: str, n: int) -> np.ndarray:
        """Rows to read of action `seq`, of a `sample` by one of SAMPLES: int64, at most `n`, the most doubtful first.

        "contradicted": those of the queue of that name, see `queues.contradicted.review`;
        "outlying": the farthest from the mean of the action's rows, by cosine; "edge": with the fewest of their nearest
        texts among the action's; all in the full space that is shown. What was read is not drawn again.
        """
        # What was drawn otherwise may be drawn again at random: to leave it out would make the share look better.
        rows = np.setdiff1d(self.log.standing(seq), self.log.read(seq, "random" if sample == "random" else None))
        rows = rows[~self.project.dataset.empty[rows]]
        if sample == "random":
            return rows[np.argsort(turn(rows, np.full(len(rows), seq)))][:n]
        space = self.project.current
        if not space.ready:
            raise StepError("The texts are still being embedded: a random sample can be read already.")
        if sample in ("contradicted", "edge"):
            if (graph := space.neighbours) is None:
                raise StepError("The neighbour graph is still being made: it comes with the clear map.")
            if sample == "contradicted":
                doubt = self.reviews.make(sample).scores[rows]
                rows, doubt = rows[~np.isnan(doubt)], doubt[~np.isnan(doubt)]
                return rows[np.argsort(-doubt, kind="stable")][:n]
            share = neighbours.share_inside(rows, graph, self.log.rows_of(seq))
            return rows[np.argsort(share, kind="stable")][:n]
        if sample == "outlying":
            vectors = np.asarray(space.embeddings[rows])
            return rows[np.argsort(search.cosine(vectors, np.nanmean(vectors, axis=0)), kind="stable")][:n]
        raise ValueError(f"sample must be one of {', '.join(SAMPLES)}, got {sample!r}")

    def undo(self, seq: int | None = None) -> Action | None:
        """Take back action `seq`, by default one's own last; None where there is none, or it was taken back already."""
        return self.log.undo(seq)

    def redo(self, seq: int | None = None) -> Action | None:
        """Bring back action `seq`, by default what one undid last; None where there is none, or it is in force."""
        return self.log.redo(seq)
