"""What a tuned space is worth, on labels that its tuner has not seen.

Rows of one lasso are near-copies of each other: with some of them in the training part, the others are found whatever
the tuner has learnt. So whole actions are held out, never rows of one; but where too few labels were given in several
actions, single rows are, and the figures flatter: `Evaluation.flatters` says so.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from labelling.errors import CorralError

N_FOLDS = 5
MAX_LABELLED = 5_000  # rows that are held out in turn; more would tell no more
# Few, so that a label with a handful of texts can be found at all.
N_NEIGHBORS = 5
NEIGHBORS_KEPT = 15  # as many as UMAP looks at
MAX_QUERIES = 2_000
CONFIDENCE = 0.95
MIN_GROUPS = 5  # held out; with fewer the interval is wider than any difference


class TooFewLabels(CorralError, ValueError):
    """There is nothing that could be held out; the message says what is needed."""


@dataclass(frozen=True)
class Figures:
    """Of one space: the share of held-out rows whose nearest labelled rows bear their label, and the same by label.

    In all dimensions, whichever map one labels on: two dimensions of it can look far better, or worse, than it is.
    """

    in_space: float
    recall: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    figures : by the key of the space's tuner; the first is what the others are compared with.
    n_rows, n_groups : how many held-out labels, of how many actions, it rests on; `counts` is the former by label.
        Where rows were held out on their own, each of them counts as an action.
    gain, margin : by key: how much larger `in_space` is than that of the first space, and half the width of the 95 %
        interval for it. Rows of one action count together, by the sandwich estimator for clustered data (Liang & Zeger
        1986, "Longitudinal data analysis using generalized linear models"), with Student's t.
    not_measured : labels of which nothing could be held out: all were given in one action, or there is one alone.
    neighbours_kept : see `neighbours_kept`; None where there are too few unlabelled rows.
    flatters : rows were held out on their own, while others of their action were learnt from. The figures are too
        high then, and the interval is right for further rows of these actions alone.
    """

    figures: Mapping[str, Figures]
    n_rows: int
    n_groups: int
    counts: Mapping[str, int]
    gain: Mapping[str, float]
    margin: Mapping[str, float]
    not_measured: tuple[str, ...]
    neighbours_kept: float | None = None
    flatters: bool = False

    @property
    def baseline(self) -> str:
        """The key of the space that the others are compared with."""
        return next(iter(self.figures))

    @property
    def enough(self) -> bool:
        """Whether so many whole actions were held out that the figures tell anything: those that flatter don't."""
        return self.n_groups >= MIN_GROUPS and not self.flatters

    def verdict(self, key: str) -> str:
        """ "better", "worse" or "alike": whether the interval for the gain leaves 0 out."""
        if abs(self.gain[key]) <= self.margin[key]:
            return "alike"
        return "better" if self.gain[key] > 0 else "worse"

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self | None:
        """None for one of before, whose gain is that of the quick map alone: it is measured anew."""
        if any("on_map" in each for each in values["figures"].values()):
            return None
        figures = {key: Figures(**each) for key, each in values["figures"].items()}
        return cls(**{**values, "figures": figures, "not_measured": tuple(values["not_measured"])})


def evaluate(
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    unlabelled: np.ndarray,
    tuners: Mapping[str, Any],
    *,
    random_state: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> Evaluation | None:
    """Cross-validate `tuners` by groups, by rows where there are too few groups; None where `stop` ended it.

    In each fold every tuner is fitted anew, with the held-out rows handed in without their labels, as the app hands in
    all that is unlabelled. A held-out row is found where most of the 5 nearest labelled rows that were not held out
    bear its label; the same for all spaces.

    Parameters
    ----------
    X, y, groups : float32 (n, n_dims), labels (n,), and the action that set each (n,). Rows of one group are held out
        together; but each row on its own where labels that have one group leave fewer than MIN_GROUPS to hold out.
    unlabelled : float32 (m, n_dims), for the tuners and the map.
    tuners : unfitted, by a name of the caller's; None for the embeddings as they are. The first is what the others are
        compared with.

    Raises
    ------
    TooFewLabels : fewer than two labels with two rows each, or fewer than MIN_GROUPS rows.
    """
    from sklearn.base import clone

    rng = np.random.RandomState(random_state)
    y = np.asarray(y, dtype=object)
    if len(X) > MAX_LABELLED:
        some = np.sort(rng.permutation(len(X))[:MAX_LABELLED])
        X, y, groups = X[some], y[some], groups[some]
    fold, not_measured = _folds(y, groups, rng)
    flatters, n_held = False, len(set(groups[fold >= 0]))
    if n_held < MIN_GROUPS and (not_measured or not n_held):  # labels that were given in one action are the reason
        flatters, groups = True, np.arange(len(y))
        fold, not_measured = _folds(y, groups, rng)
        if np.count_nonzero(fold >= 0) < MIN_GROUPS:
            raise TooFewLabels(
                "Too few labels to tell: label the texts of at least two labels in two lassos each, then one lasso can "
                "be held out and guessed from the other."
            )
    everything = np.concatenate([X, unlabelled])
    n_folds = fold.max() + 1
    found = {key: np.zeros(len(X), bool) for key in tuners}
    done = 0
    for number in range(n_folds):
        held = fold == number
        known = np.full(len(everything), None, dtype=object)
        known[: len(y)][~held] = y[~held]
        for key, tuner in tuners.items():
            if stop is not None and stop.is_set():
                return None
            space = everything if tuner is None else clone(tuner).fit(everything, known).transform(everything)
            found[key][held] = _predicted(space[: len(X)], y, held) == y[held]
            done += 1
            if on_progress is not None:
                on_progress(done, n_folds * len(tuners))
    measured = fold >= 0
    hits = {key: each[measured] for key, each in found.items()}
    return replace(_summary(y[measured], groups[measured], hits, not_measured), flatters=flatters)


def _folds(y: np.ndarray, groups: np.ndarray, rng: np.random.RandomState) -> tuple[np.ndarray, tuple[str, ...]]:
    """The fold in which each row is held out, -1 where it never is; and the labels that could not be measured.

    All are -1 where fewer than two labels have two groups: there is nothing to tell apart then.
    At least half of a label's rows are left to learn from in each fold, as the tuner that is judged has learnt from
    all: a lasso that is most of its label is not held out.
    """
    fold = np.full(len(y), -1)
    by_label = {label: np.unique(groups[y == label]) for label in sorted(set(y))}
    enough = [label for label, its in by_label.items() if len(its) > 1]
    if len(enough) < 2:
        return fold, ()
    n_folds = min(N_FOLDS, max(len(by_label[label]) for label in enough))
    for start, label in enumerate(enough):
        n_rows = {group: int(np.sum((y == label) & (groups == group))) for group in rng.permutation(by_label[label])}
        held = np.zeros(n_folds, int)
        for group in sorted(n_rows, key=n_rows.__getitem__, reverse=True):
            number = int(np.argmin(np.roll(held, -start)) + start) % n_folds
            if 2 * (held[number] + n_rows[group]) <= sum(n_rows.values()):
                held[number] += n_rows[group]
                fold[(y == label) & (groups == group)] = number
    return np.unique(fold, return_inverse=True)[1] - (fold.min() < 0), tuple(sorted(set(by_label) - set(enough)))


def _predicted(points: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import KNeighborsClassifier

    labels, codes = np.unique(y, return_inverse=True)
    model = KNeighborsClassifier(min(N_NEIGHBORS, int((~held).sum())), weights="distance")
    return labels[model.fit(points[~held], codes[~held]).predict(points[held])]


def _summary(
    y: np.ndarray, groups: np.ndarray, found: Mapping[str, np.ndarray], not_measured: tuple[str, ...]
) -> Evaluation:
    from scipy.stats import t

    first = next(iter(found))
    labels = sorted(set(y))
    _, group = np.unique(groups, return_inverse=True)
    n_groups = int(group.max()) + 1
    figures, gain, margin = {}, {}, {}
    for key, hits in found.items():
        figures[key] = Figures(float(hits.mean()), {label: float(hits[y == label].mean()) for label in labels})
        difference = hits.astype(float) - found[first]
        gain[key] = float(difference.mean())
        surplus = np.bincount(group, difference - gain[key])
        error = np.sqrt(n_groups / (n_groups - 1) * np.sum(surplus**2)) / len(y)
        margin[key] = float(t.ppf((1 + CONFIDENCE) / 2, n_groups - 1) * error)
    counts = {label: int(np.sum(y == label)) for label in labels}
    return Evaluation(figures, len(y), n_groups, counts, gain, margin, not_measured)


def neighbours_kept(old: np.ndarray, new: np.ndarray, *, random_state: int = 0) -> float | None:
    """The mean share of a row's 15 nearest neighbours in `old` that are among its 15 nearest in `new`.

    Parameters: `old` (n, n_dims) and `new` (n, n_other_dims), the same rows, Euclidean. Of more than 2,000 rows so many
    are asked for, among all. Returns: 0 to 1; None for 16 rows or fewer, where all are each other's neighbours.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(old) <= NEIGHBORS_KEPT + 1:
        return None
    asked = np.random.RandomState(random_state).permutation(len(old))[:MAX_QUERIES]
    near = []
    for space in (old, new):
        index = NearestNeighbors(n_neighbors=NEIGHBORS_KEPT + 1, algorithm="brute").fit(space)
        nearest = index.kneighbors(space[asked], return_distance=False)
        # A row is its own nearest, but not always the first of equal texts.
        itself = nearest == asked[:, None]
        itself[~itself.any(axis=1), -1] = True
        near.append(nearest[~itself].reshape(len(asked), NEIGHBORS_KEPT))
    shared = (near[0][:, :, None] == near[1][:, None]).any(axis=2)
    return float(shared.mean())
