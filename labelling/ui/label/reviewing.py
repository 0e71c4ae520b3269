"""Texts to read again, beside the map: which queue, how many there are in it, and how good it was so far."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from labelling.queues.registry import REVIEWS
from labelling.queues.review import ReviewError
from labelling.session import Found, Session
from labelling.ui.frame import state
from labelling.ui.frame.steps import step
from labelling.ui.label import controls

POPOVER = "reviews"


@dataclass
class Reviewed:
    """Of what is being read again: the queue, and what the rows that were on show bore then."""

    of: Found | None = None
    codes: dict[int, int] = field(default_factory=dict)


def is_open(popover: Any) -> bool:
    return bool(popover.open)


def offer(session: Session) -> None:
    """A popover with the queues; what is in them is counted while it is open."""
    if session.log.multi_label:
        return
    popover = st.popover(
        ":material/rule:",
        help="Read again: labels that may be wrong, copies, what a model is least sure of",
        type="tertiary",
        key=POPOVER,
        on_change="rerun",
    )
    if not is_open(popover):
        return
    with popover, st.container(gap=None):
        st.caption("Read again, the most doubtful first. A label's key corrects the text that is marked.")
        counts = session.reviews.counts()
        for name, queue in REVIEWS.items():
            n = counts[name]
            st.button(
                f"{queue.title}" + ("" if isinstance(n, ReviewError) else f" · {n:,}"),
                key=f"review {name}",
                type="tertiary",
                disabled=isinstance(n, ReviewError) or not n,
                on_click=step(lambda name=name: begin(session, name)),
                help=str(n) if isinstance(n, ReviewError) else queue.about,
            )


def begin(session: Session, name: str) -> None:
    """Read one of the queues."""
    st.session_state[POPOVER] = False
    session.selection.deselect()
    controls.look_for(lambda: session.reviews.look_at(name))


def so_far(session: Session, rows: list[int]) -> str:
    """How many of the texts that were on show, with these `rows`, have been given another label since."""
    held, found = state.of_project(Reviewed), session.search.found
    if held.of is not found:
        held.of, held.codes = found, {}
    codes = session.log.codes
    for row in rows:
        held.codes.setdefault(row, int(codes[row]))
    n = sum(int(codes[row]) != then for row, then in held.codes.items())
    return f"{n:,} of {len(held.codes):,} changed"


def why(session: Session, row: int) -> str:
    """Why a row was found, where what was found says so; as plain text."""
    found = session.search.found
    return "" if found is None or found.why is None else found.why(row)
