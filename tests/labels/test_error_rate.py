"""The estimated share of wrong labels, and how far off it may be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import hypergeom

from labelling.labels.error_rate import Estimate, Z, estimate, pooled, wilson


@pytest.mark.parametrize(("n_wrong", "n"), [(0, 10), (1, 10), (3, 7), (50, 100), (10, 10)])
def test_wilson_is_where_the_score_test_just_does_not_reject(n_wrong: int, n: int) -> None:
    """The interval's ends are the shares from which what was seen is Z standard errors away."""
    share = n_wrong / n
    low, high = wilson(share, n)

    def distance(truth: float) -> float:
        return (share - truth) ** 2 - Z**2 * truth * (1 - truth) / n

    assert low == pytest.approx(0 if n_wrong == 0 else brentq(distance, 1e-12, share - 1e-9), abs=1e-6)
    assert high == pytest.approx(1 if n_wrong == n else brentq(distance, share + 1e-9, 1 - 1e-12), abs=1e-6)


def test_nothing_wrong_among_a_few_is_not_nothing_wrong() -> None:
    found = estimate(0, 9, 10_000)
    assert found.share == 0
    assert found.low == 0
    assert found.high == pytest.approx(0.299, abs=1e-3)


def test_all_read() -> None:
    assert estimate(2, 8, 8) == Estimate(0.25, 0.25, 0.25, 8, 8)
    assert estimate(1, 1, 1) == Estimate(1, 1, 1, 1, 1)


@settings(deadline=None)
@given(st.integers(1, 60), st.data())
def test_the_interval_holds_the_share_that_was_seen(n_rows: int, data: st.DataObject) -> None:
    n_read = data.draw(st.integers(1, n_rows))
    n_wrong = data.draw(st.integers(0, n_read))
    found = estimate(n_wrong, n_read, n_rows)
    assert 0 <= found.low <= found.share <= found.high <= 1
    assert found.low <= (n_wrong + n_rows - n_read) / n_rows, "some truth that is possible lies in it"
    assert found.high >= n_wrong / n_rows


@pytest.mark.parametrize(("n_rows", "n_read"), [(1000, 9), (1000, 50), (100, 50), (40, 30)])
def test_it_holds_the_truth_about_as_often_as_it_says(n_rows: int, n_read: int) -> None:
    """By all samples that there can be, on the average over what the truth may be."""
    seen = np.arange(n_read + 1)
    found = [estimate(int(n_wrong), n_read, n_rows) for n_wrong in seen]
    low, high = np.array([[each.low, each.high] for each in found]).T
    wrong = np.arange(n_rows + 1)
    chance = hypergeom.pmf(seen[:, None], n_rows, wrong, n_read)
    held = (chance * ((low[:, None] <= wrong / n_rows) & (wrong / n_rows <= high[:, None]))).sum(0)
    assert np.mean(held) > 0.93


def test_more_read_is_narrower() -> None:
    widths = [found.high - found.low for found in (estimate(n // 10, n, 1000) for n in (10, 50, 200, 900))]
    assert widths == sorted(widths, reverse=True)


def test_pooled() -> None:
    """Each part weighs as many rows as it has."""
    small, large = estimate(5, 10, 100), estimate(0, 10, 900)
    both = pooled([small, large])
    assert both.share == pytest.approx(0.05)
    assert (both.n_read, both.n_rows) == (20, 1000)
    assert both.low < 0.05 < both.high
    assert pooled([small]) == small


def test_pooling_parts_of_one_kind_is_as_reading_them_together() -> None:
    parts = [estimate(2, 20, 400), estimate(2, 20, 400)]
    together = estimate(4, 40, 800)
    both = pooled(parts)
    assert both.share == together.share
    assert both.low == pytest.approx(together.low, abs=1e-3)
    assert both.high == pytest.approx(together.high, abs=1e-3)


def test_pooled_where_all_was_read() -> None:
    both = pooled([estimate(1, 4, 4), estimate(0, 6, 6)])
    assert (both.share, both.low, both.high) == (0.1, 0.1, 0.1)


def test_what_is_left_when_the_wrong_ones_were_taken_off() -> None:
    found = estimate(5, 20, 100)
    left = found.of_what_stands(5, 20, 95, 15)
    assert (left.n_rows, left.n_read) == (95, 20)
    assert left.share == pytest.approx(20 / 95)  # of the 80 unread a quarter are wrong, of the 15 read and kept none
    assert left.low == pytest.approx((100 * found.low - 5) / 95)
    assert left.high == pytest.approx((100 * found.high - 5) / 95)
    assert estimate(5, 12, 12).of_what_stands(5, 12, 7, 7) == Estimate(0, 0, 0, 7, 7)
    assert found.of_what_stands(60, 80, 40, 20).share == 0  # more were found at the edge than the sample told of
    halved = found.of_what_stands(5, 20, 55, 15)  # 40 of the unread have another label by now
    assert halved.share == pytest.approx(0.25 * 40 / 55)
