"""Labels and actions: what they are, and what may be a label's name."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from labelling.errors import CorralError

CHECK = "check"  # the source of the right labels of what a check found wrong
BY_TEXT = "text"  # the source of labels for texts that were marked, they alone
PROPOSAL = "proposal"  # the source of an answer to one: its `how` says what was read of it, and what was wrong
UNLABELLED = -1
YES, NO, UNKNOWN = 1, 0, -1
MAX_NAME_LENGTH = 80  # what still fits a button
MAX_DESCRIPTION_LENGTH = 2_000
# Control characters, half a surrogate pair, line and paragraph separators. Not all that is "unprintable" to Python:
# Persian needs its zero-width non-joiner, and French its no-break space.
_NOT_IN_A_NAME = {"Cc", "Cs", "Zl", "Zp"}
MAX_IMPORTED_LABELS = 1000  # a column with more values than this is an identifier or a text, not a label
# What a label's key may be: what no other step of the label page has.
# Those that the label page has no use for. Streamlit takes no C and no R: a label of before that has one has none now.
KEYS = tuple("123456789AELPZ")


STYLE = "mark"  # the name under which a label's style is stored


class LabelError(CorralError, ValueError):
    """A label, a selection or a step that can't be taken; the message says why."""


@dataclass(frozen=True)
class Label:
    """`style` is the number of its colour and shape, see `labelling.palette`; `key` the page's."""

    id: int
    name: str
    style: int = 0
    description: str = ""
    key: str | None = None


@dataclass(frozen=True)
class Action:
    """One entry of the log.

    Attributes
    ----------
    seq : int
        1, 2, 3 ... in the order in which they took effect.
    kind : str
        assign, deny (a no for a label), clear, import, split, audit; create, rename, recolour, describe, key,
        reorder, merge, delete; undo, redo, revert.
    label_id : int or None
        The label that it is about, where it is one.
    targets : tuple of int
        The actions that an undo, a redo, a revert or an audit is about; with a minus where a revert brought it back.
    n_rows : int
        How many rows it changed; `LabelLog.rows_of` finds them.
    who, at : str
        Who took it; when, ISO 8601 in UTC. The order is that of `seq`: clocks jump.
    source : str
        How the rows were chosen, in a word: "lasso", "box", "imported" ...
    changes : mapping
        What it changed about labels themselves: {label id: {field: value}}.
    """

    seq: int
    kind: str
    label_id: int | None
    targets: tuple[int, ...]
    n_rows: int
    who: str
    at: str
    source: str
    changes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def gives_labels(self) -> bool:
        """Whether it gave labels to rows, which can be audited."""
        return self.kind in ("assign", "split", "import", "accept")

    @property
    def is_step(self) -> bool:
        """Whether it is something that can be undone, rather than an undo or a redo itself."""
        return self.kind not in ("undo", "redo")


def composed(name: str) -> str:
    """The name without surrounding white space, its accents composed (NFC): names that look alike are one."""
    return unicodedata.normalize("NFC", name.strip())


def clean_name(name: str) -> str:
    """The label's name as `composed` writes it. Raises LabelError where it can't be a name."""
    name = composed(name)
    if not any(char.isprintable() and not char.isspace() for char in name):
        raise LabelError("A label needs a name that can be seen: type one.")
    if len(name) > MAX_NAME_LENGTH:
        raise LabelError(f"The label name has {len(name)} characters; at most {MAX_NAME_LENGTH} are allowed.")
    if any(unicodedata.category(char) in _NOT_IN_A_NAME for char in name):
        raise LabelError("The label name holds a line break or a control character: type it on one line.")
    return name


def _imported_name(value: Any) -> str:
    # A column of whole numbers with gaps comes as floats: its labels are "1" and "2", not "1.0".
    whole = isinstance(value, float | np.floating) and value.is_integer()
    return composed(str(int(value) if whole else value))


def names_to_import(values: Sequence[Any]) -> list[str]:
    """The label names in an uploaded column, one a row, "" where there is none (None, NaN, white space).

    Raises LabelError where a value can't be a name, or there are more than MAX_IMPORTED_LABELS different ones.
    """
    missing = pd.Series(list(values), dtype=object).isna()
    names = ["" if gap else _imported_name(value) for value, gap in zip(values, missing, strict=True)]
    check_imported_names([name for name in dict.fromkeys(names) if name])
    return names


def check_imported_names(distinct: Sequence[str]) -> None:
    """Raises LabelError where one of these can't be a name, or there are more than MAX_IMPORTED_LABELS."""
    if len(distinct) > MAX_IMPORTED_LABELS:
        raise LabelError(
            f"The label column has {len(distinct):,} different values, at most {MAX_IMPORTED_LABELS:,} are "
            "allowed: choose another column, or none."
        )
    for name in distinct:
        try:
            clean_name(name)
        except LabelError as error:
            raise LabelError(f"The label column's value {name[:40]!r} can't be a label: {error}") from None
