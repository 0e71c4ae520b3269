import numpy as np
import pytest

from labelling.learning.memory import MEMORY_ROWS, Memory
from labelling.learning.targets import Targets
from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner
from tests.learning.tuners.helpers import blobs, every_tuner

pytestmark = pytest.mark.slow

NAMES = np.array(["bill", "card", "refund", "travel"], dtype=object)


def stream(tuner, X, y, n_batch=10, **first):
    for start in range(0, len(X), n_batch):
        tuner.partial_fit(X[start : start + n_batch], y[start : start + n_batch], **(first if start == 0 else {}))
    return tuner


@every_tuner
def test_a_stream_sorted_by_label_is_learnt_without_forgetting(tuner_class):
    X, codes = blobs(n_rows=160, n_classes=4, spread=0.8)
    train, rest = np.arange(80), np.arange(80, 160)
    order = train[np.argsort(codes[train], kind="stable")]
    tuner = stream(tuner_class(random_state=0), X[order], NAMES[codes[order]])
    assert tuner.classes_.tolist() == NAMES.tolist()
    for code in range(4):
        rows = rest[codes[rest] == code]
        assert (tuner.predict(X[rows]) == NAMES[code]).mean() > 0.85
    probability = tuner.predict_proba(X)
    assert probability.shape == (160, 4)
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)


@every_tuner
def test_one_class_to_begin_with_then_a_new_one_that_sorts_before_it(tuner_class):
    X, codes = blobs(n_classes=2)
    tuner = tuner_class(random_state=0).partial_fit(X[codes == 1][:20], ["refund"] * 20)
    assert set(tuner.predict(X)) == {"refund"}
    n_columns = tuner.transform(X).shape[1]
    tuner.partial_fit(X[codes == 0][:20], ["card"] * 20)
    assert tuner.classes_.tolist() == ["card", "refund"]
    assert (tuner.predict(X) == np.array(["card", "refund"])[codes]).mean() > 0.95
    assert tuner.transform(X).shape[1] == n_columns + (tuner_class is FeedForwardTuner)
    assert tuner.transform(X).shape[1] == len(tuner.get_feature_names_out())


@every_tuner
def test_labels_to_come_can_be_named_and_are_not_predicted_before_they_come(tuner_class):
    X, codes = blobs(n_classes=4)
    first = np.flatnonzero(codes < 2)
    tuner = tuner_class(random_state=0).partial_fit(X[first], NAMES[codes[first]], classes=NAMES)
    n_columns = tuner.transform(X).shape[1]
    assert tuner.predict_proba(X).shape == (len(X), 4)
    assert set(tuner.predict(X[first])) == {"bill", "card"}
    tuner.partial_fit(X[codes >= 2], NAMES[codes[codes >= 2]])
    assert tuner.transform(X).shape[1] == n_columns
    assert (tuner.predict(X) == NAMES[codes]).mean() > 0.95


@every_tuner
def test_a_batch_of_names_alone_and_unlabelled_rows_are_fine(tuner_class):
    X, codes = blobs(n_classes=2)
    tuner = tuner_class(random_state=0).partial_fit(X[:4], [None] * 4, classes=["card", "refund"])
    assert np.isfinite(tuner.transform(X)).all()
    tuner.partial_fit(X, np.where(np.arange(len(X)) < 40, np.array(["card", "refund"], object)[codes], None))
    assert tuner.memory_.n_seen == 40
    assert (tuner.predict(X) == np.array(["card", "refund"])[codes]).mean() > 0.9


@every_tuner
def test_it_goes_on_after_a_fit_and_after_loading(tuner_class, tmp_path):
    X, codes = blobs(n_rows=160, n_classes=4)
    old = codes < 3
    tuner = tuner_class(random_state=0).fit(X[old], codes[old])
    tuner.save(tmp_path / "tuner")
    loaded = tuner_class.load(tmp_path / "tuner")
    for each in (tuner, loaded):
        stream(each, X[~old], codes[~old])
        assert each.classes_.tolist() == [0, 1, 2, 3]
        assert (each.predict(X) == codes).mean() > 0.95
    np.testing.assert_array_equal(loaded.transform(X), tuner.transform(X))


@every_tuner
def test_the_same_stream_gives_the_same_tuner_and_fit_starts_afresh(tuner_class):
    X, codes = blobs()
    first, again = (stream(tuner_class(random_state=1), X, codes, n_batch=30) for _ in range(2))
    np.testing.assert_array_equal(first.transform(X), again.transform(X))
    first.fit(X, codes)
    np.testing.assert_array_equal(first.transform(X), tuner_class(random_state=1).fit(X, codes).transform(X))


@every_tuner
def test_bad_batches(tuner_class):
    X, codes = blobs()
    with pytest.raises(ValueError, match="needs a label, got none"):
        tuner_class().partial_fit(X, [None] * len(X))
    tuner = tuner_class().partial_fit(X, codes)
    before = tuner.transform(X)
    with pytest.raises(ValueError, match="X has 5 features"):
        tuner.partial_fit(X[:, :5], codes)
    with pytest.raises(ValueError, match="all text or all numbers"):
        tuner.partial_fit(X, NAMES[codes])
    with pytest.raises(ValueError, match="can't be mixed"):
        tuner.partial_fit(X, np.eye(3)[codes])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        tuner.partial_fit(X, codes[:5])
    np.testing.assert_array_equal(tuner.transform(X), before)  # a refused batch leaves no trace


def test_yes_no_unknown_in_a_stream():
    X, codes = blobs(n_classes=2)
    y = np.column_stack([codes == 0, codes == 1]).astype(float)
    y[::2, 1] = np.nan
    for tuner in (FeedForwardTuner(random_state=0), ContrastiveTuner(random_state=0)):
        stream(tuner, X, y, n_batch=30)
        assert (tuner.predict(X)[:, 0] == (codes == 0)).mean() > 0.95


def test_the_memory_is_an_even_sample_of_the_stream_by_class():
    rng = np.random.RandomState(0)
    # a stream of a frequent class, its rows numbered as they come, and a rare one
    memory = Memory.of(np.zeros((0, 1), np.float32), Targets(np.zeros(0, int), np.zeros(0, int)), None)
    for start in range(0, 20_000, 500):
        x = np.arange(start, start + 500, dtype=np.float32)[:, None]
        memory = memory.add(x, Targets(np.array([0, 1]), (x[:, 0] % 100 == 0).astype(int)), rng, None)
    assert len(memory.x) == MEMORY_ROWS == len(memory.keys) == len(memory.targets.codes)
    assert memory.n_seen == 20_000
    rare = memory.targets.codes == 1
    assert rare.sum() == 200  # all of them
    frequent = memory.x[~rare, 0]
    assert (frequent % 100 != 0).all()
    assert abs((frequent < 10_000).mean() - 0.5) < 0.05
