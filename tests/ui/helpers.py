"""What tests of pages share."""

import atexit
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from labelling.labels import LabelLog
from labelling.projections import UmapProcess
from labelling.projections.nearest import neighbours
from labelling.readers import make_dataset, read_table
from labelling.tasks.embed import embed
from labelling.ui.frame import page, progress, resources
from labelling.workspace import Project, Workspace

ROOT = Path(__file__).parents[2]
CODES = np.arange(30) % 2  # the groups that `with_groups` makes


CSV = b"id,text,kind\n1,the card was lost,a\n2,the refund is late,b\n3,where is my money,\n4,how is the cat,a\n"


class FakeEncoder:
    """A vector a text, from its letters: quick, and the same each time."""

    fingerprint = "fake"
    n_dims = 8
    max_tokens = 16

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([np.bincount([ord(c) % 8 for c in t], minlength=8) for t in texts], np.float32)

    def count_truncated(self, texts: Sequence[str]) -> int:
        return sum(len(text) > 16 for text in texts)


@cache
def umap_process() -> UmapProcess:
    """One for all tests: to start it takes longer than any of them."""
    process = UmapProcess()
    atexit.register(process.close)
    return process


def fresh_workspace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The app's workspace, in this folder, with an encoder that is quick."""
    monkeypatch.setenv("CORRAL_WORKSPACE", str(folder / "workspace"))
    monkeypatch.setattr(resources, "warm_up", lambda **_: None)
    monkeypatch.setattr(resources, "encoder_for", lambda settings: FakeEncoder())
    monkeypatch.setattr(progress, "umap_process", umap_process)
    st.cache_resource.clear()
    yield resources.workspace()
    st.cache_resource.clear()


def open_page(name: str, project: Project | str | None = None) -> AppTest:
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    at.switch_page(f"pages/{name}.py")
    if project is not None:
        at.query_params["project"] = project if isinstance(project, str) else project.id
    return at.run()


def said(at: AppTest) -> str:
    kinds = (at.error, at.info, at.caption, at.markdown, at.success, at.warning)
    words = [str(element.value) for kind in kinds for element in kind]
    return "\n".join([*words, *(element.proto.label for element in at.get("page_link"))])


def upload(at: AppTest, name: str, data: bytes) -> AppTest:
    return at.file_uploader[0].upload(name, data).run()


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click()
    return at.run()


def tuned(project: Project, at: AppTest) -> AppTest:
    """The tune page once a tuner and its evaluation have run."""
    next(button for button in at.button if button.label == "Run the tuner").click()
    at.run()
    resources.jobs().get("tune", project.id).join(120)
    at.run()
    job = resources.jobs().get("evaluate", project.id, project.spaces()[-1].id)
    job.join(120)
    return at.run()


TEXTS = [f"text number {row}" for row in range(30)]


def make(workspace: Workspace, *, multi_label: bool = False) -> Project:
    csv = "text\n" + "\n".join(TEXTS)
    project = workspace.create(
        "mine", make_dataset(read_table(csv.encode(), "a.csv"), "text"), {}, multi_label=multi_label
    )
    assert embed(resources.new_workbench(project))
    return project


def with_groups(project: Project) -> Project:
    """Its texts in two groups, CODES, with a clear map and a graph."""
    X = (np.eye(2, 8)[CODES] + np.random.default_rng(0).normal(0, 0.1, (30, 8))).astype(np.float32)
    space = project.current
    space.save_map("UMAP", X[:, :2])
    space.save_graph(*neighbours(X, None, 6, 0, lambda done, total: None))
    space.save_embeddings(X)
    return project


def log_of(project: Project) -> LabelLog:
    return project.open_log()


def open_action(project: Project, action: str) -> AppTest:
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    at.switch_page("pages/history.py")
    at.query_params["project"], at.query_params["action"] = project.id, action
    return at.run()


def click(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label.startswith(label)).click().run()


def select(at: AppTest, rows: list[int]) -> None:
    session = at.session_state[page.SESSION]
    session.show_only(None)
    session.selection.select(np.array(rows), "test")
    at.run()
