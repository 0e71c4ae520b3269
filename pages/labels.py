"""Labels: make, rename, recolour, describe, order, merge, split and delete them."""

import streamlit as st

from labelling.ui import managing, page

page.start("Labels")
session = page.session()
page.header(session)
listed, edited = st.columns([3, 2], gap="large")
with listed:
    managing.listed(session)
with edited:
    managing.edit(session)
