"""A chance that is learnt from a few answers."""

from collections.abc import Sequence

import numpy as np

MEMORY = 0.97  # how much an answer counts, after one more


class Chance:
    """How likely something is, from what is known of it: 1 / (1 + exp(-x @ weights)). The last answers count most.

    `prior`, (n_features,): the weights before any answer. `spread`: by about how much each is off; 0 where it is not
    learnt.

    Attributes
    ----------
    answers : list of (features, how many were read, of how many it was so).
    """

    def __init__(self, prior: Sequence[float], spread: Sequence[float]) -> None:
        self._prior, self._spread = np.array(prior), np.array(spread)
        self.answers: list[tuple[Sequence[float], int, int]] = []
        self._weights: np.ndarray | None = self._prior
        self._first: list[tuple[Sequence[float], int, int]] = []

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """The chance of each of (n, n_features)."""
        return _chance(X, self.weights)

    def take(self, features: Sequence[float], n_read: int, n_so: int) -> None:
        """Learn from one answer."""
        self.answers.append((features, n_read, n_so))
        self._weights = None

    def begin_with(self, answers: list[tuple[Sequence[float], int, int]]) -> None:
        """Take these for the oldest answers, in place of those that were so before."""
        if answers != self._first:
            self._first, self._weights = answers, None

    @property
    def weights(self) -> np.ndarray:
        """The likeliest, float (n_features,), by Newton's method."""
        if self._weights is None:
            answers = self._first + self.answers
            X, read, so = (np.array(column, float) for column in zip(*answers, strict=True))
            age = MEMORY ** np.arange(len(X))[::-1]
            scaled, off = X * self._spread, np.zeros(len(self._prior))  # how far off, in spreads
            for _ in range(8):
                p = _chance(X, self._prior + off * self._spread)
                slope = (age * (so - read * p)) @ scaled - off
                bend = (age * read * p * (1 - p) * scaled.T) @ scaled + np.eye(len(off))
                off = off + np.clip(np.linalg.solve(bend, slope), -1, 1)
            self._weights = self._prior + off * self._spread
        return self._weights


def _chance(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    chance: np.ndarray = 1 / (1 + np.exp(-np.clip(X @ weights, -30, 30)))
    return chance
