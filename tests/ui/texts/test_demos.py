"""The demos on the texts page: offered first, opened with their maps, and no model loaded for them."""

import threading
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from labelling.encoders import registry
from labelling.ui.frame import resources
from labelling.ui.frame.page import SESSION
from labelling.ui.texts.load import DEMOS
from labelling.workspace import Workspace
from tests.ui.helpers import CSV, FakeEncoder, open_page, press, said, upload

BUTTONS = {"easy": "Open the easy demo", "hard": "Open the demo"}


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> list[bool]:
    """The packaged encoder, never at work; how often, and how, it was to be loaded ahead."""
    ahead: list[bool] = []

    def encoder_for(settings: Mapping[str, Any]) -> Any:
        return registry.encoder_for(settings, workspace.folder)

    monkeypatch.setattr(resources, "encoder_for", encoder_for)
    monkeypatch.setattr(resources, "warm_up", lambda *, at_once=True: ahead.append(at_once))
    monkeypatch.setattr("labelling.encoders.sentence.SentenceEncoder._load", lambda self: pytest.fail("loaded"))
    return ahead


def test_the_easy_demo_is_the_first_thing_offered() -> None:
    at = open_page("texts")
    assert [button.label for button in at.button][:2] == list(BUTTONS.values())
    assert "800 messages to a town hall, in eight clear topics" in said(at)
    assert "963 messages to the support of an invented product. Harder" in said(at)


@pytest.mark.parametrize("which", DEMOS)
def test_a_demo_opens_with_its_maps_and_no_model(which: str, workspace: Workspace, packaged: list[bool]) -> None:
    at = press(open_page("texts"), BUTTONS[which])
    assert not at.exception
    assert packaged == [False], "loaded in the background, after the map"
    (info,) = workspace.projects()
    project = workspace.open(info.id)
    assert info.name == DEMOS[which].name
    assert "topic" not in project.dataset.frame
    (space,) = project.spaces()
    assert space.ready
    assert at.session_state[SESSION].map.view.projection == "UMAP"
    for work in (("embed", project.id), ("umap", project.id, space.id)):
        assert resources.jobs().get(*work) is None
    # Its own project is opened again, not a second one made.
    press(open_page("texts"), BUTTONS[which])
    assert len(workspace.projects()) == 1


def test_another_encoder_embeds_the_demo_itself(workspace: Workspace) -> None:
    press(open_page("texts"), BUTTONS["easy"])
    (info,) = workspace.projects()
    end = time.monotonic() + 60
    while not workspace.open(info.id).spaces()[0].ready and time.monotonic() < end:
        time.sleep(0.05)
    assert workspace.open(info.id).spaces()[0].embeddings.shape == (800, FakeEncoder.n_dims)


def test_the_model_is_loaded_ahead_only_for_a_file(packaged: list[bool]) -> None:
    at = open_page("texts")
    assert packaged == []
    upload(at, "mine.csv", CSV)
    assert True in packaged


def test_loading_ahead_waits_until_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    class Encoder:
        def encode(self, texts: list[str]) -> None:
            asked.set()

    class Process:
        def warm_up(self) -> None: ...

    monkeypatch.undo()
    monkeypatch.setattr(resources, "encoder_for", lambda settings: Encoder())
    monkeypatch.setattr(resources, "umap_process", Process)
    monkeypatch.setattr(resources, "FIRST_MAP_SECONDS", 600)
    resources._warming_up.clear()
    resources.warm_up(at_once=False)
    assert not asked.wait(0.2)
    resources.warm_up()
    assert asked.wait(30)
    resources._warming_up.clear()


def test_a_large_project_is_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    search = SimpleNamespace(read_ahead=asked.set)
    monkeypatch.setattr(resources, "FIRST_MAP_SECONDS", 0)
    resources.read_ahead(SimpleNamespace(project=SimpleNamespace(n_rows=49_999), search=search))  # type: ignore[arg-type]
    assert not asked.wait(0.1)
    resources.read_ahead(SimpleNamespace(project=SimpleNamespace(n_rows=50_000), search=search))  # type: ignore[arg-type]
    assert asked.wait(30)
