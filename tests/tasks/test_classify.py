"""Classifiers: their spaces and suggestions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelling.errors import StepError
from labelling.learning.classifiers import TransformerClassifier
from labelling.workspace import Project, Space, Workspace
from tests.projects import (
    EMPTY,
    FILLED,
    TEXTS,
    FakeClassifier,
    FakeTuner,
    make_dataset,
)
from tests.worker import Worker


def test_a_classifier_makes_a_space_and_suggestions(session: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    session.log.assign(FILLED[:6], "card")
    session.log.assign(FILLED[6:12], "refund")
    session.log.assign(EMPTY, "card")
    classifier = FakeClassifier()
    space = session.classify(classifier, "C", {"model": None})
    assert space is not None
    assert classifier.texts == [TEXTS[row] for row in FILLED[:12]]
    assert classifier.y.tolist() == ["card"] * 6 + ["refund"] * 6
    assert (space.kind, space.state) == ("TransformerClassifier", "candidate")
    assert space.settings["labels"] == {"card": 6, "refund": 6}
    assert space.ready
    assert space.has_map("PCA")
    found = space.suggestions
    assert found.classes == ("card", "refund")
    for row in FILLED:
        assert found.codes[row] == len(TEXTS[row].split()) % 2
    assert (found.codes[EMPTY] == -1).all()
    assert np.isnan(found.probability[EMPTY]).all()

    with pytest.raises(StepError, match="suggested for no text"):
        session.suggested.select("card", 0.9)  # it is not kept yet
    session.project.keep_space(space.id)
    session.suggested.select("refund", 0.9)
    wanted = [row for row in FILLED[12:] if found.codes[row] == 1 and found.probability[row] >= 0.9]
    assert wanted
    assert session.selection.rows.tolist() == wanted
    session.labelling.give("refund")
    assert session.log.actions[-1].source == "suggestion"
    how = session.log.how(session.log.seq)
    assert (how["classifier"], how["label"], how["at_least"], how["projection"]) == (space.id, "refund", 0.9, "PCA")

    # Added texts get their guesses, and their places among the others.
    monkeypatch.setattr(TransformerClassifier, "load", lambda folder: FakeClassifier())
    before = np.array(space.map("PCA"))
    session.project.append(make_dataset(["two words", "three more words"]))
    again = Worker(session.workspace, session.project, session.bench.encoder_for)
    assert again.suggested.space is None, "not read yet"
    assert again.embed()
    found = again.suggested.space.suggestions
    assert found.codes[-2:].tolist() == [0, 1]
    np.testing.assert_array_equal(again.suggested.space.map("PCA")[:40], before)


def test_a_training_that_is_ended_or_has_too_few_labels_makes_nothing(session: Worker) -> None:
    with pytest.raises(StepError, match="A classifier needs at least two labels"):
        session.classify(FakeClassifier(), "C", {})
    session.log.assign(FILLED[:2], "card")
    session.log.assign(FILLED[2:4], "refund")
    classifier = FakeClassifier()
    assert session.classify(classifier, "C", {}, callback=lambda *_: False) is None
    assert classifier.went_on is False
    assert len(session.project.spaces()) == 1


@pytest.mark.slow
def test_a_classifier_learns_from_texts_where_the_vectors_were_brought_along(
    workspace: Workspace, project: Project, tiny_model: Path
) -> None:
    from labelling.encoders.precomputed import OwnVectors
    from labelling.learning.classifiers import TransformerClassifier

    vectors = np.random.default_rng(0).normal(size=(len(FILLED), 16)).astype(np.float32)  # as wide as the model's
    own = OwnVectors(16, lambda: vectors)
    session = Worker(workspace, workspace.open(project.id), lambda settings: own, vectors=own)
    assert session.embed()
    np.testing.assert_array_equal(np.asarray(session.project.spaces()[0].embeddings)[FILLED], vectors)
    session.log.assign(FILLED[:6], "card")
    session.log.assign(FILLED[6:12], "refund")
    classifier = TransformerClassifier(tiny_model, random_state=0)
    space = session.classify(classifier, "C", {})
    assert space is not None
    alone = TransformerClassifier(tiny_model, random_state=0)
    alone.fit([TEXTS[row] for row in FILLED[:12]], ["card"] * 6 + ["refund"] * 6)
    np.testing.assert_allclose(
        np.asarray(space.embeddings)[FILLED], alone.transform([TEXTS[row] for row in FILLED]), atol=1e-4
    )


def test_a_ready_classifier_needs_no_label(session: Worker) -> None:
    classifier = FakeClassifier()
    classifier.pretrained_, classifier.classes_ = True, np.array(["good", "bad"])
    space = session.classify(classifier, "ready", {})
    assert space.suggestions.classes == ("good", "bad")


def test_what_a_classifier_was_trained_on_is_not_held_out_in_its_space(session: Worker) -> None:
    session.log.assign(FILLED[:6], "card")
    session.log.assign(FILLED[6:12], "refund")
    space = session.classify(FakeClassifier(), "C", {})
    session.project.keep_space(space.id)
    session.project.show_space(space.id)
    tuned = session.tune(FakeTuner(), "t")
    asked: list[int] = []

    def tuner_for(each: Space) -> Any:
        asked.append(each.id)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        session.evaluate(tuned, tuner_for)
    assert asked == [tuned.id]
