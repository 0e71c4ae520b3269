"""Heads on tiny bodies of four families: what moves, what doesn't, what they give."""

import copy
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_val_score
from sklearn.utils import estimator_checks

from labelling.encoders import EncoderError
from labelling.encoders._transformer import load
from labelling.encoders.cache import EmbeddingCache
from labelling.learning.classifiers import Stopped, TransformerClassifier
from tests.models import ENCODERS, GENERATIVE, N_DIMS, save_model

pytestmark = pytest.mark.slow

FAMILIES = (*ENCODERS, *GENERATIVE)
TEXTS = ["good film", "bad film", "lovely", "awful", "great fun", "a mess"] * 6
LABELS = ["+", "-"] * 18
NEW = ["a good one", "", "mess"]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {family: save_model(folder / family, family) for family in FAMILIES}


@pytest.fixture(scope="session")
def bert(models: dict[str, Path]) -> Path:
    return models["bert"]


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def body(classifier: TransformerClassifier) -> dict[str, np.ndarray]:
    state = classifier.network_.checkpoint.model.state_dict()
    return {name: tensor.cpu().numpy() for name, tensor in state.items()}


def checkpoint(folder: Path) -> dict[str, np.ndarray]:
    """The tensors as they lie on disk, by their names in the body."""
    from safetensors.numpy import load_file

    tensors = load_file(folder / "model.safetensors")
    return {name.split(".", 1)[1] if name.startswith(PREFIXES) else name: t for name, t in tensors.items()}


PREFIXES = ("bert.", "distilbert.", "transformer.h", "transformer.w", "transformer.ln", "model.")


def changed(classifier: TransformerClassifier, folder: Path) -> set[str]:
    now, before = body(classifier), checkpoint(folder)
    common = now.keys() & before.keys()
    assert len(common) > len(now) - 3  # all but the pooler
    return {name for name in common if not np.array_equal(now[name], before[name])}


# ---------------------------------------------------------------- what moves


@pytest.mark.parametrize("family", FAMILIES)
def test_a_frozen_body_is_the_checkpoints_bit_for_bit(models, family):
    fitted = TransformerClassifier(models[family], head="dense", random_state=0).fit(TEXTS, LABELS)
    assert changed(fitted, models[family]) == set()
    assert fitted.score(TEXTS, LABELS) > 0.8


@pytest.mark.parametrize("train", ["top-1", "all", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_moves_is_what_was_said(models, family, train):
    classifier = TransformerClassifier(models[family], train=train, steps=6, random_state=0)
    said = classifier.trainable_parameters()
    head = {name: shape for name, shape in said.items() if name.startswith("head.")}
    assert sorted(head.values()) == [(2,), (2, N_DIMS)]
    assert classifier.n_trainable() == sum(np.prod(shape) for shape in said.values())
    moved = changed(classifier.fit(TEXTS, LABELS), models[family])
    # A low-rank update is beside a weight, and is folded into it in the end.
    expected = {name.removeprefix("body.").split(".lora_")[0] for name in said if name.startswith("body.")}
    assert moved
    if train == "lora":
        assert moved <= {f"{name}.weight" for name in expected}
        assert len(moved) >= len(expected) // 2
    else:
        assert moved <= expected
        # A bias of the keys alone changes no attention: such parameters have no gradient.
        assert all("k" in name and "bias" in name for name in expected - moved), expected - moved
    if train == "top-1":
        assert not [name for name in moved if ".0." in name or "embed" in name]


def test_head_alone_moves_little(bert):
    linear, dense = TransformerClassifier(bert), TransformerClassifier(bert, head="dense", hidden_dim=5)
    assert linear.n_trainable(n_classes=3) == 3 * N_DIMS + 3
    assert dense.n_trainable(n_classes=3) == 5 * N_DIMS + 5 + 3 * 5 + 3


def test_the_frozen_body_runs_once(bert, monkeypatch):
    from labelling.learning.classifiers._network import Network

    n_texts = []
    pooled = Network.pooled
    monkeypatch.setattr(Network, "pooled", lambda self, rows: n_texts.append(len(rows)) or pooled(self, rows))
    TransformerClassifier(bert, steps=50, random_state=0).fit(TEXTS, LABELS)
    assert sum(n_texts) == len(TEXTS)


def test_low_rank_updates_begin_with_the_model_as_it_is(bert):
    import torch

    from labelling.learning.classifiers._lora import Adapters
    from labelling.learning.classifiers._network import Network

    network = Network(load(bert), "mean", 64)
    rows = [{"input_ids": [2, 9, 12, 3], "attention_mask": [1, 1, 1, 1]}]
    with torch.no_grad():
        before = network.pooled(rows)
        layers = {f"encoder.layer.{i}": layer for i, layer in enumerate(network.layers())}
        adapters = Adapters(layers, 4, torch.Generator().manual_seed(0))
        assert torch.equal(network.pooled(rows), before)
        for parameter in adapters.parameters.values():
            parameter += 0.1
        moved = network.pooled(rows)
        assert not torch.allclose(moved, before, atol=0.01)
        adapters.fold()
        torch.testing.assert_close(network.pooled(rows), moved, atol=1e-5, rtol=1e-4)


# ---------------------------------------------------------------- what it gives


@pytest.mark.parametrize("family", FAMILIES)
def test_pooling_goes_with_the_checkpoint(models, family):
    import torch

    fitted = TransformerClassifier(models[family], random_state=0).fit(TEXTS, LABELS)
    assert fitted.pooling_ == ("last" if family in GENERATIVE else "mean")
    found = fitted.transform(["good film", "a much longer film"])
    model = load(models[family])
    tokens = model.tokenizer("good film", return_tensors="pt")
    if family == "distilbert":
        tokens.pop("token_type_ids", None)
    with torch.no_grad():
        hidden = model.model(**tokens).last_hidden_state[0]
    expected = hidden[-1] if family in GENERATIVE else hidden.mean(0)
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_a_sentence_encoder_brings_its_pooling_and_length(tiny_model, tmp_path):
    import json
    import shutil

    from labelling.encoders.sentence import SentenceEncoder

    fitted = TransformerClassifier(tiny_model, random_state=0).fit(TEXTS, LABELS)
    expected = SentenceEncoder(tiny_model, normalize=False).encode(NEW)
    np.testing.assert_allclose(fitted.transform(NEW), expected, atol=1e-5)
    own = Path(shutil.copytree(tiny_model, tmp_path / "own"))
    (own / "sentence_bert_config.json").write_text('{"max_seq_length": 7}')
    settings = json.loads((own / "1_Pooling" / "config.json").read_text())
    for mode in ("cls", "weightedmean"):
        (own / "1_Pooling" / "config.json").write_text(json.dumps(settings | {"pooling_mode": mode}))
        if mode == "cls":
            fitted = TransformerClassifier(own, random_state=0).fit(["a card", "is it"] * 2, [0, 1] * 2)
            assert fitted.pooling_ == "cls"
            assert fitted.count_truncated(["a card", "a card is lost when not late"]) == 1
        else:
            with pytest.raises(EncoderError, match="pools in a way that is not known here: choose pooling='cls'"):
                TransformerClassifier(own).fit(TEXTS, LABELS)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_what_it_gives(models, family):
    fitted = TransformerClassifier(models[family], random_state=0).fit(TEXTS, [str(i % 3) for i in range(36)])
    logits = fitted.logits(NEW)
    assert (logits.shape, logits.dtype) == ((3, 3), np.float32)
    np.testing.assert_allclose(fitted.predict_proba(NEW).sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(fitted.decision_function(NEW), logits)
    np.testing.assert_array_equal(fitted.predict(NEW), fitted.classes_[logits.argmax(axis=1)])
    alone = np.vstack([fitted.logits([text]) for text in NEW])  # without the others' padding
    np.testing.assert_allclose(alone, logits, atol=1e-5)
    assert fitted.logits([]).shape == (0, 3)
    told: list[tuple[int, int]] = []
    both = fitted.predict_and_transform(NEW, lambda *now: told.append(now))
    np.testing.assert_array_equal(both[0], fitted.predict_proba(NEW))
    np.testing.assert_array_equal(both[1], fitted.transform(NEW))
    assert told == [(3, 3)]
    with pytest.raises(Stopped):
        fitted.predict_and_transform(NEW, lambda *now: False)
    dense = clone(fitted).set_params(head="dense", hidden_dim=7).fit(TEXTS, LABELS)
    assert dense.transform(NEW).shape == (3, 7)
    assert dense.decision_function(NEW).shape == (3,)


def test_a_seed_makes_it_repeat_and_leaves_the_global_state_alone(bert):
    import torch

    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = TransformerClassifier(bert, train="all", steps=3, random_state=1).fit(TEXTS, LABELS).logits(NEW)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    again = TransformerClassifier(bert, train="all", steps=3, random_state=1)
    np.testing.assert_array_equal(again.fit(TEXTS, LABELS).logits(NEW), first)
    np.testing.assert_array_equal(again.fit(TEXTS, LABELS).logits(NEW), first)  # afresh, not on from there
    other = TransformerClassifier(bert, train="all", steps=3, random_state=2).fit(TEXTS, LABELS)
    assert not np.allclose(other.logits(NEW), first)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_pairs(models, family):
    pairs = [("good", "bad"), ("bad", "good"), ("fun", "mess"), ("mess", "fun")] * 6
    y = [0, 1] * 12
    fitted = TransformerClassifier(models[family], train="top-1", steps=30, random_state=0).fit(pairs, y)
    assert fitted.score(pairs, y) > 0.8  # the order of the two tells
    for same in (np.array(pairs), pd.DataFrame(pairs, columns=["a", "b"])):
        np.testing.assert_array_equal(fitted.logits(same), fitted.logits(pairs))
    with pytest.raises(ValueError, match="fitted on pairs of texts, got texts"):
        fitted.predict(["good"])
    with pytest.raises(TypeError, match="pairs of two texts alone, got 3 texts in row 1"):
        fitted.predict([("a", "b"), ("a", "b", "c")])


def test_class_weight(bert):
    texts, y = ["same"] * 22, ["rare"] * 2 + ["often"] * 20  # nothing to tell them by but their number
    settings = {"random_state": 0, "steps": 400, "learning_rate": 0.01}
    often, rare = (
        TransformerClassifier(bert, class_weight=weight, **settings).fit(texts, y).predict_proba(["same"])[0, 1]
        for weight in (None, {"often": 1, "rare": 1000})
    )
    even = TransformerClassifier(bert, class_weight="balanced", **settings).fit(texts, y).predict_proba(["same"])[0, 1]
    assert often < 0.3 < even < 0.7 < rare
    with pytest.raises(ValueError, match="no weight for"):
        TransformerClassifier(bert, class_weight={"rare": 1}).fit(texts, y)


def test_unlabelled_texts_are_left_out(bert):
    some = TransformerClassifier(bert, random_state=0).fit(TEXTS, LABELS)
    more = TransformerClassifier(bert, random_state=0).fit([*TEXTS, "x", "y"], [*LABELS, None, float("nan")])
    np.testing.assert_array_equal(more.logits(NEW), some.logits(NEW))


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("train", ["head", "top-1", "lora"])
def test_stopped_and_resumed_it_comes_to_the_same(bert, tmp_path, train):
    settings = {"train": train, "steps": 20, "random_state": 0, "validation_fraction": 0.2}
    whole = TransformerClassifier(bert, **settings).fit(TEXTS, LABELS)
    path = tmp_path / "state.safetensors"
    told: list[tuple] = []

    def stop_later(*now: float) -> bool:
        told.append(now)
        return now[0] < now[1] - 16

    stopped = TransformerClassifier(bert, **settings).fit(TEXTS, LABELS, stop_later, path)
    assert path.is_file()
    assert stopped.score(TEXTS, LABELS) > 0.4  # its best state so far can be used
    with pytest.raises(ValueError, match="no state of this fit"):
        TransformerClassifier(bert, **settings).fit(TEXTS, LABELS[::-1], state_file=path)
    rest: list[tuple] = []
    resumed = TransformerClassifier(bert, **settings).fit(TEXTS, LABELS, lambda *now: rest.append(now), path)
    np.testing.assert_array_equal(resumed.logits(NEW), whole.logits(NEW))
    assert rest[0][0] == told[-1][0] + 1
    assert rest[-1][0] == rest[-1][1] or len(resumed.loss_curve_) < 20
    assert resumed.loss_curve_ == whole.loss_curve_
    assert not path.exists()


def test_stopped_while_the_body_runs(bert, tmp_path):
    classifier = TransformerClassifier(bert, random_state=0)
    with pytest.raises(Stopped, match="nothing to keep"):
        classifier.fit(TEXTS, LABELS, lambda *now: False)
    with pytest.raises(NotFittedError):
        classifier.predict(NEW)


def test_callback_can_use_the_classifier_as_it_is_so_far(bert):
    seen = []

    def callback(step: int, n_steps: int, loss: float, held_out_loss: float | None) -> None:
        if not np.isnan(loss):
            seen.append((step, n_steps, classifier.logits(NEW), held_out_loss))

    classifier = TransformerClassifier(bert, train="all", steps=4, random_state=0)
    classifier.fit(TEXTS, LABELS, callback)
    assert [step for step, *_ in seen] == [4, 5, 6, 7, 8][1:]  # three batches of the frozen body, the head, four steps
    assert {n for _, n, *_ in seen} == {8}
    assert not np.allclose(seen[0][2], seen[-1][2])
    assert seen[-1][3] is None
    np.testing.assert_array_equal(seen[-1][2], classifier.logits(NEW))
    plain = TransformerClassifier(bert, train="all", steps=4, random_state=0).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(plain.logits(NEW), classifier.logits(NEW))  # looking on changes nothing


def test_early_stopping_keeps_the_best_state(bert):
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=60).tolist()  # nothing to learn: the held-out loss can only get worse
    texts = [f"text {i}" for i in range(60)]
    losses = []
    classifier = TransformerClassifier(
        bert, train="all", steps=400, learning_rate=3e-3, validation_fraction=0.3, random_state=0
    )
    classifier.fit(texts, y, lambda *now: losses.append(now[3]))
    held = [loss for loss in losses if loss is not None]
    assert len(classifier.loss_curve_) < 100  # of a hundred reports
    assert min(held) < held[-1]


# ---------------------------------------------------------------- on disk


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_and_loaded_it_gives_the_same(models, family, tmp_path):
    train = {"bert": "lora", "distilbert": "head", "gpt2": "top-1", "llama": "all"}[family]
    settings = {"train": train, "head": "dense", "steps": 4, "random_state": 0, "max_length": 12}
    classifier = TransformerClassifier(models[family], class_weight={3: 1.0, 7: 2.0}, **settings)
    classifier.fit(["good", "bad film"] * 9, [7, 3] * 9)
    classifier.save(tmp_path / "saved")
    loaded = TransformerClassifier.load(tmp_path / "saved")
    np.testing.assert_array_equal(loaded.logits(NEW), classifier.logits(NEW))
    assert loaded.predict(NEW).tolist() == classifier.predict(NEW).tolist()
    assert set(loaded.predict(NEW).tolist()) <= {3, 7}
    assert loaded.get_params() == classifier.get_params() | {"model": str(models[family])}
    before, after = body(classifier), body(loaded)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert not [path.name for path in (tmp_path / "saved").iterdir() if path.suffix in (".bin", ".pt", ".pkl")]
    loaded.save(tmp_path / "saved")  # over itself
    np.testing.assert_array_equal(TransformerClassifier.load(tmp_path / "saved").logits(NEW), classifier.logits(NEW))


def test_the_model_itself_is_never_overwritten(bert, tmp_path):
    fitted = TransformerClassifier(bert, random_state=0).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="holds something else than a saved classifier"):
        fitted.save(bert)
    with pytest.raises(ValueError, match="no saved classifier"):
        TransformerClassifier.load(bert)
    fitted.save(tmp_path / "saved")
    (tmp_path / "saved" / "head.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="not a safetensors file"):
        TransformerClassifier.load(tmp_path / "saved")


def test_outputs_of_a_frozen_body_come_from_the_cache(bert, tmp_path, monkeypatch):
    from labelling.learning.classifiers._network import Network

    plain = TransformerClassifier(bert, random_state=0).fit(TEXTS, LABELS)
    pairs = [(text, "x") for text in TEXTS]
    on_pairs = TransformerClassifier(bert, random_state=0).fit(pairs, LABELS)
    for classifier, X in ((plain, TEXTS), (on_pairs, pairs)):
        cached = clone(classifier)
        cached.cache = EmbeddingCache(tmp_path / "cache")
        cached.fit(X, LABELS)
        np.testing.assert_allclose(cached.logits(X), classifier.logits(X), atol=1e-4)
        with monkeypatch.context() as patch:
            patch.setattr(Network, "pooled", lambda *args: pytest.fail("the body ran again"))
            cached.fit(X, LABELS[::-1])  # other labels, the same texts
            cached.logits(X)
    moved = TransformerClassifier(bert, train="all", steps=2, random_state=0)
    moved.cache = EmbeddingCache(tmp_path / "cache")
    moved.fit(TEXTS, LABELS)
    assert not np.allclose(moved.transform(TEXTS), plain.transform(TEXTS), atol=1e-6)  # not those of the checkpoint


# ---------------------------------------------------------------- ready models


@pytest.mark.parametrize("family", FAMILIES)
def test_a_ready_models_own_head(tmp_path, family):
    import torch

    labels = {0: "negative", 1: "neutral", 2: "positive"}
    folder = save_model(
        tmp_path / family, family, head="AutoModelForSequenceClassification", num_labels=3, id2label=labels
    )
    pretrained = TransformerClassifier.from_pretrained(folder)
    assert pretrained.classes_.tolist() == list(labels.values())
    texts = ["good film", "a much longer film", "it ends here<|end|>"]
    expected = []
    for text in texts:  # one at a time, without padding
        model = load(folder, "AutoModelForSequenceClassification")
        model.model.config.pad_token_id = None if family in GENERATIVE else 0
        tokens = model.tokenizer(text, return_tensors="pt")
        if family == "distilbert":
            tokens.pop("token_type_ids", None)
        with torch.no_grad():
            expected.append(model.model(**tokens).logits[0].numpy())
    np.testing.assert_allclose(pretrained.logits(texts), expected, atol=1e-5)
    assert pretrained.predict_proba(texts).shape == (3, 3)
    assert pretrained.transform(texts).shape == (3, N_DIMS)
    hidden = load(folder).model(**load(folder).tokenizer("good film", return_tensors="pt", return_token_type_ids=False))
    at = -1 if family in GENERATIVE else 0
    np.testing.assert_allclose(pretrained.transform(texts)[0], hidden.last_hidden_state[0, at].detach(), atol=1e-5)
    pretrained.save(tmp_path / "saved")
    loaded = TransformerClassifier.load(tmp_path / "saved")
    np.testing.assert_array_equal(loaded.logits(texts), pretrained.logits(texts))
    assert loaded.classes_.tolist() == list(labels.values())


def test_models_that_are_not_ready(bert, tmp_path):
    with pytest.raises(EncoderError, match=r"is no classifier yet: .*classifier\.weight.*TransformerClassifier\("):
        TransformerClassifier.from_pretrained(bert)
    one = save_model(tmp_path / "one", "bert", head="AutoModelForSequenceClassification", num_labels=1)
    with pytest.raises(EncoderError, match="gives one number a text"):
        TransformerClassifier.from_pretrained(one)


# ---------------------------------------------------------------- scikit-learn


def test_scikit_learn_habits(bert):
    classifier = TransformerClassifier(bert, random_state=0)
    assert clone(classifier).get_params() == classifier.get_params()
    for check in ("no_attributes_set_in_init", "parameters_default_constructible", "get_params_invariance"):
        getattr(estimator_checks, f"check_{check}")("TransformerClassifier", TransformerClassifier())
    with pytest.raises(NotFittedError):
        classifier.predict(TEXTS)
    fitted = clone(classifier).fit(TEXTS, LABELS)
    for same in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):  # as joblib hands it to its workers
        np.testing.assert_array_equal(same.logits(NEW), fitted.logits(NEW))
    scores = cross_val_score(classifier, TEXTS, LABELS, cv=3)
    assert scores.mean() > 0.8
    assert get_scorer("roc_auc")(classifier.fit(TEXTS, LABELS), TEXTS, LABELS) > 0.8


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"train": "top"}, ValueError, "train must be 'head', 'all', 'lora' or 'top-k'"),
        ({"train": "top-0"}, ValueError, "train must be"),
        ({"train": "top-3"}, EncoderError, "this model has 2 layers, take 'top-2' or 'all'"),
        ({"max_length": 65}, EncoderError, "max_length must be at most 64"),
        ({"head": "deep"}, ValueError, "head"),
        ({"validation_fraction": 1.0}, ValueError, "validation_fraction"),
    ],
)
def test_bad_parameters(bert, parameters, error, message):
    with pytest.raises(error, match=message):
        TransformerClassifier(bert, **parameters).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (["a", "b"], ["+", "+"], ValueError, r"at least two labels, got one class: '\+'"),
        (["a", "b"], [None, None], ValueError, "at least two labels, got none"),
        (["a", "b"], ["+"], ValueError, "inconsistent numbers of samples"),
        (["a", 1], ["+", "-"], TypeError, "int in row 1"),
        ("ab", ["+", "-"], TypeError, "single string"),
        ([("a", "b"), "c"], ["+", "-"], TypeError, "got str in row 1"),
        (["a", "b"], [[1, 0], [0, 1]], ValueError, "one label a text"),
        (pd.DataFrame({"a": ["x"], "b": ["x"], "c": ["x"]}), ["+"], TypeError, "got 3"),
    ],
)
def test_bad_data(bert, X, y, error, message):
    with pytest.raises(error, match=message):
        TransformerClassifier(bert).fit(X, y)


def test_two_texts(bert):
    with pytest.warns(UserWarning, match="2 labelled texts for 2 labels are too few to learn from: label ten"):
        fitted = TransformerClassifier(bert, random_state=0).fit(["good", "bad"], ["+", "-"])
    assert fitted.predict(["good", "bad"]).tolist() == ["+", "-"]


def test_texts_longer_than_the_model(bert):
    long = "a good film " * 20
    with pytest.warns(UserWarning, match="1 of 37 texts are longer than 64 tokens.*the model can read no more"):
        fitted = TransformerClassifier(bert, random_state=0).fit([*TEXTS, long], [*LABELS, "+"])
    assert fitted.n_truncated_ == 1
    assert fitted.count_truncated([long, "short"]) == 1
    with pytest.warns(UserWarning, match="36 of 36 texts are longer than 4 tokens.*max_length can be 64"):
        TransformerClassifier(bert, max_length=4, random_state=0).fit(TEXTS, LABELS)


def test_folders_that_are_no_model(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(EncoderError, match=r"no config.json.*choose no model"):
        TransformerClassifier(tmp_path / "empty").fit(TEXTS, LABELS)
    with pytest.raises(EncoderError, match="no such folder"):
        TransformerClassifier(tmp_path / "missing").fit(TEXTS, LABELS)


def test_missing_and_unexpected_keys_are_told(bert, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = save_model(tmp_path / "bert", "bert")
    tensors = load_file(folder / "model.safetensors")
    lost = "bert.encoder.layer.1.output.dense.weight"
    save_file({name: t for name, t in tensors.items() if name != lost}, folder / "model.safetensors", {"format": "pt"})
    with pytest.warns(UserWarning, match=r"lacks 1 of the body's parameters.*layer\.1\.output\.dense\.weight"):
        fitted = TransformerClassifier(folder, random_state=0).fit(TEXTS, LABELS)
    assert "encoder.layer.1.output.dense.weight" in fitted.missing_keys_
    assert "cls.predictions.bias" in fitted.unexpected_keys_


@pytest.mark.parametrize("family", GENERATIVE)
def test_a_text_that_ends_in_the_padding_token(models, family):
    """The tokenizer has no padding token, so the end of text pads; a text's own end of text counts all the same."""
    fitted = TransformerClassifier(models[family], random_state=0).fit(TEXTS, LABELS)
    ended = fitted.logits(["good<|end|>", "a longer film, and so on"])
    np.testing.assert_allclose(ended[0], fitted.logits(["good<|end|>"])[0], atol=1e-5)
    assert not np.allclose(ended[0], fitted.logits(["good"])[0], atol=1e-3)
