"""Checking on the label page: a few labels drawn at random are read, which tells how right all of them are."""

import time
from dataclasses import dataclass

import numpy as np
import streamlit as st

from labelling.labels.error_rate import Estimate
from labelling.labels.label import UNLABELLED, Action, LabelError
from labelling.session import Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.steps import step
from labelling.ui.history.audit import Audit, Held
from labelling.ui.label import aim, give_labels

N_OF_ACTION, N_OF_ALL = 5, 9  # texts that a check reads: a key each
# So many actions after a check over all labels, or so many labels that none covers, the next one is due.
ACTIONS_DUE, LABELS_DUE = 50, 500
QUIET_SECONDS = 3600
FEW = 5  # an action of fewer texts is read while it is labelled
GIVEN = ("assign", "deny", "split", "accept")  # kinds of action


@dataclass
class _Checked:
    """Until when none is asked for."""

    quiet_until: float = 0.0  # by time.monotonic()


def reading(session: Session) -> Audit | None:
    """The texts that are being checked beside the map, where some are."""
    held = state.of_project(Held).audit
    return held if held is not None and held.beside_map else None


def offer(session: Session) -> None:
    """A button that checks what was labelled last, or all labels where that is due; in colour where that is next."""
    if reading(session) is not None:
        return
    last, all_due = _last(session), _all_due(session)
    # What was checked once, or is so little that it was read, tells nothing new: then all labels are drawn from.
    fresh = last is not None and last.n_rows >= FEW and not len(session.log.read(last.seq))
    of_all = all_due or (not fresh and not session.log.multi_label and bool(session.log.known.any()))
    checked = state.of_project(_Checked)
    due = time.monotonic() >= checked.quiet_until and (all_due or fresh)
    n = N_OF_ALL if of_all else N_OF_ACTION
    about = f" ({page.escape(give_labels.describe(session.log, last))})" if last is not None else ""
    st.button(
        f"Check {n} of all" if of_all else f"Check {n} of the last",
        key="check",
        icon=":material/fact_check:",
        shortcut=keys.CHECK,
        type="primary" if due and not give_labels.waits(session) else "tertiary",
        disabled=not of_all and last is None,
        on_click=step(lambda: begin(session, None if of_all else last)),
        help=f"Read {n} texts drawn at random of all that is labelled: it tells how right all labels are."
        if of_all
        else f"Read {n} texts drawn at random of what you labelled last{about}: it tells at once whether that one step "
        f"was right. A check of all labels comes after {ACTIONS_DUE} steps, and at the end.",
    )
    with st.container(width="content", key="corral-no-check"):  # always there: a button that goes leaves its place
        if due:
            st.button(
                ":material/snooze:",
                key="no check",
                shortcut=keys.NO_CHECK,
                type="tertiary",
                on_click=step(lambda: setattr(checked, "quiet_until", time.monotonic() + QUIET_SECONDS)),
                help="No check is asked for during the next hour. V checks all the same.",
            )


def begin(session: Session, action: Action | None) -> None:
    """Draw the texts to read: of this action, or of all labels. Raises LabelError where all were read."""
    log = session.log
    if action is None:
        rows = log.check_sample(N_OF_ALL)
    else:
        rows = session.labelling.audit_sample(action.seq, "random", N_OF_ACTION)
    if not len(rows):
        raise LabelError("All of these were read already.")
    about = None if action is None else action.seq
    state.of_project(Held).audit = Audit(about, "random", rows, log.seq, beside_map=True)


def _last(session: Session) -> Action | None:
    """What one labelled last oneself, where it is in force and some of it still bears the label."""
    log = session.log
    for action in reversed(log.actions):
        if action.who == log.who and action.kind in GIVEN and give_labels.can_be_audited(log, action):
            return action
    return None


def _all_due(session: Session) -> bool:
    """Whether much was labelled since the last check over all; or all is labelled, and some of it not checked."""
    log = session.log
    if log.multi_label or not np.any(log.codes != UNLABELLED):
        return False
    since = log.actions[log.last_check :]
    n_actions = sum(action.gives_labels and action.kind != "import" for action in since)
    return bool(n_actions >= ACTIONS_DUE or log.n_unchecked >= (LABELS_DUE if session.labels.unlabelled.any() else 1))


def _aimed(found: Estimate) -> str:
    """Whether the aim is reached, or what to read to know."""
    share = state.of_project(aim.Aim).share
    _, low, high = found.right
    if low >= share:
        return f": the aim of {share} % is reached."
    return f". {aim.to_know(found, share)}." if high >= share else f", less than the aim of {share} %."


def when_done(session: Session) -> str | None:
    """What comes next once all is labelled; None before."""
    log = session.log
    if session.labels.unlabelled.any() or not log.n_labelled:
        return None
    found = log.rightness()
    if log.multi_label or not log.n_unchecked:
        return "All is labelled" + ("." if found is None else f", about {found.words}{_aimed(found)}")
    how_right = "how right nobody knows yet" if found is None else f"about {found.words}"
    return f"All is labelled, {how_right}. Next: press {keys.CHECK} to check {N_OF_ALL} of them."
