"""Reading a sample of what an action labelled: what was wrong loses the label, and the share is known from then on."""

import numpy as np
import pytest
from sqlalchemy import Engine

from labelling.labels import LabelLog
from labelling.labels.error_rate import estimate, pooled
from labelling.labels.label import NO, UNKNOWN, YES, LabelError
from tests.labels.helpers import N_ROWS, add_project, n_actions, open_log, state


def test_an_audit(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(range(8), "a")
    assert log.quality_of(1) is None
    assert log.quality_of_label(0) is None
    assert log.audit(1, [0, 1, 2, 3], [1], "random").n_changed == 1
    assert log.names().tolist()[:4] == ["a", None, "a", "a"]
    assert log.read(1).tolist() == [0, 1, 2, 3]
    assert log.quality_of(1) == estimate(1, 4, 8)
    assert log.quality_of_label(0) == estimate(1, 4, 8).without(1), "the wrong one has lost the label"
    log.audit(1, [4], [4], "edge")
    assert log.quality_of(1) == estimate(1, 4, 8), "those that were looked for tell nothing of the share"
    assert log.read(1).tolist() == [0, 1, 2, 3, 4]
    assert log.read(1, "edge").tolist() == [4]
    log.audit(1, [5, 6], [], "random")
    assert log.quality_of(1) == estimate(1, 6, 8)
    assert state(open_log(engine)) == state(log)
    assert open_log(engine).quality_of(1) == estimate(1, 6, 8)


def test_an_audit_is_undone_like_all_else(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(range(8), "a")
    log.audit(1, [0, 1], [0], "random")
    log.undo()
    assert log.names()[0] == "a"
    assert log.quality_of(1) is None
    assert log.read(1).tolist() == []
    log.redo()
    assert log.names()[0] is None
    log.undo(1)
    assert log.quality_of_label(0) is None, "the labels that it is about are taken back"


def test_what_was_labelled_anew_is_not_in_question(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(range(8), "a")
    log.assign([0], "b", overwrite=True)
    assert log.audit(1, [0, 1], [0, 1], "random").n_changed == 1
    assert log.names().tolist()[:2] == ["b", None]


@pytest.mark.parametrize(
    ("seq", "read", "wrong", "message"),
    [
        (1, [0, 9], [], "rows of the action"),
        (1, [0], [1], "finds some of these wrong"),
        (2, [8], [], "can be audited"),
        (3, [0], [], "not taken back"),
        (99, [0], [], "no action 99"),
        (0, [0], [], "no action 0"),
    ],
)
def test_what_cannot_be_audited(engine: Engine, seq: int, read: list[int], wrong: list[int], message: str) -> None:
    log = open_log(engine)
    log.assign(range(8), "a")
    log.clear([7])
    log.assign([8], "b")
    log.undo()
    with pytest.raises(LabelError, match=message):
        log.audit(seq, read, wrong, "random")
    assert n_actions(engine) == 4


def test_the_labels_quality_is_that_of_all_its_audited_actions(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(range(4), "a")
    log.assign(range(4, 8), "a")
    log.assign([8, 9], "b")
    log.audit(1, [0, 1], [0], "random")
    log.audit(2, [4, 5], [], "random")
    log.audit(3, [8], [8], "random")
    first = estimate(1, 2, 4).without(1)
    assert log.quality_of_label(0) == pooled([first, estimate(0, 2, 4)])
    assert log.quality_of_label(1) == estimate(1, 1, 2).without(1)
    log.merge(0, 1)
    assert log.quality_of_label(1) == pooled([first, estimate(0, 2, 4), estimate(1, 1, 2).without(1)])


def test_an_import_and_a_split_can_be_audited(engine: Engine) -> None:
    log = open_log(engine)
    log.import_labels(["a", "b"] * 5)
    log.split(0, [0, 2], "c")
    log.audit(1, [1, 4], [1, 4], "random")
    log.audit(2, [0], [0], "random")
    assert log.names().tolist()[:5] == [None, None, "c", "b", None]


def test_an_audit_of_answers(engine: Engine) -> None:
    add_project(engine, "several", N_ROWS, several=True)
    log = LabelLog(engine, "several", N_ROWS, several=True)
    log.assign([0, 1, 2], "a")
    log.assign([0], "b")
    assert log.audit(1, [0, 1], [0], "random").n_changed == 1
    assert log.answers(0).tolist()[:4] == [NO, YES, YES, UNKNOWN]
    assert log.answers(1)[0] == YES
    log.merge(0, 1)
    log.audit(1, [2], [2], "edge")
    assert log.answers(1).tolist()[:4] == [YES, YES, NO, UNKNOWN], "no for the label that it is by now"
    log.undo(4)
    assert log.answers(0).tolist()[:4] == [NO, YES, NO, UNKNOWN]


def test_many_rows_read(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(np.arange(N_ROWS), "a")
    log.audit(1, np.arange(N_ROWS), [], "random")
    found = log.quality_of(1)
    assert (found.low, found.high) == (0, 0), "all were read: nothing is left to chance"
