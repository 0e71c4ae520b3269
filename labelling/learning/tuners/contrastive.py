"""A tuner that draws rows of one label together, pushes others away, and keeps the rest apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from labelling.learning.tuners._base import BaseTuner
from labelling.learning.tuners._head import TEMPERATURE, head, initial_head
from labelling.learning.tuners._layers import DenseLayer

if TYPE_CHECKING:
    import torch

    from labelling.learning.optimise import Weights


class ContrastiveTuner(BaseTuner):
    """A residual head trained by the supervised contrastive loss.

    The head is `x + f(x)`, scaled to unit length, with one hidden GELU layer in f; the loss is L_out of
    Khosla et al. 2020, "Supervised contrastive learning" (arXiv:2004.11362), over pairs within a batch. The
    unit-length original is set beside it. As the head starts near the identity and has as many dimensions as
    its input, classes that nobody has labelled yet stay apart. With many classes PCA to two dimensions shows
    little of it: use UMAP there, or `FeedForwardTuner`.

    With yes / no / unknown for several labels, two rows are drawn together where both have yes for one label, and
    pushed away from each other where one has yes and the other no; a pair of which neither is known is left alone.

    Parameters
    ----------
    hidden_dim : width of the hidden GELU layer.
    keep : 0 to 1, how much of the original geometry stays; 0 is the tuned part alone, 1 the original alone.
    steps : the most batches to train on. "auto": 160, and with thousands of labels up to 800.
    learning_rate, weight_decay : of AdamW.
    class_weight : "balanced", each class is drawn as often as any other; None, as often as it has rows; or a dict, the
        weight of a row of each class.
    random_state : int, RandomState instance or None.

    Attributes
    ----------
    classes_ : sorted labels (n_classes,).
    weights_ : dict of float32 arrays.
    loss_curve_ : list of float, the mean training loss between two reports.
    n_features_in_ : int.

    `transform` gives 2 * n_features columns; `predict` gives the class with the nearest mean.
    """

    _min_batch = 64  # the loss is of the pairs within a batch

    def __init__(
        self,
        hidden_dim: int = 128,
        keep: float = 0.65,
        steps: int | str = "auto",
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
        class_weight: dict[Any, float] | str | None = "balanced",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_dim = hidden_dim
        self.keep = keep
        self.steps = steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.random_state = random_state

    def _initial_weights(self, n_features: int, n_classes: int, generator: torch.Generator) -> Weights:
        return initial_head(n_features, self.hidden_dim, generator)

    def _tuned(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        return head(weights, x)

    def _loss(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        import torch

        z = head(weights, x)
        itself = torch.eye(len(z), dtype=torch.bool)
        if codes.ndim == 1:
            positive = (codes[:, None] == codes) & ~itself
            left_out = itself
        else:
            yes, no = (codes == 1).float(), (codes == 0).float()
            positive = ((yes @ yes.T) > 0) & ~itself
            left_out = itself | ~(positive | ((yes @ no.T + no @ yes.T) > 0))
        similarity = (z @ z.T / TEMPERATURE).masked_fill(left_out, -1e9)
        log_probability = (similarity - similarity.logsumexp(1, keepdim=True)).masked_fill(left_out, 0)
        return -((log_probability * positive).sum(1) / positive.sum(1).clamp(min=1)).mean()

    def _finish(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> Weights:
        import torch

        z = head(weights, x)
        if codes.ndim == 1:
            return {**weights, "means": torch.stack([_mean(z[codes == place]) for place in range(len(self.classes_))])}
        means = [torch.stack([_mean(z[row == code]) for row in codes.T]) for code in (1, 0)]
        return {**weights, "means": means[0], "means_of_no": means[1]}

    def _logits(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        z = head(weights, x)
        if self.multi_label_:
            return z @ (weights["means"] - weights["means_of_no"]).T / TEMPERATURE
        no_rows_yet = ~weights["means"].any(1)
        return (z @ weights["means"].T / TEMPERATURE).masked_fill(no_rows_yet, -1e9)

    def dense_layers(self) -> list[DenseLayer]:
        check_is_fitted(self)
        weights, n = self.weights_, self.n_features_in_
        itself, nothing = np.eye(n, dtype=np.float32), np.zeros(2 * n, np.float32)
        # What goes past the hidden layer goes through it: gelu(x) - gelu(-x) is x.
        hidden = np.hstack([weights["hidden_weight"], itself, -itself])
        out = np.vstack([weights["out_weight"], itself, -itself])
        means, bias = weights["means"], np.where(weights["means"].any(axis=1), 0, -1e9)
        if self.multi_label_:
            means, bias = means - weights["means_of_no"], np.zeros(len(means))
        return [
            DenseLayer(hidden, np.concatenate([weights["hidden_bias"], nothing]), "gelu"),
            DenseLayer(out, weights["out_bias"], "unit"),
            DenseLayer(means.T / np.float32(TEMPERATURE), bias.astype(np.float32)),
        ]

    def _tuned_dim(self) -> int:
        return self.n_features_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # scikit-learn's checks score on two features. There unit-length rows lie on a circle, and a head that
        # moves points along it can't always bring the parts of a class together.
        tags.classifier_tags.poor_score = True
        return tags


def _mean(z: torch.Tensor) -> torch.Tensor:
    """The mean direction (d,), 0 where there is no row."""
    from torch.nn.functional import normalize

    return normalize(z.sum(0), dim=0)
