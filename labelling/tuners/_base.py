"""What the tuners share: labels in, two rounds of training, predictions, saving."""

from __future__ import annotations

import os
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from labelling.tuners._saving import load_tuner, save_tuner
from labelling.tuners._training import Callback, Progress, class_cores, held_out_rows, known_labels, minimise

if TYPE_CHECKING:
    import torch

    from labelling.tuners._training import Weights

# In the second round the surer part of each predicted class joins the labelled rows, at half their weight,
# as far as its rows look like the labelled ones.
SURE_FRACTION = 0.6
SURE_WEIGHT = 0.5
# A sample this large says as much about the shape of the classes as a million rows would.
MAX_UNLABELLED = 20_000
CHUNK_ROWS = 16_384


class BaseTuner(ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator):
    """Base class of the tuners; a subclass says what its network, its loss and its output are."""

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "hidden_dim": [Interval(Integral, 1, None, closed="left")],
        "keep": [Interval(Real, 0, 1, closed="both")],
        "steps": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def _initial_weights(self, n_features: int, n_classes: int, generator: torch.Generator) -> Weights:
        raise NotImplementedError

    def _loss(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def _finish(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> Weights:
        """Add what is computed from the labelled rows rather than trained, after each round."""
        raise NotImplementedError

    def _logits(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def _tuned(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def fit(self, X: Any, y: Any, callback: Callback | None = None) -> Self:
        """Fit on labelled rows, and on unlabelled ones where they are handed in.

        Parameters
        ----------
        X : array-like (n_rows, n_features), embeddings. Each row is scaled to unit length.
        y : array-like (n_rows,), text or numbers. None, NaN and, among numbers, -1 mark an unlabelled row.
            The surest predictions for such rows are learnt from in a second round.
        callback : called about a hundred times as `callback(step, n_steps, loss, held_out_loss)`; the last
            one is None where the labels are too few for a held-out split. Returning False ends the fit: the
            tuner then holds its best state so far, and can be used.

        Raises
        ------
        ValueError : fewer than two labels; NaN or infinity in `X`; lengths that differ; a parameter out of
            range.
        """
        import torch  # noqa: F401, before its threads are limited
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        self._validate_params()
        X = validate_data(self, X, dtype=np.float32, **({"y": None} if y is None else {}))
        check_consistent_length(X, y)
        known, labels = known_labels(y)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            got = f"one class: {self.classes_.tolist()[0]!r}" if len(self.classes_) else "none"
            raise ValueError(f"{type(self).__name__} needs at least two labels, got {got}")

        # On one thread: the matrices are small, and threads that wait for each other on a busy machine made a fit
        # of half a second last twenty.
        with threadpool_limits(1):
            self._fit(X, known, codes, callback)
        return self

    def _fit(self, X: np.ndarray, known: np.ndarray, codes: np.ndarray, callback: Callback | None) -> None:
        import torch
        from sklearn.preprocessing import normalize

        rng = check_random_state(self.random_state)
        generator = torch.Generator().manual_seed(int(rng.randint(2**31 - 1)))
        unlabelled = rng.permutation(np.flatnonzero(~known))[:MAX_UNLABELLED]
        x = torch.from_numpy(normalize(X[known]))
        more = torch.from_numpy(normalize(X[unlabelled])) if len(unlabelled) else x[:0]
        targets = torch.from_numpy(codes)
        held = torch.from_numpy(held_out_rows(codes, rng))
        held_out = (x[held], targets[held]) if held.any() else None

        n_rounds = 2 if len(more) and self.steps > 1 else 1
        progress = Progress(self.steps, callback)
        rows, row_codes, row_weight = x[~held], targets[~held], torch.ones(int((~held).sum()))
        for round_number in range(n_rounds):
            trained = minimise(
                self._loss,
                self._initial_weights(x.shape[1], len(self.classes_), generator),
                rows,
                row_codes,
                row_weight,
                held_out,
                n_steps=self.steps // n_rounds,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                generator=generator,
                progress=progress,
            )
            if progress.stopped and round_number > 0:
                break  # half a second round is worse than the whole first one
            with torch.no_grad():
                weights = self._finish(trained, x, targets)
                if progress.stopped or round_number + 1 == n_rounds:
                    break
                sure, sure_codes = self._sure_rows(weights, more, *class_cores(x.numpy(), codes))
            rows = torch.cat([rows, sure])
            row_codes = torch.cat([row_codes, sure_codes])
            row_weight = torch.cat([row_weight, torch.full((len(sure),), SURE_WEIGHT)])
        self.weights_ = {name: w.numpy() for name, w in weights.items()}
        self.loss_curve_ = progress.curve

    def _sure_rows(
        self, weights: Weights, x: torch.Tensor, means: np.ndarray, least: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows of x to learn from in the second round, and the class that each is taken for."""
        import torch

        confidence, codes = self._logits(weights, x).softmax(1).max(1)
        order = confidence.argsort(descending=True)
        by_class = [order[codes[order] == code] for code in range(len(least))]
        sure = torch.cat([rows[: int(len(rows) * SURE_FRACTION)] for rows in by_class])
        similarity = (x[sure] * torch.from_numpy(means)[codes[sure]]).sum(1)
        sure = sure[similarity >= torch.from_numpy(least)[codes[sure]]]
        return x[sure], codes[sure]

    def _apply(self, function: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Run `function(weights, x)` over chunks of X; return its result and the unit-length X, float32."""
        import torch
        from sklearn.preprocessing import normalize

        check_is_fitted(self)
        X = normalize(validate_data(self, X, dtype=np.float32, reset=False))
        weights = {name: torch.from_numpy(w) for name, w in self.weights_.items()}
        with torch.no_grad():
            parts = [function(weights, chunk) for chunk in torch.from_numpy(X).split(CHUNK_ROWS)]
        return torch.cat(parts).numpy(), X

    def transform(self, X: Any) -> np.ndarray:
        """Return the new space, float32 (n_rows, n_features_out): the tuned part beside the original one.

        Squared distances are `(1 - keep)` times those of the tuned part plus `keep` times those between the
        unit-length originals.
        """
        tuned, X = self._apply(self._tuned, X)
        return np.hstack([np.float32((1 - self.keep) ** 0.5) * tuned, np.float32(self.keep**0.5) * X])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each of `classes_`, float32 (n_rows, n_classes)."""
        return self._apply(lambda weights, x: self._logits(weights, x).softmax(1), X)[0]

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest of `classes_` for each row."""
        probabilities = self.predict_proba(X)  # first, so that an unfitted tuner says so
        return self.classes_[probabilities.argmax(axis=1)]

    @property
    def _n_features_out(self) -> int:
        return self.n_features_in_ + self._tuned_dim()

    def _tuned_dim(self) -> int:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted tuner to a safetensors file, with parameters and classes as JSON in its metadata.

        A `random_state` that is no number is saved as None.
        """
        check_is_fitted(self)
        save_tuner(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a tuner that `save` wrote; ValueError where the file holds something else."""
        return load_tuner(cls, Path(path))
