"""Texts to read again, beside the map: which queue, how many there are in it, and what came of it so far."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from labelling.queues.registry import REVIEWS
from labelling.queues.review import ReviewError
from labelling.readers.tables import count
from labelling.session import Found, Session
from labelling.tasks.jobs import Job
from labelling.ui.frame import keys, state
from labelling.ui.frame.resources import jobs
from labelling.ui.frame.steps import step, tell
from labelling.ui.label import controls

POPOVER = "reviews"
AT_ONCE_SECONDS = 0.05  # that the page waits for the number of doubtful labels: at a million texts it takes seconds


@dataclass
class Reviewed:
    """Of what is being read again: the queue, and what the rows that were on show bore then."""

    of: Found | None = None
    codes: dict[int, int] = field(default_factory=dict)


@dataclass
class Counted:
    """How many labels are doubtful, of which labels and space; and the job that counts those of `asked`."""

    n: int = 0
    of: tuple[int, int] | None = None
    asked: tuple[int, int] | None = None
    job: Job | None = None


def n_doubtful(session: Session) -> int:
    """As far as it is known: of many texts as it was before the last step, until it has been counted anew."""
    counted, now = state.of_project(Counted), session.reviews.now
    has_counted(counted)
    if counted.of != now and counted.job is None:
        counted.asked, title = now, "Doubtful labels"
        counted.job = jobs().start(
            "doubtful", session.project.id, title=title, work=lambda _: session.reviews.count_doubtful()
        )
        counted.job.join(AT_ONCE_SECONDS)
        has_counted(counted)
    return counted.n


def has_counted(counted: Counted) -> bool:
    """Whether the job has counted since this was asked last."""
    if counted.job is None or counted.job.is_alive():
        return False
    counted.of, counted.n = counted.job.result or (counted.asked, 0)  # a fault of it is in the log
    counted.job = None
    return True


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
        st.caption(
            "Read again, the most doubtful first. A label's key corrects the text that is marked, "
            f"{keys.YES} says that its label is right."
        )
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
    """How many of the texts that were on show, with these `rows`, were given another label since, and are right."""
    held, found = state.of_project(Reviewed), session.search.found
    if held.of is not found:
        held.of, held.codes = found, {}
    codes, right = session.log.codes, session.log.found_right()
    for row in rows:
        held.codes.setdefault(row, int(codes[row]))
    n = sum(int(codes[row]) != then for row, then in held.codes.items())
    n_right = sum(bool(right[row]) and int(codes[row]) == then for row, then in held.codes.items())
    return f"{n:,} of {len(held.codes):,} changed" + (f", {n_right:,} right" if n_right else "")


def why(session: Session, row: int) -> str:
    """Why a row was found, where what was found says so, or that its label was found right; as plain text."""
    found = session.search.found
    if found is None or found.why is None:
        return ""
    if session.log.found_right()[row]:
        return "read, and right"
    held = state.of_project(Reviewed)  # the reason is of the label that it bore
    changed = held.of is found and held.codes.get(row, session.log.codes[row]) != session.log.codes[row]
    return "changed now" if changed else found.why(row)


def are_labels(session: Session, rows: list[int]) -> bool:
    """Whether what is read again are labels, rather than texts without one."""
    found = session.search.found
    return found is not None and found.why is not None and bool(session.log.known[rows].any())


def right_button(session: Session, rows: list[int]) -> None:
    """Says that the labels of these texts, the page on show, are right."""
    log = session.log
    left = np.array([row for row in rows if log.known[row] and not log.found_right()[row]], np.int64)
    st.button(
        f"All {len(left):,} right" if len(left) != 1 else "Right",
        key="all right",
        type="tertiary",
        disabled=not len(left),
        on_click=step(lambda: keep_right(session, left)),
        help=f"Of this page, when you have read them. {keys.YES} says it of the text that is marked. They are not "
        "offered again, unless their label changes.",
    )


def keep_right(session: Session, rows: np.ndarray) -> None:
    """Note that these texts were read, and their labels are right."""
    n = session.log.keep_right(rows[~session.log.found_right()[rows]])
    said = f"The label of {count(n, 'text')} is right"
    tell("step done", said if n else "Nothing was noted: these have no label, or theirs was found right already.")
