"""Where one person has changed what another had said."""

import numpy as np
from sqlalchemy import Engine

from labelling.labels import LabelLog
from labelling.labels.disagreement import Disagreements, Overruled
from tests.labels.helpers import add_project, open_log


def found(engine: Engine, **how: object) -> tuple[list[int], dict[Overruled, int]]:
    differ: Disagreements = open_log(engine, **how).disagreements()
    return np.flatnonzero(differ.rows).tolist(), dict(differ.pairs)


def test_who_changed_what_another_had_said(engine: Engine) -> None:
    ann = open_log(engine, who="ann")
    ann.import_labels(["b", *[None] * 9])
    ann.assign([1, 2, 3], "a")
    bob = open_log(engine, who="bob")
    bob.assign([0, 1, 2, 4], "b", overwrite=True)  # 0 came with the file, with this very label
    bob.clear([3])
    b, a = bob.find("b"), bob.find("a")
    assert a is not None
    assert b is not None
    assert found(engine) == (
        [1, 2, 3],
        {Overruled("ann", a.id, "bob", b.id): 2, Overruled("ann", a.id, "bob", -1): 1},
    )
    bob.undo(4)  # the clearing alone was action 4
    assert found(engine) == ([1, 2], {Overruled("ann", a.id, "bob", b.id): 2})


def test_changing_ones_own_word_or_the_files_is_none(engine: Engine) -> None:
    ann = open_log(engine, who="ann")
    ann.import_labels(["b", *[None] * 9])
    ann.assign([1], "a")
    ann.assign([1], "b", overwrite=True)
    ann.clear([1])
    bob = open_log(engine, who="bob")
    bob.assign([0, 1], "c", overwrite=True)
    assert found(engine) == ([], {})


def test_labels_that_were_merged_are_one(engine: Engine) -> None:
    open_log(engine, who="ann").assign([1, 2], "a")
    bob = open_log(engine, who="bob")
    bob.assign([1, 2], "b", overwrite=True)
    a, b = bob.find("a"), bob.find("b")
    assert a is not None
    assert b is not None
    assert found(engine)[0] == [1, 2]
    bob.merge(a.id, b.id)
    assert found(engine) == ([], {})


def test_an_audit_by_somebody_else_is_one(engine: Engine) -> None:
    ann = open_log(engine, who="ann")
    ann.assign([1, 2], "a")
    open_log(engine, who="bob").audit(1, np.array([1, 2]), np.array([2]), "random")
    assert found(engine) == ([2], {Overruled("ann", 0, "bob", -1): 1})


def test_with_yes_and_no_for_each_label(engine: Engine) -> None:
    add_project(engine, "several", multi_label=True)

    def log(who: str) -> LabelLog:
        return LabelLog(engine, "several", 10, multi_label=True, who=who)

    log("ann").assign([1, 2], "a")
    log("bob").assign([2], "b")  # another label is no disagreement
    log("bob").assign([2, 3], "a", answer=0, overwrite=True)
    differ = log("ann").disagreements()
    assert np.flatnonzero(differ.rows).tolist() == [2]
    assert dict(differ.pairs) == {Overruled("ann", 1, "bob", 0, column=0): 1}
