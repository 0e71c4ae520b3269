"""Export: all rows or the labelled ones, with label, labelled_at and source, as CSV, JSONL or Parquet."""

import re

import streamlit as st

from labelling import export
from labelling.ui import page

FORMATS = {
    "CSV": (export.to_csv, "csv", "text/csv", "Opens in Excel. Cells that begin like a formula get an apostrophe."),
    "JSONL": (export.to_jsonl, "jsonl", "application/jsonl", "A JSON object a line."),
    "Parquet": (export.to_parquet, "parquet", "application/vnd.apache.parquet", "For pandas, Polars, DuckDB, Spark."),
}

page.start("Export", wide=False)
session = page.session()
page.header(session)
log, n_rows = session.log, session.project.n_rows
counts = {"All rows": n_rows, "Only the labelled": log.n_labelled}
n_empty = {"All rows": ~session.with_text, "Only the labelled": log.known & ~session.with_text}
captions = [f"{n:,} rows{page.without_text(int(n_empty[rows].sum()))}" for rows, n in counts.items()]

which = st.radio("Rows", list(counts), captions=captions, horizontal=True)
kind = st.radio("Format", list(FORMATS), captions=[about for *_, about in FORMATS.values()], horizontal=True)
to_bytes, ending, mime, _ = FORMATS[kind]
only_labelled = which == "Only the labelled"
name = re.sub(r"[^\w-]+", "-", session.project.name.rsplit(".", 1)[0]).strip("-") or "texts"

if counts[which] == 0:
    st.info("Nothing is labelled yet.", icon=":material/lightbulb:")
    st.page_link(page.LABEL, label="Label some texts", icon=":material/arrow_back:")
else:
    st.download_button(
        f"Download {counts[which]:,} rows",
        data=lambda: session.export(to_bytes, only_labelled=only_labelled),
        file_name=f"{name}-labelled.{ending}",
        mime=mime,
        on_click="ignore",
        type="primary",
        icon=":material/download:",
    )
    st.caption("The first rows, in the uploaded order")
    st.dataframe(session.preview(only_labelled=only_labelled), hide_index=True, width="stretch")
