"""Encoders: texts to embeddings, a file per kind, behind one protocol."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from labelling.errors import CorralError


class EncoderError(CorralError, ValueError):
    """A model can't be loaded, or can't embed what it was given. The message says what to do about it."""


class Encoder(Protocol):
    """What the cache and the session need of an encoder.

    Attributes
    ----------
    fingerprint : str
        Hexadecimal digest of everything that decides a vector (weights, tokenizer, pooling, normalisation,
        maximum length, prompt). Two encoders with the same fingerprint give the same embeddings.
    n_dims : int
        Number of columns of the embeddings.
    max_tokens : int or None
        Number of tokens after which a text is cut off; None where there is no limit.
    work_at_once : int, optional
        How many times more than a processor it embeds in half a second: the cache hands it so much at once.
    """

    @property
    def fingerprint(self) -> str: ...

    @property
    def n_dims(self) -> int: ...

    @property
    def max_tokens(self) -> int | None: ...

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32, shape (n_texts, n_dims), row i is the embedding of `texts[i]`."""
        ...

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the texts of which only the first `max_tokens` tokens are read."""
        ...
