"""Make a project of texts, add texts to one, open it to work on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labelling import readers
from labelling.database.engine import WorkspaceError
from labelling.dataset import Dataset
from labelling.encoders import EncoderError
from labelling.files import is_whole
from labelling.labels import LabelLog
from labelling.labels.label import check_imported_names, names_to_import
from labelling.readers import own_map
from labelling.workspace import Project, Workspace, save_array
from labelling.workspace.spaces import OWN_MAP


def create_project(
    workspace: Workspace,
    name: str,
    dataset: Dataset,
    settings: Mapping[str, Any],
    *,
    vectors: np.ndarray | None = None,
    label_values: pd.DataFrame | None = None,
    map_columns: tuple[str, str] | None = None,
    owner: str | None = None,
    who: str | None = None,
) -> Project:
    """A project in the workspace, its imported labels in the log, its texts still to be embedded.

    Parameters
    ----------
    settings : mapping
        The encoder's, as `encoders.registry.encoder_for` takes them.
    vectors : ndarray of float32, shape (n_rows, n_dims), optional
        The embeddings, where they were brought along.
    answers : DataFrame, optional
        A column a label, 1 yes, 0 no, NaN unknown, where the project is to be of yes, no and unknown for each label.
    map_columns : (str, str), optional
        The columns that are x and y of a map of one's own.
    owner, who : str, optional
        The account that is signed in, and the person who imports the labels.

    Raises
    ------
    CorralError
        The labels or the map can't be taken, or something can't be written: nothing is made then.
    """
    labels, people = _labels(dataset, label_values), _people(dataset, label_values)
    xy = None if map_columns is None else own_map.own_map(dataset, *map_columns)
    settings = settings if map_columns is None else {**settings, own_map.OF: list(map_columns)}
    project = workspace.create(name, dataset, settings, multi_label=label_values is not None, owner=owner)
    if xy is not None:
        project.spaces()[0].save_map(OWN_MAP, xy)
    if vectors is not None:
        save_array(vectors_file(project, len(vectors)), vectors)
    _import(project.open_log(who), labels, label_values, people)
    return project


def add_texts(
    project: Project,
    dataset: Dataset,
    *,
    vectors: np.ndarray | None = None,
    label_values: pd.DataFrame | None = None,
    who: str | None = None,
) -> None:
    """Add the texts, and their labels where a column holds some, to a project; see `create_project`.

    Raises CorralError where the labels or the vectors can't be taken; nothing is added then.
    """
    labels, people = _labels(dataset, label_values), _people(dataset, label_values)
    n_before = project.n_rows
    if label_values is not None and not project.multi_label:
        raise WorkspaceError(f"{project.name!r} has one label a text: yes and no for each label can't be added to it.")
    if vectors is not None:
        # Before the rows: whoever sees these finds their vectors.
        before = load_vectors(project, n_before)
        if vectors.shape[1] != before.shape[1]:
            raise EncoderError(
                f"the vectors of this project have {before.shape[1]} columns, those to be added {vectors.shape[1]}"
            )
        save_array(vectors_file(project, n_before + len(vectors)), np.concatenate([before, vectors]))
    project.append(dataset)
    original = project.spaces()[0]
    if columns := original.settings.get(own_map.OF):
        original.save_map(OWN_MAP, own_map.extended(project.dataset, *columns))

    def later(given: Any) -> Any:
        if isinstance(given, list):
            return [*[None] * n_before, *given] if given else given
        return given.set_axis(range(n_before, project.n_rows)).reindex(range(project.n_rows))

    theirs = {person: later(given) for person, given in people.items()}
    _import(project.open_log(who), later(labels), None if label_values is None else later(label_values), theirs)


def _labels(dataset: Dataset, label_values: pd.DataFrame | None) -> list[Any]:
    """The labels of the label column. Raises CorralError for any that can't be taken, before anything is made."""
    labels = [] if dataset.label_column is None else readers.read_labels(dataset.frame, dataset.label_column)
    names_to_import(labels)
    check_imported_names([] if label_values is None else list(label_values.columns))
    return labels


def _people(dataset: Dataset, label_values: pd.DataFrame | None) -> dict[str, Any]:
    """What each person said of the labels, where the table tells it. Raises CorralError before anything is made."""
    if label_values is not None:
        return readers.read_people(dataset.frame, None, label_values.columns)
    return {} if dataset.label_column is None else readers.read_people(dataset.frame, dataset.label_column)


def _import(log: LabelLog, labels: list[Any], label_values: pd.DataFrame | None, people: Mapping[str, Any]) -> None:
    if people:
        log.import_answers(people, labels if label_values is None else label_values)
    elif label_values is not None and len(label_values.columns):
        log.import_label_values(label_values)
    elif labels:
        log.import_labels(labels)


# ---------------------------------------------------------------- vectors of one's own


def vectors_file(project: Project, n_rows: int) -> Path:
    """Where the vectors lie that the person brought along: float32 (n_rows, n_dims), NaN in rows without text."""
    return project.folder / f"vectors-{n_rows}.npy"


def load_vectors(project: Project, n_rows: int) -> np.ndarray:
    """What `vectors_file` holds, memory-mapped. Raises EncoderError where it is not there, or not as it was written."""
    path = vectors_file(project, n_rows)
    if not path.exists():
        raise EncoderError(f"The vectors of {project.name!r} are not in its folder: make the project again.")
    if not is_whole(path):
        raise EncoderError(
            f"The vectors that were brought along for {project.name!r} are damaged: {path}. Put a copy of it back; its "
            "labels are in the database."
        )
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
