"""What is worth labelling next, as a person answers it: in the log, and taken back with it."""

import numpy as np
import pytest

from labelling.errors import StepError
from labelling.labels.label import LabelError
from labelling.session import Session
from labelling.tasks.propose import propose
from labelling.workspace import Project, Workspace
from tests.projects import make_dataset

GROUPS = 3
N = 120
CODES = np.arange(N) % GROUPS
NAMES = np.array(["card", "refund", "account"])


def make(workspace: Workspace, *, multi_label: bool = False) -> Project:
    """A project of three groups of texts, each near a point of its own, with its maps and its graph."""
    from labelling.projections.nearest import neighbours

    texts = [f"{NAMES[code]} {row}" for row, code in enumerate(CODES)]
    project = workspace.create("mine", make_dataset(texts), {}, multi_label=multi_label)
    X = (np.eye(GROUPS, 12)[CODES] + np.random.default_rng(0).normal(0, 0.12, (N, 12))).astype(np.float32)
    space = project.current
    space.save_map("PCA", X[:, :2])
    space.save_graph(*neighbours(X, None, 8, 0, lambda done, total: None))
    space.save_embeddings(X)
    return project


def open_session(project: Project, who: str = "ann") -> Session:
    def no_encoder(settings: object) -> None:
        raise AssertionError("no encoder is needed")

    session = Session(project, no_encoder, who)
    session.map.look(project.current, "PCA")
    return session


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return make(workspace)


@pytest.fixture
def session(project: Project) -> Session:
    session = open_session(project)
    session.proposals.use(session.proposals.fitted())
    return session


def wrong_of(session: Session, code: int) -> list[int]:
    return [row for row in session.proposals.proposal.sample.tolist() if CODES[row] != code]


def test_all_is_labelled_by_answers_alone(session: Session, project: Project) -> None:
    n = 0
    while (proposal := session.proposals.find(0.9)) is not None and n < 60:
        n += 1
        assert session.selection.rows.tolist() == sorted(proposal.rows.tolist())
        assert session.labels.unlabelled[proposal.rows].all()
        names = session.proposals.names()
        if names is None:
            code = int(np.bincount(CODES[proposal.sample]).argmax())
            session.proposals.accept(wrong_of(session, code), NAMES[code])
        else:
            sample = proposal.sample.tolist()
            session.proposals.accept(
                [row for row, name in zip(sample, names, strict=True) if name != NAMES[CODES[row]]]
            )
    assert n < N / 4
    assert (np.array(session.log.names()) == NAMES[CODES]).mean() > 0.97
    assert session.proposals.n_left == 0
    assert {action.source for action in project.open_log().actions} == {"proposal"}


def test_an_answer_is_taken_back_from_the_queue_too(session: Session) -> None:
    first = session.proposals.find(0.9)
    session.proposals.refuse()
    second = session.proposals.find(0.9)
    assert second.rows.tolist() != first.rows.tolist()
    assert session.log.actions[-1].kind == "refuse"
    session.labelling.undo()
    assert session.proposals.is_stale
    again = session.proposals.find(0.9)
    assert (again.rows.tolist(), again.sample.tolist()) == (first.rows.tolist(), first.sample.tolist())
    session.proposals.accept([], "card")
    session.labelling.undo()
    assert session.proposals.find(0.9).rows.tolist() == first.rows.tolist()
    session.labelling.redo()
    assert session.proposals.find(0.9).rows.tolist() != first.rows.tolist()


def test_what_is_split_comes_in_its_parts(session: Session) -> None:
    whole = session.proposals.find(0.9)
    session.proposals.split()
    assert session.log.actions[-1].kind == "refuse"
    first = session.proposals.find(0.9)
    assert set(first.rows) < set(whole.rows)
    session.proposals.accept([], "a part")
    second = session.proposals.find(0.9)
    assert set(second.rows) <= set(whole.rows) - set(first.rows)
    session.proposals.split()
    session.log.undo()
    session.log.undo()
    assert not set(first.rows) - set(np.flatnonzero(session.labels.unlabelled))
    again = session.proposals.find(0.9)
    assert not set(again.rows) <= set(second.rows), "after an undo the queue is that of its log"


def test_some_texts_are_given_a_label_of_their_own_and_the_others_are_still_proposed(session: Session) -> None:
    proposal = session.proposals.find(0.9)
    odd = proposal.sample[:2]
    session.proposals.give_texts(odd[:1], "odd")
    session.proposals.give_texts(odd[1:], "odd")
    assert not session.proposals.is_stale
    assert session.proposals.given == set(odd.tolist())
    session.proposals.accept(odd.tolist(), "card")
    names = session.log.names()
    assert set(names[odd].tolist()) == {"odd"}
    assert set(names[proposal.sample[2:]].tolist()) == {"card"}
    session.labelling.undo()
    session.labelling.undo()
    assert session.labels.unlabelled[odd[1]]
    again = session.proposals.find(0.9)
    assert not session.proposals.given
    session.proposals.give_texts(again.sample[:1], "odd")
    session.labelling.undo()
    assert session.proposals.is_stale, "it is proposed anew, as all is open again"


def test_another_session_goes_on_where_this_one_was(session: Session, project: Project) -> None:
    for _ in range(2):
        session.proposals.find(0.9)
        session.proposals.refuse()
    session.proposals.find(0.9)
    session.proposals.accept([], "card")
    here = session.proposals.find(0.9)
    other = open_session(project, "ben")
    other.proposals.use(other.proposals.fitted())
    assert other.proposals.find(0.9).rows.tolist() == here.rows.tolist()


def test_with_two_marked_only_those_read_are_labelled(session: Session) -> None:
    proposal = session.proposals.find(0.9)
    assert len(proposal.rows) > len(proposal.sample) == 10
    wrong = proposal.sample[:1].tolist()
    assert session.proposals.rows_to_label(wrong).tolist() == sorted(set(proposal.rows.tolist()) - set(wrong))
    wrong = proposal.sample[:2].tolist()
    assert session.proposals.rows_to_label(wrong).tolist() == sorted(proposal.sample[2:].tolist())
    session.proposals.accept(wrong, "card")
    assert session.log.counts().tolist() == [8]
    how = session.log.how(session.log.seq)
    assert (how["accepted"], how["wrong"], how["n"]) == (False, sorted(wrong), len(proposal.rows))
    assert len(how["read"]) == 10
    assert not len(session.log.read(session.log.seq)), "what was read before it was labelled is no audit"


def proposed_as(session: Session, row: int, name: str) -> bool:
    """Whether the row is proposed under that label: suggested it, or in what Enter would call so."""
    proposals = session.proposals
    if proposals.proposal is None or row not in proposals.proposal.rows:
        return False
    if proposals.suggests:
        value = dict(zip(proposals.proposal.rows.tolist(), proposals.proposal.labels.tolist(), strict=True))[row]
        return session.log.label(value).name == name
    return (
        proposals.name_for() == name
        and row in proposals.rows_to_label([], name)
        and row not in (proposals.proposal.sample)
    )


def answer_all(session: Session, watched: list[tuple[int, str]]) -> int:
    """Answer what is proposed until nothing is left; how many proposals there were. None may be of what is watched."""
    n = 0
    while (proposal := session.proposals.find(0.9)) is not None and n < 80:
        n += 1
        assert not [each for each in watched if proposed_as(session, *each)]
        names = session.proposals.names()
        if names is None:
            code = int(np.bincount(CODES[proposal.sample]).argmax())
            session.proposals.accept(wrong_of(session, code), NAMES[code])
        else:
            sample = zip(proposal.sample.tolist(), names, strict=True)
            session.proposals.accept([row for row, name in sample if name != NAMES[CODES[row]]])
    return n


def test_what_was_said_to_be_wrong_is_not_proposed_again_under_that_label(session: Session, project: Project) -> None:
    for code in range(GROUPS):
        session.log.assign(np.flatnonzero(code == CODES)[:6], NAMES[code])
    checked, corrected = np.flatnonzero(CODES == 0)[:2].tolist()  # they are cards, but somebody says they are none
    session.log.audit(1, np.array([checked]), np.array([checked]), "random")
    session.labelling.give_texts(np.array([corrected]), "refund")
    session.labelling.clear_texts(np.array([corrected]))
    while session.proposals.find(0.9).kind not in ("sure", "label"):
        session.proposals.pass_over()
    proposal = session.proposals.proposal
    marked = int(proposal.sample[0])
    suggested = NAMES[CODES[marked]]
    session.proposals.accept([marked])
    watched = [(checked, "card"), (corrected, "card"), (corrected, "refund"), (marked, suggested)]
    other = open_session(project, "ben")  # after a restart, too
    for each in (session, other):
        each.proposals.use(each.proposals.fitted())
        each.proposals.find(0.9)
        assert each.log.denied()[0].tolist().count(checked) == 1
    assert answer_all(other, watched) < 40


def test_a_heap_does_not_give_a_label_back_that_was_denied_unread(session: Session) -> None:
    heap = session.proposals.find(0.9)
    unread = int(np.setdiff1d(heap.rows, heap.sample)[0])
    session.labelling.give_texts(np.array([unread]), "card")
    session.labelling.clear_texts(np.array([unread]))
    again = session.proposals.find(0.9)
    assert again.rows.tolist() == heap.rows.tolist()
    assert unread not in session.proposals.rows_to_label([], "card")
    assert unread in session.proposals.rows_to_label([], "refund")
    session.proposals.accept([], "card")
    assert session.log.name_of(unread) is None


def test_what_was_called_mixed_does_not_come_back(session: Session, project: Project) -> None:
    refused = []
    for _ in range(25):
        proposal = session.proposals.find(0.9)
        for rows, n_read in refused:
            inside = np.isin(proposal.rows, rows).sum()
            smaller = len(proposal.rows) < 0.6 * len(rows) and len(rows) > n_read
            assert smaller or inside < 0.5 * len(proposal.rows) or not (N - len(seen_in(refused)))
        refused.append((proposal.rows, len(proposal.sample)))
        session.proposals.refuse()
    other = open_session(project, "ben")
    other.proposals.use(other.proposals.fitted())
    assert other.proposals.find(0.9).rows.tolist() == session.proposals.find(0.9).rows.tolist()


def seen_in(refused: list[tuple[np.ndarray, int]]) -> set[int]:
    """The rows of the refused proposals that were read as a whole."""
    return {row for rows, n_read in refused if len(rows) == n_read for row in rows.tolist()}


def test_suggestions_of_several_labels_are_one_action(session: Session) -> None:
    for code in range(GROUPS):
        session.log.assign(np.flatnonzero(code == CODES)[:6], NAMES[code])
    while session.proposals.find(0.9).kind != "sure":
        session.proposals.pass_over()
    before, proposal = session.log.seq, session.proposals.proposal
    assert session.proposals.name_for() is None
    assert len(session.proposals.names()) == 10
    outcome = session.proposals.accept([])
    assert outcome.n_changed == len(proposal.rows)
    assert session.log.seq == before + 1
    assert (session.log.actions[-1].kind, session.log.actions[-1].label_id) == ("accept", None)
    assert (np.array(session.log.names())[proposal.rows] == NAMES[CODES[proposal.rows]]).mean() > 0.9
    session.labelling.undo()
    assert session.labels.unlabelled[proposal.rows].all()


def test_what_a_check_found_wrong_is_learnt_too(session: Session, project: Project) -> None:
    """Who accepts without reading has said that all was right."""
    for code in range(GROUPS):
        session.log.assign(np.flatnonzero(code == CODES)[:6], NAMES[code])
    while session.proposals.find(0.9).kind not in ("sure", "label"):
        session.proposals.pass_over()
    n = len(session.proposals.proposal.sample)
    session.proposals.accept([])
    session.proposals.find(0.9)
    assert session.proposals.proved == (n, n)
    singly = session.proposals.n_left - session.proposals.n_in_bulk
    read = session.log.standing(session.log.seq)[:9]
    session.log.keep_check(read, read[:7])
    session.proposals.find(0.9)
    assert session.proposals.proved == (n + 2, n + 9)
    assert session.proposals.n_left - session.proposals.n_in_bulk > singly
    other = open_session(project, "ben")
    other.proposals.use(other.proposals.fitted())
    other.proposals.find(0.9)
    assert other.proposals.proved == (n + 2, n + 9)
    session.log.undo(session.log.seq)
    session.proposals.find(0.9)
    assert session.proposals.proved == (n, n)


def test_of_what_is_suggested_only_what_was_read_is_labelled(session: Session) -> None:
    for code in range(GROUPS):
        session.log.assign(np.flatnonzero(code == CODES)[:6], NAMES[code])
    while len(session.proposals.find(0.9).rows) <= 10 or session.proposals.names() is None:
        session.proposals.pass_over()
    first = session.proposals.proposal
    assert session.proposals.accept([], only_read=True).n_changed == len(first.sample)
    assert session.labels.unlabelled[np.setdiff1d(first.rows, first.sample)].all()
    again = session.proposals.find(0.9)
    assert not set(first.rows) <= set(again.rows)
    session.labelling.undo()
    assert session.labels.unlabelled[first.rows].all()


def test_what_was_passed_over_comes_again_at_last(session: Session) -> None:
    first = session.proposals.find(0.9).rows.tolist()
    session.proposals.pass_over()
    seen = []
    while (rows := session.proposals.find(0.9).rows.tolist()) != first and len(seen) < 60:
        assert not set(rows) & set(first)
        seen.append(rows)
        session.proposals.pass_over()
    assert rows == first
    assert session.log.seq == 0, "that is no answer"


def test_what_is_hidden_is_not_proposed(session: Session) -> None:
    session.show_only(CODES == 1)
    assert set(CODES[session.proposals.find(0.9).rows]) == {1}
    assert session.proposals.n_left == np.count_nonzero(CODES == 1)


def test_what_was_hidden_meanwhile_is_not_labelled(session: Session) -> None:
    proposal = session.proposals.find(0.9)
    assert not session.proposals.is_stale
    session.show_only(np.isin(np.arange(N), proposal.rows[:3], invert=True))
    assert session.proposals.is_stale
    assert not set(session.proposals.find(0.9).rows) & set(proposal.rows[:3])


def test_of_another_space_there_is_another_queue(session: Session, project: Project) -> None:
    session.proposals.find(0.9)
    space = project.add_space("tuned", "FeedForwardTuner", {}, parent=0)
    space.save_embeddings(np.asarray(project.space(0).embeddings))
    project.keep_space(space.id)
    project.show_space(space.id)
    assert session.proposals.is_stale
    with pytest.raises(StepError, match="clear map"):
        session.proposals.fitted()


def test_a_name_that_can_be_none_changes_nothing(session: Session) -> None:
    first = session.proposals.find(0.9)
    with pytest.raises(LabelError, match="needs a name"):
        session.proposals.accept([], "  ")
    with pytest.raises(StepError, match="type a name"):
        session.proposals.accept([])
    assert session.log.seq == 0
    assert not session.proposals.is_stale
    assert session.proposals.find(0.9).rows.tolist() == first.rows.tolist()


def test_before_there_is_a_graph_it_says_so(workspace: Workspace) -> None:
    project = workspace.create("bare", make_dataset(["a", "b", "c"]), {})
    session = open_session(project)
    with pytest.raises(StepError, match="clear map"):
        session.proposals.fitted()
    with pytest.raises(StepError, match="worked out"):
        session.proposals.find(0.9)


def test_with_yes_and_no_they_are_for_the_label_in_focus(workspace: Workspace) -> None:
    session = open_session(make(workspace, multi_label=True))
    session.proposals.use(session.proposals.fitted())
    proposal = session.proposals.find(0.9)
    session.proposals.accept(wrong_of(session, 0) if (CODES[proposal.sample] == 0).sum() > 5 else [], "card")
    card = session.log.find("card")
    session.labels.focus_on(card.id)
    n = 0
    while (proposal := session.proposals.find(0.9)) is not None and n < 60:
        n += 1
        names = session.proposals.names() or [session.proposals.name_for()]
        assert set(names) <= {"yes", "no", None}
        assert len(set(names)) == 1, "never yes and no in one"
        right = CODES[proposal.sample] == CODES[session.log.rows_of(1)[0]]
        word = "yes" if right.mean() > 0.5 else "no"
        session.proposals.accept(proposal.sample[right != (word == "yes")].tolist(), word)
    values = session.log.label_values(card.id)
    assert (values >= 0).all()
    assert ((values == 1) == (CODES[session.log.rows_of(1)[0]] == CODES)).mean() > 0.95
    session.log.assign(np.array([0]), "late")
    session.labels.focus_on(session.log.find("late").id)
    assert session.proposals.find(0.9) is not None, "nothing is known for another label"


def test_labels_of_the_file_tell_how_right_suggestions_are(session: Session, project: Project) -> None:
    """Before any answer they come at once; what was selected on the map tells nothing of the others."""
    names = [NAMES[code] if row % 2 else None for row, code in enumerate(CODES)]
    session.log.import_labels(names)
    first = session.proposals.find(0.9)
    assert first.kind == "sure"
    assert len(first.rows) > N / 4
    assert (NAMES[CODES[first.rows]] == np.array([session.log.label(int(code)).name for code in first.labels])).all()
    assert session.log.imported().sum() == N / 2
    session.log.assign(np.arange(1, 5, 2), "other", overwrite=True)
    assert session.log.imported().sum() == N / 2 - 2
    assert propose(project, session.log)[0].kind == "sure"
    session.log.undo(1)
    assert not session.log.imported().any()
