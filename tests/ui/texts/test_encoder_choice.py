"""The texts page's kinds of encoders, from the choice to the embeddings."""

import io
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from labelling.encoders import EncoderError
from labelling.encoders.causal_lm import CausalLMEncoder
from labelling.encoders.sentence import SentenceEncoder
from labelling.encoders.transformer import TransformerEncoder
from labelling.tasks.embed import embed
from labelling.tasks.projects import vectors_file
from labelling.ui.frame import resources
from labelling.ui.texts import encoder_choice
from labelling.workspace import Project, Workspace
from tests.models import save_model

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
TEXTS = ["the card was lost", "", "the refund is late", "the card was lost", "where is my money"]
VECTORS = [[1.0, 0, 0], None, [0, 1, 0], [0, 0, 1.5], [1, 1, 0]]
MORE = ["another card", "another refund"]


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setattr(resources, "warm_up", lambda **_: None)
    st.cache_resource.clear()
    yield resources.workspace()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {family: save_model(folder / family, family) for family in ("gpt2", "bert")}


def jsonl(texts: list[str], vectors: list[Any] | None = None) -> bytes:
    rows = [{"text": text} | ({} if vectors is None else {"vector": vectors[i]}) for i, text in enumerate(texts)]
    return "\n".join(map(json.dumps, rows)).encode()


def npy(vectors: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, vectors)
    return file.getvalue()


def uploaded(data: bytes, kind: str | None = None) -> AppTest:
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    at.file_uploader[0].upload("mine.jsonl", data).run()
    return at if kind is None else at.selectbox(key="encoder kind").select(kind).run()


def field(at: AppTest, label: str) -> Any:
    return next(e for kind in (at.text_input, at.selectbox, at.number_input) for e in kind if e.label == label)


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click()
    return at.run()


def refused(at: AppTest) -> str:
    assert not at.exception
    return str(at.error[0].value).replace("\\", "")


def made(at: AppTest) -> Project:
    """Presses "Make the map"; the project that came of it."""
    press(at, "Make the map")
    assert not at.exception
    assert not at.error, at.error[0].value
    (info,) = resources.workspace().projects()
    return resources.workspace().open(info.id)


def embedded(project: Project) -> np.ndarray:
    assert embed(resources.new_workbench(project))
    return np.asarray(project.spaces()[0].embeddings)


def test_the_packaged_encoder_is_the_default() -> None:
    at = uploaded(jsonl(TEXTS))
    assert at.selectbox(key="encoder kind").value == encoder_choice.PACKAGED
    project = made(at)
    assert not {"kind", "model", "prompt"} & set(project.spaces()[0].settings)
    assert embedded(project).shape == (5, 384)


def test_settings_of_before_there_were_kinds_still_open(tiny_model: Path) -> None:
    encoder = resources.encoder_for({"model": str(tiny_model), "prompt": None, "n_truncated": 0, "max_tokens": 32})
    assert isinstance(encoder, SentenceEncoder)
    assert encoder.get_params()["model"] == str(tiny_model)
    assert resources.encoder_for({"model": None, "prompt": None}).get_params()["model"] is None
    with pytest.raises(EncoderError, match="no encoder of the kind 'other' here: a newer Corral"):
        resources.encoder_for({"kind": "other"})


def test_a_sentence_encoder(tiny_model: Path) -> None:
    at = uploaded(jsonl(TEXTS), encoder_choice.SENTENCE)
    field(at, "Model").input(str(tiny_model))
    field(at, "Prompt put before each text").input("query: ").run()
    expected = SentenceEncoder(tiny_model, prompt="query: ").encode(TEXTS[2:3])
    np.testing.assert_allclose(embedded(made(at))[2], expected[0], atol=1e-5)


def test_a_generative_model(models: dict[str, Path]) -> None:
    at = uploaded(jsonl(TEXTS), encoder_choice.CAUSAL)
    field(at, "Model").input(str(models["gpt2"]))
    field(at, "Pooling").select("mean")
    field(at, "Layer").set_value(0)
    field(at, "Longest text, in tokens").set_value(10).run()
    project = made(at)
    expected = CausalLMEncoder(models["gpt2"], "mean", layer=0, max_length=10).encode([TEXTS[2]])
    np.testing.assert_allclose(embedded(project)[2], expected[0], atol=1e-5)
    settings = project.spaces()[0].settings
    assert (settings["n_truncated"], settings["max_tokens"]) == (4, 10)
    assert encoder_choice.name(settings) == f"{models['gpt2']}, mean"


def test_an_encoder_model_pooled(models: dict[str, Path]) -> None:
    at = uploaded(jsonl(TEXTS), encoder_choice.POOLED)
    field(at, "Model").input(str(models["bert"]))
    field(at, "Pooling").select("cls").run()
    expected = TransformerEncoder(models["bert"], "cls").encode([TEXTS[2]])
    np.testing.assert_allclose(embedded(made(at))[2], expected[0], atol=1e-5)


def test_word_counts_are_fitted_on_the_texts_and_place_what_is_added() -> None:
    at = uploaded(jsonl(TEXTS), encoder_choice.TFIDF)
    project = made(at)
    before = embedded(project)
    assert before.shape[0] == 5
    np.testing.assert_allclose(before[0], before[3])
    st.cache_resource.clear()  # as after a new start
    project = resources.workspace().open(project.id)
    session = resources.new_session(project)
    session.search.look_for("meaning", "a lost card")
    assert session.search.found is not None
    assert 0 in session.search.found.best(~project.dataset.empty, 2)
    press(added(project, jsonl(["the card is late"])), "Add the texts")
    after = embedded(resources.workspace().open(project.id))
    np.testing.assert_array_equal(after[:5], before)
    assert np.linalg.norm(after[5]) > 0.99


def added(project: Project, data: bytes) -> AppTest:
    at = uploaded(data)
    into = next(box for box in at.selectbox if box.label == "Put them into")
    option = next(option for option in into.options if option.startswith(project.name))
    return into.select(option).run()


def test_vectors_of_a_column(workspace: Workspace) -> None:
    at = uploaded(jsonl(TEXTS, VECTORS), encoder_choice.OWN)
    assert field(at, "Column with the vectors").value == "vector"
    project = made(at)
    expected = np.array([[np.nan] * 3 if vector is None else vector for vector in VECTORS], np.float32)
    np.testing.assert_array_equal(embedded(project), expected)  # two vectors for the text that is there twice
    session = resources.new_session(project)
    with pytest.raises(ValueError, match="brought along"):
        session.search.look_for("meaning", "card")
    session.map.look(project.spaces()[0], "PCA")
    session.search.more_like(0)
    # Added texts bring theirs.
    at = added(project, jsonl(MORE, [[1, 0], [0, 1]]))
    press(at, "Add the texts")
    assert "have 3 columns, those to be added 2" in refused(at)
    at = added(project, jsonl(MORE))
    press(at, "Add the texts")
    assert "Choose the vectors" in refused(at)
    assert workspace.open(project.id).n_rows == 5
    at = added(project, jsonl(MORE, [[1, 0, 9], [0, 1, 9]]))
    press(at, "Add the texts")
    assert not at.error
    both = np.vstack([expected, [[1, 0, 9], [0, 1, 9]]])
    np.testing.assert_array_equal(embedded(workspace.open(project.id)), both)


def test_vectors_of_a_file_beside_the_upload() -> None:
    vectors = np.arange(20.0).reshape(5, 4)
    at = uploaded(jsonl(TEXTS), encoder_choice.OWN)
    press(at, "Make the map")
    assert "Choose the vectors: a column with lists of numbers, or a .npy file" in refused(at)
    for wrong, message in ((npy(vectors[:4]), "a row for each of the 5 rows"), (b"PK\x03\x04", "an archive")):
        at.file_uploader[1].upload("v.npy", wrong).run()
        press(at, "Make the map")
        assert message in refused(at)
    assert resources.workspace().projects() == []
    at.file_uploader[1].upload("v.npy", npy(vectors)).run()
    found = embedded(made(at))
    vectors[1] = np.nan
    np.testing.assert_array_equal(found, vectors.astype(np.float32))


def test_lost_vectors_are_said() -> None:
    project = made(uploaded(jsonl(TEXTS, VECTORS), encoder_choice.OWN))
    vectors_file(project, 5).unlink()
    with pytest.raises(EncoderError, match="are not in its folder: make the project again"):
        embed(resources.new_workbench(project))


def test_an_endpoint_says_what_it_sends_and_costs(monkeypatch: pytest.MonkeyPatch, no_network: list[object]) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    at = uploaded(jsonl(["a" * 300, "a" * 300, "b" * 600]), encoder_choice.ENDPOINT)
    assert not at.error
    field(at, "Model on that server").input("small")
    field(at, "Price of a million tokens").set_value(2000.0).run()
    (said,) = [info.value for info in at.info]
    assert "**2 texts will be sent to api.openai.com**" in said.replace("\\", "")
    assert "300 tokens" in said
    assert "about 0.60" in said
    field(at, "Price of a million tokens").set_value(0.02).run()
    assert "less than 0.01" in at.info[0].value
    field(at, "Endpoint").select(encoder_choice.ANOTHER_ADDRESS).run()
    press(at, "Make the map")
    assert "Type in the address" in refused(at)
    field(at, "Address").input("http://[wrong").run()
    assert "base_url must be an address" in refused(at)
    field(at, "Address").input("https://embeddings.example/v1").run()
    assert "will be sent to embeddings.example" in at.info[0].value.replace("\\", "")
    assert no_network == []  # so far nothing was sent
    shown = str(at)
    assert "API_KEY" not in shown  # nor whether there is such a variable
    assert "sk-very-secret" not in shown


def test_a_key_goes_to_the_address_that_it_was_bound_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_network: list[object]
) -> None:
    from labelling.encoders.endpoint import EndpointEncoder

    def encoder(**settings: object) -> EndpointEncoder:
        found = resources.encoder_for({"kind": "endpoint", "model": "small", **settings})
        assert isinstance(found, EndpointEncoder)
        return found

    for name in ("OPENAI_API_KEY", "EMBEDDINGS_API_KEY", "OTHER_API_KEY"):
        monkeypatch.setenv(name, f"secret of {name}".replace(" ", "-"))
    assert encoder(endpoint="OpenAI").key_name == "OPENAI_API_KEY"
    assert encoder(base_url="https://api.openai.com/v1").key_name == "OPENAI_API_KEY"
    # An address that somebody typed gets no key, whatever variable an older project names, and is a public one.
    typed = encoder(base_url="https://elsewhere.example/v1", key_variable="OPENAI_API_KEY")
    assert (typed.key_name, typed.any_address) == ("", False)
    assert no_network == []

    file = tmp_path / "endpoints.toml"
    file.write_text('[ours]\nbase_url = "http://127.0.0.1:9/v1"\nkey_variable = "OTHER_API_KEY"\n')
    monkeypatch.setenv("CORRAL_ENDPOINTS", str(file))
    bound = encoder(endpoint="ours")
    assert (bound.base_url, bound.key_name, bound.any_address) == ("http://127.0.0.1:9/v1", "OTHER_API_KEY", True)
    assert encoder(base_url="http://127.0.0.1:9/v1/").key_name == "OTHER_API_KEY"

    # Where others reach the server, what its operator has bound is all there is.
    monkeypatch.setattr(resources, "alone", lambda: False)
    assert list(resources.endpoints()) == ["ours"]
    for settings in (
        {"endpoint": "OpenAI"},
        {"base_url": "https://api.openai.com/v1"},
        {"base_url": "https://a.example"},
    ):
        with pytest.raises(EncoderError, match="is not set up on this server"):
            encoder(**settings)
    at = uploaded(jsonl(TEXTS), encoder_choice.ENDPOINT)
    assert field(at, "Endpoint").options == ["ours"]
    file.write_text("[ours]\nkey = 'x'\n")
    with pytest.raises(EncoderError, match="must have a base_url"):
        resources.endpoints()


@pytest.mark.parametrize(
    ("address", "secrets", "alone"),
    [
        ("localhost", None, True),
        ("localhost", "[other]\na = 1\n", True),
        ("localhost", "[auth]\nclient_id = '1'\n", False),
        ("0.0.0.0", None, False),
        (None, None, False),
    ],
)
def test_who_is_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str | None, secrets: str | None, alone: bool
) -> None:
    file = tmp_path / "secrets.toml"
    if secrets:
        file.write_text(secrets)

    class Secrets(dict):
        def load_if_toml_exists(self) -> bool:
            self.update(tomllib.loads(file.read_text()))
            return True

    monkeypatch.setattr(st, "get_option", {"server.address": address, "secrets.files": [str(file)]}.get)
    monkeypatch.setattr(st, "secrets", Secrets())
    assert resources.alone() is alone


def test_an_endpoints_settings_hold_no_key(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    from labelling.encoders.endpoint import EndpointEncoder

    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setattr(EndpointEncoder, "_request", lambda self, texts: np.ones((len(texts), 3), np.float32))
    at = uploaded(jsonl(TEXTS), encoder_choice.ENDPOINT)
    field(at, "Model on that server").input("small").run()
    project = made(at)
    assert embedded(project).shape == (5, 3)
    assert project.spaces()[0].settings["model"] == "small"
    kept = [path for path in workspace.folder.rglob("*") if path.is_file() and b"sk-very" in path.read_bytes()]
    assert kept == []


@pytest.mark.parametrize(
    ("kind", "model", "message"),
    [
        (encoder_choice.SENTENCE, "", "Type in the model"),
        (encoder_choice.CAUSAL, "", "Type in the model"),
        (encoder_choice.CAUSAL, "/nowhere/at/all", "there is no such folder"),
        (encoder_choice.POOLED, "/nowhere/at/all", "there is no such folder"),
        (encoder_choice.ENDPOINT, "", "Type in the model"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_made(kind: str, model: str, message: str) -> None:
    at = uploaded(jsonl(TEXTS), kind)
    if model:
        field(at, "Model").input(model).run()
    assert not at.error
    press(at, "Make the map")
    assert message in refused(at)
    assert resources.workspace().projects() == []


def test_texts_that_share_no_word_cant_be_counted() -> None:
    at = uploaded(jsonl(["abc", "xyz uvw"]), encoder_choice.TFIDF)
    press(at, "Make the map")
    assert "TF-IDF needs texts that share words" in refused(at)
    assert resources.workspace().projects() == []
