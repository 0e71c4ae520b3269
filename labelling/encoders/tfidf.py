"""Word counts as vectors: TF-IDF and truncated SVD, fitted on the project's own texts; no model at all."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from labelling.encoders import EncoderError
from labelling.encoders._base import TextEncoder, check_number, check_texts
from labelling.files import write_whole

FILE_FORMAT = "labelling-tfidf/1"

# Measured with 5 nearest neighbours: words and parts of words together are 1 to 2 % better than either, more terms or
# longer ones change nothing, and what is fitted on 5,000 texts is as good within half a per cent.
_TERMS: dict[str, dict[str, Any]] = {
    "words": {"max_features": 20_000},
    "parts": {"max_features": 30_000, "analyzer": "char_wb", "ngram_range": (3, 5)},
}


class TfidfEncoder(TextEncoder):
    """Embed texts by the words in them: TF-IDF of words and of parts of words, brought down to `n_dims` by an SVD.

    A scikit-learn transformer that learns its terms from the texts that it is fitted on, unlike the other encoders.
    Quick, without a model or a network, in any language that is written in letters; what means the same in other words
    is not brought together. Texts that share no term with those of the fit get the zero vector.

    Parameters
    ----------
    n_components : int, default=384
        Number of columns of the embeddings, where there are as many texts and terms.
    max_fit_texts : int, default=10_000
        Number of texts, drawn at random, from which the terms are learned where there are more.
    random_state : int, RandomState instance or None, default=0
        Decides the draw and the SVD.

    Attributes
    ----------
    vocabularies_ : dict of str to list of str
        The terms: "words", and "parts", which are 3 to 5 letters within a word.
    idf_ : ndarray of float32, shape (n_terms,)
        The weight of each term, words first.
    components_ : ndarray of float32, shape (n_dims, n_terms)
        The right singular vectors.

    References
    ----------
    Deerwester et al. (1990), "Indexing by Latent Semantic Analysis", JASIS 41(6).
    """

    def __init__(self, n_components: int = 384, *, max_fit_texts: int = 10_000, random_state: Any = 0) -> None:
        self.n_components = n_components
        self.max_fit_texts = max_fit_texts
        self.random_state = random_state

    def fit(self, X: Sequence[str], y: object = None) -> Self:
        """Learn terms and directions from texts.

        Raises
        ------
        EncoderError
            No term stands in two of the texts, so that there is nothing to compare them by.
        """
        self._check_parameters()
        texts = check_texts(X)
        from sklearn.decomposition import TruncatedSVD

        random = check_random_state(self.random_state)
        if len(texts) > self.max_fit_texts:
            texts = [texts[row] for row in random.choice(len(texts), self.max_fit_texts, replace=False)]
        vectorizers = {}
        for name in _TERMS:
            vectorizer = _vectorizer(name, min_df=2)
            with suppress(ValueError):  # no such term: words, say, in a language that is written without spaces
                vectorizers[name] = vectorizer.fit(texts)
        self.vocabularies_ = {name: each.get_feature_names_out().tolist() for name, each in vectorizers.items()}
        if sum(map(len, self.vocabularies_.values())) < 2:
            raise EncoderError(
                f"TF-IDF needs texts that share words, got {len(texts):,} in which nearly none stands twice: take "
                "another encoder, or more texts"
            )
        self.idf_ = np.concatenate([vectorizer.idf_ for vectorizer in vectorizers.values()]).astype(np.float32)
        self._loaded = list(vectorizers.values())
        counted = self._count(texts)
        n_components = min(self.n_components, *counted.shape)
        svd = TruncatedSVD(n_components, random_state=random).fit(counted)
        self.components_ = np.ascontiguousarray(svd.components_, np.float32)
        return self

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the terms, their weights and the components."""
        check_is_fitted(self)
        digest = hashlib.sha256(json.dumps([FILE_FORMAT, self.vocabularies_]).encode())
        digest.update(self.idf_.tobytes())
        digest.update(self.components_.tobytes())
        return digest.hexdigest()

    @property
    def n_dims(self) -> int:
        """Number of columns of the embeddings."""
        check_is_fitted(self)
        return len(self.components_)

    @property
    def max_tokens(self) -> None:
        """None: a text is read to its end."""
        return None

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32, shape (n_texts, n_dims), each of length 1, or 0 where no term is known."""
        check_is_fitted(self)
        from sklearn.preprocessing import normalize

        texts = check_texts(texts)
        if not texts:
            return np.empty((0, self.n_dims), np.float32)
        return normalize(self._count(texts) @ self.components_.T).astype(np.float32, copy=False)

    def count_truncated(self, texts: Sequence[str]) -> int:
        """None is: 0."""
        return 0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was fitted to a safetensors file, whole or not at all."""
        check_is_fitted(self)
        from safetensors.numpy import save

        metadata = {"format": FILE_FORMAT, "vocabularies": json.dumps(self.vocabularies_)}
        content = save({"idf": self.idf_, "components": self.components_}, metadata)
        write_whole(Path(path), lambda file: file.write(content))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote. Raises EncoderError where there is no such file, or it holds something else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="np") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FILE_FORMAT:
                    raise EncoderError(f"{path} must hold a fitted TfidfEncoder ({FILE_FORMAT}), it holds another file")
                idf, components = file.get_tensor("idf"), file.get_tensor("components")
        except (SafetensorError, OSError) as error:
            raise EncoderError(f"{path} holds no fitted TfidfEncoder: {error}") from error
        encoder = cls(len(components))
        encoder.vocabularies_ = json.loads(metadata["vocabularies"])
        encoder.idf_, encoder.components_ = idf, components
        return encoder

    def _count(self, texts: list[str]) -> Any:
        """The weighted terms of each text: sparse float32, shape (n_texts, n_terms)."""
        from scipy.sparse import hstack

        with self._lock:
            if self._loaded is None:
                weights = np.split(self.idf_, np.cumsum([len(terms) for terms in self.vocabularies_.values()])[:-1])
                self._loaded = []
                for (name, terms), idf in zip(self.vocabularies_.items(), weights, strict=True):
                    vectorizer = _vectorizer(name, vocabulary=terms)
                    vectorizer.idf_ = idf
                    self._loaded.append(vectorizer)
        return hstack([vectorizer.transform(texts) for vectorizer in self._loaded]).tocsr()

    def _check_parameters(self) -> None:
        check_number("n_components", self.n_components, 2)
        check_number("max_fit_texts", self.max_fit_texts, 2)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags


def _vectorizer(name: str, **settings: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **{**_TERMS[name], **settings})
