"""The texts beside the map: of what is selected, of what was found, or the next after what was labelled."""

import html

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator as Place

from labelling.labels.label import NO, YES
from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import keys, state
from labelling.ui.frame.markdown import cut
from labelling.ui.frame.steps import step, tell
from labelling.ui.history import audit
from labelling.ui.label import checking, controls, give_labels, proposing, reviewing
from labelling.ui.label.reading import Reading, next_up
from labelling.ui.label.reading import pinned as pinned_row
from labelling.ui.map import Pressed, colours

PAGE_ROWS = 20  # more than fit: the list scrolls
MAX_SAMPLE = 800  # rows of a selection that can be leafed through, drawn at random
MAX_SHOWN, MAX_READ = 2_000, 20_000  # characters of a text in the list, and of the pinned one


def show(session: Session, pages: Place) -> None:
    """A page of texts; in `pages` which they are, and the ways to the others."""
    reading, chosen, coming = state.of_project(Reading), session.selection, next_up(session)
    if len(coming):
        order, which = coming, "Next found" if session.search.found else "Next like these"
    elif len(chosen):
        order = chosen.sample(MAX_SAMPLE, reading.seed)
        which = "Drawn at random" if len(order) == len(chosen) else f"{len(order):,} drawn at random"
    elif session.search.found is not None:
        order, which = session.search.found.best(session.map.seen, MAX_SAMPLE), "Found"
    else:
        return
    listed = order is not coming and not len(chosen)
    n_pages = -(-len(order) // PAGE_ROWS)
    at = min(reading.page, n_pages - 1)
    if not len(order):
        return
    rows = order[at * PAGE_ROWS : (at + 1) * PAGE_ROWS].tolist()
    if listed and session.search.found is not None and session.search.found.why is not None:
        which = reviewing.so_far(session, rows)
    with pages, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{which}, page {at + 1:,} of {n_pages:,}")
        for by, icon, key in ((-1, "chevron_left", keys.LAST_PAGE), (1, "chevron_right", keys.NEXT_PAGE)):
            st.button(
                f":material/{icon}:",
                key=f"sample {icon}",
                type="tertiary",
                shortcut=key,
                on_click=step(lambda to=at + by: setattr(reading, "page", to)),
                disabled=not 0 <= at + by < n_pages,
            )
        if order is coming:
            _next_buttons(session, order)
        elif listed and reviewing.are_labels(session, rows):
            reviewing.right_button(session, rows)
        elif len(chosen):
            st.button(
                ":material/shuffle:",
                key="sample shuffle",
                type="tertiary",
                help="Another sample",
                on_click=step(lambda to=reading.seed + 1: reading.draw_anew(to)),
            )
    st.html("".join(_row(session, row, why=reviewing.why(session, row) if listed else "") for row in rows))


# ---------------------------------------------------------------- after a label


def _next_buttons(session: Session, rows: np.ndarray) -> None:
    reading = state.of_project(Reading)
    st.button(
        f"Select {len(rows):,}",
        key="select next",
        shortcut=keys.SELECT_FOUND,
        type="tertiary",
        on_click=step(lambda: session.selection.select(np.sort(rows), "next")),
        help="Those on all pages: texts without a label, the most alike first",
    )
    st.button(
        ":material/reply:",
        key="read labelled",
        type="tertiary",
        help="Back to the texts that were labelled",
        on_click=step(lambda: setattr(reading, "labelled", None)),
    )


# ---------------------------------------------------------------- one text


def pressed(session: Session, press: Pressed) -> None:
    """A key on some of the texts: they leave the selection, or are labelled, they alone."""
    rows = np.unique([row for row in press.rows if 0 <= row < session.project.n_rows]).astype(np.int64)
    if not len(rows):
        return
    if press.what == "name":
        st.session_state[state.widget_key("new label name")] = ""
    focus, log = session.labels.focus, session.log
    held, proposal = checking.reading(session), proposing.shown(session)
    if held is not None or proposal is not None:
        name = name_of(session, press)
        if held is not None and not audit.can_be_relabelled(session, held):
            return
        if name is not None and held is not None:
            audit.relabel(session, held, rows.tolist(), name)
        elif name is not None and proposal is not None:
            proposing.give_texts(session, proposal, rows, name)
    elif press.what == "out":
        _take_out(session, rows)
    elif (name := name_of(session, press)) is not None:
        give_labels.give_texts(session, rows, name)
    elif press.what == "clear":
        give_labels.clear_texts(session, rows, focus.name if focus is not None and log.multi_label else None)
    elif press.what == "yes" and not log.multi_label:
        reviewing.keep_right(session, rows)
    elif focus is not None and log.multi_label and press.what in ("yes", "no"):
        give_labels.give_texts(session, rows, focus.name, YES if press.what == "yes" else NO)


def name_of(session: Session, press: Pressed) -> str | None:
    """The label that was pressed or typed for some texts; None where none was."""
    if press.what == "name":
        return give_labels.known_name(session, press.name)
    labels = session.log.labels if press.what == "label" else []
    return next((label.name for label in labels if label.id == press.label), None)


def _take_out(session: Session, rows: np.ndarray) -> None:
    """Take these texts out of the selection, and say what that did."""
    its = np.intersect1d(rows, session.selection.rows)
    if not len(its):
        tell("step done", f"{'This text is' if len(rows) == 1 else 'These texts are'} not in the selection.")
        return
    session.selection.select(its, "text", "subtract")
    tell("step done", f"{count(len(its), 'text')} taken out of the selection. B brings it back.")


def pinned(session: Session) -> None:
    """The text that was clicked on, whole, with its label and its columns."""
    row = pinned_row(session)
    if row is None:
        st.empty()  # in its place: what stood there is taken away by that, whatever ends the run
        return
    dataset = session.project.dataset
    with st.container(border=True, gap="xsmall", key="corral-pinned"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Pinned: row {row + 1:,}")
            st.button(
                "More like it",
                key="more like it",
                shortcut=keys.MORE_LIKE_IT,
                on_click=step(lambda: _more_like(session, row)),
                help="The nearest texts in the space that is shown",
                type="tertiary",
            )
            st.button(
                "Unpin",
                key="unpin",
                on_click=step(lambda: state.of_project(Reading).pin(None, session)),
                help="A second click on the text does it, too, and Escape",
                type="tertiary",
            )
        st.html(_row(session, row, MAX_READ))
        values = dataset.frame.iloc[row][dataset.metadata_columns]
        if len(values):
            lines = (
                f"<b>{html.escape(str(name))}</b> {html.escape(str(value))[:200]}" for name, value in values.items()
            )
            st.html(f"<small>{' · '.join(lines)}</small>")


def _more_like(session: Session, row: int) -> None:
    controls.look_anew(session, lambda: session.search.more_like(row))
    state.of_project(Reading).pin(row, session)  # it stays beside them


def _row(session: Session, row: int, length: int = MAX_SHOWN, why: str = "") -> str:
    hue = colours.of_row(session.log, session.labels.focus, row)
    name = html.escape(" · ".join(filter(None, (_said_of(session, row), why))))
    return (
        f'<div class="corral-sample" tabindex="0" data-corral-row="{row}" style="--corral-colour:{hue}">'
        f"{_with_matches(session, row, length)}<small>{name}</small></div>"
    )


def _with_matches(session: Session, row: int, length: int) -> str:
    """A text, cut at this length; what a search for words or a pattern matched in it is marked."""
    whole, spans = session.project.dataset.text(row), session.search.spans(row)
    text = cut(whole.strip(), length)
    parts, at, before = [], 0, len(whole) - len(whole.lstrip())
    for start, end in spans or ():
        start, end = max(start - before, at), min(end - before, len(text), length)
        if start < end:
            parts += [html.escape(text[at:start]), f"<mark>{html.escape(text[start:end])}</mark>"]
            at = end
    searched = "" if spans is None else " data-corral-searched"
    return f'<div class="corral-text"{searched}>{"".join(parts)}{html.escape(text[at:])}</div>'


def _said_of(session: Session, row: int) -> str:
    """What a row bears, in words; with yes, no and unknown: what was said of it for the label in focus."""
    focus, names = session.labels.focus, session.log.name_of(row)
    if focus is None:
        return names or "unlabelled"
    word = {YES: "yes", NO: "no"}.get(int(session.log.label_values(focus.id)[row]), "unknown")
    return f"{focus.name}: {word}"
