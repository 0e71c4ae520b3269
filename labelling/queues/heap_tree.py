"""A tree of heaps: texts that look alike, heaps within heaps."""

from typing import Any, Self

import numpy as np

from labelling.learning.graph import walk_matrix

STRAYS = 0.1  # of the rows: less is no part of its own


class HeapTree:
    """A Ward tree of embeddings (Ward 1963) in which only neighbours in the graph are joined.

    Node i < n_rows is row i; the others are heaps of two nodes before them, the last is all rows.

    Attributes
    ----------
    order_ : int64 (n_rows,), the rows so that each node's stand together: those of node i are
        `order_[start_[i]:end_[i]]`.
    start_, end_ : int64 (n_nodes,).
    parent_ : int64 (n_nodes,), of the last node itself.
    children_ : int64 (n_rows - 1, 2), of the nodes that are heaps.
    inside_ : float (n_nodes,), 0 to 1: the chance that a step to a neighbour, from any row of a node, stays in it.
    likeness_ : float (n_nodes,), of all rows of each node.
    far_, near_ : float, the mean cosine of any two rows, and of neighbours; see `likeness`.
    """

    def fit(self, X: np.ndarray, graph: np.ndarray) -> Self:
        """Float (n_rows, n_dims), as `learning.graph.smooth` gives it, and int (n_rows, k), -1 where none."""
        if len(X) != len(graph):
            raise ValueError(f"X and graph must be of the same rows, got {len(X):,} and {len(graph):,}")
        from sklearn.cluster import ward_tree

        n = len(X)
        mean = X.mean(axis=0)
        self.far_ = float(mean @ mean)
        steps = walk_matrix(graph)
        self.near_ = float(np.einsum("ij,ij->i", X, steps @ X).mean())
        children = np.empty((0, 2), np.int64)
        if n > 1:
            children = ward_tree(X, connectivity=_one_piece(X, graph))[0]
        self.children_ = children
        size = np.ones(2 * n - 1, np.int64)
        self.parent_ = np.full(2 * n - 1, 2 * n - 2)
        for node, (a, b) in enumerate(children, n):
            size[node] = size[a] + size[b]
            self.parent_[a] = self.parent_[b] = node
        self.start_ = np.zeros(2 * n - 1, np.int64)
        for node in range(2 * n - 2, n - 1, -1):
            a, b = children[node - n]
            self.start_[a], self.start_[b] = self.start_[node], self.start_[node] + size[a]
        self.end_ = self.start_ + size
        self.order_ = np.argsort(self.start_[:n])
        self.inside_ = self._steps_inside(steps.tocoo()) / size
        self.likeness_ = self._likeness_of_nodes(X)
        return self

    def _steps_inside(self, steps: Any) -> np.ndarray:
        """The weight of the steps from and to rows of each node: float (n_nodes,)."""
        a, b = steps.row.astype(np.int64), steps.col.astype(np.int64)
        apart = np.flatnonzero(a != b)
        while len(apart):  # up to the smallest node that holds both: a parent comes after its parts
            low = np.minimum(a[apart], b[apart])
            a[apart], b[apart] = np.maximum(a[apart], b[apart]), self.parent_[low]
            apart = apart[a[apart] != b[apart]]
        inside = np.bincount(a, weights=steps.data, minlength=len(self.parent_))
        for node, parent in enumerate(self.parent_[:-1].tolist()):
            inside[parent] += inside[node]
        return inside

    def _likeness_of_nodes(self, X: np.ndarray) -> np.ndarray:
        squares = np.zeros(len(self.parent_))
        for column in X.T:  # one by one: the sums of all nodes at once are twice as large as X
            squares += self.sums(column) ** 2
        return self._scaled(squares, self.end_ - self.start_)

    def _scaled(self, squares: np.ndarray, n: np.ndarray | int) -> np.ndarray:
        """Likeness from the squared length of the sum of n rows."""
        if self.near_ <= self.far_:
            return np.ones(np.shape(squares))
        cosine = (squares - n) / np.maximum(n * (n - 1), 1)
        return np.where(np.asarray(n) > 1, (cosine - self.far_) / (self.near_ - self.far_), 1.0)

    def likeness(self, X: np.ndarray) -> np.ndarray:
        """How alike some rows (..., n, n_dims) of those fitted are: 1 as neighbours in the graph, 0 as any two rows.

        By the mean cosine of all pairs; 1 of a single row, and where all are neighbours. Float (...).
        """
        return self.likeness_of(X.sum(axis=-2), X.shape[-2])

    def likeness_of(self, totals: np.ndarray, n: np.ndarray | int) -> np.ndarray:
        """The same of n rows, each, whose sum is totals (..., n_dims)."""
        return self._scaled(np.einsum("...i,...i->...", totals, totals), n)

    def totals(self, X: np.ndarray, some: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """The sum of the rows of X in `some`, bool (n_rows,), of each of the nodes, none in another: (m, n_dims)."""
        from scipy.sparse import csr_matrix

        among = some[self.order_]
        before = np.append(0, np.cumsum(among))
        by_place = np.argsort(self.start_[nodes])
        bounds = np.stack([before[self.start_[nodes]], before[self.end_[nodes]]], axis=1)[by_place].ravel()
        rows = self.order_[among][: bounds[-1]]
        parts = (np.ones(len(rows), X.dtype), rows, np.append(0, bounds))  # of each node, after what lies before it
        totals = np.empty((len(nodes), X.shape[1]), X.dtype)
        totals[by_place] = csr_matrix(parts, shape=(len(bounds), len(X)))[1::2] @ X
        return totals

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of values (n_rows,) over the rows of each node: float (n_nodes,)."""
        total = np.append(0.0, np.cumsum(values[self.order_], dtype=float))
        return total[self.end_] - total[self.start_]

    def rows(self, node: int) -> np.ndarray:
        rows: np.ndarray = self.order_[self.start_[node] : self.end_[node]]
        return rows

    def parts(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Two parts of some rows (n,), two or more, the larger first: the tree's highest of which neither is small.

        What it parts from them before that, less than STRAYS of them at a time, is in neither.
        """
        rows = rows[np.argsort(self.start_[rows])]
        places, node = self.start_[rows], len(self.parent_) - 1
        best = rows[:0], rows[:0]
        n = len(self.children_) + 1
        while node >= n:
            two = self.children_[node - n]
            bounds = np.searchsorted(places, np.stack([self.start_[two], self.end_[two]], axis=1))
            large = int(np.diff(bounds, axis=1).argmax())
            larger, smaller = (rows[slice(*bounds[i])] for i in (large, 1 - large))
            if len(smaller) > len(best[1]):
                best = larger, smaller
            if len(smaller) >= STRAYS * len(rows):
                break
            node = two[large]
        return best


def _one_piece(X: np.ndarray, graph: np.ndarray) -> Any:
    """The graph, both ways, with its separate pieces strung together along the direction in which X differs most."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    joined = walk_matrix(graph) > 0
    n_pieces, piece = connected_components(joined, directed=False)
    if n_pieces == 1:
        return joined
    firsts = np.unique(piece, return_index=True)[1]
    centred = X[firsts] - X[firsts].mean(axis=0)
    axis = np.linalg.svd(centred.T @ centred)[0][:, 0]
    string = firsts[np.argsort(centred @ axis, kind="stable")]
    links = csr_matrix((np.ones(n_pieces - 1, bool), (string[:-1], string[1:])), shape=joined.shape)
    return joined + links + links.T
