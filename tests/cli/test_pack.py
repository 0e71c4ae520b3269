"""`pack`, `unpack` and `replay` as somebody types them."""

import json
import shutil
from pathlib import Path

import pytest

from labelling.cli import main
from labelling.workspace import Workspace
from tests.packs import everything, make, member_of, rewritten
from tests.projects import make_dataset


def move(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Workspace:
    """To another machine, as it were."""
    monkeypatch.setenv("CORRAL_WORKSPACE", str(folder))
    return Workspace()


def test_there_and_back(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(workspace)
    job = tmp_path / "job.zip"
    assert main(["pack", project.id, "-o", str(job), "--no-vectors"]) == 0
    assert "40 texts, 27 actions" in capsys.readouterr().err
    other = move(monkeypatch, tmp_path / "other")
    assert main(["unpack", str(job), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    again = other.open(said["id"])
    assert said == {
        "id": again.id,
        "name": "the <job>",
        "n_rows": 40,
        "n_labelled": project.open_log().n_labelled,
        "left_out": [],
    }
    assert everything(again) == everything(project)
    assert all(space.ready for space in again.spaces()), "what was not packed was made"
    assert main(["unpack", str(job)]) == 0
    assert f"{said['n_labelled']} of 40 labelled  the <job>" in capsys.readouterr().out
    assert main(["replay", str(job)]) == 0
    assert "equal: all 40 rows are labelled as in the pack" in capsys.readouterr().out
    assert len(other.projects()) == 3


def test_rows_that_differ_are_said(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["pack", make(workspace).id, "-o", str(tmp_path / "job.zip"), "--anonymous"]) == 0
    first, *others = map(json.loads, member_of(tmp_path / "job.zip", "labels.jsonl").splitlines())
    lines = [json.dumps({**first, "label": "else"}), *map(json.dumps, others[:-1])]
    about = json.loads(member_of(tmp_path / "job.zip", "pack.json"))
    about["versions"]["numpy"] = "0.9"
    changed = {"labels.jsonl": "\n".join(lines).encode(), "pack.json": json.dumps(about).encode()}
    job = rewritten(tmp_path / "job.zip", changed)
    move(monkeypatch, tmp_path / "other")
    capsys.readouterr()
    assert main(["replay", str(job)]) == 1
    said = capsys.readouterr()
    assert "2 of 40 rows differ" in said.out
    assert f'row {first["row"]}: "else" in the pack, "{first["label"]}" now' in said.out
    assert f'row {others[-1]["row"]}: nothing in the pack, "{others[-1]["label"]}" now' in said.out
    assert "bent: suggests the same label for 38 of 38 texts." in said.out
    assert "(packed with 0.9)" in said.err
    assert main(["replay", str(job), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["differing"][0] == {"row": first["row"], "packed": "else", "now": first["label"]}
    assert (told["equal"], len(told["differing"]), told["suggested"]) == (False, 2, {"bent": {"same": 38, "of": 38}})
    assert main(["unpack", str(job)]) == 1
    assert "does not follow from its log" in capsys.readouterr().err


def test_an_endpoint_is_asked_only_where_that_was_said(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], no_network: list[object]
) -> None:
    settings = {"kind": "endpoint", "model": "m", "base_url": "https://api.example.org/v1"}
    project = workspace.create("texts", make_dataset(), settings)
    job = str(tmp_path / "job.zip")
    assert main(["pack", project.id, "-o", job]) == 0
    assert main(["unpack", job]) == 0
    assert "https://api.example.org/v1" in capsys.readouterr().err
    assert main(["replay", job]) == 1
    assert "say --send" in capsys.readouterr().err
    assert no_network == []
    assert len(workspace.projects()) == 2
    assert main(["replay", job, "--send"]) == 1, "there is no network here"
    assert no_network
    assert len(workspace.projects()) == 2


def test_what_can_not_be_done(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make(workspace, owner="ann@example.org")
    job = str(tmp_path / "job.zip")
    assert main(["pack", project.id, "-o", job]) == 1, "it is somebody's"
    assert main(["--account", "ann@example.org", "pack", project.id, "-o", job]) == 0
    assert main(["--account", "eve@example.org", "unpack", job]) == 0
    (theirs,) = workspace.projects("eve@example.org")
    assert theirs.name == project.name
    capsys.readouterr()
    assert main(["unpack", str(tmp_path / "none.zip")]) == 1
    assert "There is no file" in capsys.readouterr().err
    shutil.copy(__file__, tmp_path / "no.zip")
    for command in ("unpack", "replay"):
        assert main([command, str(tmp_path / "no.zip")]) == 1
        assert "no pack" in capsys.readouterr().err
