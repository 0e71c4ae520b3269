"""Reading a sample of what an action labelled: what was wrong loses the label, and the share is known from then on."""

import numpy as np
import pytest
from sqlalchemy import Engine

from labelling.labels import LabelLog
from labelling.labels.error_rate import Estimate, Stratum, estimate, of_strata
from labelling.labels.label import NO, UNKNOWN, YES, LabelError
from tests.labels.helpers import N_ROWS, add_project, n_actions, open_log, state


def left(*strata: Stratum, n_unchecked: int = 0) -> Estimate | None:
    n_rows = sum(int(stratum.n_rows - stratum.n_gone) for stratum in strata)
    return of_strata(strata, n_rows + n_unchecked, n_unchecked)


def test_an_audit(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(range(8), "a")
    assert log.quality_of(1) is None
    assert log.quality_of_label(0) is None
    assert log.audit(1, [0, 1, 2, 3], [1], "random").n_changed == 1
    assert log.names().tolist()[:4] == ["a", None, "a", "a"]
    assert log.read(1).tolist() == [0, 1, 2, 3]
    assert log.quality_of(1) == estimate(1, 4, 8)
    assert log.quality_of_label(0) == left(Stratum(8, 4, 1, 1, 4)), "the wrong one has lost the label"
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
    first, second, third = Stratum(4, 2, 1, 1, 2), Stratum(4, 2, 0, 0, 2), Stratum(2, 1, 1, 1, 1)
    assert log.quality_of_label(0) == left(first, second)
    assert log.quality_of_label(1) == left(third)
    log.merge(0, 1)
    assert log.quality_of_label(1) == left(first, second, third)


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
    first = Stratum(4, 2, 1, 1, 2)
    found = log.rightness()
    assert found == left(first, n_unchecked=6), "of 9 labels 3 stand of the action that was read of"
    assert (found.share, found.n_rows) == (1 / 3, 9)
    assert found.high >= 6 / 9, "of those that no check covers any may be wrong"
    log.audit(2, [4, 5], [], "random")
    log.audit(2, [6], [6], "edge")
    found = log.rightness()
    assert found == left(first, Stratum(6, 2, 0, 1, 3))
    assert found.share == pytest.approx(1 / 8)
    log.assign(range(4, 10), "c", overwrite=True)
    assert log.rightness() == left(first, n_unchecked=6), "the labels that were read stand no longer"


def test_a_check_draws_of_all_labels_and_is_one_action(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(range(4), "a")
    log.assign(range(4, 8), "b")
    log.audit(1, [0, 1], [], "random")
    drawn = log.check_sample(100)
    assert sorted(drawn) == [2, 3, 4, 5, 6, 7], "what was read is not drawn again"
    assert log.check_sample(3).tolist() == drawn[:3].tolist()
    at = log.seq
    log.clear([3])
    log.assign([6], "c", overwrite=True)
    assert log.keep_check(drawn, np.array([2, 5, 6]), at) == 2
    assert log.names().tolist()[:8] == ["a", "a", None, None, "b", None, "c", "b"]
    check = log.actions[-1]
    assert (check.kind, check.targets, check.n_rows) == ("audit", (1, 2), 2)
    assert log.read(1, "random").tolist() == [0, 1, 2]
    assert log.read(2, "random").tolist() == [4, 5, 7]
    assert log.quality_of(2) == estimate(1, 3, 4)
    assert log.check_sample(100).tolist() == [6]
    assert log.rightness() == Estimate(0, 0, 1 / 5, 6, 5, 1), "all that are left were read, but for one"
    assert open_log(engine).rightness() == log.rightness()
    log.undo()
    assert log.names().tolist()[:8] == ["a", "a", "a", None, "b", "b", "c", "b"], "taken back as one"
    assert log.quality_of(2) is None


def test_what_a_check_found_wrong_and_put_right_is_checked(engine: Engine) -> None:
    add_project(engine, "put right", 40)
    log = LabelLog(engine, "put right", 40)
    log.assign(range(40), "a")
    drawn = log.check_sample(9)
    log.keep_check(drawn, drawn[:2])
    log.assign(drawn[:1], "b", how={"by": "text"})
    assert log.rightness().n_unchecked == 1, "by somebody who may err"
    log.undo()
    log.assign(drawn[:2], "b", how={"by": "check", "with": [log.seq]})
    assert log.rightness().n_unchecked == 0
    assert log.rightness() == LabelLog(engine, "put right", 40).rightness()
    assert log.rightness().low > 0, "what was found wrong still tells of what was not read"


def test_what_is_given_after_a_check_over_all_is_not_covered(engine: Engine) -> None:
    add_project(engine, "big", 200)
    log = LabelLog(engine, "big", 200)
    log.assign(range(100), "a")
    for row in range(100, 120):  # so small that a check will not draw of most of them
        log.assign([row], "b")
    log.keep_check(log.check_sample(12), np.empty(0, int))
    found = log.rightness()
    assert (found.n_unchecked, found.n_rows) == (0, 120)
    assert found.low == 0
    assert found == left(Stratum(120, 12, 0, 0, 108)), "one random sample of all, as wide as Wilson's interval"
    log.assign(range(120, 180), "c")
    found = log.rightness()
    assert found.n_unchecked == 60
    assert found.high > 60 / 180, "any of them may be wrong"
    assert log.quality_of_label(log.find("c").id) is None
    drawn = log.check_sample(9)
    assert np.count_nonzero(drawn >= 120) > 4, "what was given since is read first"
    log.keep_check(drawn, drawn[drawn >= 120][:2])
    found = log.rightness()
    assert found.n_unchecked == 0
    assert found.low > 0
    log.assign(range(10), "c", overwrite=True)
    assert log.rightness().n_unchecked == 10, "labelled anew"
    log.undo()
    assert log.rightness().n_unchecked == 10, "brought back: they were others when the check was drawn"


def test_a_label_that_comes_back_is_not_covered_by_what_was_drawn_meanwhile(engine: Engine) -> None:
    log = open_log(engine)
    log.assign(range(5), "a")
    log.assign(range(5, 10), "b")
    log.delete(0)
    log.keep_check(log.check_sample(2), np.empty(0, int))
    assert log.rightness().n_unchecked == 0
    log.undo(3)
    assert (log.rightness().n_unchecked, log.rightness().n_rows) == (5, 10)


def test_how_right_the_answers_of_many_labels_are(engine: Engine) -> None:
    log = open_log(engine, multi_label=True)
    log.assign(range(4), "a")
    log.assign(range(2, 6), "b")
    log.audit(1, [0, 1], [0], "random")
    found = log.rightness()
    assert found == left(Stratum(4, 2, 1, 1, 2), n_unchecked=4)
