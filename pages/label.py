"""The map: lasso, read a sample, label."""

import streamlit as st

from labelling.ui import page, workbench
from labelling.ui.map import load_plotly

page.start("Label")
session = page.session()
load_plotly()
with st.container(key="corral-top"):  # as high without a status as with one: the map must not move under the mouse
    name, status = st.columns([3, 7], vertical_alignment="center")
name.markdown(f"##### {page.escape(session.project.name)}")
workbench.show(session)
with status:  # runs last: what it reports on is then what the map shows
    workbench.status(session)
