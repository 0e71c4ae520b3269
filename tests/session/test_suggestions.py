"""What a tuner suggests: for which texts, and how right that proves to be."""

import numpy as np
import pytest

from labelling.errors import StepError
from labelling.labels.error_rate import wilson
from labelling.queues.review import ReviewError
from labelling.session.suggestions import FEW
from labelling.workspace import Space
from tests.projects import FILLED, FakeTuner, select_rows
from tests.worker import Worker

SURE = 0.9


@pytest.fixture
def space(session: Worker) -> Space:
    """A kept space of a tuner that was fitted on two labels, of two texts each."""
    session.log.assign(FILLED[:2], "card")
    session.log.assign(FILLED[2:4], "refund")
    return keep(session)


def keep(session: Worker) -> Space:
    made = session.tune(FakeTuner(), "1")
    session.project.keep_space(made.id)
    return session.project.space(made.id)


def suggested(session: Worker, name: str, at_least: float = SURE) -> np.ndarray:
    return next((offer.rows for offer in session.suggested.offers(at_least) if offer.name == name), np.array([], int))


def wrong_of(session: Worker, name: str, at_least: float = SURE):
    return next(offer.wrong for offer in session.suggested.offers(at_least) if offer.name == name)


def test_what_is_suggested_has_no_label_and_is_sure_enough(session: Worker, space: Space) -> None:
    x = np.asarray(session.project.spaces()[0].embeddings)[:, 0]
    left = FILLED[4:]
    assert suggested(session, "refund").tolist() == [row for row in left if x[row] > 1]
    assert suggested(session, "card", 0.5).tolist() == [row for row in left if x[row] <= 0]
    assert session.suggested.offers(0.99) == []
    session.log.assign(suggested(session, "card", 0.5)[:1], "refund")
    assert len(suggested(session, "card", 0.5)) == sum(x[left] <= 0) - 1


def test_there_is_one_count_of_suggestions(session: Worker, space: Space) -> None:
    assert session.suggested.n(0.5) == sum(len(offer.rows) for offer in session.suggested.offers(0.5))
    assert session.suggested.n(0.5) == np.count_nonzero(session.suggested.labels_at_least(0.5) >= 0)
    candidate = session.tune(FakeTuner(), "2")
    before = session.suggested.n(0.5, candidate)
    rows = suggested(session, "card", 0.5)[:2]
    session.labelling.give_texts(rows, "card")
    session.labelling.clear_texts(rows)
    assert session.suggested.n(0.5, candidate) == before - 2, "what was said to be wrong is in no count"
    assert session.suggested.n(0.99) == 0


def test_the_newest_kept_space_is_asked(session: Worker, space: Space) -> None:
    assert session.suggested.space.id == space.id
    candidate = session.tune(FakeTuner(), "2")
    assert session.suggested.space.id == space.id, "nobody has decided for the candidate yet"
    session.project.keep_space(candidate.id)
    assert session.suggested.space.id == candidate.id
    session.project.show_space(0)
    assert session.suggested.space.id == candidate.id, "whatever the map shows"


def test_a_selection_of_suggestions_says_so_in_the_log(session: Worker, space: Space) -> None:
    rows = suggested(session, "refund")
    session.suggested.select("refund", SURE)
    np.testing.assert_array_equal(session.selection.rows, rows)
    session.labelling.give("refund")
    how = session.log.how(session.log.seq)
    assert (how["by"], how["label"], how["at_least"], how["classifier"]) == ("suggestion", "refund", SURE, space.id)
    assert not len(suggested(session, "refund"))
    with pytest.raises(StepError, match="for no text any more"):
        session.suggested.select("refund", SURE)


def test_labels_that_were_renamed_or_merged_since_have_their_name_of_now(session: Worker, space: Space) -> None:
    rows = suggested(session, "card", 0.5)
    others = suggested(session, "refund", 0.5)
    session.log.rename(session.log.find("card").id, "cards")
    np.testing.assert_array_equal(suggested(session, "cards", 0.5), rows)
    assert not len(suggested(session, "card", 0.5))
    session.log.merge(session.log.find("refund").id, session.log.find("cards").id)
    np.testing.assert_array_equal(suggested(session, "cards", 0.5), np.union1d(rows, others))
    assert len(session.suggested.offers(0.5)) == 1


def test_how_right_is_known_once_enough_was_labelled_otherwise(session: Worker, space: Space) -> None:
    rows = suggested(session, "card", 0.5)
    assert len(rows) > FEW + 2
    assert wrong_of(session, "card", 0.5) is None, "what it was fitted on proves nothing"
    session.log.assign(rows[: FEW - 1], "card")
    assert wrong_of(session, "card", 0.5) is None
    session.log.assign(rows[FEW - 1 : FEW], "refund")
    found = wrong_of(session, "card", 0.5)
    assert found.share == 1 / FEW
    assert (found.low, found.high) == wilson(1 / FEW, FEW)
    assert (found.n_read, found.n_rows) == (FEW, len(rows) - FEW)


def test_what_was_accepted_proves_nothing_until_it_is_read(session: Worker, space: Space) -> None:
    rows = suggested(session, "card", 0.5)
    few = rows[:-1]  # one stays open, to have an offer
    session.selection.select(few, "suggestion", label="card", at_least=0.5)
    session.labelling.give("card")
    assert wrong_of(session, "card", 0.5) is None
    seq = session.log.seq
    session.log.audit(seq, few[:FEW], few[:3], "outlying")
    assert wrong_of(session, "card", 0.5) is None, "what looks worst is no sample of all"
    session.log.undo()
    session.log.audit(seq, few[:FEW], few[:3], "random")
    found = wrong_of(session, "card", 0.5)
    assert (found.share, found.n_read) == (3 / FEW, FEW)
    session.log.assign(few[:1], "refund")  # found wrong, and labelled: it counts once
    assert wrong_of(session, "card", 0.5) == found


def test_what_was_said_to_be_wrong_is_not_suggested_again(session: Worker, space: Space) -> None:
    rows = suggested(session, "card", 0.5)
    session.labelling.give_texts(rows[:1], "refund")
    session.labelling.clear_texts(rows[:1])
    session.labelling.give_texts(rows[1:2], "card")
    session.labelling.clear_texts(rows[1:2])
    session.log.assign(rows[2:5], "card", how={"by": "lasso"})
    session.log.audit(session.log.seq, rows[2:4], rows[2:3], "random")
    session.log.clear(rows[3:5], how={"by": "lasso"})  # a heap that was given up: nothing is said of each of its texts
    left = np.setdiff1d(rows, rows[[1, 2]])
    np.testing.assert_array_equal(suggested(session, "card", 0.5), left)
    again = keep(session)
    assert session.suggested.space.id == again.id
    assert not np.isin(rows[[1, 2]], suggested(session, "card", 0.5)).any(), "nor by the next model"
    session.log.rename(session.log.find("card").id, "cards")
    assert not np.isin(rows[[1, 2]], suggested(session, "cards", 0.5)).any()


def test_least_sure_first_are_texts_without_a_label(session: Worker, space: Space) -> None:
    session.reviews.look_at("least-sure")
    found = session.search.found
    order = found.best(session.map.seen)
    assert sorted(order) == FILLED[4:].tolist()
    sure = np.asarray(space.suggestions.probability)[order]
    assert (np.diff(sure) >= 0).all()


def test_without_a_tuned_space_nothing_is_suggested(session: Worker) -> None:
    assert session.suggested.space is None
    with pytest.raises(ReviewError, match="improve the map"):
        session.reviews.look_at("least-sure")
    select_rows(session, [0])
    with pytest.raises(StepError, match="for no text"):
        session.suggested.select("card", SURE)
