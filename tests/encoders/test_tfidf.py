import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from labelling.encoders import EncoderError
from labelling.encoders.tfidf import TfidfEncoder

TEXTS = [
    "my card was lost in town",
    "somebody took my card",
    "the card was stolen",
    "when is my refund due",
    "the refund is late",
    "refunds are late again",
]


@pytest.fixture(scope="module")
def fitted() -> TfidfEncoder:
    return TfidfEncoder().fit(TEXTS)


def test_texts_that_share_words_lie_together(fitted):
    embeddings = fitted.encode(TEXTS)
    assert embeddings.shape == (6, fitted.n_dims)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    similar = fitted.encode(["a stolen card", "late refunds"]) @ embeddings.T
    assert similar[0, :3].min() > similar[0, 3:].max()
    assert similar[1, 3:].min() > similar[1, :3].max()


def test_each_text_is_embedded_on_its_own(fitted):
    # The cache keeps them text by text.
    alone = np.vstack([fitted.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(fitted.encode(TEXTS), alone, atol=1e-6)


def test_a_text_without_a_known_term_is_the_zero_vector(fitted):
    assert not fitted.encode(["", "ωψ"]).any()
    assert fitted.encode([]).shape == (0, fitted.n_dims)
    assert fitted.max_tokens is None
    assert fitted.count_truncated(["word " * 10_000]) == 0


def test_saved_and_loaded_it_is_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "fitted.safetensors")
    loaded = TfidfEncoder.load(tmp_path / "fitted.safetensors")
    assert loaded.fingerprint == fitted.fingerprint
    assert loaded.n_dims == fitted.n_dims
    np.testing.assert_array_equal(loaded.encode(TEXTS), fitted.encode(TEXTS))
    assert [path.name for path in tmp_path.iterdir()] == ["fitted.safetensors"]


def test_a_file_that_holds_something_else(tmp_path):
    from safetensors.numpy import save_file

    with pytest.raises(EncoderError, match="holds no fitted TfidfEncoder"):
        TfidfEncoder.load(tmp_path / "missing.safetensors")
    (tmp_path / "wrong.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(EncoderError, match="holds no fitted TfidfEncoder"):
        TfidfEncoder.load(tmp_path / "wrong.safetensors")
    save_file({"weights": np.zeros(3, np.float32)}, tmp_path / "other.safetensors")
    with pytest.raises(EncoderError, match="must hold a fitted TfidfEncoder"):
        TfidfEncoder.load(tmp_path / "other.safetensors")


def test_the_fingerprint_is_that_of_what_was_fitted(fitted):
    assert TfidfEncoder().fit(TEXTS).fingerprint == fitted.fingerprint
    assert TfidfEncoder().fit([*TEXTS, "the card is late"]).fingerprint != fitted.fingerprint
    assert TfidfEncoder(3).fit(TEXTS).fingerprint != fitted.fingerprint


def test_dimensions_and_sample(fitted):
    assert TfidfEncoder(3).fit(TEXTS).n_dims == 3
    assert fitted.n_dims == 6  # there are not more texts
    few = TfidfEncoder(max_fit_texts=4).fit(TEXTS)
    assert few.n_dims == 4
    assert few.encode(TEXTS).shape == (6, 4)


def test_a_language_without_spaces():
    texts = ["我的卡丢了 怎么办", "我的卡丢了", "什么时候 退款", "退款 什么时候到"]
    assert np.linalg.norm(TfidfEncoder().fit(texts).encode(texts), axis=1).min() > 0.99


def test_scikit_learn_habits():
    pipeline = make_pipeline(clone(TfidfEncoder()), RidgeClassifier()).fit(TEXTS, [0, 0, 0, 1, 1, 1])
    assert pipeline.predict(["card", "refund"]).tolist() == [0, 1]
    with pytest.raises(NotFittedError):
        TfidfEncoder().encode(TEXTS)


@pytest.mark.parametrize(
    ("parameters", "texts", "error", "message"),
    [
        ({}, ["abc", "xyz"], EncoderError, "TF-IDF needs texts that share words, got 2"),
        ({}, [], EncoderError, "TF-IDF needs texts that share words, got 0"),
        ({}, "one text", TypeError, "must be a list of strings"),
        ({"n_components": 1}, TEXTS, ValueError, "n_components must be at least 2, got 1"),
        ({"max_fit_texts": "all"}, TEXTS, TypeError, "max_fit_texts must be a whole number"),
    ],
)
def test_bad_input(parameters, texts, error, message):
    with pytest.raises(error, match=message):
        TfidfEncoder(**parameters).fit(texts)
