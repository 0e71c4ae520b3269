"""The label page: the map on the left, the selection and the labels on the right."""

import html
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from labelling.readers.tables import count
from labelling.session import MapView, Session
from labelling.tasks.embed import can_be_made
from labelling.tasks.jobs import Job
from labelling.tasks.maps import map_part, umap_possible
from labelling.ui.frame import faults, keys, news, page, progress, state
from labelling.ui.frame.resources import jobs, workspace
from labelling.ui.frame.steps import step, tell
from labelling.ui.label import (
    answering,
    checking,
    controls,
    give_labels,
    panel,
    proposing,
    reading,
    reviewing,
    suggesting,
    texts,
)
from labelling.ui.label.aim import WORDS_AT_ONCE
from labelling.ui.label.reading import Reading
from labelling.ui.map import LABEL_MAP as MAP
from labelling.ui.map import (
    MAP_NAMES,
    Drawn,
    Handlers,
    answer_hovers,
    send_positions,
    send_regions,
    send_selection,
    show_map,
)
from labelling.workspace import Space
from labelling.workspace.spaces import OWN_MAP

# One screen: the map and the panel are as high as the window leaves them, and only the list of texts scrolls.
MAP_HEIGHT = "max(260px, calc(100vh - 217px))"
STYLE = f"<style>{Path(__file__).with_name('label.css').read_text(encoding='utf-8')}</style>"
REFRESH_SECONDS = 0.7
# Times what it took to draw it: so long it rests before it is drawn for what others do, or the server chokes.
REST = 10
MAX_TOLD = 3  # of others' actions, in a toast each
HEAD_START_SECONDS = 0.04
GROWTH_WORTH_SHOWING = 1.6  # the map of a running embedding is drawn anew when it has grown by this factor


@dataclass
class Shown:
    """What the tab shows: which projection, whether the person chose it, the map whose words it has, the selection; and
    whether it was said how many texts are cut for the map."""

    projection: str | None = None
    chosen: bool = False
    words_of: str | None = None
    selected: np.ndarray | None = None
    said_truncated: bool = False


# ---------------------------------------------------------------- what runs in the background


def work(session: Session) -> Job | None:
    """What is to be made, or being made: the embeddings, then the UMAP of the space that is shown.

    Asked before the map is chosen: what is ready only after that is then shown by `status`, which runs the page again.
    """
    return progress.embedding(session) or progress.umap(session, session.project.current)


def status(session: Session, job: Job | None) -> None:
    """How far `work` is."""
    session.log.refresh()
    if aside := workspace().cache_of(session.project.owner).set_aside:
        st.caption(
            ":material/healing: The file with the embeddings was damaged. It was set aside "
            f"({page.escape(aside.name)}), and texts are embedded anew where a project needs it. No label was in it."
        )
    space = session.project.current
    if not space.ready and job is None and not can_be_made(space):
        page.error(
            f"The embeddings of {space.name!r} are damaged, and what made them is not there any more: choose another "
            "space. No label was in them."
        )
    if job is None:
        _truncation_note(session)
        return
    st.fragment(faults.guarded(_show_status), run_every=REFRESH_SECONDS if job.is_alive() else None)(session, job)


def _show_status(session: Session, job: Job) -> None:
    embedding = job.key[0] == "embed"
    if jobs().get(*job.key) is not job:  # another tab has seen its end
        st.rerun()
    elif job.is_alive():
        progress.show_progress(job, "texts" if embedding else "rounds")
        if embedding and _worth_showing(session, job.news):
            st.rerun()
    elif job.error is not None:
        page.error(job.failure)
        if st.button("Try again", icon=":material/refresh:"):
            jobs().forget(*job.key)
            st.rerun()
    elif job.result:
        jobs().forget(*job.key)
        page.say_later("All texts are embedded." if embedding else "The clear map is ready.")
        st.rerun()
    else:
        note, button = st.columns([6, 1], vertical_alignment="center")
        note.info(f"{job.title}: stopped at {job.done:,} of {job.total:,}. What is done is kept.")
        if button.button("Go on", icon=":material/play_arrow:", width="stretch"):
            jobs().forget(*job.key)
            st.rerun()


def _worth_showing(session: Session, news: list[np.ndarray]) -> bool:
    if not news or len(session.selection):  # a map that moves under a selection would only irritate
        return False
    n_now = int(np.count_nonzero(~np.isnan(news[-1][:, 0])))
    n_shown = session.map.view.n_points if session.map.view else 0
    return n_now >= 3 and n_now > GROWTH_WORTH_SHOWING * n_shown


def _truncation_note(session: Session) -> None:
    """Once: below the map there is no room for what stays true."""
    settings, shown = session.project.spaces()[0].settings, state.of_project(Shown)
    if (n := settings.get("n_truncated")) and not shown.said_truncated:
        shown.said_truncated = True
        st.toast(
            f"{count(n, 'text')} {'is' if n == 1 else 'are'} longer than the encoder's {settings['max_tokens']} word "
            "pieces: the place on the map comes from the beginning. The texts themselves are kept whole.",
            duration="long",
        )


# ---------------------------------------------------------------- which map


def choose_map(session: Session) -> None:
    """The space and the projection; sends the positions. Outside of the fragment: a lasso has nothing to do with it."""
    space = session.project.current
    names = {kept.id: kept.name for kept in session.project.spaces() if kept.ready or kept.id == space.id}
    if len(names) > 1:
        space_id = st.selectbox(
            "Space",
            list(names),
            index=list(names).index(space.id),
            format_func=names.__getitem__,
            label_visibility="collapsed",
            width=190,
        )
        if space_id != space.id:
            session.project.show_space(space_id)
            st.rerun()
    has_umap = space.map("UMAP") is not None
    offered = ["PCA", *["UMAP"] * umap_possible(session.project), *[OWN_MAP] * _has_own_map(space)]
    shown, key = state.of_project(Shown), state.widget_key("projection")
    _follow_umap(session, shown, key, has_umap)
    if st.session_state[key] not in offered:  # texts were added, which are still being embedded
        st.session_state[key] = "PCA"
    chosen = st.segmented_control(
        "Projection",
        offered,
        key=key,
        format_func=MAP_NAMES.__getitem__,
        help="Quick: PCA, there at once. Clear: UMAP, which parts groups much better, and takes a while to make."
        + " Own: the two columns that you chose." * (OWN_MAP in offered),
        required=True,
        label_visibility="collapsed",
        on_change=step(lambda: setattr(shown, "chosen", True)),
    )
    shown.projection = chosen
    if chosen == "UMAP" and not has_umap:
        st.caption("The clear map is still being made.")
    if session.search.can_tell_what_moved:
        st.button(
            "What moved",
            icon=":material/moving:",
            on_click=step(lambda: controls.look_anew(session, session.search.moved_most)),
            help="The texts whose nearest neighbours changed most from the original space to this one",
            type="tertiary",
        )
    view = _view(session, space, "PCA" if not chosen or (chosen == "UMAP" and not has_umap) else chosen)
    if view is not None:
        send_positions(MAP, view.id, view.xy)


def _has_own_map(space: Space) -> bool:
    return space.ready and space.has_map(OWN_MAP)


def _follow_umap(session: Session, shown: Shown, key: str, has_umap: bool) -> None:
    """Show the UMAP as soon as there is one, unless the person chose, or has begun to work on the PCA."""
    # Labels that came with the file are nobody's work on this map.
    at_work = len(session.selection) > 0 or any(action.kind != "import" for action in session.log.actions)
    if key not in st.session_state and shown.projection is not None:  # the page was left: its widgets forget
        st.session_state[key] = shown.projection
    elif key not in st.session_state or (has_umap and not at_work and not shown.chosen):
        st.session_state[key] = "UMAP" if has_umap else "PCA"


def _view(session: Session, space: Space, projection: str) -> MapView | None:
    if space.map(projection) is not None:
        return session.map.look(space, projection)
    job = jobs().get("embed", session.project.id)
    if job and (news := job.news) and (_worth_showing(session, news) or not job.is_alive()):
        return session.map.look_at_part(map_part(session.project, news[-1]))
    return session.map.view


# ---------------------------------------------------------------- what others do


def _has_news(session: Session, shown: Shown, counted: reviewing.Counted, resting: float) -> bool:
    """Whether the page has more to show than it does. Not asked of the labels before `resting`, by time.monotonic()."""
    project, looks = session.project, session.map
    if not project.is_open or project.has_grown:
        return True
    if looks.view is not None and looks.has_regions and shown.words_of != looks.view.id:
        return True
    return reviewing.has_counted(counted) or (time.monotonic() >= resting and session.log.is_behind)


def _take_in(session: Session) -> None:
    """What others did on this project: the map and the counts follow, the selection and the zoom stay."""
    seen = session.log.seq
    if not session.log.refresh():
        return
    others = [action for action in session.log.actions[seen:] if action.who != session.log.who]
    for action in others[-MAX_TOLD:]:
        st.toast(f"{page.escape(action.who) or 'Somebody'}: {page.escape(give_labels.describe(session.log, action))}")


# ---------------------------------------------------------------- the page


@st.fragment
@faults.guarded
def show(session: Session) -> None:
    """The map and the panel. A lasso, a label or what others do runs only this part of the page again."""
    begun = time.monotonic()
    _show(session)
    now = time.monotonic()
    rested, counted = now + REST * (now - begun), state.of_project(reviewing.Counted)
    news.wait_for(partial(_has_news, session, state.of_project(Shown), counted, rested))


def _show(session: Session) -> None:
    if session.project.has_grown:
        st.rerun(scope="app")  # which opens it anew
    _take_in(session)
    left, right = st.columns([13, 7], gap="small")
    with right:
        # Each part has a place of its own, which what stands above it does not move; the texts have all that is left.
        beside = st.container(gap="xsmall", key="corral-panel")
    if session.map.view is None:
        with beside:
            panel.begin(session)
        left.info("The first points appear in a moment.", icon=":material/hourglass_top:")
        return
    proposing.prepare(session)
    with left:
        shown = controls.controls(session)
        stage = st.container(key="corral-stage")
    if n_hidden := session.show_only(shown.rows):
        tell("just hidden", n_hidden)
    send_selection(MAP, session.project.n_rows, session.selection.rows)
    with beside:
        beside_bar = panel.begin(session)  # the answer to a lasso, before all else
    tab, rows = state.of_project(Shown), session.selection.rows
    if tab.selected is not None and tab.selected is not rows:
        # What was sent so far is the answer to a lasso. Were the rest sent at once, the browser would lay it all out,
        # for a tenth of a second, before it showed any of it: so this run waits until the first part is on the screen.
        # After a label there is no such part: its answer is the map's colours.
        time.sleep(HEAD_START_SECONDS)
    tab.selected = rows
    with left:
        with stage:
            show_map(
                MAP,
                session.map.id,
                shown.colouring,
                labels_seq=session.log.seq,
                visible=session.map.visible,
                hidden_groups=shown.hidden,
                labels=None if session.log.multi_label else session.log.codes,
                chips=shown.chips,
                outlined=session.selection.is_drawn,
                pinned=reading.pinned(session),
                spoken=page.in_words(session),
                height=MAP_HEIGHT,
                handlers=Handlers(
                    drawn=lambda drawn: _select(session, drawn),
                    legend=lambda group, what: controls.on_legend(session, group, what),
                    chip=lambda label_id, what: controls.on_chip(session, label_id, what),
                    picked=lambda row: _pin(session, row),
                    region=lambda place, how: _select_region(session, place, how),
                    texts=lambda press: texts.pressed(session, press),
                    word=lambda word: controls.look_for_word(session, word),
                    answer=lambda asked, press: answering.answer(session, asked, press),
                ),
            )
            panel.steps(session)
            with st.container(key="corral-accept"):
                suggesting.accept(session)
            answer_hovers(MAP, session.project.dataset, shown.colouring, lambda row: suggesting.name_of(session, row))
        _below(session, shown)
    with beside:
        panel.show(session, shown, beside_bar)
    _send_words(session)  # last, as they take the longest


def _send_words(session: Session) -> None:
    """The words on the map; of many texts they are made beside the page, and sent once they are there."""
    view = session.map.view
    if view is None or view.space is None:
        return
    if session.project.n_rows > WORDS_AT_ONCE and not session.map.has_regions:
        jobs().start(
            "words", session.project.id, view.id, title="Words on the map", work=lambda _: session.map.regions()
        )
        return
    send_regions(MAP, view.id, session.map.regions())
    state.of_project(Shown).words_of = view.id


def _select(session: Session, drawn: Drawn) -> None:
    state.of_project(Reading).page = 0
    session.selection.draw(drawn.map_id, drawn.kind, drawn.points, drawn.how)


def _select_region(session: Session, place: int, how: str) -> None:
    found = session.map.regions()
    if place < len(found):
        state.of_project(Reading).page = 0
        session.selection.select(found[place].rows, "region", how, name=found[place].name)


def _pin(session: Session, row: int | None) -> None:
    if row is None or 0 <= row < session.project.n_rows:
        state.of_project(Reading).pin(row, session)


def _offers(session: Session) -> None:
    """Beside undo and redo."""
    proposing.button(session)
    checking.offer(session)
    reviewing.offer(session)


def _below(session: Session, shown: controls.Shown) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-below"):
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key="corral-undo", width="content"
        ):
            give_labels.undo_and_redo(session, _offers)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-chips"):
            # Each has its place in the row, whatever the others say: a chip that moves is shown twice for a while.
            if session.map.visible is None:
                with st.container(key="corral-hint", width="content"):
                    st.caption("Drag a lasso round points; shift adds, alt takes away.", width="content")
            else:
                n_shown, n_placed = (
                    int(np.count_nonzero(session.map.visible)),
                    session.map.view.n_points if session.map.view else 0,
                )
                st.caption(f"**{n_shown:,} of {n_placed:,}** are shown.", width="content")
            controls.chips(session, shown)
            controls.found(session)
        with st.popover("Keys", type="tertiary", icon=":material/keyboard:", key="keys"):
            lines = "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(what)}</dd>" for key, what in keys.TABLE)
            st.html(f'<dl class="corral-keys">{lines}</dl>')
