"""What a classifier suggests, on the label page: select the texts of a label that it is sure of."""

import streamlit as st

from labelling.session import Session
from labelling.ui.frame import page
from labelling.ui.frame.steps import step

MAX_SHOWN = 12  # labels, those suggested for the most texts


def show(session: Session) -> None:
    """For each label the number of unlabelled texts on show for which it is suggested; a button selects them."""
    space = session.suggested.space
    found = None if space is None else space.suggestions
    if space is None or found is None:
        return
    with st.popover("Suggestions", icon=":material/lightbulb:", type="tertiary", help=page.escape(space.name)):
        at_least = st.slider("At least so sure", 0.0, 1.0, 0.9, 0.05, key="suggestions at least")
        open_rows = session.labels.unlabelled & session.map.seen
        counts = {label: int(open_rows[found.rows(label, at_least)].sum()) for label in found.classes}
        some = sorted((label for label in counts if counts[label]), key=lambda label: -counts[label])
        if not some:
            st.caption("None of the unlabelled texts on show is that sure.")
        with st.container(horizontal=True, gap="small"):
            for label in some[:MAX_SHOWN]:
                st.button(
                    f"{page.escape(label)}  ({counts[label]:,})",
                    key=f"suggested {label}",
                    on_click=step(lambda label=label: session.suggested.select(label, at_least)),
                    help="Selects them: read a sample, then label them",
                )
