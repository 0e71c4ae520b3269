"""Recordings of maps while a tuner trains."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labelling import projections
from labelling.learning.separation import Recording, SeparationError, record
from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner

N_STEPS = 20


def blobs(n_rows: int = 40, n_dims: int = 12, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Three classes that PCA does not part: two other dimensions have more noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(3 * n_rows, n_dims))
    X[:, :2] *= 5
    y = np.repeat(np.arange(3), n_rows)
    X[np.arange(len(X)), 2 + y] += 7
    return X.astype(np.float32), [f"label {code}" for code in y]


class Spy:
    """A tuner that learns nothing, reports N_STEPS times, and remembers what it was given."""

    def __init__(self, space: Callable[[np.ndarray, int], np.ndarray] = lambda X, step: X) -> None:
        self.space, self.step = space, 0

    def fit(self, X: np.ndarray, y: Any, callback: Callable[..., bool]) -> "Spy":
        self.X, self.y = X, list(y)
        self.classes_ = sorted({label for label in y if label is not None})
        for self.step in range(1, N_STEPS + 1):
            if not callback(self.step, N_STEPS, 1 / self.step, None):
                break
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        return self.space(X, self.step)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.array([self.classes_[0]] * len(X), object)

    def get_params(self) -> dict[str, Any]:
        return {"hidden_dim": 3}


def check(recording: Recording, n_points: int) -> None:
    """What holds for every recording."""
    n_frames = len(recording.steps)
    assert recording.xy.shape == (n_frames, n_points, 2)
    assert recording.xy.dtype == np.float32
    assert np.isfinite(recording.xy).all()
    assert recording.steps[0] == 0
    assert (np.diff(recording.steps) > 0).all()
    assert len(recording.neighbours) == len(recording.accuracy) == n_frames
    assert np.isnan(recording.accuracy[0])
    assert len(recording.rows) == len(recording.codes) == n_points == len(set(recording.rows))
    assert recording.codes.max() < len(recording.names) == len(recording.given)


@pytest.mark.parametrize("tuner_class", [FeedForwardTuner, ContrastiveTuner])
def test_the_other_texts_part_while_the_tuner_trains(tuner_class: type) -> None:
    X, y = blobs()
    seen: list[tuple[int, int]] = []
    tuner = tuner_class(hidden_dim=16, steps=100, random_state=0)
    recording = record(X, y, tuner, n_labelled=8, n_frames=10, on_progress=lambda *at: seen.append(at))
    check(recording, 3 * 32)
    assert recording.steps[-1] == 100
    assert len(recording.steps) == 10
    assert recording.given == (8, 8, 8)
    assert recording.names == ("label 0", "label 1", "label 2")
    assert [recording.names[code] for code in recording.codes] == [y[row] for row in recording.rows]
    assert recording.neighbours[0] < 0.7 < recording.neighbours[-1]
    assert recording.accuracy[-1] > 0.7
    assert recording.accuracy[-1] == np.mean(tuner.predict(X[recording.rows]) == np.array(y)[recording.rows])
    assert seen[-1] == (100, 100)
    assert [step for step, *_ in recording.losses] == [step for step, _ in seen]
    assert recording.settings["hidden_dim"] == 16
    # What is in between is neither the beginning nor the end.
    moved = np.abs(recording.xy[5] - recording.xy[[0, -1]]).max(axis=(1, 2))
    assert (moved > 0.01).all()


def test_the_tuner_is_told_no_label_of_a_text_that_is_shown() -> None:
    X, y = blobs()
    spy = Spy()
    recording = record(X, y, spy, n_labelled=5)
    told = {tuple(x): label for x, label in zip(spy.X, spy.y, strict=True)}
    assert len(told) == len(X)
    assert all(told[tuple(X[row])] is None for row in recording.rows)
    others = sorted(set(range(len(X))) - set(recording.rows))
    assert [told[tuple(X[row])] for row in others] == [y[row] for row in others]
    assert len(others) == 15


def test_the_first_frame_is_the_map_before() -> None:
    X, y = blobs()
    recording = record(X, y, Spy(), n_labelled=5)
    before = projections.pca(X[recording.rows])
    before -= before.mean(axis=0)
    ratio = recording.xy[0] / before
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)


def test_a_seed_makes_it_repeat() -> None:
    X, y = blobs()
    tuner = FeedForwardTuner(hidden_dim=8, steps=20, random_state=1)
    first, again = (record(X, y, tuner, n_labelled=5, random_state=1, n_frames=5) for _ in range(2))
    np.testing.assert_array_equal(first.xy, again.xy)
    np.testing.assert_array_equal(first.rows, again.rows)
    assert first.losses == again.losses
    other = record(X, y, tuner, n_labelled=5, random_state=2, n_frames=5)
    assert first.rows.tolist() != other.rows.tolist()


def test_a_space_that_turns_flips_and_grows_gives_a_map_at_rest() -> None:
    def turned(X: np.ndarray, step: int) -> np.ndarray:
        rotation = np.linalg.qr(np.random.default_rng(step).normal(size=(X.shape[1],) * 2))[0]
        return (-1) ** step * 10.0 ** (step % 5) * (X + step) @ rotation

    X, y = blobs()
    recording = record(X, y, Spy(turned), n_labelled=5)
    assert len(recording.steps) == N_STEPS + 1
    np.testing.assert_allclose(recording.xy, np.broadcast_to(recording.xy[0], recording.xy.shape), atol=1e-3)
    low, high = recording.box
    assert ((recording.xy >= low) & (recording.xy <= high)).all()


def test_as_many_points_and_frames_as_asked() -> None:
    X, y = blobs()
    recording = record(X, y, Spy(), n_labelled=5, n_frames=5, max_points=20)
    check(recording, 20)
    assert recording.steps.tolist() == [0, 5, 10, 15, 20]


def test_stopped_it_gives_what_there_is_so_far() -> None:
    X, y = blobs()
    stop = threading.Event()

    def on_progress(step: int, n_steps: int) -> None:
        if step == 6:
            stop.set()

    recording = record(X, y, Spy(), n_labelled=5, on_progress=on_progress, stop=stop)
    assert recording.steps.tolist() == [0, 1, 2, 3, 4, 5, 6]
    check(recording, 105)


def test_rows_without_a_text_or_a_label_are_left_out() -> None:
    X, y = blobs()
    labels: list[Any] = list(y)
    labels[0], labels[1], labels[2], labels[3] = None, float("nan"), "", "  "
    X[4] = np.nan
    labels[5] = f"  {y[5]} "
    recording = record(X, labels, Spy(), n_labelled=5)
    check(recording, 3 * 40 - 15 - 5)
    assert recording.names == ("label 0", "label 1", "label 2")


def test_labels_may_be_numbers() -> None:
    X, y = blobs()
    recording = record(X, np.array([int(name[-1]) - 1 for name in y]), Spy(), n_labelled=5)
    assert recording.names == ("-1", "0", "1")


def test_a_rare_label_gives_at_most_half_of_its_texts() -> None:
    X, y = blobs()
    labels = [*y[:-4], *["rare"] * 3, "once"]
    recording = record(X, labels, Spy(), n_labelled=10)
    assert dict(zip(recording.names, recording.given, strict=True)) == {
        "label 0": 10, "label 1": 10, "label 2": 10, "once": 1, "rare": 1,
    }  # fmt: skip
    assert np.bincount(recording.codes, minlength=5).tolist() == [30, 30, 26, 0, 2]


def test_one_text_left_to_show_is_a_map_too() -> None:
    X, _ = blobs()
    recording = record(X[:3], ["a", "b", "b"], Spy(), n_labelled=10)
    check(recording, 1)
    assert np.isnan(recording.neighbours).all()


def test_texts_that_are_all_the_same_have_a_map() -> None:
    recording = record(np.ones((20, 4), np.float32), ["a", "b"] * 10, Spy(), n_labelled=3)
    check(recording, 14)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"] * 6, "all texts with a label have the same, 'a'"),
        ([None] * 6, "no text has a label"),
        (list("abcdef"), "each of the 6 labels has one text only"),
    ],
)
def test_labels_that_part_nothing_are_refused(labels: list[Any], message: str) -> None:
    with pytest.raises(SeparationError, match=message):
        record(np.eye(6, dtype=np.float32), labels, Spy(), n_labelled=2)


@pytest.mark.parametrize(
    ("embeddings", "settings", "message"),
    [
        (np.zeros(6), {}, r"must be 2-D, got shape \(6,\)"),
        (np.zeros((5, 2)), {}, "got 6 for 5 rows"),
        (np.eye(6), {"n_labelled": 0}, "n_labelled=0"),
        (np.eye(6), {"n_frames": 1}, "n_frames=1"),
        (np.eye(6), {"max_points": 0}, "max_points=0"),
    ],
)
def test_wrong_input_is_explained(embeddings: np.ndarray, settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record(embeddings, ["a", "b"] * 3, Spy(), **{"n_labelled": 2, **settings})
