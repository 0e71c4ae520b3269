"""Cells that a spreadsheet would run."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelling.csv_injection import guard, unguard


@pytest.mark.parametrize("cell", ["=1+1", "+1 2", "-a", "@x", "\tx", "\rx", "'=x", "''-5", "＝1", "＠a", "-"])
def test_formulas_are_guarded_and_come_back(cell):
    assert guard(cell) == "'" + cell
    assert unguard(guard(cell)) == cell


@pytest.mark.parametrize("cell", ["-5", "+3.2e4", ".5", "-.5E-3", "'", "it's", "'quoted'", "", "a=b", " =x"])
def test_harmless_cells_stay(cell):
    assert guard(cell) == cell
    assert unguard(cell) == cell


@pytest.mark.parametrize(
    ("cell", "guarded"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a|-b\t@c", "a|'-b\t'@c"),
        ("=a;=b", "'=a;'=b"),
        ("a\r\n=b", "a\r\n'=b"),
        ("\t=a", "'\t'=a"),
        ("a;'=b", "a;''=b"),
        ("a; =b, a;b=c", "a; =b, a;b=c"),
        ("1;-5", "1;'-5"),
    ],
)
def test_formulas_behind_what_ends_a_cell(cell, guarded):
    assert guard(cell) == guarded
    assert unguard(guarded) == cell


@pytest.mark.parametrize("cell", ["'-5", "'=a;=b", "a;'b", "''", "'a", "=a"])
def test_what_no_guard_has_made_stays(cell):
    assert unguard(cell) == cell


@settings(derandomize=True, deadline=None, max_examples=500, database=None)
@given(st.text(st.sampled_from("'=+-@\t\r\n\0＝;|5.ea "), max_size=12) | st.text())
def test_every_cell_comes_back(cell):
    assert unguard(guard(cell)) == cell
    if unguard(cell) != cell:
        assert guard(unguard(cell)) == cell
