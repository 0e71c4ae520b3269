"""The keys and clicks that answer what is asked beside the map, see map/answers.js: each for what was on show then."""

import streamlit as st

from labelling.session import Session
from labelling.ui.frame import state
from labelling.ui.frame.steps import tell
from labelling.ui.history import audit
from labelling.ui.label import checking, proposing, texts
from labelling.ui.map import Pressed

# Pressed twice, they have ended the question already.
ENDING = {*audit.ENDING, *proposing.ENDING, *proposing.ANSWERS, "label", "name"}


def answer(session: Session, asked: str, press: Pressed) -> None:
    """Take a key or a label for a question. Of one that was answered, or has changed, it is not taken for the next."""
    held, proposal, key = checking.reading(session), proposing.shown(session), press.what
    name = texts.name_of(session, press)
    if key == "label" and name is None:
        return  # somebody has deleted it meanwhile
    if held is not None and held.asked == asked:
        if name is None:
            audit.press(session, held, key)
        elif audit.can_be_relabelled(session, held):
            audit.relabel(session, held, [], name)
    elif held is None and proposal is not None and state.of_project(proposing.Proposing).asked == asked:
        if name is None:
            proposing.press(session, proposal, key)
        else:
            proposing.give(session, proposal, name)
    else:
        if key not in ENDING:
            tell("step done", f"{key} came when its text was no longer on show: nothing was marked.")
        return
    if key == "name":
        st.session_state[state.widget_key("new label name")] = ""
