"""The `corral` command, from a file to the export, and what it says of what can't be done."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labelling import cli
from labelling.cli import main
from labelling.dataset import Dataset
from labelling.projections.nearest import neighbours
from labelling.readers import read_table
from labelling.workspace import Workspace
from tests.hub import Hub, serving

ROOT = Path(__file__).parents[2]
TEXTS = [f"the {what} number {n} is {how}" for n in range(10) for what, how in (("card", "lost"), ("refund", "late"))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "inbox.csv"
    labels = ["card" if "card" in text and n < 8 else None for n, text in enumerate(TEXTS)]
    pd.DataFrame({"id": range(20), "message": TEXTS, "kind": labels}).to_csv(path, index=False)
    return path


def made(file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The id of a project that was made of the file."""
    assert main([str(file), "--text", "message", "--encoder", "tfidf", "--no-app", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)["id"]


@pytest.mark.slow
def test_from_a_file_to_a_tuned_map_and_an_export(
    workspace: Workspace, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project_id = made(file, capsys, "--label", "kind", "--name", "my inbox")
    project = workspace.open(project_id)
    assert project.spaces()[0].ready
    assert project.open_log().names().tolist() == ["card" if n < 8 and n % 2 == 0 else None for n in range(20)]

    project.open_log().assign(np.arange(1, 12, 2), "refund")
    assert main(["tune", project_id, "--tuner", "contrastive", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"space": 1, "name": "Contrastive 1", "measured": None}
    shown = workspace.open(project_id).current
    assert (shown.id, shown.state, shown.kind) == (1, "kept", "ContrastiveTuner")

    out = tmp_path / "out.jsonl"
    assert main(["export", project_id, "--format", "jsonl", "-o", str(out)]) == 0
    table = read_table(out.read_bytes(), out.name).frame
    assert table["message"].tolist() == TEXTS
    assert table["label"].fillna("").tolist() == [
        ("refund" if n % 2 else "card" if n < 8 else "") if n < 12 else "" for n in range(20)
    ]
    assert main(["embed", project_id, "--umap"]) == 0
    assert workspace.open(project_id).current.has_map("UMAP")
    capsys.readouterr()
    assert main(["projects", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["name"], listed["n_rows"], listed["n_labelled"]) == ("my inbox", 20, 10)


def test_a_project_is_renamed_given_checked_and_copied(
    workspace: Workspace, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project_id = made(file, capsys)
    assert workspace.open(project_id).name == "inbox.csv"
    assert main(["rename", project_id, "  post  "]) == 0
    assert workspace.open(project_id).name == "post"
    assert main(["check"]) == 0
    (workspace.folder / "projects" / project_id / "dataset" / "dataset.json").unlink()
    capsys.readouterr()
    assert main(["check", "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)
    assert problem["project"] == project_id
    assert main(["backup", str(tmp_path / "copy.zip")]) == 0
    assert "corral.db" in zipfile.ZipFile(tmp_path / "copy.zip").namelist()
    assert main(["give", project_id, "Ann@Example.org"]) == 0
    assert main(["embed", project_id]) == 1, "it is no longer nobody's"
    assert "There is no project" in capsys.readouterr().err
    assert main(["--account", "ann@example.org", "projects"]) == 0
    assert "post" in capsys.readouterr().out
    assert main(["--account", "ann@example.org", "rename", project_id, "hers"]) == 0
    assert main(["give", project_id, "--nobody"]) == 0
    assert workspace.open(project_id).name == "hers"


def test_a_map_of_ones_own(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "places.csv"
    pd.DataFrame({"message": TEXTS, "lon": range(20), "lat": np.linspace(0, 1, 20) ** 2}).to_csv(path, index=False)
    project = workspace.open(made(path, capsys, "--x", "lon", "--y", "lat"))
    np.testing.assert_allclose(project.current.map("own")[:, 0], np.arange(20))
    assert project.current.map("PCA") is not None


def test_a_folder_is_opened(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inbox" / "data").mkdir(parents=True)
    for n, split in enumerate(("train", "test")):
        frame = pd.DataFrame({"message": TEXTS[n * 10 : n * 10 + 10]})
        frame.to_parquet(tmp_path / "inbox" / "data" / f"{split}-00000-of-00001.parquet")
    monkeypatch.chdir(tmp_path / "inbox")
    project = workspace.open(made(Path("."), capsys))
    assert project.name == "inbox"
    assert sorted(project.dataset.texts) == sorted(TEXTS)
    assert project.dataset.frame["split"].tolist() == ["test"] * 10 + ["train"] * 10
    (tmp_path / "inbox" / "more.csv").write_text("message\nhello\n")
    assert main([".", "--no-app"]) == 1
    assert "tables of several kinds (2 parquet, 1 csv)" in capsys.readouterr().err


def test_a_data_set_of_the_hub_is_opened(
    workspace: Workspace,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = {
        f"data/{split}-00000-of-00001.parquet": pd.DataFrame({"message": TEXTS[:n]}).to_parquet()
        for split, n in (("train", 20), ("test", 10))
    }
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with serving(Hub({"ann/inbox": {"main": parts}})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        options = ("--text", "message", "--encoder", "tfidf", "--no-app")
        assert main(["hf:ann/inbox@main", "--split", "train", *options]) == 0
        (info,) = workspace.projects()
        assert (info.name, workspace.open(info.id).dataset.texts) == ("ann/inbox", TEXTS)
        assert main(["hf:ann/nothing", *options]) == 1
        assert "There is no data set 'ann/nothing' on the hub" in capsys.readouterr().err
    assert main([str(file), "--split", "train", *options]) == 2
    assert "--split is for data sets on the hub" in capsys.readouterr().err
    assert len(workspace.projects()) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (
            ["{file}", "--text", "text", "--no-app"],
            1,
            "There is no column 'text' in inbox.csv. There are: 'id', 'message'",
        ),
        (["{file}", "--label", "nothing", "--no-app"], 1, "There is no column 'nothing'"),
        (["{file}", "--encoder", "endpoint:x", "--no-app"], 1, "An endpoint is chosen in the app"),
        (["{file}", "--encoder", "/nowhere/model", "--no-app"], 1, "/nowhere/model"),
        (["{file}", "--x", "id", "--no-app"], 2, "needs both --x and --y"),
        (
            ["{file}", "--x", "id", "--y", "kind", "--no-app"],
            1,
            "'kind' can't be a side of the map: row 1 holds 'card'",
        ),
        (["nowhere.csv"], 2, "neither a command nor a file"),
        (["export", "aaaaaaaaaaaa"], 1, "There is no project 'aaaaaaaaaaaa'"),
        (["predict", "no/model", "{file}", "-o", "x.csv"], 1, "There is no model in 'no/model'"),
        (["predict", "no.skops", "{file}", "-o", "x.csv"], 1, "There is no model in 'no.skops'"),
        (["rename", "../../etc", "x"], 1, "There is no project"),
        (["tune", "aaaaaaaaaaaa", "--keep", "2"], 2, "2.0 is not in the range"),
        (["tune", "aaaaaaaaaaaa", "--tuner", "best"], 2, "'best' is not one of"),
        (["give", "aaaaaaaaaaaa"], 2, "Say to whom"),
        (["projects", "--xml"], 2, "No such option"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_made(
    workspace: Workspace,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    assert main([argument.format(file=file) for argument in arguments]) == status
    assert message in capsys.readouterr().err
    assert workspace.projects() == []


def test_too_few_labels(workspace: Workspace, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project_id = made(file, capsys)
    assert main(["tune", project_id]) == 1
    assert "needs at least two labels" in capsys.readouterr().err
    assert main(["rename", project_id, " "]) == 1
    assert "Type a name" in capsys.readouterr().err


def test_stopped_by_hand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("labelling.workspace.Workspace.projects", stopped)
    assert main(["projects"]) == cli.STOPPED
    assert "What was done so far is kept" in capsys.readouterr().err


def test_without_a_command_the_app_is_started_and_a_file_opens_in_it(
    workspace: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str | None] = []
    monkeypatch.setattr("labelling.cli.start", lambda project=None: started.append(project) or 0)
    monkeypatch.setattr("labelling.cli.opening.start", lambda project=None: started.append(project) or 0)
    assert main([]) == 0
    assert main([str(file), "--text", "message", "--encoder", "tfidf"]) == 0
    assert started == [None, workspace.projects()[0].id]


def test_help_says_the_names_of_the_registries(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    shown = "".join(capsys.readouterr().out.split())  # in as many lines as it takes
    assert (
        "[csv|excel|jsonl|parquet|huggingface|argilla|labelstudio|prodigy|doccano|spacy|fasttext|training|model]"
        in shown
    )
    assert main(["tune", "x", "--tuner", "other"]) == 2
    assert "'other' is not one of 'feed-forward', 'contrastive'." in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from labelling.cli import main; main(['--help']); main(['tune', '--help']);"
        "print([m for m in ('torch', 'numpy', 'pandas', 'sklearn', 'streamlit', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Lasso texts into labels" in done.stdout
    for command in ("projects", "rename", "give", "embed", "tune", "export", "model", "predict", "check", "backup"):
        assert f"\n  {command} " in done.stdout
    assert done.stdout.rstrip().endswith("[]")


def test_a_project_is_deleted(
    workspace: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: object
) -> None:
    assert main([str(file), "--text", "message", "--encoder", "tfidf", "--no-app"]) == 0
    (info,) = workspace.projects()
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert main(["delete", info.id]) == 130
    assert len(workspace.projects()) == 1
    assert main(["delete", info.id, "--yes"]) == 0
    assert workspace.projects() == []
    assert main(["delete", info.id, "--yes"]) == 1


def test_next_prints_proposals(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({"text": pd.Series(TEXTS, dtype="str")})
    project = workspace.create("mine", Dataset(frame, "text"), {})
    assert main(["next", project.id]) == 1
    assert "once the clear map is made" in capsys.readouterr().err
    codes = np.arange(20) % 2
    X = (np.eye(2, 6)[codes] + np.random.default_rng(0).normal(0, 0.1, (20, 6))).astype(np.float32)
    project.current.save_graph(*neighbours(X, None, 5, 0, lambda done, total: None))
    project.current.save_embeddings(X)
    project.open_log().assign(np.array([0, 2, 4]), "card")
    project.open_log().assign(np.array([1, 3, 5]), "refund")
    assert main(["next", project.id, "-n", "9"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = [row for each in found for row in each["rows"]]
    assert sorted(rows) == list(range(6, 20)), "each once"
    for each in found:
        assert not {0, 1, 2, 3, 4, 5} & set(each["rows"])
        if each["labels"]:
            assert each["labels"] == [("card", "refund")[codes[row]] for row in each["rows"]]
        assert all(read["text"] == TEXTS[read["row"]] for read in each["read"])
    log = project.open_log()
    log.refuse({"by": "proposal", "kind": "heap", "version": -1})  # of another version of the queue
    assert main(["next", project.id]) == 0
    assert json.loads(capsys.readouterr().out) == found[0]


@pytest.mark.slow
def test_predict_with_a_projects_model(
    workspace: Workspace, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project_id, out = made(file, capsys, "--label", "kind"), tmp_path / "out.jsonl"
    more = tmp_path / "more.csv"
    pd.DataFrame({"topic": ["-"] * 2, "message": ["the refund is late", "lost the card"]}).to_csv(more, index=False)
    predict = ["predict", project_id, str(more), "-o", str(out)]
    assert main(predict) == 1
    assert "no tuned space that was kept" in capsys.readouterr().err
    workspace.open(project_id).open_log().assign(np.arange(1, 12, 2), "refund")
    assert main(["tune", project_id]) == 0
    capsys.readouterr()
    assert main([*predict, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["n_rows"], said["text"], said["by_nearness"]) == (2, "message", True)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["label"] for row in rows] == ["refund", "card"]
    assert [row["message"] for row in rows] == ["the refund is late", "lost the card"]
    assert main(predict) == 1
    assert "is there already" in capsys.readouterr().err
    assert main([*predict[:-1], str(tmp_path / "b.csv"), "--text", "body"]) == 1
    assert "There is no column 'body' in more.csv" in capsys.readouterr().err
    pipeline = tmp_path / "model.skops"
    assert main(["model", project_id, "-o", str(pipeline)]) == 0
    assert "a pipeline of encoder and tuner" in capsys.readouterr().out
    assert main(["predict", str(pipeline), str(more), "-o", str(tmp_path / "same.jsonl")]) == 0
    assert (tmp_path / "same.jsonl").read_bytes() == out.read_bytes()
    assert main(["model", project_id, "-o", str(tmp_path / "new"), "--format", "transformers"]) == 1
    assert "no model of transformers alone" in capsys.readouterr().err
    assert main(["model", project_id, "-o", str(tmp_path / "new"), "--format", "onnx"]) == 2
    assert main(["predict", str(tmp_path), str(more), "-o", str(tmp_path / "b.csv")]) == 1
    assert "can't be used: no model in" in capsys.readouterr().err
    assert main(["predict", str(tmp_path), str(more), "-o", str(tmp_path / "b.csv"), "--space", "1"]) == 2
    assert main(["predict", "aaaaaaaaaaaa", str(more), "-o", str(tmp_path / "b.csv")]) == 1
    assert "There is no project" in capsys.readouterr().err


def test_predict_sends_nothing_anywhere_unasked(
    workspace: Workspace,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("labelling.workspace.models.model_space", lambda project, space: project.spaces()[0])
    for kind, message in (("endpoint", "Say --send where that is meant"), ("own", "were brought along")):
        frame = pd.DataFrame({"text": pd.Series(TEXTS, dtype="str")})
        project = workspace.create("mine", Dataset(frame, "text"), {"kind": kind, "n_dims": 3})
        assert main(["predict", project.id, str(file), "-o", str(file.with_name("out.csv"))]) == 1
        assert message in capsys.readouterr().err


def test_a_page_of_results_is_written(
    workspace: Workspace, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project_id = made(file, capsys, "--label", "kind")
    out = tmp_path / "results.html"
    assert main(["report", project_id, "-o", str(out)]) == 0
    assert "<bdi>card</bdi>" in out.read_text(encoding="utf-8")
    assert TEXTS[0] not in out.read_text(encoding="utf-8")
    assert main(["report", project_id, "-o", str(out), "--texts", "20"]) == 0
    assert TEXTS[0] in out.read_text(encoding="utf-8")
    assert main(["report", project_id, "-o", str(file / "results.html")]) == 1
    assert "can't be written" in capsys.readouterr().err
