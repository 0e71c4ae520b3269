"""The tree of heaps."""

import numpy as np
import pytest

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
    assert (tree.separation_ >= 0).all()
    assert (tree.separation_ <= 1).all()


def test_groups_that_stand_apart_are_nodes_that_stand_apart():
    X, codes, graph = groups(spread=0.1)
    tree = HeapTree().fit(X, graph)
    size = tree.end_ - tree.start_
    for code in range(6):
        node = next(
            node for node in np.flatnonzero(size == 40) if set(tree.rows(node)) == set(np.flatnonzero(codes == code))
        )
        assert tree.separation_[node] > 0.5


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
