"""Embeddings smoothed over a graph, and the classifier that walks on it."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_classifiers_classes, parametrize_with_checks

from labelling.learning.graph import GraphClassifier, smooth, walk_matrix
from labelling.projections.nearest import neighbours
from tests.learning.tuners.helpers import blobs

REASON = "one case uses -1 as a class, which marks unlabelled rows here; run without that case below"


def graph_of(X, k=8):
    return neighbours(X, None, k, 0, lambda done, total: None)[0]


def test_half_of_a_row_stays_and_half_is_its_neighbours():
    X = np.eye(3, dtype=np.float32)
    graph = np.array([[1, 2], [0, -1], [-1, -1]])
    expected = np.array([[1, 0.5, 0.5], [1, 1, 0], [0, 0, 1]])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    smoothed = smooth(X, graph, rounds=1)
    assert smoothed.dtype == np.float32
    np.testing.assert_allclose(smoothed, expected, atol=1e-6)
    np.testing.assert_allclose(smooth(X, graph), smooth(smoothed, graph, rounds=1), atol=1e-6)


def test_smoothing_makes_neighbours_alike_and_leaves_what_is_no_vector():
    X, codes = blobs(spread=2.0)
    graph = graph_of(X)
    same = codes[graph] == codes[:, None]
    near = lambda space: np.einsum("ik,ijk->ij", space, space[graph])[same].mean()  # noqa: E731
    assert near(smooth(X, graph)) > near(smooth(X, graph, rounds=0)) + 0.05
    X[3] = np.nan
    graph[graph == 3] = -1
    assert np.isnan(smooth(X, graph)).all(axis=1).nonzero()[0].tolist() == [3]
    with pytest.raises(ValueError, match="of the same rows, got 5 and 120"):
        smooth(X[:5], graph)


def test_a_step_goes_both_ways_with_equal_chances():
    steps = walk_matrix(np.array([[1], [2], [1], [-1]])).toarray()
    np.testing.assert_allclose(steps, [[0, 1, 0, 0], [0.5, 0, 0.5, 0], [0, 1, 0, 0], [0, 0, 0, 0]])


@pytest.mark.slow
@parametrize_with_checks([GraphClassifier()], expected_failed_checks=lambda _: {"check_classifiers_classes": REASON})
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_scikit_learn_contract_for_semi_supervised_classes():
    check_classifiers_classes("LabelSpreading", GraphClassifier())


def test_few_labels_are_enough():
    X, codes = blobs(n_rows=300, n_dims=32, n_classes=6, spread=1.0)
    names = np.array(list("abcdef"), dtype=object)
    y = np.where(np.arange(300) < 18, names[codes], None)
    assert set(y[:18]) == set(names)
    model = GraphClassifier().fit(X, y, graph_of(X))
    assert model.label_distributions_.shape == (300, 6)
    assert model.label_distributions_.dtype == np.float32
    guessed = model.classes_[model.label_distributions_.argmax(axis=1)]
    assert (guessed[18:] == names[codes][18:]).mean() > 0.9
    new, new_codes = blobs(n_rows=300, n_dims=32, n_classes=6, spread=1.0)
    assert (model.predict(new) == names[new_codes]).mean() > 0.9
    np.testing.assert_allclose(model.predict_proba(new).sum(axis=1), 1, atol=1e-5)


def test_rows_far_from_all_labels_have_no_support():
    X, codes = blobs(n_rows=200, n_dims=32, n_classes=4, spread=1.5)
    y = np.where((np.arange(200) < 60) & (codes < 2), codes, -1)
    model = GraphClassifier().fit(X, y, graph_of(X))
    seen = codes < 2
    assert (model.support_[y >= 0] == 1).all()
    assert model.support_[seen].min() > 0.5
    assert model.support_[~seen].mean() < model.support_[seen].min()
    assert model.confidence(0)[~seen].mean() > model.confidence(1)[~seen].mean()
    np.testing.assert_array_equal(model.confidence(0), model.label_distributions_.max(axis=1))


def test_what_was_made_beforehand_gives_the_same():
    X, codes = blobs()
    graph = graph_of(X)
    y = np.where(np.arange(len(X)) < 30, codes, -1)
    whole = GraphClassifier().fit(X, y, graph)
    parts = GraphClassifier().fit_smoothed(smooth(X, graph), walk_matrix(graph), whole.classes_, y)
    np.testing.assert_array_equal(whole.label_distributions_, parts.label_distributions_)
    A, one_hot = smooth(X, graph)[:30], np.eye(len(whole.classes_))[codes[:30]]
    A = A - A.mean(axis=0)
    np.testing.assert_allclose(whole._coef, np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T @ one_hot), atol=1e-4)
    order = np.random.RandomState(0).permutation(len(X))
    ordered = GraphClassifier().fit_smoothed(smooth(X, graph), walk_matrix(graph), whole.classes_, y, order)
    np.testing.assert_allclose(whole.label_distributions_, ordered.label_distributions_, atol=1e-5)
    np.testing.assert_allclose(whole.support_, ordered.support_, atol=1e-5)


def test_what_a_row_is_said_not_to_be_leaves_its_score_to_its_other_classes():
    X, codes = blobs(n_rows=200, n_dims=32, n_classes=4, spread=3.0)
    model = GraphClassifier().fit(X, np.where(np.arange(200) < 60, codes, -1), graph_of(X))
    before = model.label_distributions_.copy()
    first = before[100].argmax()
    model.deny(np.array([100, 150, 150, 150, 150]), np.array([first, 0, 1, 2, 3]))
    after = model.label_distributions_
    assert after[100, first] == -1
    others = np.arange(4) != first
    grown = before[100].sum() / before[100, others].sum()
    assert grown > 1
    np.testing.assert_allclose(after[100, others], before[100, others] * grown, rtol=1e-5)
    assert (after[150] == -1).all()
    np.testing.assert_array_equal(np.delete(after, [100, 150], 0), np.delete(before, [100, 150], 0))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 1, -1, -1], "needs at least two labels, got one class: 1"),
        ([None] * 4, "needs at least two labels, got none"),
        (np.eye(4), "one label a row, got a column for each label"),
        ([0, 1, 0], "inconsistent numbers of samples"),
    ],
)
def test_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        GraphClassifier().fit(np.eye(4), y)


@pytest.mark.parametrize("parameters", [{"alpha": 0}, {"rounds": -1}, {"n_neighbors": 0}])
def test_bad_parameters(parameters):
    with pytest.raises(ValueError, match=f"^{next(iter(parameters))} of GraphClassifier must be"):
        GraphClassifier(**parameters).fit(np.eye(4), [0, 1, 0, 1])
