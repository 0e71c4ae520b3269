"""Selections and the neighbour graph."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelling.selection.neighbours import changed, core, grow, share_inside, strays

K = 4


def ring(n: int = 40) -> np.ndarray:
    """Each row's nearest are those two on either side."""
    steps = np.array([1, -1, 2, -2])
    return ((np.arange(n)[:, None] + steps) % n).astype(np.int32)


EVERYBODY = np.ones(40, bool)


def test_share_inside() -> None:
    rows = np.arange(10, 20)
    share = share_inside(rows, ring(), rows)
    assert share.tolist() == [0.5, 0.75, 1, 1, 1, 1, 1, 1, 0.75, 0.5]
    assert share_inside(np.array([0]), ring(), rows).tolist() == [0]
    lonely = np.full((40, K), -1, np.int32)
    assert np.isnan(share_inside(np.array([3]), lonely, rows)).all()


def test_a_small_group_is_asked_for_no_more_than_it_has() -> None:
    rows = np.array([5, 6, 7])
    assert share_inside(rows, ring(), rows).tolist() == [0.5, 1, 0.5]  # of the 2 nearest


def test_strays_have_most_of_their_neighbours_outside() -> None:
    assert strays(np.array([3, 10, 11, 12, 13, 14, 15]), ring()).tolist() == [3]
    assert strays(np.arange(10, 20), ring()).tolist() == []
    assert strays(np.array([3, 30]), ring()).tolist() == [], "of two nothing can be told"


def test_grow_takes_the_nearest_that_may_be_seen() -> None:
    rows = np.arange(10, 20)
    assert grow(rows, ring(), EVERYBODY).tolist() == list(range(8, 22))
    some = EVERYBODY.copy()
    some[[9, 21]] = False
    assert grow(rows, ring(), some).tolist() == [8, *range(10, 21)]
    assert grow(np.array([], int), ring(), EVERYBODY).tolist() == []
    assert grow(np.arange(40), ring(), EVERYBODY).tolist() == list(range(40))
    assert grow(np.array([0]), np.full((40, K), -1, np.int32), EVERYBODY).tolist() == [0]


def test_grow_is_by_a_fifth() -> None:
    graph = np.random.default_rng(0).integers(0, 1000, (1000, K)).astype(np.int32)
    assert len(grow(np.arange(200), graph, np.ones(1000, bool))) == 240


def test_core_leaves_out_what_belongs_least() -> None:
    assert core(np.arange(10, 20), ring()).tolist() == list(range(11, 19))
    assert core(np.array([7]), ring()).tolist() == [7]
    assert core(np.array([], int), ring()).tolist() == []


@given(st.sets(st.integers(0, 39), min_size=1))
def test_growing_only_adds_and_shrinking_only_leaves_out(chosen: set[int]) -> None:
    rows = np.array(sorted(chosen))
    grown, shrunk = grow(rows, ring(), EVERYBODY), core(rows, ring())
    assert set(rows) <= set(grown)
    assert set(shrunk) <= set(rows)
    assert len(shrunk) >= 1
    for found in (grown, shrunk):
        assert found.tolist() == sorted(set(found.tolist()))


def test_changed() -> None:
    old = np.array([[1, 2], [0, 2], [-1, -1], [0, 1]], np.int32)
    new = np.array([[2, 1], [3, 2], [0, 1], [2, -1]], np.int32)
    share = changed(old, new)
    assert share.dtype == np.float32
    assert share[[0, 1, 3]].tolist() == [0, 0.5, 1]
    assert np.isnan(share[2])
    assert changed(old, new[:, :1])[0] == pytest.approx(1)


def test_what_a_filter_hides_makes_nobody_a_stray() -> None:
    # 0 to 3 are near each other; each of their other neighbours, 4 to 9, is hidden.
    graph = np.array([[4, 5, 1], [6, 7, 0], [8, 9, 3], [4, 8, 2], *[[0, 1, 2]] * 6], np.int32)
    rows, seen = np.arange(4), np.arange(10) < 4
    assert strays(rows, graph).tolist() == [], "all of them: none strays from the others"
    assert strays(rows, graph, seen).tolist() == []
    three_stay = graph.copy()
    three_stay[1:4] = [[2, 3, 0], [1, 3, 0], [1, 2, 0]]
    assert strays(rows, three_stay).tolist() == [0]
    assert strays(rows, three_stay, seen).tolist() == []
    assert share_inside(rows, graph, rows, seen).tolist() == [1, 1, 1, 1]
    lonely = np.array([[4, 5, 6], [2, 3, 0], [1, 3, 0], [1, 2, 0], *[[0, 1, 2]] * 6], np.int32)
    assert np.isnan(share_inside(rows[:1], lonely, rows, seen))  # nobody to ask: no stray
    assert len(core(rows, graph, seen)) == 3
