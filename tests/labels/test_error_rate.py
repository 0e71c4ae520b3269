"""The estimated share of wrong labels, and how far off it may be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import hypergeom

from labelling.labels.error_rate import Estimate, Stratum, Z, estimate, n_to_read, of_strata, pooled, wilson


@pytest.mark.parametrize(("n_wrong", "n"), [(0, 10), (1, 10), (3, 7), (50, 100), (10, 10)])
def test_wilson_is_where_the_score_test_just_does_not_reject(n_wrong: int, n: int) -> None:
    """The interval's ends are the shares from which what was seen is Z standard errors away."""
    share = n_wrong / n
    low, high = wilson(share, n)

    def distance(truth: float) -> float:
        return (share - truth) ** 2 - Z**2 * truth * (1 - truth) / n

    assert low == pytest.approx(0 if n_wrong == 0 else brentq(distance, 1e-12, share - 1e-9), abs=1e-6)
    assert high == pytest.approx(1 if n_wrong == n else brentq(distance, share + 1e-9, 1 - 1e-12), abs=1e-6)


def test_what_was_checked_is_not_said_of_what_mostly_was_not() -> None:
    assert Estimate(0.03, 0.01, 0.20, 30, 100, n_unchecked=25).words == "97 % right (80 to 99), 25 not checked"
    assert Estimate(0.03, 0.01, 0.47, 30, 100, n_unchecked=26).words == "53 to 99 % right, 26 not checked"


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
    left = of_strata([Stratum(100, 20, 5, 5, 80)], 95, 0)
    assert (left.n_rows, left.n_read) == (95, 20)
    assert left.share == pytest.approx(20 / 95)  # of the 80 unread a quarter are wrong, of the 15 read and kept none
    assert left.low == pytest.approx((100 * found.low - 5) / 95)
    assert left.high == pytest.approx((100 * found.high - 5) / 95)
    assert of_strata([Stratum(12, 12, 5, 5, 0)], 7, 0) == Estimate(0, 0, 0, 12, 7)
    assert of_strata([Stratum(100, 20, 5, 60, 20)], 40, 0).share == 0  # more were found elsewhere than it told of


def test_strata_of_which_the_same_part_was_read_are_as_one() -> None:
    one = of_strata([Stratum(800, 40, 0, 0, 760)], 800, 0)
    both = of_strata([Stratum(400, 20, 0, 0, 380)] * 2, 800, 0)
    assert (both.share, both.low) == (0, 0)
    assert both.high == pytest.approx(one.high, rel=0.01)
    some = of_strata([Stratum(400, 20, 1, 0, 380)] * 2, 800, 0)
    one = of_strata([Stratum(800, 40, 2, 0, 760)], 800, 0)
    assert (some.low, some.high) == pytest.approx((one.low, one.high), rel=0.01)


def test_the_wrong_ones_may_all_lie_where_little_was_read() -> None:
    found = of_strata([Stratum(700, 200, 0, 0, 500), Stratum(100, 2, 0, 0, 98)], 800, 0)
    alone = of_strata([Stratum(100, 2, 0, 0, 98)], 100, 0)
    assert found.high > alone.high * 100 / 800 * 0.98
    even = of_strata([Stratum(800, 202, 0, 0, 598)], 800, 0)
    assert found.high > 3 * even.high


def test_what_no_check_covers_may_be_right_or_wrong() -> None:
    stratum = Stratum(90, 30, 3, 3, 60)
    alone, found = of_strata([stratum], 87, 0), of_strata([stratum], 100, 13)
    assert found.share == alone.share
    assert found.low == pytest.approx(alone.low * 0.87)
    assert found.high == pytest.approx(alone.high * 0.87 + 0.13)
    assert of_strata([], 100, 100) is None
    assert found.unchecked == "13 not checked"
    assert alone.unchecked == ""


@pytest.mark.parametrize(
    ("wrong", "low", "high", "told"),
    [
        (0.105, 0.05, 0.204, (89, 79, 95)),
        (0.004, 0.0, 0.012, (99, 98, 100)),
        (0.1, 0.1, 0.1, (90, 90, 90)),
        (0.0, 0.0, 0.0, (100, 100, 100)),
        (0.951, 0.904, 0.999, (4, 0, 10)),
    ],
)
def test_no_figure_claims_more_than_there_is(wrong: float, low: float, high: float, told: tuple[int, ...]) -> None:
    assert Estimate(wrong, low, high, 10, 100).right == told


def test_of_a_few_texts_the_interval_is_said_alone() -> None:
    assert estimate(0, 2, 100).words == "34 to 100 % right"
    assert estimate(0, 2, 2).words == "100 % right (100 to 100)", "all were read"
    assert estimate(0, 5, 100).words.startswith("100 % right (")


@pytest.mark.parametrize(("n_read", "n_wrong", "aim"), [(0, 0, 90), (9, 0, 90), (40, 1, 95), (60, 9, 90), (9, 0, 98)])
def test_what_is_to_be_read_is_as_much_as_the_interval_asks_for(n_read: int, n_wrong: int, aim: int) -> None:
    n_rows = 500

    def after(n_more: int) -> Estimate:
        n = n_read + n_more
        wrong = n_wrong * n / n_read if n_read else 0.0
        found = of_strata([Stratum(n_rows, n, wrong, wrong, n_rows - n)], round(n_rows - wrong), 0)
        assert found is not None
        return found

    n_more = n_to_read(after(0) if n_read else Estimate(0, 0, 1, 0, n_rows), aim)
    assert 0 < n_more <= n_rows - n_read
    assert after(n_more).right[1] >= aim > after(n_more - 1 or 1).right[1] or n_more == 1
    assert n_to_read(after(n_more), aim) == 0
