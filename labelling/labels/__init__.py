"""The label log: an append-only list of actions in the database, and the labels that follow from it.

What may be a label's name is asked of `labels.label` by processes that only read a file: the log, which brings
SQLAlchemy, a quarter of what such a process has to import, is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labelling.labels.managing import LabelLog
    from labelling.labels.reading import user_name
    from labelling.labels.writing import Outcome

__all__ = ["LabelLog", "Outcome", "user_name"]

_HOME = {"LabelLog": "managing", "Outcome": "writing", "user_name": "reading"}


def __getattr__(name: str) -> Any:
    """Load one of the names above (PEP 562), and keep it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return value
