"""Rows and values in few bytes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from labelling.database.packing import pack_rows, pack_values, unpack_rows, unpack_values
from labelling.database.tables import changes
from labelling.labels import LabelLog
from tests.labels.helpers import add_project


@settings(deadline=None)
@given(st.sets(st.integers(0, 2**31), min_size=1, max_size=50))
def test_rows_pack_and_unpack(rows: set[int]) -> None:
    assert unpack_rows(pack_rows(np.array(sorted(rows)))).tolist() == sorted(rows)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 2**31 - 1), st.integers(-1, 3)), max_size=50))
def test_values_pack_and_unpack(values: list[tuple[int, int]]) -> None:
    pairs = np.array(values, np.int64).reshape(-1, 2)
    unpacked = unpack_values(pack_values(*pairs.T), len(pairs)) if values else []
    assert [array.tolist() for array in unpacked] == ([array.tolist() for array in pairs.T] if values else [])


def test_many_rows_in_one_action_are_stored_compactly(engine: Engine) -> None:
    n_rows = 1_000_000
    add_project(engine, "many", n_rows)
    log = LabelLog(engine, "many", n_rows)
    rows = np.random.default_rng(0).choice(n_rows, 100_000, replace=False)
    assert log.assign(rows, "a").n_changed == 100_000
    parts = func.length(changes.c.rows) + func.length(changes.c.after) + func.length(changes.c.before)
    with engine.connect() as connection:
        assert connection.scalar(select(parts)) < 200_000
    again = LabelLog(engine, "many", n_rows)
    assert np.array_equal(np.flatnonzero(again.codes == 0), np.sort(rows))
