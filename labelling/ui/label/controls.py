"""How the map is looked at: what its colours mean, which texts it shows, and the search."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from labelling.dataset import Dataset
from labelling.errors import StepError
from labelling.labels.label import YES
from labelling.queues.answers import BY
from labelling.selection.filters import Filter
from labelling.selection.search import SearchError
from labelling.session import Found, Session
from labelling.session.reviews import KIND
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.markdown import cut
from labelling.ui.frame.steps import step, tell
from labelling.ui.label import filtering, suggesting
from labelling.ui.label.filtering import Condition
from labelling.ui.label.reading import Reading, just_labelled
from labelling.ui.map import colours
from labelling.ui.map.colours import Colouring

# A column of one of these names is shown after them, as "column x".
LABEL, DENSITY, SEARCH, SUGGESTION, SURE = "label", "density", "search", "suggestion", "how sure"
COLUMN = "column "  # and its name
KINDS = {"words": "Words", "regex": "Pattern", "meaning": "Meaning"}
PLACEHOLDER = {
    "words": "all of these words",
    "regex": "such as refunds?",
    "meaning": "what they are about",
}
N_NEAREST = 100
RANKED = {
    "meaning": "nearest",
    "row": "nearest",
    "moved": "most moved",
    KIND: "first",
}  # what the first are


@dataclass
class Looks:
    """How the map is coloured: by a search that was just made; what is slow to make, with what it was made of; and the
    legend's entries that are switched off, with each kind of colours."""

    by_search: bool = False
    search_kind: str = "words"  # the widget's own state goes when the page is left
    made: tuple[Any, tuple[Any, ...], Colouring] | None = None
    hidden: dict[Any, set[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """How the map is to be looked at: its colours, with a legend that counts what is shown, and what hides the rest.

    `rows` are those to be shown, bool (n_rows,), None for all; `hidden` are the legend's entries that are switched off.
    With `chips` the colours are those of the labels, whose chips tell what the legend would.
    """

    colouring: Colouring
    rows: np.ndarray | None
    hidden: set[int]
    conditions: list[Condition]
    chips: bool


def controls(session: Session) -> Shown:
    """The row above the map."""
    looks, view, key = state.of_project(Looks), session.map.view, state.widget_key("colour by")
    assert view is not None  # noqa: S101 - the page shows its controls with a map only
    space = session.suggested.space
    guesses = [SUGGESTION, SURE] if space is not None else []
    columns = _columns(session.project.dataset_id, session.project.dataset)
    searched = [SEARCH] if session.search.found else []
    options = [LABEL, *guesses, DENSITY, *searched, *(f"{COLUMN}{name}" for name in columns)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-controls"):
        with st.popover("Filter", icon=":material/filter_alt:"):
            wanted = filtering.choose(session)
        suggesting.show(session)
        if looks.by_search or st.session_state.get(key) not in options:
            st.session_state[key] = LABEL if session.search.found is None else SEARCH
            looks.by_search = False
        by = st.selectbox(
            "Colour by",
            options,
            key=key,
            format_func=_said,
            width=150,
            label_visibility="collapsed",
        )
        _search_box(session)
    mask, applied = _masked(session, wanted)
    among = view.placed if mask is None else view.placed & mask
    colouring = _coloured(session, by, among, mask)
    hidden = hidden_groups(session, by)
    hidden &= {entry["group"] for entry in colouring.legend}
    in_force = filtering.conditions(session, applied)
    shown = colouring.shown(hidden)
    if shown is not None:
        mask = shown if mask is None else mask & shown
    # Where suggestions are on show, too, the map has a legend of its own for them.
    only_labels = by == LABEL and all(entry["group"] < session.log.n_ids for entry in colouring.legend)
    chips = only_labels and not session.log.multi_label
    return Shown(colouring.counted(view.placed, among), mask, hidden, in_force, chips)


def _said(by: str) -> str:
    """What colours the map, in words. A select box gives back the words: no two may have the same."""
    column = by.removeprefix(COLUMN)
    clash = column in (LABEL, DENSITY, SEARCH, SUGGESTION, SURE) or column.startswith(COLUMN)
    return by if clash else column


def _masked(session: Session, wanted: Filter) -> tuple[np.ndarray | None, Filter]:
    """The rows that the filter leaves, and what of it could be applied."""
    try:
        return session.labels.filtered(wanted), wanted
    except SearchError as error:  # which is about the words
        page.error(error)
        wanted = replace(wanted, words="")
        return session.labels.filtered(wanted), wanted


def chips(session: Session, shown: Shown) -> None:
    """What hides texts, each with a button that ends it; nothing where nothing does."""
    filtering.chips(shown.conditions, len(shown.hidden), shown.hidden.clear)
    if shown.conditions or shown.hidden:
        st.button("Show all", on_click=step(_show_all), icon=":material/filter_alt_off:", type="tertiary")
    else:
        st.empty()


def _show_all() -> None:
    filtering.take_off(*filtering.KEYS)
    state.of_project(Looks).hidden = {}


# ---------------------------------------------------------------- colours


@st.cache_data(show_spinner=False, max_entries=20)
def _columns(dataset_id: str, _dataset: Dataset) -> list[str]:
    """The columns worth colouring by."""
    return colours.columns_worth_colouring(_dataset.metadata_columns, _dataset.frame)


def _coloured(session: Session, by: str, among: np.ndarray, mask: np.ndarray | None) -> Colouring:
    if by == LABEL:
        return suggesting.by_label(session)
    assert session.map.view is not None  # noqa: S101
    # What is slow to make stays as long as what it is made of is the same.
    key, made_of = (session.map.view.id, by, _guessing(session, by)), (session.search.found, mask)
    looks = state.of_project(Looks)
    held = looks.made
    if held is None or held[0] != key or any(a is not b for a, b in zip(held[1], made_of, strict=True)):
        held = looks.made = (key, made_of, _made(session, by, among))
    return held[2]


def _made(session: Session, by: str, among: np.ndarray) -> Colouring:
    if by == DENSITY:
        assert session.map.view is not None  # noqa: S101
        return colours.by_density(session.map.view.id, session.map.view.xy)
    if by == SEARCH:
        assert session.search.found is not None  # noqa: S101
        ranked = RANKED.get(session.search.found.kind, "")
        best = session.search.found.best(among, colours.NEAREST[-1] if ranked else None)
        return colours.by_found(session.search.found.query, best, session.project.n_rows, ranked=ranked)
    if by in (SUGGESTION, SURE):
        return _by_suggestion(session, by)
    name = by.removeprefix("column ")
    return colours.by_column(name, session.project.dataset.frame[name])


def _guessing(session: Session, by: str) -> int | None:
    """The space whose classifier the colours are by, if they are."""
    space = session.suggested.space if by in (SUGGESTION, SURE) else None
    return None if space is None else space.id


def _by_suggestion(session: Session, by: str) -> Colouring:
    space = session.suggested.space
    found = None if space is None else space.suggestions
    assert space is not None  # noqa: S101 - these colours are offered where there are suggestions
    assert found is not None  # noqa: S101
    if by == SURE:
        return colours.by_number(f"sure {space.id}", np.asarray(found.probability))
    names = pd.Series([*found.classes, ""]).to_numpy()[np.asarray(found.codes)]
    return colours.by_column(f"suggestion {space.id}", pd.Series(names))


def hidden_groups(session: Session, by: str) -> set[int]:
    """The legend entries that are switched off, with these colours."""
    return state.of_project(Looks).hidden.setdefault((by, _guessing(session, by)), set())


def on_legend(session: Session, group: int, what: str) -> None:
    """A click on the legend: hide or show an entry's points, or select them."""
    by, made = st.session_state.get(state.widget_key("colour by"), LABEL), state.of_project(Looks).made
    if what == "toggle":
        hidden_groups(session, by).symmetric_difference_update({group})
        return
    colouring = suggesting.by_label(session) if by == LABEL or made is None else made[2]
    rows = colouring.rows_of(group)
    name = next((str(entry["name"]) for entry in colouring.legend if entry["group"] == group), "")
    session.selection.select(rows, "legend", what, colours=by, entry=name)


def on_chip(session: Session, label_id: int, what: str) -> None:
    """A press on a label's chip with a modifier: hide or show its points, or select them, whatever the colours mean."""
    if what == "toggle":
        if session.log.multi_label or st.session_state.get(state.widget_key("colour by"), LABEL) != LABEL:
            raise StepError("A label's points can be hidden while the map is coloured by label: choose that above it.")
        hidden_groups(session, LABEL).symmetric_difference_update({label_id})
        return
    label = next((label for label in session.log.labels if label.id == label_id), None)
    bears = session.log.label_values(label_id) == YES if session.log.multi_label else session.log.codes == label_id
    session.selection.select(
        np.flatnonzero(bears), "legend", what, colours=LABEL, entry=label.name if label else "unlabelled"
    )


# ---------------------------------------------------------------- search


def _search_box(session: Session) -> None:
    found, box, looks = session.search.found, state.widget_key("search query"), state.of_project(Looks)
    if found is not None and found.kind in KINDS and box not in st.session_state:  # the page was left meanwhile
        looks.search_kind, st.session_state[box] = found.kind, found.query
    if "search kind" not in st.session_state:
        st.session_state["search kind"] = looks.search_kind
    looks.search_kind = kind = st.selectbox(
        "Search by",
        list(KINDS),
        key="search kind",
        format_func=KINDS.__getitem__,
        on_change=step(_search),
        args=(session,),
        width=150,
        label_visibility="collapsed",
    )
    st.text_input(
        "Search",
        label_visibility="collapsed",
        key=box,
        placeholder=f"{PLACEHOLDER[kind]}   ( / )",
        on_change=step(_search),
        args=(session,),
        width="stretch",
    )


def _search(session: Session) -> None:
    query = st.session_state.get(state.widget_key("search query"), "")
    if not query.strip():
        clear_search(session)
        return
    look_anew(session, lambda: session.search.look_for(st.session_state.get("search kind", "words"), query))


def look_for_word(session: Session, word: str) -> None:
    """Look for one of the words that set the selection apart, as if it had been typed."""
    st.session_state["search kind"], st.session_state[state.widget_key("search query")] = "words", word
    look_for(lambda: session.search.look_for("words", word))


def look_for(search: Any) -> None:
    """Run a search; its result colours the map."""
    search()
    looks = state.of_project(Looks)
    # Not the widget's own state: where this run does not draw it, the browser sends the colour of before once more.
    looks.by_search = True
    state.of_project(Reading).page = 0
    looks.hidden.pop((SEARCH, None), None)


def look_anew(session: Session, search: Any) -> None:
    """As `look_for`, for the list to show it: what is selected, not proposed and not just labelled, is no longer."""
    look_for(search)
    n = len(session.selection)
    if n and session.selection.chosen_by.get("by") != BY and not just_labelled(session):
        session.selection.deselect()
        tell("step done", f"The list shows what was found; {keys.BACK} selects the {n:,} again.")


def clear_search(session: Session) -> None:
    session.search.found = None
    state.of_project(Looks).by_search = False
    box = state.widget_key("search query")
    if st.session_state.get(box):  # setting it empties the box, also of what is being typed meanwhile
        st.session_state[box] = ""


def found(session: Session) -> None:
    """What the search found, and the buttons that make a selection of it or end it."""
    found = session.search.found
    if found is None:
        return
    ranked = found.scores is not None
    query = page.escape(cut(found.query, 60))
    n = N_NEAREST if ranked else len(found.best(session.map.seen))
    with st.container(horizontal=True, vertical_alignment="center", key="corral-found", gap="small", width="content"):
        if found.kind == "moved":
            st.markdown(f"Texts that **{query}**", width="content")
        elif found.kind == KIND:
            st.markdown(f"**{query}**", width="content")
        elif ranked:
            st.markdown(f"Nearest to **{query}**", width="content")
        else:
            words = "words" if found.kind == "words" else "pattern"
            st.markdown(f"**{n:,}** with the {words} **{query}**", width="content")
        if ranked:
            key, n_rows = state.widget_key("n nearest"), session.project.n_rows
            if not 1 <= st.session_state.get(key, 0) <= n_rows:
                st.session_state[key] = min(n, n_rows)
            n = int(st.number_input("How many", 1, n_rows, key=key, label_visibility="collapsed", width=110))
        st.button(
            "Select these" if ranked else "Select them",
            key="select found",
            shortcut=None if just_labelled(session) else keys.SELECT_FOUND,  # which then selects the next
            on_click=step(lambda: _select(session, found, n if ranked else None)),
            disabled=not n,
        )
        st.button("End", icon=":material/close:", type="tertiary", on_click=step(clear_search), args=(session,))


def _select(session: Session, found: Found, n: int | None) -> None:
    rows = np.sort(found.best(session.map.seen, n))
    session.selection.select(rows, "search", kind=found.kind, query=cut(found.query, 500))
