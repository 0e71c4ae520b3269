"""The page of results, to hand on."""

import streamlit as st

from labelling.formats.frames import file_name
from labelling.session import Session
from labelling.tasks.report import report
from labelling.ui.frame import downloads, state


def offer(session: Session) -> None:
    """How many texts are to be in it, and the button that saves it."""
    project = session.project
    st.markdown("##### A page of results")
    st.caption(
        "One HTML file to hand on, which needs no network: the map, how many texts bear each label and how "
        "right that is, the work it took, who disagreed. The names of people are in it; texts only if you say so."
    )
    n_texts = st.number_input(
        "Texts to quote of each label, drawn at random", 0, 100, 0, key=state.widget_key("texts quoted"), width=320
    )
    downloads.button(
        "Download the page",
        lambda: report(project, project.open_log(), n_texts=n_texts).encode(),
        project.id,
        file_name=file_name(project.name, "results.html"),
        mime="text/html",
        icon=":material/lab_profile:",
    )
