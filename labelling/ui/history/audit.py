"""Reading a sample of what an action labelled, and marking what does not belong."""

import html
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from labelling.labels.auditing import RANDOM
from labelling.labels.label import Action, LabelError
from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.markdown import cut
from labelling.ui.frame.steps import step, tell
from labelling.ui.label import give_labels

SAMPLES = {
    "random": ("Random", "tells the share of wrong labels"),
    "contradicted": ("Contradicted", "their nearest texts have another label"),
    "outlying": ("Outlying", "farthest from the middle, in the full space"),
    "edge": ("From the edge", "most of their nearest texts lie elsewhere"),
}
# Of a text without an answer, one that belongs and one that does not: icon, colour, words.
LOOKS: dict[bool | None, tuple[str, str, str]] = {
    None: ("remove", "#8888", "No answer yet: press where it does not belong"),
    False: ("check", "#009E73", "Belongs here"),
    True: ("close", "#D55E00", "Does not belong here"),
}
PAGE_ROWS = 9  # a key each
MAX_CHARACTERS = 1_500


@dataclass
class Audit:
    """A page of texts that are being read; each page is kept as an action of its own.

    `wrong` says of each row that was answered whether it was found wrong: what has no answer counts as not read. `seq`
    is the action that they are of, None where they are of all labels.
    """

    seq: int | None
    sample: str
    rows: np.ndarray
    drawn: int  # the last action when they were drawn: what is given meanwhile is not covered
    wrong: dict[int, bool] = field(default_factory=dict)
    beside_map: bool = False  # on the label page, not on the history's

    def answer(self, row: int, wrong: bool) -> None:
        self.wrong[row] = wrong

    def all_others_belong(self) -> None:
        self.wrong = {**dict.fromkeys(map(int, self.rows), False), **self.wrong}


@dataclass
class Held:
    """The page that this tab reads now, on the history's page or beside the map."""

    audit: Audit | None = None


def show(session: Session, action: Action) -> None:
    """What is known of the action's labels by checks, and the next texts to read."""
    if not give_labels.can_be_audited(session.log, action):
        return
    st.markdown("##### Do these texts belong here?")
    _known(session, action)
    held = state.of_project(Held).audit
    if held is None or held.seq != action.seq or held.beside_map:
        _begin(session, action)
        return
    read(session, held)


def _known(session: Session, action: Action) -> None:
    found = session.log.quality_of(action.seq)
    n_read = len(session.log.read(action.seq))
    if found is None:
        said = f"{n_read:,} were read, none drawn at random yet." if n_read else "Nothing has been read yet."
        st.caption(f"{said} A random sample tells the share of wrong labels.")
        return
    st.markdown(f"**{give_labels.in_words(found)}**")
    left = session.log.quality_now(action.seq)
    if left is not None and left.n_rows < found.n_rows:
        st.caption(
            f"So it was when given. What was found wrong has lost the label: of the {left.n_rows:,} that are left "
            f"about {left.words}."
        )
    st.caption(
        "The 95 % interval is Wilson's, corrected for how much of all was read. Only random samples count; those of "
        "the edge and the outlying find mistakes, and would make the share look worse than it is."
    )


def _begin(session: Session, action: Action) -> None:
    n_left = action.n_rows - len(session.log.read(action.seq))
    if not n_left:
        st.caption("All of these texts have been read.")
        return
    offered = [sample for sample in SAMPLES if sample != "contradicted" or not session.log.multi_label]
    sample = st.radio(
        "Sample",
        offered,
        format_func=lambda sample: SAMPLES[sample][0],
        captions=[SAMPLES[sample][1] for sample in offered],
        key="audit sample",
        horizontal=True,
    )
    st.button(
        f"Read {count(min(PAGE_ROWS, n_left), 'text')}",
        key="audit begin",
        type="primary",
        icon=":material/menu_book:",
        on_click=step(lambda: _draw(session, action.seq, sample)),
    )


def _draw(session: Session, seq: int, sample: str) -> None:
    """The next texts; none where all have been read. What was answered of another action's page is kept."""
    if (held := state.of_project(Held).audit) is not None:
        _keep(session, held, go_on=False)
    n_read = len(session.log.read(seq))
    rows = session.labelling.audit_sample(seq, sample, PAGE_ROWS)
    state.of_project(Held).audit = Audit(seq, sample, rows, session.log.seq) if len(rows) else None
    if not len(rows) and sample == "contradicted" and n_read < session.log.actions[seq - 1].n_rows:
        tell("step done", "None of what is left to read is contradicted by labels round it.")


def draw_of_all(session: Session) -> None:
    """The next texts of a check over all labels, to be read on this page; none where all have been read."""
    if (held := state.of_project(Held).audit) is not None:
        _keep(session, held, go_on=False)
    rows = session.log.check_sample(PAGE_ROWS)
    state.of_project(Held).audit = Audit(None, RANDOM, rows, session.log.seq) if len(rows) else None
    if not len(rows):
        tell("step done", "All labels have been read.")


def read(session: Session, held: Audit) -> None:
    """The texts of a page, with a key each for what does not belong.

    Beside the map one page is read at a time. There, and of all labels, each text says which one is asked about.
    """
    if not held.beside_map:
        st.caption(
            f"{SAMPLES[held.sample][0]}: press a text's key, or click on its button, where it does **not** belong, "
            "once more where it does. What does not belong loses the label. A text without an answer counts as "
            "not read."
        )
    for place, row in enumerate(map(int, held.rows), 1):
        wrong = held.wrong.get(row)
        button, text = st.columns([1, 5], vertical_alignment="center")
        icon, hue, said = LOOKS[wrong]
        button.button(
            f":material/{icon}:",
            key=f"audit {place}",
            shortcut=str(place),
            type="primary" if wrong else "secondary",
            width="stretch",
            on_click=step(held.answer),
            args=(row, wrong is not True),  # at first that it does not belong, then the other one each time
            help=said,
        )
        shown = html.escape(cut(session.project.dataset.text(row).strip(), MAX_CHARACTERS))
        asked = (
            f"<small>{html.escape(session.log.name_of(row) or '')}</small>"
            if held.beside_map or held.seq is None
            else ""
        )
        text.html(f'<div class="corral-sample" style="--corral-colour:{hue}">{shown}{asked}</div>')
    n, n_answered, n_wrong = len(held.rows), len(held.wrong), sum(held.wrong.values())
    with st.container(horizontal=True, gap="small", key="corral-answered"):
        st.button(
            f"The other {n - n_answered:,} belong" if 0 < n_answered < n else "All of these belong",
            key="audit rest",
            type="primary" if n_answered < n else "secondary",
            shortcut=keys.ALL_BELONG,
            on_click=step(held.all_others_belong),
            disabled=n_answered == n,
            help="Say so when you have read them",
        )
        st.button(
            f"{'Keep' if held.beside_map else 'Next'} ({n_wrong:,} wrong)",
            key="audit next",
            type="primary" if n_answered == n else "secondary",
            shortcut=keys.KEEP,
            on_click=step(lambda: _keep(session, held, go_on=not held.beside_map)),
            disabled=n_answered < n,
            help=None if n_answered == n else f"When all have an answer; {n - n_answered:,} have none yet",
        )
        st.button(
            f"Done ({n_answered:,} read)" if n_answered else "Done",
            key="audit done",
            type="tertiary",
            shortcut=keys.DONE,
            on_click=step(lambda: _keep(session, held, go_on=False)),
            help="Keeps what has an answer",
        )


def _keep(session: Session, held: Audit, *, go_on: bool) -> None:
    """Keep the answers of this page, once."""
    if state.of_project(Held).audit is not held:
        return
    if held.wrong:
        wrong = [row for row in held.wrong if held.wrong[row]]
        read, found = np.array(sorted(held.wrong)), np.array(sorted(wrong), np.int64)
        try:
            if held.seq is None:
                session.log.keep_check(read, found, held.drawn)
            else:
                session.log.audit(held.seq, read, found, held.sample, held.drawn)
        except LabelError:  # the action was taken back meanwhile: there is nothing left to check
            state.of_project(Held).audit = None
            raise
        tell("step done", page.escape(f"{len(held.wrong):,} read, {len(wrong):,} wrong"))
    state.of_project(Held).audit = None
    if go_on:
        draw_of_all(session) if held.seq is None else _draw(session, held.seq, held.sample)
