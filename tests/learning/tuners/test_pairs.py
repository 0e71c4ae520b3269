import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelling.learning.tuners import make_pairs


@settings(max_examples=60, deadline=None)
@given(
    y=st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=40),
    n_negatives=st.integers(0, 4),
    n_positives=st.integers(0, 3),
    seed=st.integers(0, 9),
)
def test_pairs_of_one_label_a_row(y, n_negatives, n_positives, seed):
    left, right, similar = make_pairs(y, n_negatives, n_positives=n_positives, random_state=seed)
    labels = np.array(y, dtype=object)
    labelled = [row for row, name in enumerate(y) if name is not None]
    for i, j, same in zip(left, right, similar, strict=True):
        assert labels[i] is not None
        assert (labels[i] == labels[j]) == bool(same)
        assert i != j or y.count(y[i]) == 1
    n_others = {row: sum(name is not None and name != y[row] for name in y) for row in labelled}
    for row in labelled:
        assert ((left == row) & (similar == 1)).sum() == n_positives
        assert ((left == row) & (similar == 0)).sum() == (n_negatives if n_others[row] else 0)


def test_every_partner_comes_up_equally_often():
    y = [0, 0, 0, 0, 1, 1, 2]
    left, right, similar = make_pairs(y, 3000, n_positives=3000, random_state=0)
    first = left == 0
    assert np.bincount(right[first & (similar == 1)], minlength=7)[1:4].min() > 900
    assert np.bincount(right[first & (similar == 1)], minlength=7)[0] == 0
    assert np.bincount(right[first & (similar == 0)], minlength=7)[4:].min() > 900


def test_unknown_is_neither_yes_nor_no():
    cats = np.array([[1, np.nan], [1, 1], [0, 1], [0, np.nan], [np.nan, 0], [np.nan, np.nan]])
    left, right, similar = make_pairs(cats, 20, n_positives=20, random_state=0)
    pairs = set(zip(left.tolist(), right.tolist(), similar.tolist(), strict=True))
    assert {(i, j) for i, j, same in pairs if same} == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert {(i, j) for i, j, same in pairs if not same} == {(0, 2), (0, 3), (1, 2), (1, 3), (1, 4), (2, 4)}


def test_a_seed_makes_it_repeat_and_the_global_state_is_left_alone():
    y = np.arange(50) % 3
    before = np.random.get_state()[1].copy()  # noqa: NPY002, it must not change
    first, again, other = (make_pairs(y, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_dtypes_and_nothing_to_pair():
    left, right, similar = make_pairs([None, None])
    assert (left.dtype, right.dtype, similar.dtype) == (np.int64, np.int64, np.float32)
    assert len(left) == len(right) == len(similar) == 0
    left, right, similar = make_pairs(["a"])
    assert (left.tolist(), right.tolist(), similar.tolist()) == ([0], [0], [1])  # alone: with itself


def test_bad_counts():
    with pytest.raises(ValueError, match="n_negatives must be 0 or more, got -1"):
        make_pairs([0, 1], -1)
    with pytest.raises(ValueError, match="n_positives must be 0 or more"):
        make_pairs([0, 1], n_positives=-2)
