"""The panel beside the map: how much is labelled, the selection, the labels, and the texts to read."""

import html
from collections.abc import Callable

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator as Place

from labelling.labels.label import NO, YES
from labelling.readers.tables import count
from labelling.selection.keywords import Keywords
from labelling.session import Found, Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.steps import step, tell, told
from labelling.ui.history import audit
from labelling.ui.label import aim, checking, controls, finishing, give_labels, proposing, strip, texts
from labelling.ui.label.reading import Reading, just_labelled
from labelling.ui.map import colours


def begin(session: Session) -> Place:
    """How much is labelled and selected; the place beside it, for the aim."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-progress"):
        page.labelled(session)
        beside = st.container(width="content")
    n = len(session.selection)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-head"):
        if (proposal := proposing.shown(session)) is not None:
            proposing.head(session, proposal)
            return beside
        if (held := checking.reading(session)) is not None:
            of = "all labels" if held.seq is None else "what was labelled last"
            st.markdown(f"##### Checking {len(held.rows)} of {of}")
            return beside
        if not n:
            st.markdown("##### Nothing selected")
            return beside
        st.markdown(f"##### {n:,} selected", width="content")
        if not session.log.multi_label:
            st.button(
                "Unlabel",
                key="unlabel",
                shortcut=keys.UNLABEL,
                on_click=step(lambda rows=session.selection.rows: give_labels.clear(session, rows)),
                disabled=not session.log.counts(session.selection.rows).sum(),
                help="Takes the labels off the selected points",
                type="tertiary",
            )
        st.button(
            "Deselect",
            key="deselect",
            on_click=step(session.selection.deselect),
            shortcut=keys.DESELECT,
            type="tertiary",
        )
        _strays(session)
    return beside


def show(session: Session, shown: controls.Shown, beside: Place) -> None:
    """All else; the aim `beside` the bar."""
    # Each part keeps its place, however much stands above it: what is typed while the panel changes stays typed.
    said = st.container(gap="xsmall")
    bears, words = st.container(key="corral-bears"), st.container(key="corral-words")
    labels = st.container(gap="xsmall")
    accept, pages, read, pinned = (
        st.container(gap="xsmall", key=f"corral-{name}") for name in ("accept-proposal", "pages", "texts", "pin")
    )
    with beside:
        aim.show(session)
    with said:
        give_labels.say()
    with told("step meanwhile") as meanwhile:
        if meanwhile:
            st.toast(meanwhile, icon=":material/group:", duration="long")
    with told("just hidden") as n_hidden:
        if n_hidden:
            st.toast(
                f"{n_hidden:,} {'is' if n_hidden == 1 else 'are'} hidden now, and no longer selected. "
                "B brings a selection back."
            )
    proposal = proposing.shown(session)
    held = checking.reading(session)
    asked = held is not None or proposal is not None or proposing.is_waiting(session)
    at_rest = not asked and (not len(session.selection) or just_labelled(session))
    ways_on = finishing.in_words(session) if at_rest else None
    with bears:
        if held is not None:
            of = "all labels are" if held.seq is None else "what you labelled last is"
            st.caption(
                f"Press the keys of those that do **not** belong, then {keys.ALL_BELONG} and {keys.KEEP}. It tells how "
                f"right {of}."
            )
        elif proposal is not None:
            st.caption(proposing.in_words(session, proposal))
        elif proposing.is_waiting(session):
            proposing.wait(session)
        elif ways_on is not None:
            st.caption(ways_on)
        elif len(session.selection):
            st.html(_breakdown(session))
        elif session.search.found is not None:
            st.caption(_of_found(session.search.found, session.map.seen))
        else:
            st.caption(
                f"Draw a lasso round some points to read and label them, or press {keys.WHAT_NEXT} for what comes next."
            )
    if held is not None:
        if audit.can_be_relabelled(session, held):
            with labels:
                _right_label(session, shown, held)
            with pages, st.container():  # as the line above the list: what is said of marked texts takes its place
                st.caption("For what is wrong: a label's keys, chip or name say its right label.")
        with read:
            audit.read(session, held)
        return
    if proposal is not None:
        with labels:
            proposing.show(session, proposal, shown, accept)
        with pages, st.container():
            st.caption("A text that is clicked, or reached by the arrows, is labelled alone.")
        with read:
            proposing.read(session, proposal)
        _keywords(session, words)
        return
    with labels:
        strip.show(session, shown)
    with read:
        texts.show(session, pages)
    with pinned:
        texts.pinned(session)
    if ways_on is not None:
        finishing.show(session, words)
    elif len(session.selection):  # last, as it takes the longest
        _keywords(session, words)
    else:
        words.html("<span></span>")


def _of_found(found: Found, seen: np.ndarray) -> str:
    """What can be done with what was found, where nothing is selected."""
    if not len(found.best(seen, 1)):
        return "Nothing was found of what the map shows: end the search below the map, or look for something else."
    alone = "A label's key labels the text that is marked, by a click or the arrows"
    if found.why is not None:
        return f"{alone}; {keys.YES} says that its label is right. What was decided is not offered again."
    return f"{alone}. {keys.SELECT_FOUND} selects what was found, for one label."


def _right_label(session: Session, shown: controls.Shown, held: audit.Audit) -> None:
    """The labels, for what was found wrong."""
    place = next((place for place, row in enumerate(held.rows, 1) if row == held.at), None)
    said = "Right label" if place is None else f"Right label of {place}"
    strip.show(session, shown, strip.Asked(0, lambda name: audit.relabel(session, held, [], name), said=said))


# ---------------------------------------------------------------- selection


def _strays(session: Session) -> None:
    strays = session.selection.strays()
    if strays is not None and len(strays):
        st.button(
            f"Drop {count(len(strays), 'stray')}",
            key="step Drop",
            shortcut=keys.DROP_STRAYS,
            on_click=step(lambda rows=session.selection.rows: _go_on(session, rows, lambda: _drop(session))),
            type="tertiary",
            help="Outliers, which may not belong here: most of their nearest texts lie outside. The map has two "
            "dimensions, the space has hundreds; they lie here on the map, but not in the space.",
        )


def _drop(session: Session) -> None:
    n = len(session.selection)
    session.selection.drop_strays()
    n -= len(session.selection)
    why = "near here on the map, far from here in the full space"
    tell("step done", f"{count(n, 'stray')} dropped: {why}. {keys.BACK} brings the selection back.")


def steps(session: Session) -> None:
    """The ways from one selection to another."""
    chosen, graph = session.selection, session.map.graph is not None
    some, only = bool(len(chosen)), chosen.is_partly_unlabelled
    waits = None if graph else "Comes with the clear map, which is still being made"
    with st.container(horizontal=True, gap="small", key="corral-steps"):
        for name, key, do, possible, said in (
            ("Grow", keys.GROW, chosen.grow, some and graph, waits or "Takes in the nearest texts, in the full space"),
            ("Shrink", keys.SHRINK, chosen.shrink, some and graph, waits or "Leaves out what belongs there least"),
            ("Invert", keys.INVERT, chosen.invert, some, "Selects what is shown and not selected"),
            (
                "Only unlabelled" if only else "All unlabelled",
                keys.UNLABELLED,
                lambda: _select_unlabelled(session),
                True,
                "Keeps what has no label of the selection" if only else "Selects all that is shown without a label",
            ),
            ("Back", keys.BACK, chosen.back, len(chosen.history) > 0, "The selection as it was before"),
        ):
            st.button(
                name,
                key=f"step {name.split()[-1]}",
                shortcut=key,
                on_click=step(lambda do=do, rows=session.selection.rows: _go_on(session, rows, do)),
                disabled=not possible,
                help=said,
                type="tertiary",
            )


def _select_unlabelled(session: Session) -> None:
    """As its button says; that it would keep all that is selected is said."""
    n = len(session.selection)
    if n and session.labels.unlabelled[session.selection.rows].all():
        tell("step done", f"All {n:,} selected are unlabelled. {keys.DESELECT}, then {keys.UNLABELLED}: all that are.")
    else:
        session.selection.select_unlabelled()


def _go_on(session: Session, rows: np.ndarray, do: Callable[[], object]) -> None:
    """Go on from this selection: it was pressed for what was shown, and is done once."""
    if session.selection.rows is not rows:
        return
    state.of_project(Reading).page = 0
    do()


def _breakdown(session: Session) -> str:
    """A bar with what the selected rows bear, and the same in words: what a label would meet."""
    rows, log = session.selection.rows, session.log
    if log.multi_label:
        focus = session.labels.focus
        label_values = None if focus is None else log.label_values(focus.id)[rows]
        n_yes, n_no = (
            0 if label_values is None else int(np.count_nonzero(label_values == answer)) for answer in (YES, NO)
        )
        parts = [(len(rows) - n_yes - n_no, "unknown", "#8888")]
        parts += [(n_yes, "yes", str(colours.YES_STYLE["colour"])), (n_no, "no", str(colours.NO_STYLE["colour"]))]
    else:
        counts = log.counts(rows)
        parts = [(int(len(rows) - counts.sum()), "unlabelled", "#8888")]
        labels = sorted(log.labels, key=lambda label: -counts[label.id])
        parts += [(int(counts[label.id]), label.name, str(colours.style(label.style)["colour"])) for label in labels]
    parts = [part for part in parts if part[0]]
    bar = "".join(f'<span style="width:{100 * n / len(rows):.2f}%;background:{hue}"></span>' for n, _, hue in parts)
    said = [f"{n:,} {html.escape(name)}" for n, name, _ in parts]
    if session.selection.n_hidden and session.selection.is_drawn:
        said.append(f"{session.selection.n_hidden:,} more, hidden and not selected")
    return f'<div class="corral-bar">{bar}</div><small>{" · ".join(said)}</small>'


@st.cache_resource(show_spinner=False, max_entries=4)
def _counted(dataset_id: str, _session: Session) -> Keywords:
    """The words of the dataset."""
    dataset = _session.project.dataset
    return Keywords(dataset.text, len(dataset))


def _keywords(session: Session, place: Place) -> None:
    found = _counted(session.project.dataset_id, session).of(session.selection.rows)
    words = "".join(
        f'<span role="button" tabindex="0" data-corral-word '
        f'title="in {word.share:.0%} of these, in {word.share_elsewhere:.0%} of the others: a click searches it">'
        f"{html.escape(word.word)}</span>"
        for word in found
    )
    place.html(f'<div class="corral-keywords">{words}</div>')  # without any, too: the line stays
