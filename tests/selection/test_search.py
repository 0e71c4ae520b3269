"""Finding texts."""

import re
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelling.selection.search import CHUNK, SHARE, SearchError, cosine, matching, spans, with_words

TEXTS = pd.Series(
    ["The card was LOST", "a lost cause", "Große Straße (x)", None, "", "lost my card (again)"], dtype="str"
)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("card lost", [0, 5]),
        ("lost", [0, 1, 5]),
        ("LOST  Card", [0, 5]),
        ('"lost my"', [5]),
        ('"lost my" card', [5]),
        ('card "', [0, 5]),
        ("große", [2]),
        ("GROSSE", []),
        ("ard", [0, 5]),
        ("(x)", [2]),
        ("a.d", []),
        ("nowhere", []),
    ],
)
def test_words(query: str, rows: list[int]) -> None:
    assert np.flatnonzero(with_words(TEXTS, query)).tolist() == rows


@pytest.mark.parametrize("query", ["", "  ", '""', '" "'])
def test_no_words(query: str) -> None:
    with pytest.raises(SearchError, match="type a word"):
        with_words(TEXTS, query)


# ASCII alone: which letters count as the same in upper and lower case is told differently here and there.
ascii_text = st.text(st.characters(max_codepoint=126), max_size=8)


@given(
    texts=st.lists(ascii_text, min_size=1, max_size=20),
    words=st.lists(st.text("abAB.", min_size=1, max_size=2), min_size=1),
)
def test_words_as_python_finds_them(texts: list[str], words: list[str]) -> None:
    expected = [all(word.lower() in text.lower() for word in words) for text in texts]
    assert with_words(pd.Series(texts, dtype=object), " ".join(words)).tolist() == expected


@pytest.mark.parametrize(
    ("pattern", "rows"),
    [(r"^the\b", [0]), (r"lost|stra", [0, 1, 2, 5]), (r"\(.*\)$", [2, 5]), (r"c[a-z]rd", [0, 5]), ("^$", [4])],
)
def test_patterns(pattern: str, rows: list[int]) -> None:
    assert np.flatnonzero(matching(TEXTS, pattern)).tolist() == rows


@pytest.mark.parametrize("pattern", ["", "(", "[", "(?=a)", r"(a)\1", "a{2000}"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(SearchError, match="regular expression"):
        matching(TEXTS, pattern)


@pytest.mark.parametrize(
    ("kind", "query", "matches"),
    [
        ("words", 'card "is my"', ["is my", "card", "CARD"]),
        ("words", "car card", ["card", "CARD"]),
        ("words", "(", []),
        ("regex", r"refunds?|^ *where", ["  Where", "refunds"]),
        ("regex", r"(c)a(?:rd)\b", ["card", "CARD"]),
        ("regex", "x*", []),
        ("regex", "é", ["é", "É"]),
        ("regex", "(", []),
    ],
)
def test_spans(kind: str, query: str, matches: list[str]) -> None:
    text = "  Where is my card? é É CARD refunds"
    assert [text[start:end] for start, end in spans(text, kind, query)] == matches


@given(text=ascii_text, pattern=st.sampled_from(["a", "[a-c]+", "^a", "b$", "a|ab", r"\bx", "z?"]))
def test_spans_are_where_python_finds_them(text: str, pattern: str) -> None:
    expected = [found.span() for found in re.finditer(pattern, text, re.IGNORECASE | re.ASCII) if found[0]]
    if not text.endswith("\n"):  # before which Python's $ matches, too
        assert spans(text, "regex", pattern) == expected


def test_no_spans_in_a_text_that_holds_their_marks() -> None:
    assert spans("a card \ufdd0 b", "words", "card") == []


def test_a_pattern_that_hangs_others_does_not_hang_this() -> None:
    started = time.monotonic()
    assert not matching(pd.Series(["a" * 50_000 + "b"], dtype="str"), "(a+)+$").any()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("n_rows", [CHUNK + 3, 2 * SHARE + 3])
def test_cosine(n_rows: int) -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(n_rows, 4)).astype(np.float32)
    embeddings[5] = np.nan
    embeddings[6] = 0
    embeddings[7] = 3 * embeddings[8]
    scores = cosine(embeddings, embeddings[8])
    assert scores.shape == (n_rows,)
    assert scores.dtype == np.float32
    assert np.isnan(scores[5])
    assert scores[6] == 0
    np.testing.assert_allclose(scores[[7, 8]], 1, rtol=1e-6)
    expected = embeddings @ embeddings[8] / np.linalg.norm(embeddings, axis=1) / np.linalg.norm(embeddings[8])
    np.testing.assert_allclose(scores[8:], expected[8:], rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match=r"shape \(4,\), got \(3,\)"):
        cosine(embeddings, np.zeros(3))
