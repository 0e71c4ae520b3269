"""The model, to take away: made in the background as one .zip, then saved."""

from pathlib import Path

import streamlit as st

from labelling.errors import StepError
from labelling.formats.frames import file_name
from labelling.session import Session
from labelling.tasks.jobs import Job
from labelling.tasks.model import zip_model
from labelling.ui.export import made
from labelling.ui.frame import page
from labelling.ui.frame.resources import new_workbench
from labelling.workspace.models import model_space


def offer(session: Session) -> None:
    """The button that makes the newest model that was kept a file, how far that is, and the button that saves it."""
    st.markdown("##### The model")
    try:
        space = model_space(session.project)
    except StepError:
        st.caption("There is none yet: run a tuner on the page Improve, and keep its map.")
        st.page_link(page.TUNE, label="Tune the map", icon=":material/arrow_back:")
        return
    st.caption(
        f"What {page.escape(space.name)} has learnt, as a folder that sentence-transformers or transformers loads "
        "without Corral. Its README says on what it was trained and what it is worth."
    )

    def start() -> made.Work:
        bench = new_workbench(session.project)

        def write(file: Path, job: Job) -> bool:
            encoder = bench.encoder_for(bench.project.spaces()[0].settings)

            def tell(done: int, total: int) -> None:
                job.progress(done // 1_000_000, max(total // 1_000_000, 1))

            return zip_model(bench.project, encoder, file, space.id, tell, job.stop)

        return write

    # By the labels' names, too, as they stand in the file.
    key = ("model", session.project.id, space.id, tuple(label.name for label in session.log.labels))
    name = file_name(session.project.name, "model.zip")
    made.offer("the model", name, key, start, unit="MB", icon=":material/deployed_code:")
