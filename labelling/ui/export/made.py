"""Files that take a while: made in the background, with how far that is, then saved."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from labelling.tasks.jobs import Job
from labelling.ui.frame import downloads, faults, page, progress
from labelling.ui.frame.resources import jobs

REFRESH_SECONDS = 0.5
KEPT = 3  # files of each kind that are made and may still be saved; of some a file is a gigabyte

Work = Callable[[Path, Job], bool]


class Made:
    """A file in a folder of its own, which goes with it."""

    def __init__(self, name: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="corral-", ignore_cleanup_errors=True)
        self.path = Path(self.folder.name) / name


def offer(what: str, name: str, key: tuple[Any, ...], start: Callable[[], Work], *, unit: str, icon: str) -> None:
    """The button that makes a file of this `name`, how far that is, and then the button that saves it.

    `what` it is, in words, such as "the model". By its `key`, whose first is its kind and the second the project, it is
    known again. `start` gives the work, which writes the file and says whether it was not stopped.
    """
    job = jobs().get(*key)
    if job is not None and job.is_alive():
        st.fragment(faults.guarded(_show_progress), run_every=REFRESH_SECONDS)(job, unit)
    elif job is not None and job.result is not None:
        made: Made = job.result
        downloads.button(
            f"Download {what} ({_size(made.path)})",
            made.path.read_bytes,
            key[1],
            file_name=made.path.name,
            mime="application/zip",
            icon=":material/download:",
        )
    else:
        if job is not None and job.failure is not None:
            page.error(job.failure)
        if st.button(f"Make {what}", icon=icon):
            jobs().forget(*key)
            jobs().forget_all_but(key[0], KEPT)
            write = start()

            def work(job: Job) -> Made | None:
                made = Made(name)
                return made if write(made.path, job) else None

            jobs().start(*key, title=what.capitalize(), work=work)
            st.rerun()


def _size(path: Path) -> str:
    n_bytes = path.stat().st_size
    return f"{n_bytes / 1e6:,.0f} MB" if n_bytes >= 1e6 else f"{max(n_bytes // 1000, 1):,} KB"


def _show_progress(job: Job, unit: str) -> None:
    if not job.is_alive():
        st.rerun()
    progress.show_progress(job, unit)
