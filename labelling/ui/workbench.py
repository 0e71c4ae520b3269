"""The label page: the map on the left, the selection and the labels on the right."""

import html
from collections.abc import Callable

import numpy as np
import streamlit as st

from labelling.database import WorkspaceError
from labelling.dataset import Dataset
from labelling.labels import LabelError, LabelLog
from labelling.session import MapView, Session, SessionError
from labelling.ui import colours, page, running
from labelling.ui.colours import Colouring
from labelling.ui.map import Drawn, answer_hovers, show_map
from labelling.ui.resources import jobs
from labelling.workspace import Space

MAP = "map"
N_KEYS = 9  # the labels that have a key of their own: 1 to 9
PAGE_ROWS = 8
REFRESH_SECONDS = 0.7
GROWTH_WORTH_SHOWING = 1.6  # the map of a running embedding is drawn anew when it has grown by this factor
BY_LABEL = "label"


# ---------------------------------------------------------------- what runs in the background


def status(session: Session) -> None:
    """What is running: the embedding, then the UMAP of the space that is shown."""
    session.log.refresh()
    embedding = running.embedding(session)
    job = embedding or running.umap(session, session.project.current)
    if job is None:
        _truncation_note(session)
        return
    st.fragment(_show_status, run_every=REFRESH_SECONDS if job.is_alive() else None)(session, embedding is not None)


def _show_status(session: Session, embedding: bool) -> None:
    space = session.project.current
    key = ("embed", session.project.id) if embedding else ("umap", session.project.id, space.id)
    job = jobs().get(*key)
    if job is None:
        st.rerun()
    elif job.is_alive():
        running.show_progress(job, "texts" if embedding else "rounds")
        if embedding and _worth_showing(session, job.news):
            st.rerun()
    elif job.error is not None:
        page.error(f"{job.title} failed: {job.error}")
        if st.button("Try again", icon=":material/refresh:"):
            jobs().forget(*key)
            st.rerun()
    elif job.result:
        jobs().forget(*key)
        page.say_later("All texts are embedded." if embedding else "The UMAP map is ready.")
        st.rerun()
    else:
        note, button = st.columns([6, 1], vertical_alignment="center")
        note.info(f"{job.title}: stopped at {job.done:,} of {job.total:,}. What is done is kept.")
        if button.button("Go on", icon=":material/play_arrow:", width="stretch"):
            jobs().forget(*key)
            st.rerun()


def _worth_showing(session: Session, news: list[np.ndarray]) -> bool:
    if not news or len(session.selection):  # a map that moves under a selection would only irritate
        return False
    n_now = int(np.count_nonzero(~np.isnan(news[-1][:, 0])))
    n_shown = session.view.n_points if session.view else 0
    return n_now >= 3 and n_now > GROWTH_WORTH_SHOWING * n_shown


def _truncation_note(session: Session) -> None:
    settings = session.project.spaces()[0].settings
    if n := settings.get("n_truncated"):
        st.caption(
            f"{n:,} texts are longer than the encoder's {settings['max_tokens']} word pieces: their place on the map "
            "comes from their beginning. The texts themselves are kept whole."
        )


# ---------------------------------------------------------------- the page


@st.fragment
def show(session: Session) -> None:
    """The map and the panel. A lasso or a label runs only this part of the page again."""
    session.log.refresh()
    left, right = st.columns([7, 3], gap="medium")
    with left:
        view, colouring = _controls(session)
        if view is None:
            st.info("The first points appear in a moment.", icon=":material/hourglass_top:")
            return
        show_map(
            MAP,
            view.id,
            view.xy,
            colouring,
            labels_seq=session.log.seq,
            selection=session.selection,
            height=620,
            on_drawn=lambda drawn: _select(session, drawn),
        )
        st.caption(
            "Drag a lasso round points; shift adds to the selection, alt takes away. Wheel zooms, the toolbar pans, "
            "draws boxes and goes home."
        )
        answer_hovers(MAP, session.project.dataset.texts, colouring, session.log.names())
    with right:
        page.labelled(session)
        _panel(session)


def _controls(session: Session) -> tuple[MapView | None, Colouring]:
    space = session.project.current
    names = {kept.id: kept.name for kept in session.project.spaces() if kept.ready or kept.id == space.id}
    choose_space, choose_projection, choose_colour = st.columns([3, 2, 3], vertical_alignment="bottom")
    if len(names) > 1:
        space_id = choose_space.selectbox(
            "Space", list(names), index=list(names).index(space.id), format_func=names.__getitem__
        )
        if space_id != space.id:
            session.project.show_space(space_id)
            st.rerun(scope="app")
    else:
        choose_space.markdown(f"Space: **{page.escape(space.name)}**")
    has_umap = space.ready and space.map("UMAP") is not None
    _follow_umap(session, has_umap)
    chosen = choose_projection.segmented_control(
        "Projection",
        ["PCA", "UMAP"] if running.umap_possible(session) else ["PCA"],
        key="projection",
        required=True,
        on_change=lambda: st.session_state.update({"projection chosen": True}),
    )
    by = choose_colour.selectbox("Colour by", [BY_LABEL, *_columns(session.project.id, session.project.dataset)])
    if chosen == "UMAP" and not has_umap:
        choose_projection.caption("UMAP is still being made: PCA meanwhile.")
    projection = "UMAP" if chosen == "UMAP" and has_umap else "PCA"
    return _view(session, space, projection), _colouring(session, by)


def _follow_umap(session: Session, has_umap: bool) -> None:
    """Show the UMAP as soon as there is one, unless the person chose, or has begun to work on the PCA."""
    state = st.session_state
    at_work = len(session.selection) > 0 or session.log.n_labelled > 0
    if "projection" not in state or (has_umap and not at_work and not state.get("projection chosen")):
        state["projection"] = "UMAP" if has_umap else "PCA"


@st.cache_data(show_spinner=False)
def _columns(project_id: str, _dataset: Dataset) -> list[str]:
    """The columns worth colouring by: a dataset never changes, so its project's id is key enough."""
    return colours.columns_worth_colouring(_dataset.metadata_columns, _dataset.frame)


def _view(session: Session, space: Space, projection: str) -> MapView | None:
    if space.ready:
        return session.look(space, projection)
    job = jobs().get("embed", session.project.id)
    if job and job.news and (_worth_showing(session, job.news) or not job.is_alive()):
        return session.look_at_part(job.news[-1])
    return session.view


def _colouring(session: Session, by: str) -> Colouring:
    if by == BY_LABEL:
        return colours.by_label(session.log)
    return colours.by_column(by, session.project.dataset.frame[by])


def _select(session: Session, drawn: Drawn) -> None:
    st.session_state["sample page"] = 0
    _try(lambda: session.select(drawn.map_id, drawn.kind, drawn.points, drawn.how))


def _try(step: Callable[[], object]) -> None:
    """Take a step in a callback; what can't be done is said on the page that follows."""
    try:
        step()
    except (SessionError, LabelError, WorkspaceError, ValueError) as error:
        st.session_state["step error"] = str(error)


# ---------------------------------------------------------------- the panel


def _panel(session: Session) -> None:
    if message := st.session_state.pop("step error", None):
        page.error(message)
    if done := st.session_state.pop("step done", None):
        st.toast(done, icon=":material/check:")
    _selection(session)
    _labels(session)
    _history(session)
    _sample(session)


def _selection(session: Session) -> None:
    n = len(session.selection)
    if not n:
        st.markdown("##### Nothing selected")
        st.caption("Draw a lasso round some points to read and label them.")
        return
    count, unlabel, deselect = st.columns(3, vertical_alignment="center")
    count.markdown(f"##### {n:,} selected")
    unlabel.button(
        "Unlabel",
        shortcut="0",
        on_click=lambda: _try(session.clear),
        disabled=not session.log.counts(session.selection).sum(),
        help="Takes the labels off the selected points",
        width="stretch",
        type="tertiary",
    )
    deselect.button(
        "Deselect", on_click=_deselect, args=(session,), shortcut="Escape", width="stretch", type="tertiary"
    )
    st.html(_breakdown(session.log, session.selection))


def _deselect(session: Session) -> None:
    session.select("", "none", [])


def _breakdown(log: LabelLog, rows: np.ndarray) -> str:
    """A bar with the shares of the labels among the rows, and the same in words."""
    counts = log.counts(rows)
    parts = [(int(len(rows) - counts.sum()), "unlabelled", "#8888")]
    parts += [(int(counts[i]), log.labels[i].name, str(colours.mark(i)["colour"])) for i in np.argsort(-counts)]
    parts = [part for part in parts if part[0]]
    bar = "".join(f'<span style="width:{100 * n / len(rows):.2f}%;background:{hue}"></span>' for n, _, hue in parts)
    words = " · ".join(f"{n:,} {html.escape(name)}" for n, name, _ in parts)
    return f'<div class="corral-bar">{bar}</div><small>{words}</small>'


def _labels(session: Session) -> None:
    log, n = session.log, len(session.selection)
    overwrite = st.segmented_control(
        "Points that already have another label",
        ["Leave as they are", "Change too"],
        default="Leave as they are",
        key="overwrite",
        required=True,
        disabled=not n,
    )
    options = {"overwrite": overwrite == "Change too"}
    with st.form("new label", border=False):
        name, button = st.columns([3, 2], vertical_alignment="bottom")
        name.text_input("New label", key="new label name", placeholder="type a name")
        button.form_submit_button(
            f"Label {n:,}" if n else "Label",
            on_click=lambda: _assign(session, st.session_state["new label name"], **options),
            type="primary",
            width="stretch",
        )
    counts = log.counts()
    with st.container(height=230 if len(log.labels) > 5 else "content", border=False, key="corral-labels"):
        for label in log.labels:
            mark = colours.mark(label.id)
            st.html(f"<style>.st-key-label-{label.id} button {{ border-left: 7px solid {mark['colour']}; }}</style>")
            key = str(label.id + 1) if label.id < N_KEYS else None
            st.button(
                f"{page.escape(label.name)}  ({counts[label.id]:,})",
                key=f"label-{label.id}",
                shortcut=key,
                on_click=_assign,
                args=(session, label.name),
                kwargs=options,
                width="stretch",
            )


def _assign(session: Session, name: str, overwrite: bool) -> None:
    def step() -> None:
        n = session.label(name, overwrite=overwrite)
        left = len(session.selection) - n
        st.session_state["new label name"] = ""
        said = f"{n:,} labelled {page.escape(name.strip())}"
        st.session_state["step done"] = said + (f"; {left:,} had a label and were left" if left else "")

    _try(step)


def _history(session: Session) -> None:
    log = session.log
    undo, redo = st.columns(2)
    undo.button(
        "Undo",
        icon=":material/undo:",
        shortcut="Ctrl+Z",
        on_click=lambda: _try(session.undo),
        disabled=log.next_undo is None,
        help=_describe("Takes back", log, log.next_undo),
        width="stretch",
    )
    redo.button(
        "Redo",
        icon=":material/redo:",
        shortcut="Ctrl+Shift+Z",
        on_click=lambda: _try(session.redo),
        disabled=log.next_redo is None,
        help=_describe("Brings back", log, log.next_redo),
        width="stretch",
    )


def _describe(verb: str, log: LabelLog, action) -> str | None:  # type: ignore[no-untyped-def]
    if action is None:
        return None
    what = {"assign": "label", "clear": "unlabelling", "import": "imported labels"}[action.kind]
    name = f" {page.escape(log.labels[action.label_id].name)}" if action.label_id is not None else ""
    return f"{verb}: {what}{name}, {action.n_rows:,} texts"


def _sample(session: Session) -> None:
    """Some of the selected texts to read, in a random order that can be drawn anew."""
    rows = session.selection
    if not len(rows):
        return
    n_pages = -(-len(rows) // PAGE_ROWS)
    at = min(st.session_state.setdefault("sample page", 0), n_pages - 1)
    order = np.random.default_rng(st.session_state.setdefault("sample seed", 0)).permutation(rows)
    title, back, onward, shuffle = st.columns([4, 1, 1, 1], vertical_alignment="center", gap="small")
    title.caption(f"Sample, page {at + 1:,} of {n_pages:,}")
    for column, step, icon in ((back, -1, "chevron_left"), (onward, 1, "chevron_right")):
        column.button(
            f":material/{icon}:",
            key=f"sample {icon}",
            type="tertiary",
            on_click=lambda step=step: st.session_state.update({"sample page": at + step}),
            disabled=not 0 <= at + step < n_pages,
        )
    shuffle.button(
        ":material/shuffle:",
        key="sample shuffle",
        type="tertiary",
        help="Another sample",
        on_click=lambda: st.session_state.update(
            {"sample seed": st.session_state["sample seed"] + 1, "sample page": 0}
        ),
    )
    with st.container(height=420, border=True):
        st.html("".join(_sample_row(session, int(row)) for row in order[at * PAGE_ROWS : (at + 1) * PAGE_ROWS]))


def _sample_row(session: Session, row: int) -> str:
    code = int(session.log.codes[row])
    name = session.log.labels[code].name if code >= 0 else "unlabelled"
    hue = colours.mark(code)["colour"] if code >= 0 else "#8888"
    text = html.escape(session.project.dataset.texts[row].strip())
    return f'<div class="corral-sample" style="--corral-colour:{hue}">{text}<small>{html.escape(name)}</small></div>'
