"""Which texts are read beside the map, and which come next."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from labelling.session import Session
from labelling.ui.frame import state

MAX_NEXT = 100


@dataclass
class Reading:
    """Which texts: the page, the seed that a sample is drawn with, the row that is pinned below them, and what was
    selected then; and the selection that was just labelled, after which the next come up."""

    page: int = 0
    seed: int = 0
    pinned: int | None = None
    beside: np.ndarray | None = None
    labelled: np.ndarray | None = None

    def draw_anew(self, seed: int) -> None:
        self.seed, self.page = seed, 0

    def pin(self, row: int | None, session: Session) -> None:
        self.pinned, self.beside = row, session.selection.rows


def just_labelled(session: Session) -> bool:
    """Whether all that is selected has just been labelled."""
    rows = state.of_project(Reading).labelled
    return rows is not None and rows is session.selection.rows and not session.labels.unlabelled[rows].any()


def next_up(session: Session) -> np.ndarray:
    """The texts without a label that come after what was just labelled, the best first; none where nothing was just.

    Of a search the next that it found; else those whose nearest texts are among what was labelled.
    """
    if not just_labelled(session):
        return np.empty(0, np.int64)
    if session.search.found is not None:
        n = st.session_state.get(state.widget_key("n nearest"), MAX_NEXT)  # as many as are selected of what was found
        return session.search.found.best(session.map.seen & session.labels.unlabelled, n)
    return session.selection.next_like(MAX_NEXT)


def pinned(session: Session) -> int | None:
    """The row that is pinned; none any more once something is selected, or nothing, that it is not in."""
    reading, rows = state.of_project(Reading), session.selection.rows
    if reading.beside is not rows:
        stays = reading.beside is None or reading.pinned in rows
        reading.pin(reading.pinned if stays else None, session)
    return reading.pinned
