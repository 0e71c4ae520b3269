"""A store and a project of a part of it, with labels and a tuner that has learnt them."""

from pathlib import Path
from typing import Any

import numpy as np

from labelling.encoders import Encoder
from labelling.encoders.registry import encoder_for
from labelling.learning.tuners import FeedForwardTuner
from labelling.store.sampling import at_random
from labelling.store.store import Store
from labelling.tasks.sample import sample_project
from labelling.tasks.tune import fit
from labelling.workspace import Project, Workspace
from tests.store.helpers import embed_here, save_texts


def make_store(folder: Path, model: Path, n_rows: int = 400, **how: Any) -> Store:
    """Of two files."""
    files = [folder / "a.csv", folder / "b.csv"]
    for seed, path in enumerate(files):
        save_texts(path, n_rows // 2, seed)
    given: dict[str, Any] = {"text": "message", "encoder": {"model": str(model)}, "shard_rows": 64, **how}
    return embed_here([str(path) for path in files], folder / "store", **given)


def encoder_of(store: Store) -> Encoder:
    return encoder_for(store.manifest.encoder, Path())


def label_by_words(project: Project, words: tuple[str, ...] = ("card", "refund", "money")) -> None:
    """A label for what holds a word, each text one."""
    log, taken = project.open_log(), np.zeros(project.n_rows, bool)
    for word in words:
        rows = np.flatnonzero([word in text for text in project.dataset.texts])
        log.assign(rows[~taken[rows]], word)
        taken[rows] = True


def learnt(workspace: Workspace, store: Store, n: int = 120) -> Project:
    project = sample_project(workspace, store, at_random(store, n), "sample", encoder_of(store))
    label_by_words(project)
    space = fit(project, project.open_log(), FeedForwardTuner(steps=100, random_state=0), "tuned")
    project.keep_space(space.id)
    return workspace.open(project.id)
