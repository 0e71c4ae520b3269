"""The tree of heaps."""

import numpy as np
import pytest

from labelling.learning.graph import walk_matrix
from labelling.queues.heap_tree import HeapTree
from tests.queues.helpers import groups


def test_each_node_is_the_rows_of_its_two_parts():
    X, _, graph = groups()
    tree = HeapTree().fit(X, graph)
    n = len(X)
    assert len(tree.parent_) == 2 * n - 1
    assert sorted(tree.rows(2 * n - 2)) == list(range(n))
    assert all(tree.rows(row).tolist() == [row] for row in range(n))
    for node in range(n, 2 * n - 1):
        parts = np.flatnonzero((tree.parent_ == node) & (np.arange(2 * n - 1) != node))
        assert len(parts) == 2
        assert sorted(np.concatenate([tree.rows(part) for part in parts])) == sorted(tree.rows(node))


def test_groups_that_stand_apart_are_nodes_that_steps_do_not_leave():
    X, codes, graph = groups(spread=0.1)
    tree = HeapTree().fit(X, graph)
    size = tree.end_ - tree.start_
    for code in range(6):
        node = next(
            node for node in np.flatnonzero(size == 40) if set(tree.rows(node)) == set(np.flatnonzero(codes == code))
        )
        assert tree.inside_[node] > 0.99


def test_likeness_is_1_of_neighbours_and_0_of_any_rows():
    X, codes, graph = groups(n_dims=64, spread=0.1)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    tree = HeapTree().fit(X, graph)
    assert tree.likeness(X[codes == 2]) == pytest.approx(1, abs=0.05)
    assert tree.likeness(X) == pytest.approx(0, abs=0.05)
    assert 0.1 < tree.likeness(X[codes < 2]) < 0.6
    assert tree.likeness(X[:1]) == 1
    same = np.ones((5, 4), np.float32) / 2
    assert HeapTree().fit(same, (np.arange(5)[:, None] + [1, 2]) % 5).likeness(same) == 1


def test_inside_is_the_share_of_steps_that_stay_in_a_node():
    X, _, graph = groups()
    graph[:5] = -1  # rows that have no neighbours of their own
    tree, steps = HeapTree().fit(X, graph), walk_matrix(graph)
    for node in (0, 239, 240, 300, 400, 470, 478):
        rows = tree.rows(node)
        assert tree.inside_[node] == pytest.approx(steps[rows][:, rows].sum() / len(rows), abs=1e-5)
    assert tree.inside_[:240].max() == 0
    assert tree.inside_.max() <= 1 + 1e-6


def test_likeness_of_nodes_and_the_sums_of_some_of_their_rows():
    X, _, graph = groups()
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    tree, some = HeapTree().fit(X, graph), np.arange(240) % 3 > 0
    for node in (250, 400, 470, 478):
        cosines = X[tree.rows(node)] @ X[tree.rows(node)].T
        mean = cosines[~np.eye(len(cosines), dtype=bool)].mean()
        assert tree.likeness_[node] == pytest.approx((mean - tree.far_) / (tree.near_ - tree.far_), abs=1e-4)
    assert (tree.likeness_[:240] == 1).all()
    count = tree.sums(some)
    nodes = np.flatnonzero((count > 0) & (count <= 9) & (count[tree.parent_] > 9))[::-1]  # none in another
    assert len(nodes) > 10
    for node, total in zip(nodes, tree.totals(X, some, nodes), strict=True):
        rows = tree.rows(node)
        assert total == pytest.approx(X[rows[some[rows]]].sum(axis=0), abs=1e-4)


def test_sums_are_over_the_rows_of_each_node():
    X, codes, graph = groups()
    tree = HeapTree().fit(X, graph)
    sums = tree.sums(codes)
    assert all(sums[node] == codes[tree.rows(node)].sum() for node in (0, 100, 300, 478))


def test_pieces_of_a_graph_are_strung_together():
    X, codes, _ = groups(n_rows=24, n_groups=3, spread=0.05)
    graph = np.array([[j for j in range(24) if codes[j] == codes[i] and j != i] for i in range(24)])
    tree = HeapTree().fit(X, graph)
    assert sorted(tree.rows(46)) == list(range(24))
    nobody = np.full((24, 2), -1)
    assert sorted(HeapTree().fit(X, nobody).rows(46)) == list(range(24))


def test_one_row_is_a_tree_and_other_rows_are_an_error():
    assert HeapTree().fit(np.ones((1, 4)), np.full((1, 0), -1)).rows(0).tolist() == [0]
    with pytest.raises(ValueError, match="of the same rows, got 3 and 2"):
        HeapTree().fit(np.ones((3, 4)), np.full((2, 1), -1))
