"""What holds for the encoders on a transformer, generative or not."""

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from labelling.encoders import EncoderError
from labelling.encoders._transformer import hidden_states, load, pad, pool, tokenize
from labelling.encoders.causal_lm import CausalLMEncoder
from labelling.encoders.transformer import TransformerEncoder
from tests.models import ENCODERS, END, GENERATIVE, N_DIMS, save_model

pytestmark = pytest.mark.slow

# Of many lengths; one ends in the token that pads, one is empty, one is longer than the models read.
TEXTS = ["my card is late", "", "réfund, please?", f"and that was all{END}", "w" * 50, "a", "too long " * 40]
LIMIT = 64


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {family: save_model(folder / family, family) for family in (*GENERATIVE, *ENCODERS)}


def encoder_of(models: dict[str, Path], family: str, **settings: object) -> CausalLMEncoder | TransformerEncoder:
    kind = CausalLMEncoder if family in GENERATIVE else TransformerEncoder
    return kind(models[family], **settings)


def on_side(models: dict[str, Path], family: str, side: str, folder: Path) -> dict[str, Path]:
    """The model with a tokenizer that pads on this side."""
    copied = Path(shutil.copytree(models[family], folder / family))
    path = copied / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"padding_side": side}))
    return {family: copied}


POOLINGS = [(f, how) for f in GENERATIVE for how in ("last", "mean")]
POOLINGS += [(f, how) for f in ENCODERS for how in ("mean", "cls", "max")]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("family", "pooling"), POOLINGS)
def test_a_batch_gives_what_single_texts_give(models, family, pooling, side, tmp_path):
    padded = on_side(models, family, side, tmp_path)
    encoder = encoder_of(padded, family, pooling=pooling, batch_tokens=40, normalize=False)
    batch = encoder.encode(TEXTS)
    assert encoder._load().tokenizer.padding_side == side
    assert batch.shape == (len(TEXTS), N_DIMS)
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch, np.vstack([encoder.encode([text]) for text in TEXTS]), atol=1e-5)
    # The texts differ by more than what is let through.
    assert np.abs(batch[:, None] - batch[None]).max(axis=2)[np.triu_indices(len(TEXTS), 1)].min() > 1e-2


@pytest.mark.parametrize("family", GENERATIVE)
def test_a_generative_model_gives_the_state_of_the_last_token(models, family):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    whole = AutoModelForCausalLM.from_pretrained(models[family])
    tokenizer = AutoTokenizer.from_pretrained(models[family])
    states = {layer: [] for layer in (0, 1, 2)}
    means = []
    texts = [text for text in TEXTS if text]
    for text in texts:
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=LIMIT, return_token_type_ids=False)
        with torch.no_grad():
            output = whole(**tokens, output_hidden_states=True)
        for layer, rows in states.items():
            rows.append(output.hidden_states[layer][0, -1].numpy())
        means.append(output.hidden_states[-1][0].mean(0).numpy())
    settings = {"normalize": False, "batch_tokens": 40}
    for layer, expected in states.items():
        found = CausalLMEncoder(models[family], layer=layer, **settings).encode(texts)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(CausalLMEncoder(models[family], **settings).encode(texts), states[2], atol=1e-5)
    np.testing.assert_allclose(
        CausalLMEncoder(models[family], layer=-2, **settings).encode(texts), states[1], atol=1e-5
    )
    np.testing.assert_allclose(CausalLMEncoder(models[family], "mean", **settings).encode(texts), means, atol=1e-5)


@pytest.mark.parametrize("family", ENCODERS)
def test_an_encoder_model_is_pooled_over_its_own_tokens(models, family):
    from transformers import AutoModel, AutoTokenizer

    body = AutoModel.from_pretrained(models[family])
    tokenizer = AutoTokenizer.from_pretrained(models[family])
    for text in TEXTS:
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=LIMIT, return_token_type_ids=False)
        with torch.no_grad():
            states = body(**tokens).last_hidden_state[0].numpy()
        expected = {"cls": states[0], "mean": states.mean(0), "max": states.max(0)}
        for pooling, vector in expected.items():
            found = TransformerEncoder(models[family], pooling, normalize=False).encode([text])[0]
            np.testing.assert_allclose(found, vector, atol=1e-5)


def test_roberta_counts_its_positions_from_another_number(tmp_path):
    save_model(tmp_path / "roberta", "roberta", head="AutoModel", pad_token_id=1)
    for side in ("left", "right"):
        encoder = TransformerEncoder(**on_side_of_roberta(tmp_path, side), normalize=False)
        assert encoder.max_tokens == LIMIT - 2  # the first two places of its table are no text's
        batch = encoder.encode(TEXTS)
        np.testing.assert_allclose(batch, np.vstack([encoder.encode([text]) for text in TEXTS]), atol=1e-5)


def on_side_of_roberta(folder: Path, side: str) -> dict[str, Path]:
    return {"model": on_side({"roberta": folder / "roberta"}, "roberta", side, folder / side)["roberta"]}


def test_of_an_encoder_and_decoder_the_encoder_is_run(tmp_path):
    size = {"d_model": N_DIMS, "d_kv": 8, "num_heads": 2, "num_layers": 1, "d_ff": 32, "decoder_start_token_id": 0}
    model = save_model(tmp_path / "t5", "t5", head="AutoModelForSeq2SeqLM", **size)
    assert TransformerEncoder(model).encode(TEXTS).shape == (len(TEXTS), N_DIMS)


@pytest.mark.parametrize("how", ["cls", "mean", "max", "last"])
def test_pool_leaves_out_what_the_mask_does_not_show(how):
    hidden = torch.arange(24.0).reshape(2, 4, 3)
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 0]])
    hidden[~mask.bool()] = float("nan")  # what padding may well be
    expected = {
        "cls": [hidden[0, 2], hidden[1, 0]],
        "mean": [hidden[0, 2:].mean(0), hidden[1, :3].mean(0)],
        "max": [hidden[0, 3], hidden[1, 2]],
        "last": [hidden[0, 3], hidden[1, 2]],
    }[how]
    torch.testing.assert_close(pool(hidden, mask, how), torch.stack(expected))
    with pytest.raises(ValueError, match="pooling must be one of 'cls', 'mean', 'max', 'last', got 'sum'"):
        pool(hidden, mask, "sum")


@pytest.mark.parametrize("family", GENERATIVE)
def test_a_tokenizer_without_padding_token_gets_one_and_no_weight_moves(models, family):
    from safetensors.torch import load_file

    checkpoint = load(models[family])
    assert checkpoint.tokenizer.pad_token == END
    rows = tokenize(checkpoint, [f"x{END}", "longer than that"])
    batch = pad(checkpoint, rows, "right")
    assert batch["attention_mask"][0].sum() == len(rows[0]["input_ids"])  # the text's own end of text counts
    saved = {
        name.removeprefix("transformer.").removeprefix("model."): tensor
        for name, tensor in load_file(models[family] / "model.safetensors").items()
    }
    for name, tensor in checkpoint.model.state_dict().items():
        assert torch.equal(tensor, saved[name]), name


def test_keys_are_reported(models):
    assert TransformerEncoder(models["bert"]).missing_keys == ("pooler.dense.bias", "pooler.dense.weight")
    assert "cls.predictions.bias" in TransformerEncoder(models["bert"]).unexpected_keys
    assert CausalLMEncoder(models["gpt2"]).missing_keys == ()
    assert CausalLMEncoder(models["llama"]).unexpected_keys == ("lm_head.weight",)


def test_a_checkpoint_without_part_of_its_body_is_refused(models, tmp_path):
    from safetensors.torch import load_file, save_file

    model = Path(shutil.copytree(models["bert"], tmp_path / "bert"))
    weights = load_file(model / "model.safetensors")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"lacks 1 of its tensors \(encoder.layer.1.output.dense.weight for one\)"):
        TransformerEncoder(model).encode(["a"])


def test_the_random_state_stays(models):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    TransformerEncoder(models["bert"]).encode(["a"])
    assert torch.rand(1) == expected


@pytest.mark.parametrize("family", [*GENERATIVE, *ENCODERS])
def test_classifiers_on_top(models, family):
    texts = ["card", "my card", "refund", "a refund"] * 5
    for classifier in (RidgeClassifier(), RandomForestClassifier(random_state=0)):
        pipeline = make_pipeline(encoder_of(models, family), classifier).fit(texts, [0, 0, 1, 1] * 5)
        assert pipeline.predict(["card", "a refund"]).tolist() == [0, 1]


@pytest.mark.parametrize("family", [*GENERATIVE, *ENCODERS])
def test_truncated_texts_are_counted(models, family):
    encoder = encoder_of(models, family)
    added = {"gpt2": 0, "llama": 1}.get(family, 2)
    assert encoder.max_tokens == LIMIT
    assert encoder.count_truncated(["x" * (LIMIT - added), "x" * (LIMIT - added + 1), "x"]) == 1
    short = encoder_of(models, family, max_length=10)
    assert short.max_tokens == 10
    assert short.count_truncated(TEXTS) == len([text for text in TEXTS if len(text) > 10])
    np.testing.assert_allclose(short.encode(["abc" * 20]), encoder.encode([("abc" * 20)[: 10 - added]]), atol=1e-5)
    assert encoder.encode([]).shape == (0, N_DIMS)
    assert encoder.count_truncated([]) == 0


def test_a_tokenizer_that_knows_no_limit_leaves_it_to_the_model(models, tmp_path):
    assert load(models["gpt2"]).tokenizer.model_max_length > 1_000_000
    size = {"d_model": N_DIMS, "d_kv": 8, "num_heads": 2, "num_layers": 1, "d_ff": 32, "decoder_start_token_id": 0}
    model = save_model(tmp_path / "t5", "t5", head="AutoModelForSeq2SeqLM", max_position_embeddings=None, **size)
    path = model / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": int(1e30)}))
    encoder = TransformerEncoder(model)
    assert encoder.max_tokens is None
    assert encoder.count_truncated(TEXTS) == 0
    assert encoder.encode(["long " * 100]).shape == (1, N_DIMS)


def test_normalize(models):
    assert np.allclose(np.linalg.norm(CausalLMEncoder(models["gpt2"]).encode(TEXTS), axis=1), 1, atol=1e-5)
    assert not np.allclose(np.linalg.norm(CausalLMEncoder(models["gpt2"], normalize=False).encode(TEXTS), axis=1), 1)


def test_fingerprint_names_what_decides_a_vector(models, tmp_path):
    gpt2, bert = models["gpt2"], models["bert"]
    encoders = [
        CausalLMEncoder(gpt2),
        CausalLMEncoder(gpt2, "mean"),
        CausalLMEncoder(gpt2, layer=1),
        CausalLMEncoder(gpt2, max_length=9),
        CausalLMEncoder(gpt2, normalize=False),
        CausalLMEncoder(save_model(tmp_path / "other", "gpt2", seed=1)),
        TransformerEncoder(gpt2),
        TransformerEncoder(bert),
        TransformerEncoder(bert, "cls"),
        TransformerEncoder(bert, max_length=9),
    ]
    assert len({encoder.fingerprint for encoder in encoders}) == len(encoders)
    copied = shutil.copytree(gpt2, tmp_path / "copy")
    assert CausalLMEncoder(copied, batch_tokens=2, device="cpu").fingerprint == encoders[0].fingerprint


def test_a_model_trained_anew_in_the_same_folder_is_loaded_again(models, tmp_path):
    own = Path(shutil.copytree(models["gpt2"], tmp_path / "own"))
    encoder = CausalLMEncoder(own)
    before = encoder.encode(TEXTS)
    shutil.copy(save_model(tmp_path / "other", "gpt2", seed=1) / "model.safetensors", own / "model.safetensors")
    assert not np.allclose(encoder.encode(TEXTS), before)


def test_scikit_learn_habits(models):
    encoder = clone(CausalLMEncoder(models["llama"], "mean", layer=1, batch_tokens=2))
    assert encoder.get_params() == {
        "model": models["llama"],
        "pooling": "mean",
        "layer": 1,
        "max_length": None,
        "normalize": True,
        "batch_tokens": 2,
        "device": None,
        "numbers": None,
    }
    expected = encoder.fit_transform(TEXTS)
    np.testing.assert_array_equal(copy.deepcopy(encoder).transform(TEXTS), expected)


def test_nothing_is_printed(models, capfd, caplog):
    for family in models:
        encoder_of(models, family).encode([*TEXTS, *TEXTS])
        encoder_of(models, family).count_truncated(TEXTS)
    assert capfd.readouterr() == ("", "")
    assert not [r for r in caplog.records if r.levelname in ("WARNING", "ERROR")]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"numbers": "int8"},
            ValueError,
            "numbers must be one of 'float32', .* or None, got 'int8'",
        ),
        ({"batch_tokens": 0}, ValueError, "batch_tokens must be at least 1, got 0"),
        ({"max_length": 65}, EncoderError, "max_length must be at most 64 for this model, got 65"),
        ({"max_length": 1}, EncoderError, "max_length must be at least 2 for this model, got 1"),
        ({"max_length": 1.5}, TypeError, "max_length must be a whole number, got 1.5"),
        ({"pooling": "cls"}, ValueError, "pooling must be one of 'last', 'mean', got 'cls'"),
        ({"layer": 3}, EncoderError, "layer must be between -3 and 2 for this model, got 3"),
        ({"layer": "last"}, TypeError, "layer must be a whole number, got 'last'"),
        ({"model": None}, TypeError, "folder or hub id of a generative language model, got None"),
        ({"device": "gpu"}, EncoderError, "device type at start of device string: gpu"),
    ],
)
def test_bad_parameters(models, parameters, error, message):
    with pytest.raises(error, match=message):
        CausalLMEncoder(**{"model": models["llama"], **parameters}).encode(["a"])


@pytest.mark.parametrize("texts", ["one text", ["a", None], ["a", 3]])
def test_bad_texts(models, texts):
    with pytest.raises(TypeError, match=r"texts must be (a list of strings|strings), got"):
        TransformerEncoder(models["bert"]).encode(texts)


@pytest.mark.parametrize("family", ENCODERS)
def test_an_encoder_model_is_no_generative_one(models, family):
    with pytest.raises(EncoderError, match=f"no generative language model but '{family}'.*TransformerEncoder"):
        CausalLMEncoder(models[family]).encode(["a"])


def test_folders_that_are_no_model(models, tmp_path):
    own = Path(shutil.copytree(models["gpt2"], tmp_path / "own"))

    def refused(message: str) -> None:
        with pytest.raises(EncoderError, match=message):
            CausalLMEncoder(own).encode(["a"])

    with pytest.raises(EncoderError, match="there is no such folder"):
        CausalLMEncoder(tmp_path / "missing").encode(["a"])
    with pytest.raises(EncoderError, match=r"no config\.json"):
        CausalLMEncoder(tmp_path).encode(["a"])
    (own / "adapter_config.json").write_text("{}")
    refused("adapter .* beside its weights.*merge it")
    (own / "config.json").rename(tmp_path / "config.json")
    refused("holds an adapter .* alone: merge it")
    (own / "adapter_config.json").unlink()
    (tmp_path / "config.json").rename(own / "config.json")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (own / name).rename(tmp_path / name)
    refused("has no tokenizer: save it into the same folder")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).rename(own / name)
    assert CausalLMEncoder(own).encode(["a"]).shape == (1, N_DIMS)
    (own / "model.safetensors").write_bytes(b"not weights at all")
    refused("can't load the model .*works offline")
    (own / "model.safetensors").unlink()
    refused("no safetensors weights")
    torch.save({}, own / "pytorch_model.bin")
    refused(r"pickled weights \(pytorch_model.bin\)")


def test_a_tokenizer_of_another_model_is_refused(models, tmp_path):
    own = save_model(tmp_path / "own", "gpt2", vocab_size=70)
    assert CausalLMEncoder(own).encode(["!"]).shape == (1, N_DIMS)
    with pytest.raises(EncoderError, match=r"a token \d+, the model knows 70 tokens: they don't belong together"):
        CausalLMEncoder(own).encode(["ü"])


def test_code_in_a_model_is_not_run(models, tmp_path):
    own = Path(shutil.copytree(models["gpt2"], tmp_path / "own"))
    (own / "modeling_own.py").write_text("raise SystemExit('this code ran')")
    config = json.loads((own / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "modeling_own.Own", "AutoModel": "modeling_own.Own"}}
    (own / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match="can't load the model"):
        CausalLMEncoder(own).encode(["a"])


def test_hub_out_of_reach(no_network):
    for kind in (CausalLMEncoder, TransformerEncoder):
        with pytest.raises(EncoderError, match=r"'nobody/nothing' from the Hugging Face hub.*works offline"):
            kind("nobody/nothing").encode(["a"])
    assert no_network, "the hub was not asked"


def test_a_name_alone_is_looked_up_as_it_is(models, monkeypatch):
    asked: list[str] = []

    def download(repo_id: str, ignore_patterns: list[str]) -> str:
        asked.append(repo_id)
        return str(models["gpt2"])

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert CausalLMEncoder("some-model").encode(["a"]).shape == (1, N_DIMS)
    assert TransformerEncoder("owner/some-model").n_dims == N_DIMS
    assert asked == ["some-model", "owner/some-model"]


def test_the_packaged_model_pooled_as_it_was_trained_is_the_sentence_encoder():
    from labelling.encoders._transformer import saved_pooling
    from labelling.encoders.sentence import SentenceEncoder

    texts = ["My payment was declined", "Bake the bread for an hour"]
    pooled = TransformerEncoder(max_length=256)
    assert saved_pooling(pooled._load().folder) == "mean"
    np.testing.assert_allclose(pooled.encode(texts), SentenceEncoder().encode(texts), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "pooling"),
    [
        ({"pooling_mode": "lasttoken"}, "last"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, None),
        ({"pooling_mode": "weightedmean"}, None),
    ],
)
def test_the_pooling_that_a_sentence_encoder_was_saved_with(tmp_path, settings, pooling):
    from labelling.encoders._transformer import saved_pooling

    assert saved_pooling(tmp_path) is None
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    assert saved_pooling(tmp_path) == pooling


def test_states_of_left_padded_pairs(models):
    checkpoint = load(models["bert"])
    rows = tokenize(checkpoint, ["short", "a longer one"], ["x", "pair of texts"])
    with torch.no_grad():
        batch = pad(checkpoint, rows, "left")
        states = hidden_states(checkpoint.model, batch)
        alone = hidden_states(checkpoint.model, pad(checkpoint, rows[:1]))
    torch.testing.assert_close(states[0, -alone.shape[1] :], alone[0], atol=1e-5, rtol=0)
    assert batch["token_type_ids"].any()


def test_threads_that_load_while_another_imports_transformers() -> None:
    code = """
import threading, time
import torch
from labelling.encoders._transformer import load
errors = []
def work():
    try:
        load(None)
    except Exception as error:
        errors.append(repr(error))
targets = [lambda: __import__("transformers"), work, work]
threads = [threading.Thread(target=target) for target in targets]
for thread in threads:
    thread.start()
    time.sleep(0.02)
for thread in threads:
    thread.join()
print(errors)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("[]")
