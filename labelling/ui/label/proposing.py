"""What next: a proposal beside the map, ten of its texts to read, and the answers to it."""

import html
from dataclasses import dataclass, field
from uuid import uuid4

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator as Place

from labelling.errors import StepError
from labelling.labels import Outcome
from labelling.labels.error_rate import wilson
from labelling.labels.label import UNLABELLED, Label
from labelling.palette import style
from labelling.queues.answers import BY
from labelling.queues.proposal import HEAP, SURE, Proposal
from labelling.session import Session
from labelling.tasks.jobs import Job
from labelling.ui.frame import faults, keys, page, state
from labelling.ui.frame.markdown import cut
from labelling.ui.frame.resources import jobs
from labelling.ui.frame.steps import step, tell
from labelling.ui.history import audit
from labelling.ui.history.audit import LOOKS, MAX_CHARACTERS, Held
from labelling.ui.label import aim, checking, controls, strip

AT_ONCE_SECONDS = 1.0  # that the page waits for the first proposal
REFRESH_SECONDS = 0.5
AT_ONCE_ROWS = 10  # of fewer a proposal is read as a whole
# The keys that answer all of it, with their buttons.
ENDING = {
    keys.ACCEPT: "accept proposal",
    keys.MIXED: "mixed",
    keys.SPLIT: "split proposal",
    keys.NEXT_PAGE: "skip proposal",
    keys.DESELECT: "stop proposals",
}
ANSWERS = {keys.YES: "answer Yes", keys.NO: "answer No"}  # for the label in focus
MAX_HELD = 2  # queues, for whoever else works on the same texts: each holds the embeddings of all texts once more


@dataclass
class Proposing:
    """Whether this tab is shown proposals; of the one on show, what was marked as not belonging."""

    on: bool = False
    of: Proposal | None = None
    wrong: set[int] = field(default_factory=set)
    answered: Proposal | None = None  # the last that was
    asked: str = ""  # what the keys for the one on show are sent with


def button(session: Session) -> None:
    """Shows the first proposal."""
    st.button(
        "What next",
        key="what next",
        icon=":material/assistant:",
        shortcut=keys.WHAT_NEXT,
        type="tertiary",
        on_click=step(lambda: begin(session)),
        help="The next texts worth labelling in one go: they are marked on the map, and ten of them are here to read",
    )


def begin(session: Session) -> None:
    """Show the first proposal."""
    if n := len(session.selection):
        tell("step done", f"This is of all texts, not of the {n:,} that were selected.")
    session.proposals.proposal = None
    state.of_project(Held).audit = None  # a check that nobody goes on with
    state.of_project(Proposing).on = True


def prepare(session: Session) -> None:
    """Find the proposal to show, where proposals are shown: before the selection is drawn, which it becomes.

    A lasso or anything else that selects other texts ends it: what is labelled then is taken in by the next proposal.
    """
    here, proposals = state.of_project(Proposing), session.proposals
    if checking.reading(session) is not None:
        here.on = False
    if not here.on:
        return
    if proposals.proposal is not None and session.selection.chosen_by.get("by") != BY:
        here.on = False  # whatever became of it: what was selected meanwhile, on another page say, is looked at
        return
    if proposals.proposal is not None and not proposals.is_stale:
        return
    if not proposals.is_ready and not _make_ready(session):
        proposals.proposal = None  # of the map before: what can't be answered is not shown
        return
    found = proposals.find(state.of_project(aim.Aim).share / 100)
    if found is None:
        here.on = False
        session.selection.deselect()
        tell("step done", "Nothing is left to propose: all that the map shows has a label.")
    if found is not here.of:
        here.of, here.wrong, here.asked = found, set(), uuid4().hex


def _make_ready(session: Session) -> bool:
    """Whether there is a queue for the space that is shown; it is made beside the page."""
    key = ("what next", session.project.id, session.project.current.id)
    job = jobs().get(*key)
    if job is None or _is_of_other_texts(job, session):
        job = jobs().start(*key, title="What next", work=lambda _: session.proposals.fitted())
    job.join(AT_ONCE_SECONDS)
    if job.error is not None:
        jobs().forget(*key)
        state.of_project(Proposing).on = False
        tell(faults.STEP_ERROR, job.failure or "")
    if job.result is None:
        return False
    session.proposals.use(job.result)
    jobs().forget_all_but("what next", MAX_HELD)
    return True


def _is_of_other_texts(job: Job, session: Session) -> bool:
    return job.result is not None and job.result.answers_.n_rows != session.project.n_rows


def shown(session: Session) -> Proposal | None:
    """The proposal that is on show."""
    return session.proposals.proposal if state.of_project(Proposing).on else None


def is_waiting(session: Session) -> bool:
    """Whether the first proposal is still being made."""
    return state.of_project(Proposing).on and session.proposals.proposal is None


@st.fragment(run_every=REFRESH_SECONDS)
@faults.guarded
def wait(session: Session) -> None:
    """Runs the page again once there is a proposal."""
    st.caption("Looking for what is alike among all texts. You can go on meanwhile.")
    job = jobs().get("what next", session.project.id, session.project.current.id)
    if job is None or not job.is_alive():
        st.rerun()


# ---------------------------------------------------------------- the proposal


def head(session: Session, proposal: Proposal) -> None:
    """What is proposed, and the ways to leave it."""
    st.markdown(f"##### {_in_brief(session, proposal)}", width="content")
    for label, key, shortcut, do, said in (
        ("Mixed", "mixed", keys.MIXED, _mixed, "They do not belong together: smaller heaps of them come later"),
        ("Split", "split proposal", keys.SPLIT, _split, "They are two groups or more: shows one after the other"),
        ("Skip", "skip proposal", keys.NEXT_PAGE, _skip, "Another one; this comes again when there is no other"),
        ("Stop", "stop proposals", keys.DESELECT, _stop, "Back to lassos"),
    ):
        if do is _split and (proposal.labels is not None or len(proposal.rows) < 2):
            continue
        st.button(
            label,
            key=key,
            shortcut=shortcut,
            type="tertiary",
            on_click=step(lambda do=do: do(session, proposal)),
            help=said,
        )


def _in_brief(session: Session, proposal: Proposal) -> str:
    n, name = f"{len(proposal.rows):,}", session.proposals.name_for()
    if proposal.labels is None:
        if proposal.kind != HEAP:
            return f"{n} to read"
        return f"{n} that look alike" if proposal.is_alike else f"{n} unlike each other"
    if proposal.kind == SURE:
        return f"{n} with a likely label each"
    return f"{n} more like {page.escape(name)}" if name is not None else f"{n} to read"


def in_words(session: Session, proposal: Proposal) -> str:
    """What to do, and how right it is expected to be."""
    left, in_bulk = session.proposals.n_left - len(session.proposals.given), session.proposals.n_in_bulk
    few = len(proposal.sample) == len(proposal.rows)
    read = "Read all" if few else f"Read {len(proposal.sample)} drawn at random"
    few_in_bulk = "hardly any of them many at once: read tens, or improve the map"
    wrong = state.of_project(Proposing).wrong
    if len(wrong) > 1 and not few:
        n_right = len(session.proposals.rows_to_label(wrong, session.proposals.name_for()))
        ways = f"{keys.SPLIT} shows its parts, {keys.MIXED} " if proposal.labels is None else f"with {keys.MIXED} "
        return f"{len(wrong)} marked: mixed, so only the {n_right} read that belong get a label, {ways}none does"
    if not few and session.proposals.suggests and (how_right := _how_right(session, len(proposal.rows))):
        return f"{read}; mark what does not belong · {how_right}"
    rest = f"about {in_bulk:,} of them many at once" if in_bulk >= AT_ONCE_ROWS else few_in_bulk
    if aim.is_reached(session):
        rest = "as many labelled as you aim for: Esc shows the ways on"
    elif proposal.labels is None and aim.are_leftovers(session):
        rest = f"few of them alike: {keys.MIXED} where this is mixed"
    return f"{read}; mark what does not belong · {left:,} left, {rest}"


def _how_right(session: Session, n: int) -> str:
    """How many of `n` labels proposed may be wrong, by the last ones like them that were read."""
    n_right, n_read = session.proposals.proved
    if not n_read:
        return ""
    low, high = wilson(1 - n_right / n_read, n_read)
    said = f"of the last {n_read} such labels {n_right} were right"
    return f"{said}: {int(low * n):,} to {int(np.ceil(high * n)):,} of these {n:,} may be wrong"


def show(session: Session, proposal: Proposal, look: controls.Shown, place: Place) -> None:
    """Which label; in `place` what accepts."""
    wrong, names = state.of_project(Proposing).wrong, session.proposals.names()
    name = session.proposals.name_for()
    n = len(session.proposals.rows_to_label(wrong, name))
    each = _is_each(session)
    if each:
        n_marked = len(_without_own(session))
        said = f"Right label for {n_marked:,}" if n_marked else "Right label for what is wrong"
        asked = strip.Asked(0, lambda given: give(session, proposal, given), guessed=not n_marked, said=said)
    else:
        asked = strip.Asked(n, lambda given: give(session, proposal, given), guessed=name is not None)
    strip.show(session, look, asked)

    with place, st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if each or name is not None:
            only = "only the " if len(wrong) > 1 and len(proposal.sample) < len(proposal.rows) else ""
            st.button(
                f"Label {only}{n:,}" + (", each as proposed" if each else f" {page.escape(name or '')}"),
                key="accept proposal",
                icon=":material/check:",
                type="primary",
                shortcut=keys.ACCEPT,
                disabled=not n,
                on_click=step(lambda: _accept(session, proposal, None if names is not None else name)),
                help="With two or more marked only those that were read, and belong, get a label",
            )
            if each and n > len(proposal.sample):
                st.button(
                    f"Only the {len(proposal.sample) - len(wrong)} read",
                    key="accept read",
                    on_click=step(lambda: _accept(session, proposal, None, only_read=True)),
                    help="The others come again later, fewer at a time",
                )


def read(session: Session, proposal: Proposal) -> None:
    """The texts to read, with a key each for what does not belong."""
    here, names = state.of_project(Proposing), session.proposals.names()
    wrong, places = here.wrong, range(1, len(proposal.sample) + 1)
    buttons = {str(place % 10): f"belongs {place}" for place in places} | ENDING
    st.html(audit.asks(here.asked, buttons | (ANSWERS if session.labels.focus is not None else {})))
    for place, row in enumerate(map(int, proposal.sample), 1):
        own = session.log.codes[row] if row in session.proposals.given and not session.log.multi_label else UNLABELLED
        label = None if own == UNLABELLED else session.log.label(int(own))
        name = names[place - 1] if names else None
        _text(session, place, row, row in wrong and label is None, name, label)


def _text(session: Session, place: int, row: int, wrong: bool, name: str | None, own: Label | None) -> None:
    """`name` is suggested for it; `own` it was given alone."""
    button, text = st.columns([1, 6], vertical_alignment="center")
    icon, hue, said = LOOKS[wrong]
    if own is not None:
        hue, name = style(own.style)["colour"], f"✓ {own.name}"
    button.button(
        f":material/{icon}:",
        key=f"belongs {place}",
        shortcut=str(place % 10),
        type="primary" if wrong else "secondary",
        width="stretch",
        on_click=step(lambda: _mark(row, not wrong)),  # what it was pressed for, however often that comes
        help=f"{said}: press where that is wrong",
    )
    shown = html.escape(cut(session.project.dataset.text(row).strip(), MAX_CHARACTERS))
    suggested = html.escape(name) if name is not None else "&nbsp;"  # its place is kept: a label may come
    text.html(
        f'<div class="corral-sample" tabindex="0" data-corral-row="{row}" style="--corral-colour:{hue}">'
        f'<div class="corral-text">{shown}</div><small>{suggested}</small></div>'
    )


# ---------------------------------------------------------------- answers


def _is_each(session: Session) -> bool:
    """Whether each text stands beside a label of its own."""
    return session.proposals.names() is not None and session.proposals.name_for() is None


def give(session: Session, proposal: Proposal, name: str) -> None:
    """A label for what is proposed; where each text has one of its own, for those whose label was marked as wrong."""
    (_give_own if _is_each(session) else _accept)(session, proposal, name)


def press(session: Session, proposal: Proposal, key: str) -> None:
    """A key of those that answer, as its button."""
    does = {keys.MIXED: _mixed, keys.SPLIT: _split, keys.NEXT_PAGE: _skip, keys.DESELECT: _stop}
    if key in does:
        does[key](session, proposal)
    elif key in ANSWERS:
        _accept(session, proposal, "yes" if key == keys.YES else "no")
    elif key == keys.ACCEPT:
        if session.proposals.names() is None and session.proposals.name_for() is None:
            raise StepError("Nothing is suggested for these: type a name, or choose a label.")
        name = session.proposals.name_for() if session.proposals.names() is None else None
        _accept(session, proposal, name)
    else:
        wrong, row = state.of_project(Proposing).wrong, int(proposal.sample[(int(key) - 1) % 10])
        _mark(row, row not in wrong)


def _is_answered(session: Session, proposal: Proposal) -> bool:
    """Whether this person has answered it already: it was pressed for what was shown, and is done once."""
    if state.of_project(Proposing).answered is proposal:
        return True
    if session.proposals.proposal is not proposal or session.proposals.is_stale:
        raise StepError("The proposal has changed meanwhile, and nothing was labelled: see what is proposed now.")
    return False


def _mark(row: int, wrong: bool) -> None:
    marked = state.of_project(Proposing).wrong
    (marked.add if wrong else marked.discard)(row)


def give_texts(session: Session, proposal: Proposal, rows: np.ndarray, name: str) -> None:
    """Give some of the texts a label of their own. They do not belong then, and the proposal goes on without them."""
    if _is_answered(session, proposal):
        return
    if not np.isin(rows, proposal.rows).any():
        tell("step done", "Nothing was labelled: what was marked is not of this proposal.")
        return
    rows = np.intersect1d(rows, proposal.rows)
    outcome = session.proposals.give_texts(rows, name)
    if not session.log.multi_label:
        as_proposed = [] if proposal.labels is None else proposal.rows[proposal.labels == name]
        state.of_project(Proposing).wrong.update(np.setdiff1d(rows, as_proposed).tolist())
    tell("step done", f"{outcome.n_changed:,} labelled {page.escape(name)}, alone")


def _without_own(session: Session) -> list[int]:
    """What is marked as not belonging, and was given no label of its own."""
    return [row for row in sorted(state.of_project(Proposing).wrong) if row not in session.proposals.given]


def _give_own(session: Session, proposal: Proposal, name: str) -> None:
    """Where each text has a label that is suggested for it: another one for those that are marked."""
    rows = _without_own(session)
    if not rows:
        raise StepError("Mark a text whose label is wrong first, by the key beside it: then say its right label.")
    give_texts(session, proposal, np.array(rows), name)


def _accept(session: Session, proposal: Proposal, name: str | None, *, only_read: bool = False) -> None:
    if _is_answered(session, proposal):
        return
    outcome = session.proposals.accept(state.of_project(Proposing).wrong, name, only_read=only_read)
    state.of_project(Proposing).answered = proposal
    st.session_state[state.widget_key("new label name")] = ""
    tell("step done", _said(session, outcome, name))


def _said(session: Session, outcome: Outcome, name: str | None) -> str:
    if not outcome.n_changed:
        return "Nothing was labelled: none of what was read belongs."
    last = session.log.actions[-1]
    label = session.log.last_name(last.label_id) if last.label_id is not None else None
    return f"{outcome.n_changed:,} labelled" + (f" {page.escape(label)}" if label else ", each as proposed")


def _mixed(session: Session, proposal: Proposal) -> None:
    if not _is_answered(session, proposal):
        session.proposals.refuse(state.of_project(Proposing).wrong)
        state.of_project(Proposing).answered = proposal


def _split(session: Session, proposal: Proposal) -> None:
    if not _is_answered(session, proposal):
        session.proposals.split()
        state.of_project(Proposing).answered = proposal


def _skip(session: Session, proposal: Proposal) -> None:
    if not _is_answered(session, proposal):
        session.proposals.pass_over()
        state.of_project(Proposing).answered = proposal


def _stop(session: Session, proposal: Proposal) -> None:
    state.of_project(Proposing).on = False
    session.proposals.proposal = None
    session.selection.deselect()
