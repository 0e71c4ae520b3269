"""A project of forty texts, and what works on it, for tests of tasks and sessions."""

import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labelling.dataset import Dataset
from labelling.learning.tuners import FeedForwardTuner
from labelling.workspace import Project, Space, Workspace
from tests.worker import Worker

TOPICS = ("card payment refused shop", "refund money late shop", "password login account locked")
TEXTS = [f"{TOPICS[row % 3]} number{row % 7} {'please' if row % 2 else 'hello'} w{row}" for row in range(40)]
EMPTY = [5, 17]
for row in EMPTY:
    TEXTS[row] = "" if row == 5 else " \t "
TEXTS[8] = TEXTS[7]  # a duplicate
FILLED = np.setdiff1d(np.arange(40), EMPTY)


class WordEncoder:
    """The sum of a fixed random vector for each word; `seen` lists every text that was embedded."""

    n_dims = 12
    max_tokens = 6

    def __init__(self, name: str = "words", stop: threading.Event | None = None) -> None:
        self.fingerprint = name
        self.seen: list[str] = []
        self.stop = stop

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.seen += texts
        if self.stop:
            self.stop.set()
        return np.array([sum(self._vector(word) for word in text.split()) for text in texts], np.float32)

    def _vector(self, word: str) -> np.ndarray:
        return np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.n_dims)

    def count_truncated(self, texts: Sequence[str]) -> int:
        return sum(len(text.split()) > self.max_tokens for text in texts)


class FakeTuner:
    """Records what it was fitted on; doubles the first dimension; suggests by its sign."""

    def __init__(self, keep: float = 0.5) -> None:
        self.keep = keep

    def get_params(self) -> dict[str, Any]:
        return {"keep": self.keep}

    def fit(self, X: np.ndarray, y: np.ndarray, callback: Callable[..., bool | None] | None = None) -> "FakeTuner":
        self.X, self.y = X, y
        self.classes_ = np.unique([name for name in y if name is not None]) if y.ndim == 1 else None
        if callback:
            callback(1, 1, 0.5, None)
        return self

    def suggest(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (X[:, 0] > 0).astype(int), np.where(np.abs(X[:, 0]) > 1, 0.95, 0.6)

    def transform(self, X: np.ndarray) -> np.ndarray:
        assert np.isfinite(X).all()
        return np.column_stack([2 * X[:, 0], X]).astype(np.float32)

    def save(self, path: Path) -> None:
        path.write_bytes(b"tuner")


def make_dataset(texts: list[str] = TEXTS, **columns: Any) -> Dataset:
    return Dataset(pd.DataFrame({"text": pd.Series(texts, dtype="str"), **columns}), "text")


def new_session(workspace: Workspace, project: Project, encoder: WordEncoder | None = None) -> Worker:
    return Worker(workspace, workspace.open(project.id), lambda settings: encoder or WordEncoder())


def opened(workspace: Workspace, project: Project) -> Worker:
    """A session with its texts embedded and the PCA on show."""
    session = new_session(workspace, project)
    assert session.embed()
    assert session.map.look(session.project.current, "PCA")
    return session


def all_of(session: Worker) -> tuple[str, str, list[list[float]]]:
    """A box round the whole map."""
    assert session.map.view
    low, high = np.nanmin(session.map.view.xy) - 1, np.nanmax(session.map.view.xy) + 1
    return session.map.view.id, "box", [[low, low], [high, high]]


def select_rows(session: Worker, rows: Sequence[int], how: str = "new") -> None:
    """Select these rows, a tiny lasso each."""
    assert session.map.view
    for number, row in enumerate(rows):
        x, y = session.map.view.xy[row].astype(float)
        points = [[x - 1e-3, y - 1e-3], [x + 1e-3, y - 1e-3], [x + 1e-3, y + 1e-3], [x - 1e-3, y + 1e-3]]
        session.selection.draw(session.map.view.id, "lasso", points, how if number == 0 else "add")


class Process:
    """Stands for the child process that makes UMAPs."""

    def __init__(self, graph: np.ndarray | None = None, xy: np.ndarray | None = None) -> None:
        self.graph, self.xy = graph, xy
        self.asked: list[str] = []
        self.has_compiled = True

    def compiles_first(self, n_rows):
        return not self.has_compiled

    def neighbours(self, embeddings, *, on_progress, stop):
        self.asked.append("neighbours")
        return None if self.graph is None else (self.graph, self.graph.astype(np.float32))

    def fit_transform(self, embeddings, *, init, neighbours, on_progress, stop):
        self.asked.append("map")
        self.init, self.neighbours_given = init, neighbours
        return self.xy


GRAPH = ((np.arange(40)[:, None] + [1, 2, 3]) % 40).astype(np.int32)


MORE = [f"{TOPICS[row % 3]} another{row}" for row in range(7)]


def tuner_like(space: Space) -> FeedForwardTuner:
    return FeedForwardTuner(steps=5, random_state=0)


def label_in_lassos(session: Worker, n_lassos: int = 2) -> None:
    for topic, name in enumerate(("card", "refund", "password")):
        rows = [row for row in FILLED if row % 3 == topic][:6]
        for lasso in range(n_lassos):
            session.log.assign(rows[lasso::n_lassos], name)


class FakeClassifier:
    """Guesses the first label for texts of an even number of words, the second for the others."""

    pretrained_ = False

    def fit(self, texts: list[str], y: np.ndarray, callback: Callable[..., bool], state_file: Path | None) -> None:
        self.texts, self.y = texts, y
        self.classes_ = np.unique(y.astype(str))
        self.went_on = callback(1, 2, 0.5, None)

    def predict_and_transform(self, texts: list[str], on_batch: Any = None) -> tuple[np.ndarray, np.ndarray]:
        n_words = np.array([len(text.split()) for text in texts])
        odd = (n_words % 2)[:, None]
        sure = np.where(n_words > 3, 0.95, 0.6)[:, None]
        return np.hstack([np.where(odd, 1 - sure, sure), np.where(odd, sure, 1 - sure)]), WordEncoder().encode(texts)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "made").touch()
