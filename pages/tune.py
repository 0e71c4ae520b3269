"""Tune: bend the embedding towards the labels, look at both maps, keep the new one or go back."""

import streamlit as st

from labelling.ui import page, spaces, tuning
from labelling.ui.map import load_map

page.start("Tune")
session = page.session()
page.header(session)
load_map()
if not session.project.spaces()[0].ready:
    st.info("The texts are still being embedded: come back when all are.", icon=":material/hourglass_top:")
    st.page_link(page.LABEL, label="See how far it is", icon=":material/arrow_back:")
    st.stop()
settings, result = st.columns([1, 3], gap="large")
with settings:
    tuning.settings(session)
with result:
    tuning.result(session)
    spaces.show(session)
