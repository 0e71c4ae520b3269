"""Tuned spaces, and what they are worth on held-out labels."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from labelling import projections
from labelling.errors import StepError
from labelling.labels.label import NO
from labelling.learning.evaluation import Evaluation, TooFewLabels
from labelling.learning.tuners import FeedForwardTuner
from labelling.tasks.learnable import TUNER_UNLABELLED_ROWS
from labelling.workspace import Project, Workspace
from tests.projects import (
    EMPTY,
    FILLED,
    MORE,
    FakeTuner,
    label_in_lassos,
    make_dataset,
    new_session,
    opened,
    select_rows,
    tuner_like,
)
from tests.worker import Worker


def test_tune(session: Worker) -> None:
    select_rows(session, [0, 3, 6])
    session.labelling.give("card")
    select_rows(session, [1, 4])
    session.labelling.give("refund")
    session.log.assign([5], "refund")  # a row without a text, by an import say
    tuner = FakeTuner(keep=0.25)
    steps: list[tuple] = []
    space = session.tune(tuner, "Round 1", callback=lambda *step: steps.append(step))
    x = np.asarray(session.project.current.embeddings)
    np.testing.assert_array_equal(tuner.X, x[FILLED])
    expected = {0: "card", 3: "card", 6: "card", 1: "refund", 4: "refund"}
    assert tuner.y.tolist() == [expected.get(row) for row in FILLED]
    assert steps == [(1, 1, 0.5, None)]

    assert (space.name, space.kind, space.state, space.parent) == ("Round 1", "FakeTuner", "candidate", 0)
    assert space.settings == {
        "keep": 0.25,
        "labels": {"card": 3, "refund": 2},
        "seq": 3,
        "classes": ["card", "refund"],
    }
    assert space.ready
    assert (space.folder / "tuner.safetensors").read_bytes() == b"tuner"
    tuned = np.asarray(space.embeddings)
    assert tuned.shape == (40, 13)
    assert np.isnan(tuned[EMPTY]).all()
    np.testing.assert_array_equal(tuned[FILLED], tuner.transform(x[FILLED]))
    shown = session.project.current.map("PCA")
    np.testing.assert_array_equal(space.map("PCA"), projections.align(projections.pca(tuned), shown))
    assert session.project.current.id == 0
    np.testing.assert_array_equal(np.asarray(session.project.current.embeddings), x)


def test_a_tuner_suggests_for_all_texts_and_for_those_that_are_added(
    session: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    label_in_lassos(session)
    monkeypatch.setattr("labelling.tasks.tune.ROWS_AT_ONCE", 7)
    space = session.tune(tuner_like(session.project.current), "Round 1")
    x = np.asarray(session.project.current.embeddings)
    tuner = FeedForwardTuner.load(space.folder / "tuner.safetensors")
    codes, sure = tuner.suggest(x[FILLED])
    found = space.suggestions
    assert found is not None
    assert found.classes == ("card", "password", "refund")
    np.testing.assert_array_equal(found.codes[FILLED], codes)
    np.testing.assert_allclose(found.probability[FILLED], sure, atol=1e-6)
    assert (found.codes[EMPTY] == -1).all()
    assert np.isnan(found.probability[EMPTY]).all()

    session.project.keep_space(space.id)
    session.project.append(make_dataset(MORE))
    again = new_session(session.workspace, session.project)
    assert again.suggested.space is None, "not read yet"
    assert again.embed()
    more = again.suggested.space.suggestions
    np.testing.assert_array_equal(more.codes[:40], found.codes)
    new = np.asarray(again.project.spaces()[0].embeddings)[40:]
    np.testing.assert_array_equal(more.codes[40:], tuner.suggest(new)[0])


def test_suggestions_that_were_lost_are_made_again(session: Worker) -> None:
    label_in_lassos(session)
    space = session.tune(tuner_like(session.project.current), "1")
    before = np.array(space.suggestions.codes)
    (space.folder / "suggested.npy").unlink()
    again = new_session(session.workspace, session.project)
    assert again.project.space(space.id).suggestions is None
    assert again.embed()
    np.testing.assert_array_equal(again.project.space(space.id).suggestions.codes, before)


def test_yes_no_and_unknown_get_no_suggestions(workspace: Workspace) -> None:
    project = workspace.create("many", make_dataset(), {}, multi_label=True)
    session = opened(workspace, project)
    session.log.assign(FILLED[:6], "card")
    session.log.assign(FILLED[6:12], "card", answer=NO)
    space = session.tune(tuner_like(session.project.current), "1")
    assert not space.suggests
    assert space.suggestions is None
    session.project.keep_space(space.id)
    assert session.suggested.space is None
    assert session.suggested.offers(0.5) == []


def test_tuning_starts_from_the_original_and_knows_other_tabs_labels(workspace: Workspace, session: Worker) -> None:
    other = new_session(workspace, session.project)
    other.log.assign([0], "card")
    other.log.assign([1], "refund")
    first = session.tune(FakeTuner(), "1")
    session.project.keep_space(first.id)
    session.project.show_space(first.id)
    tuner = FakeTuner()
    second = session.tune(tuner, "2")
    assert tuner.X.shape[1] == 12
    assert second.parent == 0


def test_tuning_with_too_few_labels(session: Worker) -> None:
    with pytest.raises(StepError, match="nothing is labelled"):
        session.tune(FakeTuner(), "t")
    session.log.assign(EMPTY, "without texts")
    with pytest.raises(StepError, match="nothing is labelled"):
        session.tune(FakeTuner(), "t")
    session.log.assign([0, 1, 2], "card")
    with pytest.raises(StepError, match="'card' alone"):
        session.tune(FakeTuner(), "t")
    assert len(session.project.spaces()) == 1


def test_tuning_before_all_is_embedded(workspace: Workspace, project: Project) -> None:
    session = new_session(workspace, project)
    session.log.import_labels(["a", "b"] * 20)
    with pytest.raises(StepError, match="still being embedded"):
        session.tune(FakeTuner(), "t")


def test_a_tuner_gets_a_part_of_many_unlabelled_rows(workspace: Workspace) -> None:
    n_rows = TUNER_UNLABELLED_ROWS + 500
    project = workspace.create("many", make_dataset([f"t{row}" for row in range(n_rows)]), {})
    x = np.random.default_rng(0).normal(size=(n_rows, 3)).astype(np.float32)
    x[:, 0] = np.arange(n_rows)
    project.current.save_embeddings(x)
    session = new_session(workspace, project)
    session.log.assign(range(200), "a")
    session.log.assign(range(n_rows - 100, n_rows), "b")
    tuner = FakeTuner()
    space = session.tune(tuner, "t")
    rows = tuner.X[:, 0].astype(int)
    assert len(rows) == 300 + TUNER_UNLABELLED_ROWS
    assert len(np.unique(rows)) == len(rows)
    assert tuner.y.tolist() == session.log.names()[rows].tolist(), "every row with its own label"
    np.testing.assert_array_equal(np.asarray(space.embeddings)[:, 1:], x)


def test_evaluate_holds_out_lassos_and_is_kept_with_the_space(session: Worker) -> None:
    label_in_lassos(session)
    space = session.tune(tuner_like(session.project.current), "1")
    reports: list[tuple[int, int]] = []
    found = session.evaluate(space, tuner_like, on_progress=lambda *report: reports.append(report))
    assert found is not None
    assert (found.n_rows, found.n_groups) == (18, 6)
    assert list(found.figures) == ["0", "1"]
    assert found.neighbours_kept is not None
    assert 0 < found.neighbours_kept <= 1
    assert reports[-1] == (4, 4)
    again = session.project.space(space.id).settings["evaluation"]
    assert Evaluation.from_dict(again) == found


def test_evaluate_compares_with_the_space_that_the_map_shows(session: Worker) -> None:
    label_in_lassos(session)
    first, second = (session.tune(tuner_like(session.project.current), str(number)) for number in (1, 2))
    session.project.keep_space(first.id)
    session.project.show_space(first.id)
    found = session.evaluate(second, tuner_like)
    assert found is not None
    assert found.baseline == "1"
    assert set(found.figures) == {"0", "1", "2"}


def test_imported_labels_are_held_out_one_by_one_and_lassos_whole(session: Worker) -> None:
    session.log.import_labels([("card", "refund", None)[row % 3] if row < 12 else None for row in range(40)])
    session.log.assign([12, 15, 18], "card")
    session.log.assign([13, 16], "refund")
    space = session.tune(tuner_like(session.project.current), "1")
    found = session.evaluate(space, tuner_like)
    assert found is not None
    n_imported = sum(row % 3 < 2 for row in range(12) if row in FILLED)
    assert found.n_rows == n_imported + 5
    assert found.n_groups == n_imported + 2


def test_where_each_label_has_one_lasso_texts_are_held_out_and_it_is_said_to_flatter(session: Worker) -> None:
    label_in_lassos(session, n_lassos=1)
    space = session.tune(tuner_like(session.project.current), "1")
    found = session.evaluate(space, tuner_like)
    assert found is not None
    assert found.flatters
    assert (found.n_rows, found.n_groups) == (18, 18)
    assert set(found.counts) == {"card", "refund", "password"}
    assert Evaluation.from_dict(session.project.space(space.id).settings["evaluation"]).flatters


def test_what_is_one_lasso_by_how_the_labels_were_given(session: Worker) -> None:
    """A search, a suggestion, a key: an action each. A merge leaves them; what was split off is one of its own."""
    topics = [[row for row in FILLED if row % 3 == topic] for topic in range(3)]
    for number, topic in enumerate(topics):
        for part, by in enumerate(("search", "suggestion", "unlabelled")):
            session.selection.select(np.array(topic[3 * part : 3 * part + 3]), by)
            session.labelling.give(f"label {number}")
    space = session.tune(tuner_like(session.project.current), "1")
    found = session.evaluate(space, tuner_like)
    assert found is not None
    assert (found.n_rows, found.n_groups, found.flatters) == (27, 9, False)
    session.selection.select(np.array(topics[0][:2]), "box")
    session.labelling.split(0, "other")
    log = session.log
    log.merge(log.find("other").id, log.find("label 1").id)
    found = session.evaluate(space, tuner_like)
    assert found is not None
    assert (found.n_rows, found.n_groups, found.flatters) == (27, 10, False)
    assert found.counts == {"label 0": 7, "label 1": 11, "label 2": 9}
    for _ in range(2):
        session.labelling.undo()
    found = session.evaluate(space, tuner_like)
    assert found is not None
    assert (found.n_rows, found.n_groups) == (27, 9)


def test_an_evaluation_that_cannot_be_or_is_stopped_leaves_the_space(session: Worker) -> None:
    session.log.assign([0, 3], "card")
    session.log.assign([1, 4], "refund")
    space = session.tune(tuner_like(session.project.current), "1")
    with pytest.raises(TooFewLabels, match="two lassos each"):
        session.evaluate(space, tuner_like)
    session.log.undo()
    session.log.undo()
    label_in_lassos(session)
    stop = threading.Event()
    stop.set()
    assert session.evaluate(space, tuner_like, stop=stop) is None
    assert session.project.space(space.id).ready
    assert "evaluation" not in session.project.space(space.id).settings


def test_a_tuner_that_cannot_be_saved_leaves_no_space(session: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    session.log.import_labels(["a", "b"] * 20)

    def fail(self: FakeTuner, path: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(FakeTuner, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        session.tune(FakeTuner(), "t")
    assert [space.id for space in session.project.spaces()] == [0]


def test_with_a_real_tuner(session: Worker) -> None:

    session.log.assign([row for row in FILLED if row % 3 == 0][:6], "card")
    session.log.assign([row for row in FILLED if row % 3 == 1][:6], "refund")
    space = session.tune(FeedForwardTuner(hidden_dim=8, steps=10, random_state=0), "Round 1")
    assert space.ready
    loaded = FeedForwardTuner.load(space.folder / "tuner.safetensors")
    x = np.asarray(session.project.current.embeddings)[FILLED]
    np.testing.assert_allclose(loaded.transform(x), np.asarray(space.embeddings)[FILLED], rtol=1e-5, atol=1e-6)
    json.dumps(dict(space.settings))


def test_unknown_is_not_taken_for_no_by_a_tuner(multi_label: Worker) -> None:
    rows = [row for row in FILLED if row > 3]
    multi_label.log.assign(rows[:4], "card")
    multi_label.log.assign(rows[:2], "only yes")
    assert not multi_label.can_learn()
    with pytest.raises(StepError, match="some that are no: unknown is not taken for no"):
        multi_label.tune(FakeTuner(), "t")
    multi_label.log.assign(rows[4:6], "card", answer=NO)
    tuner = FakeTuner()
    space = multi_label.tune(tuner, "t")
    known = tuner.y["card"].to_numpy()
    assert tuner.y.columns.tolist() == ["card"], "a label without a no can't be learnt"
    assert (np.sum(known == 1), np.sum(known == 0)) == (4, 2)
    assert np.isnan(known).sum() == len(tuner.y) - 6
    assert space.settings["labels"] == {"card": 4}
