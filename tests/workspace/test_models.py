"""The model of a project: what it suggests in the project it says of other texts."""

import numpy as np
import pytest

from labelling.encoders.tfidf import TfidfEncoder
from labelling.errors import StepError
from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner
from labelling.tasks.maps import save_embeddings
from labelling.tasks.tune import fit
from labelling.workspace import Project, Workspace
from labelling.workspace.spaces import TUNER_FILE
from tests.projects import FILLED, TEXTS, make_dataset


@pytest.fixture(scope="module")
def encoder() -> TfidfEncoder:
    return TfidfEncoder().fit(TEXTS)


def tuned(project: Project, encoder: TfidfEncoder, tuner: object) -> Project:
    X = np.full((40, encoder.n_dims), np.nan, np.float32)
    X[FILLED] = encoder.encode([TEXTS[row] for row in FILLED])
    save_embeddings(project, project.current, X)
    log = project.open_log("ann")
    for topic, name in enumerate(("card", "refund", "password")):
        rows = [row for row in FILLED if row % 3 == topic]
        log.assign(rows[:8], name)
        if log.multi_label:
            log.assign([row for row in FILLED if row % 3 != topic][:8], name, answer=0)
    space = fit(project, log, tuner, "tuned")
    project.keep_space(space.id)
    return project


@pytest.mark.parametrize("kind", [FeedForwardTuner, ContrastiveTuner])
def test_it_says_what_the_project_suggests(project: Project, encoder: TfidfEncoder, kind: type) -> None:
    tuned(project, encoder, kind(steps=60, random_state=0))
    model = project.model(encoder_with=lambda settings: encoder)
    suggested = project.spaces()[-1].suggestions
    assert suggested is not None
    assert model.knows_near
    found = model.answers([TEXTS[row] for row in FILLED])
    classes = np.array(suggested.classes)
    assert model.classes_[found.codes].tolist() == classes[np.asarray(suggested.codes)[FILLED]].tolist()
    np.testing.assert_allclose(found.sure, np.asarray(suggested.probability)[FILLED], atol=1e-5)
    assert model.predict(["where is my refund money", "my card was refused"]).tolist() == ["refund", "card"]
    assert model.predict_proba([]).shape == (0, 3)


def test_its_labels_have_the_names_of_now(project: Project, encoder: TfidfEncoder) -> None:
    tuned(project, encoder, FeedForwardTuner(steps=60, random_state=0))
    before = project.model(1, lambda settings: encoder)
    log = project.open_log("ann")
    card, refund = log.find("card"), log.find("refund")
    assert card
    assert refund
    log.rename(refund.id, "money back")
    after = project.model(1, lambda settings: encoder)
    texts = ["where is my refund money", "my card was refused"]
    assert after.predict(texts).tolist() == ["money back", "card"]
    assert after.fingerprint != before.fingerprint
    log.merge(card.id, refund.id)
    merged = project.model(1, lambda settings: encoder)
    assert sorted(merged.classes_) == ["money back", "password"]
    assert merged.predict(texts).tolist() == ["money back", "money back"]
    np.testing.assert_allclose(merged.predict_proba(texts).sum(axis=1), 1, rtol=1e-5)


def test_several_labels_a_text(workspace: Workspace, encoder: TfidfEncoder) -> None:
    project = workspace.create("several", make_dataset(), {}, multi_label=True)
    tuned(project, encoder, FeedForwardTuner(steps=60, random_state=0))
    model = project.model(encoder_with=lambda settings: encoder)
    assert not model.knows_near
    found = model.predict(["where is my refund money", "hello"])
    assert found.shape == (2, 3)
    assert found[0, model.classes_.tolist().index("refund")] == 1


def test_what_is_no_model_is_said(project: Project, encoder: TfidfEncoder) -> None:
    with pytest.raises(StepError, match="no tuned space that was kept"):
        project.model()
    with pytest.raises(StepError, match="made by a tuner or a classifier"):
        project.model(0)
    tuned(project, encoder, FeedForwardTuner(steps=5, random_state=0))
    (project.spaces()[-1].folder / TUNER_FILE).unlink()
    with pytest.raises(StepError, match="is gone"):
        project.model()
