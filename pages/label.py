"""The map: lasso, read a sample, label."""

import streamlit as st

from labelling.ui import page, workbench
from labelling.ui.map import load_plotly

page.start("Label")
session = page.session()
load_plotly()
above = st.container()
workbench.show(session)
with above:  # runs last: what it reports on is then what the map shows
    workbench.status(session)
