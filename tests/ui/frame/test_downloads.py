"""Who may fetch what a button has made."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryFile, MemoryMediaFileStorage, _calculate_file_id

from labelling.dataset import Dataset
from labelling.ui.frame import access, downloads, resources
from labelling.workspace import Workspace

ANN, BEN = "ann@example.org", "ben@example.org"
OPTIONS = {"mime": "text/csv", "file_name": "a.csv"}


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    workspace = Workspace(tmp_path)
    monkeypatch.setattr(resources, "workspace", lambda: workspace)
    monkeypatch.setattr(resources, "signing_in_is_set_up", lambda: True)
    monkeypatch.setattr(access, "account_of_cookies", lambda cookies: cookies.get("who"))
    st.cache_resource.clear()
    return workspace


def press(monkeypatch: pytest.MonkeyPatch, account: str, content: bytes, project: str | None) -> str:
    """Show the button to this account and press it; the file's id."""
    shown: dict[str, Any] = {}
    monkeypatch.setattr(access, "account", lambda: account)
    monkeypatch.setattr(st, "download_button", lambda label, **options: shown.update(options))
    downloads.button("Save", lambda: content, project, **OPTIONS)
    return _calculate_file_id(shown["data"](), OPTIONS["mime"], OPTIONS["file_name"])


def may(who: str | None, file_id: str) -> bool:
    return downloads.may_fetch({"who": who} if who else {}, file_id)


def test_a_file_is_its_makers_for_as_long_as_they_may_see_the_project(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"text": pd.Series(["a"], dtype="str")})
    project = workspace.create("p", Dataset(frame, "text"), {}, owner=ANN)
    project.share(BEN)
    of_ann = press(monkeypatch, ANN, b"anns", project.id)
    of_ben = press(monkeypatch, BEN, b"bens", project.id)
    assert may(ANN, of_ann)
    assert may(BEN, of_ben)
    assert not may(BEN, of_ann)
    assert not may(None, of_ann), "signed out, or never in"
    assert not may(ANN, "something else"), "another page's"
    project.unshare(BEN)
    assert not may(BEN, of_ben)
    assert may(ANN, press(monkeypatch, ANN, b"of no project", None))
    monkeypatch.setattr(resources, "signing_in_is_set_up", lambda: False)
    assert may(None, of_ann), "where nobody signs in, who reaches the server sees all"


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> MediaFileManager:
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(downloads.Runtime, "exists", lambda: True)
    monkeypatch.setattr(downloads.Runtime, "instance", lambda: SimpleNamespace(media_file_mgr=manager))
    return manager


def save(manager: MediaFileManager, monkeypatch: pytest.MonkeyPatch, content: bytes) -> MemoryFile | None:
    """What the browser is given for this content, once some pages have run meanwhile."""
    shown: dict[str, Any] = {}
    monkeypatch.setattr(access, "account", lambda: ANN)
    monkeypatch.setattr(st, "download_button", lambda label, **options: shown.update(options))
    downloads.button("Save", lambda: content, None, **OPTIONS)
    button = manager.add_deferred(shown["data"], OPTIONS["mime"], "here", OPTIONS["file_name"])
    address = manager.execute_deferred(button)
    for _ in range(3):
        manager.remove_orphaned_files()
    return manager.read_file(address.rpartition("/")[2])


def test_a_long_file_is_not_taken_for_an_older_one(manager: MediaFileManager, monkeypatch: pytest.MonkeyPatch) -> None:
    for word in (b"late", b"cold"):
        content = b"a" * 700_000 + word + b"a" * 1_300_000
        assert (found := save(manager, monkeypatch, content)) is not None
        assert found.content == content


def test_a_file_waits_for_a_browser_that_asks_late_and_not_for_ever(
    manager: MediaFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[threading.Timer] = []
    monkeypatch.setattr(threading.Timer, "start", lambda timer: begun.append(timer))
    assert save(manager, monkeypatch, b"a file") is not None
    assert save(manager, monkeypatch, b"a file") is not None, "pressed twice"
    begun[0].function()
    for n_left in (1, 0):
        manager.remove_orphaned_files()
        manager.remove_orphaned_files()
        assert len(manager._file_metadata) == n_left
        begun[1].function()
