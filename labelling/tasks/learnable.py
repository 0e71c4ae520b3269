"""What of a project's labels a tuner or a classifier can learn."""

import numpy as np

from labelling.labels import LabelLog
from labelling.labels.label import NO
from labelling.workspace import Project

# Unlabelled rows that a tuner is given beside the labelled ones: enough to follow the shape of the data.
TUNER_UNLABELLED_ROWS = 5_000


def learnable(project: Project, log: LabelLog, rows: np.ndarray | None = None) -> np.ndarray:
    """How many of these rows (default: all that have a text) bear each label that can be learnt: int (n_ids,).

    With yes, no and unknown those that have both a yes and a no.
    """
    rows = np.flatnonzero(~project.dataset.empty) if rows is None else rows
    counts = log.counts(rows)
    return np.where(log.counts(rows, NO) > 0, counts, 0) if log.multi_label else counts


def can_learn(project: Project, log: LabelLog, rows: np.ndarray | None = None) -> bool:
    """Whether there is something to tell apart among the labels of these rows (default: all that have a text)."""
    return bool(np.count_nonzero(learnable(project, log, rows)) > (0 if log.multi_label else 1))


def what_is_needed(project: Project, log: LabelLog, rows: np.ndarray | None = None, what: str = "A tuner") -> str:
    """Why `can_learn` says no to a tuner, or `what` else learns labels."""
    if log.multi_label:
        return f"{what} needs a label with some texts that are yes and some that are no: unknown is not taken for no."
    counts = learnable(project, log, rows)
    used = [label.name for label in log.labels if counts[label.id]]
    if used:
        return f"{what} needs at least two labels to tell apart; so far there is {used[0]!r} alone."
    return f"{what} needs at least two labels with a few texts each; so far nothing is labelled."


def rows_to_learn(log: LabelLog, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that have a label, and so many of those that have none, among those of the mask `present`."""
    known = log.known
    labelled, others = np.flatnonzero(present & known), np.flatnonzero(present & ~known)
    if len(others) > TUNER_UNLABELLED_ROWS:
        others = np.random.default_rng(0).choice(others, TUNER_UNLABELLED_ROWS, replace=False)
    return labelled, others
