"""The regions of a map, and the words that name them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labelling.selection.function_words import FUNCTION_WORDS
from labelling.selection.keywords import MAX_CHARACTERS, PRIOR, WORDS

SIDE = 192  # cells of the grid, each way
# How far the density is smoothed, in cells. A level takes the first that gives it so many regions: few for the whole
# map, more and smaller ones for who zooms in.
SMOOTHINGS = (9.0, 7.0, 5.5, 4.5, 3.5, 2.8, 2.2, 1.8)
AT_LEAST = (6, 14, 30)
MIN_ROWS = 8
MIN_SHARE = 0.002  # of all points
MAX_REGIONS = (12, 36, 120)  # the largest, of each level
MAX_TEXTS = 20_000  # are read for their words, drawn at random
N_WORDS = 2
SURE = 2.58  # of a word's z-score: 99 %


@dataclass(frozen=True)
class Region:
    """A part of the map round a peak of the points' density, named by the words that set its texts apart.

    `x`, `y` is the place of the peak; `level` is 0 for the largest regions, 1 and 2 for those of who zooms in; `rows`
    are int64, sorted.
    """

    name: str
    x: float
    y: float
    level: int
    rows: np.ndarray


def regions(xy: np.ndarray, text_of: Callable[[int], str], *, random_state: int = 0) -> list[Region]:
    """The named regions of the map `xy`, float32 (n_rows, 2) with NaN for rows that have no place; the largest first.

    The points' density is smoothed at three scales; each cell belongs to the peak that the steepest way up leads to
    (mean shift on a grid: Comaniciu & Meer 2002, IEEE PAMI 24). A region is named by its words' log-odds against all
    other texts (Monroe, Colaresi & Quinn 2008, doi:10.1093/pan/mpn018), function words left out; one that no word sets
    apart, or that only has another's words, gets no name and is left out.
    """
    placed = np.flatnonzero(~np.isnan(xy).any(axis=1))
    if len(placed) < MIN_ROWS:
        return []
    words = _Words(placed, text_of, random_state)
    found: list[Region] = []
    least, level = max(MIN_ROWS, MIN_SHARE * len(placed)), 0
    for smoothing in SMOOTHINGS:
        peaks, of_peak = _peaks(xy[placed], smoothing)
        sizes = np.bincount(of_peak, minlength=len(peaks))
        if np.count_nonzero(sizes >= least) < AT_LEAST[level] and smoothing != SMOOTHINGS[-1]:
            continue
        largest = [peak for peak in np.argsort(-sizes, kind="stable")[: MAX_REGIONS[level]] if sizes[peak] >= least]
        taken: set[str] = set()
        for peak in largest:
            rows = placed[of_peak == peak]
            name = words.name(rows, taken)
            if name is not None and len(rows) < len(placed):
                found.append(Region(name, float(peaks[peak, 0]), float(peaks[peak, 1]), level, rows))
        level += 1
        if level == len(AT_LEAST):
            break
    return found


def _peaks(xy: np.ndarray, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """The peaks of the density, (n_peaks, 2), and the peak that each point belongs to, int (n,)."""
    from scipy.ndimage import gaussian_filter, maximum_filter

    low, high = xy.min(axis=0), xy.max(axis=0)
    # As wide as it is high in the map's own units; one text more than once has no extent.
    scale = max(float((high - low).max()), 1e-9) / (SIDE - 1)
    cells = ((xy - low) / scale).round().astype(np.intp)
    counts = np.zeros((SIDE, SIDE))
    np.add.at(counts, tuple(cells.T), 1)
    density = gaussian_filter(counts, smoothing, mode="constant")
    # A slope however small: on a plain every cell would be a peak of its own.
    density += 1e-12 * np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)
    padded = np.pad(density, 1, constant_values=-1)
    window = np.stack([padded[i : i + SIDE, j : j + SIDE] for i in range(3) for j in range(3)])
    best = window.argmax(axis=0)
    i, j = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    up = ((i + best // 3 - 1) * SIDE + (j + best % 3 - 1)).ravel()
    while True:  # each step doubles how far every cell looks
        further = up[up]
        if (further == up).all():
            break
        up = further
    # A low shoulder beside a peak is no region of its own: it counts to the highest cell within the smoothing's width.
    near = maximum_filter(density, size=2 * round(2 * smoothing) + 1)
    tops = up[cells[:, 0] * SIDE + cells[:, 1]]
    names, of_peak = np.unique(tops, return_inverse=True)
    is_top = density.ravel()[names] >= near.ravel()[names]
    if not is_top.any():
        is_top[density.ravel()[names].argmax()] = True
    peaks = np.stack([names // SIDE, names % SIDE], axis=1)
    tall = peaks[is_top]
    nearest = np.linalg.norm(peaks[:, None] - tall[None], axis=2).argmin(axis=1)
    return tall * scale + low, nearest[of_peak]


class _Words:
    """Which words each of a sample of the texts holds, counted once."""

    def __init__(self, placed: np.ndarray, text_of: Callable[[int], str], random_state: int) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        rng = np.random.default_rng(random_state)
        self.rows = placed if len(placed) <= MAX_TEXTS else np.sort(rng.choice(placed, MAX_TEXTS, replace=False))
        count = CountVectorizer(
            binary=True, token_pattern=WORDS, min_df=2, dtype=np.float32, stop_words=list(FUNCTION_WORDS)
        )
        try:
            self.held = count.fit_transform([text_of(int(row))[:MAX_CHARACTERS] for row in self.rows]).tocsr()
            self.words = count.get_feature_names_out()
            self.all = np.asarray(self.held.sum(axis=0)).ravel()
        except ValueError:  # no words at all, or none twice
            self.words = np.empty(0, object)

    def name(self, rows: np.ndarray, taken: set[str]) -> str | None:
        """The words that set these rows apart, but for those that are `taken`, to which they are added."""
        if not len(self.words):
            return None
        inside = np.isin(self.rows, rows, assume_unique=True)
        n, n_elsewhere = int(inside.sum()), int((~inside).sum())
        if not n or not n_elsewhere:
            return None
        a = np.asarray(self.held[np.flatnonzero(inside)].sum(axis=0), float).ravel()
        b = self.all - a
        prior = PRIOR * (a + b) + 0.01
        odds = np.log((a + prior) / (n - a + prior)) - np.log((b + prior) / (n_elsewhere - b + prior))
        z = odds / np.sqrt(1 / (a + prior) + 1 / (b + prior))
        best: list[str] = []
        for place in np.argsort(-z, kind="stable")[:40]:
            word = str(self.words[place])
            if z[place] < SURE or len(best) == N_WORDS:
                break
            # "refund" beside "refunds" says nothing more
            if word not in taken and not any(_alike(word, other) for other in [*best, *taken]):
                best.append(word)
        taken.update(best)
        return ", ".join(best) or None


def _alike(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return long.startswith(short[: max(3, len(short) - 1)]) and len(long) - len(short) <= 2
