"""Train a classifier on a project's labelled texts, and keep what it makes of all of them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelling.errors import StepError
from labelling.labels.label import UNLABELLED
from labelling.tasks.learnable import can_learn, what_is_needed
from labelling.tasks.maps import save_embeddings
from labelling.tasks.workbench import Workbench
from labelling.workspace import Space
from labelling.workspace.spaces import CLASSIFIER, CLASSIFIER_FOLDER

OnBatch = Callable[[int, int], bool | None]


def classify(
    bench: Workbench,
    classifier: Any,
    name: str,
    settings: Mapping[str, Any],
    callback: Callable[..., bool | None] | None = None,
    on_batch: OnBatch | None = None,
    state_file: Path | None = None,
) -> Space | None:
    """Train `classifier` on the labelled texts, or take one that is pretrained; what it makes is a candidate space.

    Its hidden states are the space, and what it guesses for each text is kept with it: see `Space.suggestions`.
    None where `callback` ended the training: `state_file` holds how far it was. `settings` are stored with the
    space. Raises StepError where fewer than two labels have a text.
    """
    project, log = bench.project, bench.log
    log.refresh()
    if log.multi_label:
        raise StepError("A classifier takes one label a text: this project has yes, no and unknown for each.")
    settings = {**settings, "seq": log.seq}
    texts, empty = project.dataset.texts, project.dataset.empty
    if not getattr(classifier, "pretrained_", False):
        labelled = np.flatnonzero(~empty & (log.codes != UNLABELLED))
        if not can_learn(project, log, labelled):
            raise StepError(what_is_needed(project, log, labelled, "A classifier"))
        ended = False

        def note(step: int, n_steps: int, loss: float, held_out_loss: float | None) -> bool:
            nonlocal ended
            ended = callback is not None and callback(step, n_steps, loss, held_out_loss) is False
            return not ended

        classifier.cache = bench.cache
        names = log.names()
        classifier.fit([texts[row] for row in labelled], names[labelled], callback=note, state_file=state_file)
        if ended:
            return None
        counts = log.counts(labelled)
        used = {label.name: int(counts[label.id]) for label in log.labels if counts[label.id]}
        settings = {**settings, "labels": used, "n_truncated": getattr(classifier, "n_truncated_", 0)}
    classes = [str(label) for label in classifier.classes_]
    space = project.add_space(name, CLASSIFIER, {**settings, "classes": classes}, project.spaces()[0].id)
    try:
        classifier.save(space.folder / CLASSIFIER_FOLDER)
        _classify_all(bench, space, classifier, on_batch)
    except BaseException:
        project.discard_space(space.id)
        raise
    return space


def extend(bench: Workbench, space: Space) -> None:
    """Give the rows that were added, or all where they were lost, their place in a classifier's space."""
    from labelling.learning.classifiers import TransformerClassifier

    _classify_all(bench, space, TransformerClassifier.load(space.folder / CLASSIFIER_FOLDER))


def _classify_all(bench: Workbench, space: Space, classifier: Any, on_batch: OnBatch | None = None) -> None:
    """Save what the classifier makes of all texts: its guesses, its hidden states and their PCA."""
    classifier.cache = bench.cache
    dataset = bench.project.dataset
    filled = np.flatnonzero(~dataset.empty)
    texts = [dataset.texts[row] for row in filled]
    probabilities, hidden = classifier.predict_and_transform(texts, on_batch)
    codes, probability = np.full(len(dataset), -1), np.full(len(dataset), np.nan)
    codes[filled], probability[filled] = probabilities.argmax(axis=1), probabilities.max(axis=1)
    space.save_suggestions(codes, probability)
    embeddings = np.full((len(dataset), hidden.shape[1]), np.nan, np.float32)
    embeddings[filled] = hidden
    save_embeddings(bench.project, space, embeddings)
