"""The whole job as one file, see `tasks.pack`: made in the background, then saved."""

from pathlib import Path

import streamlit as st

from labelling.formats.frames import file_name
from labelling.session import Session
from labelling.tasks.jobs import Job
from labelling.tasks.pack import pack
from labelling.ui.export import made
from labelling.ui.frame import resources, state


def offer(session: Session) -> None:
    """What is to be in it, the button that makes it, how far that is, and the button that saves it."""
    project = session.project
    st.markdown("##### The whole job")
    st.caption(
        "One .zip with the texts, every action and all settings. Uploaded on the page Texts, here or elsewhere, it is "
        "a project again, with the same labels and history. No account and no key is in it."
    )
    anonymous = st.checkbox(
        "Person 1, person 2 ... in place of the people's names",
        key=state.widget_key("pack without names"),
        help="Names that stand in the texts, in other columns, in searches or in labels stay.",
    )
    vectors = not st.checkbox(
        "Without embeddings and maps",
        key=state.widget_key("pack without vectors"),
        help="The file is small. They are made anew where it is uploaded.",
    )

    def start() -> made.Work:
        workspace = resources.workspace()

        def write(file: Path, job: Job) -> bool:
            n_actions = pack(
                workspace, project, file, anonymous=anonymous, vectors=vectors, on_progress=job.progress, stop=job.stop
            )
            return n_actions is not None

        return write

    # What has happened since is not in it.
    spaces = tuple((space.id, space.name, space.state, space.has_map("UMAP")) for space in project.spaces())
    key = ("pack", project.id, anonymous, vectors, session.log.seq, project.n_rows, project.current.id, spaces)
    made.offer("the pack", file_name(project.name, "job.zip"), key, start, unit="MB", icon=":material/inventory_2:")
