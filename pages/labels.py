"""Labels: make, rename, recolour, describe, order, merge, split and delete them."""

import streamlit as st

from labelling.ui.frame import page
from labelling.ui.labels import compare, manage

page.start("Labels")
session = page.session()
page.header(session)
listed, edited = st.columns([3, 2], gap="large")
with listed:
    manage.listed(session)
with edited:
    manage.edit(session)
    compare.show(session)
