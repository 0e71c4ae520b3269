"""Labels that the labels round them contradict."""

import numpy as np
import pytest

from labelling.queues.contradicted import contradicted, review
from labelling.queues.review import Records
from tests.queues.helpers import groups

# Six texts, each the neighbour of the five others, the nearest first.
GRAPH = np.array([[j for j in range(6) if j != i] for i in range(6)], np.int32)


def test_the_neighbours_have_a_say_those_of_the_same_action_by_half() -> None:
    codes, actions = np.array([0, 0, 0, 1, 0, 0]), np.array([1, 1, 2, 3, 4, 4])
    scores = contradicted(codes, actions, GRAPH)
    assert scores.dtype == np.float32
    assert scores[3] == pytest.approx(5 / 6)  # all five say otherwise, one more is held against them
    assert scores[0] == pytest.approx(1 / 5.5)  # of 2, 3, 4 and 5 one; 1 is of the same action
    assert scores[2] == pytest.approx(1 / 6)


def test_texts_of_one_lasso_hardly_vouch_for_each_other() -> None:
    codes, actions = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 1, 2, 2, 3])
    expected = [3 / 5, 3 / 5, 3 / 5, 3 / 5.5, 3 / 5.5, 3 / 6]
    assert contradicted(codes, actions, GRAPH).tolist() == pytest.approx(expected)


def test_few_say_little_and_none_nothing() -> None:
    codes, actions = np.array([0, 1, -1, -1, -1, -1]), np.array([1, 2, 0, 0, 0, 0])
    assert contradicted(codes, actions, GRAPH)[:2].tolist() == [0.5, 0.5]
    assert np.isnan(contradicted(codes, np.ones(6, int), GRAPH)).all(), "all of one action, as labels of a file"
    lonely = np.full((6, 5), -1, np.int32)
    assert np.isnan(contradicted(np.zeros(6, int), np.arange(6), lonely)).all()
    with pytest.raises(ValueError, match="6, 6 and 5 rows"):
        contradicted(np.zeros(6, int), np.arange(6), GRAPH[:5])


@pytest.mark.parametrize("size", [3, 10, 15])
def test_a_wrong_lasso_leads_the_queue(size: int) -> None:
    X, right, graph = groups()
    rng = np.random.default_rng(size)
    codes, actions = right.copy(), 1 + 3 * right + rng.integers(0, 3, len(right))  # each group in three lassos
    wrong = np.flatnonzero(right == 0)[:size]
    codes[wrong], actions[wrong] = 1, 99
    names = {code: f"label {code}" for code in range(right.max() + 1)}
    found = review(Records(codes, actions, names, str, X, graph, np.zeros(graph.shape)))
    order = np.argsort(-np.nan_to_num(found.scores, nan=-1), kind="stable")
    assert np.isin(order[:size], wrong).all()
    assert found.n <= size + 2, "of what is right next to nothing is called doubtful"
    assert "label 0" in found.why(int(wrong[0]))
