"""How far it is to the aim that a person chose: so much labelled, and so much of it right; and what is left."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from labelling.labels.error_rate import Estimate, n_to_read, percent
from labelling.selection.regions import Region
from labelling.session import Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.steps import step
from labelling.ui.label.reading import Reading
from labelling.ui.texts import load

AIMS = (90, 95, 98)  # per cent
MAX_KINDS = 5
WORDS_AT_ONCE = 20_000  # texts: of more the words on the map take more than half a second
LEFTOVERS = 0.2  # of the texts or less without a label: few of them look alike any more


@dataclass
class Aim:
    """Of the texts so many per cent are to be labelled, and of the labels so many are to be right."""

    share: int = AIMS[0]


def show(session: Session) -> None:
    """A popover with the aim, how far it is, and what is left."""
    aim, where = state.of_project(Aim), {"project": session.project.id}
    key = state.widget_key("aim share")
    aim.share = st.session_state.get(key) or aim.share
    with st.popover(f"aim {aim.share} %", help="Another aim, and what is left", type="tertiary", key="aim"):
        st.segmented_control(
            "Aim: so many labelled, and so many of them right",
            AIMS,
            default=aim.share,
            format_func=lambda share: f"{share} %",
            required=True,
            key=key,
        )
        (n, n_left), left = _counted(session), session.labels.unlabelled
        right = right_so_far(session.log.rightness(), aim.share, n - n_left)
        st.markdown(f"- {labelled_so_far(n, n_left, aim.share)}\n- {right}")
        if n_left:
            _what_is_left(session, left)
        else:
            st.page_link(page.EXPORT, label="Export the labels", query_params=where)
        if load.topics_of(session.project.dataset) is not None:
            st.page_link(page.LABELS, label="Compare with the true topics", query_params=where)


def labelled_so_far(n: int, n_left: int, aim: int) -> str:
    """How far the labelled share of `n` texts is from the aim, in per cent."""
    more = int(np.ceil(aim / 100 * n)) - (n - n_left)
    if more > 0:
        return f"**{more:,} more** to label, to have {aim} % of {n:,}"
    return f"Labelled: **{percent((n - n_left) / n)} %**, the aim is reached" + (f"; {n_left:,} left" if n_left else "")


def is_reached(session: Session) -> bool:
    """Whether so much is labelled as is aimed at."""
    n, n_left = _counted(session)
    return n > 0 and n - n_left >= state.of_project(Aim).share / 100 * n


def are_leftovers(session: Session) -> bool:
    """Whether most is labelled, and some is left."""
    n, n_left = _counted(session)
    return 0 < n_left <= LEFTOVERS * n


def _counted(session: Session) -> tuple[int, int]:
    """How many texts there are, and how many of them are left."""
    return int(np.count_nonzero(session.labels.with_text)), int(np.count_nonzero(session.labels.unlabelled))


def right_so_far(found: Estimate | None, aim: int, n_labels: int) -> str:
    """Whether so many of the `n_labels` are right as is aimed at, by what was read at random."""
    if found is None:
        n = about(n_to_read(Estimate(0, 0, 1, 0, n_labels), aim)) if n_labels else 0
        said = f"How right they are nobody knows yet: **press {keys.CHECK}** to check some"
        return said + (f"; {n} that are all right show {aim} %" if n else "")
    _, low, high = found.right
    if low >= aim:
        return f"Right: **{low} to {high} %**, the aim is reached"
    if high < aim:
        return f"Right: **{low} to {high} %**, which is less: read the doubtful ones again, see below the map"
    why = f", as no check covers {found.n_unchecked:,} of them" if found.n_unchecked else ""
    return f"Right: **{low} to {high} %**{why}. {to_know(found, aim)}"


def to_know(found: Estimate, aim: int) -> str:
    """What to read until the interval can reach the aim."""
    n = about(n_to_read(found, aim))
    return f"Read about **{n:,} more** at random ({keys.CHECK}) to know whether it is {aim} %"


def about(n: int) -> int:
    """No more exact than it can be known: up to 20 as it is, then whole tens, and from 200 on hundreds."""
    step = 1 if n <= 20 else 10 if n <= 200 else 100
    return -(-n // step) * step


def kinds_left(regions: list[Region], left: np.ndarray) -> list[tuple[Region, np.ndarray]]:
    """The largest regions of the map, which have no row in common, with the rows of the mask `left` in each."""
    found = [(region, region.rows[left[region.rows]]) for region in regions if region.level == 0]
    return sorted((one for one in found if len(one[1])), key=lambda one: -len(one[1]))


def _what_is_left(session: Session, left: np.ndarray) -> None:
    if not session.map.has_regions:
        st.caption("What is left, by kind, is told once the map has its words.")
        return
    kinds = kinds_left(session.map.regions(), left & session.map.seen)
    st.caption("What is left, by kind; a click selects it")
    for number, (region, rows) in enumerate(kinds[:MAX_KINDS]):
        st.button(
            f"{page.escape(region.name)} · {len(rows):,}",
            key=f"left {number}",
            on_click=step(lambda rows=rows, name=region.name: _select(session, rows, name)),
            type="tertiary",
        )
    elsewhere = int(np.count_nonzero(left)) - sum(len(rows) for _, rows in kinds[:MAX_KINDS])
    if elsewhere:
        st.caption(f"{elsewhere:,} elsewhere")


def _select(session: Session, rows: np.ndarray, name: str) -> None:
    state.of_project(Reading).page = 0
    session.selection.select(rows, "region", name=name)
