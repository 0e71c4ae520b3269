"""Queues of texts to read again: what stands in them, in which order, and why."""

from dataclasses import replace

import numpy as np
import pytest

from labelling.queues.outlying import middles
from labelling.queues.registry import REVIEWS
from labelling.queues.review import Records, ReviewError
from tests.queues.helpers import groups

X, CODES, GRAPH = groups()
N = len(X)
DISTANCES = np.take_along_axis(np.linalg.norm(X[:, None] - X, axis=2), GRAPH, axis=1)
NAMES = {code: f"label {code}" for code in range(CODES.max() + 1)}


def records(codes: np.ndarray = CODES, actions: np.ndarray | None = None) -> Records:
    actions = np.arange(N) % 7 + 1 if actions is None else actions
    return Records(codes, actions, NAMES, lambda row: f"text {row}", X, GRAPH, DISTANCES)


def queue(name: str, of: Records) -> list[int]:
    scores = REVIEWS[name].make(of).scores
    assert (scores.shape, scores.dtype) == ((N,), np.float32)
    return np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")[
        : np.count_nonzero(~np.isnan(scores))
    ].tolist()


@pytest.mark.parametrize("name", ["contradicted", "outlying"])
def test_a_wrong_label_among_right_ones_comes_first_and_says_why(name: str) -> None:
    assert queue(name, records()) == []
    codes = CODES.copy()
    codes[10] = (CODES[10] + 1) % 3
    assert queue(name, records(codes))[0] == 10
    why = REVIEWS[name].make(records(codes)).why(10)
    assert f"label {CODES[10]}" in why


@pytest.mark.parametrize("name", ["contradicted", "outlying"])
def test_texts_of_one_action_do_not_vouch_for_each_other(name: str) -> None:
    """What was labelled wrong by one lasso, where the rest of the group is right: all of it is found."""
    codes, actions = CODES.copy(), np.arange(N) % 7 + 1
    wrong = np.flatnonzero(CODES == 0)[:8]
    codes[wrong], actions[wrong] = 1, 99
    assert set(queue(name, records(codes, actions))[:8]) == set(wrong.tolist())


def test_labels_of_a_single_action_are_no_outliers() -> None:
    """All came with a file: there is nothing to hold them against."""
    codes = CODES.copy()
    codes[10] = (CODES[10] + 1) % 3
    assert queue("outlying", records(codes, np.ones(N, int))) == []
    assert queue("outlying", records(np.where(CODES == 0, 0, -1))) == [], "one label"


def test_near_copies_are_groups_the_largest_first() -> None:
    embeddings = np.eye(N, 64 + N)  # far from each other
    for copy, of in ((20, 10), (30, 10), (41, 40)):
        embeddings[copy] = embeddings[of] + 0.05 * np.eye(1, 64 + N, 64 + copy % 64)
    distance = np.linalg.norm(embeddings[:, None] - embeddings, axis=2)
    graph = np.argsort(distance, axis=1)[:, 1:6]
    codes = np.full(N, -1)
    found = replace(
        records(codes),
        embeddings=3 * embeddings,
        graph=graph,
        distances=3 * np.take_along_axis(distance, graph, axis=1),
    )
    assert queue("near-copies", found) == [10, 20, 30, 40, 41]
    codes[10] = 1
    assert queue("near-copies", found) == [20, 30, 40, 41]
    assert REVIEWS["near-copies"].make(found).why(20) == "one of 3 near-copies, labelled label 1"
    assert REVIEWS["near-copies"].make(found).why(41) == "one of 2 near-copies"
    assert queue("differing-copies", found) == []
    codes[[20, 30]], codes[[40, 41]] = (2, 1), 0
    assert sorted(queue("differing-copies", found)) == [10, 20, 30]
    assert REVIEWS["differing-copies"].make(found).why(10) == "near-copies of it are labelled label 1, label 2"


def test_least_sure_and_random() -> None:
    codes = np.where(np.arange(N) < 100, CODES, -1)
    probability = np.linspace(1, 0, N)
    assert queue("least-sure", replace(records(codes), probability=probability))[:3] == [N - 1, N - 2, N - 3]
    group = CODES[N - 1]
    between = X.copy()
    between[N - 2] = middles(codes, X)[1][:2].sum(axis=0)
    why = REVIEWS["least-sure"].make(replace(records(codes), embeddings=between, probability=probability)).why
    assert why(N - 1).startswith(f"nearest to label {group}, then label ")
    assert why(N - 2) in ("between label 0 and label 1", "between label 1 and label 0")
    alone = replace(records(np.where(codes == group, group, -1)), probability=probability)
    assert REVIEWS["least-sure"].make(alone).why(N - 1) == f"nearest to label {group}"
    drawn = queue("random", records(codes))
    assert sorted(drawn) == list(range(100))
    assert drawn != sorted(drawn)
    assert drawn == queue("random", records(codes)), "the same each time"


def test_what_is_missing_is_said() -> None:
    bare = replace(records(), graph=None, distances=None, embeddings=None)
    for name in ("contradicted", "differing-copies", "near-copies"):
        with pytest.raises(ReviewError, match="clear map"):
            REVIEWS[name].make(bare)
    with pytest.raises(ReviewError, match="being embedded"):
        REVIEWS["outlying"].make(bare)
    with pytest.raises(ReviewError, match="No model"):
        REVIEWS["least-sure"].make(bare)


def test_nothing_labelled_is_nothing_to_read() -> None:
    for name in ("contradicted", "outlying", "differing-copies", "random"):
        assert queue(name, records(np.full(N, -1), np.zeros(N, int))) == []


def test_people_who_differ_the_most_evenly_split_first() -> None:
    said = {3: {"ann": "x", "bob": "y", "cid": "y"}, 7: {"ann": "x", "": "y"}, 9: {"ann": "x", "bob": "y", "cid": "z"}}
    nothing = np.full(10, -1)
    review = REVIEWS["disagreements"].make(Records(nothing, nothing, {}, str, said=said))
    assert np.argsort(-np.nan_to_num(review.scores, nan=-1), kind="stable")[:3].tolist() == [9, 7, 3]
    assert review.n == 3
    assert review.why(3) == "ann: x; bob, cid: y"
    assert review.why(7) == "ann: x; somebody: y"
    assert REVIEWS["disagreements"].make(Records(nothing, nothing, {}, str)).n == 0
