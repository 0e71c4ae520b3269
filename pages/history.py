"""Check: what needs checking; and what was done to the labels, by whom: undo any of it, go back, read some of it."""

import streamlit as st

from labelling.ui.frame import page
from labelling.ui.history import audit, due, history
from labelling.ui.map import load_map

page.start("Check")
session = page.session()
page.header(session)
load_map()
listed, chosen = st.columns([3, 2], gap="large")
with listed:
    with st.container(key="corral-due"):
        due.show(session)
    action = history.choose(session)
with chosen:
    if action is not None:
        history.show(session, action)
        audit.show(session, action)
        history.draw(session, action)
