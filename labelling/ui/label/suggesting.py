"""What a tuner or classifier suggests, on the label page: look at it, select the texts of a label, accept them."""

from dataclasses import dataclass

import streamlit as st

from labelling.labels.error_rate import Estimate
from labelling.learning.model import AT_LEAST
from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.steps import step
from labelling.ui.label import checking, give_labels
from labelling.ui.label.reading import Reading
from labelling.ui.map import colours
from labelling.ui.map.colours import Colouring

UNSURE = 0.5  # below this a suggestion is likelier wrong than right, by what the model itself says
MAX_SHOWN = 12  # labels, those suggested for the most texts
POPOVER = "suggestions"


@dataclass
class Suggesting:
    """How sure a suggestion has to be, and whether the map shows suggestions."""

    at_least: float = AT_LEAST
    on_map: bool = False


def show(session: Session) -> None:
    """For each label the number of unlabelled texts on show for which it is suggested; a button selects them."""
    space, chosen = session.suggested.space, state.of_project(Suggesting)
    if space is None:
        return
    with st.popover(
        "Suggestions",
        icon=":material/lightbulb:",
        type="tertiary",
        help=page.escape(space.name),
        key=POPOVER,
        on_change="rerun",
    ):
        st.caption(f"By **{page.escape(space.name)}**, for texts without a label. Read a sample before you accept.")
        chosen.on_map = st.toggle(
            "Show them on the map",
            value=chosen.on_map,
            key=state.widget_key("suggestions on the map"),
            help="Hollow points in the colour of the label that is suggested",
        )
        chosen.at_least = st.slider(
            "At least so sure",
            0.0,
            1.0,
            chosen.at_least,
            0.05,
            key=state.widget_key("suggestions at least"),
            help="Of a tuner: the probability times how near the texts with this label are, so that texts of a label "
            "which has no name yet are not taken for others. Of a classifier: the probability alone.",
        )
        seen = session.map.seen
        found = [(offer, int(seen[offer.rows].sum())) for offer in session.suggested.offers(chosen.at_least)]
        found = sorted(((offer, n) for offer, n in found if n), key=lambda each: -each[1])
        n, n_shown = session.suggested.n(chosen.at_least), sum(n for _, n in found)
        st.caption(
            f"**{count(n, 'suggestion')}**, at least {chosen.at_least:.0%} sure"
            + ("" if n == n_shown else f", {n_shown:,} of them on show")
        )
        if chosen.at_least < UNSURE:
            st.caption(":material/warning: Many of these are wrong: read them one by one, accept none unread.")
        for offer, n in found[:MAX_SHOWN]:
            st.button(
                f"{page.escape(offer.name)}  ({n:,}) :small[{_how_right(offer.wrong)}]",
                key=f"suggested {offer.name}",
                width="stretch",
                on_click=step(lambda name=offer.name: _select(session, name, chosen.at_least)),
                help=_about(offer.wrong),
            )
        if len(found) > MAX_SHOWN:
            st.caption(f"And {count(len(found) - MAX_SHOWN, 'label')} more, for fewer texts.")


def _how_right(wrong: Estimate | None) -> str:
    if wrong is None:
        return "how right: not known yet"
    return f"about {wrong.words}"


def _about(wrong: Estimate | None) -> str:
    if wrong is None:
        return "Known once ten of these were labelled otherwise, or accepted and then checked."
    return (
        f"By {count(wrong.n_read, 'text')} that were labelled otherwise since, or accepted and then checked. These are "
        "not drawn at random: a check of what was accepted tells more."
    )


def _select(session: Session, name: str, at_least: float) -> None:
    st.session_state[POPOVER] = False  # it lies over the map, and over the button that accepts
    session.suggested.select(name, at_least)
    state.of_project(Reading).page = 0


def accept(session: Session) -> None:
    """A button, and Enter, that gives what is selected the label that is suggested for it; nothing where none is."""
    chosen_by, rows = session.selection.chosen_by, session.selection.rows
    if chosen_by.get("by") != "suggestion" or not len(rows) or checking.reading(session) is not None:
        st.empty()
        return
    name = str(chosen_by["label"])
    st.button(
        f"Accept {len(rows):,} as {page.escape(name)}",
        key="accept suggestion",
        icon=":material/check:",
        type="primary",
        shortcut=keys.ACCEPT,
        on_click=step(lambda: give_labels.give(session, name, rows)),
        help="Labels what is selected; those that have a label by now are left",
    )


def by_label(session: Session) -> Colouring:
    """The colours by label; hollow what is suggested, where the map shows that."""
    shown, space = state.of_project(Suggesting), session.suggested.space
    if space is None or not shown.on_map:
        return colours.by_label(session.log, session.labels.focus)
    suggested = session.suggested.labels_at_least(shown.at_least)
    return colours.by_label(session.log, session.labels.focus, suggested, f"{space.id}-{shown.at_least}")


def name_of(session: Session, row: int) -> str | None:
    """What a point is said to be: its label, or what the map shows to be suggested."""
    shown = state.of_project(Suggesting)
    name = session.log.name_of(row)
    if name is None and shown.on_map and session.suggested.space is not None:
        label_id = int(session.suggested.labels_at_least(shown.at_least)[row])
        return f"suggested: {session.log.label(label_id).name}" if label_id >= 0 else None
    return name
