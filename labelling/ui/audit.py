"""Reading a sample of what an action labelled, and marking what does not belong."""

import html
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from labelling.labels import Action
from labelling.session import Session
from labelling.ui import giving, page

SAMPLES = {
    "random": ("Random", "tells the share of wrong labels"),
    "edge": ("From the edge", "most of their nearest texts lie elsewhere"),
    "outlying": ("Outlying", "farthest from the middle, in the full space"),
}
PAGE_ROWS = 9  # a key each
MAX_CHARACTERS = 1_500
AUDIT = "audit"


@dataclass
class Audit:
    """A page of texts that are being read; each page is kept as an action of its own."""

    seq: int
    sample: str
    rows: np.ndarray
    wrong: set[int] = field(default_factory=set)


def show(session: Session, action: Action) -> None:
    """What is known of the action's labels by audits, and the next texts to read."""
    if not giving.can_be_audited(session.log, action):
        return
    st.markdown("##### Do these texts belong here?")
    _known(session, action)
    held: Audit | None = st.session_state.get(AUDIT)
    if held is None or held.seq != action.seq:
        _begin(session, action)
        return
    _read(session, held)


def _known(session: Session, action: Action) -> None:
    found = session.log.quality_of(action.seq)
    n_read = len(session.log.read(action.seq))
    if found is None:
        said = f"{n_read:,} were read, none drawn at random yet." if n_read else "Nothing has been read yet."
        st.caption(f"{said} A random sample tells the share of wrong labels.")
        return
    st.markdown(f"**{giving.in_words(found)}**")
    st.caption(
        "The 95 % interval is Wilson's, corrected for how much of all was read. Only random samples count; those of "
        "the edge and the outlying find mistakes, and would make the share look worse than it is."
    )


def _begin(session: Session, action: Action) -> None:
    sample = st.radio(
        "Sample",
        list(SAMPLES),
        format_func=lambda sample: SAMPLES[sample][0],
        captions=[about for _, about in SAMPLES.values()],
        key="audit sample",
        horizontal=True,
    )
    st.button(
        f"Read {PAGE_ROWS} texts",
        type="primary",
        icon=":material/menu_book:",
        on_click=lambda: giving.attempt(lambda: _draw(session, action.seq, sample)),
    )


def _draw(session: Session, seq: int, sample: str) -> None:
    """The next texts; none where all have been read."""
    n_read = len(session.log.read(seq))
    rows = session.audit_sample(seq, sample, PAGE_ROWS, random_state=n_read)
    st.session_state[AUDIT] = Audit(seq, sample, rows) if len(rows) else None
    if not len(rows):
        st.session_state["step done"] = "All of these texts have been read."


def _read(session: Session, held: Audit) -> None:
    st.caption(
        f"{SAMPLES[held.sample][0]}: press a text's key, or click on its button, where it does **not** belong. "
        "Those lose the label."
    )
    for place, row in enumerate(map(int, held.rows), 1):
        wrong = row in held.wrong
        button, text = st.columns([1, 5], vertical_alignment="center")
        button.button(
            ":material/close:" if wrong else ":material/check:",
            key=f"audit {place}",
            shortcut=str(place),
            type="primary" if wrong else "secondary",
            width="stretch",
            on_click=held.wrong.symmetric_difference_update,
            args=({row},),
            help="Does not belong here" if wrong else "Belongs here",
        )
        whole = session.project.dataset.text(row).strip()
        cut = whole if len(whole) <= MAX_CHARACTERS else whole[:MAX_CHARACTERS].rstrip() + " …"
        hue = "#D55E00" if wrong else "#8888"
        text.html(f'<div class="corral-sample" style="--corral-colour:{hue}">{html.escape(cut)}</div>')
    with st.container(horizontal=True, gap="small"):
        st.button(
            f"Next ({len(held.wrong):,} wrong)",
            type="primary",
            shortcut="Enter",
            on_click=lambda: giving.attempt(lambda: _keep(session, held, go_on=True)),
        )
        st.button("Done", on_click=lambda: giving.attempt(lambda: _keep(session, held, go_on=False)))
        st.button(
            "Leave without keeping this page",
            type="tertiary",
            shortcut="Escape",
            on_click=lambda: st.session_state.pop(AUDIT, None),
        )


def _keep(session: Session, held: Audit, *, go_on: bool) -> None:
    session.log.audit(held.seq, held.rows, np.array(sorted(held.wrong), np.int64), held.sample)
    st.session_state.pop(AUDIT, None)
    said = f"{len(held.rows):,} read, {len(held.wrong):,} wrong"
    st.session_state["step done"] = page.escape(said)
    if go_on:
        _draw(session, held.seq, held.sample)
