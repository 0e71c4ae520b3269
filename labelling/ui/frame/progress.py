"""The background work of a project: started when it is needed, shown while it runs."""

import numpy as np
import streamlit as st

from labelling.session import MIN_ROWS_FOR_UMAP, Session
from labelling.tasks.jobs import Job
from labelling.ui.frame.resources import jobs, new_session, umap_process
from labelling.workspace import Space


def embedding(session: Session) -> Job | None:
    """The job that embeds the project's texts, started where there is none; None where all is embedded."""
    project = session.project
    if not any(session.can_be_made(space) for space in project.spaces() if space.state == "kept"):
        return None
    job = jobs().get("embed", project.id)
    return job or start_embedding(session)


def start_embedding(session: Session) -> Job:
    worker = new_session(session.project)  # the tab's own session may end before the work does

    def work(job: Job) -> bool:
        def on_batch(so_far, n_done: int, n_total: int) -> None:  # type: ignore[no-untyped-def]
            job.news = [so_far]
            job.progress(n_done, n_total)

        return worker.embed(on_batch, job.stop)

    return jobs().start("embed", session.project.id, title="Embedding texts", work=work)


def umap_possible(session: Session) -> bool:
    """Whether there are enough texts for a UMAP."""
    pca = session.project.spaces()[0].map("PCA")
    if pca is not None:  # no need to look at each of a million texts
        return bool(np.count_nonzero(~np.isnan(pca[:, 0])) >= MIN_ROWS_FOR_UMAP)
    return bool(np.count_nonzero(~session.project.dataset.empty) >= MIN_ROWS_FOR_UMAP)


def umap(session: Session, space: Space) -> Job | None:
    """The job that makes this space's UMAP, started where there is none; None where it exists or can't be made."""
    made = space.has_map("UMAP") and not space.has_lost_its_graph
    if not space.ready or made or not umap_possible(session):
        return None
    job = jobs().get("umap", session.project.id, space.id)
    return job or start_umap(session, space)


def start_umap(session: Session, space: Space) -> Job:
    worker = new_session(session.project)

    def work(job: Job) -> bool:
        return worker.make_umap(space, umap_process(), job.begin, job.progress, job.stop)

    return jobs().start("umap", session.project.id, space.id, title="UMAP map", work=work)


def show_progress(job: Job, unit: str) -> None:
    """A bar with how far the job is, how fast, and what is left; a button that stops it."""
    bar, button = st.columns([6, 1], vertical_alignment="center")
    if not job.total:
        bar.progress(0.0, f"{job.title}: getting ready …")
    else:
        parts = [f"{job.title}: {job.done:,} of {job.total:,} {unit}"]
        if job.rate and job.seconds_left is not None:
            parts += [f"{job.rate:,.0f} a second", f"{_duration(job.seconds_left)} left"]
        bar.progress(job.done / job.total, " · ".join(parts))
    if button.button("Stop", key=f"stop-{job.title}", icon=":material/stop_circle:", width="stretch"):
        job.stop.set()


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
