"""What one browser tab remembers from run to run: for itself, and for the project that it has open.

Each part of the pages keeps what it needs in a small dataclass of its own. All those that are about a project lie under
one key of `st.session_state` and go together when the tab opens another; those of the tab lie under another key.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

OF_PROJECT, OF_TAB = "corral project", "corral tab"

Part = TypeVar("Part")


class Opened:
    """How many projects this tab has opened so far."""

    n = 0


def of_project(part: Callable[[], Part]) -> Part:
    """This tab's `part` for the project that it has open: a class, of which one is made when it is first asked for."""
    return _part(OF_PROJECT, part)


def of_tab(part: Callable[[], Part]) -> Part:
    """As `of_project`, whatever project the tab has open."""
    return _part(OF_TAB, part)


def _part(key: str, part: Callable[[], Part]) -> Part:
    parts: dict[Any, Part] = st.session_state.setdefault(key, {})
    if part not in parts:
        parts[part] = part()
    return parts[part]


def forget_project() -> None:
    """Start afresh, with another project."""
    of_tab(Opened).n += 1
    st.session_state.pop(OF_PROJECT, None)


def widget_key(name: str) -> str:
    """The key of a widget whose value means nothing for another project.

    In the browser a widget keeps its value, whatever is set or dropped here, and sends it with the next click. Under
    another key it is another widget.
    """
    n = of_tab(Opened).n
    return f"{name} {n}" if n > 1 else name
