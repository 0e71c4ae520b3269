"""The parts of the history page: the actions, and one of them with its texts on the map."""

import html
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from labelling.labels import LabelLog
from labelling.labels.label import Action, LabelError
from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import page, state
from labelling.ui.frame.steps import step, tell
from labelling.ui.label import give_labels
from labelling.ui.map import colours
from labelling.ui.tune import tuning

MAX_SHOWN = 1_000  # actions in the list, the newest
MAP_HEIGHT = "300px"


@dataclass
class Chosen:
    """The action that is shown, by its number."""

    action: int | None = None


def choose(session: Session) -> Action | None:
    """The list of actions, newest first; the one that is chosen, by a click or in the page's address."""
    log = session.log
    if not log.actions:
        st.caption("Nothing has been done to the labels yet.")
        return None
    st.markdown("##### History")
    chosen = state.of_project(Chosen)
    if asked := st.query_params.get("action"):
        chosen.action = int(asked) if asked.isdecimal() else None
        del st.query_params["action"]  # after it was taken in: a run may be ended at any of these lines
    give_labels.undo_and_redo(session)
    found = _filtered(log)
    shown = found[:MAX_SHOWN]
    more = f", the newest {MAX_SHOWN:,} are listed" if len(found) > MAX_SHOWN else ""
    st.caption(f"{len(found):,} of {count(len(log.actions), 'action')}{more}. Click one to see it.")
    places = {action.seq: place for place, action in enumerate(shown)}
    table = pd.DataFrame([_line(log, action) for action in shown])
    event = st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=min(620, 38 + 35 * max(len(shown), 1)),
        key=f"history {log.seq} {hash(tuple(places))}",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [places[chosen.action]] if chosen.action in places else []}},
        column_config={
            "#": st.column_config.NumberColumn(width=45),
            "When": st.column_config.TextColumn(width=110),
            "Texts": st.column_config.TextColumn(width=60, alignment="right"),
        },
    )
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(shown):
        chosen.action = shown[rows[0]].seq
    seq = chosen.action
    return log.actions[seq - 1] if seq and 1 <= seq <= len(log.actions) else None


def _filtered(log: LabelLog) -> list[Action]:
    actions = log.actions[::-1]
    with st.container(horizontal=True, gap="small"):
        people = sorted({action.who for action in actions})
        who = st.multiselect("Who", people, placeholder="anybody", format_func=lambda who: who or "somebody")
        kinds = st.multiselect(
            "What",
            sorted({action.kind for action in actions}),
            placeholder="anything",
            format_func=lambda kind: {"audit": "check", **give_labels.VERBS}.get(kind, kind),
        )
        used = {action.label_id for action in actions if action.label_id is not None}
        labels = st.multiselect("Label", sorted(used), placeholder="any", format_func=log.last_name)
    return [
        action
        for action in actions
        if (not who or action.who in who)
        and (not kinds or action.kind in kinds)
        and (not labels or action.label_id in labels)
    ]


def _line(log: LabelLog, action: Action) -> dict[str, Any]:
    found, described = log.quality_now(action.seq), give_labels.describe(log, action)
    # Of a check, what was read: those that lost the label by it are in its words.
    n_rows = len(log.how(action.seq)["read"]) if action.kind == "audit" else action.n_rows
    return {
        "#": action.seq,
        "When": _when(action),
        "Who": action.who or "somebody",
        # First of all whether it holds: on a narrow screen what stands at the end is cut off.
        "What": ("" if log.in_force(action.seq) else "taken back: ")
        + (described.rsplit(", ", 1)[0] if action.n_rows and action.kind != "audit" else described),
        "Texts": f"{n_rows:,}" if n_rows else "",
        "Chosen by": action.source if action.source != action.kind else "",
        "Right, by checks": found.words.replace(" right", "") if found else "",
    }


def _when(action: Action) -> str:
    return datetime.fromisoformat(action.at).astimezone().strftime("%d %b, %H:%M")


# ---------------------------------------------------------------- one action


def show(session: Session, action: Action) -> None:
    """What was done, to which texts, on the map; the buttons that take it back or go back to it."""
    log = session.log
    st.html(f"<h5>{action.seq}. {html.escape(give_labels.describe(log, action))}</h5>")
    st.caption(" · ".join(map(page.escape, _said(session, action))))
    rows = log.rows_of(action.seq)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        in_force = log.in_force(action.seq)
        if action.is_step:
            st.button(
                "Take it back" if in_force else "Bring it back",
                key=f"take back {action.seq} {in_force}",
                icon=":material/undo:" if in_force else ":material/redo:",
                on_click=step(lambda: _take_back(session, action, in_force=in_force)),
                help=f"{page.escape(give_labels.describe(log, action))}. What was done since, by anybody, stays.",
            )
        later = len(log.actions) - action.seq
        with st.popover("Go back to here", disabled=not later):
            st.markdown(
                f"The labels as they were after this action: {count(later, 'later one')} "
                f"{'is' if later == 1 else 'are'} taken back."
            )
            st.button(
                "Go back",
                key=f"go back to {action.seq}",
                type="primary",
                on_click=step(lambda: _say(log.revert(action.seq))),
                help="It is an action too: undo takes it back.",
            )
        if len(rows) and st.button("Select on the map", icon=":material/lasso_select:"):
            _select(session, action, rows)


def _take_back(session: Session, action: Action, *, in_force: bool) -> None:
    (session.log.undo if in_force else session.log.redo)(action.seq)
    said = page.escape(give_labels.describe(session.log, action))
    tell("step done", f"{'Taken back' if in_force else 'Brought back'}: {said}.")


def _say(n: int) -> None:
    if not n:
        raise LabelError("Nothing to take back: the labels are as they were after this action.")
    tell("step done", f"{count(n, 'action')} taken back or brought back. Undo takes this back.")


def _said(session: Session, action: Action) -> list[str]:
    how = session.log.how(action.seq)
    said = [_when(action), action.who or "somebody"]
    if how.get("imported_by"):
        said.append(f"as a file says that {how['imported_by']} brought")
    if action.source != action.kind:
        steps = [how.get("by"), *(step.get("by") for step in how.get("then", []))]
        said.append("chosen by " + ", then ".join(str(step) for step in steps))
    if how.get("query"):
        said.append(f"search: {how['query']}"[:100])
    spaces = {space.id: space.name for space in session.project.spaces()}
    if how.get("space") is not None:
        name = spaces.get(how["space"], "a space that was given up")
        said.append(f"on the {how.get('projection')} map of {name}")
    if not session.log.in_force(action.seq):
        said.append("taken back")
    return said


def draw(session: Session, action: Action) -> None:
    """The map that the texts were chosen on, with them in colour."""
    rows = session.log.rows_of(action.seq)
    if not len(rows):
        return
    how = session.log.how(action.seq)
    space = next((space for space in session.project.spaces() if space.id == how.get("space")), session.project.current)
    projection = str(how.get("projection", "PCA"))
    if space.map(projection) is None:
        projection = "PCA"
    colouring = colours.by_found(f"action {action.seq}", rows, session.project.n_rows)
    drawn = tuning.draw(session, space, projection, "map-history", colouring, MAP_HEIGHT)
    if drawn is not None:
        tuning.legend(drawn)


def _select(session: Session, action: Action, rows: np.ndarray) -> None:
    """Select the action's texts on the label page."""
    space = session.project.current
    view = session.map.view or session.map.look(space, "UMAP" if space.has_map("UMAP") else "PCA")
    if view is None:
        return
    session.show_only(None)
    session.selection.select(rows, "history", action=action.seq)
    st.switch_page(page.LABEL, query_params={"project": session.project.id})
