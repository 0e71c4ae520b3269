"""The parts of the labels page: all labels, and one of them to change."""

import html
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from labelling.labels import Outcome
from labelling.labels.label import KEYS, NO, YES, Label
from labelling.palette import HUES, N_STYLES, ORDER, style
from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.steps import attempt, step, tell
from labelling.ui.label import give_labels
from labelling.ui.map import load_keys
from labelling.ui.map.colours import GLYPHS, swatch

WIDTHS = [5, 1, 2, 3, 1, 1]


@dataclass
class Edited:
    """The label whose fields are open."""

    label_id: int | None = None


def listed(session: Session) -> None:
    """A line for each label, in their order; the arrows move it."""
    log = session.log
    load_keys()
    give_labels.say()
    with st.form("make a label", border=False, clear_on_submit=True):
        name, button = st.columns([3, 1], vertical_alignment="bottom")
        name.text_input("A new label", key="made label name", placeholder="its name; rows can get it later")
        button.form_submit_button("Make it", on_click=step(_make), args=(session,), width="stretch", key="make label")
    if not log.labels:
        st.info("There are no labels yet: make one here, or label a selection on the map.", icon=":material/label:")
        return
    yes, no = log.counts(), log.counts(answer=NO) if log.multi_label else None
    for column, head in zip(
        st.columns(WIDTHS), ("Label", "Key", "Texts", "Right, by random checks", "", ""), strict=True
    ):
        column.caption(head)
    for place, label in enumerate(log.labels):
        cells = st.columns(WIDTHS, vertical_alignment="center")
        chosen = state.of_project(Edited).label_id == label.id
        line = f"corral-label-line-{label.id}"
        with cells[0].container(horizontal=True, vertical_alignment="center", gap="small", key=line):
            st.html(swatch(style(label.style)), width="content")
            st.button(
                page.escape(label.name),
                key=f"edit-{label.id}",
                type="primary" if chosen else "tertiary",
                on_click=step(_open),
                args=(label,),
                help=page.escape(label.description) or None,
            )
        code = keys.code_of(label)
        own = label.key or (f"{keys.MORE_LABELS} {code[0]} {code[1]}" if code else "")
        cells[1].markdown(f"`{own}`" if own else "")
        n = f"{yes[label.id]:,}" if no is None else f"{yes[label.id]:,} yes, {no[label.id]:,} no"
        cells[2].markdown(n)
        found = log.quality_of_label(label.id)
        with cells[3]:
            if found and found.is_rough:
                st.caption(give_labels.in_words(found))
            elif found:
                st.progress(1 - found.share, found.words)
            else:
                st.caption("not checked yet")
        for cell, by, icon in ((cells[4], -1, "arrow_upward"), (cells[5], 1, "arrow_downward")):
            cell.button(
                f":material/{icon}:",
                key=f"move-{label.id}-{by}",
                type="tertiary",
                disabled=not 0 <= place + by < len(log.labels),
                on_click=step(_put),
                args=(session, _moved(log.labels, place, by)),
                help="Further up" if by < 0 else "Further down",
            )


def _open(label: Label) -> None:
    state.of_project(Edited).label_id = label.id


def _make(session: Session) -> None:
    label = session.log.create(st.session_state["made label name"])
    _open(label)
    tell("step done", f"{page.escape(label.name)} is made. No text has it yet.")


def _put(session: Session, ids: list[int]) -> None:
    session.log.reorder(ids)


def _moved(labels: list[Label], place: int, step: int) -> list[int]:
    """The labels' order after the step: pressed twice, it is the same order."""
    ids = [label.id for label in labels]
    if 0 <= place + step < len(ids):
        ids[place], ids[place + step] = ids[place + step], ids[place]
    return ids


# ---------------------------------------------------------------- one label


def edit(session: Session) -> None:
    """The label that was chosen: its fields, and what can be done with it."""
    label = next((label for label in session.log.labels if label.id == state.of_project(Edited).label_id), None)
    if label is None:
        if session.log.labels:
            st.caption("Choose a label to rename, recolour, describe, merge, split or delete it.")
        _undo(session)
        return
    st.html(f"<h5>{swatch(style(label.style))} {html.escape(label.name)}</h5>")
    _fields(session, label)
    st.divider()
    _merge(session, label)
    _split(session, label)
    _delete(session, label)
    st.divider()
    _undo(session)


def _fields(session: Session, label: Label) -> None:
    # Keyed by what they show: what somebody else changes meanwhile is shown, not overwritten.
    with st.form(f"label {label.id}", border=False):
        name = st.text_input("Name", value=label.name, key=f"name of {label.id} {label.name}")
        about = st.text_area(
            "What it means",
            value=label.description,
            key=f"about {label.id} {label.description}",
            placeholder="for those who label with it: what belongs here, what does not",
            height=90,
        )
        left, right = st.columns(2)
        look = left.selectbox(
            "Colour and shape",
            ORDER,
            index=ORDER.index(label.style % N_STYLES),
            format_func=_name_of_mark,
            key=f"mark of {label.id} {label.style}",
        )
        keys = [None, *KEYS]
        key = right.selectbox(
            "Key",
            keys,
            index=keys.index(label.key),
            format_func=lambda key: key or "none of its own",
            key=f"key of {label.id} {label.key}",
            help="Another label that has this key loses it.",
        )
        if st.form_submit_button("Save", type="primary"):
            attempt(lambda: _save(session, label, name, about, int(look), key))
            st.rerun()


COLOURS = (  # palette.HUES
    "blue", "rose", "green", "yellow", "cyan", "purple", "violet", "mint", "mauve", "red", "indigo", "teal",
)  # fmt: skip


def _name_of_mark(index: int) -> str:
    look = style(index)
    return f"{GLYPHS[int(look['shape'])]} {COLOURS[HUES.index(look['colour'])]}"


def _save(session: Session, label: Label, name: str, about: str, look: int, key: str | None) -> None:
    log = session.log
    log.rename(label.id, name)
    log.describe(label.id, about)
    log.recolour(label.id, look)
    if key != label.key:
        log.set_key(label.id, key)
    tell("step done", "Saved")


def _merge(session: Session, label: Label) -> None:
    others = {other.id: other.name for other in session.log.labels if other.id != label.id}
    if not others:
        return
    n = int(session.log.counts()[label.id])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        into = st.selectbox(
            "Merge it into",
            list(others),
            format_func=others.__getitem__,
            index=None,
            placeholder="another label",
            key=f"merge {label.id}",
        )
        st.button(
            f"Merge {count(n, 'text')}",
            key=f"merge {label.id} into it",
            on_click=step(
                lambda: _end(
                    session,
                    label,
                    lambda: session.log.merge(label.id, int(into or 0)),
                    f"have {others.get(into or 0)}, no longer {label.name}",
                )
            ),
            disabled=into is None,
            help=None if into is None else page.escape(f"They get {others[into]}; {label.name} goes"),
        )


def _end(session: Session, label: Label, end: Callable[[], Outcome], came: str) -> None:
    """Merge or delete a label: once, a second press finds it gone. `came` says what has become of its texts."""
    if any(other.id == label.id for other in session.log.labels):
        _say_done(end().n_changed, came)


def _say_done(n: int, came: str) -> None:
    tell(
        "step done",
        page.escape(f"{count(n, 'text')} {came if n != 1 else came.replace('have ', 'has ', 1)}. Undo takes it back."),
    )


def _split(session: Session, label: Label) -> None:
    rows = session.selection.rows
    n = int(np.count_nonzero(session.log.label_values(label.id)[rows] == YES))
    if not n:
        st.caption("To split it, lasso those of its points that shall have another label, and come back here.")
        return
    with st.form(f"split {label.id}", border=False):
        name, button = st.columns([3, 2], vertical_alignment="bottom")
        new = name.text_input(
            f"Split off the {n:,} that {'is' if n == 1 else 'are'} selected",
            placeholder="name of the new label",
            key=f"split {label.id} name",
        )
        if button.form_submit_button(f"Split off {n:,}", width="stretch", key=f"split {label.id} off"):
            attempt(
                lambda: _say_done(
                    session.labelling.split(label.id, new).n_changed, f"have {new.strip()}, no longer {label.name}"
                )
            )
            st.rerun()


def _delete(session: Session, label: Label) -> None:
    log = session.log
    n = int(log.counts()[label.id])
    goes = "goes" if n == 1 else "go"
    lost = (
        f"its {n:,} yes and all its no are put away"
        if log.multi_label
        else f"{count(n, 'text')} {goes} back to unlabelled"
    )
    with st.popover("Delete it", icon=":material/delete:"):
        st.markdown(f"Delete **{page.escape(label.name)}**? {lost}. Undo brings all of it back.")
        st.button(
            f"Delete, {count(n, 'text')} {'loses' if n == 1 else 'lose'} it",
            key=f"delete {label.id}",
            type="primary",
            on_click=step(lambda: _end(session, label, lambda: log.delete(label.id), f"have lost {label.name}")),
        )


def _undo(session: Session) -> None:
    give_labels.undo_and_redo(session)
