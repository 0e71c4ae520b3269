"""In from another tool's file and out to another one, with the model, by commands alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labelling.cli import main
from labelling.readers import read_folder, read_labels
from labelling.workspace import Workspace
from tests.packs import everything, make

LABELS = ("card", "refund", "password")
DATA = Path(__file__).parents[1] / "data" / "formats"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """What Prodigy's db-out writes: 45 texts with a choice, 5 that were ignored, 40 that nobody has seen yet."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{n}" for n in range(200)])
    lines = []
    for n in range(90):
        label = LABELS[n % 3]
        task = {"text": f"the {label} {' '.join(rng.choice(words, 4))}", "options": [{"id": each} for each in LABELS]}
        if n < 50:
            ignored = n % 10 == 4
            task |= {"accept": [] if ignored else [label], "answer": "ignore" if ignored else "accept"}
        lines.append(json.dumps(task))
    path = tmp_path / "cards.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def project_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    """The id of a project that was made of a file, and what was said meanwhile."""
    assert main([*words, "--encoder", "tfidf", "--no-app", "--json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out)["id"], said.err


@pytest.mark.slow
def test_from_prodigy_to_a_hugging_face_folder_with_a_tuned_model(
    workspace: Workspace, answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project_id, said = project_of(capsys, str(answers))
    assert "45 of 90 rows came with 3 labels: 'card', 'refund', 'password'." in said
    assert main(["tune", project_id]) == 0
    folder = tmp_path / "cards-hf"
    assert main(["export", project_id, "--format", "huggingface", "--split", "-o", str(folder)]) == 0
    assert main(["export", project_id, "--format", "model", "-o", str(tmp_path / "cards.skops")]) == 0
    assert main(["predict", str(tmp_path / "cards.skops"), str(answers), "-o", str(tmp_path / "labelled.csv")]) == 0
    labelled = pd.read_csv(tmp_path / "labelled.csv")
    assert (labelled["label"] == [LABELS[n % 3] for n in range(90)]).mean() > 0.9

    capsys.readouterr()
    wanted = dict(zip(*columns_of(workspace, project_id), strict=True))
    table = read_folder(folder)
    assert dict(zip(table.frame["text"], read_labels(table.frame, "label"), strict=True)) == wanted
    assert table.frame["split"].value_counts().to_dict()["unlabelled"] == 45
    again, _ = project_of(capsys, str(folder))
    assert dict(zip(*columns_of(workspace, again), strict=True)) == wanted

    capsys.readouterr()
    assert main(["export", project_id, "--format", "huggingface", "-o", str(folder)]) == 1
    assert "is there already: name a new folder" in capsys.readouterr().err
    assert main(["export", project_id, "--format", "model", "--split", "-o", str(tmp_path / "x")]) == 2
    assert "say -o FOLDER" in capsys.readouterr().err
    assert not [*tmp_path.glob(".*"), *tmp_path.glob("x*")], "nothing half-written"

    datasets = pytest.importorskip("datasets")  # the extra `train` brings it
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train", "validation", "test", "unlabelled"}
    names = loaded["train"].features["label"]
    assert names.names == list(LABELS)
    by_text = {
        row["text"]: None if row["label"] is None else names.int2str(row["label"])
        for part in loaded.values()
        for row in part
    }
    assert by_text == wanted
    assert set(loaded["unlabelled"]["label"]) == {None}


def columns_of(workspace: Workspace, project_id: str) -> tuple[list[str], list[str | None]]:
    project = workspace.open(project_id)
    return project.dataset.texts, project.open_log().names().tolist()


@pytest.mark.parametrize(
    ("name", "n_labels", "multi_label"),
    [
        ("prodigy_textcat_exclusive.jsonl", 2, False),
        ("prodigy_textcat_binary.jsonl", 2, True),
        ("labelstudio_export_single_json_min.json", 2, False),
        ("argilla_hub.parquet", 2, False),
        ("doccano_doccano_multi.jsonl", 2, True),
        ("fasttext_train.txt", 2, False),
        ("hf_multi.parquet", 2, True),
        ("spacy_train.spacy", 2, False),
    ],
)
def test_a_tools_labels_come_along(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], name: str, n_labels: int, multi_label: bool
) -> None:
    project_id, said = project_of(capsys, str(DATA / name))
    project = workspace.open(project_id)
    assert (len(project.open_log().labels), project.multi_label) == (n_labels, multi_label)
    assert "came with 2 labels" in said
    without, _ = project_of(capsys, str(DATA / name), "--no-label")
    assert workspace.open(without).open_log().labels == []


def test_what_may_hold_labels_is_said_and_not_taken(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.DataFrame({"text": ["my card", "a refund", "cards", "refunds"] * 3, "topic": ["a", "b"] * 6})
    frame["more"] = ['["a", "b"]', "[]"] * 6
    frame.to_csv(tmp_path / "a.csv", index=False)
    project_id, said = project_of(capsys, str(tmp_path / "a.csv"), "--label", "more")
    assert workspace.open(project_id).multi_label, "a list of several is no one label"
    frame.drop(columns="more").to_csv(tmp_path / "a.csv", index=False)
    project_id, said = project_of(capsys, str(tmp_path / "a.csv"))
    assert "No labels were taken. 'topic' may hold some: --label 'topic' takes them." in said
    assert workspace.open(project_id).open_log().labels == []


@pytest.mark.slow
def test_a_pack_is_opened_as_what_it_is(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make(workspace)
    assert main(["pack", project.id, "-o", str(tmp_path / "job.zip")]) == 0
    capsys.readouterr()
    assert main([str(tmp_path / "job.zip"), "--no-app", "--json"]) == 0
    again = workspace.open(json.loads(capsys.readouterr().out)["id"])
    assert everything(again) == everything(project)
