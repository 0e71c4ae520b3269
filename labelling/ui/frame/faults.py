"""What can't be done, and what nobody expected: both are said on the page; the latter goes into the server's log, too.

Streamlit's own signals, st.rerun() and st.stop(), are no exceptions in Python's sense, and pass through all of this.
"""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import streamlit as st

from labelling.errors import CorralError, log, log_fault
from labelling.ui.frame import state
from labelling.ui.frame.markdown import escape

STEP_ERROR = "step error"  # the name of the message that says what a step could not do
FAULT = (
    "This is a fault of Corral's own, not yours: it is logged on the server, and nothing is lost. The labels are on "
    "disk: reload the page to go on."
)
SECONDS_BETWEEN = 60.0  # what runs every second and fails each time would fill the log


@dataclass
class Where:
    """Which page this is, and of which project; the fault that was logged last, and when by time.monotonic()."""

    said: str = "a page that had not begun"
    fault: tuple[str, str] | None = None
    at: float = 0.0


def begin_log() -> None:
    """Let the log go to stderr, with the time, unless whoever runs the server has set logging up."""
    if not log.hasHandlers():
        handler = logging.StreamHandler(sys.__stderr__)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)


def box(message: object) -> None:
    """A red box: an error of Corral's own, or a text, as it is; of any other exception that it is a fault."""
    st.error(escape(said(message) if isinstance(message, Exception) else str(message)), icon=":material/error:")


def show(error: Exception) -> bool:
    """A handler of Streamlit's for what a page raised: True, as it is shown."""
    box(error)
    return True


def said(error: Exception) -> str:
    """What a person is told of an error; what nobody expected is put into the log."""
    if isinstance(error, CorralError):
        return str(error)
    log_fault(error, where())
    return FAULT


def where() -> str:
    return state.of_tab(Where).said


def guarded(part: Callable[..., Any]) -> Callable[..., Any]:
    """A part of a page that says so where it fails, and leaves the other parts alone: each fragment is one."""

    @wraps(part)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return part(*args, **options)
        except CorralError as error:
            box(error)
        except Exception as error:
            last = state.of_tab(Where)
            what, now = (last.said, repr(error)), time.monotonic()
            if what != last.fault or now - last.at > SECONDS_BETWEEN:
                log_fault(error, last.said)
                last.fault, last.at = what, now
            box(FAULT)

    return run
