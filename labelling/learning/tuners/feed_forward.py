"""A tuner that learns to tell the labels apart and lays them out for a flat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from labelling.learning.parameters import Allowed
from labelling.learning.tuners._base import BaseTuner
from labelling.learning.tuners._layers import DenseLayer

if TYPE_CHECKING:
    import torch

    from labelling.learning.optimise import Weights
    from labelling.learning.targets import Targets

LABEL_SMOOTHING = 0.1
# Mean confidence on the labelled rows in the new space, whatever the network's own, is 1 - DOUBT / n_classes, at least
# MIN_CONFIDENCE. With few classes the doubtful rows must stay between them, or UMAP mixes what it kept apart before;
# with many, the doubt that is left for each would draw all of them to the middle of the map.
DOUBT = 0.6
MIN_CONFIDENCE = 0.85
# Of rows that may bear several labels, most bear one or none and stand inside: their ring is wider.
SEVERAL_CONFIDENCE = 0.95
MULTI_LABEL_SCALE = 1.6
MIN_TEMPERATURE = 0.25  # a network that has learnt nothing yet must not look sure
# Up to so many classes stand on a ring; more fill a disc, where each has more room than on the rim.
MAX_ON_RING = 8
DISC_SCALE = 1.3
AXIS = 0.5  # how far out on its own axis a class is; the flat places must outweigh it, or PCA finds the axes instead


class FeedForwardTuner(BaseTuner):
    """A classifier with one hidden layer whose probabilities become part of the space.

    Each class gets a place on the plane (two columns, similar classes side by side: a ring, as in RadViz: Hoffman et
    al. 1997, "DNA visual and analytic data mining"; a disc, where they are many) and an axis of its own. A row stands
    at the mean of its classes' places, weighted by their probabilities, so that sure rows are at their class's place
    and doubtful ones, and those of classes that nobody has labelled yet, in between. The unit-length original is set
    beside it. PCA to two dimensions then shows the plane, even with many classes.

    Parameters
    ----------
    hidden_dim : width of the hidden GELU layer.
    keep : 0 to 1, how much of the original geometry stays; 0 is the tuned part alone, 1 the original alone.
    steps : the most batches to train on. "auto": 160, and with thousands of labels up to 800.
    learning_rate, weight_decay : of AdamW.
    class_weight : "balanced", each class is drawn as often as any other; None, as often as it has rows; or a dict, the
        weight of a row of each class.
    output : what `transform` gives: "space", or "hidden", the hidden layer (n_rows, hidden_dim) alone.
    random_state : int, RandomState instance or None.

    Attributes
    ----------
    classes_ : sorted labels (n_classes,).
    weights_ : dict of float32 arrays.
    loss_curve_ : list of float, the mean training loss between two reports.
    n_features_in_ : int.

    `transform` gives 2 + n_classes + n_features columns.
    """

    _allowed: ClassVar[dict[str, Allowed]] = {
        **BaseTuner._allowed,
        "output": ("space", "hidden"),
    }

    def __init__(
        self,
        hidden_dim: int = 128,
        keep: float = 0.65,
        steps: int | str = "auto",
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
        class_weight: dict[Any, float] | str | None = "balanced",
        output: str = "space",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_dim = hidden_dim
        self.keep = keep
        self.steps = steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.output = output
        self.random_state = random_state

    def _initial_weights(self, n_features: int, n_classes: int, generator: torch.Generator) -> Weights:
        import torch

        return {
            "hidden_weight": 0.05 * torch.randn(n_features, self.hidden_dim, generator=generator),
            "hidden_bias": torch.zeros(self.hidden_dim),
            "out_weight": 0.1 * torch.randn(self.hidden_dim, n_classes, generator=generator) / self.hidden_dim**0.5,
            "out_bias": torch.zeros(n_classes),
        }

    def _grown(self, weights: Weights, places: torch.Tensor, n_classes: int) -> Weights:
        import torch

        out_weight, out_bias = torch.zeros(self.hidden_dim, n_classes), torch.zeros(n_classes)
        out_weight[:, places], out_bias[places] = weights["out_weight"], weights["out_bias"]
        return {**weights, "out_weight": out_weight, "out_bias": out_bias}

    def _hidden(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import gelu

        return gelu(x @ weights["hidden_weight"] + weights["hidden_bias"])

    def _logits(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        return self._hidden(weights, x) @ weights["out_weight"] + weights["out_bias"]

    def _loss(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

        logits = self._logits(weights, x)
        if codes.ndim == 1:
            return cross_entropy(logits, codes, label_smoothing=LABEL_SMOOTHING)
        known = codes >= 0
        smooth = codes[known] * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / 2
        return binary_cross_entropy_with_logits(logits[known], smooth)

    def _layout(self, x: torch.Tensor, targets: Targets) -> Weights:
        import torch

        means = np.zeros((len(targets.classes), x.shape[1]), np.float32)
        for place in range(len(means)):
            rows = targets.codes[:, place] == 1 if targets.multi_label else targets.codes == place
            if rows.any():
                means[place] = x.numpy()[rows].mean(axis=0)
        return {"places": torch.from_numpy(class_places(means)) * (MULTI_LABEL_SCALE if targets.multi_label else 1)}

    def _finish(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> Weights:
        import torch

        confidence = SEVERAL_CONFIDENCE if self.multi_label_ else max(MIN_CONFIDENCE, 1 - DOUBT / len(self.classes_))
        temperature = temperature_for(self._logits(weights, x), confidence, self.multi_label_) if len(x) else 1.0
        return {**weights, "temperature": torch.tensor([temperature])}

    def _tuned(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        logits = self._logits(weights, x) / weights["temperature"]
        if not self.multi_label_:
            return logits.softmax(1) @ weights["places"]
        yes = logits.sigmoid()
        return yes @ weights["places"] / yes.sum(1, keepdim=True).clamp(min=1)  # a row with no label is in the middle

    def transform(self, X: Any) -> np.ndarray:
        """Return the new space, float32 (n_rows, n_features_out), or the hidden layer alone, as `output` says.

        Squared distances in the space are `(1 - keep)` times those of the tuned part plus `keep` times those between
        the unit-length originals.
        """
        return super().transform(X) if self.output == "space" else self._apply(self._hidden, X)[0]

    def dense_layers(self) -> list[DenseLayer]:
        check_is_fitted(self)
        weights = self.weights_
        return [
            DenseLayer(weights["hidden_weight"], weights["hidden_bias"], "gelu"),
            DenseLayer(weights["out_weight"], weights["out_bias"]),
        ]

    @property
    def _n_features_out(self) -> int:
        return super()._n_features_out if self.output == "space" else self.hidden_dim

    def _tuned_dim(self) -> int:
        return 2 + len(self.classes_)


def class_places(means: np.ndarray) -> np.ndarray:
    """Places for classes with these means: on a ring or in a disc, and on an axis each.

    Parameters: `means` (n_classes, n_features). Returns: float32 (n_classes, 2 + n_classes), of length 1 on the ring.
    """
    flat = _ring(means) if len(means) <= MAX_ON_RING else DISC_SCALE * _disc(means)
    return (np.column_stack([flat, AXIS * np.eye(len(means))]) / (1 + AXIS**2) ** 0.5).astype(np.float32)


def _ring(means: np.ndarray) -> np.ndarray:
    from scipy.cluster.hierarchy import leaves_list, linkage

    order = leaves_list(linkage(means, "average", optimal_ordering=True)) if len(means) > 1 else [0]
    angle = np.empty(len(means))
    angle[order] = 2 * np.pi * np.arange(len(means)) / len(means)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _disc(means: np.ndarray) -> np.ndarray:
    """Evenly spread places, as of a sunflower's seeds (Vogel 1979), root mean square distance from the middle 1, given
    to the classes so that they are as near as can be to where the PCA of the means has them.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist
    from sklearn.decomposition import PCA

    seed = np.arange(len(means)) + 0.5
    radius, angle = np.sqrt(2 * seed / len(means)), seed * np.pi * (1 + 5**0.5)
    places = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    flat = PCA(2, svd_solver="full").fit_transform(means)
    flat /= max(np.sqrt((flat**2).sum(axis=1).mean()), 1e-9)
    return places[linear_sum_assignment(cdist(flat, places, "sqeuclidean"))[1]]


def temperature_for(logits: torch.Tensor, confidence: float, multi_label: bool = False) -> float:
    """The temperature at which the mean probability of the likelier answer is `confidence`, by bisection."""
    import torch

    if multi_label:
        logits = torch.stack([logits.flatten(), torch.zeros(logits.numel())], dim=1)
    low, high = MIN_TEMPERATURE, 1e3
    for _ in range(40):
        middle = (low * high) ** 0.5
        if (logits / middle).softmax(1).amax(1).mean() > confidence:
            low = middle
        else:
            high = middle
    return middle
