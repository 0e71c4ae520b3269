"""The words that set texts apart."""

import numpy as np

from labelling.selection.keywords import MAX_TEXTS, Keywords

TEXTS = [f"the {('card', 'train', 'plant')[i % 3]} of mine number {i}" for i in range(60)] + ["", "...", "9 8 7"]


def keywords(texts: list[str]) -> Keywords:
    return Keywords(texts.__getitem__, len(texts))


def test_what_stands_out_comes_first_and_common_words_do_not() -> None:
    rows = np.arange(0, 60, 3)
    found = keywords(TEXTS).of(rows)
    assert [word.word for word in found] == ["card"]
    assert found[0].share == 1
    assert found[0].share_elsewhere == 0


def test_nothing_stands_out() -> None:
    counted = keywords(TEXTS)
    assert counted.of(np.arange(63)) == [], "all texts have no others"
    assert counted.of(np.array([60, 61, 62])) == [], "no words"
    assert counted.of(np.array([], int)) == []
    assert keywords([]).of(np.array([], int)) == []
    assert keywords(["..."] * 3).of(np.array([0])) == []


def test_many_texts_are_sampled_and_the_same_each_time() -> None:
    texts = [f"{'rare' if i % 7 == 0 else 'usual'} word" for i in range(3 * MAX_TEXTS)]
    rows = np.arange(0, len(texts), 7)
    first, second = (keywords(texts).of(rows) for _ in range(2))
    assert first == second
    assert first[0].word == "rare"
    assert first[0].share == 1


def test_long_texts_and_other_scripts() -> None:
    texts = ["Ж" * 10**6 + " слово", "привет мир", "привет всем", "другое дело", "ещё одно"]
    found = keywords(texts).of(np.array([1, 2]))
    assert found == [] or found[0].word == "привет"
