"""Cells that a spreadsheet would run."""

import pytest

from labelling.formulas import guard, unguard


@pytest.mark.parametrize("cell", ["=1+1", "+1 2", "-a", "@x", "\tx", "\rx", "'=x", "''-5", "＝1", "＠a", "-"])
def test_formulas_are_guarded_and_come_back(cell):
    assert guard(cell) == "'" + cell
    assert unguard(guard(cell)) == cell


@pytest.mark.parametrize("cell", ["-5", "+3.2e4", ".5", "-.5E-3", "'", "it's", "'quoted'", "", "a=b", " =x"])
def test_harmless_cells_stay(cell):
    assert guard(cell) == cell
    assert unguard(cell) == cell
