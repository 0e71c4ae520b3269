"""The recipes of CONTRIBUTING.md: a dummy of each kind, added by one line of its registry, comes through everywhere."""

import json
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from labelling.cli import main
from labelling.encoders import registry as encoders
from labelling.formats import registry as formats
from labelling.learning import registry as tuners
from labelling.ui.frame import resources
from labelling.workspace import Project, Workspace
from tests.ui.helpers import fresh_workspace, make, open_page, upload

ROOT = Path(__file__).parents[1]
ENCODER_FOR = resources.encoder_for  # before a fixture puts a quick one in its place


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(tmp_path / "workspace"))
    yield from fresh_workspace(tmp_path, monkeypatch)


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return make(workspace)


def module(name: str, monkeypatch: pytest.MonkeyPatch, **members: object) -> str:
    made = types.ModuleType(name)
    made.__dict__.update(members)
    monkeypatch.setitem(sys.modules, name, made)
    return name


def test_an_export_format(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dummy = formats.Format(
        "Lengths", "How long each text is.",
        lambda frame: json.dumps(frame["text"].str.len().tolist()).encode(),
        lambda content: pd.DataFrame({"length": json.loads(content)}),
        "lengths.json", "application/json",
    )  # fmt: skip
    monkeypatch.setitem(formats.FORMATS, "lengths", dummy)
    out = tmp_path / "lengths.json"
    assert main(["export", project.id, "--format", "lengths", "-o", str(out)]) == 0
    assert json.loads(out.read_text()) == [len(text) for text in project.dataset.texts]
    at = open_page("export", project)
    at.radio[1].set_value("Lengths").run()
    assert not at.exception
    assert at.dataframe[0].value["length"].tolist() == [len(text) for text in project.dataset.texts[:10]]


class HalfTuner(BaseEstimator):
    """Halves every embedding: what a tuner must have, and no more."""

    def __init__(self, keep: float = 0.65, random_state: int | None = None) -> None:
        self.keep, self.random_state = keep, random_state

    def fit(self, X, y, *, callback=None):
        self.n_features_in_ = X.shape[1]
        for step in range(3):
            callback(step + 1, 3, 1 / (step + 1), None)
        return self

    def transform(self, X):
        return (np.asarray(X) / 2).astype(np.float32)

    def save(self, path: Path) -> None:
        path.write_text("half")


@pytest.mark.slow
def test_a_tuner(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    name = module("half_tuner", monkeypatch, HalfTuner=HalfTuner)
    monkeypatch.setitem(tuners.TUNERS, "HalfTuner", tuners.Kind(name, "Half", "half", "Halves everything."))
    log = project.open_log()
    log.assign(range(4), "a")
    log.assign(range(4, 8), "b")
    assert main(["tune", project.id, "--tuner", "half"]) == 0, capsys.readouterr().err
    space = project.current
    assert (space.kind, space.name) == ("HalfTuner", "Half 1")
    np.testing.assert_allclose(space.embeddings, project.spaces()[0].embeddings / 2)
    assert "Half" in open_page("tune", project).radio[0].options
    boxes = [each for each in open_page("separation").selectbox if each.label == "Tuner"]
    assert len(boxes) == 2
    assert all("Half" in each.options for each in boxes)


class LengthEncoder:
    """The length of a text in letters or words, and its share of spaces: what an encoder must have, and no more."""

    n_dims, max_tokens = 3, None

    def __init__(self, model: str = "letters") -> None:
        self.model = model

    @property
    def fingerprint(self) -> str:
        return f"lengths-{self.model}"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        lengths = [len(text.split()) if self.model == "words" else len(text) for text in texts]
        rows = [[n, text.count(" ") / len(text), 1] for n, text in zip(lengths, texts, strict=True)]
        return np.array(rows, np.float32).reshape(-1, 3)

    def count_truncated(self, texts: Sequence[str]) -> int:
        return 0


TEXTS = ["one", "two words", "three of them", "that are four words"]
OF_LENGTHS = "\n".join(["text", *TEXTS]).encode()


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dummy in the registry; the pages ask the registry again, rather than for a quick encoder."""
    name = module("length_encoder", monkeypatch, LengthEncoder=LengthEncoder)
    kind = encoders.Kind(name, "LengthEncoder", ("model",), title="Lengths", about="How long a text is.")
    monkeypatch.setitem(encoders.ENCODERS, "lengths", kind)
    monkeypatch.setattr(encoders, "_made", {})
    monkeypatch.setattr(resources, "encoder_for", ENCODER_FOR)


@pytest.mark.usefixtures("lengths")
def test_an_encoder_on_the_page(workspace: Workspace) -> None:
    at = upload(open_page("texts"), "a.csv", OF_LENGTHS)
    next(each for each in at.selectbox if each.label == "Kind of encoder").set_value("Lengths").run()
    assert "How long a text is." in [each.value for each in at.caption]
    next(each for each in at.text_input if each.label == "Model").set_value("words").run()
    next(each for each in at.button if each.label == "Make the map").click()
    at.run()
    assert not at.exception
    (info,) = workspace.projects()
    project = workspace.open(info.id)
    assert project.current.settings.items() >= {"kind": "lengths", "model": "words"}.items()
    assert main(["embed", project.id]) == 0
    np.testing.assert_array_equal(workspace.open(info.id).current.embeddings[:, 0], [1, 2, 3, 4])


@pytest.mark.usefixtures("lengths")
def test_an_encoder_on_the_command_line(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(OF_LENGTHS)
    assert main([str(tmp_path / "a.csv"), "--text", "text", "--encoder", "lengths:letters", "--no-app"]) == 0
    (info,) = workspace.projects()
    embeddings = workspace.open(info.id).current.embeddings
    np.testing.assert_array_equal(embeddings[:, 0], [len(text) for text in TEXTS])


def test_the_recipes_are_told() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for file in ("labelling/encoders/registry.py", "labelling/learning/registry.py", "labelling/formats/registry.py"):
        assert file in text
        assert (ROOT / file).exists()
