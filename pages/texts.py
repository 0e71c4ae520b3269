"""Load texts: a demo, a file, or pasted; choose the columns; open an earlier project."""

from typing import Literal

import streamlit as st

from labelling import readers
from labelling.errors import CorralError
from labelling.readers.tables import count
from labelling.ui.frame import access, page, resources, state
from labelling.ui.texts import columns, encoder_choice, load, projects, reading, unpacking
from labelling.workspace import ProjectInfo

page.start("Texts", wide=False)


def offer_projects(listed: list[ProjectInfo]) -> None:
    """The projects that are there already."""
    if listed:
        st.markdown("##### Your projects")
        projects.list_projects(listed)


def offer_demos(kind: Literal["primary", "secondary"]) -> None:
    """The demos, the easy one first."""
    st.markdown("##### Try it")
    if st.button("Open the easy demo", type=kind, icon=":material/play_arrow:", width="stretch"):
        page.go_label(load.open_demo("easy"))
    st.caption("800 messages to a town hall, in eight clear topics.")
    if st.button("Open the demo", icon=":material/play_arrow:", width="stretch"):
        page.go_label(load.open_demo("hard"))
    st.caption(
        "963 messages to the support of an invented product. Harder: topics run into each other, some are in "
        "other languages."
    )


listed = access.projects()
st.title("Lasso texts into labels")
above = st.container()
first, second = st.columns([1, 2], gap="large")
with second:
    st.markdown("##### Your texts")
    how = st.segmented_control(
        "From",
        ["A file", "Pasted texts", "Hugging Face"],
        default="A file",
        required=True,
        label_visibility="collapsed",
    )
    if how == "Pasted texts":
        reading.read_pasted()
    elif how == "Hugging Face":
        reading.read_hub()
    else:
        reading.read_file()


# Who has brought texts goes on with these: what comes next is in sight, and all else stands below it.
upload = state.of_tab(reading.Upload)
brought = upload.pack is not None or upload.found is not None
if not brought:
    with above:
        st.markdown(
            "Load texts, see them as points on a map, **draw a lasso** round those that belong together and give them "
            "all one label. A tuner then bends the map towards your labels, and the next lasso is easier."
        )
        offer_projects(listed)  # who comes back goes on
        if listed:
            st.divider()
    with first:
        offer_demos("secondary" if listed else "primary")
else:
    first.caption("Next: see below how it was read, then go on with the button at the end.")
if (pack := upload.pack) is not None:
    st.divider()
    unpacking.offer(pack)
elif (found := upload.found) is not None:
    resources.warm_up()  # not before there is a file: a demo needs no model, and the two would share the processor
    st.divider()
    try:
        found = reading.preview(found)
        chosen = columns.choose_columns(found)
        notes = found.table.notes if chosen is None else readers.report(chosen[0], found.table)
        st.markdown("\n".join(f"- {page.escape(line)}" for line in notes))
        if chosen is not None:
            dataset, label_values = chosen
            into = load.choose_project(found)
            if into is None:
                name = st.text_input("Name of the project", found.name, key=f"name of {found.id}")
                encoder = encoder_choice.choose(dataset)
                load.say_long_texts(found, dataset, encoder)
                map_columns = columns.choose_map(found, dataset)
            if into is None and st.button("Make the map", type="primary", icon=":material/map:"):
                with st.spinner("Saving the texts and checking the encoder …"):
                    project = load.create_project(
                        name.strip() or found.name, dataset, encoder, label_values, map_columns
                    )
                page.go_label(project)
            vectors = encoder_choice.choose_vectors(dataset) if load.brings_vectors(into) else None
            if into is not None:
                st.caption(
                    f"Adds {count(len(dataset), 'row')} to the {into.n_rows:,} of {page.escape(into.name)}: "
                    "their labels stay, and their places on the maps."
                )
            if into is not None and st.button("Add the texts", type="primary", icon=":material/add:"):
                with st.spinner("Saving the texts …"):
                    project = load.add_texts(into, dataset, vectors, label_values)
                page.say_later(f"{count(len(dataset), 'row')} added: {project.n_rows:,} in all.")
                page.go_label(project)
    except CorralError as error:
        page.error(error)

if brought:
    st.divider()
    offer_projects(listed)
    offer_demos("secondary")
st.caption(access.who_sees(str(resources.workspace().folder)))
if warning := access.open_to_all():
    st.warning(warning, icon=":material/lock_open:")
