import json
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_classifiers_classes, parametrize_with_checks

from labelling.learning.optimise import MIN_HELD_OUT, held_out_rows
from labelling.learning.targets import Targets, read_targets
from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner
from labelling.learning.tuners._base import class_core
from tests.learning.tuners.helpers import TUNERS, blobs, every_tuner, parting

REASON = "one case uses -1 as a class, which marks unlabelled rows here; run without that case below"


@pytest.mark.slow
@parametrize_with_checks(
    [tuner(steps=60) for tuner in TUNERS],
    expected_failed_checks=lambda tuner: {"check_classifiers_classes": REASON},
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@every_tuner
def test_scikit_learn_contract_for_semi_supervised_classes(tuner_class):
    # scikit-learn drops the case of -1 for its own semi-supervised estimators, by their name.
    check_classifiers_classes("LabelSpreading", tuner_class())


@pytest.mark.slow
@every_tuner
def test_a_few_labels_part_the_unlabelled_rows(tuner_class):
    X, codes = blobs(spread=1.0)
    names = np.array(["bill", "refund", "travel"], dtype=object)
    y = np.where(np.arange(len(X)) < 30, names[codes], None)
    tuner = tuner_class(keep=0.5, random_state=0).fit(X, y)
    space = tuner.transform(X)
    assert space.dtype == np.float32
    assert space.shape == (len(X), len(tuner.get_feature_names_out()))
    assert tuner.classes_.tolist() == ["bill", "refund", "travel"]
    assert (tuner.predict(X)[30:] == names[codes][30:]).mean() > 0.85
    assert parting(space[30:], codes[30:]) > 1.3 * parting(X[30:], codes[30:])


@pytest.mark.slow
@every_tuner
def test_many_classes_of_ten_rows_are_trained_to_the_end(tuner_class):
    X, codes = blobs(n_rows=400, n_dims=64, n_classes=40)
    tuner = tuner_class(steps=100, random_state=0).fit(X, codes)
    assert len(tuner.loss_curve_) == 100  # a held-out row a class would have no pair, and nothing to stop by


@every_tuner
def test_same_random_state_same_space_and_global_randomness_untouched(tuner_class):
    import torch

    X, y = blobs()
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002, it must not change
    first = tuner_class(steps=30, random_state=3).fit(X, y).transform(X)
    again = tuner_class(steps=30, random_state=3).fit(X, y).transform(X)
    other = tuner_class(steps=30, random_state=4).fit(X, y).transform(X)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


@pytest.mark.slow
@every_tuner
def test_fit_starts_afresh_and_learns_new_labels(tuner_class):
    X, codes = blobs()
    tuner = tuner_class(random_state=0).fit(X, codes % 2)
    tuner.fit(X, codes)
    fresh = clone(tuner).fit(X, codes)
    assert tuner.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(tuner.transform(X), fresh.transform(X))


@every_tuner
def test_a_label_with_one_row_and_only_labelled_rows(tuner_class):
    X, codes = blobs()
    rows = [0, 1, 2]
    tuner = tuner_class(random_state=0).fit(X[rows], codes[rows])
    assert (tuner.predict(X) == codes).mean() > 0.9


@pytest.mark.slow
@every_tuner
def test_while_the_callback_runs_the_tuner_shows_its_state_so_far(tuner_class):
    X, codes = blobs(spread=2.0)
    tuner = tuner_class(random_state=0)
    spaces, accuracies = [], []

    def callback(*report):
        spaces.append(tuner.transform(X))
        accuracies.append((tuner.predict(X) == codes).mean())

    y = np.where(np.arange(len(X)) < 60, codes, -1)
    tuner.fit(X, y, callback=callback)
    np.testing.assert_array_equal(spaces[-1], tuner.transform(X))
    assert accuracies[0] < accuracies[-1]
    # looking on changes nothing
    alone = clone(tuner).fit(X, y)
    np.testing.assert_array_equal(alone.transform(X), tuner.transform(X))


@pytest.mark.slow
def test_the_space_begins_as_the_original_and_parts_while_it_trains():
    X, codes = blobs(n_dims=48, spread=2.0)
    tuner = FeedForwardTuner(random_state=0)
    partings = []
    y = np.where(np.arange(len(X)) < 60, codes, -1)
    tuner.fit(X, y, callback=lambda *report: partings.append(parting(tuner.transform(X), codes)))
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert partings[0] < 1.5 * parting(unit, codes)  # not scattered by a network that knows nothing
    assert partings[-1] > 1.5 * partings[0]


def test_a_class_with_more_weight_is_predicted_more_often():
    X, codes = blobs(n_rows=300, n_dims=8, n_classes=2, spread=3.0)
    often = [
        (FeedForwardTuner(class_weight=weight, random_state=0).fit(X, codes).predict(X) == 1).mean()
        for weight in ({0: 20, 1: 1}, "balanced", {0: 1, 1: 20})
    ]
    assert often[0] < often[1] - 0.1 < often[2] - 0.2


def test_without_class_weight_a_rare_class_is_predicted_rarely():
    X, codes = blobs(n_rows=300, n_dims=8, n_classes=10, spread=3.0)
    rare = codes == 0
    often = [
        FeedForwardTuner(class_weight=weight, random_state=0).fit(X, rare).predict(X).mean()
        for weight in (None, "balanced")
    ]
    assert often[0] < often[1] - 0.1


@every_tuner
def test_class_weight_changes_the_fit(tuner_class):
    X, codes = blobs(n_rows=60, spread=2.0)
    weighted = tuner_class(class_weight={0: 9, 1: 1, 2: 1}, random_state=0).fit(X, codes)
    assert not np.allclose(weighted.transform(X), tuner_class(random_state=0).fit(X, codes).transform(X))


@every_tuner
def test_class_weight_must_name_every_class(tuner_class):
    with pytest.raises(ValueError, match=r"names no weight for \['refund'\]"):
        tuner_class(class_weight={"card": 1}).fit(np.eye(4), ["card", "refund"] * 2)
    with pytest.raises(ValueError, match=r"^class_weight of "):
        tuner_class(class_weight="equal").fit(np.eye(4), [0, 1, 0, 1])


def test_the_hidden_layer_can_be_the_output():
    X, codes = blobs()
    tuner = FeedForwardTuner(hidden_dim=10, output="hidden", random_state=0).fit(X, codes)
    hidden = tuner.transform(X)
    assert hidden.shape == (len(X), 10) == (len(X), len(tuner.get_feature_names_out()))
    assert hidden.dtype == np.float32
    assert parting(hidden, codes) > parting(X, codes)
    with pytest.raises(ValueError, match=r"^output of "):
        FeedForwardTuner(output="logits").fit(X, codes)


@every_tuner
def test_thousands_of_labels_get_more_steps_unless_they_are_counted(tuner_class):
    X, codes = blobs(n_rows=6000, n_dims=8, n_classes=5, spread=3.0)
    totals = []
    for steps, n_rows in (("auto", 60), ("auto", 6000), (20, 6000)):
        tuner_class(steps=steps, random_state=0).fit(
            X[:n_rows], codes[:n_rows], callback=lambda step, n_steps, *_: totals.append(n_steps) or step < 3
        )
    assert list(dict.fromkeys(totals)) == [160, 480, 20]


@every_tuner
def test_unlabelled_rows_change_the_fit(tuner_class):
    X, codes = blobs()
    known = np.arange(len(X)) < 6
    alone = tuner_class(random_state=0).fit(X[known], codes[known])
    with_others = tuner_class(random_state=0).fit(X, np.where(known, codes, -1))
    assert with_others.classes_.tolist() == [0, 1, 2]
    assert not np.allclose(alone.transform(X), with_others.transform(X))


@every_tuner
def test_keep_goes_from_the_tuned_part_to_the_original(tuner_class):
    X, y = blobs()
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    original = tuner_class(keep=1, steps=10, random_state=0).fit_transform(X, y)
    np.testing.assert_allclose(original[:, -X.shape[1] :], unit, atol=1e-6)
    assert not original[:, : -X.shape[1]].any()
    tuned = tuner_class(keep=0, steps=10, random_state=0).fit_transform(X, y)
    assert not tuned[:, -X.shape[1] :].any()
    both = tuner_class(steps=10, random_state=0).fit_transform(X, y)
    assert np.linalg.norm(both, axis=1).max() <= 1 + 1e-5


@every_tuner
def test_callback_sees_the_loss_fall_and_is_not_called_too_often(tuner_class):
    X, codes = blobs(spread=1.0)
    seen = []
    tuner = tuner_class(steps=400, random_state=0)
    tuner.fit(X, np.where(np.arange(len(X)) < 30, codes, -1), callback=lambda *report: seen.append(report))
    steps, totals, losses, held_out = zip(*seen, strict=True)
    assert 90 <= len(seen) <= 110
    assert steps[-1] == 400
    assert list(steps) == sorted(set(steps))
    assert set(totals) == {400}
    assert set(held_out) == {None}  # too few labels
    assert losses[-1] < losses[0]
    assert tuner.loss_curve_ == list(losses)


@every_tuner
@pytest.mark.parametrize("stop_at", [1, 30, 80])
def test_callback_stops_and_the_tuner_is_usable(tuner_class, stop_at):
    X, codes = blobs()
    tuner = tuner_class(steps=100, random_state=0)
    tuner.fit(X, np.where(np.arange(len(X)) < 30, codes, -1), callback=lambda step, *_: step < stop_at)
    assert len(tuner.loss_curve_) == stop_at
    assert tuner.transform(X).shape[0] == len(X)
    if stop_at > 50:  # a second round broken off leaves the first one's result
        assert (tuner.predict(X) == codes).mean() > 0.9


@every_tuner
def test_enough_labels_are_held_out_and_end_the_training_early(tuner_class):
    X, codes = blobs(n_rows=600, spread=2.0)
    y = np.random.RandomState(0).permutation(codes)  # nothing to learn, so the held-out loss soon rises
    held_out = []
    tuner = tuner_class(steps=1000, learning_rate=0.05, random_state=0)
    tuner.fit(X, y, callback=lambda step, n_steps, loss, held: held_out.append(held))
    assert None not in held_out
    assert len(held_out) < 100


def test_held_out_rows_are_a_tenth_of_each_class_or_none():
    codes = np.repeat([0, 1, 2], [400, 50, 19])
    held = held_out_rows(Targets(np.arange(3), codes), np.random.RandomState(0))
    assert np.bincount(codes[held], minlength=3).tolist() == [40, 5, 0]
    few = np.repeat([0, 1], [MIN_HELD_OUT, MIN_HELD_OUT])
    assert not held_out_rows(Targets(np.arange(2), few), np.random.RandomState(0)).any()


@pytest.mark.parametrize(
    ("y", "known", "labels"),
    [
        (["a", None, "b"], [True, False, True], ["a", "b"]),
        (["a", float("nan"), "b"], [True, False, True], ["a", "b"]),
        (pd.Series(["a", pd.NA, "-1"], dtype="string"), [True, False, True], ["a", "-1"]),
        (np.array([0, -1, 1]), [True, False, True], [0, 1]),
        ([3.0, np.nan, -1.0, 4.0], [True, False, False, True], [3, 4]),
        ([2, None, -1], [True, False, False], [2]),
    ],
)
def test_what_marks_an_unlabelled_row(y, known, labels):
    targets = read_targets(y)
    assert targets.known.tolist() == known
    assert targets.classes[targets.codes[targets.known]].tolist() == labels


@every_tuner
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["refund"] * 4, "needs at least two labels, got one class: 'refund'"),
        (["refund", None, "refund", None], "got one class: 'refund'"),
        ([None] * 4, "needs at least two labels, got none"),
        ([-1] * 4, "needs at least two labels, got none"),
        ([0, 1, 0], "inconsistent numbers of samples"),
        (["a", 1, "b", 2], "all text or all numbers"),
        ([0.1, 0.5, 2.5, 1.7], "continuous"),
    ],
)
def test_bad_labels(tuner_class, y, message):
    with pytest.raises(ValueError, match=message):
        tuner_class(steps=1).fit(np.eye(4), y)


@every_tuner
@pytest.mark.parametrize(
    "parameters",
    [{"keep": 1.5}, {"keep": -0.1}, {"steps": 0}, {"steps": "many"}, {"hidden_dim": 0}, {"learning_rate": 0}],
)
def test_bad_parameters(tuner_class, parameters):
    with pytest.raises(ValueError, match=f"^{next(iter(parameters))} of "):
        tuner_class(**parameters).fit(np.eye(4), [0, 1, 0, 1])


@every_tuner
def test_bad_embeddings(tuner_class):
    X, y = blobs()
    with pytest.raises(NotFittedError, match="not fitted"):
        tuner_class().transform(X)
    tuner = tuner_class(steps=1).fit(X, y)
    with pytest.raises(ValueError, match="X has 5 features"):
        tuner.transform(X[:, :5])
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        tuner.transform(X)
    with pytest.raises(ValueError, match="contains NaN"):
        tuner.fit(X, y)


@every_tuner
@pytest.mark.parametrize("names", [None, ["bill", "refund", "überweisung"]])
def test_save_and_load(tuner_class, names, tmp_path):
    X, codes = blobs()
    y = codes if names is None else np.array(names)[codes]
    tuner = tuner_class(hidden_dim=np.int64(8), keep=0.2, steps=20, random_state=5).fit(X, y)
    tuner.save(tmp_path / "tuner.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["tuner.safetensors"]
    loaded = tuner_class.load(tmp_path / "tuner.safetensors")
    assert loaded.get_params() == tuner.get_params()
    assert loaded.classes_.dtype.kind == tuner.classes_.dtype.kind
    assert loaded.loss_curve_ == tuner.loss_curve_
    np.testing.assert_array_equal(loaded.transform(X), tuner.transform(X))
    np.testing.assert_array_equal(loaded.predict(X), tuner.predict(X))
    with pytest.raises(ValueError, match="X has 5 features"):
        loaded.transform(X[:, :5])


@every_tuner
def test_save_keeps_class_weights_by_number(tuner_class, tmp_path):
    X, codes = blobs()
    tuner = tuner_class(class_weight={0: 1, 1: 2, 2: 3}, steps=2).fit(X, codes)
    tuner.save(tmp_path / "tuner")
    assert tuner_class.load(tmp_path / "tuner").class_weight == {0: 1, 1: 2, 2: 3}


@every_tuner
def test_skops_takes_it(tuner_class, tmp_path):
    from skops import io as skops

    X, codes = blobs()
    tuner = tuner_class(steps=5, random_state=0).fit(X, codes)
    skops.dump(tuner, tmp_path / "tuner.skops")
    unknown = skops.get_untrusted_types(file=tmp_path / "tuner.skops")
    assert all(name.startswith("labelling.learning.") for name in unknown)
    loaded = skops.load(tmp_path / "tuner.skops", trusted=unknown)
    np.testing.assert_array_equal(loaded.transform(X), tuner.transform(X))


def test_save_keeps_feature_names_and_leaves_a_random_generator_out(tmp_path):
    X, y = blobs(n_dims=3)
    tuner = FeedForwardTuner(steps=2, random_state=np.random.RandomState(0))
    tuner.fit(pd.DataFrame(X, columns=["a", "b", "c"]), y).save(tmp_path / "tuner")
    loaded = FeedForwardTuner.load(tmp_path / "tuner")
    assert loaded.random_state is None
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"]


def test_load_refuses_what_is_not_its_own(tmp_path):
    X, y = blobs()
    with pytest.raises(NotFittedError):
        FeedForwardTuner().save(tmp_path / "tuner")
    FeedForwardTuner(steps=1).fit(X, y).save(tmp_path / "tuner")
    with pytest.raises(ValueError, match=r"must hold a ContrastiveTuner .*, got FeedForwardTuner"):
        ContrastiveTuner.load(tmp_path / "tuner")
    save_file({"weight": X}, tmp_path / "model")
    with pytest.raises(ValueError, match="got no tuner"):
        FeedForwardTuner.load(tmp_path / "model")
    (tmp_path / "text").write_text("no tensors", encoding="utf-8")
    with pytest.raises(ValueError, match="not a safetensors file"):
        FeedForwardTuner.load(tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        FeedForwardTuner.load(tmp_path / "absent")


@every_tuner
def test_in_a_pipeline(tuner_class):
    X, y = blobs()
    pipeline = make_pipeline(tuner_class(random_state=0), PCA(2))
    assert pipeline.set_params(**{f"{tuner_class.__name__.lower()}__steps": 5}).fit_transform(X, y).shape == (
        120,
        2,
    )


def test_many_classes_are_apart_on_two_principal_components():
    X, codes = blobs(n_rows=800, n_dims=64, n_classes=20, spread=0.7)
    space = FeedForwardTuner(random_state=0).fit_transform(X, np.where(np.arange(len(X)) < 200, codes, -1))
    assert parting(space, codes) > 3 * parting(X, codes)


def test_rows_of_a_class_without_labels_stay_together():
    X, codes = blobs(n_rows=400, n_dims=32, n_classes=8, spread=0.8)
    y = np.where((np.arange(len(X)) < 160) & (codes < 6), codes, -1)
    for tuner in (FeedForwardTuner(random_state=0), ContrastiveTuner(random_state=0)):
        space = tuner.fit_transform(X, y)
        nearest = np.linalg.norm(space[:, None] - space, axis=2).argsort(axis=1)[:, 1:6]
        unseen = codes >= 6
        assert (codes[nearest[unseen]] == codes[unseen][:, None]).mean() > 0.8


@every_tuner
def test_rows_of_other_classes_are_not_learnt_from(tuner_class):
    X, codes = blobs(n_rows=800, n_dims=64, n_classes=16, spread=0.8)
    known = (np.arange(len(X)) < 320) & (codes < 2)  # two labels, 20 rows each
    space = tuner_class(random_state=0).fit_transform(X, np.where(known, codes, -1))
    groups = np.minimum(codes, 2)
    points = PCA(2, random_state=0).fit_transform(space)
    nearest = np.linalg.norm(points[:, None] - points, axis=2).argsort(axis=1)[:, 1:16]
    votes = np.stack([(groups[nearest] == group).sum(1) for group in range(3)], axis=1)
    assert (votes.argmax(1) == groups).mean() > 0.95


def test_class_core_by_hand():
    mean, least = class_core(np.array([[1, 0], [0.8, 0.6]], dtype=np.float32))
    np.testing.assert_allclose(mean, [3 / 10**0.5, 1 / 10**0.5], atol=1e-6)
    assert least == pytest.approx(0.8)  # each is as near to the other
    mean, least = class_core(np.array([[0, 1]], dtype=np.float32))
    assert mean.tolist() == [0, 1]
    assert least == 0  # a row alone has no other, so any row on its side will do


@pytest.mark.slow
def test_import_is_light():
    code = "import sys, json, labelling.learning.tuners; print(json.dumps([m in sys.modules for m in sys.argv[1:]]))"
    heavy = ["torch", "sentence_transformers", "umap", "sklearn.decomposition", "safetensors"]
    run = partial(subprocess.run, check=True, capture_output=True, text=True)
    loaded = json.loads(run([sys.executable, "-c", code, *heavy]).stdout)
    assert not any(loaded), dict(zip(heavy, loaded, strict=True))
