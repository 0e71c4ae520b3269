"""Tune: bend the embedding towards the labels, look at both maps, keep the new one or go back."""

import streamlit as st

from labelling.ui.frame import page
from labelling.ui.map import load_map
from labelling.ui.tune import spaces, tuning

page.start("Improve")
session = page.session()
page.header(session)
load_map()
page.need_embeddings(session)
settings, result = st.columns([1, 3], gap="large")
with settings:
    tuning.settings(session)
with result:
    tuning.result(session)
    spaces.show(session)
