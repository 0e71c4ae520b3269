"""How near rows are to the labelled ones, and the suggestions that are made with it."""

import numpy as np
import pytest
from sklearn.preprocessing import normalize

from labelling.learning import support as module
from labelling.learning.memory import Memory
from labelling.learning.support import support
from labelling.learning.targets import read_targets
from labelling.learning.tuners import FeedForwardTuner
from tests.learning.tuners.helpers import blobs, every_tuner


def memory_of(X: np.ndarray, y: list) -> Memory:
    return Memory.of(normalize(X), read_targets(y), np.random.RandomState(0))


def on_circle(*degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def test_support_is_all_among_its_own_and_none_among_others() -> None:
    memory = memory_of(on_circle(0, 10, 90, 100), ["a", "a", "b", "b"])
    # Its own lie 10 degrees away; of the other label the mean cosine to its two rows, and of the four the median.
    same = np.cos(np.radians(10))
    to_other = [(np.cos(np.radians(90)) + np.cos(np.radians(100))) / 2, (np.cos(np.radians(80)) + 0) / 2]
    other = np.mean(to_other)
    asked = on_circle(5, 50, 300, 100)
    expected = [
        (np.cos(np.radians([asked_at, asked_at - 10])).mean() - other) / (same - other) for asked_at in (5, 50, 300)
    ]
    found = support(asked, np.array([0, 0, 0, 0]), memory)
    np.testing.assert_allclose(found[:3], np.clip(expected, 0, 1), atol=1e-5)
    assert found[0] == 1
    assert 0 < found[1] < found[0]
    assert found[3] == 0, "as far as another label"
    assert support(asked, np.array([0, 0, 0, 1]), memory)[3] == 1
    assert found.dtype == np.float32


def test_labels_that_do_not_part_support_nothing() -> None:
    memory = memory_of(on_circle(0, 90, 0, 90), ["a", "a", "b", "b"])
    assert not support(on_circle(0, 45, 90), np.zeros(3, int), memory).any()


def test_labels_of_one_row_each_support_what_is_equal() -> None:
    found = support(on_circle(0, 30, 90), np.zeros(3, int), memory_of(on_circle(0, 90), ["a", "b"]))
    np.testing.assert_allclose(found, [1, np.cos(np.radians(30)), 0], atol=1e-6)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    X, codes = blobs(spread=1.0)
    memory = memory_of(X[:30], codes[:30].tolist())
    whole = support(normalize(X), codes, memory)
    monkeypatch.setattr(module, "CHUNK_ROWS", 7)
    np.testing.assert_allclose(support(normalize(X), codes, memory), whole, atol=1e-6)


@every_tuner
def test_a_label_that_nobody_has_named_is_not_swallowed(tuner_class: type) -> None:
    X, codes = blobs(n_rows=300, n_classes=6, spread=0.6)
    names = np.array([*"abcdef"], object)
    y = np.where((np.arange(300) < 60) & (codes < 3), names[codes], None)  # three of six are named
    tuner = tuner_class(random_state=0, steps=100).fit(X, y)
    places, sure = tuner.suggest(X)
    bare = tuner.predict_proba(X)
    np.testing.assert_array_equal(places, bare.argmax(axis=1))
    assert (sure <= bare.max(axis=1) + 1e-6).all()
    assert sure.dtype == np.float32
    left, unnamed = np.arange(300) >= 60, codes >= 3
    right = tuner.classes_[places] == names[codes]
    assert (bare.max(axis=1) >= 0.7)[left & unnamed].mean() > 0.3, "the probability alone swallows them"
    assert (sure >= 0.7)[left & unnamed].mean() < 0.02
    assert (sure >= 0.7)[left & ~unnamed].mean() > 0.3
    assert right[left & (sure >= 0.7)].mean() > 0.95


def test_yes_no_and_unknown_get_no_suggestions() -> None:
    X, codes = blobs()
    tuner = FeedForwardTuner(steps=5, random_state=0).fit(X, (codes[:, None] == [0, 1]).astype(float))
    with pytest.raises(ValueError, match="one label a row"):
        tuner.suggest(X)
