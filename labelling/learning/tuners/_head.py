"""The residual head of the contrastive tuner and learner."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from labelling.learning.optimise import Weights

TEMPERATURE = 0.1  # of cosine similarities, as in Khosla et al. 2020 (arXiv:2004.11362)


def initial_head(n_features: int, hidden_dim: int, generator: torch.Generator) -> Weights:
    """Near the identity, so that what nobody has labelled yet stays where it is."""
    import torch

    return {
        "hidden_weight": 0.05 * torch.randn(n_features, hidden_dim, generator=generator),
        "hidden_bias": torch.zeros(hidden_dim),
        "out_weight": 0.02 * torch.randn(hidden_dim, n_features, generator=generator),
        "out_bias": torch.zeros(n_features),
    }


def head(weights: Weights, x: torch.Tensor, side: str = "") -> torch.Tensor:
    """`x + f(x)` of unit length, f with one hidden GELU layer; `side` begins its weights' names."""
    from torch.nn.functional import gelu, normalize

    hidden = gelu(x @ weights[f"{side}hidden_weight"] + weights[f"{side}hidden_bias"])
    return normalize(x + hidden @ weights[f"{side}out_weight"] + weights[f"{side}out_bias"])
