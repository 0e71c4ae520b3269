"""Labels themselves: made, renamed, merged, deleted ..., each an action that can be undone."""

from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import Engine

from labelling.labels import LabelLog
from labelling.labels.label import KEYS, MAX_DESCRIPTION_LENGTH, NO, UNKNOWN, YES, LabelError
from labelling.palette import N_STYLES
from tests.labels.helpers import N_ROWS, add_project, n_actions, names_of, open_log, state


@pytest.fixture
def log(engine: Engine) -> LabelLog:
    """Rows 0 to 2 bear "a", 3 and 4 "b"; "c" is there, and nothing bears it."""
    log = open_log(engine)
    log.assign([0, 1, 2], "a")
    log.assign([3, 4], "b")
    log.create("c", description="the third")
    return log


@pytest.fixture
def multi_label(engine: Engine) -> LabelLog:
    add_project(engine, "several", N_ROWS, multi_label=True)
    return LabelLog(engine, "several", N_ROWS, multi_label=True)


EDITS = {
    "rename": lambda log: log.rename(0, "new"),
    "recolour": lambda log: log.recolour(0, 7),
    "describe": lambda log: log.describe(0, "what it means"),
    "key": lambda log: log.set_key(0, "E"),
    "reorder": lambda log: log.reorder([2, 0, 1]),
    "merge": lambda log: log.merge(0, 1),
    "delete": lambda log: log.delete(0),
    "create": lambda log: log.create("d"),
    "split": lambda log: log.split(0, [1, 2], "d"),
}


@pytest.mark.parametrize("kind", EDITS)
def test_each_is_an_action_that_can_be_undone(engine: Engine, log: LabelLog, kind: str) -> None:
    other = open_log(engine)
    before = state(log)
    EDITS[kind](log)
    assert log.actions[-1].kind == kind
    other.refresh()
    after = state(log)
    assert state(other) == after
    assert after[:2] != before[:2]
    log.undo()
    assert state(log)[:2] == before[:2]
    log.redo()
    assert state(log)[:2] == after[:2]
    assert state(open_log(engine)) == state(log)


def test_what_a_label_is(log: LabelLog) -> None:
    log.rename(0, " new ")
    log.recolour(0, N_STYLES - 1)
    log.describe(0, "  what it means\nin two lines ")
    label = log.label(0)
    assert (label.name, label.style, label.description) == ("new", N_STYLES - 1, "what it means\nin two lines")
    assert log.label(2).description == "the third"
    assert log.names().tolist()[:5] == ["new"] * 3 + ["b"] * 2
    assert log.last_name(0) == "new"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda log: log.create("a"), "'a' already"),
        (lambda log: log.create("\n"), "needs a name"),
        (lambda log: log.create("d", description="x" * (MAX_DESCRIPTION_LENGTH + 1)), "2,001 characters"),
        (lambda log: log.rename(0, "b"), "merge the two"),
        (lambda log: log.rename(99, "x"), "no longer there"),
        (lambda log: log.recolour(0, N_STYLES), f"0..{N_STYLES - 1}, got {N_STYLES}"),
        (lambda log: log.recolour(0, -1), "got -1"),
        (lambda log: log.set_key(0, "N"), "one of 1 2 3"),
        (lambda log: log.set_key(99, "1"), "no longer there"),
        (lambda log: log.reorder([0, 1]), "changed meanwhile"),
        (lambda log: log.reorder([0, 1, 1]), "changed meanwhile"),
        (lambda log: log.merge(0, 0), "into itself"),
        (lambda log: log.merge(0, 99), "no longer there"),
        (lambda log: log.merge(99, 0), "no longer there"),
        (lambda log: log.delete(99), "no longer there"),
        (lambda log: log.split(0, [3, 9], "d"), "None of what is selected bears 'a'"),
        (lambda log: log.split(0, [0], "b"), "'b' already"),
        (lambda log: log.split(0, [99], "d"), r"0\.\.9"),
    ],
)
def test_what_cannot_be_done(engine: Engine, log: LabelLog, step: Callable[[LabelLog], object], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        step(log)
    assert n_actions(engine) == 3


def test_nothing_is_written_where_nothing_changes(engine: Engine, log: LabelLog) -> None:
    log.rename(0, "a")
    log.recolour(0, 0)
    log.describe(2, " the third ")
    log.reorder([0, 1, 2])
    assert n_actions(engine) == 3


def test_keys(log: LabelLog) -> None:
    assert [label.key for label in log.labels] == ["1", "2", "3"]
    log.set_key(2, "1")
    assert [label.key for label in log.labels] == ["2", "3", "1"], "the others take the next free ones"
    log.set_key(0, "E")
    log.set_key(1, "E")
    assert [label.key for label in log.labels] == ["2", "E", "1"], "another that had it loses it"
    log.set_key(1, None)
    assert [label.key for label in log.labels] == ["2", "3", "1"]


def test_no_key_twice_whatever_is_undone(log: LabelLog) -> None:
    log.set_key(0, "E")
    log.set_key(0, "Z")
    log.set_key(1, "E")
    log.undo(5)
    assert [label.key for label in log.labels] == ["E", "1", "2"]


def test_more_labels_than_keys(log: LabelLog) -> None:
    for number in range(9):
        log.create(f"more {number}")
    assert [label.key for label in log.labels] == [*KEYS[:9], None, None, None]


def test_order(log: LabelLog) -> None:
    log.reorder([2, 0, 1])
    log.create("d")
    assert names_of(log) == ["c", "a", "b", "d"]
    log.delete(0)
    assert names_of(log) == ["c", "b", "d"]


# ---------------------------------------------------------------- merge, delete, split


def test_merge(log: LabelLog) -> None:
    assert log.merge(0, 1).n_changed == 3
    assert log.names().tolist()[:6] == ["b"] * 5 + [None]
    assert log.counts().tolist() == [0, 5, 0]
    assert log.rows_of(log.seq).tolist() == [0, 1, 2]
    with pytest.raises(LabelError, match="no longer there"):
        log.label(0)
    assert log.last_name(0) == "a"
    log.assign([1], "c", overwrite=True)
    assert log.merge(1, 2).n_changed == 4
    assert log.names().tolist()[:6] == ["c"] * 5 + [None]
    log.undo()
    log.undo()
    log.undo()
    assert log.names().tolist()[:6] == ["a"] * 3 + ["b"] * 2 + [None]


def test_labels_cannot_be_merged_in_a_circle(engine: Engine, log: LabelLog) -> None:
    other = open_log(engine, who="other")
    log.merge(0, 1)
    log.undo()
    other.merge(1, 0)
    with pytest.raises(LabelError, match="into each other"):
        log.redo(4)
    assert log.names().tolist()[:5] == ["a"] * 5


def test_a_label_that_others_were_merged_into_stays(engine: Engine, log: LabelLog) -> None:
    log.merge(0, 1)
    log.undo(2)
    assert log.names().tolist()[:5] == ["b"] * 3 + [None] * 2, "its making was undone, but texts bear it"
    assert log.name_of(0) == "b"
    assert state(open_log(engine)) == state(log)


def test_delete(log: LabelLog) -> None:
    outcome = log.delete(0)
    assert outcome.n_changed == 3
    assert log.names().tolist()[:5] == [None] * 3 + ["b"] * 2
    assert log.n_labelled == 2
    assert log.sources()[0] is None
    assert log.assign([0, 3], "a").n_changed == 1, "its rows are unlabelled, its name is free"
    assert log.label(3).name == "a"
    with pytest.raises(LabelError, match="two labels called 'a'"):
        log.undo(4)


def test_split(log: LabelLog) -> None:
    assert log.split(0, np.array([1, 2, 3, 9]), "d", how={"by": "lasso"}).n_changed == 2
    assert log.names().tolist()[:5] == ["a", "d", "d", "b", "b"]
    assert log.actions[-1].source == "lasso"
    assert log.how(log.seq)["from"] == 0


def test_split_of_answers(multi_label: LabelLog) -> None:
    multi_label.assign([0, 1, 2], "a")
    multi_label.assign([3], "a", answer=NO)
    assert multi_label.split(0, [2, 3, 4], "b").n_changed == 1
    assert multi_label.label_values(0).tolist()[:5] == [YES, YES, NO, NO, UNKNOWN]
    assert multi_label.label_values(1).tolist()[:5] == [UNKNOWN, UNKNOWN, YES, UNKNOWN, UNKNOWN]


def test_merge_of_answers(multi_label: LabelLog) -> None:
    """Yes where either was yes, no where both were no."""
    for row, (a, b) in enumerate([(a, b) for a in (YES, NO, UNKNOWN) for b in (YES, NO, UNKNOWN)]):
        for name, answer in (("a", a), ("b", b)):
            if answer != UNKNOWN:
                multi_label.assign([row], name, answer=answer)
    multi_label.create("a") if multi_label.find("a") is None else None
    a, b = multi_label.find("a").id, multi_label.find("b").id
    assert multi_label.merge(a, b).n_changed == 3
    assert multi_label.label_values(b).tolist()[:9] == [YES, YES, YES, YES, NO, UNKNOWN, YES, UNKNOWN, UNKNOWN]
    multi_label.assign([0], "b", answer=NO, overwrite=True)
    multi_label.clear([1], "b")
    assert multi_label.label_values(b).tolist()[:2] == [NO, UNKNOWN], "what was answered since stands"
    assert multi_label.sources()[0] == "deny"
    multi_label.undo(multi_label.seq - 2)
    assert multi_label.label_values(a).tolist()[:3] == [YES] * 3
    assert multi_label.label_values(b).tolist()[:3] == [NO, UNKNOWN, UNKNOWN]


def test_merges_take_effect_in_their_order(multi_label: LabelLog) -> None:
    for name in ("a", "b", "c"):
        multi_label.create(name)
    multi_label.assign([0], "b")
    multi_label.merge(1, 2)
    multi_label.assign([0], "a", answer=NO)
    multi_label.merge(0, 2)
    assert multi_label.label_values(2)[0] == YES, "it was a yes before the no for another label was merged into it"


def test_a_label_nobody_bears_can_go(multi_label: LabelLog) -> None:
    multi_label.create("a")
    assert multi_label.delete(0).n_changed == 0
    assert multi_label.rows_of(2).tolist() == []
    assert multi_label.standing(2).tolist() == []
