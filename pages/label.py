"""The map: lasso, read a sample, label."""

import streamlit as st

from labelling.ui.frame import page, resources
from labelling.ui.label import map_and_panel
from labelling.ui.map import load_map

page.start("Label")
session = page.session()
work = map_and_panel.work(session)
if work is not None:
    resources.warm_up()
load_map()
st.html(map_and_panel.STYLE)
with st.container(key="corral-top", horizontal=True, vertical_alignment="center", gap="small"):  # beside the menu
    st.markdown(f"##### {page.escape(session.project.name)}", width="content")
    map_and_panel.choose_map(session)
map_and_panel.show(session)
with st.container(key="corral-status"):  # runs last: what it reports on is then what the map shows
    map_and_panel.status(session, work)
