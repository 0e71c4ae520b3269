"""Steps: what a press of a button or a key does. Each is done whole, one after the other.

Streamlit ends a callback at its next use of st.session_state once another press has come, and begins with that one at
once, in another thread: what was done by then would stay, the rest would be left undone, and the second press would be
a step from what the first has not finished yet.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from weakref import WeakValueDictionary

from streamlit.runtime.scriptrunner import get_script_run_ctx

from labelling.ui.frame import faults, state

_locks: WeakValueDictionary[str, Any] = WeakValueDictionary()  # of the tabs in which a step is being taken
_making = threading.Lock()


def step(do: Callable[..., object]) -> Callable[..., None]:
    """`do` as a callback."""

    @wraps(do)
    def callback(*args: Any, **options: Any) -> None:
        attempt(lambda: do(*args, **options))

    return callback


def attempt(do: Callable[[], object]) -> None:
    """Do it; what can't be done is said on the page that follows."""
    with _alone():
        state.of_project(Taken).n += 1
        try:
            do()
        except Exception as error:
            tell(faults.STEP_ERROR, faults.said(error))


class Taken:
    """How many steps this tab has taken with the project."""

    n = 0


class Messages(dict[str, list[Any]]):
    """What is to be said, each under its name."""


def tell(key: str, what: Any) -> None:
    """Have something said once, by the page that follows; with another project it means nothing any more."""
    state.of_project(Messages)[key] = [what]


def tell_anyway(key: str, what: Any) -> None:
    """As `tell`, whatever project the tab opens meanwhile."""
    state.of_tab(Messages)[key] = [what]


@contextmanager
def told(key: str) -> Iterator[Any]:
    """What is to be said, None where nothing is. It counts as said at the end of the block."""
    held = state.of_project(Messages).get(key) or state.of_tab(Messages).get(key) or []
    yield held[0] if held else None
    # A run may be ended by a press, at any use of Streamlit: before it was said, or after it, but not in between.
    held.clear()


@contextmanager
def _alone() -> Iterator[None]:
    """Once the tab's other steps are done; no use of st.session_state ends this one."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        yield
        return
    with _making:
        lock = _locks.setdefault(context.session_id, threading.RLock())
    held = context.session_state  # which refuses plain assignment: an attribute of it is an entry
    with lock:
        at_each_use = held._yield_callback
        object.__setattr__(held, "_yield_callback", lambda: None)
        try:
            yield
        finally:
            object.__setattr__(held, "_yield_callback", at_each_use)
