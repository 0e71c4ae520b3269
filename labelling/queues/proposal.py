"""A proposal: rows that are worth looking at next, and what is said of them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labelling.errors import CorralError

HEAP, LABEL, SURE, TEN = "heap", "label", "sure", "ten"
# The likeness (`HeapTree.likeness`) below which texts are not said to be alike: measured, most are of several labels.
ALIKE = 0.7


class ProposalError(CorralError, ValueError):
    """What a queue can't be given; the message says what is wrong and what is allowed."""


def check(aim: float, n_read: int, X: np.ndarray, graph: np.ndarray) -> None:
    """Raises ProposalError for parameters out of range and for arrays of different rows."""
    if not 0.5 < aim < 1:
        raise ProposalError(f"aim must be above 0.5 and below 1, got {aim!r}")
    if not isinstance(n_read, int) or n_read < 2:
        raise ProposalError(f"n_read must be a whole number from 2, got {n_read!r}")
    if np.ndim(X) != 2 or np.ndim(graph) != 2 or len(X) != len(graph):
        raise ProposalError(f"X and graph must be 2-D and of the same rows, got {np.shape(X)}, {np.shape(graph)}")


@dataclass(frozen=True, eq=False)
class Proposal:
    """Rows that are worth looking at next.

    Attributes
    ----------
    kind : "heap", rows that look alike, to be given one label that the reader names; "label", rows that are all
        suggested one label; "sure", rows each with a label suggested to it; "ten", so few that all are read, with
        suggestions or, as a heap, without.
    rows : int64 (n,), the likeliest first.
    labels : (n,), the label suggested for each row, or None where the reader is to name one for all.
    expected : the share of the rows that is expected to be right, should it be accepted.
    sample : int64, the rows to read, drawn at random; all where they are few.
    why : a line for a person.
    likeness : how alike the rows are: 1 as the nearest texts of each, 0 as any two.
    """

    kind: str
    rows: np.ndarray
    labels: np.ndarray | None
    expected: float
    sample: np.ndarray
    why: str
    likeness: float = 1.0
    _logit: float | None = field(default=None, repr=False)
    _features: tuple[float, ...] | None = field(default=None, repr=False)

    @property
    def is_alike(self) -> bool:
        """Whether the rows may be said to look alike."""
        return self.likeness >= ALIKE

    def suggested(self, rows: list[int]) -> list[Any]:
        """The label suggested for each of `rows`; none where none are."""
        if self.labels is None:
            return []
        of = dict(zip(self.rows.tolist(), self.labels.tolist(), strict=True))
        return [of[row] for row in rows]


@dataclass
class Found:
    """A proposal before it is drawn up."""

    worth: float  # rows that it is expected to label
    kind: str
    rows: np.ndarray
    codes: np.ndarray | None
    expected: float
    logit: float | None = None
    features: tuple[float, ...] | None = None
    likeness: float = 1.0


def in_words(found: Found, labels: np.ndarray | None) -> str:
    n = f"{len(found.rows):,}"
    right = f"about {int(100 * found.expected + 1e-9)}% right"
    if labels is None:
        if found.likeness < ALIKE:
            return f"{n} texts that are unlike each other, to be read one by one"
        return f"{n} texts that look alike" + (", to read" if found.kind == TEN else "")
    if found.kind == LABEL:
        return f"{n} more like “{labels[0]}”, {right}"
    if found.kind == SURE:
        return f"{n} texts of {len(set(labels.tolist()))} labels, {right}"
    return f"{n} to read, {right}"
