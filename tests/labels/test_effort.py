"""How much work labels took, by the log's times."""

from labelling.labels.effort import LONGEST_PAUSE, effort
from labelling.labels.label import Action


def action(seq: int, who: str, at: str, kind: str = "assign") -> Action:
    return Action(seq, kind, 0, (), 1, who, f"2026-01-01T{at}+00:00", "lasso")


def test_pauses_do_not_count_and_clocks_may_jump() -> None:
    found = effort(
        [
            action(1, "ann", "09:00:00", "import"),
            action(2, "ann", "10:00:00"),
            action(3, "bob", "10:00:30"),
            action(4, "ann", "10:01:00", "audit"),
            action(5, "ann", "10:06:01"),  # a second more than counts
            action(6, "ann", "10:05:00", "undo"),  # the clock was set back
            action(7, "ann", "10:07:00", "clear"),
        ]
    )
    assert LONGEST_PAUSE == 300
    assert list(found) == ["ann", "bob"]
    assert (found["ann"].n_gestures, found["ann"].n_checks, found["ann"].seconds) == (3, 1, 180)
    assert (found["bob"].n_gestures, found["bob"].seconds) == (1, 0)


def test_labels_that_came_with_the_file_are_nobodys_work() -> None:
    assert effort([action(1, "ann", "09:00:00", "import")]) == {}
