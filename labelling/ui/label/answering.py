"""The keys that answer what is asked beside the map, see map/answers.js: each for the question that was on show."""

from labelling.session import Session
from labelling.ui.frame import state
from labelling.ui.frame.steps import tell
from labelling.ui.history import audit
from labelling.ui.label import checking, proposing


def answer(session: Session, asked: str, key: str) -> None:
    """Take a key for a question. Of one that was answered meanwhile, or has changed, it is not taken for the next."""
    held, proposal = checking.reading(session), proposing.shown(session)
    if held is not None and held.asked == asked:
        audit.press(session, held, key)
    elif held is None and proposal is not None and state.of_project(proposing.Proposing).asked == asked:
        proposing.press(session, proposal, key)
    elif key not in audit.ENDING and key not in proposing.ENDING:  # pressed twice, it has ended the question already
        tell("step done", f"{key} came when its text was no longer on show: nothing was marked.")
