"""A tuned model as a folder: it gives the labels that the tuner gives, and loads without Corral."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labelling.dataset import Dataset
from labelling.encoders.sentence import SentenceEncoder
from labelling.encoders.tfidf import TfidfEncoder
from labelling.errors import StepError
from labelling.learning import tuners
from labelling.learning.classifiers import TransformerClassifier
from labelling.learning.model import load_model
from labelling.tasks.classify import classify
from labelling.tasks.model import save_model, zip_model
from labelling.tasks.tune import fit
from labelling.tasks.workbench import Workbench
from labelling.workspace import Project, Space, Workspace
from labelling.workspace.spaces import TUNER_FILE
from tests.models import save_model as save_tiny
from tests.projects import WordEncoder

pytestmark = pytest.mark.slow

TEXTS = [
    f"{what} {n}"
    for n in range(8)
    for what in ("my card was stolen", "where is my refund", "I forgot the password", "the lamp is broken")
]
LABELS = ("card", "refund", "account", "a | <b> label")
ALONE = """
import json, sys
from pathlib import Path
from sentence_transformers import SentenceTransformer
texts, said = json.loads(sys.stdin.read()), []
for folder in map(Path, sys.argv[1:]):
    logits = SentenceTransformer(str(folder), local_files_only=True).encode(texts)
    said.append([logits.tolist(), json.loads((folder / "labels.json").read_text())])
assert not [name for name in sys.modules if name.split(".")[0] == "labelling"]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(prompt="query: ")


def make(folder: Path, encoder: SentenceEncoder, *, multi_label: bool = False) -> Project:
    workspace = Workspace(folder)
    dataset = Dataset(pd.DataFrame({"text": pd.Series(TEXTS, dtype="str")}), "text")
    project = workspace.create("my inbox", dataset, {"kind": "sentence"}, multi_label=multi_label)
    X = encoder.encode(TEXTS)
    project.current.save_map("PCA", X[:, :2])
    project.current.save_embeddings(X)
    log = project.open_log("ann")
    for place, name in enumerate(LABELS):
        log.assign(np.arange(place, 24, 4), name)
        if multi_label:
            log.assign(np.arange((place + 1) % 4, 24, 4), name, answer=0)
    return project


KINDS = [(tuners.FeedForwardTuner, False), (tuners.ContrastiveTuner, False), (tuners.ContrastiveTuner, True)]
ASKED = ["lost my card in town", "refund please", "reset password", "broken light", *TEXTS]


@pytest.fixture(scope="module")
def taken_away(tmp_path_factory: pytest.TempPathFactory, encoder: SentenceEncoder) -> list[tuple[Space, Path, Any]]:
    """Of each of KINDS the space, its model's folder, and what that gives without Corral: in one process for all."""
    made = []
    for kind, multi_label in KINDS:
        folder = tmp_path_factory.mktemp("tuned")
        project = make(folder / "workspace", encoder, multi_label=multi_label)
        space = fit(project, project.open_log(), kind(steps=60, random_state=0), "tuned")
        project.keep_space(space.id)
        out = folder / "models" / "mine"
        assert save_model(project, encoder, out).id == space.id
        made.append((space, out))
    command = [sys.executable, "-c", ALONE, *(str(out) for _, out in made)]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    run = subprocess.run(command, input=json.dumps(ASKED), capture_output=True, text=True, cwd=elsewhere)
    assert not run.returncode, run.stderr
    said = json.loads(run.stdout.splitlines()[-1])
    return [(*each, its) for each, its in zip(made, said, strict=True)]


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_it_gives_the_tuners_labels_without_corral(
    encoder: SentenceEncoder, taken_away: list[tuple[Space, Path, Any]], number: int
) -> None:
    kind, multi_label = KINDS[number]
    space, out, (logits, names) = taken_away[number]
    tuner = kind.load(space.folder / TUNER_FILE)
    wanted = tuner.predict_proba(encoder.encode(ASKED))
    given = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if multi_label:
        given = 1 / (1 + np.exp(-np.array(logits)))
    assert names == tuner.classes_.tolist()
    np.testing.assert_allclose(given, wanted, atol=1e-5)
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "how right it is nobody knows" in card
    assert "| card | " in card
    assert "<b>" not in card
    assert {path.suffix for path in out.rglob("*") if path.is_file()} <= {".json", ".md", ".safetensors", ".txt"}
    assert not list(out.parent.glob(".mine-*"))


def test_predict_takes_the_folder_and_the_labels_have_the_names_of_now(
    tmp_path: Path, encoder: SentenceEncoder
) -> None:
    project = make(tmp_path / "workspace", encoder)
    space = fit(project, project.open_log(), tuners.ContrastiveTuner(steps=60, random_state=0), "tuned")
    project.keep_space(space.id)
    log = project.open_log("ann")
    refund = log.find("refund")
    assert refund
    log.rename(refund.id, "money back")
    own = project.model(encoder_with=lambda settings: encoder)
    save_model(project, encoder, tmp_path / "out")
    save_model(project, encoder, tmp_path / "out.skops", form="skops")
    for name in ("out", "out.skops"):
        found = load_model(tmp_path / name)
        assert found.classes_.tolist() == own.classes_.tolist() == ["a | <b> label", "account", "card", "money back"]
        np.testing.assert_allclose(found.predict_proba(TEXTS), own.predict_proba(TEXTS), atol=1e-5)
        assert found.predict(["where is my refund"]).tolist() == ["money back"]
        assert found.knows_near == (name == "out.skops")
    assert "| money back | 6 |" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("head", "pooling"), [("linear", "mean"), ("dense", "cls")])
def test_a_classifier_is_taken_away(tmp_path: Path, encoder: SentenceEncoder, head: str, pooling: str) -> None:
    project, body = make(tmp_path / "workspace", encoder), save_tiny(tmp_path / "body", "bert")
    cache = Workspace(tmp_path / "workspace").cache
    bench = Workbench(project, project.open_log("ann"), cache, lambda settings: encoder)
    classifier = TransformerClassifier(body, head=head, pooling=pooling, steps=60, random_state=0, device="cpu")
    space = classify(bench, classifier, "C", {})
    assert space
    project.keep_space(space.id)
    own = project.model()
    assert not own.knows_near
    forms = ["sentence-transformers", *(["transformers"] if head == "dense" else [])]
    for form in forms:
        assert save_model(project, encoder, tmp_path / form, form=form).id == space.id
        found = load_model(tmp_path / form)
        assert found.classes_.tolist() == own.classes_.tolist()
        np.testing.assert_allclose(found.predict_proba(TEXTS), own.predict_proba(TEXTS), atol=1e-4)
        assert "from 24 labelled texts" in (tmp_path / form / "README.md").read_text(encoding="utf-8")
    if head == "linear":
        with pytest.raises(StepError, match="A dense head on the first token"):
            save_model(project, encoder, tmp_path / "new", form="transformers")
    with pytest.raises(StepError, match="is a classifier, and skops holds"):
        save_model(project, encoder, tmp_path / "new.skops", form="skops")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(("new", ".new"))]


def test_the_zip_is_stopped_and_leaves_nothing(tmp_path: Path, encoder: SentenceEncoder) -> None:
    project = make(tmp_path / "workspace", encoder)
    space = fit(project, project.open_log(), tuners.FeedForwardTuner(steps=5, random_state=0), "tuned")
    project.keep_space(space.id)
    (tmp_path / "out").mkdir()
    stop, told = threading.Event(), []

    def tell(done: int, total: int) -> None:
        told.append((done, total))
        if done:
            stop.set()

    assert not zip_model(project, encoder, tmp_path / "out" / "a.zip", None, tell, stop)
    assert 0 < told[-1][0] < told[-1][1]
    assert list((tmp_path / "out").iterdir()) == []


def test_what_can_not_be_a_model_is_said(tmp_path: Path, encoder: SentenceEncoder) -> None:
    project = make(tmp_path / "workspace", encoder)
    with pytest.raises(StepError, match="no tuned space"):
        save_model(project, encoder, tmp_path / "out")
    with pytest.raises(StepError, match="not made by a tuner"):
        save_model(project, encoder, tmp_path / "out", 0)
    space = fit(project, project.open_log(), tuners.FeedForwardTuner(steps=5, random_state=0), "tuned")
    project.keep_space(space.id)
    with pytest.raises(StepError, match="embedded by TfidfEncoder"):
        save_model(project, TfidfEncoder(), tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(StepError, match="is there already"):
        save_model(project, encoder, tmp_path / "out")
    assert not list(tmp_path.glob(".out-*"))
    with pytest.raises(StepError, match="a tuner, which is no model of transformers alone"):
        save_model(project, encoder, tmp_path / "new", form="transformers")
    with pytest.raises(StepError, match="can't hold this project's encoder, WordEncoder"):
        save_model(project, WordEncoder(), tmp_path / "new", form="skops")  # type: ignore[arg-type]
    with pytest.raises(StepError, match="made by a tuner or a classifier"):
        save_model(project, encoder, tmp_path / "new", 0)
    assert not (tmp_path / "new").exists()
