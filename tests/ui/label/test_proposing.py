"""What next, on the label page: what is asked, and what its buttons do."""

import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.queues.proposal import Proposal
from labelling.session import Session
from labelling.session.proposals import Proposals
from labelling.ui.frame.page import SESSION
from labelling.ui.label import answering, proposing
from labelling.ui.label.proposing import Proposing
from labelling.ui.map import Pressed
from labelling.workspace import Space, Workspace
from tests.ui.helpers import CODES, click, log_of, make, open_page, said, select, with_groups
from tests.ui.tab import of_project


@pytest.fixture
def at(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(proposing, "AT_ONCE_SECONDS", 60)  # however busy the machine is
    at = open_page("label", with_groups(make(workspace)))
    return at.button(key="what next").click().run()


def proposed(at: AppTest) -> list[int]:
    return at.session_state[SESSION].selection.rows.tolist()


def head(at: AppTest) -> str:
    return re.findall(r"##### (.*)", said(at))[-1]


def test_a_name_labels_what_is_proposed_and_the_next_comes(at: AppTest) -> None:
    project = at.session_state[SESSION].project
    first = proposed(at)
    assert head(at) == f"{len(first)} to read"
    assert "Read all; mark what does not belong · 30 left" in said(at)
    assert not [button for button in at.button if button.key == "accept proposal"], "there is no label yet"
    at.button(key="belongs 1").click().run()
    wrong = at.session_state[SESSION].proposals.proposal.sample[0]
    assert of_project(at, Proposing).wrong == {wrong}
    at.text_input(key="new label name").input("even")
    at = click(at, f"Label {len(first) - 1}")
    log = log_of(project)
    assert np.flatnonzero(log.codes == 0).tolist() == [row for row in first if row != wrong]
    assert not set(proposed(at)) & set(np.flatnonzero(log.codes == 0).tolist())
    assert of_project(at, Proposing).wrong == set(), "of another proposal"
    at = at.button(key="undo").click().run()
    assert proposed(at) == first
    assert not at.exception


def test_mixed_skip_and_stop(at: AppTest) -> None:
    project, first = at.session_state[SESSION].project, proposed(at)
    at = at.button(key="skip proposal").click().run()
    second = proposed(at)
    assert not set(first) & set(second)
    assert not log_of(project).seq
    at = at.button(key="mixed").click().run()
    assert log_of(project).actions[-1].kind == "refuse"
    assert "Last: a proposal was mixed" in said(at) or at.get("page_link")
    at = at.button(key="stop proposals").click().run()
    assert "Nothing selected" in said(at)
    assert not [button for button in at.button if button.key == "mixed"]


def test_a_heap_with_two_marked_says_what_gets_a_label(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(40)
    proposal = Proposal("heap", rows, None, 0.9, rows[:10], "")
    own = SimpleNamespace(n_left=90, given=(), n_in_bulk=0, proved=(0, 0), suggests=False, name_for=lambda: None)
    own.rows_to_label = lambda *_: rows[2:10]
    monkeypatch.setattr(proposing.state, "of_project", lambda kind: kind(wrong={0, 1}))
    said = proposing.in_words(SimpleNamespace(proposals=own), proposal)  # type: ignore[arg-type]
    assert said == "2 marked: mixed, so only the 8 read that belong get a label, P shows its parts, X none does"


def test_a_heap_of_two_groups_is_split(at: AppTest) -> None:
    whole = proposed(at)
    at = at.button(key="split proposal").click().run()
    assert not at.exception
    assert set(proposed(at)) < set(whole)


def test_another_selection_ends_it(at: AppTest) -> None:
    select(at, [1, 2, 3])
    assert head(at) == "3 selected"
    assert not [button for button in at.button if button.key == "mixed"]


def test_a_selection_ends_it_also_where_labels_were_given_meanwhile(at: AppTest) -> None:
    log_of(at.session_state[SESSION].project).assign(np.array(proposed(at)[:1]), "meanwhile")
    select(at, [1, 2, 3])
    assert head(at) == "3 selected"


def with_a_label_proposed(at: AppTest) -> AppTest:
    project = at.session_state[SESSION].project
    log_of(project).assign(np.flatnonzero(CODES == 0)[:9], "even")
    log_of(project).assign(np.flatnonzero(CODES == 1)[:9], "odd")
    at = at.button(key="skip proposal").click().run().button(key="what next").click().run()
    while not [button for button in at.button if button.key == "accept proposal"]:
        at = at.button(key="skip proposal").click().run()
    return at


def test_a_label_there_is_becomes_what_enter_gives(at: AppTest) -> None:
    at, project = with_a_label_proposed(at), at.session_state[SESSION].project
    rows = proposed(at)
    at = at.button(key="accept proposal").click().run()
    log = log_of(project)
    assert (log.codes[rows] == CODES[rows]).all()
    assert log.actions[-1].source == "proposal"


def test_without_a_clear_map_it_says_what_is_missing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposing, "AT_ONCE_SECONDS", 60)  # however busy the machine is
    monkeypatch.setattr(Space, "neighbours", property(lambda space: None))
    at = open_page("label", make(workspace))
    at = at.button(key="what next").click().run()
    assert "known once the clear map is made" in said(at)
    assert "known once the clear map is made" in said(at.run()), "that the page runs again is no answer"
    assert not at.exception
    assert "known once the clear map is made" not in said(at.button(key="step unlabelled").click().run())


def test_when_all_is_labelled_it_says_so(workspace: Workspace) -> None:
    project = with_groups(make(workspace))
    log_of(project).assign(np.arange(30), "all")
    at = open_page("label", project)
    at = at.button(key="what next").click().run()
    assert "Nothing selected" in said(at)
    assert "Nothing is left to propose" in str([toast.value for toast in at.toast])


def test_of_leftovers_it_says_that_few_are_alike(at: AppTest) -> None:
    assert "few of them alike" not in said(at)
    log_of(at.session_state[SESSION].project).assign(np.arange(26), "all")
    at = at.button(key="stop proposals").click().run().button(key="what next").click().run()
    assert "4 left, few of them alike: X where this is mixed" in said(at)
    log_of(at.session_state[SESSION].project).assign(np.arange(28), "all")
    at = at.button(key="stop proposals").click().run().button(key="what next").click().run()
    assert "2 left, as many labelled as you aim for: Esc shows the ways on" in said(at)


def test_how_many_of_the_last_were_right(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Proposals, "proved", property(lambda proposals: (48, 50)))
    at = with_a_label_proposed(at)
    assert "such labels" not in said(at), "all of these are read"
    whole = at.session_state[SESSION].proposals.proposal
    many = replace(whole, sample=whole.sample[:-1])
    at.session_state[SESSION].proposals.proposal = many
    said_of_many = proposing.in_words(at.session_state[SESSION], many)
    assert (
        f"of the last 50 such labels 48 were right: 0 to {np.ceil(0.1346 * len(many.rows)):.0f} of these"
        in said_of_many
    )


def test_a_label_that_comes_keeps_the_rows_where_they_are(at: AppTest) -> None:
    """A line for it is there from the beginning."""
    assert rows_of(at).count("<small>&nbsp;</small>") == len(at.session_state[SESSION].proposals.proposal.sample)


def rows_of(at: AppTest) -> str:
    return "".join(element.proto.body for element in at.get("html") if "data-corral-row" in element.proto.body)


@pytest.mark.parametrize(("key", "kind"), [("X", "refuse"), ("name", "assign"), ("label", "assign")])
def test_an_answer_is_for_the_question_it_was_given_on(at: AppTest, key: str, kind: str) -> None:
    """The first of two is done, the second is not taken for the proposal that came meanwhile."""
    session = at.session_state[SESSION]
    log_of(session.project).assign(np.arange(2), "there")
    at = at.run()
    press = Pressed(key, [], 0 if key == "label" else None, "new" if key == "name" else "")
    asked, first = of_project(at, Proposing).asked, proposed(at)

    def twice() -> None:
        for _ in range(2):
            answering.answer(session, asked, press)
            proposing.prepare(session)

    at = in_a_run(at, twice)
    assert [action.kind for action in session.log.actions[1:]] == [kind]
    assert proposed(at) != first
    assert not at.error
    assert not at.exception


def in_a_run(at: AppTest, do: Callable[[], None]) -> AppTest:
    """Do it where the page's own steps are done, before it is drawn."""
    with pytest.MonkeyPatch.context() as patched:
        prepare, todo = proposing.prepare, [do]

        def first(session: Session) -> None:
            while todo:
                todo.pop()()
            prepare(session)

        patched.setattr(proposing, "prepare", first)
        return at.run()


def test_with_yes_and_no_it_asks_for_the_label_in_focus(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposing, "AT_ONCE_SECONDS", 60)
    project = with_groups(make(workspace, multi_label=True))
    at = open_page("label", project).button(key="what next").click().run()
    assert not [button for button in at.button if button.key == "answer Yes"], "there is no label yet"
    at.text_input(key="new label name").input("even")
    at = click(at, "Label ")
    rows = proposed(at)
    assert "even" in said(at)
    at = at.button(key="answer No").click().run()
    log = log_of(project)
    assert (log.label_values(0)[rows] == 0).all()
    assert log.actions[-1].kind == "deny"
    assert not at.exception
    at = at.button(key="undo").click().run()
    assert proposed(at) == rows
    asked, session = of_project(at, Proposing).asked, at.session_state[SESSION]
    at = in_a_run(at, lambda: answering.answer(session, asked, Pressed("Y", [])))
    assert (log_of(project).label_values(0)[rows] == 1).all()
    asked_before, seq = asked, log_of(project).seq
    at = in_a_run(at, lambda: answering.answer(session, asked_before, Pressed("O", [])))
    assert log_of(project).seq == seq, "it was given on the one before"


def test_a_check_ends_proposals_and_they_end_a_check(at: AppTest) -> None:
    log_of(at.session_state[SESSION].project).assign(np.arange(8), "some")
    at = at.button(key="skip proposal").click().run()
    at = at.button(key="check").click().run()
    assert not [button for button in at.button if button.key == "mixed"]
    assert at.button(key="audit 1")
    assert not of_project(at, Proposing).on


def test_an_answer_that_comes_twice_is_done_once_in_silence(at: AppTest) -> None:
    """Of two presses that come together both are about the proposal that was shown."""
    session = at.session_state[SESSION]
    here, shown = of_project(at, Proposing), session.proposals.proposal
    session.proposals.refuse()
    here.answered = shown
    seq = log_of(session.project).seq
    at.button(key="mixed").click().run()
    assert log_of(session.project).seq == seq
    assert not at.error
