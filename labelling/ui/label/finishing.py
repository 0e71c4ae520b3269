"""What is worth doing once most is labelled, each a press away: what is left, what is contradicted, the export."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator as Place

from labelling.session import Session
from labelling.ui.frame import keys, page
from labelling.ui.frame.steps import step
from labelling.ui.label import aim, checking, proposing, reviewing
from labelling.ui.texts import load

MAX_KINDS = 3  # of what is left, in one line


def in_words(session: Session) -> str | None:
    """How far it is, where all is labelled or little is left; None before."""
    if not aim.are_leftovers(session):
        return checking.when_done(session)
    left = session.labels.unlabelled
    n_left = int(np.count_nonzero(left))
    known = session.map.has_regions or session.project.n_rows <= aim.WORDS_AT_ONCE
    kinds = aim.kinds_left(session.map.regions(), left & session.map.seen) if known else []
    said = [f"{len(rows):,} in {page.escape(region.name)}" for region, rows in kinds[:MAX_KINDS]]
    if said and (elsewhere := n_left - sum(len(rows) for _, rows in kinds[:MAX_KINDS])):
        said.append(f"{elsewhere:,} elsewhere")
    reached = "The aim is reached: " if aim.is_reached(session) else ""
    return f"{reached}**{n_left:,} left**" + (f", by kind: {' · '.join(said)}" if said else "")


def show(session: Session, place: Place) -> None:
    """In `place`: ways on, the nearest first."""
    where = {"project": session.project.id}
    n_left = int(np.count_nonzero(session.labels.unlabelled & session.map.seen))
    with place, st.container(horizontal=True, vertical_alignment="center", key="corral-ways-on"):
        if n_left:
            _way(
                f"What next ({keys.WHAT_NEXT})",
                "propose the rest",
                lambda: proposing.begin(session),
                "Those of them that are alike or like a label, as far as it goes, ten to read at a time",
            )
            _way(
                f"Select the {n_left:,} ({keys.UNLABELLED})",
                "select the rest",
                session.selection.select_unlabelled,
                "All without a label: for one label such as “other”, or to read them in the list",
            )
        if not aim.is_reached(session):
            return
        if n := reviewing.n_doubtful(session):
            _way(
                f"Read {n:,} doubtful",
                "check contradicted",
                lambda: reviewing.begin(session, "contradicted"),
                "Labels that the nearest texts contradict, the likeliest wrong first; some are right. What somebody "
                "labelled alone, or found right, is not among them.",
            )
        st.page_link(page.EXPORT, label="Export", query_params=where)
        if not n_left and load.topics_of(session.project.dataset) is not None:
            st.page_link(page.LABELS, label="Compare with the true topics", query_params=where)


def _way(label: str, key: str, do: Callable[[], object], about: str) -> None:
    st.button(label, key=key, type="tertiary", on_click=step(do), help=about)
