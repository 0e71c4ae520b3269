"""What the tuners share: two rounds of training, a stream of batches, predictions, saving."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from labelling.learning.memory import Memory
from labelling.learning.optimise import (
    Callback,
    Progress,
    batch_size,
    held_out_rows,
    minimise_drawn,
    noisy,
    number_of_steps,
)
from labelling.learning.parameters import Allowed, Number, RandomState, check_parameters, whole
from labelling.learning.saving import SavedMixin
from labelling.learning.support import support
from labelling.learning.targets import UNKNOWN, Targets, read_targets
from labelling.learning.tuners._layers import DenseLayer

if TYPE_CHECKING:
    import torch

    from labelling.learning.optimise import Weights

# In the second round the surer part of each predicted class joins the labelled rows, at half their weight,
# as far as its rows look like the labelled ones.
SURE_FRACTION = 0.6
SURE_WEIGHT = 0.5
FIRST_ROUND = 0.625  # its share of the steps
# A sample this large says as much about the shape of the classes as a million rows would.
MAX_UNLABELLED = 20_000
CHUNK_ROWS = 16_384


class BaseTuner(SavedMixin, ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator):
    """Base class of the tuners; a subclass says what its network, its loss and its output are."""

    _allowed: ClassVar[dict[str, Allowed]] = {
        "hidden_dim": (whole(1),),
        "keep": (Number(0, 1),),
        "steps": (whole(1), "auto"),
        "learning_rate": (Number(0, open="low"),),
        "weight_decay": (Number(0),),
        "class_weight": (dict, "balanced", None),
        "random_state": (RandomState(),),
    }

    _min_batch = 32

    # In the methods below `codes` are those of `Targets`: int (n,), or (n, n_classes) for yes / no / unknown.

    def _initial_weights(self, n_features: int, n_classes: int, generator: torch.Generator) -> Weights:
        raise NotImplementedError

    def _grown(self, weights: Weights, places: torch.Tensor, n_classes: int) -> Weights:
        """The weights once there are `n_classes`; `places` says where the old ones stand among these."""
        return weights

    def _loss(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def _layout(self, x: torch.Tensor, targets: Targets) -> Weights:
        """What is computed from the labelled rows once, before the training."""
        return {}

    def _finish(self, weights: Weights, x: torch.Tensor, codes: torch.Tensor) -> Weights:
        """Add what is computed from the labelled rows with the trained weights."""
        raise NotImplementedError

    def _logits(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def _tuned(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    # ---------------------------------------------------------------- fitting

    def fit(self, X: Any, y: Any, callback: Callback | None = None) -> Self:
        """Fit on labelled rows, and on unlabelled ones where they are handed in.

        Parameters
        ----------
        X : array-like (n_rows, n_features), embeddings. Each row is scaled to unit length.
        y : array-like (n_rows,), text or numbers, one label a row. None, NaN and, among numbers, -1 mark an unlabelled
            row; the surest predictions for such rows are learnt from in a second round. Or array-like
            (n_rows, n_labels) or DataFrame: 1 yes, 0 no, and None, NaN or -1 unknown, for each label on its own.
        callback : called about a hundred times as `callback(step, n_steps, loss, held_out_loss)`; the last
            one is None where the labels are too few for a held-out split. While it runs, the tuner can `transform`
            and `predict` as it is so far. Returning False ends the fit: the tuner then holds its best state so far.

        Raises
        ------
        ValueError : fewer than two labels; NaN or infinity in `X`; lengths that differ; a parameter out of
            range.
        """
        check_parameters(self)
        X = validate_data(self, X, dtype=np.float32, **({"y": None} if y is None else {}))
        check_consistent_length(X, y)
        targets = read_targets(y)
        known = targets.known
        if len(targets.classes) < 2 and not targets.multi_label:
            got = f"one class: {targets.classes.tolist()[0]!r}" if len(targets.classes) else "none"
            raise ValueError(f"{type(self).__name__} needs at least two labels, got {got}")
        if targets.multi_label:
            self._check_yes_and_no(targets)
        rng = check_random_state(self.random_state)
        unlabelled = rng.permutation(np.flatnonzero(~known))[:MAX_UNLABELLED]
        self._settle(targets)
        self._fit(_unit(X[known]), targets.take(known), _unit(X[unlabelled]), rng, callback)
        self.memory_ = Memory.of(_unit(X[known]), targets.take(known), rng)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Learn from one more batch of a stream, of any size; labels may be new.

        A sample of the labelled rows seen so far is kept and learnt from again with each batch, so that a stream
        sorted by label does not make it forget the earlier ones (Chaudhry et al. 2019, "On tiny episodic memories in
        continual learning", arXiv:1902.10486). Each call takes a quarter of `steps`. After a `fit` it
        goes on from there. The number of columns that `transform` gives may grow with the labels: name them all
        beforehand where that matters.

        Parameters
        ----------
        X, y : as for `fit`; one class is enough. Unlabelled rows are passed over.
        classes : array-like, labels that may come later, optional.
        """
        check_parameters(self)
        first = not hasattr(self, "classes_")
        X = validate_data(self, X, dtype=np.float32, reset=first)
        check_consistent_length(X, y)
        batch = read_targets(y)
        memory = Memory.of(_unit(X[:0]), batch.take(np.zeros(0, int)), None) if first else self.memory_
        if not first and batch.multi_label != memory.targets.multi_label:
            raise ValueError("one label a row, and yes / no / unknown for several, can't be mixed in one stream")
        rng = self._rng_after(memory.n_seen)
        known = batch.known
        old_classes = memory.targets.classes
        memory = memory.add(_unit(X[known]), batch.take(known), rng, classes)
        if not len(memory.targets.classes):
            raise ValueError(f"{type(self).__name__} needs a label, got none: name the labels to come as `classes`")
        weights = None
        if not first:
            import torch

            weights = {name: torch.from_numpy(self.weights_[name]) for name in self.trained_}
            places = torch.from_numpy(memory.places_of(old_classes))
            weights = self._grown(weights, places, len(memory.targets.classes))
        self._settle(memory.targets)
        self.memory_ = memory
        self._fit(memory.x, memory.targets, memory.x[:0], rng, None, weights)
        return self

    def _rng_after(self, n_seen: int) -> np.random.RandomState:
        # A number alone would draw the same for each batch.
        if isinstance(self.random_state, Integral):
            return np.random.RandomState([int(self.random_state), n_seen])
        return check_random_state(self.random_state)

    def _settle(self, targets: Targets) -> None:
        self.classes_ = targets.classes
        self.multi_label_ = targets.multi_label
        if isinstance(self.class_weight, dict):
            if self.multi_label_:
                raise ValueError(
                    "class_weight must be 'balanced' or None for yes / no / unknown, got weights for classes"
                )
            if missing := set(self.classes_.tolist()) - set(self.class_weight):
                raise ValueError(f"class_weight names no weight for {sorted(missing)[:5]}")

    @staticmethod
    def _check_yes_and_no(targets: Targets) -> None:
        for code, word in ((1, "yes"), (0, "no")):
            without = ~(targets.codes == code).any(axis=0)
            if without.any():
                name = targets.classes[without].tolist()[0]
                raise ValueError(f"each label needs a row with yes and one with no, {name!r} has no {word}")

    def _fit(
        self,
        rows: np.ndarray,
        targets: Targets,
        unlabelled: np.ndarray,
        rng: np.random.RandomState,
        callback: Callback | None,
        weights: Weights | None = None,
    ) -> None:
        import torch
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        # On one thread: the matrices are small, and threads that wait for each other on a busy machine made a fit
        # of half a second last twenty.
        with threadpool_limits(1):
            generator = torch.Generator().manual_seed(int(rng.randint(2**31 - 1)))
            x, more, codes = torch.from_numpy(rows), torch.from_numpy(unlabelled), torch.from_numpy(targets.codes)
            layout = self._layout(x, targets)
            n_steps = number_of_steps(self.steps, len(x))
            if weights is not None:
                n_steps = max(1, n_steps // 4)
            n_first = max(1, int(n_steps * FIRST_ROUND)) if len(more) and n_steps > 1 else n_steps
            held = held_out_rows(targets, rng)
            if weights is None:
                weights = self._initial_weights(x.shape[1], len(targets.classes), generator)
            self.trained_ = list(weights)
            progress = Progress(n_steps, callback)

            def hold(weights: Weights) -> None:
                with torch.no_grad():
                    finished = self._finish({**weights, **layout}, x, codes)
                self.weights_ = {name: w.numpy() for name, w in finished.items()}

            def train(
                weights: Weights, x: torch.Tensor, codes: torch.Tensor, weight: torch.Tensor, n_steps: int
            ) -> Weights:
                if not len(x):
                    return weights  # only the names of labels to come
                return minimise_drawn(
                    weights,
                    lambda weights, rows: self._loss(weights, noisy(x[rows], generator), codes[rows]),
                    weight * torch.from_numpy(self._draw(codes.numpy(), weight.numpy())),
                    n_steps=n_steps,
                    n_batch=batch_size(len(targets.classes), self._min_batch),
                    learning_rate=self.learning_rate,
                    weight_decay=self.weight_decay,
                    generator=generator,
                    progress=progress,
                    held_out_loss=held_out_loss if held.any() else None,
                    hold=hold if callback else None,
                )

            held_x, held_codes = x[held], codes[held]

            def held_out_loss(weights: Weights) -> torch.Tensor:
                return self._loss(weights, held_x, held_codes)

            weight = torch.ones(int((~held).sum()))
            weights = train(weights, x[~held], codes[~held], weight, n_first)
            if n_first < n_steps and not progress.stopped:
                with torch.no_grad():
                    sure, sure_codes = self._sure_rows(
                        self._finish({**weights, **layout}, x, codes), more.numpy(), x.numpy(), targets.codes
                    )
                weights = train(
                    weights,
                    torch.cat([x[~held], more[sure]]),
                    torch.cat([codes[~held], torch.from_numpy(sure_codes)]),
                    torch.cat([weight, torch.full((len(sure),), SURE_WEIGHT)]),
                    n_steps - n_first,
                )
            hold(weights)
        self.loss_curve_ = progress.curve

    def _draw(self, codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """How likely each row is drawn, as `class_weight` says: float32 (n,); `weight` counts within a class."""
        if self.class_weight is None:
            return np.ones(len(codes), np.float32)
        if codes.ndim == 1:
            if isinstance(self.class_weight, dict):
                by_class = np.array([self.class_weight[name] for name in self.classes_.tolist()])
            else:
                by_class = 1 / np.maximum(np.bincount(codes, weight, len(self.classes_)), 1e-9)
            return by_class[codes].astype(np.float32)
        share = np.zeros(len(codes))
        for code in (0, 1):
            is_code = codes == code
            share += (is_code / np.maximum(weight @ is_code, 1e-9)).sum(axis=1)
        return share.astype(np.float32)

    def _sure_rows(
        self, weights: Weights, more: np.ndarray, x: np.ndarray, codes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The unlabelled rows to learn from in the second round, and the codes that they are taken to have."""
        import torch

        probability = self._probabilities(weights, torch.from_numpy(more)).numpy()
        guessed = np.full((len(more), *codes.shape[1:]), UNKNOWN, codes.dtype)
        for place in range(len(self.classes_)):
            if codes.ndim == 1:
                rows = np.flatnonzero(probability.argmax(axis=1) == place)
                rows = _surest(rows, probability[rows, place])
                guessed[_like(more, rows, x[codes == place])] = place
            else:
                yes = probability[:, place] > 0.5
                for code, rows in enumerate((np.flatnonzero(~yes), np.flatnonzero(yes))):
                    rows = _surest(rows, np.abs(probability[rows, place] - 0.5))
                    guessed[_like(more, rows, x[codes[:, place] == code]), place] = code
        sure = np.flatnonzero((guessed != UNKNOWN).reshape(len(more), -1).any(axis=1))
        return sure, guessed[sure]

    # ---------------------------------------------------------------- what it gives

    def _probabilities(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        logits = self._logits(weights, x)
        return logits.sigmoid() if self.multi_label_ else logits.softmax(1)

    def _apply(self, function: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Run `function(weights, x)` over chunks of X; return its result and the unit-length X, float32."""
        import torch

        check_is_fitted(self)
        X = _unit(validate_data(self, X, dtype=np.float32, reset=False))
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

    def dense_layers(self) -> list[DenseLayer]:
        """The way from rows of unit length to the logits of `classes_`, as plain layers, for another library."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each of `classes_`, float32 (n_rows, n_classes).

        Rows sum to 1, or hold the probability of yes for each label where these were fitted as yes / no / unknown.
        """
        return self._apply(self._probabilities, X)[0]

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest of `classes_` for each row, or 1 (yes) or 0 (no) for each: int (n_rows, n_classes)."""
        probabilities = self.predict_proba(X)  # first, so that an unfitted tuner says so
        return (probabilities > 0.5).astype(int) if self.multi_label_ else self.classes_[probabilities.argmax(axis=1)]

    def suggest(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the likeliest label of each row and how sure it is: its place in `classes_`, int (n_rows,), and
        float32 (n_rows,), from 0 to 1.

        Sure is the probability times how near the labelled rows of this label are, see `learning.support`: a row of a
        label that has not been named yet is no sure one of another. Raises ValueError where the tuner was fitted on yes
        / no / unknown.
        """
        probabilities = self.predict_proba(X)
        if self.multi_label_:
            raise ValueError("suggest needs one label a row; this tuner was fitted on yes / no / unknown")
        codes = probabilities.argmax(axis=1)
        x = _unit(validate_data(self, X, dtype=np.float32, reset=False))
        return codes, probabilities.max(axis=1) * support(x, codes, self.memory_)

    @property
    def _n_features_out(self) -> int:
        return self.n_features_in_ + self._tuned_dim()

    def _tuned_dim(self) -> int:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.classifier_tags.multi_label = True
        return tags


def _unit(X: np.ndarray) -> np.ndarray:
    from sklearn.preprocessing import normalize

    return normalize(X) if len(X) else X


def _surest(rows: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    return rows[np.argsort(-confidence, kind="stable")[: int(len(rows) * SURE_FRACTION)]]


def _like(x: np.ndarray, rows: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Those of `rows` that look like the labelled rows of a class: where most classes have no label yet, this keeps
    their rows out of the classes that have one.
    """
    if not len(labelled):
        return rows[:0]
    mean, least = class_core(labelled)
    return rows[x[rows] @ mean >= least]


def class_core(x: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean direction of a class, and how near to it a row must be to look like one of the class.

    That is, nearer than the tenth of its labelled rows that lie furthest from the mean of the others.

    Parameters: `x` float32 (n, d) of unit length, n > 0. Returns: float32 (d,) of unit length; the least cosine
    similarity.
    """
    total = x.sum(axis=0, keepdims=True)
    similarity = (x * _unit(total - x)).sum(axis=1)
    return _unit(total)[0], float(np.quantile(similarity, 0.1))
