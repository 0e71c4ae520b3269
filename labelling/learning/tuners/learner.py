"""A learner: pairs of embeddings in, a space out in which similar ones are near each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from labelling.learning.optimise import (
    MAX_BATCH,
    MAX_HELD_OUT,
    Callback,
    Progress,
    minimise_drawn,
    noisy,
    number_of_steps,
)
from labelling.learning.parameters import Allowed, Number, RandomState, check_parameters, whole
from labelling.learning.saving import SavedMixin
from labelling.learning.tuners._head import TEMPERATURE, head, initial_head

if TYPE_CHECKING:
    import torch

    from labelling.learning.optimise import Weights

MIN_PAIRS_TO_HOLD_OUT = 300
FIRST_BIAS = -5.0  # with the temperature, a pair at cosine 0.5 is a coin toss to begin with


class ContrastiveLearner(SavedMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A residual head trained on pairs: similar ones are drawn together, the others pushed apart.

    Pairs may come from anywhere: the same label (`make_pairs`), the same paragraph, a question and its answer, a text
    and its image. The loss is the pairwise logistic one of Zhai et al. 2023, "Sigmoid loss for language image
    pre-training" (arXiv:2303.15343). Where all pairs are similar ones, the other rows of a batch serve as the
    dissimilar ones, with the loss of van den Oord et al. 2018, "Representation learning with contrastive predictive
    coding" (arXiv:1807.03748), both ways.

    Parameters
    ----------
    hidden_dim : width of the hidden GELU layer.
    keep : 0 to 1, how much of the original geometry stays; 0 is the learnt part alone, 1 the original alone.
    shared : one head for both sides of a pair. With False each side has its own, for sides that differ in kind (texts
        and images); they may then differ in their number of features, too. Take `keep=0` where the two encoders
        have nothing in common.
    steps : the most batches to train on. "auto": 160, and with thousands of pairs up to 800.
    learning_rate, weight_decay : of AdamW.
    random_state : int, RandomState instance or None.

    Attributes
    ----------
    weights_ : dict of float32 arrays.
    loss_curve_ : list of float, the mean training loss between two reports.
    n_features_in_ : int, of the first side. n_features_right_ : int, of the second.
    """

    _allowed: ClassVar[dict[str, Allowed]] = {
        "hidden_dim": (whole(1),),
        "keep": (Number(0, 1),),
        "shared": (bool,),
        "steps": (whole(1), "auto"),
        "learning_rate": (Number(0, open="low"),),
        "weight_decay": (Number(0),),
        "random_state": (RandomState(),),
    }

    def __init__(
        self,
        hidden_dim: int = 128,
        keep: float = 0.5,
        shared: bool = True,
        steps: int | str = "auto",
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_dim = hidden_dim
        self.keep = keep
        self.shared = shared
        self.steps = steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state

    def fit(self, X1: Any, X2: Any, similar: Any, callback: Callback | None = None) -> Self:
        """Fit on pairs.

        Parameters
        ----------
        X1, X2 : array-like (n_pairs, n_features), the two sides of each pair. Each row is scaled to unit length.
        similar : array-like (n_pairs,), 1 or True where the two belong together, 0 or False where they do not.
        callback : as for `FeedForwardTuner.fit`.

        Raises
        ------
        ValueError : no similar pair; another value than 0 and 1; lengths or numbers of features that do not fit; NaN
            or infinity; a parameter out of range.
        """
        import torch
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        check_parameters(self)
        X1 = check_array(X1, dtype=np.float32, input_name="X1")
        X2 = check_array(X2, dtype=np.float32, input_name="X2")
        together = np.asarray(similar, dtype=object)
        check_consistent_length(X1, X2, together)
        wrong = ~((together == 0) | (together == 1))
        if together.ndim != 1 or wrong.any():
            got = f"shape {together.shape}" if together.ndim != 1 else repr(together[wrong][0])
            raise ValueError(f"similar must be 1 or 0 for each pair, got {got}")
        together = together.astype(np.float32)
        if not together.any():
            raise ValueError(f"{type(self).__name__} needs similar pairs, got {len(together)} dissimilar ones alone")
        if self.shared and X1.shape[1] != X2.shape[1]:
            raise ValueError(
                f"X1 has {X1.shape[1]} features and X2 {X2.shape[1]}: one head needs equal numbers, take shared=False"
            )
        self.n_features_in_, self.n_features_right_ = X1.shape[1], X2.shape[1]
        self.in_batch_ = bool(together.all())

        rng = check_random_state(self.random_state)
        with threadpool_limits(1):  # as for the tuners
            generator = torch.Generator().manual_seed(int(rng.randint(2**31 - 1)))
            x1, x2 = torch.from_numpy(self._padded(X1)), torch.from_numpy(self._padded(X2))
            y = torch.from_numpy(together)
            ids = torch.from_numpy(
                np.stack([_equal_rows(X1), _equal_rows(X2)]) if self.in_batch_ else np.zeros((2, len(y)))
            )
            held = np.zeros(len(y), bool)
            if len(y) >= MIN_PAIRS_TO_HOLD_OUT:
                held[rng.permutation(len(y))[: min(len(y) // 10, MAX_HELD_OUT)]] = True
            held &= together[held].any()  # without a similar pair the loss says nothing
            n_steps = number_of_steps(self.steps, len(y))
            progress = Progress(n_steps, callback)

            def hold(weights: Weights) -> None:
                self.weights_ = {name: w.numpy() for name, w in weights.items()}

            def loss_of(weights: Weights, rows: torch.Tensor) -> torch.Tensor:
                return self._loss(
                    weights, noisy(x1[rows], generator), noisy(x2[rows], generator), y[rows], ids[:, rows]
                )

            def held_out_loss(weights: Weights) -> torch.Tensor:
                return self._loss(weights, x1[held], x2[held], y[held], ids[:, held])

            # similar and dissimilar pairs are drawn equally often
            chance = np.where(together == 1, 1 / together.sum(), 1 / max((1 - together).sum(), 1))
            chance[held] = 0
            trained = minimise_drawn(
                self._initial_weights(x1.shape[1], generator),
                loss_of,
                torch.from_numpy(chance.astype(np.float32)),
                n_steps=n_steps,
                n_batch=MAX_BATCH,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                generator=generator,
                progress=progress,
                held_out_loss=held_out_loss if held.any() else None,
                hold=hold if callback else None,
            )
            hold(trained)
        self.loss_curve_ = progress.curve
        return self

    def _initial_weights(self, n_features: int, generator: torch.Generator) -> Weights:
        import torch

        weights = {"bias": torch.tensor(FIRST_BIAS)}
        for side in ("",) if self.shared else ("", "right_"):
            weights |= {f"{side}{name}": w for name, w in initial_head(n_features, self.hidden_dim, generator).items()}
        return weights

    def _loss(
        self, weights: Weights, x1: torch.Tensor, x2: torch.Tensor, similar: torch.Tensor, ids: torch.Tensor
    ) -> torch.Tensor:
        """`ids` (2, n): equal numbers for equal rows of a side."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

        z1, z2 = head(weights, x1), head(weights, x2, self._right)
        if self.in_batch_:
            itself = torch.arange(len(z1))
            # the same pair drawn twice, or another answer to the same question, is no dissimilar one
            equal = (ids[:, :, None] == ids[:, None]).any(0).fill_diagonal_(False)
            cosine = (z1 @ z2.T / TEMPERATURE).masked_fill(equal, -1e9)
            return (cross_entropy(cosine, itself) + cross_entropy(cosine.T, itself)) / 2
        return binary_cross_entropy_with_logits((z1 * z2).sum(1) / TEMPERATURE + weights["bias"], similar)

    @property
    def _right(self) -> str:
        return "" if self.shared else "right_"

    def _padded(self, X: np.ndarray) -> np.ndarray:
        """Unit-length rows, with zeros for the features that the other side has more: that changes no distance."""
        from sklearn.preprocessing import normalize

        width = max(self.n_features_in_, self.n_features_right_)
        return np.pad(normalize(X), ((0, 0), (0, width - X.shape[1])))

    def transform(self, X: Any, *, right: bool = False) -> np.ndarray:
        """Return the new space, float32 (n_rows, n_features_out): the learnt part beside the original one.

        Parameters: `X` array-like (n_rows, n_features), rows of the first side, or of the second with `right`. Rows
        have unit length, so that their products are cosine similarities.
        """
        import torch

        check_is_fitted(self)
        X = check_array(X, dtype=np.float32)
        expected = self.n_features_right_ if right else self.n_features_in_
        if X.shape[1] != expected:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting {expected} features as input"
            )
        X = self._padded(X)
        weights = {name: torch.from_numpy(w) for name, w in self.weights_.items()}
        with torch.no_grad():
            learnt = head(weights, torch.from_numpy(X), self._right if right else "").numpy()
        return np.hstack([np.float32((1 - self.keep) ** 0.5) * learnt, np.float32(self.keep**0.5) * X])

    def predict(self, X1: Any, X2: Any) -> np.ndarray:
        """Return the cosine similarity of each pair in the new space: float32 (n_pairs,)."""
        left = self.transform(X1)  # first, so that an unfitted learner says so
        check_consistent_length(X1, X2)
        return (left * self.transform(X2, right=True)).sum(axis=1)

    @property
    def _n_features_out(self) -> int:
        return 2 * max(self.n_features_in_, self.n_features_right_)


def _equal_rows(X: np.ndarray) -> np.ndarray:
    """A number for each row, the same for equal rows: int (n_rows,)."""
    return np.unique(X, axis=0, return_inverse=True)[1].reshape(-1)
