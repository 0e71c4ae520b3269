"""A tuned model as a folder: it gives the labels that the tuner gives, and loads without Corral."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labelling.dataset import Dataset
from labelling.encoders.sentence import SentenceEncoder
from labelling.encoders.tfidf import TfidfEncoder
from labelling.errors import StepError
from labelling.learning import tuners
from labelling.tasks.model import save_model
from labelling.tasks.tune import fit
from labelling.workspace import Project, Workspace
from labelling.workspace.spaces import TUNER_FILE

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
folder = Path(sys.argv[1])
logits = SentenceTransformer(str(folder), local_files_only=True).encode(json.loads(sys.stdin.read()))
assert not [name for name in sys.modules if name.split(".")[0] == "labelling"]
print(json.dumps([logits.tolist(), json.loads((folder / "labels.json").read_text())]))
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


@pytest.mark.parametrize(
    ("kind", "multi_label"),
    [(tuners.FeedForwardTuner, False), (tuners.ContrastiveTuner, False), (tuners.ContrastiveTuner, True)],
)
def test_it_gives_the_tuners_labels_without_corral(
    tmp_path: Path, encoder: SentenceEncoder, kind: type, multi_label: bool
) -> None:
    project = make(tmp_path / "workspace", encoder, multi_label=multi_label)
    space = fit(project, project.open_log(), kind(steps=60, random_state=0), "tuned")
    project.keep_space(space.id)
    out = tmp_path / "models" / "mine"
    assert save_model(project, encoder, out).id == space.id
    texts = ["lost my card in town", "refund please", "reset password", "broken light", *TEXTS]
    run = subprocess.run(
        [sys.executable, "-c", ALONE, str(out)], input=json.dumps(texts), capture_output=True, text=True, cwd=tmp_path
    )
    assert not run.returncode, run.stderr
    logits, names = json.loads(run.stdout.splitlines()[-1])
    tuner = kind.load(space.folder / TUNER_FILE)
    wanted = tuner.predict_proba(encoder.encode(texts))
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
    assert not list(tmp_path.glob("models/.mine-*"))


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
