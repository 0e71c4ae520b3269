"""The background work of a project: started when it is needed, shown while it runs."""

import streamlit as st

from labelling.session import Session
from labelling.tasks.embed import can_be_made, embed
from labelling.tasks.jobs import Job
from labelling.tasks.maps import make_umap, umap_possible
from labelling.ui.frame.resources import jobs, new_workbench, umap_process
from labelling.workspace import Space


def embedding(session: Session) -> Job | None:
    """The job that embeds the project's texts, started where there is none; None where all is embedded."""
    project = session.project
    if not any(can_be_made(space) for space in project.spaces() if space.state == "kept"):
        return None
    job = jobs().get("embed", project.id)
    return job or start_embedding(session)


def start_embedding(session: Session) -> Job:
    bench = new_workbench(session.project)

    def work(job: Job) -> bool:
        def on_batch(so_far, n_done: int, n_total: int) -> None:  # type: ignore[no-untyped-def]
            job.news = [so_far]
            job.progress(n_done, n_total)

        done = embed(bench, on_batch, job.stop)
        if done:
            job.news = []  # a gigabyte and a half at a million texts: they are in the space now
        return done

    return jobs().start("embed", session.project.id, title="Embedding texts", work=work)


def umap(session: Session, space: Space) -> Job | None:
    """The job that makes this space's UMAP, started where there is none; None where it exists or can't be made."""
    made = space.has_map("UMAP") and not space.has_lost_its_graph
    if not space.ready or made or not umap_possible(session.project):
        return None
    job = jobs().get("umap", session.project.id, space.id)
    return job or start_umap(session, space)


def start_umap(session: Session, space: Space) -> Job:
    bench = new_workbench(session.project)

    def work(job: Job) -> bool:
        return make_umap(bench.project, space, umap_process(), job.begin, job.progress, job.stop)

    return jobs().start("umap", session.project.id, space.id, title="Clear map", work=work)


def show_progress(job: Job, unit: str) -> None:
    """A bar with how far the job is, how fast, and what is left; a button that stops it."""
    bar, button = st.columns([6, 1], vertical_alignment="center")
    if not job.total:
        bar.progress(0.0, f"{job.title}: {job.doing} …")
    else:
        parts = [f"{job.title}: {job.done:,} of {job.total:,} {unit}"]
        if job.rate and job.seconds_left is not None:
            parts += [f"{job.rate:,.0f} a second", f"{_duration(job.seconds_left)} left"]
        bar.progress(job.done / job.total, " · ".join(parts))
    if button.button("Stop", key=f"stop-{job.title}", icon=":material/stop_circle:", width="stretch"):
        job.stop.set()


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
