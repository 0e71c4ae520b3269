"""Runs a part of a page again once there is something new for it to say.

Streamlit's own way is a fragment with `run_every`: each page that is open asks every second, runs, and is told in four
messages that there is nothing. Here the server looks, beside the pages, and a page with nothing new stays at rest.
"""

import threading
import time
from collections.abc import Callable

import streamlit as st
from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from labelling.errors import CorralError, log_fault

SECONDS = 1.0


class News:
    """Looks every second, for each fragment that waits in a tab, whether there is anything new."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], Callable[[], bool]] = {}  # by the session of the tab, and the fragment
        threading.Thread(target=self._look, name="news", daemon=True).start()

    def wait(self, session_id: str, fragment_id: str, is_new: Callable[[], bool]) -> None:
        self._waiting[session_id, fragment_id] = is_new

    def forget(self, session_id: str) -> None:
        for waiting in list(self._waiting):
            if waiting[0] == session_id:
                self._waiting.pop(waiting, None)

    def _look(self) -> None:
        while True:
            time.sleep(SECONDS)
            for (session_id, fragment_id), is_new in list(self._waiting.items()):
                self._look_for(session_id, fragment_id, is_new)

    def _look_for(self, session_id: str, fragment_id: str, is_new: Callable[[], bool]) -> None:
        try:
            sessions = runtime.get_instance()._session_mgr
            held = sessions.get_session_info(session_id)
            if held is None:  # closed for good
                self.forget(session_id)
            elif sessions.is_active_session(session_id) and is_new():
                held.session._call_soon_on_event_loop(lambda: self._run(held.session, fragment_id))
        except CorralError:
            pass  # a database that is away for a moment, say: the page keeps what it shows, and asks when it runs
        except Exception as error:
            log_fault(error, "a look for what is new")
            self._waiting.pop((session_id, fragment_id), None)  # until it runs again, or this would fill the log

    def _run(self, session: AppSession, fragment_id: str) -> None:
        # While it runs, or is about to, what the browser said last is not in its state yet: then a second later.
        if session._scriptrunner is None and (session.id, fragment_id) in self._waiting:
            del self._waiting[session.id, fragment_id]  # once: what comes of it waits anew
            state = ClientState()
            state.CopyFrom(session._client_state)
            state.fragment_id = fragment_id
            session.request_rerun(state)


@st.cache_resource(show_spinner=False)
def _news() -> News:
    return News()


def wait_for(is_new: Callable[[], bool]) -> None:
    """Let the fragment that calls this run again, once, as soon as `is_new()`.

    It is asked in another thread, so without anything of Streamlit's, and again and again until the page is closed or
    run as a whole, or this is called anew.
    """
    context, fragment_id = get_script_run_ctx(), ThreadState.get().fragment_id
    if _is_served() and context is not None and fragment_id is not None:
        _news().wait(context.session_id, fragment_id, is_new)


def forget() -> None:
    """Of a page that begins: it may come to have no such fragments."""
    context = get_script_run_ctx(suppress_warning=True)
    if _is_served() and context is not None:
        _news().forget(context.session_id)


def _is_served() -> bool:
    return runtime.exists() and type(runtime.get_instance()) is runtime.Runtime  # AppTest's only looks like one
