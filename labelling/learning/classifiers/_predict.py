"""What a fitted classifier gives: logits, probabilities, labels, a space."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from labelling.learning.classifiers._network import FrozenBody, Network, OnBatch, Stopped
from labelling.learning.classifiers._texts import Texts, count_longer, read_texts


class FittedMixin:
    """The part of `TransformerClassifier` that needs a fitted one."""

    cache: Any = None
    classes_: np.ndarray
    network_: Network
    pairs_: bool
    multi_label_: bool
    frozen_: bool
    pretrained_: bool

    # ---------------------------------------------------------------- the body's outputs

    def _frozen_run(self, network: Network, texts: Texts, on_batch: OnBatch | None = None) -> np.ndarray:
        """The pooled states of the checkpoint's own body: float32 (n, n_dims), through the cache where one is set.

        Raises Stopped where `on_batch(n_done, n_texts)` was False.
        """
        if self.cache is None:
            return network.run(texts, on_batch)
        stop = threading.Event()
        body = FrozenBody(network, texts.second is not None)

        def on_cached(rows: np.ndarray, n_done: int, n_texts: int) -> None:
            if on_batch is not None and on_batch(n_done, n_texts) is False:
                stop.set()

        pooled = self.cache.embed(body, body.keys(texts), on_batch=on_cached, stop=stop)
        if np.isnan(pooled).any():
            raise Stopped("ended before the body had read all texts; what it gave so far is in the cache")
        return pooled

    def _outputs(self, X: Any, on_batch: OnBatch | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Logits and hidden states of texts or pairs."""
        texts = self._read(X)
        if self.frozen_:
            return self.network_.finish(self._frozen_run(self.network_, texts, on_batch))
        return self.network_.outputs(texts, on_batch)

    def _read(self, X: Any) -> Texts:
        check_is_fitted(self, "network_")
        texts = read_texts(X)
        if len(texts) and not self.pretrained_ and self.pairs_ != (texts.second is not None):
            kinds = ("texts", "pairs of texts")
            raise ValueError(f"it was fitted on {kinds[self.pairs_]}, got {kinds[not self.pairs_]}")
        return texts

    # ---------------------------------------------------------------- what it gives

    def logits(self, X: Any) -> np.ndarray:
        """Return what the head gives: float32 (n_texts, n_classes)."""
        return self._outputs(X)[0]

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the logits, or with two classes, as scikit-learn has it, the second's lead over the first: (n,)."""
        logits = self.logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each of `classes_`, float32 (n_texts, n_classes).

        Rows sum to 1, unless it is a ready model for several labels a text: then each label has its own.
        """
        return self.predict_and_transform(X)[0]

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest of `classes_` for each text."""
        best = self.logits(X).argmax(axis=1)  # first, so that an unfitted classifier says so
        return self.classes_[best]

    def transform(self, X: Any) -> np.ndarray:
        """Return what the last layer of the head reads, a space for the map: float32 (n_texts, n_features_out).

        With a linear head these are the body's pooled states: with train="head" those of the checkpoint itself.
        """
        return self._outputs(X)[1]

    def predict_and_transform(self, X: Any, on_batch: OnBatch | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return what `predict_proba` and `transform` give, in one run of the body.

        `on_batch(n_done, n_texts)` is called after each batch; where it returns False, `Stopped` is raised.
        """
        from scipy.special import expit, softmax

        logits, space = self._outputs(X, on_batch)
        return expit(logits) if self.multi_label_ else softmax(logits, axis=1), space

    def count_truncated(self, X: Any) -> int:
        """Count the texts or pairs of which only the beginning is read."""
        return count_longer(self.network_.checkpoint, self._read(X), self.network_.max_length)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
