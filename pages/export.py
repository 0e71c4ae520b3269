"""Export: rows with label, labelled_at and source; for another tool; a page of results, the model, the whole job."""

from pathlib import Path

import streamlit as st

from labelling.formats.frames import file_name
from labelling.formats.records import FormatError
from labelling.formats.registry import FORMATS, TOOLS, ZIP, Format, Tool
from labelling.readers.tables import count
from labelling.tasks.export import export, is_archive, preview, to_read
from labelling.tasks.split import PARTS, split
from labelling.ui.export import model, packing, results
from labelling.ui.frame import downloads, page

OTHER = "For another tool"

page.start("Export", wide=False)
session = page.session()
page.header(session)
log, n_rows = session.log, session.project.n_rows
counts = {"All rows": n_rows, "Only the labelled": log.n_labelled}
n_empty = {"All rows": ~session.labels.with_text, "Only the labelled": log.known & ~session.labels.with_text}
captions = [f"{count(n, 'row')}{page.without_text(int(n_empty[rows].sum()))}" for rows, n in counts.items()]

which = st.radio("Rows", list(counts), captions=captions, horizontal=True)
titles = {form.title: form for form in FORMATS.values()}
captions = [*(each.about for each in FORMATS.values()), ", ".join(tool.title for tool in TOOLS.values()) + "."]
chosen = st.radio("Format", [*titles, OTHER], captions=captions)
form: Format | Tool
if chosen == OTHER:
    tools = {tool.title: tool for tool in TOOLS.values()}
    form = tools[st.selectbox("Tool", list(tools))]
    st.caption(f"{page.escape(form.about)} Rows without a text are left out.")
    which = "Only the labelled" if form.only_labelled else which
else:
    form = titles[chosen]
only_labelled = which == "Only the labelled"
with_origins = isinstance(form, Format) and st.checkbox(
    "Also who labelled, how the text was chosen, and what a model suggests"
)
parts, without = None, ""
if log.n_labelled and st.checkbox(
    "Split into train, validation and test (80, 10, 10 %)",
    help="Texts that were labelled in one step, and near-copies of a text, come into the same part.",
):
    try:
        parts = split(session.project, log)
        said = ", ".join(f"{part} {(parts == part).sum():,}" for part in PARTS)
        st.caption(f"{said}. Unlabelled rows are in none of them.")
    except FormatError as error:
        st.warning(str(error))
        without = " without a split"
n_written = counts[which] - (int(n_empty[which].sum()) if isinstance(form, Tool) else 0)

tail, mime = form.tail, form.mime
if is_archive(form, in_parts=parts is not None):
    tail, mime = f"{Path(form.tail).stem}.zip", ZIP

if n_written == 0:
    st.info("Nothing is labelled yet.", icon=":material/lightbulb:")
    st.page_link(page.LABEL, label="Label some texts", icon=":material/arrow_back:")
else:
    downloads.button(
        f"Download {count(n_written, 'row')}{without}",
        lambda: export(session.project, form, only_labelled=only_labelled, with_origins=with_origins, parts=parts),
        session.project.id,
        file_name=file_name(session.project.name, tail),
        mime=mime,
        type="primary",
        icon=":material/download:",
    )
    shown = preview(
        session.project, log, only_labelled=only_labelled, form=form, with_origins=with_origins, parts=parts
    )
    columns = to_read(shown.columns, session.project.dataset.text_column)
    moved = "" if columns == list(shown.columns) else "; shown with the text and its label first"
    st.caption(f"The first rows as they will be in the file, in the uploaded order{moved}")
    with st.container(key="corral-preview"):  # the table's own download would be of these rows alone
        st.dataframe(shown, hide_index=True, width="stretch", column_order=columns)

results.offer(session)
model.offer(session)
packing.offer(session)
