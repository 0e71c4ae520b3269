"""The map: lasso, read a sample, label."""

import time

import streamlit as st

from labelling.ui import page, workbench
from labelling.ui.map import load_map

begun = time.monotonic()
page.start("Label")
session = page.session()
work = workbench.work(session)
load_map()
with st.container(key="corral-top"):  # as high without a status as with one: the map must not move under the mouse
    chosen, status = st.columns([6, 5], vertical_alignment="center")
with chosen, st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.markdown(f"##### {page.escape(session.project.name)}", width="content")
    workbench.choose_map(session)
workbench.show(session)
with status:  # runs last: what it reports on is then what the map shows
    workbench.status(session, work)
workbench.watch(session, time.monotonic() + workbench.REST * (time.monotonic() - begun))
