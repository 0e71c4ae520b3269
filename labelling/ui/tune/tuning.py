"""The parts of the tune page."""

import html
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from labelling.database.engine import WorkspaceError
from labelling.learning.model import AT_LEAST
from labelling.learning.registry import TUNERS, titles
from labelling.readers.tables import count
from labelling.session import Session
from labelling.tasks.jobs import Job
from labelling.tasks.learnable import can_learn, learnable, what_is_needed
from labelling.tasks.maps import umap_possible
from labelling.tasks.tune import tune
from labelling.ui.frame import faults, page, progress, state
from labelling.ui.frame.resources import jobs, new_workbench
from labelling.ui.map import MAP_NAMES, answer_hovers, colours, send_positions, show_map
from labelling.ui.map.colours import Colouring
from labelling.ui.tune import evaluation
from labelling.workspace import CLASSIFIER, Space

REFRESH_SECONDS = 0.5
MAP_HEIGHT = "460px"
LEGEND = 24  # entries in sight; more open at a click
HARDLY_ANY = 0.02  # of the texts left without a label


# ---------------------------------------------------------------- settings


@dataclass
class Seen:
    """The spaces, by their number, whose making this tab has seen the end of: by a tuner, by a classifier."""

    tuned: int | None = None
    classified: int | None = None


def settings(session: Session) -> None:
    """The tuner and its settings in plain words, and the button that starts it."""
    counts = learnable(session.project, session.log)
    st.markdown("##### Bend the map towards your labels")
    if not can_learn(session.project, session.log):
        st.info(page.escape(what_is_needed(session.project, session.log)), icon=":material/lightbulb:")
        st.page_link(page.LABEL, label="Label some texts", icon=":material/arrow_back:")
        return
    n_known = int(np.count_nonzero(session.log.known & session.labels.with_text))
    st.caption(f"It learns {count(int(np.count_nonzero(counts)), 'label')} from {count(n_known, 'text')}.")
    kind = st.radio("Tuner", list(titles()), captions=[each.about for each in TUNERS.values()])
    keep = st.slider(
        "How much of the original map stays",
        0.0,
        1.0,
        0.65,
        0.05,
        help="0: only what tells your labels apart. 1: the map as it was. "
        "In between, groups without a label stay visible.",
    )
    with st.expander("More settings"):
        chosen = {
            "hidden_dim": st.select_slider("Size of the hidden layer", [10, 32, 64, 128, 256, 512], value=128),
            "steps": st.select_slider(
                "At most so many training steps",
                ["auto", 50, 100, 200, 400, 800, 1600],
                help="auto: 160, and with thousands of labels up to 800.",
            ),
            "random_state": int(st.number_input("Seed", 0, value=0, help="The same seed gives the same map.")),
        }
    n_left, n = int(np.count_nonzero(session.labels.unlabelled)), int(np.count_nonzero(session.labels.with_text))
    if n_left < HARDLY_ANY * n:
        st.caption(
            f"**{count(n_left, 'text')} left without a label:** a run has next to nothing to suggest. It shows how "
            "well your labels part; how right they are a check tells, on the page Label."
        )
    job = _job(session)
    if st.button(
        "Run the tuner",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=job is not None and job.is_alive(),
    ):
        jobs().forget("tune", session.project.id)
        _start(session, kind, {"keep": keep, **chosen})
        st.rerun()
    if not session.log.multi_label:
        st.caption("Suggestions for the texts without a label come with it.")


def _job(session: Session) -> Job | None:
    return jobs().get("tune", session.project.id)


def _start(session: Session, kind: str, chosen: dict[str, Any]) -> None:
    bench = new_workbench(session.project)

    def work(job: Job) -> Space:
        def callback(step: int, n_steps: int, loss: float, held_out_loss: float | None) -> bool:
            job.news.append((step, loss, held_out_loss))
            job.progress(step, n_steps)
            return not job.stop.is_set()

        return tune(bench.project, bench.log, titles()[kind], chosen, callback)

    jobs().start("tune", session.project.id, title="Tuning", work=work)


# ---------------------------------------------------------------- result


def result(session: Session) -> None:
    """The loss while a tuner runs; then the new map beside the old one."""
    job = _job(session)
    if job is not None:
        st.fragment(faults.guarded(_show_run), run_every=REFRESH_SECONDS if job.is_alive() else None)(session)
    if job is None or not job.is_alive():
        newest = [space for space in session.project.spaces() if space.ready and space.kind != CLASSIFIER][-1]
        if newest.state == "candidate":  # an older one, that was neither kept nor given up, is in the list of spaces
            compare(session, newest)
        elif job is None or job.error is not None:
            one_map(session, session.project.current)


def _show_run(session: Session) -> None:
    job = _job(session)
    if job is None:
        return
    if job.is_alive():
        progress.show_progress(job, "steps")
        st.caption("Stopping keeps the best state so far." if not job.stop.is_set() else "Stopping …")
    elif job.error is not None:
        page.error(job.failure)
    elif state.of_project(Seen).tuned != job.result.id:
        state.of_project(Seen).tuned = job.result.id
        st.rerun()
    with nullcontext() if job.is_alive() else st.expander("How the loss went"):
        loss_chart(job)
        if len(job.news) > 1:
            st.caption("In the last third it learns, too, from the unlabelled texts that it is surest of.")


def loss_chart(job: Job) -> None:
    """How the loss went, of (step, loss, held-out loss or None) in the job's news."""
    if len(job.news) < 2:
        return
    losses = pd.DataFrame(list(job.news), columns=["step", "loss on the labels", "loss on labels held out"])
    losses = losses.set_index("step").dropna(axis="columns", how="all")
    # With its axis and a legend below it: of less than this, little is left for the lines.
    st.line_chart(losses, height=300, color=list(colours.HUES[: losses.shape[1]]), x_label="step")


def compare(session: Session, new: Space) -> None:
    """What the new space is worth, the choice, keep it or go back, and the maps before and after."""
    old = session.project.current if session.project.current.id != new.id else session.project.spaces()[0]
    if new.kind == CLASSIFIER:
        verdict = evaluation.UNKNOWN
        st.caption("How right it is on texts that it has not seen is not measured: read a sample of what it suggests.")
    else:
        verdict = evaluation.say(session, new)
    projection = _choose(session, old, new, verdict)
    missing = [space for space in (new, old) if space.map(projection) is None]
    before, after = st.columns(2)
    for column, space, said in ((before, old, "Before"), (after, new, "After")):
        with column:
            st.markdown(f"**{said}:** {page.escape(space.name)}")
            colouring = draw(session, space, "PCA" if missing else projection, f"map-{said.lower()}")
    if colouring is not None:
        legend(colouring)
    if missing:  # below the maps, which stay where they are when it is there
        st.caption(
            f"{MAP_NAMES[projection]} of {page.escape(missing[0].name)} is still to be made: {MAP_NAMES['PCA']} "
            "meanwhile."
        )
        if (job := progress.umap(session, new)) is not None:
            st.fragment(faults.guarded(_show_umap), run_every=REFRESH_SECONDS if job.is_alive() else None)(session, new)
    if new.kind != CLASSIFIER:
        _say_suggestions(session, new)
        evaluation.show(session, new)
    st.caption("The original embedding is never changed: you can go back to it, or to any space that you keep.")


def _choose(session: Session, old: Space, new: Space, verdict: str) -> str:
    """The buttons that keep the new space or give it up, what the figures advise first; and the projection chosen."""
    first, second, named, pick = st.columns([4, 4, 5, 6], vertical_alignment="bottom")
    keep, back = (second, first) if verdict == "worse" else (first, second)
    chosen = named.text_input("Name of the new space", value=new.name, max_chars=60)
    measuring = verdict == evaluation.MEASURING
    if keep.button(
        "Keep it",
        type="primary" if verdict == "better" else "secondary",
        icon=":material/check:",
        width="stretch",
        disabled=measuring,
        help="Once it is measured; or stop that" if measuring else None,
    ):
        settle(session, new, chosen.strip() or new.name)
    if back.button(
        "Go back",
        type="primary" if verdict == "worse" else "secondary",
        icon=":material/undo:",
        width="stretch",
        help="Gives the new map up; labels stay",
    ):
        settle(session, new, None)
    return pick.segmented_control(
        "Projection",
        ["PCA", "UMAP"] if umap_possible(session.project) else ["PCA"],
        default=_labelled_on(session, old),
        key="compare",
        format_func=MAP_NAMES.__getitem__,
        required=True,
    )


def _labelled_on(session: Session, space: Space) -> str:
    """The projection that one labels on in this space: on the label page the UMAP is shown as soon as it is there."""
    view = session.map.view
    chosen = "UMAP" if view is None else view.projection
    return chosen if chosen in ("PCA", "UMAP") and space.map(chosen) is not None else "PCA"


def _say_suggestions(session: Session, new: Space) -> None:
    if new.suggestions is None:
        return
    n = session.suggested.n(AT_LEAST, new)
    if not n:
        st.caption(f"Of no text without a label is it {AT_LEAST:.0%} sure yet: what it suggests is for reading.")
        return
    st.caption(
        f":material/lightbulb: Suggestions come with it: a label for {count(n, 'text')} without one, at least "
        f"{AT_LEAST:.0%} sure. Once it is kept they stand on the label page."
    )


def _show_umap(session: Session, space: Space) -> None:
    job = jobs().get("umap", session.project.id, space.id)
    if job is not None and job.is_alive():
        progress.show_progress(job, "rounds")
    elif job is not None and job.error is not None:
        page.error(job.failure)
    else:
        st.rerun()


def settle(session: Session, space: Space, name: str | None) -> None:
    """Keep the candidate under `name` and show it on the label page; without a name, give it up."""
    jobs().forget("classify" if space.kind == CLASSIFIER else "tune", session.project.id)
    try:
        if name is None:
            for work in ("umap", "evaluate"):
                if job := jobs().get(work, session.project.id, space.id):
                    job.stop.set()
            session.project.discard_space(space.id)
            page.say_later("Back to the map as it was.")
            st.rerun()
        session.project.keep_space(space.id, name)
        session.project.show_space(space.id)
        session.search.found = None  # whose colours would hide how the labels have parted
    except WorkspaceError as error:
        page.error(error)
        return
    page.say_later(f"{page.escape(name)} is kept, and is the map you label on now.")
    st.switch_page(page.LABEL, query_params={"project": session.project.id})


def one_map(session: Session, space: Space, coming: str = "Run a tuner: its loss, and then") -> None:
    projection = _labelled_on(session, space)
    st.markdown(f"**Now:** {page.escape(space.name)}, {MAP_NAMES[projection].lower()}")
    if (colouring := draw(session, space, projection, "map-now")) is not None:
        legend(colouring)
    st.caption(f"{coming} the new map beside this one, appear here.")


def draw(
    session: Session,
    space: Space,
    projection: str,
    key: str,
    colouring: Colouring | None = None,
    height: str = MAP_HEIGHT,
) -> Colouring | None:
    """A map for looking at, where it has been made; coloured by label unless told otherwise. `legend` goes below it."""
    xy = space.map(projection)
    if xy is None:
        return None
    colouring = colouring or colours.by_label(session.log, session.labels.focus)
    colouring = colouring.counted(~np.isnan(np.asarray(xy[:, 0])))
    map_id = session.map.name_of(space, projection)
    send_positions(key, map_id, xy)
    show_map(key, map_id, replace(colouring, legend=[]), labels_seq=session.log.seq, height=height)
    answer_hovers(key, session.project.dataset, colouring, session.log.name_of)
    return colouring


def legend(colouring: Colouring) -> None:
    """What each colour and shape means, once for the maps above it; all can be read, however many labels there are."""
    *entries, rest = [_entry(colouring, entry) for entry in colouring.legend]  # the last, what has none, stays in sight
    shown = "".join([*entries[:LEGEND], rest])
    if more := entries[LEGEND:]:
        shown += f"<details><summary>and {len(more):,} more</summary>{''.join(more)}</details>"
    st.html(f'<div class="corral-whole-legend">{shown}</div>')
    st.caption("Drag to move a map. The wheel scrolls the page; with Ctrl, or after a click on a map, it zooms.")


def _entry(colouring: Colouring, entry: dict[str, Any]) -> str:
    return (
        f'<span class="corral-legend-entry">{colours.swatch(colouring.palette[entry["code"]])}'
        f'<span class="corral-legend-name">{html.escape(entry["name"])}</span>'
        f'<span class="corral-legend-count">{entry["count"]:,}</span></span>'
    )
