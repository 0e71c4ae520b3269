"""What rows bear: assign, clear, import."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from labelling.labels import LabelLog
from labelling.labels.label import MAX_IMPORTED_LABELS, NO, UNKNOWN, YES, LabelError
from tests.labels.helpers import N_ROWS, NAMES, add_project, n_actions, names_of, open_log, state

# ---------------------------------------------------------------- assign and clear


def test_assign_leaves_rows_that_have_a_label(engine: Engine) -> None:
    log = open_log(engine)
    assert log.assign([1, 2, 3], "a").n_changed == 3
    outcome = log.assign([3, 4], "b")
    assert (outcome.n_changed, outcome.n_left) == (1, 1)
    assert log.names().tolist() == [None, "a", "a", "a", "b", None, None, None, None, None]
    assert log.rows_of(2).tolist() == [4]


def test_assign_overwrites_when_asked(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([1, 2, 3], "a")
    outcome = log.assign([2, 3, 4], "b", overwrite=True)
    assert (outcome.n_changed, outcome.n_left) == (3, 0)
    assert log.names().tolist() == [None, "a", "b", "b", "b", None, None, None, None, None]
    assert log.setters.tolist() == [0, 1, 2, 2, 2, 0, 0, 0, 0, 0]
    assert log.standing(1).tolist() == [1]


def test_what_is_known_of_the_rows(engine: Engine) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    log = open_log(engine)
    assert log.counts().tolist() == []
    log.assign([5, 1, 1, 2], "a", how={"by": "lasso", "points": [[0, 1.5]]})
    log.assign([7], "b", how={"by": "box"})
    assert log.codes.dtype == np.int32
    assert log.n_labelled == 4
    assert log.counts().tolist() == [3, 1]
    assert log.counts(np.array([0, 1, 7])).tolist() == [1, 1]
    assert log.sources().tolist() == [None, "lasso", "lasso", None, None, "lasso", None, "box", None, None]
    assert log.name_of(1) == "a"
    assert log.name_of(0) is None
    at = log.labelled_at()
    assert at[0] is None
    assert before <= datetime.fromisoformat(at[1]) <= datetime.now(UTC)
    assert log.rows_of(1).tolist() == [1, 2, 5]
    assert log.how(1) == {"by": "lasso", "points": [[0, 1.5]]}
    assert state(open_log(engine)) == state(log)


def test_nothing_is_written_where_nothing_changes(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([1, 2], "a")
    log.import_labels(["a" if row in (1, 2) else None for row in range(N_ROWS)])
    assert log.assign([1, 2], "b").n_changed == 0
    assert log.assign([1, 2], "a", overwrite=True).n_changed == 0
    assert log.assign([], "c").n_changed == 0
    assert log.clear([4, 5]).n_changed == 0
    assert log.clear([1, 2], "no such label").n_changed == 0
    assert log.import_labels([None] * N_ROWS).n_changed == 0
    assert log.redo() is None
    assert n_actions(engine) == 1
    assert names_of(log) == ["a"], "a label that no row has got is not made"


def test_clear(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([1, 2, 3], "a")
    log.assign([4], "b")
    assert log.clear([1, 2, 4], "b").n_changed == 1
    assert log.clear([2, 3, 4]).n_changed == 2
    assert log.names().tolist()[:5] == [None, "a", None, None, None]
    assert log.labelled_at()[2] is None
    assert log.sources()[2] is None
    assert log.assign([2], "b").n_changed == 1


@pytest.mark.parametrize("rows", [[-1], [N_ROWS], [0, 99]])
def test_rows_outside(engine: Engine, rows: list[int]) -> None:
    log = open_log(engine)
    with pytest.raises(LabelError, match=r"0\.\.9"):
        log.assign(rows, "a")
    with pytest.raises(LabelError, match=r"0\.\.9"):
        log.clear(rows)
    assert n_actions(engine) == 0


@pytest.mark.parametrize("rows", [np.ones(N_ROWS, bool), [0.5, 1.0], ["1"]], ids=["mask", "floats", "text"])
def test_a_mask_is_not_taken_for_row_numbers(engine: Engine, rows: object) -> None:
    with pytest.raises(LabelError, match="row numbers"):
        open_log(engine).assign(rows, "a")
    assert n_actions(engine) == 0


def test_one_row(engine: Engine) -> None:
    add_project(engine, "one", 1)
    log = LabelLog(engine, "one", 1)
    assert log.assign([0], "a").n_changed == 1
    log.undo()
    assert log.names().tolist() == [None]
    log.redo()
    assert LabelLog(engine, "one", 1).names().tolist() == ["a"]


# ---------------------------------------------------------------- names


def test_names_come_back_as_they_were_typed(engine: Engine) -> None:
    log = open_log(engine)
    for row, name in enumerate(NAMES):
        log.assign([row], f"  {name} ")
    assert open_log(engine).names().tolist() == NAMES


def test_a_name_that_is_none_is_refused(engine: Engine) -> None:
    log = open_log(engine)
    for name in ("", "two\nlines", "\ud800", "a\0b"):
        with pytest.raises(LabelError, match=r"label name|needs a name"):
            log.assign([3], name)
    assert n_actions(engine) == 0


def test_labels_are_told_apart_exactly(engine: Engine) -> None:
    log = open_log(engine)
    for row, name in enumerate(["a", "A", "ä", "a b", "a  b"]):
        log.assign([row], name)
    assert names_of(log) == ["a", "A", "ä", "a b", "a  b"]
    assert [label.id for label in log.labels] == [0, 1, 2, 3, 4]


COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def test_names_that_look_alike_are_one_label(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([0], DECOMPOSED)
    log.import_labels([None, COMPOSED, DECOMPOSED, *[None] * 7])
    log.assign([3], f" {COMPOSED} ")
    assert names_of(log) == [COMPOSED]
    assert log.codes.tolist() == [0, 0, 0, 0, *[-1] * 6]
    with pytest.raises(LabelError, match="already"):
        log.create(DECOMPOSED)
    assert log.find(DECOMPOSED) == log.find(COMPOSED) == log.labels[0]
    log.clear([3], DECOMPOSED)
    assert log.codes[3] == -1


def test_answers_for_names_that_look_alike(engine: Engine) -> None:
    add_project(engine, "q", multi_label=True)
    log = LabelLog(engine, "q", N_ROWS, multi_label=True)
    log.assign([0], COMPOSED)
    log.import_label_values(pd.DataFrame({DECOMPOSED: [np.nan, 1, 0, *[np.nan] * 7]}))
    assert names_of(log) == [COMPOSED]
    assert log.label_values(0).tolist()[:4] == [1, 1, 0, -1]


@pytest.mark.parametrize("old", [[DECOMPOSED], [DECOMPOSED, COMPOSED], [COMPOSED, DECOMPOSED]])
def test_names_of_an_old_log_stay_as_they_are(engine: Engine, old: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(engine)
    with monkeypatch.context() as before:  # names were once taken as they came
        for module in ("labelling.labels.label", "labelling.labels.writing", "labelling.labels.reading"):
            before.setattr(f"{module}.composed", str.strip)
        for row, name in enumerate(old):
            log.assign([row], name)
    log = open_log(engine)
    assert names_of(log) == old
    for row, name in enumerate([*old, COMPOSED, DECOMPOSED], 5):
        if row < N_ROWS:
            log.assign([row], name)
            assert log.name_of(row) == (name if name in old else old[0])
    assert names_of(log) == old
    log.undo()
    assert names_of(log) == old


@pytest.mark.parametrize("who", ["", "ann", "Ann <b>", "a\0b", "half \ud800 a pair", "x" * 10_000])
def test_anybody_can_act(engine: Engine, who: str) -> None:
    """Who acts is typed by a person, or told by another server."""
    log = open_log(engine, who=who)
    log.assign([1], "a")
    assert open_log(engine, who=who).next_undo == log.actions[0]
    assert log.undo() is not None


def test_how_the_rows_were_chosen_may_hold_any_text(engine: Engine) -> None:
    how = {"by": "search", "query": "\0 \ud800 <b> \u202e ' ; \N{PILE OF POO}", "points": [[float("nan"), 1e300]]}
    open_log(engine).assign([1], "a", how=how)
    back = open_log(engine).how(1)
    assert back["query"] == how["query"]
    assert np.isnan(back["points"][0][0])


# ---------------------------------------------------------------- import


def test_import(engine: Engine) -> None:
    log = open_log(engine)
    values = ["b", None, "a", np.nan, "", "  ", " a ", pd.NA, pd.NaT, "b"]
    assert log.import_labels(values).n_changed == 4
    assert log.names().tolist() == ["b", None, "a", None, None, None, "a", None, None, "b"]
    assert log.sources().tolist()[:3] == ["imported", None, "imported"]
    assert names_of(log) == ["b", "a"]
    assert state(open_log(engine)) == state(log)


def test_import_of_one_label_and_undo(engine: Engine) -> None:
    log = open_log(engine)
    log.assign([0, 1], "mine")
    assert log.import_labels(["theirs"] * N_ROWS).n_changed == N_ROWS
    assert log.counts().tolist() == [0, N_ROWS]
    log.undo()
    assert log.names().tolist() == ["mine", "mine"] + [None] * 8
    assert log.setters.tolist() == [1, 1] + [0] * 8
    log.redo()
    assert log.names().tolist() == ["theirs"] * N_ROWS


def test_import_refuses_what_is_no_label_column(engine: Engine) -> None:
    n_rows = MAX_IMPORTED_LABELS + 1
    add_project(engine, "many", n_rows)
    log = LabelLog(engine, "many", n_rows)
    with pytest.raises(LabelError, match="1,001 different values"):
        log.import_labels([f"{row}" for row in range(n_rows)])
    with pytest.raises(LabelError, match=f"3 labels to import for {n_rows} rows"):
        log.import_labels(["a", "b", "c"])
    assert n_actions(engine) == 0
    assert log.import_labels([str(row % MAX_IMPORTED_LABELS) for row in range(n_rows)]).n_changed == n_rows


# ---------------------------------------------------------------- yes, no and unknown for each label


@pytest.fixture
def multi_label(engine: Engine) -> LabelLog:
    add_project(engine, "several", N_ROWS, multi_label=True)
    return LabelLog(engine, "several", N_ROWS, multi_label=True)


def test_unknown_is_not_no(multi_label: LabelLog) -> None:
    multi_label.assign([0, 1], "a")
    multi_label.assign([1, 2], "a", answer=NO)
    assert multi_label.label_values(0).tolist()[:4] == [YES, YES, NO, UNKNOWN]
    multi_label.assign([1], "a", answer=NO, overwrite=True)
    multi_label.assign([1, 5], "b")
    assert multi_label.counts().tolist() == [1, 2]
    assert multi_label.counts(answer=NO).tolist() == [2, 0]
    assert multi_label.known.tolist() == [True, True, True, False, False, True] + [False] * 4
    assert multi_label.frame().iloc[:3].to_dict("list") == {
        "a": [1.0, 0.0, 0.0],
        "b": pytest.approx([np.nan, 1, np.nan], nan_ok=True),
    }
    assert multi_label.name_of(1) == "b"
    with pytest.raises(LabelError, match="several labels"):
        _ = multi_label.codes


def test_no_needs_a_project_of_that_kind(engine: Engine) -> None:
    log = open_log(engine)
    with pytest.raises(LabelError, match="one label or none"):
        log.assign([1], "a", answer=NO)
    with pytest.raises(LabelError, match="that kind"):
        log.import_label_values(pd.DataFrame({"a": [1.0] * N_ROWS}))
    assert n_actions(engine) == 0
    assert log.labels == []


def test_clear_makes_unknown(multi_label: LabelLog) -> None:
    multi_label.assign([0, 1], "a")
    multi_label.assign([1, 2], "b", answer=NO)
    assert multi_label.clear([1, 2], "b").n_changed == 2
    assert multi_label.clear([0, 1, 2]).n_changed == 2
    assert multi_label.n_labelled == 0


def test_import_of_answers(multi_label: LabelLog) -> None:
    label_values = pd.DataFrame(
        {" a ": [1, 0, np.nan] + [np.nan] * 7, "b": pd.array([True, None] + [False] * 8, "boolean")}
    )
    assert multi_label.import_label_values(label_values).n_changed == N_ROWS
    assert names_of(multi_label) == ["a", "b"]
    assert multi_label.label_values(0).tolist()[:3] == [YES, NO, UNKNOWN]
    assert multi_label.label_values(1).tolist()[:3] == [YES, UNKNOWN, NO]
    assert multi_label.import_label_values(label_values).n_changed == 0
    multi_label.undo()
    assert multi_label.labels == []


def test_import_of_names_is_a_yes_each(multi_label: LabelLog) -> None:
    assert multi_label.import_labels(["a", "b", None] + [None] * 7).n_changed == 2
    assert multi_label.label_values(0).tolist()[:3] == [YES, UNKNOWN, UNKNOWN]
    assert multi_label.import_labels([None] * N_ROWS).n_changed == 0


@pytest.mark.parametrize("bad", [[0.5] * N_ROWS, ["yes"] * N_ROWS, [2] + [np.nan] * 9, [np.inf] * N_ROWS])
def test_answers_are_yes_no_or_unknown(multi_label: LabelLog, bad: list[object]) -> None:
    with pytest.raises(LabelError, match=r"'a' must be 1 \(yes\), 0 \(no\) or empty"):
        multi_label.import_label_values(pd.DataFrame({"b": [1.0] * N_ROWS, "a": bad}))
    assert multi_label.seq == 0


def test_two_columns_of_one_name(multi_label: LabelLog) -> None:
    with pytest.raises(LabelError, match="one name"):
        multi_label.import_label_values(pd.DataFrame({"a": [1.0] * N_ROWS, "a ": [1.0] * N_ROWS}))
    with pytest.raises(LabelError, match="2 answers"):
        multi_label.import_label_values(pd.DataFrame({"a": [1.0, 0.0]}))
