"""The model, to take away: made in the background as one .zip, then saved."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from labelling.errors import StepError
from labelling.formats.frames import file_name
from labelling.session import Session
from labelling.tasks.jobs import Job
from labelling.tasks.model import zip_model
from labelling.ui.frame import downloads, faults, page, progress
from labelling.ui.frame.resources import jobs, new_workbench
from labelling.workspace import Space
from labelling.workspace.models import model_space

REFRESH_SECONDS = 0.5
KEPT = 3  # files that are made and may still be saved; of some a file is a gigabyte
WORK = "model"


class Made:
    """A file in a folder of its own, which goes with it."""

    def __init__(self, name: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="corral-", ignore_cleanup_errors=True)
        self.path = Path(self.folder.name) / name


def offer(session: Session) -> None:
    """The button that makes the newest model that was kept a file, how far that is, and the button that saves it."""
    try:
        space = model_space(session.project)
    except StepError:
        return
    st.markdown("##### The model")
    st.caption(
        f"What {page.escape(space.name)} has learnt, as a folder that sentence-transformers or transformers loads "
        "without Corral. Its README says on what it was trained and what it is worth."
    )
    key = _key(session, space)
    job = jobs().get(*key)
    if job is not None and job.is_alive():
        st.fragment(faults.guarded(_show_progress), run_every=REFRESH_SECONDS)(job)
    elif job is not None and job.result is not None:
        made: Made = job.result
        downloads.button(
            f"Download the model ({made.path.stat().st_size / 1e6:,.0f} MB)",
            made.path.read_bytes,
            session.project.id,
            file_name=made.path.name,
            mime="application/zip",
            icon=":material/download:",
        )
    else:
        if job is not None and job.failure is not None:
            page.error(job.failure)
        if st.button("Make the model", icon=":material/deployed_code:"):
            jobs().forget(*key)
            jobs().forget_all_but(WORK, KEPT)
            _start(session, space, key)
            st.rerun()


def _key(session: Session, space: Space) -> tuple[Any, ...]:
    """By the labels' names, too, as they stand in the file."""
    return WORK, session.project.id, space.id, tuple(label.name for label in session.log.labels)


def _show_progress(job: Job) -> None:
    if not job.is_alive():
        st.rerun()
    progress.show_progress(job, "MB")


def _start(session: Session, space: Space, key: tuple[Any, ...]) -> None:
    bench, name = new_workbench(session.project), file_name(session.project.name, "model.zip")

    def work(job: Job) -> Made | None:
        made, project = Made(name), bench.project
        encoder = bench.encoder_for(project.spaces()[0].settings)

        def tell(done: int, total: int) -> None:
            job.progress(done // 1_000_000, max(total // 1_000_000, 1))

        return made if zip_model(project, encoder, made.path, space.id, tell, job.stop) else None

    jobs().start(*key, title="The model", work=work)
