"""A packed project is made anew: the same labels, row by row, or it says which differ."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelling.encoders.registry import encoder_for
from labelling.errors import CorralError
from labelling.tasks.pack import pack
from labelling.tasks.packed_log import PackError
from labelling.tasks.replay import Replayed, replay
from labelling.workspace import Project, Workspace
from tests.packs import everything, make, member_of, rewritten
from tests.projects import make_dataset


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, tuple[Project, Path]]:
    made = {}
    for multi_label in (False, True):
        folder = tmp_path_factory.mktemp("packed")
        workspace = Workspace(folder / "workspace")
        project = make(workspace, multi_label=multi_label)
        pack(workspace, project, folder / "job.zip")
        made[multi_label] = project, folder / "job.zip"
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "elsewhere")


@pytest.fixture
def job(packs: dict[bool, tuple[Project, Path]], tmp_path: Path) -> Path:
    return Path(shutil.copy(packs[False][1], tmp_path))


def run(workspace: Workspace, file: Path, **options: Any) -> Replayed:
    return replay(workspace, file, lambda settings: encoder_for(settings, workspace.folder), **options)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("vectors", [False, True])
def test_it_is_equal(
    packs: dict[bool, tuple[Project, Path]], elsewhere: Workspace, multi_label: bool, vectors: bool
) -> None:
    project, file = packs[multi_label]
    if not vectors:
        file = elsewhere.folder / "small.zip"
        pack(Workspace(project.folder.parents[1]), project, file, vectors=False)
    found = run(elsewhere, file)
    assert (found.equal, found.n_rows, found.not_made, found.versions) == (True, 40, {}, [])
    assert everything(found.project) == everything(project)
    for ours, theirs in zip(project.spaces(), found.project.spaces(), strict=True):
        np.testing.assert_allclose(ours.embeddings, theirs.embeddings, atol=1e-4)
    assert found.suggested == ({"bent": (38, 38)} if vectors and not multi_label else {})


def test_which_rows_differ(job: Path, elsewhere: Workspace) -> None:
    """Of what the pack says that was labelled, a line is another and one is gone."""
    lines = member_of(job, "labels.jsonl").splitlines()
    first, *others, last = map(json.loads, lines)
    changed = [{**first, "label": "another"}, *others]
    found = run(elsewhere, rewritten(job, {"labels.jsonl": "\n".join(map(json.dumps, changed)).encode()}))
    assert not found.equal
    names = found.project.open_log().names()
    assert found.differing == [(first["row"], "another", first["label"]), (last["row"], None, last["label"])]
    assert names[last["row"]] == last["label"]


def test_what_was_taken_back_is_worked_out_anew(job: Path, elsewhere: Workspace) -> None:
    """The log tells what an undo gave back; where it tells something else, that is seen."""
    lines = [json.loads(line) for line in member_of(job, "log.jsonl").splitlines()]
    undo = next(line for line in reversed(lines) if line["kind"] == "undo" and line["changes"])
    row = undo["changes"][0]["rows"][0]
    undo["changes"] = []
    found = run(elsewhere, rewritten(job, {"log.jsonl": "\n".join(map(json.dumps, lines)).encode()}))
    assert found.equal, "the labels follow from what was taken back"
    assert row in found.project.open_log().rows_of(undo["seq"])


def test_another_action_is_seen(job: Path, elsewhere: Workspace) -> None:
    lines = [json.loads(line) for line in member_of(job, "log.jsonl").splitlines()]
    lines[3]["changes"][0]["rows"] = [11, 14, 26]
    found = run(elsewhere, rewritten(job, {"log.jsonl": "\n".join(map(json.dumps, lines)).encode()}))
    assert {row for row, _, _ in found.differing} >= {8}
    assert not found.equal


def test_a_space_that_can_not_be_made_is_said(job: Path, elsewhere: Workspace) -> None:
    """Those after it keep their numbers."""
    about = json.loads(member_of(job, "pack.json"))
    about["spaces"][2]["settings"]["seq"] = 1  # nothing but one imported label was there
    about["versions"]["torch"] = "0.1"
    found = run(elsewhere, rewritten(job, {"pack.json": json.dumps(about).encode()}))
    assert found.equal
    assert "at least two labels" in found.not_made["bent"]
    assert [space.name for space in found.project.spaces()] == ["Original"]
    assert found.project.current.id == 0
    assert found.project.add_space("next", "FeedForwardTuner", {}).id == 3
    ((name, then, now),) = found.versions
    assert (name, then) == ("torch", "0.1")
    assert now


def test_stopped_it_leaves_no_project_but_what_was_embedded(job: Path, elsewhere: Workspace) -> None:
    def stop(title: str, done: int, total: int) -> None:
        if title == "bent":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(elsewhere, job, on_progress=stop)
    assert elsewhere.projects() == []
    assert not list(elsewhere.folder.glob("projects/*"))
    told: list[tuple[str, int, int]] = []
    found = run(elsewhere, job, on_progress=lambda *step: told.append(step))
    assert found.equal
    assert told[0][:2] == ("Embedding", 38), "all of it was in the cache"
    assert {title for title, _, _ in told} == {"Embedding", "Labelling", "bent"}


def test_a_damaged_line_is_said_before_anything_is_embedded(job: Path, elsewhere: Workspace) -> None:
    lines = member_of(job, "log.jsonl").splitlines()
    lines[-1] = b"{}"

    def none(settings: object) -> Any:
        raise AssertionError("nothing is to be embedded")

    with pytest.raises(PackError, match=f"Line {len(lines)} of log.jsonl"):
        replay(elsewhere, rewritten(job, {"log.jsonl": b"\n".join(lines)}), none)
    assert elsewhere.projects() == []


def test_an_encoder_that_is_not_there(tmp_path: Path, elsewhere: Workspace) -> None:
    workspace = Workspace(tmp_path / "workspace")
    project = workspace.create("texts", make_dataset(), {"kind": "sentence", "model": str(tmp_path / "none")})
    pack(workspace, project, tmp_path / "job.zip")
    with pytest.raises(CorralError, match="none"):
        run(elsewhere, tmp_path / "job.zip")
    assert elsewhere.projects() == []
    assert not list(elsewhere.folder.glob("projects/*"))


@pytest.mark.slow
def test_a_classifier_is_trained_anew(tmp_path: Path, elsewhere: Workspace, tiny_model: Path) -> None:
    from labelling.learning.classifiers import TransformerClassifier
    from labelling.tasks.classify import classify
    from tests.packs import bench_of

    workspace = Workspace(tmp_path / "workspace")
    project = make(workspace)
    chosen = {"model": str(tiny_model), "train": "head", "head": "linear", "random_state": 1, "max_length": None}
    space = classify(bench_of(workspace, project), TransformerClassifier(**chosen), "read", chosen)
    assert space is not None
    project.keep_space(space.id)
    pack(workspace, project, tmp_path / "job.zip")
    found = run(elsewhere, tmp_path / "job.zip")
    assert (found.equal, found.not_made) == (True, {})
    assert found.suggested == {"bent": (38, 38), "read": (38, 38)}
    assert everything(found.project) == everything(project)
