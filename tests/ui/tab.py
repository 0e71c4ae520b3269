"""What a page's tab remembers, for tests of pages."""

from collections.abc import Callable
from typing import TypeVar

from streamlit.testing.v1 import AppTest

from labelling.ui.frame.state import OF_PROJECT, OF_TAB, Opened

Part = TypeVar("Part")


def of_project(at: AppTest, part: Callable[[], Part]) -> Part:
    """The tab's `part` for the project that it has open."""
    return _part(at, OF_PROJECT, part)


def of_tab(at: AppTest, part: Callable[[], Part]) -> Part:
    """The tab's `part`."""
    return _part(at, OF_TAB, part)


def key(at: AppTest, name: str) -> str:
    """The key of a widget of this name that is the project's."""
    n = of_tab(at, Opened).n
    return f"{name} {n}" if n > 1 else name


def _part(at: AppTest, key: str, part: Callable[[], Part]) -> Part:
    if key not in at.session_state:
        at.session_state[key] = {}
    parts: dict[Callable[[], Part], Part] = at.session_state[key]
    return parts.setdefault(part, part())
