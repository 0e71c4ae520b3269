"""The labels page's comparison with names that are known from elsewhere: a column, or the true topics of a demo."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from pandas.api.types import is_datetime64_any_dtype

from labelling.labels.agreement import Agreement, agreement
from labelling.labels.error_rate import percent
from labelling.readers.tables import count
from labelling.selection.filters import as_text
from labelling.session import Session
from labelling.ui.frame import page, state
from labelling.ui.map import colours
from labelling.ui.texts import load

TOPICS = "the true topics"
MOST = 0.8  # of the texts: with so many labelled a demo is nearly done
MAX_NAMES = 300  # what has more values is no column of labels
HELP = (
    "A label stands for the name that is written like it, else for the one that most of its texts have. So many small "
    "labels look better than few large ones."
)


def show(session: Session) -> None:
    """Choose what to compare with, and how far the labels agree with it; nothing where there is nothing to choose."""
    log, dataset = session.log, session.project.dataset
    topics = load.topics_of(dataset)
    offered = ([TOPICS] if topics is not None else []) + _columns(session.project.dataset_id, session)
    if log.multi_label or not offered:
        return
    at_once = topics is not None and log.n_labelled > 0  # of a demo it is what everybody wants to see
    at_end = at_once and log.n_labelled >= MOST * log.n_rows  # before that it would tell what is to be found
    with st.expander("Compare the labels with what is known", icon=":material/compare_arrows:", expanded=at_end):
        chosen = st.selectbox(
            "Compare with",
            offered,
            0 if at_once else None,
            key=state.widget_key("compare with"),
            placeholder="choose a column",
            help=HELP,
        )
        if chosen is None:
            return
        known: Sequence[str | None] = topics if topics is not None and chosen == TOPICS else _values(session, chosen)
        _report(session, agreement(log.names().tolist(), known))


@st.cache_data(show_spinner=False, max_entries=20)
def _columns(dataset_id: str, _session: Session) -> list[str]:
    """The columns that may hold names: with few values, which come again and again. No dates."""
    frame = _session.project.dataset.frame
    return [
        name
        for name in colours.columns_worth_colouring(_session.project.dataset.metadata_columns, frame)
        if frame[name].astype("string").nunique() <= min(MAX_NAMES, len(frame) // 4)
        and not is_datetime64_any_dtype(frame[name])
    ]


def _values(session: Session, column: str) -> list[str | None]:
    return [value or None for value in as_text(session.project.dataset.frame[column])]


def _report(session: Session, found: Agreement) -> None:
    """How much was labelled, in how many steps, and how much of it agrees; label by label."""
    log = session.log
    if not found.n_compared:
        st.info("No text has both a label and a known name yet.", icon=":material/label_off:")
        return
    given = [action for action in log.actions if action.gives_labels and action.kind != "import"]
    n_standing = sum(log.in_force(action.seq) for action in given)
    undone = f", {len(given) - n_standing:,} of them taken back" if n_standing < len(given) else ""
    agree, of_all = percent(10 * found.n_right / found.n_compared) / 10, percent(found.n_compared / log.n_rows)
    st.markdown(
        f"**{agree}% agree**: {found.n_right:,} of the {found.n_compared:,} that could be compared "
        f"({of_all}% of all texts), labelled in {count(len(given), 'step')}{undone}."
    )
    lines = [
        {"Label": label, "Stands for": name, "Texts": n, "Agree": right / n}
        for label, (name, n, right) in sorted(found.by_label.items(), key=lambda one: one[1][2] / one[1][1])
    ]
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        column_config={  # narrow, so that long names push none of them out of sight
            "Label": st.column_config.Column(width=100),
            "Stands for": st.column_config.Column(width=90),
            "Texts": st.column_config.Column(width=50),
            "Agree": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0, width=85),
        },
    )
    st.page_link(page.LABEL, label="Back to the map", query_params={"project": session.project.id})
