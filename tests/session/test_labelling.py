"""Labels, given and taken back; what is left to label; samples to read."""

import numpy as np
import pytest

from labelling.errors import StepError
from labelling.labels.label import NO, LabelError
from labelling.palette import APART, HUES, style
from labelling.selection.filters import Filter
from labelling.workspace import Project, Workspace
from tests.projects import (
    EMPTY,
    FILLED,
    all_of,
    make_dataset,
    new_session,
    select_rows,
)
from tests.worker import Worker


def test_label_clear_undo_redo(workspace: Workspace, session: Worker) -> None:
    with pytest.raises(StepError, match="Nothing is selected"):
        session.labelling.give("a")
    with pytest.raises(StepError, match="Nothing is selected"):
        session.labelling.clear()
    select_rows(session, [0, 1, 2])
    assert session.labelling.give("a").n_changed == 3
    select_rows(session, [2, 3])
    assert session.labelling.give("b").n_changed == 1
    assert session.labelling.give("b", overwrite=True).n_changed == 1
    with pytest.raises(LabelError):
        session.labelling.give("  ")
    assert session.labelling.clear().n_changed == 2
    assert session.labelling.undo().kind == "clear"
    assert session.log.names()[:4].tolist() == ["a", "a", "b", "b"]
    assert session.labelling.redo().kind == "clear"

    action = session.log.actions[0]
    assert action.source == "lasso"
    how = session.log.how(1)
    assert (how["space"], how["projection"], how["how"]) == (0, "PCA", "new")
    assert [step["how"] for step in how["then"]] == ["add", "add"]
    assert len(how["points"]) == len(how["then"][1]["points"]) == 4
    again = new_session(workspace, session.project)
    assert again.log.names().tolist() == session.log.names().tolist()
    assert again.log.actions == session.log.actions


def test_a_check_with_its_right_labels_is_one_step_and_what_is_done_elsewhere_is_none_of_it(
    workspace: Workspace, session: Worker
) -> None:
    select_rows(session, [0, 1, 2])
    session.labelling.give("a")
    before = session.log.seq
    tab = new_session(workspace, session.project)  # of the same person
    tab.log.assign([8, 9], "b", how={"by": "lasso"})
    session.log.audit(1, np.array([0, 1]), np.array([1]), "random")
    session.labelling.give_right({1: "c"}, before)
    names = session.log.names()
    assert (names[:3].tolist(), names[8]) == (["a", "c", "a"], "b")
    session.labelling.undo()
    names = session.log.names()
    assert (names[:3].tolist(), names[8]) == (["a", "a", "a"], "b")


def test_rows_without_a_text_are_not_left_to_label(session: Worker) -> None:
    assert np.flatnonzero(~session.labels.with_text).tolist() == EMPTY
    assert np.flatnonzero(session.labels.unlabelled).tolist() == FILLED.tolist()
    session.log.import_labels(["a" if row in (5, 6) else "b" if row == 17 else None for row in range(40)])
    assert np.flatnonzero(session.labels.unlabelled).tolist() == FILLED[FILLED != 6].tolist()
    assert session.learnable().tolist() == [1, 0], "a text that is not there teaches nothing"
    assert not session.can_learn()
    assert "there is 'a' alone" in session.what_is_needed()


def test_a_session_from_before_texts_were_added_goes_on_with_what_it_has(workspace: Workspace, session: Worker) -> None:
    session.selection.select_unlabelled()
    session.search.look_for("words", "card")
    workspace.open(project_id := session.project.id).append(make_dataset(["a card more", "another"]))
    chosen = session.selection
    for step in (chosen.select_unlabelled, chosen.invert, chosen.back, chosen.deselect):
        step()
    session.search.look_for("words", "card")
    assert len(session.search.found.matches) == 40
    again = new_session(workspace, workspace.open(project_id))
    assert again.embed()
    view = again.map.look(again.project.current, "PCA")
    assert view.id != session.map.view.id, "a lasso that was drawn on the map before is of other rows"
    with pytest.raises(StepError, match="map has changed"):
        again.selection.draw(session.map.view.id, *all_of(session)[1:])
    again.selection.select_unlabelled()
    assert again.selection.rows.tolist() == [*FILLED, 40, 41]
    again.search.look_for("words", "card")
    assert np.flatnonzero(again.search.found.matches)[-1] == 40
    again.selection.deselect()
    again.selection.back()
    assert again.selection.rows.tolist() == [*FILLED, 40, 41]
    again.labelling.give("all")
    again.labelling.undo()
    assert again.log.n_labelled == 0


def test_answers_for_the_label_in_focus(multi_label: Worker) -> None:
    assert multi_label.labels.focus is None
    select_rows(multi_label, [0, 1, 2])
    multi_label.labelling.give("card")
    select_rows(multi_label, [2, 3])
    assert multi_label.labelling.give("card", answer=NO).n_left == 1
    multi_label.labelling.give("late")
    assert multi_label.labels.focus.name == "card", "the first one, until another is chosen"
    multi_label.labels.focus_on(multi_label.log.find("late").id)
    assert multi_label.labels.focus.name == "late"
    assert multi_label.log.counts().tolist() == [3, 2]
    assert multi_label.log.counts(answer=NO).tolist() == [1, 0]
    multi_label.selection.select_unlabelled()
    assert set(multi_label.selection.rows) == set(FILLED) - {2, 3}, "what has no answer for the label in focus"
    multi_label.labelling.clear("card")
    assert multi_label.log.counts().tolist() == [1, 2]
    late = multi_label.log.find("late").id
    states = multi_label.labels.states()
    assert [states[3 * late], states[3 * late + 1], states[3 * late + 2]] == ["late: yes", "late: no", "late: unknown"]
    assert np.flatnonzero(multi_label.labels.filtered(Filter(labels=(3 * late,)))).tolist() == [2, 3]
    assert np.count_nonzero(multi_label.labels.filtered(Filter(labels=(-1,)))) == 38


def test_samples_to_read(session: Worker) -> None:
    session.log.assign([*FILLED[:20], *EMPTY], "a")
    rows = set(FILLED[:20])
    first = session.labelling.audit_sample(1, "random", 5)
    assert len(first) == 5
    assert set(first) < rows, "a row without a text can't be read"
    session.log.audit(1, first, first[:1], "random")
    rest = session.labelling.audit_sample(1, "random", 50)
    assert set(rest) == rows - set(first), "each is read once"
    far = session.labelling.audit_sample(1, "outlying", 3)
    x = np.asarray(session.project.current.embeddings)
    standing = np.array(sorted(rows - set(first[:1])))
    middle = x[standing].mean(axis=0)
    cosine = x[standing] @ middle / np.linalg.norm(x[standing], axis=1)
    unread = np.isin(standing, rest)
    assert far[0] in standing[unread]
    with pytest.raises(StepError, match="neighbour graph"):
        session.labelling.audit_sample(1, "edge", 3)
    assert cosine[standing.tolist().index(far[0])] <= np.sort(cosine[unread])[2] + 1e-6


def test_the_doubtful_of_an_action_are_those_of_the_queue_of_all(session: Worker) -> None:
    graph = np.array([[(row + step) % 40 for step in range(1, 4)] for row in range(40)])
    session.project.current.save_graph(graph, np.ones((40, 3)))
    first, second = FILLED[:6], FILLED[6:12]
    session.log.assign(first, "a")
    session.log.assign(second, "b")
    found = session.labelling.audit_sample(1, "contradicted", 9)
    doubt = session.reviews.make("contradicted").scores
    of_all = [row for row in np.argsort(-doubt, kind="stable") if not np.isnan(doubt[row])]
    assert found.tolist() == [row for row in of_all if row in first]
    assert found[0] == first[-1], "most of its next ones were labelled by another action"
    session.log.audit(1, found, [], "contradicted")
    assert session.labelling.audit_sample(1, "contradicted", 9).tolist() == []
    assert session.log.rightness() is None, "what was looked for tells nothing of the share"
    with pytest.raises(ValueError, match="random, contradicted, outlying, edge, got 'best'"):
        session.labelling.audit_sample(1, "best", 9)


def test_a_new_labels_colour_differs_from_those_beside_it_whichever_is_near_to_the_other(session: Worker) -> None:
    first, second = FILLED[:6], FILLED[6:12]
    graph = np.array([[(row + step) % 40 for step in range(1, 4)] for row in range(40)])
    graph[second] = [second[:3]] * 3 + [second[3:]] * 3
    graph[first] = second[:3]  # which are near to these, and these not to them
    session.project.current.save_graph(graph, np.ones((40, 3)))
    session.log.assign(first, "a")
    select_rows(session, second)
    session.labelling.give("b")
    hues = [HUES.index(style(label.style)["colour"]) for label in session.log.labels]
    assert APART[hues[0]][hues[1]] == max(APART[hues[0]])


def test_the_edge_has_the_fewest_of_its_neighbours_inside(session: Worker) -> None:
    graph = np.array([[(row + step) % 40 for step in range(1, 4)] for row in range(40)])
    session.project.current.save_graph(graph, np.ones((40, 3)))
    rows = [row for row in range(12) if row in FILLED]
    session.log.assign(rows, "a")
    assert session.labelling.audit_sample(1, "edge", 1)[0] == rows[-1], "whose next ones are all outside"


def test_texts_are_labelled_alone_whatever_is_selected(session: Worker, project: Project) -> None:
    select_rows(session, [0, 1, 2, 3])
    session.labelling.give("a")
    session.labelling.give_texts(np.array([2]), "b")
    log = project.open_log()
    assert [log.name_of(row) for row in (0, 1, 2, 3)] == ["a", "a", "b", "a"]
    assert log.actions[-1].source == "text"
    assert session.selection.rows.tolist() == [0, 1, 2, 3]
    session.labelling.clear_texts(np.array([0, 2]))
    log.refresh()
    assert [log.name_of(row) for row in (0, 1, 2, 3)] == [None, "a", None, "a"]


def test_a_sample_of_the_selection_keeps_its_order_when_others_go(session: Worker) -> None:
    session.selection.draw(*all_of(session))
    before = session.selection.sample(800, 3).tolist()
    assert sorted(before) == session.selection.rows.tolist()
    assert before != sorted(before)
    session.selection.select(np.array(before[:2]), "text", "subtract")
    assert session.selection.sample(800, 3).tolist() == before[2:]
    assert session.selection.sample(5, 3).tolist() == before[2:7]
    assert session.selection.sample(800, 4).tolist() != before[2:]
    session.selection.deselect()
    assert session.selection.sample(5).tolist() == []
