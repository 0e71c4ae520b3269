"""How many labels are wrong, estimated from a random sample that a person has read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959963984540054  # of a 95 % interval


@dataclass(frozen=True)
class Estimate:
    """`share` of wrong labels among `n_rows`, between `low` and `high` (95 %), by `n_read` of them that were read."""

    share: float
    low: float
    high: float
    n_read: int
    n_rows: int

    def of_what_stands(self, n_found: int, n_seen: int, n_rows: int, n_rows_seen: int) -> "Estimate":
        """Of the `n_rows` of these labels that stand now, `n_rows_seen` of which were seen and are right.

        `n_seen` of all were read, at random or not, and `n_found` found wrong and taken off: what is wrong by now is
        among those that nobody has read.
        """
        unread = self.n_rows - n_seen
        share, low, high = (
            min(1.0, max(0.0, each * self.n_rows - n_found) / unread) * (n_rows - n_rows_seen) / n_rows
            if unread
            else 0.0
            for each in (self.share, self.low, self.high)
        )
        return Estimate(share, low, high, min(self.n_read, n_rows), n_rows)


@dataclass(frozen=True)
class Rightness:
    """How right all labels are that stand: `wrong` is their share of wrong ones, by what was read at random.

    `checked` is the share of the labels that were given by actions of which something was read; the others count like
    these.
    """

    wrong: Estimate
    checked: float


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
        return Estimate(share, share, share, n_read, n_rows)
    low, high = wilson(share, n_read * (n_rows - 1) / (n_rows - n_read))
    return Estimate(share, low, high, n_read, n_rows)


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
    return Estimate(share, low, high, n_read, n_rows)
