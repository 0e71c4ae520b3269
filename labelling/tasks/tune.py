"""Bend a project's map towards its labels."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from labelling.errors import StepError
from labelling.labels import LabelLog
from labelling.learning.registry import TUNERS, make_tuner
from labelling.tasks.learnable import can_learn, learnable, rows_to_learn, what_is_needed
from labelling.tasks.maps import save_embeddings
from labelling.workspace import Project, Space
from labelling.workspace.spaces import TUNER_FILE

Callback = Callable[..., bool | None]
ROWS_AT_ONCE = 65_536  # a million rows at once would hold everything twice


def tune(
    project: Project, log: LabelLog, kind: str, settings: Mapping[str, Any], callback: Callback | None = None
) -> Space:
    """Fit a tuner, by its class name, on what is labelled; the space that it makes is a candidate, with a name.

    `callback(step, n_steps, loss, held_out_loss)` is told of each step and ends it early by False: the best state so
    far is kept. Raises StepError where there are too few labels, or not all texts are embedded.
    """
    n_tuned = sum(space.kind != "encoder" for space in project.spaces())
    return fit(project, log, make_tuner(kind, settings), f"{TUNERS[kind].title} {n_tuned + 1}", callback)


def fit(project: Project, log: LabelLog, tuner: Any, name: str, callback: Callback | None = None) -> Space:
    """Fit `tuner` on what is labelled in the original space; what it makes is a candidate space. As `tune`."""
    parent = project.spaces()[0]
    if not parent.ready:
        raise StepError("The texts are still being embedded: tune when all are.")
    log.refresh()
    embeddings = parent.embeddings
    present = ~np.isnan(np.asarray(embeddings[:, 0]))
    labelled, others = rows_to_learn(log, present)
    counts = learnable(project, log, labelled)
    used = {label.name: int(counts[label.id]) for label in log.labels if counts[label.id]}
    if not can_learn(project, log, labelled):
        raise StepError(what_is_needed(project, log, labelled))
    rows = np.sort(np.concatenate([labelled, others]))
    known = log.frame()[list(used)].iloc[rows] if log.multi_label else log.names()[rows]
    tuner.fit(np.asarray(embeddings[rows]), known, callback=callback)
    tuned = _transform(tuner, embeddings, present)
    space = project.add_space(name, type(tuner).__name__, {**tuner.get_params(), "labels": used}, parent.id)
    try:
        space.folder.mkdir(parents=True, exist_ok=True)
        tuner.save(space.folder / TUNER_FILE)
        save_embeddings(project, space, tuned)  # last: it makes the space ready
    except BaseException:
        project.discard_space(space.id)
        raise
    return space


def extend(project: Project, space: Space, original: np.ndarray) -> None:
    """Give the rows that were added, or all where they were lost, their place in a tuned space."""
    from labelling.learning import tuners

    tuner = getattr(tuners, space.kind).load(space.folder / TUNER_FILE)
    new, before = ~np.isnan(original[:, 0]), space.saved_embeddings
    if before is None:  # lost: all of them are made anew
        tuned = _transform(tuner, original, new)
    else:
        new[: len(before)] = False
        tuned = np.full((len(original), before.shape[1]), np.nan, np.float32)
        tuned[: len(before)] = before
        if new.any():
            tuned[new] = _transform(tuner, original, new)[new]
    save_embeddings(project, space, tuned)


def _transform(tuner: Any, embeddings: np.ndarray, present: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(present)
    tuned: np.ndarray | None = None
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = tuner.transform(np.asarray(embeddings[rows[start : start + ROWS_AT_ONCE]]))
        if tuned is None:
            tuned = np.full((len(embeddings), part.shape[1]), np.nan, np.float32)
        tuned[rows[start : start + ROWS_AT_ONCE]] = part
    assert tuned is not None  # noqa: S101 - two labelled rows at the least
    return tuned
