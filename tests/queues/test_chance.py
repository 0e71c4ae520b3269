"""A chance that is learnt."""

import numpy as np
import pytest

from labelling.queues.chance import MEMORY, Chance

ONE = np.array([[1.0, 0.0]])


def test_before_any_answer_it_is_the_prior():
    chance = Chance((0.0, 2.0), (1.0, 0.0))
    assert chance(np.array([[1.0, 0.0], [1.0, 1.0]])) == pytest.approx([0.5, 1 / (1 + np.exp(-2))])


def test_it_is_the_likeliest_and_weights_without_spread_stay():
    rng, chance = np.random.RandomState(0), Chance((0.0, 1.0), (1.0, 0.0))
    for _ in range(40):
        x = rng.randn()
        chance.take((1.0, x), 10, rng.binomial(10, 1 / (1 + np.exp(-(x - 1)))))

    def loss(offset):
        X, read, so = (np.array(column, float) for column in zip(*chance.answers, strict=True))
        p = 1 / (1 + np.exp(-(X @ [offset, 1.0])))
        age = MEMORY ** np.arange(40)[::-1]
        return -(age @ (so * np.log(p) + (read - so) * np.log(1 - p))) + offset**2 / 2

    offsets = np.linspace(-3, 3, 6001)
    assert chance.weights[0] == pytest.approx(offsets[np.argmin([loss(offset) for offset in offsets])], abs=2e-3)
    assert chance.weights[1] == 1


@pytest.mark.parametrize("so", [0, 10])
def test_answers_that_are_all_the_same_give_no_infinity(so):
    chance = Chance((0.0, 1.0), (2.0, 2.0))
    for _ in range(200):
        chance.take((1.0, 5.0), 10, so)
    assert np.isfinite(chance.weights).all()
    assert abs(chance(np.array([[1.0, 5.0]]))[0] - so / 10) < 0.05


def test_the_last_answers_count_most():
    first, last = Chance((0.0, 0.0), (1.0, 0.0)), Chance((0.0, 0.0), (1.0, 0.0))
    for chance, answers in ((first, [5] * 30 + [0] * 30), (last, [0] * 30 + [5] * 30)):
        for so in answers:
            chance.take((1.0, 0.0), 5, so)
    assert first(ONE) < 0.4 < 0.6 < last(ONE)
