"""Colours of the points, and their legends."""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from labelling.database.engine import open_database
from labelling.database.tables import projects
from labelling.labels import LabelLog
from labelling.ui.map.colours import (
    N_STYLES,
    ORDERED,
    QUIET,
    Colouring,
    by_column,
    by_density,
    by_found,
    by_label,
    columns_worth_colouring,
    style,
)

N_ROWS = 60


@pytest.fixture
def log(tmp_path: Path) -> LabelLog:
    return open_log(tmp_path, "p", N_ROWS)


def open_log(folder: Path, project_id: str, n_rows: int) -> LabelLog:
    engine = open_database(folder / "corral.db")
    with engine.begin() as connection:
        connection.execute(
            insert(projects).values(id=project_id, name="", created_at="", n_rows=n_rows, space=0, kind="one")
        )
    return LabelLog(engine, project_id, n_rows)


def check(colouring: Colouring, n_rows: int = N_ROWS) -> dict[str, int]:
    """What holds for every colouring; returns the legend as name: count."""
    assert colouring.codes.dtype == np.uint8
    assert colouring.codes.shape == (n_rows,)
    assert colouring.codes.max(initial=0) < len(colouring.palette)
    assert colouring.palette[0] == QUIET
    assert sum(entry["count"] for entry in colouring.legend) == n_rows
    for code in np.unique(colouring.codes):
        told = sum(entry["count"] for entry in colouring.legend if entry["code"] == code)
        assert told == np.count_nonzero(colouring.codes == code)
    legend = {entry["name"]: entry["count"] for entry in colouring.legend}
    assert len(legend) == len(colouring.legend)
    return legend


# ---------------------------------------------------------------- by label


def test_nothing_labelled(log: LabelLog) -> None:
    colouring = by_label(log)
    assert check(colouring) == {"unlabelled": N_ROWS}
    assert not colouring.codes.any()


def test_by_label(log: LabelLog) -> None:
    log.assign([1, 2, 3], "a")
    log.assign([5], "never mind")
    log.clear([5])
    log.assign([4, 6], "b")
    colouring = by_label(log)
    assert check(colouring) == {"a": 3, "b": 2, "unlabelled": N_ROWS - 5}
    assert colouring.codes[[1, 2, 3]].tolist() == [1, 1, 1]
    assert colouring.codes[[4, 6]].tolist() == [3, 3], "a label keeps its colour though another has no rows"
    assert colouring.palette[3] == style(2)
    assert colouring.codes[5] == 0


def test_what_is_suggested_is_hollow_in_the_colour_of_its_label(log: LabelLog) -> None:
    log.assign([1, 2], "a")
    log.assign([4], "b")
    suggested = np.full(N_ROWS, -1)
    suggested[[2, 7, 8]] = log.find("b").id  # row 2 has a label by now
    suggested[9] = log.find("a").id
    colouring = by_label(log, None, suggested, "1-0.9")
    plain = by_label(log)
    assert colouring.id != plain.id
    looks = [colouring.palette[code] for code in colouring.codes]
    assert looks[7] == looks[8] == {**style(1), "hollow": True}
    assert looks[9] == {**style(0), "hollow": True}
    assert looks[2] == style(0)
    assert looks[4] == style(1)
    assert looks[0] == QUIET
    assert colouring.codes.dtype == np.uint8
    assert len(colouring.palette) <= 256
    counted = {
        entry["name"]: (entry["count"], colouring.rows_of(entry["group"]).tolist()) for entry in colouring.legend
    }
    assert counted["suggested"] == (3, [7, 8, 9])
    assert next(iter(counted)) == "suggested", "in sight, however many labels there are"
    assert counted["a"] == (2, [1, 2])
    assert counted["nothing suggested"][0] == N_ROWS - 6
    shown = next(entry for entry in colouring.legend if entry["name"] == "suggested")
    assert colouring.palette[shown["code"]] == {"colour": None, "shape": 0, "hollow": True}
    hidden = colouring.shown({shown["group"]})
    assert np.flatnonzero(~hidden).tolist() == [7, 8, 9]
    again = colouring.counted(np.ones(N_ROWS, bool))
    assert {entry["name"]: entry["count"] for entry in again.legend} == {name: n for name, (n, _) in counted.items()}


def test_more_labels_than_marks(tmp_path: Path) -> None:
    n_labels = 2 * N_STYLES + 3
    log = open_log(tmp_path, "p", n_labels + 1)
    log.import_labels([f"l{row}" for row in range(n_labels)] + [None])
    colouring = by_label(log)
    assert len(check(colouring, n_labels + 1)) == n_labels + 1
    assert colouring.codes[:3].tolist() == colouring.codes[N_STYLES : N_STYLES + 3].tolist() == [1, 2, 3]
    assert colouring.codes[-1] == 0


def test_marks_differ_and_repeat() -> None:
    styles = [style(index) for index in range(N_STYLES)]
    assert len({(m["colour"], m["shape"]) for m in styles}) == N_STYLES
    assert style(N_STYLES) == style(0)
    assert all(re.fullmatch("#[0-9A-F]{6}", m["colour"]) and 0 <= m["shape"] < 4 for m in styles)


def test_the_id_names_what_is_shown(tmp_path: Path) -> None:
    one, two = open_log(tmp_path, "p", N_ROWS), open_log(tmp_path, "q", N_ROWS)
    one.assign([1], "a")
    two.assign([2], "b")
    ids = {by_label(one).id, by_label(two).id}
    one.undo()
    ids.add(by_label(one).id)
    assert len(ids) == 3
    assert by_label(one).id == by_label(one).id
    column = pd.Series(["x", "y"] * 30)
    assert by_column("c", column).id == by_column("c", column.copy()).id
    assert by_column("c", column).id != by_column("c", column[::-1].reset_index(drop=True)).id
    assert by_column("c", column).id != by_column("d", column).id


# ---------------------------------------------------------------- by column


def test_categories(log: LabelLog) -> None:
    values = pd.Series(["card"] * 30 + [" card "] * 5 + ["refund"] * 15 + [None, "", "  "] + ["topup"] * 7, dtype="str")
    colouring = by_column("topic", values)
    assert check(colouring) == {"card": 35, "refund": 15, "topup": 7, "empty": 3}
    assert next(iter(check(colouring))) == "card", "the most frequent first"
    assert colouring.codes[0] == 1
    assert colouring.codes[50] == 0


@pytest.mark.parametrize("n_values", [N_STYLES - 1, N_STYLES])
def test_as_many_categories_as_marks(n_values: int) -> None:
    values = pd.Series([f"v{row % n_values}" for row in range(N_ROWS)], dtype="str")
    colouring = by_column("c", values)
    assert len(check(colouring)) == n_values
    assert colouring.codes.min() == 1


def test_more_categories_than_marks() -> None:
    values = pd.Series([f"v{row % 64}" for row in range(99)] + [None], dtype="str")
    legend = check(by_column("c", values), 100)
    assert len(legend) == N_STYLES
    assert "17 more values" in legend


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(range(N_ROWS)),
        pd.Series(range(N_ROWS), dtype="Int64"),
        pd.Series(np.arange(N_ROWS) / 7),
        pd.Series([str(row) for row in range(N_ROWS)], dtype="str"),
    ],
)
def test_numbers_in_equally_filled_steps(values: pd.Series) -> None:
    colouring = by_column("n", values)
    assert list(check(colouring).values()) == [10] * 6
    assert np.diff(colouring.codes.astype(int)).min() >= 0, "in their order"
    assert [entry["colour"] for entry in colouring.palette[1:]] == list(ORDERED)


def test_a_step_is_named_after_what_is_in_it() -> None:
    assert list(check(by_column("n", pd.Series(range(N_ROWS)))))[:2] == ["0 to 9", "10 to 19"]
    stamps = pd.Series(range(1_700_000_000, 1_700_000_000 + N_ROWS))
    assert next(iter(check(by_column("n", stamps)))) == "1,700,000,000 to 1,700,000,009"
    assert next(iter(check(by_column("n", pd.Series(np.arange(N_ROWS) / 8))))) == "0 to 1.125"


DAYS = pd.date_range("2024-01-01", periods=N_ROWS)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(DAYS),
        pd.Series(DAYS.tz_localize("Europe/Berlin")),
        pd.Series(DAYS.strftime("%Y-%m-%d"), dtype="str"),
        pd.Series(DAYS.strftime("%Y-%m-%dT12:30:00Z"), dtype="str"),
        pd.Series([day.date() for day in DAYS], dtype=object),
    ],
)
def test_dates_in_equally_filled_steps(values: pd.Series) -> None:
    legend = check(by_column("at", values))
    assert list(legend.values()) == [10] * 6
    assert next(iter(legend)) == "2024-01-01 to 2024-01-10"
    assert list(legend)[-1] == "2024-02-20 to 2024-02-29"


def test_dates_of_several_time_zones() -> None:
    values = pd.Series([f"2024-01-{row % 28 + 1:02d}T10:00:00+0{row % 3}:00" for row in range(N_ROWS)], dtype="str")
    assert len(check(by_column("at", values))) == 6


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([None, np.nan] * 5 + list(range(50))),
        pd.Series([None, ""] * 5 + [str(row) for row in range(50)], dtype="str"),
        pd.Series([pd.NaT] * 10 + list(DAYS[:50])),
        pd.Series([pd.NA] * 10 + list(range(50)), dtype="Int64"),
        pd.Series([np.inf, -np.inf] * 5 + list(range(50))),
    ],
)
def test_gaps_in_what_has_an_order(values: pd.Series) -> None:
    colouring = by_column("n", values)
    legend = check(colouring)
    assert legend["empty"] == 10
    assert len(legend) == 7
    assert not colouring.codes[:10].any()


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([None] * N_ROWS, dtype="str"),
        pd.Series([None] * N_ROWS, dtype=object),
        pd.Series([np.nan] * N_ROWS),
        pd.Series([pd.NA] * N_ROWS, dtype="Int64"),
        pd.Series([pd.NaT] * N_ROWS),
        pd.Series([" "] * N_ROWS, dtype="str"),
    ],
)
def test_all_missing(values: pd.Series) -> None:
    assert check(by_column("c", values)) == {"empty": N_ROWS}
    assert columns_worth_colouring(["c"], values.to_frame("c")) == []


@pytest.mark.parametrize(
    ("values", "legend"),
    [
        (pd.Series([True, False, None] * 20, dtype="boolean"), {"True": 20, "False": 20, "empty": 20}),
        (pd.Series([1, 2, 3] * 20), {"1": 20, "2": 20, "3": 20}),
        (pd.Series(pd.Categorical(["a", "b"] * 30)), {"a": 30, "b": 30}),
        (pd.Series([1, "a", None, 2.5, dt.date(2024, 1, 1)] * 12, dtype=object),
         {"1": 12, "a": 12, "2.5": 12, "2024-01-01": 12, "empty": 12}),
        (pd.Series(["same"] * N_ROWS, dtype="str"), {"same": N_ROWS}),
    ],
)  # fmt: skip
def test_few_values_are_categories(values: pd.Series, legend: dict[str, int]) -> None:
    assert check(by_column("c", values)) == legend


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([2**63 + row for row in range(N_ROWS)], dtype="uint64"),  # one and the same as floats
        pd.Series([[row] for row in range(N_ROWS)], dtype=object),
        pd.Series([f"{row + 10}000-01-01" for row in range(N_ROWS)], dtype="str"),  # years that pandas lacks
        pd.Series([str(row) for row in range(N_ROWS - 1)] + ["n/a"], dtype="str"),
        pd.Series([0] * 52 + list(range(1, 9))),
        pd.Series([0] * 40 + list(range(20))),
    ],
)
def test_odd_columns_keep_the_legend_right(values: pd.Series) -> None:
    check(by_column("c", values))


def test_a_value_that_most_rows_have_is_told_from_the_others() -> None:
    legend = check(by_column("replies", pd.Series([0] * 52 + list(range(1, 9)))))
    assert legend == {"0": 52, "1 to 8": 8}


@pytest.mark.parametrize("values", [[1], [1, 2], ["a"], [None], [None, "a"], [np.nan, 1.5]])
def test_a_row_or_two(values: list) -> None:
    check(by_column("c", pd.Series(values)), len(values))
    assert columns_worth_colouring(["c"], pd.DataFrame({"c": values})) == []


cells = st.one_of(
    st.none(),
    st.integers(-5, 5),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.booleans(),
    st.dates().map(lambda day: day.isoformat()),
    st.datetimes(),
)


@given(st.one_of(st.lists(kind, min_size=1, max_size=40) for kind in (cells, st.floats(), st.dates().map(str))))
def test_any_column_can_be_coloured(values: list) -> None:
    column = pd.Series(values, dtype=object)
    colouring = by_column("c", column)
    assert colouring.codes.shape == (len(values),)
    assert sum(entry["count"] for entry in colouring.legend) == len(values)
    columns_worth_colouring(["c"], column.to_frame("c"))


def test_columns_worth_colouring() -> None:
    frame = pd.DataFrame(
        {
            "topic": ["a", "b", "c"] * 20,
            "constant": ["x"] * N_ROWS,
            "id": [f"user-{row}" for row in range(N_ROWS)],
            "n": range(N_ROWS),
            "at": DAYS,
            "at_text": DAYS.strftime("%Y-%m-%d"),
            "with_gaps": ["a", "b", None] * 20,
        }
    )
    assert columns_worth_colouring(list(frame), frame) == ["topic", "n", "at", "at_text", "with_gaps"]
    assert columns_worth_colouring(["id", "topic"], frame) == ["topic"]
    assert columns_worth_colouring([], frame) == []


# ---------------------------------------------------------------- searches, density, the legend


def test_a_search_by_likeness_is_warm_to_cold() -> None:
    best = np.random.default_rng(0).permutation(20_000)
    colouring = by_found("query", best, 20_000, ranked="nearest")
    assert {entry["name"]: entry["count"] for entry in colouring.legend} == {
        "nearest 25": 25,
        "26 to 100": 75,
        "101 to 500": 400,
        "501 to 2,000": 1500,
        "others": 18_000,
    }
    assert (colouring.codes[best[:25]] == 1).all()
    assert (colouring.codes[best[2000:]] == 0).all()
    check(colouring, 20_000)


def test_few_texts_have_fewer_steps() -> None:
    legend = check(by_found("query", np.arange(100), 200, ranked="nearest"), 200)
    assert legend == {"nearest 25": 25, "others": 175}


def test_what_was_found_and_the_others() -> None:
    assert check(by_found("query", np.array([1, 3]), 5), 5) == {"found": 2, "others": 3}
    assert check(by_found("query", np.array([], int), 5), 5) == {"found": 0, "others": 5}


def test_density_is_highest_where_most_points_lie() -> None:
    rng = np.random.default_rng(0)
    xy = np.concatenate([rng.normal(scale=0.05, size=(300, 2)), rng.uniform(-5, 5, (300, 2)), [[np.nan, np.nan]]])
    colouring = by_density("map", xy.astype(np.float32))
    assert colouring.codes[:300].mean() > colouring.codes[300:600].mean() + 1.5
    assert colouring.codes[600] == 0
    assert check(colouring, 601)["empty"] == 1
    for odd in (np.full((3, 2), np.nan), np.ones((5, 2)), np.empty((0, 2))):
        by_density("map", odd.astype(np.float32))


def test_hidden_entries() -> None:
    codes = np.array([-1, 0, 2, 0, -1])
    colouring = Colouring("id", np.zeros(5, np.uint8), [], [], codes)
    assert colouring.shown(()) is None
    assert colouring.shown({0}).tolist() == [True, False, True, False, True]
    assert colouring.shown({-1, 2}).tolist() == [False, True, False, True, False]
    assert colouring.shown({7}).all()
    assert colouring.rows_of(-1).tolist() == [0, 4]
    plain = Colouring("id", np.array([0, 1, 1], np.uint8), [], [])
    assert plain.shown({0}).tolist() == [False, True, True]
    assert plain.rows_of(1).tolist() == [1, 2]
