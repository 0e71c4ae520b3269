"""Separation: watch a tuner part the labels of texts, and save what is seen as one HTML file."""

import streamlit as st

from labelling.errors import CorralError
from labelling.ui.frame import page, resources
from labelling.ui.map import load_plotly
from labelling.ui.separation import separation

page.start("Show")
load_plotly()
resources.warm_up()
settings, result = st.columns([1, 3], gap="large")
with settings:
    try:
        source = separation.choose_texts()
        coming = "" if source is None else separation.settings(source)
    except CorralError as error:
        coming = ""
        page.error(error)
with result:
    separation.show(coming)
