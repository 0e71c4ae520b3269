"""The learner and the tuner on a whole sentence encoder: what moves, what stays, what is left behind."""

import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from labelling.encoders import EncoderError
from labelling.encoders.sentence import SentenceEncoder
from labelling.learning.tuners import SbertLearner, SbertTuner
from tests.conftest import save_tiny_model

pytestmark = pytest.mark.slow

TEXTS = ["my card is lost", "the card was late", "card not mine", "when is my refund", "a late refund", "refund money"]
LABELS = ["card"] * 3 + ["refund"] * 3
LEFT, RIGHT = [*TEXTS, *TEXTS], [*TEXTS[1:3], TEXTS[0], *TEXTS[4:6], TEXTS[3], *TEXTS[::-1]]
SIMILAR = [1] * 6 + [0] * 6
FAST = {"steps": 30, "learning_rate": 3e-3, "random_state": 0}


def spread(embeddings: np.ndarray) -> float:
    """How much nearer texts of one label are than those of two, in cosine similarity."""
    cosine = embeddings @ embeddings.T
    same = np.equal.outer(LABELS, LABELS)
    return float(cosine[same & ~np.eye(6, dtype=bool)].mean() - cosine[~same].mean())


@pytest.fixture(scope="module")
def before(tiny_model: Path) -> np.ndarray:
    return SentenceEncoder(tiny_model).encode(TEXTS)


def test_a_tuner_parts_the_labels(tiny_model, before):
    tuner = SbertTuner(tiny_model, **FAST).fit(TEXTS, LABELS)
    after = tuner.transform(TEXTS)
    assert (after.shape, after.dtype) == ((6, 16), np.float32)
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    assert spread(after) > spread(before) + 0.3
    assert tuner.transform([]).shape == (0, 16)
    pipeline = make_pipeline(SbertTuner(tiny_model, **FAST), LogisticRegression()).fit(TEXTS, LABELS)
    assert pipeline.predict(TEXTS).tolist() == LABELS


@pytest.mark.parametrize("similar", [SIMILAR, None])
def test_a_learner_parts_what_is_dissimilar(tiny_model, before, similar):
    n = 6 if similar is None else 12  # similar pairs alone, or both kinds
    learner = SbertLearner(tiny_model, **FAST).fit(LEFT[:n], RIGHT[:n], similar or np.ones(6, bool))
    assert spread(learner.transform(TEXTS)) > spread(before) + 0.1
    cosine = learner.predict(LEFT, RIGHT)
    assert cosine.shape == (12,)
    assert cosine[:6].mean() > cosine[6:].mean()


def test_the_original_model_is_untouched(tiny_model, before):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_model), device="cpu")
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    files = {path: path.read_bytes() for path in tiny_model.rglob("*") if path.is_file()}
    for given in (model, tiny_model):
        tuner = SbertTuner(given, **FAST).fit(TEXTS, LABELS)
        assert not np.allclose(tuner.transform(TEXTS), before, atol=0.01)
    assert all(state[name].equal(tensor) for name, tensor in model.state_dict().items())
    assert {path: path.read_bytes() for path in tiny_model.rglob("*") if path.is_file()} == files


def test_saved_it_is_a_sentence_encoder_like_any_other(tiny_model, tmp_path):
    from sentence_transformers import SentenceTransformer

    learner = SbertLearner(tiny_model, **FAST).fit(LEFT, RIGHT, SIMILAR)
    learner.save(tmp_path / "mine")
    expected = learner.transform(TEXTS)
    np.testing.assert_allclose(SentenceEncoder(tmp_path / "mine").encode(TEXTS), expected, atol=1e-6)
    loaded = SentenceTransformer(str(tmp_path / "mine"), device="cpu")
    np.testing.assert_allclose(loaded.encode(TEXTS, normalize_embeddings=True), expected, atol=1e-6)
    assert not [path for path in (tmp_path / "mine").rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]
    with pytest.raises(ValueError, match="is not empty"):
        learner.save(tmp_path / "mine")


def test_nothing_is_sent_and_nothing_left_behind(tiny_model, tmp_path, monkeypatch, no_network, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    SbertTuner(tiny_model, **FAST).fit(TEXTS, LABELS)
    SbertLearner(tiny_model, **FAST).fit(LEFT, RIGHT, SIMILAR)
    assert no_network == []
    assert list(tmp_path.rglob("*")) == []
    assert capfd.readouterr() == ("", "")


def test_a_seed_makes_it_repeat_and_leaves_the_global_state_alone(tiny_model):
    import torch

    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first = SbertTuner(tiny_model, **FAST).fit(TEXTS, LABELS)
    again = clone(first).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(again.transform(TEXTS), first.transform(TEXTS))
    np.testing.assert_array_equal(again.fit(TEXTS, LABELS).transform(TEXTS), first.transform(TEXTS))  # afresh
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    other = clone(first).set_params(random_state=1).fit(TEXTS, LABELS)
    assert not np.allclose(other.transform(TEXTS), first.transform(TEXTS), atol=1e-4)


def test_callback_sees_the_loss_and_can_stop(tiny_model):
    told: list[tuple] = []
    tuner = SbertTuner(tiny_model, **FAST).fit(TEXTS, LABELS, callback=lambda *now: told.append(now))
    assert [(step, n) for step, n, *_ in told] == [(i, 30) for i in range(1, 31)]
    assert [loss for _, _, loss, _ in told] == tuner.loss_curve_
    assert {held for *_, held in told} == {None}
    stopped = SbertTuner(tiny_model, **FAST).fit(TEXTS, LABELS, callback=lambda step, *_: step < 3)
    assert stopped.loss_curve_ == tuner.loss_curve_[:3]
    assert stopped.transform(TEXTS).shape == (6, 16)


def test_unlabelled_texts_and_lone_labels_are_left_out(tiny_model):
    plain = SbertTuner(tiny_model, **FAST).fit(TEXTS, LABELS)
    more = SbertTuner(tiny_model, **FAST).fit([*TEXTS, "cat"], [*LABELS, None])
    np.testing.assert_array_equal(more.transform(TEXTS), plain.transform(TEXTS))
    with pytest.warns(UserWarning, match="1 labels have one text alone, which is left out: 'cat'"):
        SbertTuner(tiny_model, **FAST).fit([*TEXTS, "cat"], [*LABELS, "cat"])


@pytest.mark.parametrize("estimator", [SbertTuner, SbertLearner])
def test_scikit_learn_habits(estimator):
    for check in ("no_attributes_set_in_init", "parameters_default_constructible", "get_params_invariance"):
        getattr(estimator_checks, f"check_{check}")(estimator.__name__, estimator())
    with pytest.raises(NotFittedError):
        estimator().transform(TEXTS)


@pytest.mark.parametrize(
    ("texts", "y", "error", "message"),
    [
        (TEXTS, ["card"] * 6, ValueError, "two labels with two texts each, got 1 such labels among 1"),
        (["a", "b"], ["card", "refund"], ValueError, "two labels with two texts each, got 0 such labels among 2"),
        (TEXTS, LABELS[:5], ValueError, "inconsistent numbers of samples"),
        ("card", LABELS, TypeError, "single string"),
        (TEXTS, [[1, 0]] * 6, ValueError, "one label a text"),
    ],
)
def test_bad_labels(tiny_model, texts, y, error, message):
    with pytest.raises(error, match=message):
        SbertTuner(tiny_model).fit(texts, y)


@pytest.mark.parametrize(
    ("left", "right", "similar", "message"),
    [
        (LEFT, RIGHT, [0] * 12, "got 12 pairs, 0 of them similar"),
        (["a"], ["b"], [1], "needs two pairs or more.*got 1 pairs"),
        (LEFT, RIGHT, [0.5] * 12, "similar must be 1 or 0 for each pair, got 0.5"),
        (LEFT, RIGHT[:3], SIMILAR, "inconsistent numbers of samples"),
    ],
)
def test_bad_pairs(tiny_model, left, right, similar, message):
    with pytest.raises(ValueError, match=message):
        SbertLearner(tiny_model).fit(left, right, similar)


def test_texts_longer_than_the_model(tiny_model):
    with pytest.warns(UserWarning, match="2 of 7 texts are longer than 5 tokens, their ends are not read"):
        SbertTuner(tiny_model, max_length=5, **FAST).fit(
            ["my card", "a card lost at", *["card", "is"] * 2, *TEXTS[-3:-2]], list("abababa")
        )


def test_bad_models_and_parameters(tmp_path):
    with pytest.raises(EncoderError, match="no such folder"):
        SbertTuner(tmp_path / "missing").fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="batch_size must be an even number, got 5"):
        SbertTuner(save_tiny_model(tmp_path), batch_size=5).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="steps"):
        SbertTuner(steps=0).fit(TEXTS, LABELS)
