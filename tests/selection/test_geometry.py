"""From polygons and boxes to rows."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelling.selection.geometry import NOTHING, History, Points, combine

SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2]]


def on_edge(point: tuple[int, int], a: tuple[int, int], b: tuple[int, int]) -> bool:
    (x, y), (x1, y1), (x2, y2) = point, a, b
    crosses = (x2 - x1) * (y - y1) == (y2 - y1) * (x - x1)
    return crosses and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)


def crossings_above(point: tuple[int, int], polygon: list[tuple[int, int]]) -> int:
    """How many edges a ray straight up from the point meets, in exact numbers."""
    x, y = point
    n = 0
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if min(x1, x2) <= x < max(x1, x2):
            n += y1 + Fraction((y2 - y1) * (x - x1), x2 - x1) > y
    return n


coordinates = st.integers(-12, 12)
points = st.tuples(coordinates, coordinates)


@given(polygon=st.lists(points, min_size=3, max_size=12), queries=st.lists(points, min_size=1, max_size=40))
def test_even_odd_rule_on_any_polygon(polygon: list, queries: list) -> None:
    found = set(Points(np.array(queries, np.float32)).in_polygon(polygon).tolist())
    edges = list(zip(polygon, polygon[1:] + polygon[:1], strict=True))
    for row, point in enumerate(queries):
        if not any(on_edge(point, *edge) for edge in edges):  # on the line itself either answer will do
            assert (row in found) == (crossings_above(point, polygon) % 2 == 1)


@given(polygon=st.lists(points, min_size=3, max_size=8), shift=st.integers(0, 7))
def test_where_the_lasso_began_and_its_direction_do_not_matter(polygon: list, shift: int) -> None:
    xy = np.random.default_rng(0).uniform(-12, 12, (200, 2)).astype(np.float32)
    expected = Points(xy).in_polygon(polygon).tolist()
    turned = polygon[shift % len(polygon) :] + polygon[: shift % len(polygon)]
    assert Points(xy).in_polygon(turned).tolist() == expected
    assert Points(xy).in_polygon(turned[::-1]).tolist() == expected
    assert Points(xy).in_polygon([*polygon, polygon[0]]).tolist() == expected, "closed by hand"


def test_the_middle_of_a_bow_tie_twice_round_is_outside() -> None:
    star = [[0, 3], [2, -3], [-3, 1], [3, 1], [-2, -3]]
    xy = np.array([[0, 0], [0, 2], [2.0, 0.8], [5, 5]], np.float32)
    assert Points(xy).in_polygon(star).tolist() == [1, 2]


def test_rows_are_sorted_int64_and_without_those_that_have_no_position() -> None:
    xy = np.array([[1, 1], [np.nan, np.nan], [3, 3], [1.5, 0.5], [np.nan, 1], [1, np.nan], [np.inf, 1]], np.float32)
    for rows in (Points(xy).in_polygon(SQUARE), Points(xy).in_box((0, 2), (0, 2))):
        assert rows.dtype == np.int64
        assert rows.tolist() == [0, 3]
    assert Points(xy).in_box((-np.inf, np.inf), (-np.inf, np.inf)).tolist() == [0, 2, 3, 6]
    assert Points(np.full((3, 2), np.nan, np.float32)).in_polygon(SQUARE).tolist() == []


def test_one_row_and_all_on_one_spot() -> None:
    assert Points(np.array([[1, 1]], np.float32)).in_polygon(SQUARE).tolist() == [0]
    assert Points(np.ones((5, 2), np.float32)).in_polygon(SQUARE).tolist() == [0, 1, 2, 3, 4]
    assert Points(np.ones((5, 2), np.float32)).in_polygon([[1, 1]] * 3).tolist() == []


@pytest.mark.parametrize("xs", [(0.5, 2), (2, 0.5)])
@pytest.mark.parametrize("ys", [(-1, 3), (3, -1)])
def test_box_corners_in_any_order_edges_included(xs: tuple, ys: tuple) -> None:
    xy = np.array([[0.5, -1], [2, 3], [1, 1], [0.4, 1], [1, 3.1], [2.1, 1]], np.float32)
    assert Points(xy).in_box(xs, ys).tolist() == [0, 1, 2]


def test_a_box_is_compared_exactly() -> None:
    tenth = np.float32(0.1)  # a little more than 0.1
    xy = np.array([[tenth, 0]], np.float32)
    assert Points(xy).in_box((0, 0.1), (0, 0)).tolist() == []
    assert Points(xy).in_box((0, float(tenth)), (0, 0)).tolist() == [0]


@pytest.mark.parametrize(
    "polygon",
    [[], [[0, 0], [1, 1]], [[0, 0, 0]] * 3, [0, 1, 2], [[0, 0], [1, 1], [np.nan, 0]], [[0, 0], [1, 1], [np.inf, 0]]],
)
def test_what_is_no_lasso(polygon: list) -> None:
    with pytest.raises(ValueError, match="at least 3 corners"):
        Points(np.zeros((2, 2), np.float32)).in_polygon(polygon)


rows_sets = st.sets(st.integers(0, 30)).map(lambda rows: np.array(sorted(rows), np.int64))


@given(old=rows_sets, new=rows_sets)
def test_combine(old: np.ndarray, new: np.ndarray) -> None:
    for how, expected in (
        ("new", set(new)),
        ("add", set(old) | set(new)),
        ("subtract", set(old) - set(new)),
        ("intersect", set(old) & set(new)),
    ):
        got = combine(old, new, how)
        assert got.tolist() == sorted(expected)
        assert got.dtype == np.int64
    assert combine(NOTHING, new, "add").tolist() == new.tolist()


def test_combine_refuses_other_words() -> None:
    with pytest.raises(ValueError, match="'xor'"):
        combine(NOTHING, NOTHING, "xor")


@given(st.lists(rows_sets, max_size=8))
def test_history_gives_back_what_was_left_last_first(left: list[np.ndarray]) -> None:
    history = History(31)
    for number, rows in enumerate(left):
        history.leave(rows, {"by": str(number)})
    for number in reversed(range(len(left))):
        rows, how = history.back()
        assert rows.tolist() == left[number].tolist()
        assert how == {"by": str(number)}
    assert len(history) == 0


def test_history_forgets_the_oldest() -> None:
    history = History(31)
    for number in range(History.LENGTH + 5):
        history.leave(np.array([number % 31]), {})
    assert len(history) == History.LENGTH
    assert [history.back()[0].tolist() for _ in range(History.LENGTH)][-1] == [5]
