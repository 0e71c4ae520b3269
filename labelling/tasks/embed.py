"""Embed a project's texts, and put those that were added since into the spaces that were made of them."""

import threading
from collections.abc import Callable

import numpy as np

from labelling.tasks import classify, tune
from labelling.tasks.maps import save_embeddings
from labelling.tasks.workbench import Workbench
from labelling.workspace import Space
from labelling.workspace.spaces import CLASSIFIER_FOLDER, TUNER_FILE, temporary_array


def embed(
    bench: Workbench,
    on_batch: Callable[[np.ndarray, int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> bool:
    """Embed the texts with the original space's encoder, through the cache; True once all are there.

    Texts that were added since are put on the maps that there are, and into the tuned spaces.
    `on_batch(embeddings so far, n_done, n_total)` gets a float32 (n_rows, n_dims) array, memory-mapped, NaN where
    nothing is yet; counts are of rows that have a text. After `stop` the rest is taken up at the next call.
    """
    project = bench.project
    space, dataset = project.spaces()[0], project.dataset
    encoder = bench.encoder_for(space.settings)
    filled = np.flatnonzero(~dataset.empty)
    texts = [dataset.texts[row] for row in filled]
    so_far = temporary_array(space.folder, (len(dataset), encoder.n_dims))
    n_left = len(texts)

    def note(rows: np.ndarray, n_done: int, n_total: int) -> None:
        nonlocal n_left
        n_left = n_total - n_done
        if on_batch:
            on_batch(so_far, n_done, n_total)

    (bench.vectors or bench.cache).embed(encoder, texts, out=so_far, at=filled, on_batch=note, stop=stop)
    if n_left:
        return False
    n_truncated = encoder.count_truncated(texts)
    project.describe_space(space.id, n_truncated=n_truncated, max_tokens=encoder.max_tokens)
    save_embeddings(project, space, so_far)
    for later in filter(can_be_made, project.spaces()[1:]):
        if (later.folder / TUNER_FILE).exists():
            tune.extend(project, later, so_far)
        else:
            classify.extend(bench, later)
    return True


def can_be_made(space: Space) -> bool:
    """Whether the space lacks embeddings, its PCA or suggestions, of some rows or all, and what made it is there."""
    made_of = (space.folder / name for name in (TUNER_FILE, CLASSIFIER_FOLDER))
    whole = space.ready and space.map("PCA") is not None and (space.has_suggestions or not space.suggests)
    return not whole and (space.kind == "encoder" or any(path.exists() for path in made_of))
