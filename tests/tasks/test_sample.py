"""A project of some of a store's texts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labelling import projections
from labelling.cli import main
from labelling.encoders import Encoder
from labelling.encoders.registry import encoder_for
from labelling.errors import StepError
from labelling.store import StoreError
from labelling.store.store import Store
from labelling.tasks.embed import embed as embed_project
from labelling.tasks.sample import FILE, ROW, sample_project
from labelling.tasks.workbench import open_workbench
from labelling.workspace import Workspace
from tests.projects import make_dataset
from tests.store.helpers import embed_here, save_texts


class Counting:
    """An encoder that counts what it embeds."""

    def __init__(self, inner: Encoder) -> None:
        self.inner, self.seen = inner, []  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def encode(self, texts: list[str]) -> np.ndarray:
        self.seen += texts
        return self.inner.encode(texts)


@pytest.fixture(params=["float32", "float16"])
def store(request: pytest.FixtureRequest, tmp_path: Path, tiny_model: Path) -> Store:
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for seed, path in enumerate(files):
        save_texts(path, 100, seed)
    how: dict[str, Any] = {
        "text": "message",
        "encoder": {"model": str(tiny_model)},
        "float16": request.param == "float16",
    }
    return embed_here([str(path) for path in files], tmp_path / "store", **how, shard_rows=32)


def test_its_rows_are_known_and_nothing_is_embedded_again(store: Store, workspace: Workspace) -> None:
    positions = np.array([0, 5, 88, 91, 100, 179])
    encoder = Counting(encoder_for(store.manifest.encoder, Path()))
    project = sample_project(workspace, store, positions, "some", encoder)
    assert encoder.seen == []
    project = workspace.open(project.id)
    assert (project.n_rows, project.n_in_store, project.name) == (6, 180, "some")
    frame = project.dataset.frame
    assert list(frame) == ["message", FILE, ROW]
    for text, file, row in frame.itertuples(index=False):
        assert pd.read_csv(file, keep_default_na=False)["message"][row] == text
    space = project.current
    vectors = np.concatenate([shard.vectors() for shard in store.shards])[positions].astype(np.float32)
    np.testing.assert_array_equal(space.embeddings, vectors)
    np.testing.assert_array_equal(space.map("PCA"), projections.pca(vectors))
    # Texts that are added later: those of before are embedded again only where their vectors were cut to half.
    project.append(make_dataset(["a new card"]).extended(make_dataset([])))
    bench = open_workbench(workspace, project, lambda settings: encoder)
    assert embed_project(bench)
    assert len(set(encoder.seen)) == (1 if store.manifest.dtype == "float32" else 7)
    assert workspace.open(project.id).n_in_store == 180


def test_what_cannot_be_done_leaves_nothing(
    store: Store, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Counting(encoder_for(store.manifest.encoder, Path()))
    with pytest.raises(StepError, match="no text to make a project of"):
        sample_project(workspace, store, np.array([], int), "none", encoder)
    other = Counting(encoder)
    other.fingerprint = "other"  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match="another encoder than the model of that name here"):
        sample_project(workspace, store, np.arange(5), "other", other)
    store.shards[1].path.unlink()
    with pytest.raises(StoreError, match="is missing"):
        sample_project(workspace, store, np.arange(60), "torn", encoder)
    monkeypatch.setattr("labelling.tasks.sample.save_embeddings", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sample_project(workspace, store, np.arange(5), "late", encoder)
    assert workspace.projects() == []


def test_the_command(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(tmp_path / "workspace"))
    assert main(["sample", str(store.folder), "--rows", "50", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["n_rows"], said["of"]) == ("store", 50, 180)
    assert main(["sample", str(store.folder), "--rows", "50", "--spread", "--name", "spread", "--seed", "3"]) == 0
    assert "50 of 180 texts  spread" in capsys.readouterr().out
    assert all(Workspace().open(info.id).current.ready for info in Workspace().projects())
    assert main(["sample", str(tmp_path / "none")]) == 1
    assert "There is no store in" in capsys.readouterr().err
    assert main(["sample", str(store.folder), "--rows", "0"]) == 2
