"""Which mark a label gets."""

from labelling.palette import APART, HUES, MORE, N_MARKS, ORDER, free_mark, mark


def test_marks_of_before_look_as_they_did() -> None:
    assert [mark(index)["colour"] for index in range(8)] == [*HUES[:6], *HUES[:2]]
    assert [mark(index)["shape"] for index in (0, 5, 6, 23)] == [0, 0, 1, 3]
    assert mark(24) == {"colour": MORE[0], "shape": 0}
    assert sorted(ORDER) == list(range(N_MARKS))


def test_new_labels_take_all_hues_before_another_shape() -> None:
    marks: list[int] = []
    for _ in range(N_MARKS + 2):
        marks.append(free_mark(marks))
    assert [mark(index)["colour"] for index in marks[:12]] == list(HUES)
    assert {mark(index)["shape"] for index in marks[:12]} == {0}
    assert mark(marks[12]) == {"colour": HUES[0], "shape": 1}
    assert sorted(marks[:N_MARKS]) == list(range(N_MARKS))
    assert marks[N_MARKS:] == marks[:2]


def test_a_mark_that_was_given_back_is_free_again() -> None:
    assert free_mark([0, 2, 3]) == 1


def test_labels_side_by_side_are_told_apart() -> None:
    assert all(APART[i][j] == APART[j][i] for i in range(12) for j in range(12))
    hue = HUES.index(mark(free_mark([0], near=[0]))["colour"])
    assert APART[0][hue] == max(APART[0])
    taken = [0, 1, 2]
    chosen = HUES.index(mark(free_mark(taken, near=[1, 2]))["colour"])
    free = [place for place in range(12) if place not in taken]
    assert min(APART[1][chosen], APART[2][chosen]) == max(min(APART[1][each], APART[2][each]) for each in free)
