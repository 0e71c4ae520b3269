"""A space: a named version of the embeddings, and the arrays on disk that belong to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select

from labelling import files
from labelling.database.engine import WorkspaceError
from labelling.database.tables import spaces
from labelling.errors import StepError

CLASSIFIER = "TransformerClassifier"  # the kind of the spaces that a classifier made
OWN_MAP = "own"  # the name of the map of two uploaded columns, beside "PCA" and "UMAP"
TUNER_FILE, CLASSIFIER_FOLDER = "tuner.safetensors", "classifier"  # in a space's folder: what made it


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def save_array(path: Path, array: np.ndarray) -> None:
    """Write `array` as .npy so that `path` holds either all of it or what it held before."""
    try:
        files.save_array(path, array)
    except OSError as error:
        raise cannot_write(path, error) from error


def temporary_array(folder: Path, shape: tuple[int, int]) -> np.ndarray:
    """See `files.temporary_array`. Raises WorkspaceError where there is no room for it on the disk."""
    try:
        return files.temporary_array(folder, shape)
    except OSError as error:
        raise cannot_write(folder, error) from error


def cannot_write(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"{path} can't be written ({error.strerror or error}): free some disk space, or check that it may be written."
    )


@dataclass(frozen=True)
class Suggestions:
    """A model's likeliest label of each row: int32 (n_rows,), places in `classes`, -1 where a row has no text.

    `probability` is float32 (n_rows,): of a classifier; of a tuner times how near the labelled texts are.
    """

    classes: tuple[str, ...]
    codes: np.ndarray
    probability: np.ndarray

    def rows(self, label: str, at_least: float) -> np.ndarray:
        """The rows for which the label is suggested with at least this probability: int64, sorted."""
        return np.flatnonzero(self.sure(at_least) == self.classes.index(label))

    def sure(self, at_least: float) -> np.ndarray:
        """The codes of what is suggested with at least this probability, -1 elsewhere: int32 (n_rows,)."""
        return np.where(np.asarray(self.probability) >= at_least, self.codes, -1)


@dataclass(frozen=True)
class Space:
    """A named version of the embeddings, in a folder of its own.

    `kind` is "encoder" for what an encoder made, else the class name of the tuner that was fitted on space `parent`.
    `state` is "kept", or "candidate" where a tuner made it and the person has not yet chosen to keep it.
    """

    id: int
    name: str
    kind: str
    settings: Mapping[str, Any]
    parent: int | None
    created_at: str
    state: str
    folder: Path
    n_rows: int  # of the project; arrays of before texts were added hold fewer

    @property
    def ready(self) -> bool:
        """Whether all texts are embedded."""
        return self._holds_all("embeddings")

    def has_map(self, projection: str) -> bool:
        """Whether this projection has been made, of all texts."""
        return self._holds_all(projection)

    def _holds_all(self, name: str) -> bool:
        array = files.array_on_disk(self._path(name))
        return array is not None and array.ndim > 0 and len(array) == self.n_rows

    @property
    def embeddings(self) -> np.ndarray:
        """float32 (n_rows, n_dims), memory-mapped; NaN in the rows that have no text.

        Raises WorkspaceError where they are not there, or are damaged.
        """
        embeddings = self.saved_embeddings
        if embeddings is None:
            raise WorkspaceError(
                f"The embeddings of {self.name!r} are damaged or missing: they are made again when you open the page "
                "Label. No label was in them."
            )
        return embeddings

    @property
    def saved_embeddings(self) -> np.ndarray | None:
        """As `embeddings`, of fewer rows where texts were added since; None where they are not there, or damaged."""
        embeddings = files.load_array(self._path("embeddings"))
        return None if embeddings is None or embeddings.ndim != 2 else embeddings

    def save_embeddings(self, embeddings: np.ndarray) -> None:
        save_array(self._path("embeddings"), np.asarray(embeddings, np.float32))

    def map(self, projection: str) -> np.ndarray | None:
        """float32 (n_rows, 2), memory-mapped, None where this has not been made; NaN for texts added since."""
        xy = files.load_array(self._path(projection))
        if xy is None or xy.ndim != 2 or len(xy) > self.n_rows:
            return None
        if len(xy) == self.n_rows:
            return xy
        return np.pad(xy, ((0, self.n_rows - len(xy)), (0, 0)), constant_values=np.nan)

    def save_map(self, projection: str, xy: np.ndarray) -> None:
        save_array(self._path(projection), np.asarray(xy, np.float32))

    @property
    def neighbours(self) -> np.ndarray | None:
        """The k nearest other rows of each row, nearest first: int32 (n_rows, k), memory-mapped; None if not made."""
        graph = self.graph
        return None if graph is None else graph[0]

    def need_neighbours(self) -> np.ndarray:
        """`neighbours`. Raises StepError where they have not been made yet, or not all texts are embedded."""
        found = self.neighbours if self.ready else None
        if found is None:
            raise StepError(
                "Which texts are alike is known once the clear map is made: the page Label makes it, and so does "
                "`embed --umap`."
            )
        return found

    @property
    def graph(self) -> tuple[np.ndarray, np.ndarray] | None:
        """`neighbours` and their distances, float32 (n_rows, k), memory-mapped; None where they have not been made."""
        return self._both("neighbours", "distances")

    def _both(self, *names: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Two arrays of all rows; None where one of them is not there."""
        if not all(self._holds_all(name) for name in names):
            return None
        first, second = (files.load_array(self._path(name)) for name in names)
        return None if first is None or second is None else (first, second)

    @property
    def has_lost_its_graph(self) -> bool:
        """Whether its neighbour graph was damaged, and has not been made again."""
        return self.graph is None and any(self.folder.glob("[nd]*.npy.damaged-*"))

    def save_graph(self, neighbours: np.ndarray, distances: np.ndarray) -> None:
        save_array(self._path("distances"), np.asarray(distances, np.float32))
        save_array(self._path("neighbours"), np.asarray(neighbours, np.int32))

    @property
    def suggests(self) -> bool:
        """Whether what made it suggests labels, see `suggestions`."""
        return "classes" in self.settings

    @property
    def has_suggestions(self) -> bool:
        """Whether there are suggestions of all rows."""
        return self._holds_all("suggested") and self._holds_all("probability")

    @property
    def suggestions(self) -> Suggestions | None:
        """What the tuner or classifier that made it suggests for each row; None where there is none, or not of all."""
        found = self._both("suggested", "probability") if self.suggests else None
        return None if found is None else Suggestions(tuple(self.settings["classes"]), *found)

    def save_suggestions(self, codes: np.ndarray, probability: np.ndarray) -> None:
        save_array(self._path("suggested"), np.asarray(codes, np.int32))
        save_array(self._path("probability"), np.asarray(probability, np.float32))

    def _path(self, name: str) -> Path:
        # A map of one's own is not made of the embeddings: it is the same in all spaces.
        folder = self.folder.with_name("0") if name == OWN_MAP else self.folder
        return folder / f"{name}.npy"


def insert_space(
    connection: Connection,
    project_id: str,
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    parent: int | None,
    state: str,
    space_id: int | None = None,
    created_at: str | None = None,
) -> int:
    """Its id: the next one, where none is given."""
    last = connection.scalar(select(func.max(spaces.c.id)).where(spaces.c.project_id == project_id))
    if space_id is None:
        space_id = 0 if last is None else last + 1
    connection.execute(
        insert(spaces).values(
            project_id=project_id,
            id=space_id,
            name=name,
            kind=kind,
            settings=json.dumps(settings, default=str),  # a tuner's random_state may be a generator
            parent=parent,
            created_at=created_at or now(),
            state=state,
        )
    )
    return space_id
