"""How many labels are wrong, estimated from a random sample that a person has read."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

Z = 1.959963984540054  # of a 95 % interval
UNCHECKED = 0.25  # of the labels: of more, the share of what was checked is not said to be that of all
FEW = 5  # texts that were read: of fewer no share is said
HALVINGS = 45  # of an interval, until what is looked for is known


@dataclass(frozen=True)
class Estimate:
    """`share` of wrong labels among `n_rows`, between `low` and `high` (95 %), by `n_read` of them that were read.

    `n_unchecked` of the labels no check covers: the share is that of the others, and the interval allows for each of
    these to be right or wrong.
    """

    share: float
    low: float
    high: float
    n_read: int
    n_rows: int
    n_unchecked: int = 0
    n_wrong: float = field(default=0.0, compare=False)  # of those that were read

    @property
    def is_rough(self) -> bool:
        """Whether the interval is to be said alone: few were read, or no check covers much of it."""
        few = self.n_read < FEW and self.low < self.high
        return few or self.n_unchecked > UNCHECKED * self.n_rows

    @property
    def right(self) -> tuple[int, int, int]:
        """The share of right labels in whole per cent, and its interval: no figure claims more than there is.

        The interval is rounded outwards, the share downwards: 89.5 % are not 90, and 99.6 not all.
        """
        at, low = (percent(1 - share) for share in (self.share, self.high))
        return at, low, math.ceil(100 * (1 - self.low) - 1e-9)

    @property
    def words(self) -> str:
        """As every page says it: "97 % right (92 to 100), 69 not checked".

        Where few were read, or no check covers much of it, the interval stands alone.
        """
        at, low, high = self.right
        said = f"{low} to {high} % right" if self.is_rough else f"{at} % right ({low} to {high})"
        return said + (f", {self.unchecked}" if self.n_unchecked else "")

    @property
    def unchecked(self) -> str:
        """What is to be said of the labels that no check covers, "" where there are none."""
        return f"{self.n_unchecked:,} not checked" if self.n_unchecked else ""


def percent(share: float) -> int:
    """Whole per cent of what is done, rounded down: a goal is never said to be reached before it is."""
    return math.floor(100 * share + 1e-9)


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of a share seen in a sample of `n` (E. B. Wilson, 1927, JASA 22).

    Sensible for small samples and for shares near 0, where the usual plus-or-minus is not (Brown, Cai & DasGupta,
    2001, Statistical Science 16). `n` need not be whole: with weights it is the effective number.
    """
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # At 0 and at 1 the one end is the share itself, but for what is lost in rounding.
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def estimate(n_wrong: int, n_read: int, n_rows: int) -> Estimate:
    """By a random sample without replacement of `n_read` among `n_rows`, of which `n_wrong` were wrong.

    Where a good part of all was read, the sample is worth more: n (N - 1) / (N - n), the finite population correction
    (W. G. Cochran, Sampling Techniques, 1977, section 2.6). Where all was read, nothing is left to chance.
    """
    share = n_wrong / n_read
    if n_read >= n_rows:
        return Estimate(share, share, share, n_read, n_rows, n_wrong=n_wrong)
    low, high = wilson(share, _effective(n_read, n_rows))
    return Estimate(share, low, high, n_read, n_rows, n_wrong=n_wrong)


def pooled(parts: Sequence[Estimate]) -> Estimate:
    """For all rows of several estimates, each part weighing as many rows as it has.

    The interval is Wilson's for the effective number of rows read (L. Kish, Survey Sampling, 1965, section 11.7).
    """
    if len(parts) == 1:
        return parts[0]
    n_rows, n_read = sum(part.n_rows for part in parts), sum(part.n_read for part in parts)
    share = sum(part.share * part.n_rows for part in parts) / n_rows
    spread = sum(
        (part.n_rows / n_rows) ** 2 * (part.n_rows - part.n_read) / (part.n_read * max(part.n_rows - 1, 1))
        for part in parts
    )
    low, high = wilson(share, 1 / spread) if spread else (share, share)
    return Estimate(share, low, high, n_read, n_rows, n_wrong=sum(part.n_wrong for part in parts))


# ---------------------------------------------------------------- what stands, by what was read of its strata


@dataclass(frozen=True)
class Stratum:
    """Labels of which a random sample was read: `n_read` of `n_rows`, `n_wrong` of them wrong; all may be weighted.

    By now `n_gone` of the wrong ones have lost the label, and `n_unread` of what stands nobody has read: what is
    wrong by now is among these.
    """

    n_rows: float
    n_read: float
    n_wrong: float
    n_gone: float
    n_unread: int

    def left(self, share: float) -> float:
        """How many labels are wrong by now, where this share of all was."""
        return min(max(share * self.n_rows - self.n_gone, 0.0), self.n_unread)


def of_strata(strata: Sequence[Stratum], n_rows: int, n_unchecked: int) -> Estimate | None:
    """The share of wrong labels among `n_rows`, `n_unchecked` of which no check covers; None where none was checked.

    Stratified sampling (W. G. Cochran, Sampling Techniques, 1977, chapter 5), with an interval that holds for the
    worst way in which the wrong labels can lie in the strata, see `_ends`.
    """
    if not strata or not n_rows:
        return None
    share, low, high = (
        sum(stratum.left(each) for stratum, each in zip(strata, shares, strict=True))
        for shares in ([stratum.n_wrong / stratum.n_read for stratum in strata], *_ends(tuple(strata)))
    )
    n_read = round(sum(stratum.n_read for stratum in strata))
    n_checked = n_rows - n_unchecked
    return Estimate(
        share / n_checked if n_checked else 0.0,
        low / n_rows,
        min(high + n_unchecked, n_rows) / n_rows,
        n_read,
        n_rows,
        n_unchecked,
        sum(stratum.n_wrong for stratum in strata),
    )


def n_to_read(found: Estimate, aim: int) -> int:
    """How many more texts to read, drawn at random from all labels, until at least `aim` per cent are surely right.

    Where as large a share of them is wrong as of those that were read, and loses the label. It is asked of the same
    interval, as if all were one stratum; 0 where the aim is reached.
    """
    share = found.n_wrong / found.n_read if found.n_read else 0.0
    n_given, n_left = found.n_rows + found.n_wrong, max(round(found.n_rows + found.n_wrong - found.n_read), 0)

    def is_reached(n_more: int) -> bool:
        n_read = found.n_read + n_more
        n_wrong = share * n_read
        n_now = round(n_given - n_wrong)
        then = of_strata([Stratum(n_given, n_read, n_wrong, n_wrong, n_left - n_more)], n_now, 0)
        return then is not None and then.right[1] >= aim

    return 0 if found.right[1] >= aim else bisect_left(range(n_left), True, lo=min(1, n_left), key=is_reached)


def _effective(n_read: float, n_rows: float) -> float:
    return n_read * (n_rows - 1) / (n_rows - n_read)


@lru_cache(maxsize=4096)  # asked for at each run of the page: most strata are as they were
def _ends(strata: tuple[Stratum, ...]) -> tuple[list[float], list[float]]:
    """The strata's shares of wrong labels at the two ends of the interval for all of them.

    The least and the largest number of wrong labels of all shares p that a score test with one degree of freedom does
    not refuse: sum n (p_seen - p)^2 / (p (1 - p)) <= Z^2. For one stratum, and for several of which the same part was
    read and found wrong, it is Wilson's interval of them together.
    """
    n = np.array([stratum.n_rows for stratum in strata])
    read = np.array([stratum.n_read for stratum in strata])
    seen = np.array([stratum.n_wrong for stratum in strata]) / read
    sampled = read < n
    worth = read[sampled] * (n[sampled] - 1) / (n[sampled] - read[sampled])
    low, high = seen.copy(), seen.copy()
    if sampled.any():
        high[sampled] = _furthest(n[sampled], worth, seen[sampled])
        low[sampled] = 1 - _furthest(n[sampled], worth, 1 - seen[sampled])
    return low.tolist(), high.tolist()


def _furthest(weight: np.ndarray, n: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The shares p >= `seen` with the largest weighted sum of those that the test of `_ends` does not refuse.

    By Lagrange's multipliers: each p is where the score's slope, n ((1 - seen)^2 / (1 - p)^2 - seen^2 / p^2), is the
    weight times one number, which is as large as the test allows.
    """
    if len(n) == 1:
        return np.array([wilson(float(seen[0]), float(n[0]))[1]])

    def shares(number: float) -> np.ndarray:
        low, high = seen, np.ones_like(seen)
        for _ in range(HALVINGS):
            p = (low + high) / 2
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = (1 - seen) ** 2 / (1 - p) ** 2 - np.where(seen > 0, seen**2 / p**2, 0.0)
            below = n * slope < weight * number
            low, high = np.where(below, p, low), np.where(below, high, p)
        return low

    def score(p: np.ndarray) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.sum(np.where(p > seen, n * (p - seen) ** 2 / (p * (1 - p)), 0.0)))

    low, high = -30.0, 30.0  # the number's logarithm
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if score(shares(math.exp(middle))) <= Z**2 else (low, middle)
    return shares(math.exp(low))
