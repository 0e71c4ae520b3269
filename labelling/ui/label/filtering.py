"""The filter of the label page: its conditions, and the chips that say which are in force."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from labelling.selection.filters import Filter, as_numbers, as_text, is_date
from labelling.session import Session
from labelling.ui.frame import state
from labelling.ui.frame.markdown import cut, escape
from labelling.ui.frame.steps import step
from labelling.ui.map import colours

LABELS, WORDS, COLUMN, VALUES, RANGE = KEYS = (
    "filter labels",
    "filter words",
    "filter column",
    "filter values",
    "filter range",
)
SECONDS_A_DAY = 86_400
MAX_VALUES = 200  # of a column that are offered to choose from, the most frequent
MOST = 2**53 - 1  # what a slider can hold in the browser
MAX_SAID = 60  # characters of a chip
MOST_CHIPS = 3  # labels, words, and a column's values or range


@dataclass(frozen=True)
class Condition:
    """One that is in force, in plain words, and the keys of what set it."""

    said: str
    keys: tuple[str, ...]


@dataclass
class _Chosen:
    """What was chosen when the filter was shown last, with which its widgets begin whenever they are new to the page;
    and how many times conditions were taken off."""

    values: dict[str, Any] = field(default_factory=dict)
    turn: int = 0


def _key(name: str) -> str:
    """The key of the filter's widget of this name: another one after each time that conditions were taken off.

    One in a closed popover is not there to be told in the browser; see `state.widget_key`.
    """
    turn = state.of_project(_Chosen).turn
    return state.widget_key(f"{name} {turn}" if turn else name)


def _chosen() -> dict[str, Any]:
    return state.of_project(_Chosen).values  # noqa: PD011, no frame's


def take_off(*names: str) -> None:
    """Take these conditions off; for a callback, or before the filter is shown."""
    chosen = state.of_project(_Chosen)
    chosen.values = {name: value for name, value in _chosen().items() if name not in names}
    chosen.turn += 1


# ---------------------------------------------------------------- conditions


def choose(session: Session) -> Filter:
    """The conditions, all of which a text must fulfil to be shown."""
    names = session.labels.states()
    _follow_names(names)
    was = _chosen()
    labels = st.multiselect(
        "Label",
        list(names),
        list(was.get(LABELS, ())),
        format_func=names.__getitem__,
        key=_key(LABELS),
        placeholder="any",
    )
    words = st.text_input("Words in the text", was.get(WORDS, ""), key=_key(WORDS), placeholder="all of these words")
    chosen: dict[str, Any] = {LABELS: {id_: names[id_] for id_ in labels}, WORDS: words}
    condition: dict[str, Any] = {}
    if columns := session.project.dataset.metadata_columns:
        offered = ["", *columns]
        column = st.selectbox(
            "Column",
            offered,
            offered.index(was.get(COLUMN, "")),
            key=_key(COLUMN),
            format_func=lambda name: name or "any",
            on_change=step(_other_column),
        )
        chosen[COLUMN] = column
        if column:
            chosen |= _column_chosen(session, column)
            condition = _of_column(session, column, chosen)
    st.caption("What is hidden is never selected.")
    state.of_project(_Chosen).values = {name: value for name, value in chosen.items() if value}
    return Filter(tuple(labels), words=words, **condition)


def _other_column() -> None:
    """What was chosen of the column before means nothing in this one."""
    column = st.session_state.get(_key(COLUMN), "")
    # The browser may still send the widget of before conditions were taken off: no other column was chosen then.
    if column != _chosen().get(COLUMN, "") and _chosen().keys() & {VALUES, RANGE}:
        take_off(VALUES, RANGE)
        _chosen()[COLUMN] = column


def _follow_names(names: dict[int, str]) -> None:
    """Take a label that is gone out of the condition, and say so; follow one that was renamed."""
    was = _chosen().get(LABELS, {})
    if all(names.get(id_) == name for id_, name in was.items()):
        return
    take_off()  # the browser knows the choices by their names
    _chosen()[LABELS] = {id_: names[id_] for id_ in was if id_ in names}
    gone = ", ".join(name for id_, name in was.items() if id_ not in names)
    if gone:
        st.toast(f"No text has the label {escape(cut(gone, MAX_SAID))} any more: it was taken out of the filter.")


def _column_chosen(session: Session, column: str) -> dict[str, Any]:
    """What is chosen of a column: its VALUES or, where it is less than all of it, its RANGE."""
    kind, offered = _offered_by(session, column)
    was = _chosen()
    if kind == "values":
        values = st.multiselect(
            "Values",
            offered,
            [value for value in was.get(VALUES, ()) if value in offered],
            format_func=lambda value: value or "empty",
            key=_key(VALUES),
            placeholder="any",
        )
        return {VALUES: values}
    whole = _limits(kind, offered)
    if whole[0] == whole[1]:
        st.caption(f"All of one day, {whole[0]}.")
        return {}
    ends = st.slider("Days" if kind == "dates" else "Between", *whole, was.get(RANGE, whole), key=_key(RANGE))
    return {} if ends == whole else {RANGE: ends}


def _of_column(session: Session, column: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """The part of a `Filter` that is about a column."""
    if chosen.get(VALUES):
        return {"column": column, "values": tuple(chosen[VALUES])}
    if RANGE not in chosen:
        return {}
    low, high = chosen[RANGE]
    if _offered_by(session, column)[0] == "dates":
        low, high = _seconds(low), _seconds(high) + SECONDS_A_DAY - 1e-6
    return {"column": column, "low": low, "high": high}


def _limits(kind: str, offered: tuple[float, float]) -> tuple[Any, Any]:
    """What the slider goes from and to."""
    low, high = offered
    return (_day(low), _day(high)) if kind == "dates" else (low, high)


def _day(seconds: float) -> date:
    return pd.Timestamp(seconds, unit="s").date()


def _seconds(day: date) -> float:
    return pd.Timestamp(day).timestamp()


def _offered_by(session: Session, column: str) -> tuple[str, Any]:
    return _offered(session.project.dataset_id, column, session.project.dataset.frame)


@st.cache_data(show_spinner=False, max_entries=20)
def _offered(dataset_id: str, column: str, _frame: pd.DataFrame) -> tuple[str, Any]:
    """ "numbers" or "dates" with the lowest and the highest, or "values" with the most frequent ones."""
    values = _frame[column]
    numbers = as_numbers(values)
    if numbers is not None and len(set(numbers[~np.isnan(numbers)][:1000])) > len(colours.ORDERED):
        low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
        if max(-low, high) <= MOST:
            return ("dates" if is_date(values) else "numbers"), (low, high)
    return "values", as_text(values).value_counts().index[:MAX_VALUES].tolist()


# ---------------------------------------------------------------- chips


def conditions(session: Session, applied: Filter) -> list[Condition]:
    """The conditions of the filter that was applied, in plain words."""
    found = []
    if applied.labels:
        names = session.labels.states()
        found.append(Condition(f"label: {', '.join(names[id_] for id_ in applied.labels)}", (LABELS,)))
    if applied.words.strip():
        found.append(Condition(f"words: {applied.words.strip()}", (WORDS,)))
    if values := applied.values:  # noqa: PD011, no frame's
        said = ", ".join(value or "empty" for value in values)
        found.append(Condition(f"{applied.column}: {said}", (COLUMN, VALUES)))
    if applied.low is not None and applied.high is not None:
        dates = _offered_by(session, applied.column)[0] == "dates"
        said = " to ".join(str(_day(end)) if dates else f"{end:,.10g}" for end in (applied.low, applied.high))
        found.append(Condition(f"{applied.column}: {said}", (COLUMN, RANGE)))
    return found


def chips(in_force: list[Condition], n_hidden_groups: int, show_groups: Callable[[], None]) -> None:
    """A button for each condition that takes it off, and one for what the legend or a label's chip hides.

    Always as many elements: where another run follows at once, the browser may keep what is not drawn any more.
    """
    for number in range(MOST_CHIPS):
        if number >= len(in_force):
            st.empty()
            continue
        st.button(
            escape(cut(in_force[number].said, MAX_SAID)),
            key=f"chip {number}",
            icon=":material/close:",
            on_click=step(take_off),
            args=in_force[number].keys,
            help="Takes this condition off",
        )
    if not n_hidden_groups:
        st.empty()
        return
    st.button(
        f"hidden: {n_hidden_groups:,} {'group' if n_hidden_groups == 1 else 'groups'}",
        key="chip legend",
        icon=":material/close:",
        on_click=step(show_groups),
        help="Shows them again",
    )
