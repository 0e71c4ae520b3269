"""The whole job from the page Export, and into the page Texts: as the commands `pack` and `unpack` have it."""

import re
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from labelling.tasks.jobs import Job
from labelling.tasks.pack import pack
from labelling.ui.frame import resources
from labelling.ui.texts import reading
from labelling.workspace import Project, Workspace
from tests.packs import ANN, everything, make, rewritten
from tests.projects import make_dataset
from tests.ui.helpers import CSV, open_page, press, said, upload
from tests.ui.tab import of_tab

pytestmark = pytest.mark.slow


def packed(at: AppTest, project: Project) -> tuple[AppTest, Job]:
    press(at, "Make the pack")
    (job,) = (job for key, job in resources.jobs()._jobs.items() if key[:2] == ("pack", project.id))
    job.join(60)
    return at.run(), job


def plain(markdown: str) -> str:
    return markdown.replace("\\", "")


def downloads(at: AppTest) -> list[str]:
    return [button.proto.label for button in at.get("download_button")]


def test_out_of_one_workspace_and_into_it_again(workspace: Workspace) -> None:
    project = make(workspace)
    at, job = packed(open_page("export", project), project)
    assert not at.exception
    assert re.fullmatch(r"Download the pack \(\d+ KB\)", downloads(at)[-1])
    assert job.result.path.name == "the-job-job.zip"
    at = upload(open_page("texts"), "job.zip", job.result.path.read_bytes())
    assert "A packed project: 40 texts, 27 actions, packed by Corral" in said(at)
    at = press(at, "Unpack it")
    assert not at.exception
    (again,) = (info for info in workspace.projects() if info.id != project.id)
    assert everything(workspace.open(again.id)) == everything(project)
    assert at.query_params["project"] in (again.id, [again.id])


def test_without_names_and_vectors(workspace: Workspace) -> None:
    project = make(workspace)
    at = open_page("export", project)
    for label in ("Person 1, person 2 ... in place of the people's names", "Without embeddings and maps"):
        next(box for box in at.checkbox if box.label == label).check()
    at, job = packed(at.run(), project)
    with zipfile.ZipFile(job.result.path) as archive:
        assert ANN not in archive.read("log.jsonl").decode()
        assert "person 1" in archive.read("log.jsonl").decode()
        assert not [name for name in archive.namelist() if name.endswith(".npy")]
    project.open_log(ANN).create("since then")
    assert "Make the pack" in [button.label for button in at.run().button], "what was made is of before"


def test_one_that_is_no_good_is_refused_and_another_file_still_read(workspace: Workspace, tmp_path: Path) -> None:
    project = make(workspace)
    file = tmp_path / "job.zip"
    pack(workspace, project, file)
    at = open_page("texts")
    for changed, message in (
        ({"pack.json": b"{}"}, "is damaged"),
        ({"pack.json": b'{"pack": 99}'}, "update Corral"),
        ({"../out": b"x"}, "leads out of its folder"),
    ):
        at = upload(at, "job.zip", rewritten(file, changed).read_bytes())
        assert message in plain(at.error[0].value)
    at = upload(at, "job.zip", rewritten(file, {"labels.jsonl": b""}).read_bytes())
    assert not at.error, "that shows when it is unpacked"
    at = press(at, "Unpack it")
    assert "does not follow from its log" in plain(at.error[0].value)
    at = upload(at, "job.zip", rewritten(file, {"log.jsonl": None}).read_bytes())
    at = press(at, "Unpack it")
    assert "The pack lacks log.jsonl" in plain(at.error[0].value)
    at = upload(at, "job.zip", file.read_bytes()[:-2_000])
    assert "cut off or damaged" in plain(at.error[0].value)
    assert len(workspace.projects()) == 1
    at = upload(at, "a.csv", CSV)
    assert of_tab(at, reading.Upload).pack is None
    assert "Make the map" in [button.label for button in at.button]


def test_where_texts_would_be_sent_is_said_before(workspace: Workspace, tmp_path: Path) -> None:
    settings = {"kind": "endpoint", "model": "m", "base_url": "https://api.example.org/v1"}
    project = workspace.create("texts", make_dataset(), settings)
    pack(workspace, project, tmp_path / "job.zip")
    at = upload(open_page("texts"), "job.zip", (tmp_path / "job.zip").read_bytes())
    assert "api.example.org/v1" in plain(at.warning[0].value)
