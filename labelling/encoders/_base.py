"""What all encoders share: they are scikit-learn transformers of texts that learn nothing."""

import threading
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from labelling.encoders import EncoderError
from labelling.encoders.device import FLOAT32, NUMBERS, default_numbers


class TextEncoder(TransformerMixin, BaseEstimator):
    """A stateless scikit-learn transformer of texts: `transform(texts)` is `encode(texts)`.

    What is loaded on first use lies in `_loaded`, guarded by `_lock`; a copy loads it again, because neither a lock
    nor weights belong in a copy or in another process.
    """

    _lock: threading.RLock
    _loaded: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._lock = threading.RLock()
        self._loaded = None
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k not in ("_lock", "_loaded")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._lock = threading.RLock()
        self._loaded = None

    def _check_parameters(self) -> None:
        """Raises TypeError or ValueError for a parameter that is none."""
        raise NotImplementedError

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32, shape (n_texts, n_dims)."""
        raise NotImplementedError

    def fit(self, X: Sequence[str], y: object = None) -> Self:
        """Check the parameters; there is nothing to learn."""
        self._check_parameters()
        return self

    def transform(self, X: Sequence[str]) -> np.ndarray:
        """Embed texts; the same as `encode`."""
        return self.encode(X)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class ModelEncoder(TextEncoder):
    """One that runs a model here: in which numbers, and how many tokens at once."""

    batch_tokens: int | None
    device: str | None
    numbers: str | None

    @property
    def work_at_once(self) -> int:
        """How many times more than a processor it embeds in half a second, roughly."""
        return 1 if self._numbers() == FLOAT32 else 16

    def _numbers(self) -> str:
        return self.numbers or default_numbers(self.device)

    def _check_run(self) -> None:
        if self.batch_tokens is not None:
            check_number("batch_tokens", self.batch_tokens, 1)
        if self.numbers is not None and self.numbers not in NUMBERS:
            raise ValueError(f"numbers must be one of {', '.join(map(repr, NUMBERS))} or None, got {self.numbers!r}")


def check_number(name: str, value: object, lowest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < lowest:
        raise ValueError(f"{name} must be at least {lowest}, got {value}")


def check_texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise TypeError(f"texts must be a list of strings, got the single string {texts[:40]!r}")
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"texts must be strings, got {type(text).__name__} in row {row}: {text!r:.40}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise EncoderError(f"the text in row {row} is not valid Unicode: {text!r:.80}") from None
    return texts
