"""The panel beside the map: the selection, undo and redo, and texts to read."""

import html
from collections.abc import Callable

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator as Place

from labelling.labels.label import NO, YES
from labelling.selection.keywords import Keywords
from labelling.session import Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.steps import step, told
from labelling.ui.history import audit
from labelling.ui.label import aim, checking, controls, give_labels, strip
from labelling.ui.label.reading import Reading
from labelling.ui.map import colours

PAGE_ROWS = 8
MAX_SAMPLE = 800  # rows of a selection that can be leafed through, drawn at random
MAX_READ = 20_000  # characters of a pinned text


def begin(session: Session) -> None:
    """How much is labelled and selected."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-progress"):
        page.labelled(session)
        aim.show(session)
    n = len(session.selection)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-head"):
        if (held := checking.reading(session)) is not None:
            of = "all labels" if held.seq is None else "what was labelled last"
            st.markdown(f"**Checking {len(held.rows)} of {of}**: do they belong where they are?")
            return
        if not n:
            st.markdown("##### Nothing selected")
            return
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


def show(session: Session, shown: controls.Shown) -> None:
    """All else."""
    # Each part keeps its place, however much stands above it: what is typed while the panel changes stays typed.
    said = st.container(gap="xsmall")
    bears, words = st.container(key="corral-bears"), st.container(key="corral-words")
    labels = st.container(gap="xsmall")
    pages, texts = st.container(key="corral-pages"), st.container(gap="xsmall", key="corral-texts")
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
    with bears:
        if len(session.selection):
            st.html(_breakdown(session))
        else:
            st.caption("Draw a lasso round some points to read and label them.")
    if (held := checking.reading(session)) is not None:
        with texts:
            audit.read(session, held)
        return
    with labels:
        strip.show(session, shown)
    with texts:
        _pinned(session)
        _table(session, pages)
    if len(session.selection):  # last, as it takes the longest
        _keywords(session, words)
    else:
        words.html("<span></span>")


# ---------------------------------------------------------------- selection


def _strays(session: Session) -> None:
    strays = session.selection.strays()
    if strays is not None and len(strays):
        st.button(
            f"Drop {len(strays):,}",
            key="step Drop",
            shortcut=keys.DROP_STRAYS,
            on_click=step(lambda rows=session.selection.rows: _go_on(session, rows, session.selection.drop_strays)),
            type="tertiary",
            help="Outliers, which may not belong here: most of their nearest texts lie outside. The map has two "
            "dimensions, the space has hundreds; they lie here on the map, but not in the space.",
        )


def steps(session: Session) -> None:
    """The ways from one selection to another."""
    chosen, graph = session.selection, session.map.graph is not None
    some = bool(len(chosen))
    waits = None if graph else "Comes with the clear map, which is still being made"
    with st.container(horizontal=True, gap="small", key="corral-steps"):
        for name, key, do, possible, said in (
            ("Grow", keys.GROW, chosen.grow, some and graph, waits or "Takes in the nearest texts, in the full space"),
            ("Shrink", keys.SHRINK, chosen.shrink, some and graph, waits or "Leaves out what belongs there least"),
            ("Invert", keys.INVERT, chosen.invert, some, "Selects what is shown and not selected"),
            ("Unlabelled", keys.UNLABELLED, chosen.select_unlabelled, True, "Selects what is shown without a label"),
            ("Back", keys.BACK, chosen.back, len(chosen.history) > 0, "The selection as it was before"),
        ):
            st.button(
                name,
                key=f"step {name}",
                shortcut=key,
                on_click=step(lambda do=do, rows=session.selection.rows: _go_on(session, rows, do)),
                disabled=not possible,
                help=said,
                type="tertiary",
            )


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
    if found:
        words = "".join(
            f'<span title="in {word.share:.0%} of these, in {word.share_elsewhere:.0%} of the others">'
            f"{html.escape(word.word)}</span>"
            for word in found
        )
        place.html(f'<div class="corral-keywords">{words}</div>')


# ---------------------------------------------------------------- texts to read


def _pinned(session: Session) -> None:
    """The text that was clicked on, whole, with its label and its columns."""
    reading = state.of_project(Reading)
    row = reading.pinned
    if row is None:
        return
    dataset = session.project.dataset
    with st.container(border=True, gap="xsmall", key="corral-pinned"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Pinned: row {row + 1:,}")
            st.button(
                "More like it",
                key="more like it",
                shortcut=keys.MORE_LIKE_IT,
                on_click=step(lambda: controls.look_for(lambda: session.search.more_like(row))),
                help="The nearest texts in the space that is shown",
                type="tertiary",
            )
            st.button(
                "Unpin",
                key="unpin",
                shortcut=keys.UNPIN,
                on_click=step(lambda: setattr(reading, "pinned", None)),
                type="tertiary",
            )
        with st.container(height=180 if len(dataset.text(row)) > 400 else "content", border=False):
            st.html(_row(session, row, MAX_READ))
        values = dataset.frame.iloc[row][dataset.metadata_columns]
        if len(values):
            lines = (
                f"<b>{html.escape(str(name))}</b> {html.escape(str(value))[:200]}" for name, value in values.items()
            )
            st.html(f"<small>{' · '.join(lines)}</small>")


def _table(session: Session, pages: Place) -> None:
    """Some of the selected texts, in a random order that can be drawn anew; or, without a selection, what was found."""
    reading, rows, ordered = state.of_project(Reading), session.selection.rows, False
    if not len(rows) and session.search.found is not None:
        among = session.map.seen
        rows, ordered = session.search.found.best(among, MAX_SAMPLE), True
    if not len(rows):
        return
    order = rows[:MAX_SAMPLE]
    if not ordered:
        rng = np.random.default_rng(reading.seed)
        order = rng.choice(rows, min(len(rows), MAX_SAMPLE), replace=False)
    n_pages = -(-len(order) // PAGE_ROWS)
    at = min(reading.page, n_pages - 1)
    with pages, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        some = f" of {len(order):,}" if len(order) < len(rows) else ""
        st.caption(f"{'Found' if ordered else 'Sample'}{some}, page {at + 1:,} of {n_pages:,}")
        for by, icon, key in ((-1, "chevron_left", keys.LAST_PAGE), (1, "chevron_right", keys.NEXT_PAGE)):
            st.button(
                f":material/{icon}:",
                key=f"sample {icon}",
                type="tertiary",
                shortcut=key,
                on_click=step(lambda to=at + by: setattr(reading, "page", to)),
                disabled=not 0 <= at + by < n_pages,
            )
        if not ordered:
            st.button(
                ":material/shuffle:",
                key="sample shuffle",
                type="tertiary",
                help="Another sample",
                on_click=step(lambda to=reading.seed + 1: reading.draw_anew(to)),
            )
    st.html("".join(_row(session, int(row)) for row in order[at * PAGE_ROWS : (at + 1) * PAGE_ROWS]))


def _row(session: Session, row: int, length: int = 2_000) -> str:
    hue = colours.of_row(session.log, session.labels.focus, row)
    text = session.project.dataset.text(row).strip()
    cut = html.escape(text if len(text) <= length else text[:length].rstrip() + " …")
    name = html.escape(_said_of(session, row))
    return (
        f'<div class="corral-sample" tabindex="0" data-corral-row="{row}" style="--corral-colour:{hue}">'
        f"{cut}<small>{name}</small></div>"
    )


def _said_of(session: Session, row: int) -> str:
    """What a row bears, in words; with yes, no and unknown: what was said of it for the label in focus."""
    focus, names = session.labels.focus, session.log.name_of(row)
    if focus is None:
        return names or "unlabelled"
    word = {YES: "yes", NO: "no"}.get(int(session.log.label_values(focus.id)[row]), "unknown")
    return f"{focus.name}: {word}"
