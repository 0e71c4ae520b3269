"""How the map is looked at: what its colours mean, which texts it shows, and the search."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from labelling.dataset import Dataset
from labelling.filters import Filter, as_numbers, as_text, is_date
from labelling.search import SearchError
from labelling.session import Found, Session
from labelling.ui import colours, page
from labelling.ui.colours import Colouring

# A column of one of these names is shown after them, as "column x".
LABEL, DENSITY, SEARCH, SUGGESTION, SURE = "label", "density", "search", "suggestion", "how sure"
KINDS = {"words": "Words", "regex": "Regular expression", "meaning": "Meaning"}
PLACEHOLDER = {
    "words": "all of these words",
    "regex": "such as refunds? or ^where",
    "meaning": "what the texts should be about",
}
SECONDS_A_DAY = 86_400
MAX_VALUES = 200  # of a column that are offered to choose from, the most frequent
N_NEAREST = 100


def controls(session: Session) -> tuple[Colouring, np.ndarray | None]:
    """The row above the map. Returns the colours and the rows to be shown, bool (n_rows,), None for all."""
    state, view = st.session_state, session.view
    assert view is not None  # noqa: S101 - the page shows its controls with a map only
    dataset = session.project.dataset
    columns = _columns(session.project.id, dataset)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="corral-controls"):
        with st.popover("Filter", icon=":material/filter_alt:"):
            wanted = _filter(session, dataset.metadata_columns)
        if "colour by" not in state or (session.found is None and state["colour by"] == SEARCH):
            state["colour by"] = LABEL if session.found is None else SEARCH
        guesses = [SUGGESTION, SURE] if session.suggesting else []
        options = [
            LABEL,
            *guesses,
            DENSITY,
            *([SEARCH] if session.found else []),
            *(f"column {name}" for name in columns),
        ]
        by = st.selectbox(
            "Colour by",
            options,
            key="colour by",
            format_func=lambda name: name.removeprefix("column "),
            width=190,
        )
        _search_box(session)
    mask = _masked(session, wanted)
    among = view.placed if mask is None else view.placed & mask
    colouring = _coloured(session, by, among, mask)
    shown = colouring.shown(hidden_groups(by))
    if shown is not None:
        mask = shown if mask is None else mask & shown
    return colouring, mask


# ---------------------------------------------------------------- colours


@st.cache_data(show_spinner=False)
def _columns(project_id: str, _dataset: Dataset) -> list[str]:
    """The columns worth colouring by: a dataset never changes, so its project's id is key enough."""
    return colours.columns_worth_colouring(_dataset.metadata_columns, _dataset.frame)


def _coloured(session: Session, by: str, among: np.ndarray, mask: np.ndarray | None) -> Colouring:
    if by == LABEL:
        return colours.by_label(session.log, session.focus)
    assert session.view is not None  # noqa: S101
    # What is slow to make stays as long as what it is made of is the same.
    guessing = session.suggesting.id if by in (SUGGESTION, SURE) and session.suggesting else None
    key, made_of = (session.project.id, by, session.view.id, guessing), (session.found, mask)
    held = st.session_state.get("colouring")
    if held is None or held[0] != key or any(a is not b for a, b in zip(held[1], made_of, strict=True)):
        held = st.session_state["colouring"] = (key, made_of, _made(session, by, among))
    return held[2]


def _made(session: Session, by: str, among: np.ndarray) -> Colouring:
    if by == DENSITY:
        assert session.view is not None  # noqa: S101
        return colours.by_density(session.view.id, session.view.xy)
    if by == SEARCH:
        assert session.found is not None  # noqa: S101
        ranked = {"meaning": "nearest", "row": "nearest", "moved": "most moved"}.get(session.found.kind, "")
        best = session.found.best(among, colours.NEAREST[-1] if ranked else None)
        return colours.by_found(session.found.query, best, session.project.n_rows, ranked=ranked)
    if by in (SUGGESTION, SURE):
        return _by_suggestion(session, by)
    name = by.removeprefix("column ")
    return colours.by_column(name, session.project.dataset.frame[name])


def _by_suggestion(session: Session, by: str) -> Colouring:
    space = session.suggesting
    found = None if space is None else space.suggestions
    if space is None or found is None:  # texts were added that it has not read yet
        return colours.by_label(session.log, session.focus)
    if by == SURE:
        return colours.by_number(f"sure {space.id}", np.asarray(found.probability))
    names = pd.Series([*found.classes, ""]).to_numpy()[np.asarray(found.codes)]
    return colours.by_column(f"suggestion {space.id}", pd.Series(names))


def hidden_groups(by: str | None = None) -> set[int]:
    """The legend entries that are switched off, of the colours that are shown."""
    by = by or st.session_state.get("colour by", LABEL)
    return st.session_state.setdefault("hidden groups", {}).setdefault(by, set())


def on_legend(session: Session, group: int, what: str) -> None:
    """A click on the legend: hide or show an entry's points, or select them."""
    if what == "toggle":
        hidden_groups().symmetric_difference_update({group})
        return
    by = st.session_state.get("colour by", LABEL)
    colouring = colours.by_label(session.log, session.focus) if by == LABEL else st.session_state["colouring"][2]
    rows = colouring.rows_of(group)
    name = next((str(entry["name"]) for entry in colouring.legend if entry["group"] == group), "")
    session.select_rows(rows, "legend", what, colours=by, entry=name)


# ---------------------------------------------------------------- filter

FILTER_KEYS = ("filter labels", "filter words", "filter column", "filter values", "filter range")


def _filter(session: Session, columns: list[str]) -> Filter:
    """The conditions, all of which a text must fulfil to be shown."""
    names = session.label_states()
    state = st.session_state
    state["filter labels"] = [id_ for id_ in state.get("filter labels", []) if id_ in names]
    labels = st.multiselect("Label", list(names), format_func=names.__getitem__, key="filter labels", placeholder="any")
    words = st.text_input("Words in the text", key="filter words", placeholder="all of these words")
    condition: dict[str, Any] = {}
    if columns:
        column = st.selectbox("Column", ["", *columns], key="filter column", format_func=lambda name: name or "any")
        if column:
            condition = _column_condition(session, column)
    st.button("Show all", on_click=_show_all, icon=":material/filter_alt_off:", width="stretch")
    return Filter(tuple(labels), words=words, **condition)


def _show_all() -> None:
    for key in FILTER_KEYS:
        st.session_state.pop(key, None)
    st.session_state["hidden groups"] = {}


def _column_condition(session: Session, column: str) -> dict[str, Any]:
    kind, offered = _offered(session.project.id, column, session.project.dataset.frame)
    if kind == "values":
        chosen = st.multiselect("Values", offered, key="filter values", placeholder="any")
        return {"column": column, "values": tuple(value for value in chosen if value in offered)}
    low, high = offered
    if kind == "dates":
        first, last = (pd.Timestamp(second, unit="s").date() for second in (low, high))
        if first == last:
            st.caption(f"All of one day, {first}.")
            return {}
        start, end = st.slider("Days", first, last, (first, last), key="filter range")
        if (start, end) == (first, last):
            return {}
        return {"column": column, "low": _seconds(start), "high": _seconds(end) + SECONDS_A_DAY - 1e-6}
    least, most = st.slider("Between", low, high, (low, high), key="filter range")
    return {} if (least, most) == (low, high) else {"column": column, "low": least, "high": most}


def _seconds(day: date) -> float:
    return pd.Timestamp(day).timestamp()


@st.cache_data(show_spinner=False, max_entries=20)
def _offered(project_id: str, column: str, _frame: pd.DataFrame) -> tuple[str, Any]:
    """ "numbers" or "dates" with the lowest and the highest, or "values" with the most frequent ones."""
    values = _frame[column]
    numbers = as_numbers(values)
    if numbers is not None and len(set(numbers[~np.isnan(numbers)][:1000])) > len(colours.ORDERED):
        return ("dates" if is_date(values) else "numbers"), (float(np.nanmin(numbers)), float(np.nanmax(numbers)))
    return "values", as_text(values).value_counts().index[:MAX_VALUES].tolist()


def _masked(session: Session, wanted: Filter) -> np.ndarray | None:
    try:
        return session.filtered(wanted)
    except SearchError as error:
        page.error(error)
        return None


# ---------------------------------------------------------------- search


def _search_box(session: Session) -> None:
    kind = st.selectbox(
        "Search by",
        list(KINDS),
        key="search kind",
        format_func=KINDS.__getitem__,
        on_change=_search,
        args=(session,),
        width=190,
    )
    st.text_input(
        "Search",
        key="search query",
        placeholder=f"{PLACEHOLDER[kind]}   ( / )",
        on_change=_search,
        args=(session,),
        width="stretch",
    )


def _search(session: Session) -> None:
    state = st.session_state
    query = state.get("search query", "")
    if not query.strip():
        clear_search(session)
        return
    look_for(lambda: session.search(state.get("search kind", "words"), query))


def look_for(search: Any) -> None:
    """Run a search; its result colours the map."""
    state = st.session_state
    try:
        search()
    except ValueError as error:
        state["step error"] = str(error)
        return
    state["colour by"] = SEARCH
    state["sample page"] = 0
    state.setdefault("hidden groups", {}).pop(SEARCH, None)


def clear_search(session: Session) -> None:
    session.found = None
    if st.session_state.get("search query"):  # setting it empties the box, also of what is being typed meanwhile
        st.session_state["search query"] = ""


def found(session: Session) -> None:
    """What the search found, and the buttons that make a selection of it or end it."""
    found = session.found
    if found is None:
        return
    ranked = found.scores is not None
    query = page.escape(_cut(found.query))
    n = N_NEAREST if ranked else len(found.best(session.seen))
    with st.container(border=True, key="corral-found", gap="small"):
        if found.kind == "moved":
            st.markdown(f"Texts that **{query}**")
        elif ranked:
            st.markdown(f"Nearest to **{query}**")
        else:
            st.markdown(f"**{n:,}** with the {'words' if found.kind == 'words' else 'pattern'} **{query}**")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if ranked:
                n_rows = session.project.n_rows
                n = int(
                    st.number_input(
                        "How many",
                        1,
                        n_rows,
                        min(n, n_rows),
                        key="n nearest",
                        label_visibility="collapsed",
                        width=110,
                    )
                )
            st.button(
                "Select these" if ranked else "Select them",
                key="select found",
                shortcut="M",
                on_click=lambda: _select(session, found, n if ranked else None),
                disabled=not n,
            )
            st.button("End", icon=":material/close:", type="tertiary", on_click=clear_search, args=(session,))


def _select(session: Session, found: Found, n: int | None) -> None:
    rows = np.sort(found.best(session.seen, n))
    session.select_rows(rows, "search", kind=found.kind, query=_cut(found.query, 500))


def _cut(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[:length].rstrip() + " …"
