"""A project's labels, spread over a store."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from labelling.cli import main
from labelling.errors import StepError
from labelling.store import StoreError
from labelling.store.store import Store
from labelling.tasks import spread as task
from labelling.tasks.spread import Labels, nearness, spread
from labelling.workspace import Project, Workspace
from tests.conftest import save_tiny_model
from tests.helpers import ROOT
from tests.projects import make_dataset
from tests.store.helpers import stamps
from tests.store.projects import encoder_of, learnt, make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Store:
    return make_store(tmp_path_factory.mktemp("stored"), tiny_model)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, store: Store) -> tuple[Workspace, Project]:
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    return workspace, learnt(workspace, store)


@pytest.fixture
def project(made: tuple[Workspace, Project]) -> Project:
    return made[0].open(made[1].id)


def all_of(labels: Labels) -> pa.Table:
    return pa.concat_tables(shard.read() for shard in labels.shards)


def test_each_text_has_what_the_model_says_of_it(project: Project, store: Store, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    labels = spread(project, store, tmp_path / "labels", encoder_of(store), on_progress=lambda *said: told.append(said))
    found, stored = all_of(labels), pa.concat_tables(shard.read() for shard in store.shards)
    assert told[-1] == (360, 360)
    for name in ("file", "row", "key"):
        assert found.column(name).equals(stored.column(name))
    model = project.model()
    answers = model.answers(stored.column("text").to_pylist())
    assert found.column("label").to_pylist() == model.classes_[answers.codes].tolist()
    np.testing.assert_allclose(found.column("probability"), answers.probability.max(axis=1), atol=1e-5)
    np.testing.assert_allclose(found.column("sure"), answers.sure, atol=1e-4)
    assert labels.counts == Counter(found.column("label").to_pylist())
    assert set(labels.counts) <= {"card", "refund", "money"}
    # Of what was labelled itself a vector of the same length lies nowhere nearer.
    near = np.asarray(found.column("nearness"))
    frame = project.dataset.frame[project.open_log().known]
    labelled = set(frame[project.dataset.text_column])
    same = [text in labelled for text in stored.column("text").to_pylist()]
    np.testing.assert_allclose(near[same], 1, atol=1e-5)
    assert (near <= 1 + 1e-5).all()
    assert near[~np.array(same)].min() < 0.99


def test_nearness_is_the_cosine_to_the_nearest() -> None:
    rng = np.random.default_rng(0)
    X, known = rng.normal(size=(9_000, 6)).astype(np.float32), np.eye(3, 6, dtype=np.float32)
    X[0] = 0
    with np.errstate(invalid="ignore"):
        expected = (X / np.linalg.norm(X, axis=1, keepdims=True))[:, :3].max(axis=1)
    np.testing.assert_allclose(nearness(X, known)[1:], expected[1:], atol=1e-6)
    assert nearness(X, known)[0] == 0


def test_what_is_there_is_skipped_and_what_is_not_is_made(project: Project, store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    before = all_of(spread(project, store, folder, encoder_of(store)))
    first = stamps(folder)
    paths = [folder / "shards" / name for name in first]
    paths[1].unlink()
    paths[3].write_bytes(paths[3].read_bytes()[:-20])
    assert all_of(spread(project, store, folder, encoder_of(store))).equals(before)
    after = stamps(folder)
    assert [name for name in first if after[name] != first[name]] == [paths[1].name, paths[3].name]
    said = json.loads((folder / "labels.json").read_bytes())
    (folder / "labels.json").write_text(json.dumps({**said, "counts": None}))
    with pytest.raises(StepError, match="are not whole: give the `corral spread` command again"):
        Labels.open(folder, store)
    assert spread(project, store, folder, encoder_of(store)).counts == said["counts"]


def test_labels_of_another_state_are_not_mixed(
    made: tuple[Workspace, Project], store: Store, tmp_path: Path, tiny_model: Path
) -> None:
    project = learnt(made[0], store, 80)
    folder = tmp_path / "labels"
    spread(project, store, folder, encoder_of(store))
    project.open_log().assign(np.arange(5), "something new")
    with pytest.raises(StepError, match="from before what is labelled changed: name a new folder"):
        spread(project, store, folder, encoder_of(store))
    (tmp_path / "other").mkdir()
    other = make_store(tmp_path / "other", tiny_model)
    with pytest.raises(StepError, match="not those of the store"):
        Labels.open(folder, other)
    with pytest.raises(StepError, match="There are no labels in"):
        Labels.open(tmp_path / "none", store)
    with pytest.raises(StepError, match="holds no labels, and is not empty"):
        spread(project, store, store.folder, encoder_of(store))
    (folder / "labels.json").write_text("{")
    with pytest.raises(StepError, match="can't be read"):
        Labels.open(folder, store)
    with pytest.raises(StepError, match="is damaged: name a new folder"):
        spread(project, store, folder, encoder_of(store))


def test_what_cannot_be_spread(project: Project, store: Store, workspace: Workspace, tmp_path: Path) -> None:
    empty = workspace.create("nothing learnt", make_dataset(), {})
    with pytest.raises(StepError, match="There is no tuned space that was kept"):
        spread(empty, store, tmp_path / "labels", encoder_of(store))
    several = workspace.create("several", make_dataset(), {}, multi_label=True)
    with pytest.raises(StepError, match="yes and no for each on its own"):
        spread(several, store, tmp_path / "labels", encoder_of(store))
    (tmp_path / "other").mkdir()
    other = make_store(tmp_path / "other", save_tiny_model(tmp_path, seed=3), 80)
    with pytest.raises(StoreError, match="of another encoder than the project 'sample'"):
        spread(project, other, tmp_path / "labels", encoder_of(store))
    assert not (tmp_path / "labels").exists()


def test_a_damaged_shard_of_the_store_is_said(project: Project, store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.folder, tmp_path / "copy")
    copy = Store(tmp_path / "copy")
    path = copy.shards[2].path
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"):
        spread(project, copy, tmp_path / "labels", encoder_of(store))
    assert len(stamps(tmp_path / "labels")) == 2, "those before it stay"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills")
def test_killed_in_the_middle(made: tuple[Workspace, Project], store: Store, tmp_path: Path) -> None:
    code = (
        "import os, signal; from labelling.cli import main; from labelling.store import shards\n"
        "write, n = shards.write, []\n"
        "def dying(path, *given):\n"
        "    write(path, *given); n.append(path)\n"
        "    if len(n) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "shards.write = dying\n"
    )
    arguments = ["spread", made[1].id, str(store.folder), "-o", str(tmp_path / "labels")]
    env = {**os.environ, "CORRAL_WORKSPACE": str(made[0].folder)}
    killed = subprocess.run([sys.executable, "-c", f"{code}main({arguments})"], cwd=ROOT, env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    before = stamps(tmp_path / "labels")
    assert len(before) == 3
    subprocess.run([sys.executable, "-m", "labelling.cli", *arguments], cwd=ROOT, env=env, check=True)
    after = stamps(tmp_path / "labels")
    assert {name: after[name] for name in before} == before
    whole = spread(made[0].open(made[1].id), store, tmp_path / "expected", encoder_of(store))
    assert all_of(Labels.open(tmp_path / "labels", store)).equals(all_of(whole))


def test_the_command(
    made: tuple[Workspace, Project],
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(made[0].folder))
    assert main(["spread", made[1].id, str(store.folder), "-o", str(tmp_path / "labels")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(int(line.split()[0]) for line in lines) == 360
    assert main(["spread", made[1].id, str(tmp_path), "-o", str(tmp_path / "labels")]) == 1
    assert "There is no store in" in capsys.readouterr().err
    assert task.FORMAT in (tmp_path / "labels" / "labels.json").read_text()
