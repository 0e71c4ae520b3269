"""A tuner that draws rows of one label together, pushes others away, and keeps the rest apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.tuners._base import BaseTuner

if TYPE_CHECKING:
    import torch

    from labelling.tuners._training import Weights

TEMPERATURE = 0.1  # of cosine similarities, as in Khosla et al.


class ContrastiveTuner(BaseTuner):
    """A residual head trained by the supervised contrastive loss.

    The head is `x + f(x)`, scaled to unit length, with one hidden GELU layer in f; the loss is L_out of
    Khosla et al. 2020, "Supervised contrastive learning" (arXiv:2004.11362), over pairs within a batch. The
    unit-length original is set beside it. As the head starts near the identity and has as many dimensions as
    its input, classes that nobody has labelled yet stay apart. With many classes PCA to two dimensions shows
    little of it: use UMAP there, or `FeedForwardTuner`.

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

    `transform` gives 2 * n_features columns; `predict` gives the class with the nearest mean.
    """

    def __init__(
        self,
        hidden_dim: int = 128,
        keep: float = 0.5,
        steps: int = 240,
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
            "out_weight": 0.02 * torch.randn(self.hidden_dim, n_features, generator=generator),
            "out_bias": torch.zeros(n_features),
        }

    def _tuned(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import gelu, normalize

        hidden = gelu(x @ weights["hidden_weight"] + weights["hidden_bias"])
        return normalize(x + hidden @ weights["out_weight"] + weights["out_bias"])

    def _loss(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        import torch

        z = self._tuned(weights, x)
        itself = torch.eye(len(z), dtype=torch.bool)
        similarity = (z @ z.T / TEMPERATURE).masked_fill(itself, -torch.inf)
        log_probability = (similarity - similarity.logsumexp(1, keepdim=True)).masked_fill(itself, 0)
        positive = (codes[:, None] == codes) & ~itself
        return -((log_probability * positive).sum(1) / positive.sum(1).clamp(min=1)).mean()

    def _finish(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> Weights:
        import torch
        from torch.nn.functional import normalize

        z = self._tuned(weights, x)
        means = torch.stack([z[codes == code].mean(0) for code in range(len(self.classes_))])
        return {**weights, "means": normalize(means)}

    def _logits(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        return self._tuned(weights, x) @ weights["means"].T / TEMPERATURE

    def _tuned_dim(self) -> int:
        return self.n_features_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # scikit-learn's checks score on two features. There unit-length rows lie on a circle, and a head that
        # moves points along it can't always bring the parts of a class together.
        tags.classifier_tags.poor_score = True
        return tags
