"""Giving labels to what is selected: the labels with their keys, what happens to rows that have one, undo and redo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from labelling.errors import StepError
from labelling.labels import LabelLog, Outcome
from labelling.labels.error_rate import Estimate
from labelling.labels.label import CHECK, YES, Action
from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import faults, keys, page, state
from labelling.ui.frame.steps import Taken, step, tell, told
from labelling.ui.label.reading import Reading
from labelling.ui.map import LABEL_MAP, is_drawn_on

LEAVE, OVERWRITE = "leave", "overwrite"
VERBS = {
    "assign": "label",
    "deny": "no for",
    "accept": "accept what was suggested",
    "refuse": "a proposal was mixed",
    "clear": "unlabel",
    "import": "import labels",
    "revert": "go back",
    "create": "new label",
    "reorder": "order of the labels",
    "key": "key of",
}


@dataclass(frozen=True)
class Nothing:
    """A step that changed nothing, and why; with a name: what overwriting would give the same rows."""

    rows: np.ndarray  # the selection it was about: shown until there is another, or something is done
    seq: int
    said: str
    name: str | None = None
    answer: int = YES
    n_others: int = 0


@dataclass
class _Last:
    """The step that was taken last, where it changed nothing; what went wrong, and after how many steps."""

    nothing: Nothing | None = None
    error: tuple[str, int] | None = None


def say() -> None:
    """What came of the step that was taken last."""
    last, n_taken = state.of_project(_Last), state.of_project(Taken).n
    with told(faults.STEP_ERROR) as message:
        if message:
            last.error = message, n_taken
    if last.error is not None and last.error[1] == n_taken:  # the page runs for other reasons than a step, too
        page.error(last.error[0])
    with told("step done") as done:
        if done:
            st.toast(done, icon=":material/check:")


def in_words(found: Estimate) -> str:
    return f"{found.words}; {found.n_read:,} read"  # more than bear it, where wrong ones have lost it


# ---------------------------------------------------------------- giving


def overwrites() -> bool:
    return bool(st.session_state.get(state.widget_key("overwrite")) == OVERWRITE)


def waits(session: Session) -> bool:
    """Whether some of what is selected has no label yet: to give one is the next thing to do."""
    return bool(session.labels.unlabelled[session.selection.rows].any())


def give(session: Session, name: str, shown: np.ndarray, answer: int = YES, *, overwrite: bool | None = None) -> None:
    """Label what is selected, or say yes or no to it; a step of a button beside the selection `shown`.

    `overwrite`: None is as it was chosen.
    """
    overwrite = overwrites() if overwrite is None else overwrite
    _need_a_selection_that_was_seen(session, shown)
    outcome = session.labelling.give(name, answer=answer, overwrite=overwrite)
    label = session.log.find(name.strip())
    if session.log.multi_label and label is not None:
        session.labels.focus_on(label.id)
    _tell_meanwhile(outcome, overwrite=overwrite)
    if not outcome.n_changed:
        _note_nothing(session, name.strip(), answer, outcome)
        return
    st.session_state[state.widget_key("new label name")] = ""
    if overwrites():  # once: forgotten, it would take labels off texts that nobody meant
        st.session_state[state.widget_key("overwrite")] = LEAVE
    reading = state.of_project(Reading)
    reading.labelled, reading.page = session.selection.rows, 0
    said = _given(session, outcome, name.strip(), answer)
    if outcome.n_left:
        said += f"; {outcome.n_left:,} had another and {'was' if outcome.n_left == 1 else 'were'} left"
    tell("step done", said)


def _given(session: Session, outcome: Outcome, name: str, answer: int) -> str:
    n = f"{outcome.n_changed:,}"
    if not session.log.multi_label:
        return f"{n} labelled {page.escape(name)}"
    return f"{n} {'is' if outcome.n_changed == 1 else 'are'} {'yes' if answer == YES else 'no'} for {page.escape(name)}"


def known_name(session: Session, typed: str) -> str:
    """A name that was typed, as the label that has it is called, whatever the case."""
    name = typed.strip()
    # "billing" beside "Billing" would be one label in two halves. Whoever wants both makes it on the page Labels.
    alike = next((label for label in session.log.labels if label.name.casefold() == name.casefold()), None)
    known = session.log.find(name) or alike
    return known.name if known else name


def give_texts(session: Session, rows: np.ndarray, name: str, answer: int = YES) -> None:
    """Label these texts alone, whatever they bear; a step of a key on them."""
    waited = waits(session)
    outcome = session.labelling.give_texts(rows, name, answer=answer)
    if waited and not waits(session):  # the last of what is selected: the next come up, as after a label for all of it
        reading = state.of_project(Reading)
        reading.labelled, reading.page = session.selection.rows, 0
    tell("step done", _given(session, outcome, name, answer))
    _tell_meanwhile(outcome, overwrite=True)


def clear_texts(session: Session, rows: np.ndarray, name: str | None) -> None:
    """Take the labels, or this one, off these texts alone."""
    outcome = session.labelling.clear_texts(rows, name)
    _tell_cleared(session, outcome, name)
    _tell_meanwhile(outcome, overwrite=True)


def clear(session: Session, shown: np.ndarray, name: str | None = None) -> None:
    """Take the labels, or this one, off what is selected; as `give`."""
    _need_a_selection_that_was_seen(session, shown)
    outcome = session.labelling.clear(name)
    if not outcome.n_changed:
        said = "Nothing was taken off: none of what is selected has a label."
        state.of_project(_Last).nothing = Nothing(session.selection.rows, session.log.seq, said)
    else:
        _tell_cleared(session, outcome, name)
    _tell_meanwhile(outcome, overwrite=True)


def _tell_cleared(session: Session, outcome: Outcome, name: str | None) -> None:
    if session.log.multi_label:
        of = f" for {page.escape(name)}" if name is not None else ""
        tell("step done", f"{outcome.n_changed:,} {'is' if outcome.n_changed == 1 else 'are'} unknown{of}")
    else:
        tell("step done", f"The label of {count(outcome.n_changed, 'text')} was taken off")


def _need_a_selection_that_was_seen(session: Session, shown: np.ndarray) -> None:
    """Of a lasso and a key that come in one message, the key's callback is called first, on the selection before.

    And a key may be pressed when the lasso has come already, but the page still shows what was selected before.
    """
    if is_drawn_on(LABEL_MAP) or session.selection.rows is not shown:
        raise StepError(
            "A lasso came at the same moment, and nothing was labelled: see what is selected now, and press again."
        )


def _note_nothing(session: Session, name: str, answer: int, outcome: Outcome) -> None:
    n, n_others = len(session.selection), outcome.n_left
    word = ("yes for " if answer == YES else "no for ") if session.log.multi_label else ""
    there = f"{n - n_others:,} {'is' if n - n_others == 1 else 'are'} {word}{name} already" if n > n_others else ""
    other = f"{n_others:,} {'has' if n_others == 1 else 'have'} another {'answer' if word else 'label'}"
    why = ", ".join(part for part in (there, other if n_others else "") if part)
    said = f"Nothing was labelled: {why}."
    overwrites = name if n_others else None
    state.of_project(_Last).nothing = Nothing(
        session.selection.rows, session.log.seq, said, overwrites, answer, n_others
    )


def nothing_done(session: Session) -> None:
    """What the last step did not do, and why, as long as it is about what is selected."""
    place = st.empty()  # always there: what it held is taken away by that
    last = state.of_project(_Last)
    held = last.nothing
    if held is None:
        return
    if held.rows is not session.selection.rows or held.seq != session.log.seq:
        last.nothing = None
        return
    with place.container(horizontal=True, vertical_alignment="center", gap="small", key="corral-nothing"):
        st.caption(f":material/info: **{page.escape(held.said)}**", width="stretch")
        if held.name is not None:
            name = held.name
            st.button(
                f"Overwrite {held.n_others:,}",
                key="overwrite them",
                on_click=step(lambda: give(session, name, held.rows, held.answer, overwrite=True)),
            )


def _tell_meanwhile(outcome: Outcome, *, overwrite: bool) -> None:
    if outcome.meanwhile:
        who = ", ".join(f"{page.escape(who) or 'somebody'} {n:,}" for who, n in outcome.meanwhile.items())
        came_of_it = "what you did came after it" if overwrite else "what they labelled was left"
        tell("step meanwhile", f"Of these, others have just changed some ({who}): {came_of_it}.")


# ---------------------------------------------------------------- taking back


def undo_and_redo(session: Session, beside: Callable[[Session], object] = lambda session: None) -> None:
    """Take back and bring back, and what one did last; `beside` the buttons stands what it draws."""
    log = session.log
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        # A key for good, as all buttons with a shortcut need one: a button that becomes another one stays on the page
        # beside it until the run is over, and a press that comes then is taken by both. What it takes back is the
        # action that its help names, once.
        for name, do, target, shortcut, verb in (
            ("Undo", session.labelling.undo, log.next_undo, keys.UNDO, "Takes back"),
            ("Redo", session.labelling.redo, log.next_redo, keys.REDO, "Brings back"),
        ):
            st.button(
                name,
                key=name.lower(),
                icon=f":material/{name.lower()}:",
                shortcut=shortcut,
                on_click=step(lambda do=do, target=target: target and do(target.seq)),
                disabled=target is None,
                help=f"{verb}: {page.escape(describe(log, target))}" if target else None,
                type="tertiary",
            )
        beside(session)
    own = next((action for action in reversed(log.actions) if action.who == log.who), None)
    if own is not None:
        about = own if own.is_step else log.actions[own.targets[0] - 1]
        where: dict[str, Any] = {"project": session.project.id, "action": str(about.seq)}
        # It leads to the history, where a check reads more of it.
        st.page_link(page.HISTORY, label=page.escape(_done_last(log, own)), query_params=where, width="content")


def _done_last(log: LabelLog, action: Action) -> str:
    """What one did last, in words; of an undo or a redo: what became of the action that it was about."""
    if action.is_step:
        return f"Last: {describe(log, action)}"
    said = describe(log, log.actions[action.targets[0] - 1])
    return f"Taken back: {said}. Redo brings it back." if action.kind == "undo" else f"Brought back: {said}"


def can_be_audited(log: LabelLog, action: Action) -> bool:
    return action.gives_labels and log.in_force(action.seq)


def describe(log: LabelLog, action: Action) -> str:
    """An action in a few words, as plain text."""
    if action.kind in ("undo", "redo"):
        target = log.actions[action.targets[0] - 1]
        return f"{action.kind}: {describe(log, target)}"
    if action.kind == "audit":
        return _described_check(log, action)
    said = VERBS.get(action.kind, action.kind)
    if action.source == CHECK:
        said = "check, and right label"
    if action.label_id is not None:
        said += f" {log.last_name(action.label_id)}"
    return said + (f", {count(action.n_rows, 'text')}" if action.n_rows else "")


def _described_check(log: LabelLog, action: Action) -> str:
    """As in "check of 9 labels: 1 wrong"; of one action's texts also of which label."""
    how = log.how(action.seq)
    n = len(how["read"])
    of = count(n, "label") if action.label_id is None else f"{count(n, 'text')} of {log.last_name(action.label_id)}"
    return f"check of {of}: {len(how['wrong']):,} wrong"
