"""What a model suggests for texts that have no label yet, and how right that is."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from labelling.errors import StepError
from labelling.labels.error_rate import Estimate, wilson
from labelling.labels.label import UNLABELLED
from labelling.session.labels import Labels
from labelling.session.search import Search
from labelling.session.selection import Selection
from labelling.workspace import Project, Space

FEW = 10  # of fewer texts a share says next to nothing: of 9 that all agree the interval goes down to 70 %


@dataclass(frozen=True)
class Offer:
    """Texts without a label for which one is suggested.

    Attributes
    ----------
    name : str, of the label by now: it may have been renamed since the model learnt it
    rows : ndarray of int64, sorted
    wrong : Estimate or None: the share of wrong suggestions, None where it is not known yet
    """

    name: str
    rows: np.ndarray
    wrong: Estimate | None


class Suggested:
    """Suggestions of the model that is asked, and selections of them."""

    def __init__(self, project: Project, labels: Labels, selection: Selection, search: Search) -> None:
        self.project, self.labels, self.selection, self.search = project, labels, selection, search
        self.log = labels.log
        self._offers: tuple[tuple[int, int, float], list[Offer]] | None = None

    @property
    def space(self) -> Space | None:
        """`Project.suggesting`."""
        return self.project.suggesting

    def offers(self, at_least: float, space: Space | None = None) -> list[Offer]:
        """What is suggested with this much sureness, for each label for which that is any text without a label.

        By the model that is asked, or by that of another `space`. What was said to be wrong is not suggested again.
        """
        space = self.space if space is None else space
        suggestions = None if space is None else space.suggestions
        if space is None or suggestions is None:
            return []
        key = (space.id, self.log.seq, at_least)
        if self._offers is None or self._offers[0] != key:
            known = [self.log.find_by_then(name) for name in suggestions.classes]
            names = [
                name if label is None else label.name for name, label in zip(suggestions.classes, known, strict=True)
            ]
            ids = np.array([UNLABELLED if label is None else label.id for label in known])
            merged = np.array([names.index(name) for name in names] + [-1])  # the last for no suggestion
            sure = merged[suggestions.sure(at_least)]
            by_suggestion = self._by_suggestion(int(space.settings.get("seq", self.log.seq)))
            read = self._read(by_suggestion)
            agree, differ = self._proved(sure, ids, by_suggestion, read)
            open_codes = np.where(self.labels.unlabelled, sure, -1)
            rows, labels = self.log.denied()
            said_again = (sure[rows] >= 0) & (ids[sure[rows]] == labels)
            open_codes[rows[said_again]] = -1
            offers = []
            for code in np.unique(open_codes[open_codes >= 0]):
                rows = np.flatnonzero(open_codes == code)
                offers.append(Offer(names[code], rows, _estimate(int(differ[code]), int(agree[code]), len(rows))))
            self._offers = (key, offers)
        return self._offers[1]

    def n(self, at_least: float, space: Space | None = None) -> int:
        """For how many texts without a label one is suggested, as `offers` has them: the one count of suggestions."""
        return sum(len(offer.rows) for offer in self.offers(at_least, space))

    def labels_at_least(self, sure: float) -> np.ndarray:
        """The id of the label that is suggested for each row without one, -1 elsewhere: int32 (n_rows,).

        A label that the project has not yet is left out.
        """
        ids = np.full(self.log.n_rows, UNLABELLED, np.int32)
        for offer in self.offers(sure):
            if label := self.log.find(offer.name):
                ids[offer.rows] = label.id
        return ids

    def _by_suggestion(self, seq: int) -> np.ndarray:
        """Of each action, by its number: -1 up to action `seq`, then whether it labelled what was suggested, 0 or 1."""
        by = np.array([0, *(action.source == "suggestion" for action in self.log.actions)], np.int8)
        by[: seq + 1] = -1
        return by

    def _read(self, by_suggestion: np.ndarray) -> np.ndarray:
        """bool (n_rows,): the texts that were labelled as suggested and then read in a random sample."""
        log, read = self.log, np.zeros(self.log.n_rows, bool)
        for seq in map(int, np.flatnonzero(by_suggestion == 1)):
            if log.actions[seq - 1].gives_labels and log.in_force(seq):
                read[log.read(seq, "random")] = True
        return read

    def _proved(
        self, sure: np.ndarray, ids: np.ndarray, by_suggestion: np.ndarray, read: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How many suggestions of each class proved right since, and how many wrong: int (n_classes,) each.

        By texts that were labelled, but not by accepting the suggestion; and by those that were accepted and then read
        at random: a label that was accepted unread proves nothing.
        """
        known, by = self.log.codes != UNLABELLED, by_suggestion[self.log.setters]
        right = known & (self.log.codes == ids[sure])
        accepted = right & (by == 1)
        proved = (sure >= 0) & (by >= 0) & np.where(known, ~accepted | read, read)
        agree, differ = (np.bincount(sure[proved & which], minlength=len(ids)) for which in (right, ~right))
        return agree, differ

    def select(self, label: str, at_least: float) -> None:
        """Select what can be seen, has no label, and of which the model is so sure that it bears this one."""
        offer = next((each for each in self.offers(at_least) if each.name == label), None)
        space = self.space
        if space is None or offer is None:
            raise StepError("This is suggested for no text any more: see what is suggested now.")
        details: dict[str, Any] = {"classifier": space.id, "label": label, "at_least": at_least}
        self.selection.select(offer.rows, "suggestion", **details)


def _estimate(n_wrong: int, n_right: int, n_rows: int) -> Estimate | None:
    n = n_wrong + n_right
    return Estimate(n_wrong / n, *wilson(n_wrong / n, n), n, n_rows) if n >= FEW else None
