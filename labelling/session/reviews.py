"""Texts that are worth reading again, in one queue or another."""

import numpy as np

from labelling.errors import StepError
from labelling.queues.registry import REVIEWS
from labelling.queues.review import Records, Review, ReviewError
from labelling.session.labels import Labels
from labelling.session.search import Found, Search
from labelling.session.suggestions import Suggested
from labelling.workspace import Project

KIND = "review"  # of what is found


class Reviews:
    """The queues of `queues.registry.REVIEWS`; the one that is asked for becomes what was searched last."""

    def __init__(self, project: Project, labels: Labels, search: Search, suggested: Suggested) -> None:
        self.project, self.labels, self.search, self.suggested = project, labels, search, suggested

    def make(self, name: str) -> Review:
        """Raises ReviewError where it can't be told yet, StepError with yes, no and unknown for each label."""
        log, queue = self.labels.log, REVIEWS[name]
        if log.multi_label:
            raise StepError("Only labels that exclude each other can be read again in such an order.")
        space = self.project.spaces()[0] if queue.original else self.project.current
        graph, distances = (space.graph if space.ready else None) or (None, None)
        model = self.suggested.space
        suggestions = None if model is None else model.suggestions
        records = Records(
            log.codes.copy(),  # others may label meanwhile
            log.setters.copy(),
            {label.id: label.name for label in log.labels},
            self.project.dataset.text,
            space.embeddings if space.ready else None,
            graph,
            distances,
            None if suggestions is None else np.asarray(suggestions.probability),
            log.disputes(),
        )
        review = queue.make(records)
        review.scores[log.found_right() if queue.also_decided else log.decided()] = np.nan
        review.scores[self.project.dataset.empty] = np.nan
        return review

    def counts(self) -> dict[str, int | ReviewError]:
        """How many texts are in each queue; an error where that can't be told yet, which says why."""
        found: dict[str, int | ReviewError] = {}
        for name in REVIEWS:
            try:
                found[name] = self.make(name).n
            except ReviewError as error:
                found[name] = error
        return found

    @property
    def now(self) -> tuple[int, int]:
        """The labels and the space that the queues are of: what they hold stays the same with it."""
        return self.labels.log.seq, self.project.current.id

    def count_doubtful(self) -> tuple[tuple[int, int], int]:
        """`now`, and how many labels are likely wrong by those round them; 0 while that can't be told.

        At a million texts it takes a second: in the background, then. What others do meanwhile does no harm.
        """
        now = self.now
        try:
            return now, 0 if self.labels.log.multi_label else self.make("contradicted").n
        except ReviewError:  # there is no graph yet
            return now, 0

    def look_at(self, name: str) -> None:
        """Make it what was searched last."""
        review = self.make(name)
        if not review.n:
            raise StepError(f"There is nothing to read in the queue {REVIEWS[name].title!r}.")
        self.search.found = Found(KIND, REVIEWS[name].title, scores=review.scores, why=review.why)
