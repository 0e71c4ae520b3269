"""Classify: train a head on a transformer, look at the map before and after, get suggestions for the other texts."""

import streamlit as st

from labelling.ui import classifying, page
from labelling.ui.map import load_map

page.start("Classify")
session = page.session()
page.header(session)
load_map()
if not session.project.spaces()[0].ready:
    st.info("The texts are still being embedded: come back when all are.", icon=":material/hourglass_top:")
    st.page_link(page.LABEL, label="See how far it is", icon=":material/arrow_back:")
    st.stop()
settings, result = st.columns([1, 3], gap="large")
with result:  # first: to count what moves, a model may have to be loaded
    classifying.result(session)
with settings:
    classifying.settings(session)
