"""What comes along with the demos is what the encoder and the maps give, and spares the page the model."""

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labelling.dataset import Dataset
from labelling.encoders.sentence import SentenceEncoder
from labelling.projections import UmapProcess, pca
from labelling.tasks import ready_made
from labelling.tasks.embed import can_be_made
from labelling.tasks.projects import create_project
from labelling.ui.texts.load import DEMOS
from labelling.workspace import Project, Workspace

ROOT = Path(__file__).parents[2]


class OtherEncoder:
    """A fingerprint of its own; it may not be asked for a vector."""

    n_dims = 384
    max_tokens = 256

    def __init__(self, fingerprint: str = "other") -> None:
        self.fingerprint = fingerprint

    def encode(self, texts):
        raise AssertionError("nothing is to be embedded")

    def count_truncated(self, texts):
        raise AssertionError("nothing is to be counted")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="module")
def process() -> Iterator[UmapProcess]:
    process = UmapProcess()
    yield process
    process.close()


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


def new_project(workspace: Workspace, dataset: Dataset) -> Project:
    return create_project(workspace, "demo", dataset, {})


def changed(dataset: Dataset) -> Dataset:
    frame = dataset.frame.copy()
    frame.loc[3, "text"] = frame.loc[3, "text"] + " "
    return replace(dataset, frame=frame)


@pytest.mark.parametrize("which", DEMOS)
def test_a_demo_is_there_without_an_encoder_at_work(which: str, workspace: Workspace, encoder: SentenceEncoder) -> None:
    demo = DEMOS[which]
    project = new_project(workspace, demo.read())
    lazy = OtherEncoder(encoder.fingerprint)
    assert ready_made.put(demo.made, project, workspace.cache, lazy)
    (space,) = project.spaces()
    assert space.ready
    assert space.has_map("PCA")
    assert space.has_map("UMAP")
    assert space.graph is not None
    assert space.settings["max_tokens"] == 256
    # Made again from the cache alone, should the arrays be lost.
    for path in space.folder.glob("*.npy"):
        path.unlink()
    assert not project.spaces()[0].ready
    found, there = workspace.cache.lookup(encoder.fingerprint, project.dataset.texts, 384)
    assert there.all()
    assert found.shape == (len(project.dataset), 384)


@pytest.mark.slow
@pytest.mark.parametrize("which", DEMOS)
def test_it_is_what_the_encoder_and_the_graph_give_now(
    which: str, workspace: Workspace, encoder: SentenceEncoder, process: UmapProcess
) -> None:
    demo = DEMOS[which]
    with np.load(demo.made, allow_pickle=False) as file:
        came = dict(file)
    dataset = demo.read()
    vectors = encoder.encode(dataset.texts)
    assert str(came["fingerprint"]) == encoder.fingerprint
    assert came["embeddings"].dtype == np.float32
    assert came["embeddings"].shape == vectors.shape == (len(dataset), 384)
    assert (came["embeddings"] * vectors).sum(axis=1).min() > 0.9999
    assert int(came["n_truncated"]) == encoder.count_truncated(dataset.texts)
    np.testing.assert_allclose(came["PCA"], pca(came["embeddings"]), atol=1e-4)
    graph = process.neighbours(came["embeddings"])
    assert graph is not None
    # Equal distances may change places on another processor.
    assert (came["neighbours"] == graph[0]).mean() > 0.999
    np.testing.assert_allclose(came["distances"], graph[1], atol=1e-4)
    assert came["UMAP"].shape == (len(dataset), 2)
    assert np.isfinite(came["UMAP"]).all()


def test_the_umap_keeps_neighbours_together() -> None:
    """No other processor makes the same UMAP; but near on it is what is near in the embeddings."""
    for demo in DEMOS.values():
        with np.load(demo.made, allow_pickle=False) as came:
            xy, near = came["UMAP"], came["neighbours"]
        apart = np.hypot(*(xy[:, None] - xy[near]).transpose(2, 0, 1))
        some = np.random.default_rng(0).integers(len(xy), size=near.shape)
        assert np.median(apart) < np.median(np.hypot(*(xy[:, None] - xy[some]).transpose(2, 0, 1))) / 3


def test_another_encoder_or_another_text_gets_nothing(workspace: Workspace, encoder: SentenceEncoder) -> None:
    demo = DEMOS["easy"]
    for dataset, asked in ((demo.read(), OtherEncoder()), (changed(demo.read()), encoder)):
        project = new_project(workspace, dataset)
        assert not ready_made.put(demo.made, project, workspace.cache, asked)
        assert not project.spaces()[0].ready
        assert not workspace.cache.lookup(asked.fingerprint, dataset.texts, 384)[1].any()


@pytest.mark.parametrize("damage", ["missing", "cut", "no zip", "empty", "a byte", "pickle"])
def test_a_damaged_file_is_not_used(
    damage: str, workspace: Workspace, encoder: SentenceEncoder, tmp_path: Path
) -> None:
    demo, path = DEMOS["easy"], tmp_path / "made.npz"
    whole = demo.made.read_bytes()
    if damage == "pickle":
        np.savez(path, fingerprint=np.array([{}], dtype=object))
    elif damage != "missing":
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
        path.write_bytes({"cut": whole[:-100], "no zip": b"text", "empty": b"", "a byte": flipped}[damage])
    project = new_project(workspace, demo.read())
    assert not ready_made.put(path, project, workspace.cache, encoder)
    assert not project.spaces()[0].ready
    # It is embedded as any other project's texts are.
    assert can_be_made(project.spaces()[0])


@pytest.mark.slow
def test_a_demo_is_shown_without_anything_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from labelling.encoders import registry\n"
        "from labelling.session import Session\n"
        "from labelling.tasks import projects, ready_made\n"
        "from labelling.ui.label import map_and_panel\n"
        "from labelling.ui.texts.load import DEMOS\n"
        "from labelling.workspace import Workspace\n"
        "workspace = Workspace()\n"
        "demo, encoder = DEMOS['easy'], registry.encoder_for({}, workspace.folder)\n"
        "project = projects.create_project(workspace, demo.name, demo.read(), {})\n"
        "assert ready_made.put(demo.made, project, workspace.cache, encoder)\n"
        "session = Session(project, lambda settings: encoder, 'me')\n"
        "assert session.map.look(project.spaces()[0], 'UMAP').n_points == 800\n"
        "heavy = ['torch', 'transformers', 'sentence_transformers', 'umap', 'numba']\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    environment = {"CORRAL_WORKSPACE": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_easy_demo_has_eight_clear_topics() -> None:
    """On its embeddings a linear model finds 95 of 100 topics."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    demo = DEMOS["easy"]
    with demo.file.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    topics = [row["topic"] for row in rows]
    texts = {"".join(filter(str.isalnum, row["text"].lower())) for row in rows}
    assert len(rows) == len(texts) == 800, "no text twice"
    assert len(Counter(topics)) == 8
    assert all(95 <= n <= 105 for n in Counter(topics).values())
    with np.load(demo.made, allow_pickle=False) as came:
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        found = cross_val_score(LogisticRegression(max_iter=1000), came["embeddings"], topics, cv=folds)
    assert found.mean() >= 0.95
