"""How right suggestions are, told by labels that came from elsewhere before anybody has answered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from labelling.learning.graph import GraphClassifier
from labelling.queues.answers import logit

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAST = 40  # labels, of which a quarter is held out: fewer tell nothing
MOST = 400  # labels that are held out
Told = tuple[Sequence[float], int, int]  # features, how many were read, of how many it was so
GROUPS, WORTH = 5, 10  # each group of them is taken for so many texts that were read: answers soon tell more


class Known:
    """Of a space: its embeddings, `walk_matrix` and `order`, as `GraphClassifier.fit_smoothed` takes them."""

    def __init__(self, X: np.ndarray, steps: "csr_matrix", order: np.ndarray) -> None:
        self.X, self.steps, self.order = X, steps, order
        self._told: tuple[np.ndarray, list[Told]] = np.empty((2, 0), int), []

    def told(self, codes: np.ndarray, known: np.ndarray, novelty: float, random_state: int) -> list[Told]:
        """What is suggested for a quarter of the `known` rows, int (n,), where their labels are left out.

        Of the surer half of these, in groups: (1, the logit of their confidence), WORTH, and how many of WORTH are
        right. Nothing where there are fewer than LEAST. `codes`, int (n_rows,), are labels, -1 for none. It is worked
        out anew only where something else is known.
        """
        of = np.stack([known, codes[known]])
        if not np.array_equal(self._told[0], of):
            self._told = of, self._held_out(codes, known, novelty, random_state) if len(known) >= LEAST else []
        return self._told[1]

    def _held_out(self, codes: np.ndarray, known: np.ndarray, novelty: float, random_state: int) -> list[Told]:
        held = np.random.default_rng(random_state).permutation(known)[: min(len(known) // 4, MOST)]
        left = codes.copy()
        left[held] = -1
        classes, place = np.unique(left[left >= 0], return_inverse=True)
        if len(classes) < 2:
            return []
        left[left >= 0] = place
        model = GraphClassifier(rounds=0).fit_smoothed(self.X, self.steps, classes, left, self.order)
        sure = model.confidence(novelty)[held]
        right = classes[model.label_distributions_[held].argmax(axis=1)] == codes[held]
        surest = np.argsort(-sure, kind="stable")[: max(GROUPS, len(held) // 2)]
        return [
            ((1.0, float(logit(sure[group]).mean())), WORTH, round(WORTH * float(right[group].mean())))
            for group in np.array_split(surest, GROUPS)
        ]
