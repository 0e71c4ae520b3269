"""Reading a sample of what an action labelled, and marking what does not belong."""

import html
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import numpy as np
import streamlit as st

from labelling.errors import StepError
from labelling.labels.auditing import RANDOM
from labelling.labels.label import Action, LabelError, clean_name
from labelling.queues.registry import REVIEWS
from labelling.readers.tables import count
from labelling.session import Session
from labelling.ui.frame import keys, page, state
from labelling.ui.frame.markdown import cut
from labelling.ui.frame.steps import step, tell
from labelling.ui.label import give_labels

DOUBTFUL = REVIEWS["contradicted"].title  # as on the page Label
SAMPLES = {  # by the name that the log keeps
    "random": ("Random", "tells the share of wrong labels"),
    "contradicted": (DOUBTFUL, "their nearest texts have another label, and they lie nearer to it"),
    "outlying": ("Farthest", "from the middle of all of these"),
    "edge": ("From the edge", "most of their nearest texts lie elsewhere"),
}
# Of a text without an answer, one that belongs and one that does not: icon, colour, words.
LOOKS: dict[bool | None, tuple[str, str, str]] = {
    None: ("remove", "#8888", "No answer yet: press where it does not belong"),
    False: ("check", "#009E73", "Belongs here"),
    True: ("close", "#D55E00", "Does not belong here"),
}
PAGE_ROWS = 9  # a key each
ENDING = {keys.KEEP: "audit next", keys.DONE: "audit done"}  # the keys that end a page, with their buttons
MAX_CHARACTERS = 1_500


@dataclass
class Audit:
    """A page of texts that are being read; each page is kept as an action of its own.

    `wrong` says of each row that was answered whether it was found wrong: what has no answer counts as not read;
    `right` which label a wrong one should have, where that was said. `seq` is the action that they are of, None where
    they are of all labels.
    """

    seq: int | None
    sample: str
    rows: np.ndarray
    drawn: int  # the last action when they were drawn: what is given meanwhile is not covered
    wrong: dict[int, bool] = field(default_factory=dict)
    right: dict[int, str] = field(default_factory=dict)
    at: int | None = None  # the row that was marked last: a label is for this one
    beside_map: bool = False  # on the label page, not on the history's
    asked: str = field(default_factory=lambda: uuid4().hex)  # what its keys are sent with, beside the map

    def answer(self, row: int, wrong: bool) -> None:
        self.wrong[row], self.at = wrong, row if wrong else None
        self.right.pop(row, None)

    def relabel(self, row: int, name: str, bears: str | None) -> None:
        """Say which label is right for a row that `bears` another, or this one."""
        self.answer(row, name != bears)
        if name != bears:
            self.right[row] = name

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
        "The 95 % interval is Wilson's, corrected for how much of all was read. Only random samples count; the others "
        "find mistakes, and would make the share look worse than it is."
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
        f"Check {count(min(PAGE_ROWS, n_left), 'text')}",
        key="audit begin",
        type="primary",
        icon=":material/fact_check:",
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
        tell("step done", f"{DOUBTFUL}: none of what is left to read is.")


def draw_of_all(session: Session) -> None:
    """The next texts of a check over all labels, to be read on this page; none where all have been read."""
    if (held := state.of_project(Held).audit) is not None:
        _keep(session, held, go_on=False)
    rows = session.log.check_sample(PAGE_ROWS)
    state.of_project(Held).audit = Audit(None, RANDOM, rows, session.log.seq) if len(rows) else None
    if not len(rows):
        tell("step done", "All labels have been read.")


def asks(asked: str, buttons: Mapping[str, str]) -> str:
    """What tells the page's script that this is asked, by which keys it is answered, and which button each key has."""
    names = " ".join(button.replace(" ", "-") for button in buttons.values())
    of_keys = f'data-corral-keys="{" ".join(buttons)}" data-corral-buttons="{names}"'
    return f'<span data-corral-asked="{asked}" {of_keys}></span>'


def read(session: Session, held: Audit) -> None:
    """The texts of a page, with a key each for what does not belong.

    Beside the map one page is read at a time. Each text says which label is asked about: an action may give several.
    """
    if held.beside_map:
        marks = {str(place): f"audit {place}" for place in range(1, len(held.rows) + 1)}
        st.html(asks(held.asked, {**marks, keys.ALL_BELONG: "audit rest", **ENDING}))
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
        said = html.escape(session.log.name_of(row) or "unlabelled")  # never empty: the rows below stay where they are
        if not held.beside_map:
            text.html(f'<div class="corral-sample" style="--corral-colour:{hue}">{shown}<small>{said}</small></div>')
            continue
        if wrong:
            said = f"<s>{said}</s> → {html.escape(held.right.get(row, '?' if row == held.at else 'unlabelled'))}"
        text.html(
            f'<div class="corral-sample" tabindex="0" data-corral-row="{row}" style="--corral-colour:{hue}">'
            f'<div class="corral-text">{shown}</div><small>{said}</small></div>'
        )
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


def can_be_relabelled(session: Session, held: Audit) -> bool:
    """Whether what is wrong on this page can be given its right label there."""
    return held.beside_map and not session.log.multi_label


def press(session: Session, held: Audit, key: str) -> None:
    """A key of those that answer, as its button."""
    if key == keys.ALL_BELONG:
        held.all_others_belong()
    elif key == keys.DONE or (key == keys.KEEP and len(held.wrong) == len(held.rows)):
        _keep(session, held, go_on=False)
    elif key == keys.KEEP:
        n = len(held.rows) - len(held.wrong)
        tell("step done", f"{n:,} {'has' if n == 1 else 'have'} no answer yet; {keys.ALL_BELONG}: they belong.")
    else:
        row = int(held.rows[int(key) - 1])
        held.answer(row, held.wrong.get(row) is not True)


def relabel(session: Session, held: Audit, rows: Collection[int], name: str) -> None:
    """Say the right label of these rows of the page; of none: of the one that was marked last."""
    asked = rows or ([] if held.at is None else [held.at])
    rows = [row for row in asked if row in held.rows]
    if not rows:
        raise StepError(
            "Mark a text that does not belong first, by its key or a click on it: then say its right label."
        )
    clean_name(name)
    for row in rows:
        held.relabel(row, name, session.log.name_of(row))


def _keep(session: Session, held: Audit, *, go_on: bool) -> None:
    """Keep the answers of this page, once."""
    if state.of_project(Held).audit is not held:
        return
    if held.wrong:
        before = session.log.seq
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
        unlabelled = set(np.flatnonzero(session.labels.unlabelled).tolist())  # nobody has labelled them meanwhile
        session.labelling.give_right(
            {row: held.right[row] for row in wrong if row in held.right and row in unlabelled}, before
        )
        tell("step done", page.escape(f"{len(held.wrong):,} read, {len(wrong):,} wrong"))
    state.of_project(Held).audit = None
    if go_on:
        draw_of_all(session) if held.seq is None else _draw(session, held.seq, held.sample)
