"""What is known of the rows' labels, as one person asks for it: in a filter, or for the label in focus."""

from functools import cached_property
from typing import Any

import numpy as np

from labelling.labels import LabelLog
from labelling.labels.label import NO, UNKNOWN, UNLABELLED, YES, Label
from labelling.selection.filters import Filter
from labelling.workspace import Project

DISPUTED = -2  # the state, beside UNLABELLED, of the rows on which people differ: see `LabelLog.disputes`


class Labels:
    """The states of the rows, and the label in focus."""

    def __init__(self, project: Project, log: LabelLog) -> None:
        self.project, self.log = project, log
        self._focus: int | None = None
        self._filtered: tuple[Any, np.ndarray] | None = None

    @property
    def focus(self) -> Label | None:
        """With yes, no and unknown: the label that is asked about now; None where there is none."""
        labels = self.log.labels if self.log.multi_label else []
        return next((label for label in labels if label.id == self._focus), labels[0] if labels else None)

    def focus_on(self, label_id: int) -> None:
        self._focus = label_id

    @cached_property
    def with_text(self) -> np.ndarray:
        """bool (n_rows,): the rows that have a text. Nobody can read or lasso the others, so none is left to label."""
        return ~self.project.dataset.empty

    @property
    def unlabelled(self) -> np.ndarray:
        """bool (n_rows,): the texts without a label; with yes, no and unknown: without an answer for that in focus."""
        if self.log.multi_label and self.focus is not None:
            return self.with_text & (self.log.label_values(self.focus.id) == UNKNOWN)
        return self.with_text & ~self.log.known

    def states(self) -> dict[int, str]:
        """What can be said of a row's labels, for a filter: a number for each, and its name."""
        disputed = {DISPUTED: "people differ"} if len(self.log.people) > 1 else {}
        if not self.log.multi_label:
            counts = self.log.counts()
            named = {label.id: label.name for label in self.log.labels if counts[label.id]}
            return {UNLABELLED: "unlabelled", **disputed, **named}
        states = {UNLABELLED: "nothing known", **disputed}
        for label in self.log.labels:
            for place, word in enumerate(("yes", "no", "unknown")):
                states[3 * label.id + place] = f"{label.name}: {word}"
        return states

    def filtered(self, wanted: Filter) -> np.ndarray | None:
        """bool (n_rows,): the rows that `wanted` leaves; None where it leaves all. Raises SearchError."""
        if not wanted.active:
            return None
        key = (wanted, self.log.seq if wanted.labels else 0)
        if self._filtered is None or self._filtered[0] != key:
            dataset = self.project.dataset
            mask = wanted.mask(self._in_state, dataset.frame, dataset.frame[dataset.text_column])
            self._filtered = (key, mask)
        return self._filtered[1]

    def _in_state(self, state: int) -> np.ndarray:
        """bool (n_rows,): the rows in a state of `states`."""
        if state == UNLABELLED:
            return ~self.log.known
        if state == DISPUTED:
            return np.isin(np.arange(self.log.n_rows), list(self.log.disputes()))
        if not self.log.multi_label:
            return self.log.codes == state
        label_id, answer = divmod(state, 3)
        return self.log.label_values(label_id) == (YES, NO, UNKNOWN)[answer]
