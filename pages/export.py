"""Export: all rows or the labelled ones, with label, labelled_at and source, as CSV, JSONL or Parquet."""

import streamlit as st

from labelling import export
from labelling.readers.tables import count
from labelling.ui import downloads, page

FORMATS = {
    "CSV for programs": (
        export.to_csv,
        "labelled.csv",
        "text/csv",
        "Plain UTF-8, every cell as it is. For scripts and tools.",
    ),
    "CSV for Excel": (
        export.to_excel_csv,
        "labelled-excel.csv",
        "text/csv",
        "Accents read rightly. What Excel would run as a formula gets an apostrophe; uploaded as it is, it loses it.",
    ),
    "JSONL": (export.to_jsonl, "labelled.jsonl", "application/jsonl", "A JSON object a line. Numbers stay numbers."),
    "Parquet": (
        export.to_parquet,
        "labelled.parquet",
        "application/vnd.apache.parquet",
        "For pandas, Polars, DuckDB, Spark. Numbers and times keep their types.",
    ),
}

page.start("Export", wide=False)
session = page.session()
page.header(session)
log, n_rows = session.log, session.project.n_rows
counts = {"All rows": n_rows, "Only the labelled": log.n_labelled}
n_empty = {"All rows": ~session.with_text, "Only the labelled": log.known & ~session.with_text}
captions = [f"{count(n, 'row')}{page.without_text(int(n_empty[rows].sum()))}" for rows, n in counts.items()]

which = st.radio("Rows", list(counts), captions=captions, horizontal=True)
kind = st.radio("Format", list(FORMATS), captions=[about for *_, about in FORMATS.values()])
to_bytes, tail, mime, _ = FORMATS[kind]
only_labelled = which == "Only the labelled"

if counts[which] == 0:
    st.info("Nothing is labelled yet.", icon=":material/lightbulb:")
    st.page_link(page.LABEL, label="Label some texts", icon=":material/arrow_back:")
else:
    downloads.button(
        f"Download {count(counts[which], 'row')}",
        lambda: session.export(to_bytes, only_labelled=only_labelled),
        session.project.id,
        file_name=export.file_name(session.project.name, tail),
        mime=mime,
        type="primary",
        icon=":material/download:",
    )
    st.caption("The first rows as they will be in the file, in the uploaded order")
    st.dataframe(session.preview(only_labelled=only_labelled, to_bytes=to_bytes), hide_index=True, width="stretch")
