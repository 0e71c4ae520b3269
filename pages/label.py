"""The map: lasso, read a sample, label."""

import time

import streamlit as st

from labelling.ui.frame import page
from labelling.ui.label import map_and_panel
from labelling.ui.map import load_map

begun = time.monotonic()
page.start("Label")
session = page.session()
work = map_and_panel.work(session)
load_map()
with st.container(key="corral-top"):  # as high without a status as with one: the map must not move under the mouse
    chosen, status = st.columns([6, 5], vertical_alignment="center")
with chosen, st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.markdown(f"##### {page.escape(session.project.name)}", width="content")
    map_and_panel.choose_map(session)
map_and_panel.show(session)
with status:  # runs last: what it reports on is then what the map shows
    map_and_panel.status(session, work)
map_and_panel.watch(session, time.monotonic() + map_and_panel.REST * (time.monotonic() - begun))
