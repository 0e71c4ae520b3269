"""Parts of pages that run again once there is something new."""

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState

from labelling.errors import CorralError
from labelling.ui.frame import news


class Tab:
    """A session of Streamlit's, that notes what it is asked to run."""

    id = "tab"

    def __init__(self) -> None:
        self.ran: list[ClientState] = []
        self.open = self.active = True
        self._scriptrunner: object | None = None
        self._client_state = ClientState(query_string="project=a")

    def request_rerun(self, state: ClientState) -> None:
        self.ran.append(state)

    def _call_soon_on_event_loop(self, call: Callable[[], None]) -> None:
        call()

    # ---------------------------------------------------------------- the manager of the sessions

    def get_session_info(self, session_id: str) -> Any:
        return SimpleNamespace(session=self) if self.open else None

    def is_active_session(self, session_id: str) -> bool:
        return self.active


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch) -> Tab:
    tab = Tab()
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(_session_mgr=tab))
    monkeypatch.setattr(news, "SECONDS", 3600)  # looks when it is told to
    return tab


def look(found: news.News) -> None:
    for (session_id, fragment_id), is_new in list(found._waiting.items()):
        found._look_for(session_id, fragment_id, is_new)


def test_a_part_runs_again_when_there_is_something_new(tab: Tab) -> None:
    found, new = news.News(), [False]
    found.wait("tab", "part", lambda: new[0])
    look(found)
    assert not tab.ran
    new[0] = True
    look(found)
    assert [(state.fragment_id, state.query_string) for state in tab.ran] == [("part", "project=a")]
    assert not tab._client_state.fragment_id
    look(found)
    assert len(tab.ran) == 1, "once: what runs then waits anew"


def test_each_part_of_a_page_waits_for_its_own(tab: Tab) -> None:
    found, new = news.News(), {"first": False, "second": True}
    for part in new:
        found.wait("tab", part, lambda part=part: new[part])
    found.wait("other tab", "first", lambda: False)
    look(found)
    assert [state.fragment_id for state in tab.ran] == ["second"]
    new["first"] = True
    look(found)
    assert [state.fragment_id for state in tab.ran] == ["second", "first"]
    found.wait("tab", "first", lambda: False)
    found.forget("tab")
    assert list(found._waiting) == [("other tab", "first")]


def test_not_while_the_page_runs_nor_while_it_is_away(tab: Tab) -> None:
    found = news.News()
    found.wait("tab", "part", lambda: True)
    tab._scriptrunner = object()
    look(found)
    tab._scriptrunner, tab.active = None, False
    look(found)
    assert not tab.ran
    tab.active = True
    look(found)
    assert len(tab.ran) == 1


def test_what_was_closed_or_left_is_forgotten(tab: Tab) -> None:
    found = news.News()
    found.wait("tab", "part", lambda: True)
    found.forget("tab")
    look(found)
    found.wait("tab", "part", lambda: found.forget("tab") or True)  # left while it was asked
    look(found)
    assert not tab.ran
    found.wait("tab", "part", lambda: True)
    tab.open = False
    look(found)
    assert not found._waiting
    assert not tab.ran


def test_what_cannot_be_told_leaves_the_page_as_it_is(tab: Tab, caplog: pytest.LogCaptureFixture) -> None:
    def away() -> bool:
        raise CorralError("The database is away.")

    def broken() -> bool:
        raise KeyError("what nobody expected")

    found = news.News()
    found.wait("tab", "part", away)
    look(found)
    assert found._waiting, "it is asked again: the database may come back"
    found.wait("tab", "part", broken)
    with caplog.at_level(logging.ERROR):
        look(found)
        look(found)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert not tab.ran
