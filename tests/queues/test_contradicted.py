"""Labels that the labels round them contradict."""

import numpy as np
import pytest

from labelling.queues.contradicted import contradicted

# Six texts, each the neighbour of the five others, the nearest first.
GRAPH = np.array([[j for j in range(6) if j != i] for i in range(6)], np.int32)


def test_the_neighbours_of_other_actions_have_a_say() -> None:
    codes, actions = np.array([0, 0, 0, 1, 0, 0]), np.array([1, 1, 2, 3, 4, 4])
    scores = contradicted(codes, actions, GRAPH)
    assert scores.dtype == np.float32
    assert scores[3] == 1  # all five say otherwise
    assert scores[0] == 1 / 4  # of 2, 3, 4 and 5 one; 1 is of the same action
    assert scores[2] == pytest.approx(1 / 5)


def test_texts_of_one_lasso_do_not_vouch_for_each_other() -> None:
    codes, actions = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 1, 2, 2, 3])
    assert contradicted(codes, actions, GRAPH).tolist() == [1, 1, 1, 0.75, 0.75, pytest.approx(0.6)]


def test_too_few_have_no_say() -> None:
    codes, actions = np.array([0, 1, 1, -1, -1, -1]), np.array([1, 2, 3, 0, 0, 0])
    assert np.isnan(contradicted(codes, actions, GRAPH)).all()  # two votes at most
    lonely = np.full((6, 5), -1, np.int32)
    assert np.isnan(contradicted(np.zeros(6, int), np.arange(6), lonely)).all()
    with pytest.raises(ValueError, match="6, 6 and 5 rows"):
        contradicted(np.zeros(6, int), np.arange(6), GRAPH[:5])
