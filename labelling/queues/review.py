"""Queues of texts that are worth reading again: what each is given, and what it gives.

A queue is a function of `Records` that gives a `Review`; they are listed in `registry.REVIEWS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from labelling.errors import CorralError


class ReviewError(CorralError, ValueError):
    """What a queue is not given enough for; the message says what is missing."""


@dataclass(frozen=True)
class Records:
    """What is known of a project's texts.

    Attributes
    ----------
    codes : int (n_rows,), each row's label, -1 where it has none.
    actions : int (n_rows,), the action that gave it.
    names : the name of each label, by its code.
    text : gives the text of a row.
    embeddings : float (n_rows, n_dims), NaN for a row without a text; None while they are made.
    graph, distances : int (n_rows, k) and float (n_rows, k), the nearest other rows of each, -1 where there is none,
        and their distances; None while they are made.
    probability : float (n_rows,), how sure a model is of its best label; None where there is none.
    said : of the rows on which people differ, what each of them says.
    """

    codes: np.ndarray
    actions: np.ndarray
    names: Mapping[int, str]
    text: Callable[[int], str]
    embeddings: np.ndarray | None = None
    graph: np.ndarray | None = None
    distances: np.ndarray | None = None
    probability: np.ndarray | None = None
    said: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    def need_graph(self) -> tuple[np.ndarray, np.ndarray]:
        """Raises ReviewError while there is none."""
        if self.graph is None or self.distances is None:
            raise ReviewError("The nearest texts of each are not known yet: they come with the clear map.")
        return self.graph, self.distances

    def need_embeddings(self) -> np.ndarray:
        """Raises ReviewError while there are none."""
        if self.embeddings is None:
            raise ReviewError("The texts are still being embedded.")
        return self.embeddings

    def name(self, code: int) -> str:
        return self.names.get(code, "unlabelled")


@dataclass(frozen=True)
class Review:
    """Texts to read again.

    Attributes
    ----------
    scores : float32 (n_rows,), the higher the sooner it should be read; NaN for what is not in the queue.
    why : gives the reason for a row, in a few words.
    """

    scores: np.ndarray
    why: Callable[[int], str]

    @property
    def n(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.scores)))
