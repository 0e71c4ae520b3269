"""What a tuned space is worth on held-out labels."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from labelling.labels import LabelLog
from labelling.learning import evaluation
from labelling.tasks.learnable import rows_to_learn
from labelling.workspace import Project, Space
from labelling.workspace.spaces import CLASSIFIER


def evaluate(
    project: Project,
    log: LabelLog,
    space: Space,
    tuner_for: Callable[[Space], Any],
    on_progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> evaluation.Evaluation | None:
    """What `space` is worth on held-out labels, compared with the space that the map shows, and with the original.

    It is kept with the space; None where `stop` ended it. `tuner_for` makes the unfitted tuner of a space.
    Raises TooFewLabels where nothing can be held out.
    """
    if log.multi_label:
        raise evaluation.TooFewLabels("Figures on held-out labels are made for projects with one label a text.")
    log.refresh()
    original = project.spaces()[0]
    embeddings = original.embeddings
    labelled, others = rows_to_learn(log, ~np.isnan(np.asarray(embeddings[:, 0])))
    # An import is no lasso: each of its rows was labelled on its own.
    groups = log.setters[labelled].astype(int)
    groups = np.where(log.imported()[labelled], -labelled - 1, groups)
    shown = project.current
    if shown.kind == CLASSIFIER:  # it was trained on what would be held out
        shown = original
    compared = {each.id: each for each in (original if shown.id == space.id else shown, original, space)}
    found = evaluation.evaluate(
        np.asarray(embeddings[labelled]),
        log.names()[labelled],
        groups,
        np.asarray(embeddings[others]),
        {str(key): None if key == original.id else tuner_for(each) for key, each in compared.items()},
        on_progress=on_progress,
        stop=stop,
    )
    if found is not None:
        kept = evaluation.neighbours_kept(np.asarray(embeddings[others]), np.asarray(space.embeddings[others]))
        found = replace(found, neighbours_kept=kept)
        project.describe_space(space.id, evaluation=found.to_dict())
    return found
