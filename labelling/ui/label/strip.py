"""Which label: the box for a name, the labels as a strip of chips with their keys, yes and no."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import streamlit as st

from labelling.labels.error_rate import Estimate
from labelling.labels.label import NO, UNKNOWN, UNLABELLED, YES, Label
from labelling.session import Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.steps import step
from labelling.ui.label import controls, give_labels
from labelling.ui.map import LABEL_MAP, colours, send_labels

FEW = 10  # texts read: of fewer a share says next to nothing
PARTS = ("new", "choice", "undone", "strip", "yes-no")
AS_MADE, BY_USE, BY_NAME = ORDERS = ("as made", "by use", "by name")


@dataclass
class Sorted:
    """How the tab sorts the labels."""

    by: str = AS_MADE


@dataclass(frozen=True)
class Asked:
    """What is asked for beside the map instead of a label for the selection: a name for `n` texts, told to `give`.

    `guessed`: whether there is a button for a name that is likely.
    """

    n: int
    give: Callable[[str], object]
    guessed: bool = False
    said: str = ""  # on the button beside the name, in place of the number


def show(session: Session, shown: controls.Shown, asked: Asked | None = None) -> None:
    # A place each: what comes and goes must not push another part into its place, with its old content still in it.
    new, choice, nothing, labels, label_values = (st.container(gap="xsmall", key=f"corral-{name}") for name in PARTS)
    rows = session.selection.rows
    with new:
        if asked is None:
            suggested = session.selection.chosen_by.get("by") == "suggestion"
            next_up = give_labels.waits(session) or (give_labels.overwrites() and len(rows) > 0)
            _name_box(
                session,
                _will_label(session),
                lambda name: give_labels.give(session, name, rows),
                primary=next_up and not suggested,  # which has a button of its own
            )
        else:
            _name_box(session, asked.said or f"Label {asked.n:,}", asked.give, primary=not asked.guessed)
    with choice:
        if asked is None:
            _choice(session)
    with nothing:
        give_labels.nothing_done(session)
    with labels:
        _labels(session, shown, asked)
    send_labels(LABEL_MAP, _in_order(session), multi_label=session.log.multi_label, digits_are_taken=asked is not None)
    if session.log.multi_label:
        with label_values:
            if asked is None:
                _label_values(session)
            else:
                _yes_or_no(session, asked)


# ---------------------------------------------------------------- which label


def _will_label(session: Session) -> str:
    """What the button beside the name would do."""
    n = len(session.selection)
    verb, said = "Yes for" if session.log.multi_label and n else "Label", f"{n:,}" if n else ""
    if not session.log.multi_label and not give_labels.overwrites():
        n_labelled = int(session.log.counts(session.selection.rows).sum())
        said = (
            f"0: {n:,} {'has' if n == 1 else 'have'} one"
            if n and n_labelled == n
            else f"{n - n_labelled:,}"
            if n
            else ""
        )
    return f"{verb} {said}".strip()


def _name_box(session: Session, button_label: str, give: Callable[[str], object], *, primary: bool = True) -> None:
    with st.form("new label", border=False):
        name, button = st.columns([3, 2], vertical_alignment="bottom")
        name.text_input(
            "New label",
            key=state.widget_key("new label name"),
            placeholder="type a name   ( N )",
            label_visibility="collapsed",
        )
        button.form_submit_button(
            button_label,
            key="new label button",  # the same for any number: Enter pressed while the number changes counts too
            on_click=step(lambda: give(_typed(session))),
            type="primary" if primary else "secondary",
            width="stretch",
            wrap=True,
        )


def _typed(session: Session) -> str:
    return give_labels.known_name(session, st.session_state[state.widget_key("new label name")])


def _in_order(session: Session) -> list[Label]:
    """The labels as the person sorts them."""
    by, counts = state.of_project(Sorted).by, session.log.counts()
    if by == BY_USE:
        return sorted(session.log.labels, key=lambda label: -counts[label.id])
    if by == BY_NAME:
        return sorted(session.log.labels, key=lambda label: label.name.casefold())
    return list(session.log.labels)


def _sort_button() -> None:
    """A press sorts the labels another way."""
    order = state.of_project(Sorted)
    following = ORDERS[(ORDERS.index(order.by) + 1) % len(ORDERS)]
    st.button(
        order.by,
        key="sort labels",
        icon=":material/sort:",
        type="tertiary",
        on_click=step(lambda: setattr(order, "by", following)),
        help=f"How the labels are sorted; press for {following}. As made is the order of the page Labels.",
    )


def _labels(session: Session, shown: controls.Shown, asked: Asked | None) -> None:
    log, rows = session.log, session.selection.rows
    give = asked.give if asked is not None else lambda name: give_labels.give(session, name, rows)
    counts, seen = log.counts(), np.flatnonzero(session.map.seen)
    n_shown = log.counts(seen)
    found = {label.id: log.quality_of_label(label.id) for label in log.labels}
    looks = "".join(
        _look(label, place, asked) + _bar(label.id, found[label.id])
        for place, label in enumerate(_in_order(session), 1)
    )
    with st.container(key="corral-wires-looks"):
        # With an element beside it: a style alone goes elsewhere on the page, and stays when it is told anew.
        st.html(f"<span></span><style>{looks}{_off(shown.hidden if shown.chips else ())}</style>")
    with st.container(border=False, horizontal=True, gap="small", key="corral-labels"):
        if len(log.labels) > 1:
            _sort_button()
        for label in log.labels:
            in_focus = session.labels.focus is not None and session.labels.focus.id == label.id
            n = _counted(counts[label.id], n_shown[label.id])
            st.button(
                f"{page.escape(label.name)}  ({n})",
                key=f"label-{label.id}",
                shortcut=label.key if asked is None else None,
                on_click=step(
                    (lambda label=label: session.labels.focus_on(label.id))
                    if log.multi_label
                    else (lambda label=label: give(label.name))
                ),
                type="primary" if in_focus else "secondary",
                help=_about(label, found[label.id]),
            )
        if not log.multi_label:
            n_free = int(log.n_rows - counts.sum())
            n_free_shown = int(len(seen) - n_shown.sum())
            st.button(
                f"unlabelled  ({_counted(n_free, n_free_shown)})",
                key=f"label-{UNLABELLED}",
                on_click=step(lambda: controls.on_chip(session, UNLABELLED, "new")),
                type="tertiary",
            )


def _counted(n: int, n_shown: int) -> str:
    return f"{n:,}" if n_shown == n else f"{n_shown:,} of {n:,}"


def _off(hidden: Collection[int]) -> str:
    """CSS: the chips of labels whose points are hidden."""
    return "".join(
        f".st-key-label-{label_id} button {{ opacity: 0.55; text-decoration: line-through; }}" for label_id in hidden
    )


# As in map/legend.js.
SHAPES = (
    "circle(50%)",
    "inset(6%)",
    "polygon(50% 4%, 100% 92%, 0 92%)",
    "polygon(50% 0, 100% 50%, 50% 100%, 0 50%)",
)


def _look(label: Label, place: int, asked: Asked | None) -> str:
    """CSS: where its chip stands, with the label's colour and shape, and the keys that give it if it has no own one."""
    look, code = colours.style(label.style), keys.code_of(label, digits_are_taken=asked is not None)
    chip = f".st-key-label-{label.id} button"
    css = (
        f".st-key-label-{label.id} {{ order: {place}; }}"
        f"{chip}::before {{ background: {look['colour']}; clip-path: {SHAPES[look['shape']]}; }}"
    )
    return css + (f'{chip}::after {{ content: "{keys.MORE_LABELS} {code[0]} {code[1]}"; }}' if code else "")


def _bar(label_id: int, found: Estimate | None) -> str:
    """CSS: a bar on its chip, of what is wrong, what may be, and what is right; nothing before enough was read."""
    if found is None or found.n_read < FEW:
        return ""
    right, wrong = (f"{100 * (1 - share):.0f}%" for share in (found.high, found.low))
    bar = f"#009E73 {right}, #8888 {right} {wrong}, #D55E00 {wrong}"
    return f".st-key-label-{label_id} button {{ background-image: linear-gradient(90deg, {bar}); }}"


def _about(label: Label, found: Estimate | None) -> str | None:
    said = [page.escape(label.description)] if label.description else []
    if found:
        said.append(page.escape(give_labels.in_words(found)))
    return "  \n".join(said) or None


def _label_values(session: Session) -> None:
    """Yes, no and unknown for the label in focus."""
    focus, n = session.labels.focus, len(session.selection)
    if focus is None:
        st.caption("Type the name of a first label: what is selected is a yes for it.")
        return
    rows = session.selection.rows
    known = (label_values := session.log.label_values(focus.id)[rows]) != UNKNOWN

    def will(answer: int) -> str:
        """How many of what is selected it would change, to stand on its button."""
        return f" {np.count_nonzero(label_values != answer if give_labels.overwrites() else ~known):,}" if n else ""

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-answers"):
        st.markdown(f"**{page.escape(focus.name)}**", width="content")
        for word, answer, key in (("Yes", YES, keys.YES), ("No", NO, keys.NO)):
            st.button(
                word + will(answer),
                key=f"answer {word}",
                shortcut=key,
                on_click=step(lambda answer=answer: give_labels.give(session, focus.name, rows, answer)),
                disabled=not n,
            )
        st.button(
            "Unknown",
            key="answer unknown",
            shortcut=keys.UNLABEL,
            on_click=step(lambda: give_labels.clear(session, rows, focus.name)),
            disabled=not known.any(),
            type="tertiary",
            help="Takes the answer for this label off what is selected",
        )


def _yes_or_no(session: Session, asked: Asked) -> None:
    if session.labels.focus is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-answers"):
        st.markdown(f"**{page.escape(session.labels.focus.name)}**", width="content")
        for word, key in (("Yes", keys.YES), ("No", keys.NO)):
            st.button(
                f"{word} {asked.n:,}",
                key=f"answer {word}",
                shortcut=key,
                on_click=step(lambda word=word: asked.give(word.lower())),
            )


def _choice(session: Session) -> None:
    """What happens to selected rows that have another label, where there are any."""
    rows, log = session.selection.rows, session.log
    if log.multi_label:
        some = session.labels.focus is not None and bool(
            (log.label_values(session.labels.focus.id)[rows] != UNKNOWN).any()
        )
    else:
        some = bool(log.counts(rows).sum())
    if not some:
        st.html("<span></span>")  # the line stays, and the labels below it where they are
        return
    key = state.widget_key("overwrite")
    only = "Only the unknown" if log.multi_label else "Only the unlabelled"
    choices = {give_labels.LEAVE: only, give_labels.OVERWRITE: "Overwrite"}
    st.segmented_control(
        "Some have a label",
        [give_labels.LEAVE, give_labels.OVERWRITE],
        default=None if key in st.session_state else give_labels.LEAVE,
        format_func=lambda choice: choices[choice],
        key=key,
        required=True,
        label_visibility="collapsed",
        help="Some of what is selected has a label already.",
    )
