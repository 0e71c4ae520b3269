"""The texts page's choice of columns: which holds the texts, and which their labels or answers."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from labelling import readers
from labelling.labels.label import LabelError, check_imported_names, names_to_import
from labelling.readers import Dataset, ReadError
from labelling.readers.names import MULTI_LABEL
from labelling.readers.own_map import numeric_columns, own_map
from labelling.readers.tables import count, listed
from labelling.ui.frame import page, state
from labelling.ui.frame.steps import step
from labelling.ui.texts.reading import Found

REFUSED = (ReadError, LabelError)  # raised where a column can't be what it was chosen for
ONE = "One label"  # the other kind of project is SEVERAL


def choose_columns(found: Found) -> tuple[Dataset, pd.DataFrame | None] | None:
    """The person's choice of columns: the dataset; and with yes, no and unknown for each label, their answers.

    None as long as no column is chosen, or one can't be taken: the page says why beside the choice, which stays.
    """
    frame = found.table.frame
    columns = list(frame.columns)
    guess, (told, answer_columns) = held(
        "guesses", (found,), lambda: (readers.guess_text_column(frame), readers.guess_labels(found.table))
    )
    left, right = st.columns(2)
    with left:
        text = st.selectbox(
            "Column with the texts",
            columns,
            # The guess is the widget's own default, and a new guess makes a new one. Were it put into the session's
            # state, the browser, interrupted before it learns of it, would answer with a default of its own: another
            # column, and nobody would see it.
            index=None if guess is None else columns.index(guess),
            placeholder="Which column holds the texts?",
            key=f"text column of {found.name}, {crc32(repr((columns, guess)).encode()):08x}",
        )
    preselect(f"kind of {found.name}", MULTI_LABEL if answer_columns else ONE, [ONE, MULTI_LABEL])
    kind = st.radio(
        "A text gets",
        [ONE, MULTI_LABEL],
        captions=["the labels exclude each other", "unknown is never taken for no"],
        key=f"kind of {found.name}",
        horizontal=True,
    )
    others = [column for column in columns if column != text]
    label, label_values, dataset = None, None, None
    with right:
        try:
            if kind == MULTI_LABEL:
                label_values = _choose_label_values(found, others, answer_columns)
            else:
                label = _choose_label(found, text, others, told)
            taken = True
        except REFUSED as error:
            page.error(error)
            taken = False
        if not taken and kind == ONE:
            _offer_multi_label(found)
    with left:
        if text is None:
            st.info("Which column holds the texts?", icon=":material/help:")
        else:
            try:
                dataset = held("dataset", (found, text, label), lambda: readers.make_dataset(found.table, text, label))
            except REFUSED as error:
                page.error(error)
    return (dataset, label_values) if dataset is not None and taken else None


def choose_map(found: Found, dataset: Dataset) -> tuple[str, str] | None:
    """The columns that are x and y of a map of one's own; None without one. Raises ReadError where they can't be."""
    columns = held("numbers", (found,), lambda: numeric_columns(found.table.frame))
    columns = [column for column in columns if column not in (dataset.text_column, dataset.label_column)]
    if len(columns) < 2:
        return None
    with st.expander("A map of your own"):
        st.caption("Two columns of numbers can be a third map, beside the two that are made of the texts.")
        x, y = (
            each.selectbox(side, columns, index=None, placeholder="none", key=f"map {side} of {found.id}")
            for each, side in zip(st.columns(2), ("x", "y"), strict=True)
        )
        if x is None or y is None:
            return None
    held("own map", (found, dataset.text_column, x, y), lambda: own_map(dataset, x, y))
    return x, y


def _choose_label(found: Found, text: str | None, others: list[str], told: str | None) -> str | None:
    """The column with one label a row, if there is any; see REFUSED."""
    suggestion = held("suggestion", (found, text), lambda: readers.guess_label_column(found.table.frame, text))
    key = f"label column of {found.name}"
    # In an export of Corral's own, or another tool's, the column is known: its labels are what one has worked for.
    preselect(key, told if told in others else None, others)
    label = st.selectbox(
        "Column with labels, if there are any",
        others,
        index=None,
        placeholder="none",
        key=key,
        help="Its values come in as labels, marked as imported. All other columns stay for colouring and come out "
        "again at export.",
    )
    if label is None and suggestion:
        st.button(
            f"Take the labels in the column {page.escape(suggestion)}",
            icon=":material/label:",
            on_click=step(lambda: st.session_state.update({key: suggestion})),
            type="tertiary",
        )
    if label is not None:
        names = held("labels", (found, label), lambda: names_to_import(readers.read_labels(found.table.frame, label)))
        given = [name for name in names if name]
        _say_labels(len(names), len(given), "one", list(dict.fromkeys(given)))
    return label


def _choose_label_values(found: Found, others: list[str], guess: list[str]) -> pd.DataFrame:
    """The columns with answers, if there are any; see REFUSED."""
    key = f"answer columns of {found.name}"
    preselect(key, [name for name in guess if name in others], others)
    columns = st.multiselect(
        "Columns with answers, if there are any",
        others,
        placeholder="none",
        key=key,
        help='Yes or no, 1 or 0 in a column called after its label; or objects such as {"refund": 1, "delay": 0}; or '
        'lists of labels such as ["refund", "delay"].',
    )

    def read() -> pd.DataFrame:
        label_values = readers.read_label_values(found.table.frame, columns)
        check_imported_names(list(label_values.columns))
        return label_values

    label_values = held("labels", (found, tuple(columns)), read)
    if columns:
        n_answered = int(label_values.notna().any(axis=1).sum())
        _say_labels(len(label_values), n_answered, "an answer for one", list(label_values.columns))
    return label_values


def _say_labels(n_rows: int, n_given: int, what: str, names: list[str]) -> None:
    """How much comes in with the texts, and under which names: a wrong column is seen by them."""
    if not n_given:
        st.caption("No row has a label there.")
        return
    have = "has" if n_given == 1 else "have"
    shown = page.escape(listed(names[:5])) + (", …" if len(names) > 5 else "")
    of = f"of {len(names):,} labels" if len(names) > 1 else "label"
    st.caption(f"{n_given:,} of {count(n_rows, 'row')} {have} {what} {of}: {shown}")


def _offer_multi_label(found: Found) -> None:
    """A button that takes the column, which has no one label a row, as answers; where it can be read so."""
    label = st.session_state[f"label column of {found.name}"]

    def take() -> None:
        st.session_state[f"kind of {found.name}"] = MULTI_LABEL
        st.session_state[f"answer columns of {found.name}"] = [label]

    try:
        held("answers offered", (found, label), lambda: readers.read_label_values(found.table.frame, [label]))
    except REFUSED:
        return
    st.button(f"Take it as: {MULTI_LABEL.lower()}", on_click=step(take))


class _Guesses(dict[str, Any]):
    """What was guessed last for each widget, by its key."""


class _Held(dict[str, tuple[tuple[Hashable, ...], Any, Exception | None]]):
    """What `held` has made, or the error that it got, by its name; and of what."""


def preselect(key: str, guess: Any, allowed: Sequence[Any]) -> None:
    """What a widget shows before it is drawn: what the person chose of what is still there, else the guess.

    A guess that changes, as with another row of names, takes the place of the one before where nothing else was chosen.
    """
    guesses = state.of_tab(_Guesses)
    chosen = st.session_state.get(key)
    kept = [each for each in chosen if each in allowed] if isinstance(chosen, list) else chosen
    if chosen == guesses.get(key) or not (isinstance(kept, list) or kept in allowed):
        kept = guess
    if key not in st.session_state or kept != chosen:
        st.session_state[key] = kept
    guesses[key] = guess


def held(name: str, of: tuple[Hashable, ...], make: Callable[[], Any]) -> Any:
    """What `make` gives, or the error that it raises: made once as long as `of` is the same, for the page runs at
    every click."""
    kept = state.of_tab(_Held)
    if name not in kept or kept[name][0] != of:
        try:
            kept[name] = of, make(), None
        except REFUSED as problem:
            kept[name] = of, None, problem
    _, made, error = kept[name]
    if error is not None:
        raise error
    return made
