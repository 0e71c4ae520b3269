"""Classify: train a head on a transformer, look at the map before and after, get suggestions for the other texts."""

import streamlit as st

from labelling.ui.frame import page
from labelling.ui.map import load_map
from labelling.ui.tune import classifying

page.start("Classify")
session = page.session()
page.header(session)
load_map()
page.need_embeddings(session)
settings, result = st.columns([1, 3], gap="large")
with result:  # first: to count what moves, a model may have to be loaded
    classifying.result(session)
with settings:
    classifying.settings(session)
