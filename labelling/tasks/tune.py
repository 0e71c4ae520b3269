"""Bend a project's map towards its labels, and keep what the tuner suggests for the other texts."""

from collections.abc import Callable, Iterator, Mapping
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
    """Fit `tuner` on what is labelled in the original space; what it makes is a candidate space. As `tune`.

    What it suggests for each text is kept with the space, see `Space.suggestions`: where the tuner has
    `suggest`, and not with yes, no and unknown.
    """
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
    settings = {**tuner.get_params(), "labels": used, "seq": log.seq}  # what is labelled from now on is news to it
    tuner.fit(np.asarray(embeddings[rows]), known, callback=callback)
    if not log.multi_label and hasattr(tuner, "suggest"):
        settings["classes"] = tuner.classes_.tolist()
    tuned = _transform(tuner, embeddings, present)
    space = project.add_space(name, type(tuner).__name__, settings, parent.id)
    try:
        space.folder.mkdir(parents=True, exist_ok=True)
        tuner.save(space.folder / TUNER_FILE)
        _suggest(tuner, space, embeddings, present)
        save_embeddings(project, space, tuned)  # last: it makes the space ready
    except BaseException:
        project.discard_space(space.id)
        raise
    return space


def extend(project: Project, space: Space, original: np.ndarray) -> None:
    """Give the rows that were added, or all where they were lost, their place in a tuned space, and a suggestion."""
    from labelling.learning import tuners

    tuner = getattr(tuners, space.kind).load(space.folder / TUNER_FILE)
    new, before = ~np.isnan(original[:, 0]), space.saved_embeddings
    _suggest(tuner, space, original, new)
    if before is None:  # lost: all of them are made anew
        tuned = _transform(tuner, original, new)
    else:
        new[: len(before)] = False
        tuned = np.full((len(original), before.shape[1]), np.nan, np.float32)
        tuned[: len(before)] = before
        if new.any():
            tuned[new] = _transform(tuner, original, new)[new]
    save_embeddings(project, space, tuned)


def _parts(present: np.ndarray) -> Iterator[np.ndarray]:
    rows = np.flatnonzero(present)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]


def _suggest(tuner: Any, space: Space, embeddings: np.ndarray, present: np.ndarray) -> None:
    if not space.suggests:
        return
    codes, sure = np.full(len(embeddings), -1), np.full(len(embeddings), np.nan)
    for rows in _parts(present):
        codes[rows], sure[rows] = tuner.suggest(np.asarray(embeddings[rows]))
    space.save_suggestions(codes, sure)


def _transform(tuner: Any, embeddings: np.ndarray, present: np.ndarray) -> np.ndarray:
    tuned: np.ndarray | None = None
    for rows in _parts(present):
        part = tuner.transform(np.asarray(embeddings[rows]))
        if tuned is None:
            tuned = np.full((len(embeddings), part.shape[1]), np.nan, np.float32)
        tuned[rows] = part
    assert tuned is not None  # noqa: S101 - two labelled rows at the least
    return tuned
