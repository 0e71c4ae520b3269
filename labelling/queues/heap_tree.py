"""A tree of heaps: texts that look alike, heaps within heaps."""

from typing import Any, Self

import numpy as np

from labelling.learning.graph import walk_matrix


class HeapTree:
    """A Ward tree of embeddings (Ward 1963) in which only neighbours in the graph are joined.

    Node i < n_rows is row i; the others are heaps of two nodes before them, the last is all rows.

    Attributes
    ----------
    order_ : int64 (n_rows,), the rows so that each node's stand together: those of node i are
        `order_[start_[i]:end_[i]]`.
    start_, end_ : int64 (n_nodes,).
    parent_ : int64 (n_nodes,), of the last node itself.
    separation_ : float (n_nodes,), 0 to 1: how much tighter a node is than its parent, 1 - h(node) / h(parent), where h
        is the distance at which a node's two parts were joined.
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
        self.near_ = float(np.einsum("ij,ij->i", X, walk_matrix(graph) @ X).mean())
        children, heights = np.empty((0, 2), np.int64), np.empty(0)
        if n > 1:
            children, _, _, _, heights = ward_tree(X, connectivity=_one_piece(X, graph), return_distance=True)
        size, height = np.ones(2 * n - 1, np.int64), np.zeros(2 * n - 1)
        self.parent_ = np.full(2 * n - 1, 2 * n - 2)
        for node, (a, b) in enumerate(children, n):
            size[node] = size[a] + size[b]
            height[node] = max(
                heights[node - n], height[a], height[b]
            )  # with a graph a join may be tighter than its parts
            self.parent_[a] = self.parent_[b] = node
        self.start_ = np.zeros(2 * n - 1, np.int64)
        for node in range(2 * n - 2, n - 1, -1):
            a, b = children[node - n]
            self.start_[a], self.start_[b] = self.start_[node], self.start_[node] + size[a]
        self.end_ = self.start_ + size
        self.order_ = np.argsort(self.start_[:n])
        above = height[self.parent_]
        self.separation_ = np.where(above > 0, 1 - height / np.where(above > 0, above, 1), 0)
        return self

    def likeness(self, X: np.ndarray) -> float:
        """How alike some rows (n, n_dims) of those fitted are: 1 as neighbours in the graph are, 0 as any two rows.

        By the mean cosine of all pairs; 1 of a single row, and where all are neighbours.
        """
        n, total = len(X), X.sum(axis=0)
        if n < 2 or self.near_ <= self.far_:
            return 1.0
        return float(((total @ total - n) / (n * (n - 1)) - self.far_) / (self.near_ - self.far_))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of values (n_rows,) over the rows of each node: float (n_nodes,)."""
        total = np.append(0.0, np.cumsum(values[self.order_], dtype=float))
        return total[self.end_] - total[self.start_]

    def rows(self, node: int) -> np.ndarray:
        rows: np.ndarray = self.order_[self.start_[node] : self.end_[node]]
        return rows


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
