"""Texts or pairs of texts in, token rows of one length limit out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.encoders._base import check_texts
from labelling.encoders._transformer import tokenize

if TYPE_CHECKING:
    from labelling.encoders._transformer import Checkpoint

CHUNK_TEXTS = 1024  # tokenised at a time: tokens as Python numbers take a hundred times the room of the text


@dataclass(frozen=True)
class Texts:
    """n texts, or n pairs of texts where `second` is not None."""

    first: list[str]
    second: list[str] | None = None

    def __len__(self) -> int:
        return len(self.first)

    def take(self, rows: Any) -> Texts:
        return Texts([self.first[i] for i in rows], None if self.second is None else [self.second[i] for i in rows])

    def chunks(self) -> Iterator[np.ndarray]:
        """Row numbers, `CHUNK_TEXTS` at a time, by length: a batch is padded to its longest text."""
        length = np.array([len(text) for text in self.first])
        if self.second is not None:
            length = length + [len(text) for text in self.second]
        order = np.argsort(-length, kind="stable")
        yield from (order[start : start + CHUNK_TEXTS] for start in range(0, len(order), CHUNK_TEXTS))


def read_texts(X: Any) -> Texts:
    """Read `X` as the classifier takes it: texts, or pairs of texts.

    Parameters
    ----------
    X : sequence of str; or of pairs (two texts each), an array (n, 2) or a DataFrame of two columns.

    Raises
    ------
    TypeError : a single string; something that is neither a text nor a pair of texts, with its row.
    EncoderError : half of a surrogate pair in a text.
    """
    if hasattr(X, "columns"):
        if len(X.columns) > 2:
            raise TypeError(f"X must have one column of texts, or two with pairs, got {len(X.columns)}")
        X = X.to_numpy() if len(X.columns) == 2 else X.iloc[:, 0]
    if isinstance(X, str):
        return Texts(check_texts(X))  # says what is wrong with it
    rows = list(X)
    is_pair = [isinstance(row, tuple | list | np.ndarray) for row in rows]
    if not any(is_pair):
        return Texts(check_texts(rows))
    for i, row in enumerate(rows):
        if not is_pair[i] or len(row) != 2:
            got = f"{len(row)} texts" if is_pair[i] else type(row).__name__
            raise TypeError(f"X must hold texts alone or pairs of two texts alone, got {got} in row {i}")
    return Texts(check_texts([row[0] for row in rows]), check_texts([row[1] for row in rows]))


def tokens_of(checkpoint: Checkpoint, texts: Texts, max_length: int | None) -> list[dict[str, list[int]]]:
    """The tokens of each text or pair, cut off after `max_length`; for `pad`.

    A pair is given to the tokenizer as such where it knows a separator, as encoders' do. Elsewhere (language models)
    a line break stands between the two: without any the second text would go on in the middle of the first one's
    last word.
    """
    first, second = texts.first, texts.second
    if second is not None and checkpoint.tokenizer.sep_token is None:
        first, second = [f"{a}\n{b}" for a, b in zip(first, second, strict=True)], None
    return tokenize(checkpoint, first, second, max_length=max_length)


def count_longer(checkpoint: Checkpoint, texts: Texts, max_length: int | None) -> int:
    """How many texts or pairs have more than `max_length` tokens."""
    if max_length is None:
        return 0
    return sum(
        len(row["input_ids"]) > max_length
        for rows in texts.chunks()
        for row in tokens_of(checkpoint, texts.take(rows), None)
    )
