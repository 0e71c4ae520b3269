"""What needs checking: how right the labels are by now, and what was labelled and nobody has checked."""

import numpy as np
import streamlit as st

from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import page, state
from labelling.ui.frame.steps import step
from labelling.ui.history import audit
from labelling.ui.label import give_labels

MAX_ACTIONS = 5  # of which most labels are not checked


def show(session: Session) -> None:
    """How right all labels are, and buttons that read some of them; or the check that was begun here."""
    log = session.log
    give_labels.say()
    n = int(np.count_nonzero(log.known))
    if not n:
        st.info("Nothing is labelled yet: there is nothing to check.", icon=":material/fact_check:")
        st.page_link(page.LABEL, label="Label some texts", icon=":material/arrow_back:")
        return
    st.markdown("##### What needs checking")
    found = log.rightness()
    st.markdown(
        f"**About {found.words}**" if found else f"How right the labels are nobody knows yet: {n:,} not checked"
    )
    held = state.of_project(audit.Held).audit
    if held is not None and held.seq is None and not held.beside_map:
        audit.read(session, held)
        return
    unchecked = sorted(log.unchecked_actions().items(), key=lambda one: -one[1])
    if not log.multi_label:
        st.button(
            f"Check {audit.PAGE_ROWS} of all labels",
            key="check all here",
            type="primary" if log.n_unchecked else "secondary",
            icon=":material/fact_check:",
            on_click=step(lambda: audit.draw_of_all(session)),
            help="A random sample of all labels: it tells how right they are, whoever gave them and how",
        )
    if not unchecked:
        return
    with st.container(gap="xsmall"):
        st.caption("Labelled and not checked yet: press one to check some of it")
        for seq, n_unchecked in unchecked[:MAX_ACTIONS]:
            action = log.actions[seq - 1]
            st.page_link(
                page.HISTORY,
                label=f"{page.escape(give_labels.describe(log, action))}: {n_unchecked:,} not checked",
                query_params={"project": session.project.id, "action": str(seq)},
            )
        if len(unchecked) > MAX_ACTIONS:
            rest = unchecked[MAX_ACTIONS:]
            st.caption(f"and {count(sum(n for _, n in rest), 'text')} of {count(len(rest), 'other action')}")
