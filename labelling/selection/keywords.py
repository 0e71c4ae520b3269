"""The words that set some texts apart from the others."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labelling.selection.function_words import FUNCTION_WORDS

MAX_TEXTS = 4_000  # as many of a selection are counted, and of all texts: the rarer words don't decide
MAX_CHARACTERS = 2_000  # of each text
PRIOR = 0.05  # of a word's count among all texts, as the weight of the prior in the log-odds
WORDS = r"(?u)\b[^\W\d_][\w'’]+\b"


@dataclass(frozen=True)
class Keyword:
    """`share` of the chosen texts hold the word, `share_elsewhere` of the others."""

    word: str
    share: float
    share_elsewhere: float


class Keywords:
    """Counts the words of a sample of all texts once; then tells what sets a selection apart.

    Parameters
    ----------
    text_of : callable
        The text of a row.
    n_rows : int
    random_state : int
        Draws the sample of at most MAX_TEXTS.
    """

    def __init__(self, text_of: Callable[[int], str], n_rows: int, *, random_state: int = 0) -> None:
        self.text_of = text_of
        self.random_state = random_state
        self.sample = self._draw(np.arange(n_rows))
        self._counts = self._count(self.sample)

    def _draw(self, rows: np.ndarray) -> np.ndarray:
        if len(rows) <= MAX_TEXTS:
            return rows
        return np.sort(np.random.default_rng(self.random_state).choice(rows, MAX_TEXTS, replace=False))

    def _count(self, rows: np.ndarray) -> dict[str, int]:
        """In how many of these texts each word stands, one that stands in a single text left out of many."""
        from sklearn.feature_extraction.text import CountVectorizer

        count = CountVectorizer(binary=True, token_pattern=WORDS, min_df=2 if len(rows) >= 20 else 1)
        try:
            found = count.fit_transform([self.text_of(int(row))[:MAX_CHARACTERS] for row in rows])
        except ValueError:  # no words at all, or none twice
            return {}
        return dict(zip(count.get_feature_names_out(), found.sum(axis=0).A1.tolist(), strict=True))

    def of(self, rows: np.ndarray, n: int = 8) -> list[Keyword]:
        """The `n` words that are most typical of `rows`, the most typical first; fewer where no more stand out.

        By the z-score of the log-odds ratio with an informative Dirichlet prior, of the numbers of texts that hold a
        word: it lifts words that are frequent here and not elsewhere (Monroe, Colaresi & Quinn 2008, "Fightin' Words",
        doi:10.1093/pan/mpn018).
        """
        some = self._draw(np.asarray(rows))
        here = self._count(some)
        inside = np.isin(self.sample, rows, assume_unique=True)
        n_elsewhere = int(np.count_nonzero(~inside))
        if not here or not n_elsewhere:
            return []
        both = self._count(self.sample[inside])  # what the sample of all texts holds of the selection itself
        words = list(here)
        a = np.array([here[word] for word in words], float)
        b = np.array([max(self._counts.get(word, 0) - both.get(word, 0), 0) for word in words], float)
        prior = PRIOR * (a + b) + 0.01
        rate = (a + prior) / (len(some) - a + prior)
        rate_elsewhere = (b + prior) / (n_elsewhere - b + prior)
        z = np.log(rate / rate_elsewhere) / np.sqrt(1 / (a + prior) + 1 / (b + prior))
        told = np.array([word not in FUNCTION_WORDS for word in words])  # long texts have more of the others, too
        z = np.where(told, z, -np.inf)
        best = [i for i in np.argsort(-z, kind="stable")[:n] if z[i] > 1.96]  # 95 %
        return [Keyword(words[i], a[i] / len(some), b[i] / n_elsewhere) for i in best]
