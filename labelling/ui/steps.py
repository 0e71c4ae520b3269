"""Steps: what a press of a button or a key does. Each is done whole, and what can't be done is said on the page.

Streamlit ends a callback at the next use of st.session_state once another press has come: what was done by then would
stay, the rest would be left undone, and that press would find half a step.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from labelling.ui import faults


def step(do: Callable[..., object]) -> Callable[..., None]:
    """`do` as a callback."""

    @wraps(do)
    def callback(*args: Any, **options: Any) -> None:
        attempt(lambda: do(*args, **options))

    return callback


def attempt(do: Callable[[], object]) -> None:
    """Do it; what can't be done is said on the page that follows."""
    with _uninterrupted():
        try:
            do()
        except Exception as error:
            st.session_state[faults.STEP_ERROR] = faults.said(error)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """No use of st.session_state ends this run of the page; a press that comes meanwhile waits for the next one."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        yield
        return
    state = context.session_state  # which refuses plain assignment: an attribute of it is an entry
    at_each_use = state._yield_callback
    object.__setattr__(state, "_yield_callback", lambda: None)
    try:
        yield
    finally:
        object.__setattr__(state, "_yield_callback", at_each_use)
