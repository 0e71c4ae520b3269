"""Find texts: by words, by a regular expression, by meaning.

A regular expression is run by RE2 (https://github.com/google/re2/wiki/Syntax), whose time is linear in the text: a
pattern that somebody typed can't hang the server. It knows no look-around and no back-references.
"""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from labelling.errors import CorralError

CHUNK = 1_024  # rows that are worked on at a time: they stay in the processor's cache for both passes
SHARE = 64 * CHUNK  # rows that a thread takes at a time
AROUND = ("\ufdd0", "\ufdd1")  # a match, where it is marked: no text should hold these (Unicode's noncharacters)


class SearchError(CorralError, ValueError):
    """A query that can't be searched for; the message says why."""


def with_words(texts: pd.Series, query: str) -> np.ndarray:
    """Which texts hold every word of `query`, in any order, in upper or lower case, also inside other words: bool (n,).

    What stands in double quotes is looked for as it is. Raises SearchError for a query without a word.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    words = _words(query)
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


def spans(text: str, kind: str, query: str) -> list[tuple[int, int]]:
    """Where in `text` the query of `with_words` ("words") or `matching` ("regex") matches: (start, end), in order.

    By RE2, as they are. None for a query that can't be searched for, or of a text that holds what they are marked with.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "words":  # of two that begin alike the longer one is found
        query = "|".join(re.escape(word) for word in sorted(_words(query), key=len, reverse=True))
    if not query or any(mark in text for mark in AROUND):
        return []
    try:
        marked = pc.replace_substring_regex([text], f"(?i){query}", r"\0".join(AROUND))[0].as_py()
    except pa.ArrowInvalid:
        return []
    found, end = [], 0
    for part in marked.split(AROUND[0]):
        match, parted, rest = part.partition(AROUND[1])
        start = end
        end += len(match) + len(rest)
        if parted and match:
            found.append((start, start + len(match)))
    return found


def _words(query: str) -> list[str]:
    """The words of a query; what stands in double quotes is one."""
    parts = query.split('"')
    return [part for i, part in enumerate(parts) for part in ([part] if i % 2 else part.split()) if part.strip()]


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
    embeddings, length = np.asarray(embeddings), np.linalg.norm(vector)
    scores = np.empty(len(embeddings), np.float32)

    def score(first: int) -> None:
        for start in range(first, min(first + SHARE, len(embeddings)), CHUNK):
            part = embeddings[start : start + CHUNK]
            lengths = np.sqrt(np.einsum("ij,ij->i", part, part)) * length
            scores[start : start + CHUNK] = part @ vector / np.where(lengths == 0, 1, lengths)

    firsts = range(0, len(embeddings), SHARE)
    if len(firsts) == 1:
        score(0)
    else:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(score, firsts))
    return scores
