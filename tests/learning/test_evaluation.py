import json
import threading

import numpy as np
import pytest
from scipy.stats import t
from sklearn.base import BaseEstimator, TransformerMixin

from labelling.learning.evaluation import (
    MAX_LABELLED,
    Evaluation,
    Figures,
    TooFewLabels,
    _summary,
    evaluate,
    neighbours_kept,
)
from labelling.learning.tuners import FeedForwardTuner

NOTHING = np.zeros((0, 6), np.float32)


class Memoriser(TransformerMixin, BaseEstimator):
    """Over-fits as hard as can be: a row that is near a labelled one gets its label's corner, the rest stay."""

    def __init__(self, reach=0.05):
        self.reach = reach

    def fit(self, X, y):
        known = np.array([name is not None for name in y])
        self.X_, self.y_ = X[known], y[known]
        self.names_ = sorted(set(self.y_))
        return self

    def transform(self, X):
        distance = np.linalg.norm(X[:, None] - self.X_, axis=2)
        corner = np.eye(len(self.names_))[[self.names_.index(name) for name in self.y_]]
        near = distance.min(axis=1) < self.reach
        return np.hstack([X, 20 * near[:, None] * corner[distance.argmin(axis=1)]]).astype(np.float32)


class FirstDimension(Memoriser):
    """Another space, without most of what there is."""

    def transform(self, X):
        return X[:, :1]


def lassos(n_lassos=12, n_rows=20, spread=0.01, n_dims=6, seed=0):
    """Lassos of near-copies at random places, their labels in turn: where a lasso is says nothing of its label."""
    rng = np.random.RandomState(seed)
    group = np.repeat(np.arange(n_lassos), n_rows)
    X = (rng.randn(n_lassos, n_dims)[group] + spread * rng.randn(len(group), n_dims)).astype(np.float32)
    return X, np.array(["even", "odd"], object)[group % 2], group


def clusters(n_labels=3, n_lassos=3, n_rows=10, spread=0.3, nuisance=2.0, seed=0):
    """Labels that lie apart in some dimensions and are mixed in stronger ones."""
    rng = np.random.RandomState(seed)
    label = np.repeat(np.arange(n_labels), n_lassos * n_rows)
    group = np.arange(len(label)) // n_rows
    X = np.hstack(
        [np.eye(n_labels)[label] + spread * rng.randn(len(label), n_labels), nuisance * rng.randn(len(label), 3)]
    )
    return X.astype(np.float32), np.array([f"label {code}" for code in label], object), group


def test_a_row_wise_split_lies_and_the_one_by_lassos_does_not():
    X, y, group = lassos()
    by_rows = evaluate(X, y, np.arange(len(X)), NOTHING, {"old": None, "new": Memoriser()})
    by_lassos = evaluate(X, y, group, NOTHING, {"old": None, "new": Memoriser()})
    assert by_rows.figures["new"].in_space > 0.95  # copies of the training rows
    assert by_rows.n_groups == len(X)
    assert by_lassos.figures["new"].in_space < 0.7
    assert by_lassos.n_groups == 12
    assert by_lassos.verdict("new") != "better"


def test_what_a_tuner_gains_on_labels_that_it_has_not_seen():
    X, y, group = clusters(n_lassos=8, n_rows=5, nuisance=3)
    found = evaluate(X, y, group, X[::2], {"old": None, "new": FeedForwardTuner(keep=0.2, random_state=0)})
    assert found.baseline == "old"
    assert found.gain["new"] == pytest.approx(found.figures["new"].in_space - found.figures["old"].in_space)
    assert found.gain["new"] > 0.2
    assert found.enough
    assert found.verdict("new") == "better"
    assert found.gain["old"] == found.margin["old"] == 0
    assert found.counts == {"label 0": 40, "label 1": 40, "label 2": 40}
    assert found.n_rows == 120
    for figures in found.figures.values():
        assert figures.in_space == pytest.approx(np.mean(list(figures.recall.values())))


def test_the_tuner_handed_in_is_left_unfitted_and_never_sees_a_held_out_label():
    X, y, group = clusters(n_labels=2, n_lassos=2)
    seen = []

    class Spy(Memoriser):
        def fit(self, X, y):
            seen.append(np.array([name is not None for name in y]))
            return super().fit(X, y)

    tuner = Spy()
    evaluate(X, y, group, X[:7], {"old": None, "new": tuner})
    assert not hasattr(tuner, "X_")
    assert len(seen) == 2  # folds
    for known in seen:
        assert len(known) == len(X) + 7
        assert not known[len(X) :].any()
        assert all(
            known[: len(X)][group == number].all() or not known[: len(X)][group == number].any() for number in group
        )
    assert (sum(known[: len(X)] for known in seen) == 1).all()  # each row is held out once


def test_a_label_given_in_one_lasso_is_said_not_to_be_measured():
    X, y, group = clusters(n_labels=3)
    group[y == "label 1"] = 99
    found = evaluate(X, y, group, NOTHING, {"old": None})
    assert found.not_measured == ("label 1",)
    assert set(found.counts) == set(found.figures["old"].recall) == {"label 0", "label 2"}
    assert found.n_rows == 60


def test_a_lasso_that_is_most_of_its_label_is_not_held_out():
    X, y, group = clusters(n_labels=2, n_lassos=5, n_rows=10)
    group[(y == "label 0") & (group < 4)] = 0  # one lasso of 40 rows, one of 10
    found = evaluate(X, y, group, X[:0], {"old": None})
    assert found.counts == {"label 0": 10, "label 1": 50}
    assert found.n_groups == 6


def test_few_lassos_are_said_to_be_too_few():
    X, y, group = clusters(n_labels=2, n_lassos=2)
    found = evaluate(X, y, group, X[:0], {"old": None, "new": FeedForwardTuner(keep=0.2, random_state=0)})
    assert found.n_groups == 4
    assert not found.enough


@pytest.mark.parametrize("n_rows", [1, 2])
def test_too_few_labels_to_tell(n_rows):
    X, y, group = clusters(n_labels=2, n_lassos=1, n_rows=n_rows)
    with pytest.raises(TooFewLabels, match="at least two labels in two lassos each"):
        evaluate(X, y, group, NOTHING, {"old": None})
    X, y, group = clusters(n_labels=1, n_lassos=2, n_rows=10 * n_rows)
    with pytest.raises(TooFewLabels):
        evaluate(X, y, group, NOTHING, {"old": None})


@pytest.mark.parametrize(("n_labels", "n_in_two"), [(10, 0), (10, 1), (10, 2), (2, 1)])
def test_where_labels_were_given_in_one_lasso_rows_are_held_out_and_it_is_said_to_flatter(n_labels, n_in_two):
    X, y, group = clusters(n_labels=n_labels, n_lassos=2, n_rows=20)
    for code in range(n_in_two, n_labels):
        group[y == f"label {code}"] = 1000 + code
    found = evaluate(X, y, group, X[:0], {"old": None, "new": Memoriser()})
    by_rows = evaluate(X, y, np.arange(len(X)), X[:0], {"old": None, "new": Memoriser()})
    assert found.flatters
    assert not by_rows.flatters
    assert not found.enough, "it tells nothing"
    assert by_rows.enough
    assert found.n_rows == found.n_groups == len(X)
    assert found.margin == by_rows.margin  # row by row
    assert found.figures == by_rows.figures
    assert found.not_measured == ()
    assert set(found.counts) == set(y)
    assert Evaluation.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_the_margin_of_rows_is_that_of_a_mean():
    rng = np.random.RandomState(0)
    old, new = rng.rand(2, 120) < [[0.5], [0.7]]
    y = np.array(["a", "b"], object)[np.arange(120) % 2]
    found = _summary(y, np.arange(120), {"old": old, "new": new}, ())
    difference = new.astype(float) - old
    assert found.gain["new"] == pytest.approx(difference.mean())
    interval = t.interval(0.95, 119, difference.mean(), difference.std(ddof=1) / np.sqrt(120))
    assert found.margin["new"] == pytest.approx((interval[1] - interval[0]) / 2)


def test_enough_lassos_are_held_out_whole_though_some_labels_have_one():
    X, y, group = clusters(n_labels=4, n_lassos=3)
    group[y == "label 3"] = 99
    found = evaluate(X, y, group, NOTHING[:, :1].repeat(X.shape[1], axis=1), {"old": None})
    assert not found.flatters
    assert found.n_groups == 9
    assert found.not_measured == ("label 3",)


def test_an_evaluation_from_before_was_of_the_quick_map_and_is_none():
    X, y, group = clusters()
    values = evaluate(X, y, group, NOTHING, {"old": None}).to_dict()
    assert Evaluation.from_dict(values) is not None
    values["figures"]["old"]["on_map"] = 0.5
    assert Evaluation.from_dict(values) is None


def test_two_rows_a_label_are_enough_where_each_was_labelled_on_its_own():
    X, y, group = clusters(n_labels=2, n_lassos=2, n_rows=1)
    found = evaluate(X, y, group, X, {"old": None, "new": FeedForwardTuner(steps=5, random_state=0)})
    assert found.n_rows == found.n_groups == 4


def test_progress_and_stop():
    X, y, group = clusters()
    seen = []
    evaluate(X, y, group, NOTHING, {"old": None, "new": Memoriser()}, on_progress=lambda *report: seen.append(report))
    assert seen == [(done, 6) for done in range(1, 7)]
    stop = threading.Event()
    stop_soon = lambda done, total: stop.set() if done == 2 else None  # noqa: E731
    assert evaluate(X, y, group, NOTHING, {"old": None}, on_progress=stop_soon, stop=stop) is None


def test_of_very_many_labels_a_sample_is_held_out():
    rng = np.random.RandomState(0)
    y = np.array(["a", "b"], object)[np.arange(MAX_LABELLED + 500) % 2]
    X = rng.randn(len(y), 6).astype(np.float32)
    found = evaluate(X, y, np.arange(len(y)) // 50 * 2 + np.arange(len(y)) % 2, NOTHING, {"old": None})
    assert found.n_rows == MAX_LABELLED


def test_an_evaluation_goes_through_json():
    X, y, group = clusters()
    found = evaluate(X, y, group, NOTHING, {"0": None, "1": Memoriser()})
    again = Evaluation.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found
    assert again.baseline == "0"
    assert isinstance(again.figures["1"], Figures)


def test_the_margin_counts_lassos_and_not_rows():
    """Ten times as many copies of each row in each lasso say nothing new."""
    X, y, group = clusters(nuisance=0.5)
    few = evaluate(X, y, group, NOTHING, {"old": None, "new": FirstDimension()})
    many = evaluate(
        np.repeat(X, 10, axis=0),
        np.repeat(y, 10),
        np.repeat(group, 10),
        NOTHING,
        {"old": None, "new": FirstDimension()},
    )
    assert many.n_rows == 10 * few.n_rows
    assert many.margin["new"] > few.margin["new"] / 2  # and not a third of it, as the root of 10 would have it


def test_neighbours_kept():
    rng = np.random.RandomState(0)
    X = rng.randn(200, 8).astype(np.float32)
    assert neighbours_kept(X, 3 * X) == 1
    assert neighbours_kept(X, np.hstack([X, np.zeros((200, 3), np.float32)])) == 1
    noise = neighbours_kept(X, rng.randn(200, 8).astype(np.float32))
    assert 0.03 < noise < 0.15  # by chance 15 of 199
    assert noise < neighbours_kept(X, X + 0.3 * rng.randn(200, 8).astype(np.float32)) < 1
    assert neighbours_kept(X[:16], X[:16]) is None


def test_equal_texts_are_neighbours_like_others():
    X = np.repeat(np.random.RandomState(0).randn(2, 4), 30, axis=0).astype(np.float32)
    kept = neighbours_kept(X, X)
    assert kept is not None
    assert kept > 0.9
