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
    assert log.quality_of_label(0) == estimate(1, 4, 8).of_what_stands(1, 4, 7, 3), "the wrong one has lost the label"
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
    first = estimate(1, 2, 4).of_what_stands(1, 2, 3, 1)
    second, third = estimate(0, 2, 4).of_what_stands(0, 2, 4, 2), estimate(1, 1, 2).of_what_stands(1, 1, 1, 0)
    assert log.quality_of_label(0) == pooled([first, second])
    assert log.quality_of_label(1) == third
    log.merge(0, 1)
    assert log.quality_of_label(1) == pooled([first, second, third])


def test_an_import_and_a_split_can_be_audited(engine: Engine) -> None:
    log = open_log(engine)
    log.import_labels(["a", "b"] * 5)
    log.split(0, [0, 2], "c")
    log.audit(1, [1, 4], [1, 4], "random")
    log.audit(2, [0], [0], "random")
    assert log.names().tolist()[:5] == [None, None, "c", "b", None]


def test_an_audit_of_answers(engine: Engine) -> None:
    add_project(engine, "several", N_ROWS, multi_label=True)
    log = LabelLog(engine, "several", N_ROWS, multi_label=True)
    log.assign([0, 1, 2], "a")
    log.assign([0], "b")
    assert log.audit(1, [0, 1], [0], "random").n_changed == 1
    assert log.label_values(0).tolist()[:4] == [NO, YES, YES, UNKNOWN]
    assert log.label_values(1)[0] == YES
    log.merge(0, 1)
    log.audit(1, [2], [2], "edge")
    assert log.label_values(1).tolist()[:4] == [YES, YES, NO, UNKNOWN], "no for the label that it is by now"
    log.undo(4)
    assert log.label_values(0).tolist()[:4] == [NO, YES, NO, UNKNOWN]


def test_many_rows_read(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(np.arange(N_ROWS), "a")
    log.audit(1, np.arange(N_ROWS), [], "random")
    found = log.quality_of(1)
    assert (found.low, found.high) == (0, 0), "all were read: nothing is left to chance"


def test_how_right_all_labels_are(engine: Engine) -> None:
    log = open_log(engine)
    assert log.rightness() is None
    log.assign(range(4), "a")
    log.assign(range(4, 10), "b")
    assert log.rightness() is None
    log.audit(1, [0, 1], [0], "random")
    known = estimate(1, 2, 4).of_what_stands(1, 2, 3, 1)
    found = log.rightness()
    assert found.checked == 3 / 9, "of 9 labels 3 stand of the action that was read of"
    assert (found.wrong.share, found.wrong.low, found.wrong.n_rows) == (known.share, known.low, 9)
    log.audit(2, [4, 5], [], "random")
    log.audit(2, [6], [6], "edge")
    found = log.rightness()
    assert found.checked == 1
    assert found.wrong.share == pytest.approx((known.share * 3 + 0 * 5) / 8)
    log.assign(range(4, 10), "c", overwrite=True)
    assert log.rightness().checked == 3 / 9, "the labels that were read stand no longer"


def test_a_check_draws_of_all_labels_and_is_kept_with_their_actions(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(range(4), "a")
    log.assign(range(4, 8), "b")
    log.audit(1, [0, 1], [], "random")
    log.audit(2, [4], [], "edge")
    drawn = log.check_sample(100, random_state=1)
    assert sorted(drawn) == [2, 3, 4, 5, 6, 7], "what was drawn at random is not drawn again"
    assert log.check_sample(3, random_state=1).tolist() == drawn[:3].tolist()
    log.clear([3])
    assert log.keep_check(drawn, np.array([2, 5])) == 2
    assert log.names().tolist()[:8] == ["a", "a", None, None, "b", None, "b", "b"]
    assert log.read(1, "random").tolist() == [0, 1, 2]
    assert log.read(2, "random").tolist() == [4, 5, 6, 7]
    assert log.check_sample(100).tolist() == []
    assert log.rightness().wrong.share == 0, "all that are left were read"


def test_how_right_the_answers_of_many_labels_are(engine: Engine) -> None:
    log = open_log(engine, multi_label=True)
    log.assign(range(4), "a")
    log.assign(range(2, 6), "b")
    log.audit(1, [0, 1], [0], "random")
    found = log.rightness()
    assert found.checked == 3 / 7
    assert found.wrong.share == estimate(1, 2, 4).of_what_stands(1, 2, 3, 1).share
