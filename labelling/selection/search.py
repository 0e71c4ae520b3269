"""Find texts: by words, by a regular expression, by meaning.

A regular expression is run by RE2 (https://github.com/google/re2/wiki/Syntax), whose time is linear in the text: a
pattern that somebody typed can't hang the server. It knows no look-around and no back-references.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from labelling.errors import CorralError

CHUNK = 1_024  # rows that are worked on at a time: they stay in the processor's cache for both passes


class SearchError(CorralError, ValueError):
    """A query that can't be searched for; the message says why."""


def with_words(texts: pd.Series, query: str) -> np.ndarray:
    """Which texts hold every word of `query`, in any order, in upper or lower case, also inside other words: bool (n,).

    What stands in double quotes is looked for as it is. Raises SearchError for a query without a word.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = query.split('"')
    words = [part for i, part in enumerate(parts) for part in ([part] if i % 2 else part.split()) if part.strip()]
    if not words:
        raise SearchError("There is nothing to look for: type a word.")
    column = pa.array(texts, pa.large_string())
    found = np.ones(len(texts), bool)
    for word in words:
        found &= _as_mask(pc.match_substring(column, word, ignore_case=True))
    return found


def matching(texts: pd.Series, pattern: str) -> np.ndarray:
    """Which texts the regular expression `pattern` matches somewhere, in upper or lower case: bool (n,).

    Raises SearchError where it is empty or no regular expression.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pattern:
        raise SearchError("There is nothing to look for: type a regular expression.")
    try:
        return _as_mask(pc.match_substring_regex(pa.array(texts, pa.large_string()), pattern, ignore_case=True))
    except pa.ArrowInvalid as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        raise SearchError(
            f"{pattern[:80]!r} is no regular expression here: {why}. (No look-around, no back-references.)"
        ) from None


def _as_mask(found: "Sequence[bool]") -> np.ndarray:
    import pyarrow.compute as pc

    return pc.fill_null(found, False).to_numpy(zero_copy_only=False)


def cosine(embeddings: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The cosine of each row of `embeddings` (n, n_dims) with `vector` (n_dims,): float32 (n,).

    NaN where a row has no embedding; 0 for a zero vector. Raises ValueError where the dimensions differ.
    """
    vector = np.asarray(vector, np.float32)
    if vector.shape != embeddings.shape[1:]:
        raise ValueError(f"vector must have shape {embeddings.shape[1:]}, got {vector.shape}.")
    scores = np.empty(len(embeddings), np.float32)
    for start in range(0, len(embeddings), CHUNK):
        part = np.asarray(embeddings[start : start + CHUNK])
        lengths = np.sqrt(np.einsum("ij,ij->i", part, part)) * np.linalg.norm(vector)
        scores[start : start + CHUNK] = part @ vector / np.where(lengths == 0, 1, lengths)
    return scores
