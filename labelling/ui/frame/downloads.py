"""Buttons that save a file, and who may fetch what they have made.

Streamlit keeps what a button made, as long as a page is open, at an address that anybody can ask for: see `may_fetch`.
It also takes two long files for one where beginnings, middles and ends are alike, and would give out the older. And no
page refers to a file that was just made: the second run after that of whichever tab, a second or two, drops it, and a
browser that asks for it later, as a busy one does, gets nothing.
"""

import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import _calculate_file_id

from labelling.database.engine import WorkspaceError
from labelling.errors import CorralError, log_fault
from labelling.ui.frame import access, faults, news, resources

HELD_SECONDS = 300.0  # it waits so long for the browser
HELD = "what was made"  # in the place of a session's number


@st.cache_resource(show_spinner=False)
def _made() -> dict[str, set[tuple[str, str | None]]]:
    """Of each file by its id: the accounts that may fetch it, with the project that they must still be able to open."""
    return {}


def button(label: str, make: Callable[[], bytes], project: str | None = None, **options: Any) -> None:
    """A button that saves what `make` gives, of a project by its id; where it fails, the page says so a moment later.

    `options` are those of `st.download_button`, `mime` and `file_name` among them.
    """
    failed: list[str] = []
    place, account, made = faults.where(), access.account(), _made()

    def make_and_note() -> bytes:  # in a thread that knows nothing of the page
        failed.clear()
        try:
            content = make()
        except CorralError as error:
            failed.append(str(error))
            raise
        except Exception as error:
            log_fault(error, place)
            failed.append(faults.FAULT)
            raise
        file_id = _calculate_file_id(content, options["mime"], options["file_name"])
        if account is not None:
            made.setdefault(file_id, set()).add((account, project))
        if Runtime.exists():
            _hold(Runtime.instance().media_file_mgr, file_id, content)
        return content

    st.download_button(label, data=make_and_note, on_click="ignore", **options)
    st.fragment(faults.guarded(_say))(failed)


def _hold(manager: MediaFileManager, file_id: str, content: bytes) -> None:
    """Make sure that the file is this one, and stays for HELD_SECONDS."""
    storage: Any = manager._storage
    if (older := storage._files_by_id.get(file_id)) is not None and older.content != content:
        storage.delete_file(file_id)
    press = uuid.uuid4().hex
    with manager._lock:
        manager._files_by_session_and_coord[HELD][press] = file_id

    def let_go() -> None:
        with manager._lock:
            manager._files_by_session_and_coord[HELD].pop(press, None)

    timer = threading.Timer(HELD_SECONDS, let_go)
    timer.daemon = True
    timer.start()


def _say(failed: list[str]) -> None:
    said = list(failed)
    for message in said:
        faults.box(message)
    news.wait_for(lambda: failed != said)  # a file is made beside the page, which learns of it so


def may_fetch(cookies: Mapping[str, str], file_id: str) -> bool:
    """Whether who sends these cookies made the file, is signed in, and may still open its project.

    Where nobody signs in, everybody may: who reaches the server sees all projects.
    """
    if not resources.signing_in_is_set_up():
        return True
    account = access.account_of_cookies(cookies)
    if account is None:
        return False
    return any(_may_open(account, project) for owner, project in _made().get(file_id, ()) if owner == account)


def _may_open(account: str, project: str | None) -> bool:
    try:
        return project is None or resources.workspace().open(project, account) is not None
    except WorkspaceError:
        return False
