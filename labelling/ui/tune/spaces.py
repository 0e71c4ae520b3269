"""The spaces with their figures; any of them can be gone back to."""

from datetime import datetime

import streamlit as st

from labelling.database.engine import WorkspaceError
from labelling.encoders._folders import PACKAGED_MODEL
from labelling.learning.registry import TUNERS
from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import page
from labelling.ui.tune import evaluation
from labelling.workspace import CLASSIFIER, Space

WIDTHS = [4, 3, 2, 2, 2]


def show(session: Session) -> None:
    """A line a space: what made it, what it is worth, and the button that shows it on the map."""
    everything = [space for space in session.project.spaces() if space.ready]
    if everything[-1].state == "candidate":
        everything.pop()  # is being compared above
    if len(everything) < 2:
        return
    st.divider()
    st.markdown("##### Spaces")
    heads = ("Space", "Tuned on", "Held-out texts found", "Neighbours kept", "")
    helps = (
        None,
        None,
        "Of texts in lassos that were held out, the share that lies among labelled texts of their own label, in all "
        "dimensions, and on how many labels that rests.",
        "Of each unlabelled text's 15 nearest neighbours in the original embedding, the share that is still there.",
        None,
    )
    for column, head, help_ in zip(st.columns(WIDTHS), heads, helps, strict=True):
        column.caption(head, help=help_)
    current = session.project.current.id
    latest = next(filter(None, map(evaluation.of, reversed(everything))), None)
    for space in everything:
        original = space.id == everything[0].id
        found = latest if original else evaluation.of(space)
        with st.container(key=f"space-{space.id}"):
            cells = st.columns(WIDTHS, vertical_alignment="center")
            cells[0].markdown(f"**{page.escape(space.name)}**  \n:small[:gray[{_made_by(space)}]]")
            cells[1].caption(_tuned_on(space))
            if found is not None and str(space.id) in found.figures:
                figures = found.figures[str(space.id)]
                share = f"{100 * figures.in_space:.0f} % of {found.n_rows:,}"
                cells[2].markdown(share if found.enough else "too few lassos to tell")
                kept_share = 1.0 if original else found.neighbours_kept
                cells[3].markdown("–" if kept_share is None else f"{100 * kept_share:.0f} %")
            else:
                cells[2].markdown("not measured")
                cells[3].markdown("–")
            if space.id == current:
                cells[4].markdown("**on the map**")
            elif cells[4].button(
                "Show" if space.state == "kept" else "Keep and show",
                key=f"show-{space.id}",
                width="stretch",
                help="Make it the map you label on",
            ):
                _go_to(session, space)


def _go_to(session: Session, space: Space) -> None:
    try:
        session.project.keep_space(space.id)
        session.project.show_space(space.id)
    except WorkspaceError as error:
        page.error(error)
    else:
        page.say_later(f"{page.escape(space.name)} is the map you label on now.")
        st.rerun()


def _made_by(space: Space) -> str:
    when = datetime.fromisoformat(space.created_at).astimezone().strftime("%d %b, %H:%M")
    if space.kind == "encoder":
        return f"as the encoder made it · {when}"
    if space.kind == CLASSIFIER:
        return f"classifier on {page.escape(str(space.settings.get('model') or PACKAGED_MODEL))} · {when}"
    kind = TUNERS[space.kind].title if space.kind in TUNERS else space.kind
    return f"{kind}, {space.settings.get('keep')} of the original stays · {when}"


def _tuned_on(space: Space) -> str:
    labels = space.settings.get("labels", {})
    return f"{count(sum(labels.values()), 'text')}, {count(len(labels), 'label')}" if labels else ""
