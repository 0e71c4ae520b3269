"""What work on a project needs: of a person at the page, of a job in the background, of the command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelling.encoders import Encoder
from labelling.encoders.cache import EmbeddingCache
from labelling.encoders.precomputed import OwnVectors
from labelling.encoders.registry import OWN
from labelling.labels import LabelLog
from labelling.tasks.projects import load_vectors
from labelling.workspace import Project, Workspace

EncoderFor = Callable[[Mapping[str, Any]], Encoder]


@dataclass(frozen=True)
class Workbench:
    """A project with what is needed to work on it.

    `log` changes its labels for one person; `cache` is the workspace's; `encoder_for` makes, or finds, the encoder that
    a space's settings describe; `vectors` are the original space's embeddings where they were brought along, else None.
    """

    project: Project
    log: LabelLog
    cache: EmbeddingCache
    encoder_for: EncoderFor
    vectors: OwnVectors | None = None


def open_workbench(workspace: Workspace, project: Project, encoder_for: EncoderFor) -> Workbench:
    """For a job, which goes on when whoever started it has gone."""
    project = project.for_a_job()
    settings, vectors = project.spaces()[0].settings, None
    if settings.get("kind") == OWN:
        vectors = OwnVectors(settings["n_dims"], lambda: _of_the_texts(project))
    return Workbench(project, project.open_log(), workspace.cache_of(project.owner), encoder_for, vectors)


def _of_the_texts(project: Project) -> np.ndarray:
    """The vectors that were brought along, of the rows that have a text: float32 (n_texts, n_dims)."""
    vectors, empty = load_vectors(project, project.n_rows), project.dataset.empty
    return vectors[~empty] if empty.any() else vectors  # they may be large: no copy
