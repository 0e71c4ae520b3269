"""A tuner that learns to tell the labels apart and lays them out for a flat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelling.tuners._base import BaseTuner

if TYPE_CHECKING:
    import torch

    from labelling.tuners._training import Weights

LABEL_SMOOTHING = 0.1
# Mean confidence on the labelled rows in the new space, whatever the network's own: surer, and rows of classes
# that have no label yet are drawn into those that have; less sure, and the classes run into each other.
MEAN_CONFIDENCE = 0.95


class FeedForwardTuner(BaseTuner):
    """A classifier with one hidden layer whose probabilities become part of the space.

    Each class gets a place on a ring (two columns, similar classes side by side, as in RadViz: Hoffman et al.
    1997, "DNA visual and analytic data mining") and an axis of its own. A row stands at the mean of its
    classes' places, weighted by their probabilities, so that sure rows are at the rim and doubtful ones, and
    those of classes that nobody has labelled yet, in the middle. The unit-length original is set beside it.
    PCA to two dimensions then shows the ring, even with many classes.

    Parameters
    ----------
    hidden_dim : width of the hidden GELU layer.
    keep : 0 to 1, how much of the original geometry stays; 0 is the tuned part alone, 1 the original alone.
    steps : the most batches to train on, whatever the number of rows.
    learning_rate, weight_decay : of AdamW.
    random_state : int, RandomState instance or None.

    Attributes
    ----------
    classes_ : sorted labels (n_classes,).
    weights_ : dict of float32 arrays.
    loss_curve_ : list of float, the mean training loss between two reports.
    n_features_in_ : int.

    `transform` gives 2 + n_classes + n_features columns.
    """

    def __init__(
        self,
        hidden_dim: int = 128,
        keep: float = 0.65,
        steps: int = 300,
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_dim = hidden_dim
        self.keep = keep
        self.steps = steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state

    def _initial_weights(self, n_features: int, n_classes: int, generator: torch.Generator) -> Weights:
        import torch

        return {
            "hidden_weight": 0.05 * torch.randn(n_features, self.hidden_dim, generator=generator),
            "hidden_bias": torch.zeros(self.hidden_dim),
            "out_weight": 0.1 * torch.randn(self.hidden_dim, n_classes, generator=generator) / self.hidden_dim**0.5,
            "out_bias": torch.zeros(n_classes),
        }

    def _logits(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import gelu

        hidden = gelu(x @ weights["hidden_weight"] + weights["hidden_bias"])
        return hidden @ weights["out_weight"] + weights["out_bias"]

    def _loss(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(self._logits(weights, x), codes, label_smoothing=LABEL_SMOOTHING)

    def _finish(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> Weights:
        import torch

        means = np.stack([x[codes == code].mean(0).numpy() for code in range(len(self.classes_))])
        temperature = torch.tensor([temperature_for(self._logits(weights, x))])
        return {**weights, "places": torch.from_numpy(class_places(means)), "temperature": temperature}

    def _tuned(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        return (self._logits(weights, x) / weights["temperature"]).softmax(1) @ weights["places"]

    def _tuned_dim(self) -> int:
        return 2 + len(self.classes_)


def class_places(means: np.ndarray) -> np.ndarray:
    """Places of unit length for classes with these means: a ring, and half as far out on an axis each.

    Parameters: `means` (n_classes, n_features). Returns: float32 (n_classes, 2 + n_classes).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    order = leaves_list(linkage(means, "average", optimal_ordering=True))
    angle = np.empty(len(means))
    angle[order] = 2 * np.pi * np.arange(len(means)) / len(means)
    # The ring must outweigh the axes, or PCA finds these instead; the axes keep neighbours on the ring apart.
    places = np.column_stack([np.cos(angle), np.sin(angle), 0.5 * np.eye(len(means))])
    return (places / np.sqrt(1.25)).astype(np.float32)


def temperature_for(logits: torch.Tensor) -> float:
    """The temperature at which the mean largest probability is MEAN_CONFIDENCE, by bisection."""
    low, high = 1e-3, 1e3
    for _ in range(40):
        middle = (low * high) ** 0.5
        if (logits / middle).softmax(1).amax(1).mean() > MEAN_CONFIDENCE:
            low = middle
        else:
            high = middle
    return middle
