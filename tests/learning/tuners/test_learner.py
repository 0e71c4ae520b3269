import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import (
    check_estimators_unfitted,
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
)

from labelling.learning.tuners import ContrastiveLearner, make_pairs
from tests.learning.tuners.helpers import blobs, parting


def pairs_of_blobs(spread=2.0, **counts):
    X, codes = blobs(spread=spread)
    left, right, similar = make_pairs(np.where(np.arange(len(X)) < 40, codes, -1), random_state=0, **counts)
    return X, codes, (X[left], X[right], similar)


def separation(learner, X, codes, rows):
    """How often a pair of one class is nearer than a pair of two, among `rows`."""
    i, j = np.triu_indices(len(rows), 1)
    return roc_auc_score(codes[rows][i] == codes[rows][j], learner.predict(X[rows][i], X[rows][j]))


@pytest.mark.parametrize(
    "check", [check_get_params_invariance, check_set_params, check_no_attributes_set_in_init, check_estimators_unfitted]
)
def test_scikit_learn_contract(check):
    # the checks that fit want fit(X, y), a learner has fit(X1, X2, similar)
    if check is check_estimators_unfitted:
        with pytest.raises(NotFittedError):
            ContrastiveLearner().transform(np.eye(3))
        with pytest.raises(NotFittedError):
            ContrastiveLearner().predict(np.eye(3), np.eye(3))
    else:
        check("ContrastiveLearner", ContrastiveLearner())


def test_default_constructible():
    check_parameters_default_constructible("ContrastiveLearner", ContrastiveLearner())


def test_pairs_part_rows_that_were_in_none():
    X, codes, pairs = pairs_of_blobs()
    learner = ContrastiveLearner(random_state=0).fit(*pairs)
    as_it_was = clone(learner).set_params(keep=1).fit(*pairs)
    rest = np.arange(40, len(X))
    assert separation(learner, X, codes, rest) > separation(as_it_was, X, codes, rest) + 0.02
    space = learner.transform(X)
    assert space.dtype == np.float32
    assert space.shape == (len(X), 2 * X.shape[1]) == (len(X), len(learner.get_feature_names_out()))
    assert parting(space[rest], codes[rest]) > parting(X[rest], codes[rest])


def test_predict_is_the_cosine_of_what_transform_gives():
    X, _, pairs = pairs_of_blobs()
    learner = ContrastiveLearner(steps=20, random_state=0).fit(*pairs)
    cosine = learner.predict(X[:50], X[50:100])
    np.testing.assert_allclose(
        cosine, (learner.transform(X[:50]) * learner.transform(X[50:100])).sum(axis=1), atol=1e-6
    )
    np.testing.assert_allclose(learner.predict(X, X), 1, atol=1e-5)
    assert cosine.dtype == np.float32


def test_similar_pairs_alone_are_enough():
    X, codes = blobs(n_rows=200, n_dims=32, n_classes=40, spread=1.2)
    left, right, similar = make_pairs(codes, 0, n_positives=2, random_state=0)
    train = codes[left] < 30
    learner = ContrastiveLearner(random_state=0).fit(X[left[train]], X[right[train]], similar[train])
    seen = np.flatnonzero(codes < 30)
    as_it_was = ContrastiveLearner(keep=1, steps=1).fit(X[left], X[right], similar)
    assert separation(learner, X, codes, seen) > separation(as_it_was, X, codes, seen)


def test_two_kinds_of_sides_with_a_head_each():
    """As texts with images: another encoder, another number of dimensions."""
    rng = np.random.RandomState(0)
    meaning = rng.randn(300, 6)
    texts = (meaning @ rng.randn(6, 16) + 0.1 * rng.randn(300, 16)).astype(np.float32)
    images = (meaning @ rng.randn(6, 24) + 0.1 * rng.randn(300, 24)).astype(np.float32)
    train, rest = np.arange(250), np.arange(250, 300)
    learner = ContrastiveLearner(keep=0, shared=False, steps=300, random_state=0)
    learner.fit(texts[train], images[train], np.ones(250))
    left, right = learner.transform(texts[rest]), learner.transform(images[rest], right=True)
    assert left.shape == right.shape == (50, 48)
    found = ((left @ right.T).argmax(axis=1) == np.arange(50)).mean()
    assert found > 0.5  # of 50 images the right one comes first; by chance 0.02
    with pytest.raises(ValueError, match="expecting 24 features"):
        learner.transform(texts, right=True)


def test_same_seed_same_learner_and_save_and_load(tmp_path):
    X, _, pairs = pairs_of_blobs()
    learner, again = (ContrastiveLearner(steps=20, random_state=2).fit(*pairs) for _ in range(2))
    np.testing.assert_array_equal(learner.transform(X), again.transform(X))
    learner.save(tmp_path / "learner.safetensors")
    loaded = ContrastiveLearner.load(tmp_path / "learner.safetensors")
    assert loaded.get_params() == learner.get_params()
    np.testing.assert_array_equal(loaded.predict(X, X[::-1]), learner.predict(X, X[::-1]))


def test_the_loss_is_shown_and_the_fit_can_be_stopped():
    X, _, pairs = pairs_of_blobs()
    seen = []
    learner = ContrastiveLearner(random_state=0)

    def callback(step, n_steps, loss, held_out):
        seen.append((step, n_steps, loss, held_out))
        learner.predict(X[:2], X[:2])  # its state so far
        return step < 40

    learner.fit(*pairs, callback=callback)
    assert [step for step, *_ in seen] == list(range(1, 41))
    assert np.mean([loss for *_, loss, _ in seen[-5:]]) < seen[0][2]
    assert learner.loss_curve_ == [loss for *_, loss, _ in seen]


def test_many_pairs_are_held_out_from():
    X, codes = blobs(n_rows=200)
    left, right, similar = make_pairs(codes, random_state=0)
    held_out = []
    ContrastiveLearner(steps=5).fit(X[left], X[right], similar, callback=lambda *report: held_out.append(report[3]))
    assert None not in held_out


@pytest.mark.parametrize(
    ("similar", "message"),
    [
        ([0] * 120, "needs similar pairs, got 120 dissimilar ones alone"),
        ([0.5] * 120, "similar must be 1 or 0 for each pair, got 0.5"),
        (["yes"] * 120, "got 'yes'"),
        ([None] * 120, "got None"),
        ([[1]] * 120, r"got shape \(120, 1\)"),
        ([1] * 5, "inconsistent numbers of samples"),
    ],
)
def test_bad_answers(similar, message):
    X, _ = blobs()
    with pytest.raises(ValueError, match=message):
        ContrastiveLearner().fit(X, X, similar)


def test_bad_sides():
    X, codes = blobs()
    with pytest.raises(ValueError, match=r"X1 has 16 features and X2 5: .* take shared=False"):
        ContrastiveLearner().fit(X, X[:, :5], codes == 0)
    with pytest.raises(ValueError, match="X2 contains NaN"):
        ContrastiveLearner().fit(X, np.where(np.arange(16) == 3, np.nan, X), codes == 0)
    with pytest.raises(ValueError, match=r"^keep of "):
        ContrastiveLearner(keep=2).fit(X, X, codes == 0)
    learner = ContrastiveLearner(steps=1).fit(X, X, codes == 0)
    with pytest.raises(ValueError, match="X has 5 features, but ContrastiveLearner is expecting 16"):
        learner.transform(X[:, :5])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        learner.predict(X, X[:5])
