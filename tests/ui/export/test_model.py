"""The model from the page Export: made in the background, saved as a .zip, and the same as the project's."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from labelling.encoders.sentence import SentenceEncoder
from labelling.learning.model import load_model
from labelling.learning.tuners import FeedForwardTuner
from labelling.readers import make_dataset, read_table
from labelling.tasks.embed import embed
from labelling.tasks.tune import fit
from labelling.ui.frame import resources
from labelling.workspace import Project, Workspace
from tests.ui.helpers import CSV, open_page, said


def tuned(project: Project) -> None:
    log = project.open_log()
    log.assign(np.array([0, 3]), "card")
    log.assign(np.array([1, 2]), "refund")
    space = fit(project, log, FeedForwardTuner(steps=20, random_state=0), "tuned")
    project.keep_space(space.id)


def press(project: Project):  # type: ignore[no-untyped-def]
    at = open_page("export", project)
    next(button for button in at.button if button.label == "Make the model").click()
    at.run()
    (job,) = (job for key, job in resources.jobs()._jobs.items() if key[0] == "model")
    job.join(60)
    return at.run(), job


@pytest.mark.slow
def test_it_is_made_and_offered(
    workspace: Workspace, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    encoder = SentenceEncoder(tiny_model)
    monkeypatch.setattr(resources, "encoder_for", lambda settings: encoder)
    project = workspace.create("my inbox", make_dataset(read_table(CSV, "a.csv"), "text"), {})
    assert embed(resources.new_workbench(project))
    at = open_page("export", project)
    assert "There is none yet" in said(at)
    assert "Make the model" not in [button.label for button in at.button]
    tuned(project)
    at, job = press(project)
    assert not at.exception
    assert job.error is None
    (*_, label) = [button.proto.label for button in at.get("download_button")]
    assert re.fullmatch(r"Download the model \(\d+ KB\)", label)
    assert job.result.path.name == "my-inbox-model.zip"
    with zipfile.ZipFile(job.result.path) as archive:
        assert archive.testzip() is None
        assert {name.partition("/")[0] for name in archive.namelist()} == {"my-inbox-model"}
        archive.extractall(tmp_path / "out")
    texts = ["my card", "the refund"]
    wanted = project.model(encoder_with=lambda settings: encoder).predict_proba(texts)
    found = load_model(tmp_path / "out" / "my-inbox-model")
    np.testing.assert_allclose(found.predict_proba(texts), wanted, atol=1e-5)
    assert found.classes_.tolist() == ["card", "refund"]


@pytest.mark.slow
def test_what_can_not_be_a_model_is_said(project: Project) -> None:
    tuned(project)
    at, _ = press(project)
    assert "embedded by FakeEncoder" in at.error[0].value
    assert "Make the model" in [button.label for button in at.button]
