"""Yes, no or unknown for each of several labels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from labelling.learning.tuners import FeedForwardTuner
from tests.learning.tuners.helpers import blobs, every_tuner


def texts_with_several_labels(n_rows=240, n_dims=24, spread=0.6, seed=0):
    """Rows that lean towards any of three directions at once, and which: bool (n, 3)."""
    rng = np.random.RandomState(seed)
    truth = rng.random_sample((n_rows, 3)) < 0.4
    directions = rng.randn(3, n_dims)
    return (truth @ directions + rng.randn(n_rows, n_dims) * spread).astype(np.float32), truth


@pytest.mark.slow
@every_tuner
@pytest.mark.parametrize("gap", [None, np.nan, -1])
def test_each_label_is_learnt_on_its_own_and_unknown_is_not_no(tuner_class, gap):
    X, truth = texts_with_several_labels()
    y = truth[:120].astype(object)
    # of each row one label is known; of the others nothing
    for row in range(len(y)):
        y[row, np.arange(3) != row % 3] = gap
    tuner = tuner_class(random_state=0).fit(X[:120], y)
    probability = tuner.predict_proba(X[120:])
    assert probability.shape == (120, 3)
    assert ((probability > 0.5) == truth[120:]).mean() > 0.75
    assert tuner.predict(X[120:]).tolist() == (probability > 0.5).astype(int).tolist()
    assert abs(tuner.predict(X).mean() - truth.mean()) < 0.15  # unknown for no would give a third of the yeses


@every_tuner
def test_rows_of_which_nothing_is_known_are_learnt_from(tuner_class):
    X, truth = texts_with_several_labels()
    y = truth.astype(float)
    y[20:] = np.nan
    alone, with_others = tuner_class(random_state=0).fit(X[:20], y[:20]), tuner_class(random_state=0).fit(X, y)
    assert not np.allclose(alone.transform(X), with_others.transform(X))
    assert (with_others.predict(X[20:]) == truth[20:]).mean() > 0.7


def test_the_map_shows_who_has_a_label():
    X, truth = texts_with_several_labels(n_rows=360, n_dims=48)
    rng = np.random.RandomState(1)
    X += rng.randn(360, 8) @ rng.randn(8, 48)  # what the texts differ in most has nothing to do with the labels
    y = truth.astype(float)
    y[120:] = np.nan
    space = FeedForwardTuner(random_state=0).fit_transform(X, y)
    assert space.shape[1] == 2 + 3 + X.shape[1]

    def neighbours_agree(space):
        flat = PCA(2, random_state=0).fit_transform(space)[120:]
        near = np.linalg.norm(flat[:, None] - flat, axis=2).argsort(axis=1)[:, 1:11]
        return ((truth[120:][near].mean(axis=1) > 0.5) == truth[120:]).mean()

    assert neighbours_agree(space) > neighbours_agree(X) + 0.1


@every_tuner
def test_the_columns_of_a_frame_name_the_labels(tuner_class, tmp_path):
    X, truth = texts_with_several_labels()
    cats = pd.DataFrame.from_records(
        [
            {"new-dataset": int(row[0])} | ({"data-quality": int(row[1])} if i % 4 == 0 else {})
            for i, row in enumerate(truth)
        ]
    )
    tuner = tuner_class(steps=30, random_state=0).fit(X, cats)
    assert tuner.classes_.tolist() == ["new-dataset", "data-quality"]
    tuner.save(tmp_path / "tuner")
    loaded = tuner_class.load(tmp_path / "tuner")
    np.testing.assert_array_equal(loaded.predict(X), tuner.predict(X))
    assert loaded.classes_.tolist() == tuner.classes_.tolist()


@every_tuner
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pd.DataFrame({"a": [1, 0, 1, 0], "b": [0, 0, None, 0]}), "'b' has no yes"),
        (pd.DataFrame({"a": [1, 0, 1, 0], "b": [1, 1, None, 1]}), "'b' has no no"),
        ([[1, 0], [0, 1], [2, 0], [0, 1]], "yes.*no.*unknown.* got 2"),
        ([["yes", "no"]] * 4, "got 'yes'"),
    ],
)
def test_bad_labels(tuner_class, y, message):
    with pytest.raises(ValueError, match=message):
        tuner_class(steps=1).fit(np.eye(4), y)


@every_tuner
def test_class_weights_by_name_are_for_one_label_a_row(tuner_class):
    with pytest.raises(ValueError, match="class_weight must be 'balanced' or None"):
        tuner_class(class_weight={0: 1, 1: 2}).fit(np.eye(4), np.eye(4)[:, :2])


@every_tuner
def test_one_column_with_gaps_is_one_label_with_two_values(tuner_class):
    X, codes = blobs(n_classes=2)
    y = np.where(np.arange(len(X)) < 40, codes, np.nan)
    tuner = tuner_class(random_state=0).fit(X, y)
    assert tuner.classes_.tolist() == [0, 1]
    assert (tuner.predict(X) == codes).mean() > 0.95
