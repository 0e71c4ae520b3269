"""What several people say of the same texts: in the log as theirs, and where they differ."""

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from labelling.labels import LabelLog
from labelling.labels.label import LabelError
from tests.labels.helpers import N_ROWS, add_project, open_log

NOTHING = [None] * (N_ROWS - 4)
ANN = ["x", "x", "y", "x", *NOTHING]
BOB = ["x", "y", "y", None, *NOTHING]
CID = [None, "y", "x", "y", *NOTHING]
STANDS = ["x", "y", "y", None, *NOTHING]


def imported(engine: Engine) -> LabelLog:
    log = open_log(engine, who="me")
    log.import_answers({"ann": ANN, "bob": BOB, "cid": CID}, STANDS)
    return log


def test_each_ones_answers_are_an_action_of_theirs_and_what_most_said_stands(engine: Engine) -> None:
    log = imported(engine)
    said = [(action.who, action.kind, action.source, action.n_rows) for action in log.actions]
    assert said == [
        ("ann", "import", "imported", 4),
        ("bob", "import", "imported", 3),
        ("cid", "import", "imported", 3),
        ("me", "import", "majority", 1),
        ("me", "clear", "tie", 1),
    ]
    assert log.names().tolist() == STANDS
    assert [log.rows_of(seq).tolist() for seq in (1, 2, 3, 4, 5)] == [[0, 1, 2, 3], [0, 1, 2], [1, 2, 3], [2], [3]]
    assert log.how(1)["imported_by"] == "me"
    assert open_log(engine).names().tolist() == STANDS, "as it is read anew"
    # What one of them said is theirs to take back, with what others said still there.
    assert log.undo(3) is not None
    assert log.names().tolist() == STANDS, "on row 1 bob's stands, and on the others what was chosen afterwards"
    assert log.labelled_by().tolist()[:3] == ["bob", "bob", "me"]


def test_where_they_differ(engine: Engine) -> None:
    log = imported(engine)
    assert log.people == ["ann", "bob", "cid"]
    assert log.disputes() == {
        1: {"ann": "x", "bob": "y", "cid": "y"},
        2: {"ann": "y", "bob": "y", "cid": "x"},
        3: {"ann": "x", "cid": "y"},
    }
    other = open_log(engine, who="dan")
    other.assign(np.array([3]), "x")
    log.refresh()
    assert list(log.disputes()) == [1, 2], "dan has read 3 and settled it"
    log.undo(3)
    assert log.disputes() == {1: {"ann": "x", "bob": "y"}}, "what cid said is taken back"
    log.redo(3)
    log.merge(log.find("y").id, log.find("x").id)
    assert log.disputes() == {}
    assert log.undo() is not None
    assert list(log.disputes()) == [1, 2]


def test_people_who_label_here_differ_until_one_of_them_labels_it_again(engine: Engine) -> None:
    ann, bob = open_log(engine, who="ann"), open_log(engine, who="bob")
    ann.assign(np.arange(6), "x")
    assert ann.disputes() == {}
    bob.assign(np.array([0, 1, 2, 3]), "y", overwrite=True)
    assert bob.disputes() == {row: {"ann": "x", "bob": "y"} for row in range(4)}
    ann.refresh()
    ann.assign(np.array([0]), "x", overwrite=True)
    ann.clear(np.array([1]))
    bob.refresh()
    assert list(ann.disputes()) == [2, 3], "ann has labelled 0 again, and says nothing of 1 any more"
    bob.assign(np.array([0]), "y", overwrite=True)
    assert list(bob.disputes()) == [0, 2, 3], "and again they differ"
    bob.undo()
    bob.undo()
    assert bob.disputes() == {}
    assert ann.disputes() != {}, "it has not been refreshed"


def test_who_changes_their_mind_differs_from_nobody(engine: Engine) -> None:
    ann, bob = open_log(engine, who="ann"), open_log(engine, who="bob")
    ann.assign(np.array([0]), "x")
    ann.assign(np.array([0]), "y", overwrite=True)
    bob.refresh()
    bob.assign(np.array([1]), "x")
    assert bob.disputes() == {}


def test_yes_no_and_unknown(engine: Engine) -> None:
    add_project(engine, "several", multi_label=True)
    log = LabelLog(engine, "several", N_ROWS, multi_label=True, who="me")
    rows = range(N_ROWS)
    ann = pd.DataFrame({"x": 1.0, "y": np.nan}, index=rows)
    bob = pd.DataFrame({"x": [0.0, *[1.0] * (N_ROWS - 1)], "y": [1.0, *[np.nan] * (N_ROWS - 1)]}, index=rows)
    stands = bob.assign(x=[np.nan, *[1.0] * (N_ROWS - 1)])
    log.import_answers({"ann": ann, "bob": bob}, stands)
    said = [(action.who, action.kind) for action in log.actions]
    assert said == [("ann", "import"), ("bob", "import"), ("me", "clear")]
    pd.testing.assert_frame_equal(log.frame(), stands)
    assert log.disputes() == {0: {"ann": "x: yes", "bob": "x: no"}}
    log.assign(np.array([0]), "x")
    assert log.disputes() == {}


@pytest.mark.parametrize("wrong", [{"ann": ["a\nb", *[None] * 9]}, {"ann": [f"n{n}" for n in range(9)] + ["x" * 99]}])
def test_what_can_not_be_a_label_is_refused_as_a_whole(engine: Engine, wrong: dict) -> None:
    log = open_log(engine)
    with pytest.raises(LabelError):
        log.import_answers({"bob": BOB, **wrong}, STANDS)
    assert log.actions == []


def test_all_or_nothing_where_the_writing_breaks_off(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(engine, who="me")
    log.assign(np.array([9]), "x")
    append = LabelLog._append

    def broken(self: LabelLog, connection: object, kind: str, *args: object, **options: object) -> None:
        if options.get("who") == "cid":
            raise OSError("the disk is full")
        append(self, connection, kind, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LabelLog, "_append", broken)
    with pytest.raises(OSError, match="disk"):
        log.import_answers({"ann": ANN, "bob": BOB, "cid": CID}, STANDS)
    monkeypatch.undo()
    assert open_log(engine).names().tolist() == [*[None] * 9, "x"]
    log.refresh()
    assert (len(log.actions), log.names().tolist()) == (1, [*[None] * 9, "x"])
