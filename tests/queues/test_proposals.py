"""The queue of proposals."""

import itertools
import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelling.errors import CorralError
from labelling.projections.nearest import neighbours
from labelling.queues.proposal import Proposal
from labelling.queues.proposals import ProposalError, ProposalQueue
from tests.queues.helpers import answered, groups

X, CODES, GRAPH = groups()


def queue_of(**parameters):
    return ProposalQueue(**parameters).fit(X, GRAPH)


def seen(proposals):
    return [
        (p.kind, p.rows.tolist(), None if p.labels is None else p.labels.tolist(), p.expected, p.sample.tolist(), p.why)
        for p in proposals
    ]


def test_the_first_is_a_heap_that_looks_alike():
    (proposal,) = queue_of().next(np.full(240, -1))
    assert proposal.kind == "heap"
    assert proposal.labels is None
    assert len(proposal.rows) <= 240 / 8
    assert len(set(CODES[proposal.rows])) == 1
    assert len(proposal.sample) == 10
    assert set(proposal.sample) <= set(proposal.rows)
    assert proposal.why == f"{len(proposal.rows)} texts that look alike"
    with pytest.raises(FrozenInstanceError):
        proposal.kind = "ten"


@pytest.mark.parametrize("mixed", [True, False])
def test_all_rows_are_labelled_in_far_fewer_gestures_than_tens(mixed):
    queue, y = queue_of(mixed=mixed), np.full(240, -1)
    kinds = []
    while (y < 0).any() and len(kinds) < 60:
        (proposal,) = queue.next(y)
        assert (y[proposal.rows] < 0).all()
        if not mixed and proposal.labels is not None:
            assert len(set(proposal.labels)) == 1
        kinds.append(proposal.kind)
        answered(queue, proposal, CODES, y)
    assert (y == CODES).mean() > 0.97
    assert len(kinds) <= 20
    assert {"heap"} < set(kinds)


def test_names_may_be_texts():
    names = np.array(["card", "refund", "=1+1", "überweisung", "a", "b"], dtype=object)
    y = np.where(np.arange(240) < 120, names[CODES], None)
    suggested = [p for p in queue_of().next(y, 2) if p.labels is not None]
    assert suggested
    for proposal in suggested:
        assert (proposal.labels == names[CODES[proposal.rows]]).mean() > 0.9


def test_three_that_share_no_row_and_the_first_is_what_one_would_be():
    y = np.where(np.arange(240) < 30, CODES, -1)
    three = queue_of().next(y, 3)
    rows = np.concatenate([proposal.rows for proposal in three])
    assert len(three) == 3
    assert len(set(rows)) == len(rows)
    assert seen(three[:1]) == seen(queue_of().next(y))


def chance_of(queue, n=30, inside=0.5, likeness=1.0, free=1.0):
    return float(
        queue.answers_.accepted(np.array([[1.0, np.log(n / 27), inside - 0.5, likeness - 1, np.log(free)]]))[0]
    )


def test_a_refused_heap_does_not_come_back_and_heaps_get_smaller():
    queue, nothing = queue_of(), np.full(240, -1)
    before = chance_of(queue)
    (first,) = queue.next(nothing)
    record = queue.answer(first, False)
    assert record["accepted"] is False
    assert record["rows"] == sorted(first.rows.tolist())
    for _ in range(8):
        (other,) = queue.next(nothing)
        assert len(np.intersect1d(first.rows, other.rows)) < max(0.5 * len(other.rows), 0.6 * len(first.rows))
        queue.answer(other, False)
    assert chance_of(queue) < 0.2 < before
    assert len(queue.next(nothing)[0].rows) <= 10 < len(first.rows)


def test_no_part_of_what_was_just_refused_as_mixed_comes_while_there_is_something_else():
    scattered, _, graph = groups(spread=1.2)
    queue, nothing, refused = ProposalQueue().fit(scattered, graph), np.full(240, -1), []
    for _ in range(10):
        (proposal,) = queue.next(nothing)
        assert all(len(np.intersect1d(proposal.rows, rows)) <= 0.5 * len(proposal.rows) for rows in refused)
        queue.answer(proposal, False, wrong=None)  # which are wrong is not said
        refused.append(proposal.rows)
    assert max(map(len, refused)) > 20


def test_what_looks_alike_is_split_into_its_two_groups():
    queue = queue_of()
    (first,) = queue.next(np.full(240, -1))
    other = np.flatnonzero((CODES[first.rows[0]] + 1) % (CODES.max() + 1) == CODES)
    mixed = replace(first, rows=np.concatenate([other, first.rows]))
    parts = queue.split(mixed)
    assert [len(set(CODES[part.rows])) for part in parts] == [1, 1]
    assert len(parts[0].rows) >= len(parts[1].rows) >= 0.9 * len(first.rows)
    assert {CODES[part.rows[0]] for part in parts} == {CODES[first.rows[0]], CODES[other[0]]}
    assert all(set(part.sample) <= set(part.rows) and part.labels is None for part in parts)
    assert queue.answer(parts[0], True, label="a")["accepted"]
    with pytest.raises(ProposalError, match="Only texts that look alike"):
        queue.split(replace(first, labels=np.zeros(len(first.rows))))


def test_what_became_of_heaps_says_which_are_likely_to_be_accepted():
    queue = queue_of()
    (first,) = queue.next(np.full(240, -1))
    fresh = chance_of(queue)
    assert chance_of(queue, n=60) < fresh < chance_of(queue, n=15)
    assert chance_of(queue, inside=0.4) < fresh < chance_of(queue, inside=0.9)
    assert chance_of(queue, likeness=0.8) < fresh < chance_of(queue, likeness=1.1)
    assert chance_of(queue, free=0.5) < fresh
    record = queue.answer(first, True, label="a")
    assert len(record["features"]) == 5
    assert chance_of(queue) > fresh
    old = {key: value for key, value in record.items() if key != "features"}  # of a log from before they were kept
    assert chance_of(queue_of().replay([old])) == fresh
    queue.answer(first, False)
    queue.answer(first, False)
    assert chance_of(queue) < fresh


def test_what_is_farthest_from_the_middle_of_a_heap_is_left_out_and_more_of_a_large_one():
    embeddings, _, graph = groups(n_rows=1200, n_groups=4)
    queue = ProposalQueue().fit(embeddings, graph)
    tree, left_out = queue.tree_, {}
    nothing = np.full(1200, -1)
    queue.next(nothing)
    for node in np.flatnonzero(tree.end_ - tree.start_ >= 20).tolist():
        rows = tree.rows(node)
        kept = queue._without_edge(node, np.ones(1200, bool))
        far = queue._Z[rows] @ queue._Z[rows].mean(axis=0)
        assert sorted(far)[-len(kept) :] == pytest.approx(sorted(far[np.isin(rows, kept)]))
        left_out[len(rows)] = 1 - len(kept) / len(rows)
    assert left_out[min(left_out)] <= 0.1 < 0.15 < left_out[max(left_out)] < 0.3


def test_tens_are_what_is_most_alike_and_what_they_gave_is_learnt():
    scattered = np.vstack([groups(n_dims=64)[0], np.random.RandomState(0).randn(60, 64)]).astype(np.float32)
    queue = ProposalQueue().fit(scattered, neighbours(scattered, None, 8, 0, lambda done, total: None)[0])
    nothing, few = np.full(300, -1), np.isin(np.arange(300), [*range(0, 48, 6), *range(240, 248)])
    (ten,) = queue.next(nothing, among=few)
    assert ten.kind == "ten"
    assert set(range(0, 48, 6)) < set(ten.rows.tolist())
    for _ in range(5):
        queue.answer(ten, True, label="a", wrong=ten.rows[1:])
    (again,) = queue.next(nothing, among=few)
    assert again.expected < ten.expected - 0.1


def test_refusals_are_remembered_in_another_space():
    queue, nothing = queue_of(), np.full(240, -1)
    (first,) = queue.next(nothing)
    fresh = seen(queue_of().next(nothing))
    queue.answer(first, False)
    turned = np.linalg.qr(np.random.RandomState(1).randn(16, 16))[0].astype(np.float32)
    queue.fit(X @ turned, GRAPH)
    assert seen(queue.next(nothing)) != fresh


def test_a_suggestion_that_was_said_to_be_wrong_is_not_made_again():
    y = np.where(np.arange(240) < 120, CODES, -1)
    queue = queue_of()
    (proposal,) = queue.next(y)
    assert proposal.kind == "sure"
    row = int(proposal.sample[0])
    said = dict(zip(proposal.rows, proposal.labels, strict=True))[row]
    queue.answer(proposal, True, wrong=[row])
    y[np.setdiff1d(proposal.rows, [row])] = CODES[np.setdiff1d(proposal.rows, [row])]
    for again in queue.next(y, 50):
        if again.labels is not None:
            assert dict(zip(again.rows, again.labels, strict=True)).get(row) != said


def test_what_was_read_moves_what_is_expected():
    y = np.where(np.arange(240) < 60, CODES, -1)
    before = queue_of().next(y)[0]
    queue = queue_of()
    queue.next(y)
    for _ in range(4):
        queue.answer(before, False, wrong=before.sample[:5])
    after = queue.answers_.rightness(np.array([0.5]))[0]
    assert after < queue_of().answers_.rightness(np.array([0.5]))[0] - 0.1
    good = queue_of()
    good.next(y)
    for _ in range(4):
        good.answer(before, True)
    assert good.answers_.rightness(np.array([0.5]))[0] > after + 0.2


def test_what_a_heap_turned_out_to_be_says_how_often_a_few_suggestions_are_right():
    y = np.where(np.random.default_rng(0).random(240) < 0.5, CODES, -1)
    shares = []
    for right in (True, False):
        queue = queue_of()
        queue.next(y)
        rows = np.flatnonzero((CODES == 1) & (y < 0))
        heap = Proposal("heap", rows, None, 0.9, rows[:10], "")
        record = queue.answer(heap, True, label=1 if right else "another")
        assert record["guessed"][:2] == (len(heap.sample), len(heap.sample) if right else 0)
        bulk, few = queue.answers_.rightness(np.array([0.5]))
        assert bulk == queue_of().answers_.rightness(np.array([0.5]))[0], "of many at once it says nothing"
        shares.append(float(few[0]))
        assert queue_of().replay([json.loads(json.dumps(record))]).answers_.rightness(np.array([0.5]))[1] == few
    assert shares[0] > shares[1] + 0.2
    assert queue.answer(heap, False)["guessed"] is None


def test_a_higher_aim_is_kept():
    y = np.where(np.arange(240) < 36, CODES, -1)
    for aim in (0.9, 0.98):
        for proposal in queue_of(aim=aim).next(y, 5):
            if proposal.kind in ("label", "sure"):
                assert proposal.expected >= round(aim, 3)


def test_rows_without_an_embedding_are_never_proposed():
    gaps = X.copy()
    gaps[::7] = np.nan
    graph = np.where(np.isin(GRAPH, np.arange(0, 240, 7)), -1, GRAPH)
    queue, y = ProposalQueue().fit(gaps, graph), np.full(240, -1)
    for _ in range(60):
        proposals = queue.next(y)
        if not proposals:
            break
        assert (proposals[0].rows % 7 > 0).all()
        answered(queue, proposals[0], CODES, y)
    assert (np.flatnonzero(y < 0) % 7 == 0).all()
    assert ProposalQueue().fit(np.full((3, 2), np.nan), np.full((3, 1), -1)).next([None] * 3) == []


def test_the_end():
    assert queue_of().next(CODES) == []
    last = np.where(np.arange(240) == 17, -1, CODES)
    assert [p.rows.tolist() for p in queue_of().next(last, 3)] == [[17]]
    assert [p.rows.tolist() for p in ProposalQueue().fit(X[:1], GRAPH[:1, :0]).next([-1])] == [[0]]


def test_rows_that_are_all_the_same():
    queue, y = (
        ProposalQueue().fit(np.ones((50, 4), np.float32), (np.arange(50)[:, None] + [1, 2]) % 50),
        np.full(50, -1),
    )
    for _ in range(40):
        if not (proposals := queue.next(y)):
            break
        answered(queue, proposals[0], np.zeros(50, int), y)
    assert (y == 0).all()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: ProposalQueue().next([None]), "call fit"),
        (lambda: ProposalQueue(aim=1).fit(X, GRAPH), "aim must be above 0.5 and below 1, got 1"),
        (lambda: ProposalQueue(n_read=1).fit(X, GRAPH), "n_read must be a whole number from 2"),
        (lambda: ProposalQueue().fit(X[:9], GRAPH), r"of the same rows, got \(9, 16\), \(240, 8\)"),
        (lambda: queue_of().fit(X[:9], GRAPH[:9]), "answered is of 240 rows, X is of 9"),
        (lambda: queue_of().next([None] * 9), "one label a row for 240 rows"),
        (lambda: queue_of().next(np.zeros((240, 2))), "one label a row for 240 rows"),
        (lambda: queue_of().answer(queue_of().next([-1] * 240)[0], True, wrong=[9999]), "rows that were read"),
        (
            lambda: queue_of().replay([{"by": "proposal", "version": 1, "rows": [999], "read": []}]),
            "a record is of row 999, there are 240 rows",
        ),
    ],
)
def test_bad_input(act, message):
    with pytest.raises(CorralError, match=message):
        act()


def test_records_of_others_are_passed_over():
    queue = queue_of().replay([{}, {"by": "lasso"}, {"by": "proposal", "version": 99}])
    assert seen(queue.next(np.full(240, -1))) == seen(queue_of().next(np.full(240, -1)))


def test_scattered_leftovers_are_not_called_alike_nor_counted_as_bulk():
    near, _, _ = groups(n_dims=64)
    everything = np.vstack([near, np.random.RandomState(0).randn(60, 64)]).astype(np.float32)
    queue = ProposalQueue().fit(everything, neighbours(everything, None, 8, 0, lambda done, total: None)[0])
    nothing, left = np.full(300, -1), np.arange(300) >= 240
    found = queue.next(nothing, 20, among=left)
    assert np.unique(np.concatenate([proposal.rows for proposal in found])).tolist() == list(range(240, 300))
    for proposal in found:
        assert not proposal.is_alike
        assert proposal.why == f"{len(proposal.rows)} texts that are unlike each other, to be read one by one"
    assert queue.n_in_bulk() == 0
    alike = queue.next(nothing, 3, among=~left)
    assert all(proposal.is_alike and "look alike" in proposal.why for proposal in alike)
    assert queue.n_in_bulk() >= sum(len(proposal.rows) for proposal in alike)


def test_how_much_comes_in_bulk_does_not_jump_with_one_answer():
    queue, nothing, seen = queue_of(), np.full(240, -1), []
    for _ in range(5):
        (proposal,) = queue.next(nothing)
        seen.append(queue.n_in_bulk())
        queue.answer(proposal, False, wrong=None)
    assert seen == sorted(seen, reverse=True), "what is refused comes less and less in bulk"
    assert all(after > before / 3 for before, after in itertools.pairwise(seen)), seen


def test_a_ten_that_was_called_mixed_comes_after_all_others():
    """In the tail there is no heap to propose, and the same ten came back for ever."""
    queue, nothing = queue_of(), np.full(240, -1)
    tens = []
    while len(tens) < 30:
        (proposal,) = queue.next(nothing)
        if len(proposal.rows) <= 10:
            tens.append(set(proposal.rows.tolist()))
        queue.answer(proposal, False)
    for before, after in itertools.pairwise(tens):
        assert len(before & after) <= 5
    read = [len(set.union(*tens[: n + 1])) for n in range(20)]
    assert read[-1] > 150


def test_refused_suggestions_of_which_none_is_said_to_be_wrong_come_to_be_read_all():
    y = np.where(np.arange(240) < 120, CODES, -1)
    queue = queue_of()
    (first,) = queue.next(y)
    assert first.kind == "sure"
    queue.answer(first, False, wrong=None)
    for again in queue.next(y, 30):
        if np.isin(again.rows, first.rows).any():
            assert len(again.rows) <= 10


def test_what_two_of_a_few_suggestions_were_not_leaves_them_among_the_others():
    y, rows = np.where(np.arange(240) < 120, CODES, -1), np.arange(120, 130)
    queue, wrong = queue_of(), rows[:2]
    queue.next(y)
    labels = np.where(np.isin(rows, wrong), (CODES[rows] + 1) % 6, CODES[rows])
    queue.answer(Proposal("ten", rows, labels, 0.9, rows, "", _logit=0.5), False, wrong=wrong)
    y[rows[2:]] = CODES[rows[2:]]
    (sure,) = queue.next(y)
    assert sure.kind == "sure"
    assert np.isin(wrong, sure.rows).all(), "it was said what they are not: they don't come last"
    assert (queue.suggested(wrong) == CODES[wrong]).all()


def test_after_many_suggestions_were_refused_far_fewer_come_at_once():
    y = np.where(np.arange(240) < 120, CODES, -1)
    queue = queue_of()
    (first,) = queue.next(y)
    queue.answer(first, False, wrong=first.sample[:2])
    most = queue.answers_.most_at_once(first.rows)
    assert most == 0.6 * len(first.rows)
    assert max(len(one.rows) for one in queue.next(y, 30) if one.labels is not None) <= most
    assert queue.answers_.most_at_once(first.rows[: len(first.rows) // 3]) == np.inf, "these are mostly others"
    for _ in range(10):  # answers of something else
        queue.answer(Proposal("ten", np.arange(3), None, 0.9, np.arange(3), ""), True, label="a")
    assert queue.answers_.most_at_once(first.rows) == np.inf


def test_what_a_named_heap_did_not_hold_is_not_suggested_that_name():
    queue, y = queue_of(), np.full(240, -1)
    (heap,) = queue.next(y)
    row = int(heap.sample[3])
    record = queue.answer(heap, True, label="a", wrong=[row])
    assert record["label"] == "a"
    labels = np.where(np.arange(240) % 6 == CODES[row], "a", "b").astype(object)
    labels[60:] = None
    labels[row] = None
    for proposal in queue.next(labels, 40):
        if proposal.labels is not None:
            assert dict(zip(proposal.rows, proposal.labels, strict=True)).get(row) != "a"


def test_what_was_denied_elsewhere_is_not_suggested():
    y = np.where(np.arange(240) < 120, CODES, -1)
    denied = np.arange(120, 240, 2), CODES[120::2]
    for proposal in queue_of().next(y, 60, denied=denied):
        if proposal.labels is not None:
            rows = proposal.rows % 2 == 0
            assert (proposal.labels != CODES[proposal.rows])[rows].all()
            assert (proposal.labels == CODES[proposal.rows])[~rows].mean() > 0.8
    unknown = np.array([130, 131]), np.array([77, "gone"], dtype=object)
    assert seen(queue_of().next(y, 3, denied=unknown)) == seen(queue_of().next(y, 3))


STEPS = st.lists(
    st.sampled_from(["answer", "refuse", "undo", "lasso", "check", "map", "restart"]), min_size=1, max_size=16
)
TURNED = (X @ np.linalg.qr(np.random.RandomState(1).randn(16, 16))[0]).astype(np.float32)  # another map, as like
MAPS = [(X, GRAPH), (TURNED + 0.1, GRAPH), (X[:, :12], neighbours(X[:, :12], None, 6, 0, lambda done, total: None)[0])]


def fresh(shown, seed, log):
    """A queue of the map that is shown, that knows what stands in the log, as a restart finds it."""
    queue = ProposalQueue(random_state=seed).fit(*MAPS[shown])
    return queue.replay(json.loads(json.dumps([how for how, _, _ in log if how])))


def is_read_again(queue, proposal):
    """Whether a proposal is one that was refused: half of it, and not much smaller, or all of that was read."""
    return any(
        np.isin(proposal.rows, rows).sum() >= 0.5 * len(proposal.rows) and (n <= 10 or 0.6 * n <= len(proposal.rows))
        for rows, n, _ in queue.answers_.refused
    )


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 3))
def test_any_mix_of_answers_checks_undos_and_maps_is_the_queue_of_its_log(steps, seed):
    rng = np.random.RandomState(seed)
    shown, y, denied = 0, np.full(240, -1), []
    queue, log = fresh(0, seed, []), []  # log: (record or None, labels before, what was denied before)

    def pairs():
        return np.array([row for row, _ in denied], int), np.array([label for _, label in denied], int)

    for step in steps:
        before = y.copy(), list(denied)
        if step == "undo" and log:
            _, y, denied = log.pop()
            queue.replay(how for how, _, _ in log if how)
        elif step == "lasso":
            log.append((None, *before))
            rows = rng.permutation(240)[:15]
            y[rows] = CODES[rows]
        elif step == "check" and (y >= 0).any():  # finds a label wrong, though it is right: the word of a person counts
            row = int(rng.choice(np.flatnonzero(y >= 0)))
            log.append((None, *before))
            denied.append((row, int(y[row])))
            y[row] = -1
        elif step == "map":
            shown = (shown + 1) % len(MAPS)
            queue.fit(*MAPS[shown])
        elif step == "restart":
            queue = fresh(shown, seed, log)
        elif proposals := queue.next(y, 2, denied=pairs()):
            for proposal in proposals:
                if proposal.labels is None:
                    assert proposal.kind != "heap" or not is_read_again(queue, proposal)
                    continue
                said = set(zip(proposal.rows.tolist(), proposal.labels.tolist(), strict=True))
                assert not said & set(denied)
                assert not any(label in queue.answers_.not_of.get(row, ()) for row, label in said)
            proposal = proposals[rng.randint(len(proposals))]
            if step == "answer":
                log.append((answered(queue, proposal, CODES, y), *before))
            elif step == "refuse":
                log.append((queue.answer(proposal, False), *before))
    restarted = fresh(shown, seed, log)
    assert seen(queue.next(y, 3, denied=pairs())) == seen(restarted.next(y, 3, denied=pairs()))
    assert vars(queue.answers_).keys() == vars(restarted.answers_).keys()
    for learnt in ("right", "accepted", "alike"):
        assert getattr(queue.answers_, learnt).weights.tolist() == getattr(restarted.answers_, learnt).weights.tolist()
    assert queue.answers_.put_off.tolist() == restarted.answers_.put_off.tolist()
    assert [n for _, n, _ in queue.answers_.bulks] == [n for _, n, _ in restarted.answers_.bulks]


def test_labels_from_elsewhere_tell_how_right_suggestions_are() -> None:
    """Before any answer; what came of proposals and lassos tells nothing of the others."""
    X, y, graph = groups(600, 4, spread=0.8)
    known = np.random.default_rng(0).random(len(y)) < 0.15
    labels = np.where(known, y, -1)
    told, asked = (ProposalQueue().fit(X, graph) for _ in range(2))
    first, without = told.next(labels, known=known)[0], asked.next(labels)[0]
    assert first.kind == "sure"
    assert (first.labels == y[first.rows]).mean() > 0.85
    assert told._right.mean() > asked._right.mean()
    few = np.cumsum(known) * known <= 30
    assert ProposalQueue().fit(X, graph).next(labels, known=known & few)[0].rows.tolist() == without.rows.tolist()
    # With labels that no text tells, suggestions are known to be wrong.
    rng = np.random.default_rng(1)
    shuffled = np.where(known, rng.permutation(y), -1)
    told.next(shuffled, known=known & (shuffled >= 0))
    assert told._right.mean() < 0.6
