"""Undo, redo and going back: each person's own, whatever others did meanwhile."""

import numpy as np
import pytest
from sqlalchemy import Engine, update

from labelling.database.tables import projects
from labelling.labels import LabelLog
from labelling.labels.label import NO, YES, LabelError
from tests.labels.helpers import N_ROWS, add_project, names_of, open_log, state


def test_undo_and_redo_to_any_depth(engine: Engine) -> None:
    log = open_log(engine)
    seen = [log.names().tolist()]
    for step in (
        lambda: log.import_labels(["x", "y"] * 5),
        lambda: log.assign([0, 1, 2], "a", overwrite=True),
        lambda: log.clear([1, 9]),
        lambda: log.assign([1], "b"),
        lambda: log.import_labels(["z"] + [None] * 9),
    ):
        assert step().n_changed
        seen.append(log.names().tolist())
    for n in (4, 3, 2, 1, 0):
        assert log.next_undo == log.actions[n]
        assert log.undo() == log.actions[n]
        assert log.names().tolist() == seen[n]
    assert log.labels == [], "a label whose making was undone is gone"
    assert log.undo() is None
    assert log.next_undo is None
    for n in (1, 2, 3, 4, 5):
        assert log.redo() == log.actions[n - 1]
        assert log.names().tolist() == seen[n]
    assert log.redo() is None
    assert log.setters.tolist()[:3] == [5, 4, 2], "a label brought back is that of its first action"
    assert log.rows_of(6).tolist() == log.rows_of(5).tolist()
    assert log.actions[5].targets == (5,)
    assert state(open_log(engine)) == state(log)


def test_a_new_action_ends_redo(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([0], "a")
    log.assign([1], "b")
    log.undo()
    log.assign([2], "c")
    assert log.redo() is None
    assert log.undo() == log.actions[3]
    assert log.undo() == log.actions[0]
    assert log.names().tolist() == [None] * N_ROWS


def test_undo_is_ones_own(engine: Engine) -> None:
    ann, bob = open_log(engine, who="ann"), open_log(engine, who="bob")
    ann.assign([0, 1, 2], "a")
    bob.assign([2, 3], "b", overwrite=True)
    assert ann.undo() == ann.actions[0]
    assert ann.names().tolist()[:4] == [None, None, "b", "b"], "what Bob did since stays"
    assert names_of(ann) == ["b"]
    bob.undo()
    assert bob.names().tolist() == [None] * N_ROWS, "what Ann took back does not come up again"
    assert bob.undo() is None
    assert ann.redo() == ann.actions[0]
    assert ann.names().tolist()[:4] == ["a", "a", "a", None]
    bob.assign([5], "c")
    assert bob.redo() is None, "one's own new action ends redo"
    ann.refresh()
    assert ann.next_undo == ann.actions[0]


def test_another_persons_action_by_its_number(engine: Engine) -> None:
    ann, bob = open_log(engine, who="ann"), open_log(engine, who="bob")
    ann.assign([0, 1], "a")
    ann.assign([2], "b")
    assert bob.undo(1) == bob.actions[0]
    assert bob.names().tolist()[:3] == [None, None, "b"]
    assert bob.undo(1) is None, "it is taken back already"
    assert bob.redo(2) is None, "it is in force"
    assert bob.undo(3) is None, "an undo is brought back by redo"
    assert ann.redo(1) == ann.actions[0]
    for seq in (0, -1, 99):
        for step in (ann.undo, ann.redo):
            with pytest.raises(LabelError, match="There is no action"):
                step(seq)
    assert state(ann) == state(open_log(engine, who="ann"))


def test_what_was_written_while_another_was_taken_back(engine: Engine) -> None:
    """The third action overwrote nothing that the log says; what the first gave lies under it all the same."""
    log = open_log(engine)
    log.assign([1], "a")
    log.undo()
    log.assign([1], "b")
    log.redo(1)
    assert log.names()[1] == "b"
    log.undo(3)
    assert log.names()[1] == "a"
    assert log.setters[1] == 1


def test_a_label_that_others_gave_too_stays(engine: Engine) -> None:
    ann, bob = open_log(engine, who="ann"), open_log(engine, who="bob")
    ann.assign([0], "a")
    bob.assign([1], "a")
    ann.undo()
    assert ann.names().tolist()[:2] == [None, "a"]
    bob.clear([1])
    assert names_of(bob) == [], "nothing bears it any more"
    assert names_of(open_log(engine)) == []
    bob.undo()
    assert bob.names()[1] == "a"


def test_two_labels_never_have_one_name(engine: Engine) -> None:
    ann, bob = open_log(engine, who="ann"), open_log(engine, who="bob")
    ann.assign([0], "a")
    bob.assign([1], "a")
    bob.undo()
    ann.undo()
    ann.assign([2], "a")
    with pytest.raises(LabelError, match="two labels called 'a'"):
        bob.redo()
    ann.rename(ann.find("a").id, "other")
    bob.redo()
    assert sorted(names_of(bob)) == ["a", "other"]
    with pytest.raises(LabelError, match="two labels called 'a'"):
        ann.undo()


def test_going_back_and_forth(engine: Engine) -> None:
    log = open_log(engine)
    seen = [log.names().tolist()]
    for number in range(4):
        log.assign([number, number + 1], f"l{number}", overwrite=True)
        seen.append(log.names().tolist())
    assert log.revert(1) == 3
    assert log.names().tolist() == seen[1]
    assert log.revert(3) == 2, "as the labels were after it, whatever was done since"
    assert log.names().tolist() == seen[3]
    assert log.revert(3) == 0
    assert log.revert(0) == 3
    assert log.names().tolist() == seen[0]
    assert log.labels == []
    assert log.undo().kind == "revert"
    assert log.names().tolist() == seen[3]
    log.undo()
    assert log.names().tolist() == seen[1]
    log.undo()
    assert log.names().tolist() == seen[4]
    log.redo()
    assert log.names().tolist() == seen[1]
    with pytest.raises(LabelError, match="There is no action 99"):
        log.revert(99)
    with pytest.raises(LabelError, match="There is no action -1"):
        log.revert(-1)
    assert state(log) == state(open_log(engine))


def test_going_back_over_undone_actions(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([0], "a")
    log.undo()
    log.assign([1], "b")
    log.redo(1)
    assert log.revert(3) == 1, "the first was taken back then"
    assert log.names().tolist()[:2] == [None, "b"]
    assert log.revert(1) == 2
    assert log.names().tolist()[:2] == ["a", None]


def test_a_long_way_back_is_quick(engine: Engine) -> None:
    """Each action is read once, however many lie over one another."""
    log = open_log(engine)
    for number in range(60):
        log.assign(np.arange(N_ROWS), f"{number % 3}", overwrite=True)
    asked = []
    found = log._changes_of

    def counted(connection: object, seq: int) -> object:
        asked.append(seq)
        return found(connection, seq)

    log._changes_of = counted
    assert log.revert(0) == 60
    assert sorted(asked) == list(range(1, 61))
    asked.clear()
    log.undo()
    assert len(asked) == 60
    assert log.names().tolist() == ["2"] * N_ROWS


def test_texts_were_added_meanwhile(engine: Engine) -> None:
    """An undo must reach the rows that the tab does not know of yet."""
    stale = open_log(engine)
    stale.assign([0, 1], "a")
    with engine.begin() as connection:
        connection.execute(update(projects).values(n_rows=N_ROWS + 2))
    grown = open_log(engine, N_ROWS + 2)
    grown.assign([0, N_ROWS + 1], "b", overwrite=True)
    stale.refresh()
    assert stale.names().tolist()[:3] == ["b", "a", None]
    assert stale.assign([2], "c").n_changed == 1
    for step in (stale.undo, lambda: stale.revert(0)):
        with pytest.raises(LabelError, match="open it again"):
            step()
    grown.refresh()
    assert grown.names().tolist() == ["b", "a", "c", *[None] * 8, "b"]
    assert grown.undo(2).n_rows == 2
    assert grown.names().tolist() == ["a", "a", "c", *[None] * 9]


@pytest.mark.parametrize("answer", [YES, NO])
def test_undo_of_answers(engine: Engine, answer: int) -> None:
    add_project(engine, "several", N_ROWS, multi_label=True)
    log = LabelLog(engine, "several", N_ROWS, multi_label=True)
    log.assign([0, 1], "a", answer=answer)
    log.assign([1, 2], "a", answer=1 - answer, overwrite=True)
    log.undo(1)
    assert log.label_values(0).tolist()[:3] == [-1, 1 - answer, 1 - answer]
    log.undo()
    assert log.labels == []
    log.redo(1)
    assert log.label_values(0).tolist()[:3] == [answer, answer, -1]


def test_what_was_done_in_one_step_is_taken_back_and_brought_back_together(engine: Engine) -> None:
    log, other = open_log(engine), open_log(engine, who="ben")
    log.assign(range(8), "a")
    log.audit(1, [0, 1, 2], [1, 2], "random")
    other.refresh()
    other.assign([9], "b")
    log.assign([1], "b", how={"by": "check", "with": [2]})
    log.assign([2], "c", how={"by": "check", "with": [2, 3, 4, 99]})  # what is another's, or later, is left
    assert log.undo().seq == 5
    assert log.names()[:3].tolist() == ["a", "a", "a"]
    assert log.names()[9] == "b"
    assert log.actions[-1].targets == (2, 4, 5)
    assert log.redo().seq == 5
    assert log.names()[:3].tolist() == ["a", "b", "c"]
    assert state(open_log(engine)) == state(log)
