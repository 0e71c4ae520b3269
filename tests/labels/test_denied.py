"""Of which labels it was said that a text is not of them."""

import numpy as np
import pytest
from sqlalchemy import Engine

from labelling.labels import LabelLog
from labelling.labels.label import LabelError
from tests.labels.helpers import add_project, open_log


def denied(log: LabelLog) -> list[tuple[int, str]]:
    rows, labels = log.denied()
    return sorted((int(row), log.last_name(int(label))) for row, label in zip(rows, labels, strict=True))


def answer(log: LabelLog, name: str, read: list[int], marked: list[int], **how: object) -> None:
    """As a proposal of these rows is accepted."""
    record = {"by": "proposal", "read": read, "wrong": marked, "suggested": [], **how}
    log.assign(np.setdiff1d(read, marked), name, how=record)


@pytest.fixture
def log(engine: Engine) -> LabelLog:
    return open_log(engine)


def test_what_a_check_found_wrong_until_that_is_taken_back(log: LabelLog, engine: Engine) -> None:
    log.assign([1, 2, 3], "card")
    assert denied(log) == []
    log.audit(1, np.array([1, 2]), np.array([2]), "random")
    assert denied(log) == [(2, "card")]
    assert denied(open_log(engine)) == [(2, "card")], "after a restart, too"
    log.undo()
    assert denied(log) == []
    log.redo()
    assert denied(log) == denied(open_log(engine)) == [(2, "card")]


def test_a_label_in_the_place_of_another_denies_that(log: LabelLog) -> None:
    log.assign([1, 2, 3], "card")
    log.assign([2], "refund", overwrite=True)
    log.split(log.find("card").id, [3], "lost card")
    assert denied(log) == [(2, "card"), (3, "card")]
    log.rename(log.find("card").id, "cards")
    assert denied(log) == [(2, "cards"), (3, "cards")]


def test_a_label_that_is_given_again_is_not_denied(log: LabelLog) -> None:
    log.assign([1, 2], "card")
    log.assign([1, 2], "refund", overwrite=True)
    log.assign([2], "card", overwrite=True)
    assert denied(log) == [(1, "card"), (2, "refund")]


def test_clearing_a_text_denies_its_label_and_clearing_a_selection_does_not(log: LabelLog) -> None:
    log.assign([1, 2, 3], "card")
    log.clear([1], how={"by": "text"})
    log.clear([2, 3], how={"by": "lasso"})
    assert denied(log) == [(1, "card")]


def test_what_was_marked_in_a_proposal(log: LabelLog, engine: Engine) -> None:
    answer(log, "card", [1, 2, 3], [3])
    assert denied(log) == [(3, "card")]
    card = log.find("card").id
    answer(log, "refund", [4, 5], [5], wrong=[4, 5], suggested=[card, card])
    log.refuse({"by": "proposal", "read": [6, 7], "wrong": [7], "suggested": [card]})
    log.refuse({"by": "proposal", "read": [8, 9], "wrong": None, "suggested": []})
    every = [(3, "card"), (4, "card"), (5, "card"), (5, "refund"), (7, "card")]
    assert denied(log) == denied(open_log(engine)) == every
    log.undo(2)
    assert denied(log) == [(3, "card"), (7, "card")]


def test_merged_labels_are_one_and_a_deleted_one_is_none(log: LabelLog) -> None:
    for name, row in (("card", 1), ("cards", 2), ("refund", 3)):
        log.assign([row], name)
        log.audit(log.seq, np.array([row]), np.array([row]), "random")
    log.assign([4], "card")
    log.assign([4], "cards", overwrite=True)
    log.merge(log.find("card").id, log.find("cards").id)
    assert denied(log) == [(1, "cards"), (2, "cards"), (3, "refund")], "4 went from one to what is the same by now"
    log.delete(log.find("refund").id)
    assert denied(log) == [(1, "cards"), (2, "cards")]


def test_what_came_with_a_file_denies_nothing(log: LabelLog) -> None:
    log.assign([0], "card")
    log.import_labels(["refund", *[None] * 9])
    assert log.name_of(0) == "refund"
    assert denied(log) == []


def test_with_yes_and_no_nothing_is_kept_beside_them(engine: Engine) -> None:
    add_project(engine, "q", multi_label=True)
    log = LabelLog(engine, "q", 10, multi_label=True)
    log.assign([1], "card")
    log.audit(1, np.array([1]), np.array([1]), "random")
    assert denied(log) == []


def decided(log: LabelLog) -> list[int]:
    return np.flatnonzero(log.decided()).tolist()


def test_what_was_decided_on_by_reading(log: LabelLog, engine: Engine) -> None:
    log.assign([0, 1, 2, 3], "card", how={"by": "lasso"})
    assert decided(log) == []
    log.assign([4], "card", how={"by": "text"})
    log.audit(1, np.array([0, 1]), np.array([1]), "outlying")
    log.assign([1], "refund", how={"by": "check"})
    answer(log, "refund", [5, 6, 7], [7])
    log.assign([8], "refund", how={"by": "lasso"})
    assert decided(log) == decided(open_log(engine)) == [0, 1, 4, 5, 6]
    assert np.flatnonzero(log.found_right()).tolist() == [0]
    log.assign([0, 4], "refund", overwrite=True, how={"by": "lasso"})
    assert decided(log) == [1, 5, 6], "labelled anew, with others"
    log.undo()
    assert decided(log) == [0, 1, 4, 5, 6]
    log.clear([4])
    assert decided(log) == [0, 1, 5, 6]


def test_what_is_said_to_be_right_tells_nothing_of_the_share_that_is(log: LabelLog, engine: Engine) -> None:
    log.assign([0, 1, 2, 3], "card")
    log.assign([4, 5], "refund")
    assert log.keep_right(np.array([1, 4, 9])) == 2, "one has no label"
    assert np.flatnonzero(log.found_right()).tolist() == decided(open_log(engine)) == [1, 4]
    assert (log.rightness(), log.quality_of(1), log.last_check, log.n_unchecked) == (None, None, 0, 6)
    assert log.check_sample(9).size == 4, "what was read is not read again"
    log.keep_check(np.array([0, 2]), np.array([2]))
    assert log.rightness().n_unchecked == 0
    assert log.rightness() == open_log(engine).rightness()
    log.undo()
    log.undo()
    assert decided(log) == []
    assert log.keep_right(np.array([9])) == 0
    with pytest.raises(LabelError, match="several"):
        open_log(engine, multi_label=True).keep_right(np.array([1]))
