"""Few labels and a neighbour graph: embeddings smoothed over it, and a classifier that also walks on it."""

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from labelling.files import let_go
from labelling.learning.parameters import Allowed, Number, check_parameters, whole
from labelling.learning.targets import read_targets
from labelling.projections.nearest import neighbours

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CHUNK = 16_384
STEPS = 24  # of a walk: from any row of a neighbour graph to nearly any other it is about eight
ENDS, SUPPORT_ENDS = 0.02, 0.1  # the chance that a walk dies at a step, when it looks for a label, and for support
LEAST = 1e-4  # of a ridge's score: no class is ruled out by the ridge alone


def smooth(X: np.ndarray, graph: np.ndarray, rounds: int = 2) -> np.ndarray:
    """Embeddings in which each row is half itself and half the mean of its neighbours, `rounds` times over.

    Simple graph convolution (Wu et al. 2019, arXiv:1902.07153) with half of each row kept: what neighbours share stays,
    what is a row's alone fades.

    Parameters
    ----------
    X : ndarray of float, shape (n_rows, n_dims)
    graph : ndarray of int, shape (n_rows, k)
        The nearest other rows of each row, -1 where there is none.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_dims): rows of unit length; NaN where X has it.

    Raises
    ------
    ValueError
        Where they are not of the same rows.
    """
    if len(X) != len(graph):
        raise ValueError(f"X and graph must be of the same rows, got {len(X):,} and {len(graph):,}")
    out = np.empty(X.shape, np.float32)
    for start in range(0, len(X), CHUNK):
        out[start : start + CHUNK] = _unit(np.asarray(X[start : start + CHUNK], np.float32))
        let_go(X)
    for _ in range(rounds):
        new = np.empty_like(out)
        for start in range(0, len(out), CHUNK):
            part = slice(start, start + CHUNK)
            new[part] = _unit(out[part] + _neighbour_mean(out, np.asarray(graph[part])))
        out = new
    return out


def _neighbour_mean(X: np.ndarray, near: np.ndarray) -> np.ndarray:
    total = np.zeros((len(near), X.shape[1]), np.float32)
    for column in near.T:
        total += np.where((column >= 0)[:, None], X[column], 0)
    return total / np.maximum((near >= 0).sum(axis=1), 1)[:, None].astype(np.float32)


def _unit(X: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(X, axis=1, keepdims=True)
    return X / np.where(norm == 0, 1, norm)


def walk_matrix(graph: np.ndarray) -> "csr_matrix":
    """Where one step of a walk leads: from a row to its neighbours and to those whose neighbour it is, all alike.

    csr_matrix of float32 (n_rows, n_rows); each line sums to 1, or to 0 where a row has no neighbours.
    """
    from scipy.sparse import csr_matrix, diags

    n, k = graph.shape
    rows, near = np.repeat(np.arange(n, dtype=np.int32), k), np.asarray(graph).ravel()
    known = near >= 0
    steps = csr_matrix((np.ones(known.sum(), np.float32), (rows[known], near[known])), shape=(n, n))
    steps = steps.maximum(steps.T).tocsr()
    n_ways = np.asarray(steps.sum(axis=1)).ravel()
    return csr_matrix(diags(1 / np.maximum(n_ways, 1)) @ steps, dtype=np.float32)


class GraphClassifier(ClassifierMixin, BaseEstimator):
    """Labels for all rows of a neighbour graph from few: a ridge and a walk, which must agree.

    The ridge (one class against the others, least squares) sees the smoothed embeddings. The walk goes from row to
    neighbour at random, and where it meets a labelled row it ends: the share of walks that end at a class (Zhu,
    Ghahramani & Lafferty 2003, "Semi-supervised learning using Gaussian fields and harmonic functions"; dying on the
    way as in Zhou et al. 2004, "Learning with local and global consistency"). The score of a class is the square root
    of their product.

    Parameters
    ----------
    alpha : the ridge's penalty.
    rounds : how often the embeddings are smoothed, see `smooth`; 0 where they are already.
    n_neighbors : neighbours of each row, where `fit` is given no graph, and of each new row.

    Attributes
    ----------
    classes_ : sorted labels (n_classes,).
    label_distributions_ : float32 (n_rows, n_classes), the scores of the rows that were fitted, each at most 1; they
        do not sum to 1: where ridge and walk disagree, all are small.
    support_ : float32 (n_rows,), the chance that a walk which dies with 0.1 a step meets a label at all: 1 for labelled
        rows, near 0 for those that are far from all labels, which may well be of a class that has none yet.
    n_features_in_ : int.
    """

    _allowed: ClassVar[dict[str, Allowed]] = {
        "alpha": (Number(0, open="low"),),
        "rounds": (whole(0),),
        "n_neighbors": (whole(1),),
    }

    def __init__(self, alpha: float = 1.0, rounds: int = 2, n_neighbors: int = 15) -> None:
        self.alpha = alpha
        self.rounds = rounds
        self.n_neighbors = n_neighbors

    def fit(self, X: Any, y: Any, graph: np.ndarray | None = None) -> Self:
        """Fit on all rows, labelled or not.

        Parameters
        ----------
        X : array-like (n_rows, n_features), embeddings.
        y : array-like (n_rows,), text or numbers. None, NaN and, among numbers, -1 mark a row without a label.
        graph : int (n_rows, k), the nearest other rows of each row, -1 where there is none; found where None.

        Raises
        ------
        ValueError : fewer than two labels; several labels a row; NaN or infinity in `X`; lengths that differ; a
            parameter out of range.
        """
        check_parameters(self)
        X = validate_data(self, X, dtype=np.float32, **({"y": None} if y is None else {}))
        check_consistent_length(X, y)
        targets = read_targets(y)
        if targets.multi_label:
            raise ValueError("GraphClassifier takes one label a row, got a column for each label")
        if len(targets.classes) < 2:
            got = f"one class: {targets.classes.tolist()[0]!r}" if len(targets.classes) else "none"
            raise ValueError(f"GraphClassifier needs at least two labels, got {got}")
        if graph is None:
            k = min(self.n_neighbors, len(X) - 1)
            graph = neighbours(X, None, k, 0, lambda done, total: None)[0]
        self.classes_ = targets.classes
        self._X = X
        self._smoothed = [smooth(X, graph, rounds) for rounds in range(self.rounds + 1)]
        self._fit_ridge(self._smoothed[-1], targets.codes)
        self._fit_walk(walk_matrix(graph), targets.codes)
        self.label_distributions_ = self._scores(self._smoothed[-1], self._ends)
        return self

    def fit_smoothed(
        self,
        Z: np.ndarray,
        steps: "csr_matrix",
        classes: np.ndarray,
        codes: np.ndarray,
        order: np.ndarray | None = None,
    ) -> Self:
        """As `fit`, from what does not change with the labels and need not be made again: `smooth(X, graph)`,
        `walk_matrix(graph)`; and `codes`, the place in `classes` of each row's label, -1 where it has none. It gives
        `label_distributions_`, `support_` and `confidence`, and can't predict for new rows. `order`, all rows so that
        neighbours stand together, as in a `HeapTree`: of many rows the walk is several times as fast in it.
        """
        self.classes_ = classes
        self._fit_ridge(Z, codes)
        self._fit_walk(steps, codes, order)
        self.label_distributions_ = self._scores(Z, self._ends)
        return self

    def _fit_ridge(self, Z: np.ndarray, codes: np.ndarray) -> None:
        from scipy.sparse import csr_matrix

        known = codes >= 0
        A, n_classes = Z[known], len(self.classes_)
        counts = np.bincount(codes[known], minlength=n_classes).astype(np.float32)
        one_hot = csr_matrix((np.ones(len(A), np.float32), (codes[known], np.arange(len(A)))), (n_classes, len(A)))
        self._centre, share = A.mean(axis=0), counts / len(A)
        A = A - self._centre
        products = (one_hot @ A).T
        self._coef = np.linalg.solve(A.T @ A + np.float32(self.alpha) * np.eye(A.shape[1], dtype=np.float32), products)
        self._intercept = share

    def _fit_walk(self, steps: "csr_matrix", codes: np.ndarray, order: np.ndarray | None = None) -> None:
        known = codes >= 0
        ends = np.zeros((len(codes), len(self.classes_)), np.float32)
        ends[known, codes[known]] = 1
        support = known.astype(np.float32)
        unknown = np.flatnonzero(~known) if order is None else order[~known[order]]
        leave = steps[unknown]
        stay = leave[:, unknown]  # a labelled row does not change: what ends there at once is reckoned once
        for found, dies in ((ends, ENDS), (support, SUPPORT_ENDS)):
            at_once, on = (1 - dies) * (leave @ found), stay * np.float32(1 - dies)
            walked = at_once
            for _ in range(STEPS - 1):
                walked = on @ walked
                walked += at_once
            found[unknown] = walked
        self._ends, self.support_ = ends, support

    def _scores(self, Z: np.ndarray, ends: np.ndarray) -> np.ndarray:
        scores = np.empty_like(ends)
        shift = self._intercept - self._centre @ self._coef
        for start in range(0, len(Z), CHUNK):
            part, some = ends[start : start + CHUNK], scores[start : start + CHUNK]
            np.clip(Z[start : start + CHUNK] @ self._coef + shift, LEAST, None, out=some)
            some /= some.sum(axis=1, keepdims=True)
            some *= part / np.maximum(part.sum(axis=1, keepdims=True), 1e-9)
            np.sqrt(some, out=some)
        return scores

    def deny(self, rows: np.ndarray, codes: np.ndarray) -> None:
        """Take fitted rows (n,) for not of the classes (n,), by their place in `classes_`; no pair twice.

        The score of such a class is -1, and what it was goes to the row's other classes, each by its share.
        """
        scores = self.label_distributions_
        some, place = np.unique(rows, return_inverse=True)
        left = scores[some]
        total = left.sum(axis=1, keepdims=True)
        left[place, codes] = 0
        rest = left.sum(axis=1, keepdims=True)
        left *= np.divide(total, rest, out=np.zeros_like(rest), where=rest > 0)
        left[place, codes] = -1
        scores[some] = left

    def confidence(self, novelty: float = 0.0) -> np.ndarray:
        """How sure the best label of each fitted row is: its score times support^novelty, float32 (n_rows,), 0 to 1.

        `novelty`, 0 to 1: how often what is read now turns out to be of a label that was not there before. The more
        often, the less does a row far from all labels belong to one of them.
        """
        check_is_fitted(self)
        best: np.ndarray = self.label_distributions_.max(axis=1)
        return best * self.support_**novelty

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities float32 (n, n_classes) of rows, new ones too, by their nearest among those that were fitted."""
        from sklearn.neighbors import NearestNeighbors

        check_is_fitted(self, "_X")
        X = validate_data(self, X, dtype=np.float32, reset=False)
        k = min(self.n_neighbors, len(self._X))
        near = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self._X).kneighbors(X, return_distance=False)
        Z = _unit(X)
        for level in self._smoothed[:-1]:
            Z = _unit(Z + _neighbour_mean(level, near))
        scores = self._scores(Z, self._ends[near].mean(axis=1))
        total = scores.sum(axis=1, keepdims=True)
        return np.where(total > 0, scores / np.where(total > 0, total, 1), np.float32(1 / len(self.classes_)))

    def predict(self, X: Any) -> np.ndarray:
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]
