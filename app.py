"""Corral's entry: the pages and their order. Start it with `make run` or `streamlit run app.py`."""

import streamlit as st

from labelling.ui.frame import page, server

if not server.runs_a_page():
    server.deliver_everything()
    app = st.App(__file__, middleware=server.middleware())
else:
    page.run(
        st.navigation(
            [
                st.Page("pages/texts.py", title="Texts", default=True),
                st.Page("pages/label.py", title="Label", url_path="label"),
                st.Page("pages/tune.py", title="Improve", url_path="tune"),
                st.Page("pages/classify.py", title="Classify", url_path="classify"),
                st.Page("pages/labels.py", title="Labels", url_path="labels"),
                st.Page("pages/history.py", title="Check", url_path="history"),
                st.Page("pages/export.py", title="Export", url_path="export"),
                st.Page("pages/separation.py", title="Show", url_path="separation"),
            ],
            position="top",
        )
    )
