"""Which mark a label gets."""

from labelling.palette import ALIKE, APART, HUES, MORE, N_STYLES, ORDER, free_style, style


def test_marks_of_before_look_as_they_did() -> None:
    assert [style(index)["colour"] for index in range(8)] == [*HUES[:6], *HUES[:2]]
    assert [style(index)["shape"] for index in (0, 5, 6, 23)] == [0, 0, 1, 3]
    assert style(24) == {"colour": MORE[0], "shape": 0}
    assert sorted(ORDER) == list(range(N_STYLES))


def test_new_labels_take_all_hues_before_another_shape() -> None:
    styles: list[int] = []
    for _ in range(N_STYLES + 2):
        styles.append(free_style(styles))
    assert [style(index)["colour"] for index in styles[:12]] == list(HUES)
    assert {style(index)["shape"] for index in styles[:12]} == {0}
    assert style(styles[12]) == {"colour": HUES[0], "shape": 1}
    assert sorted(styles[:N_STYLES]) == list(range(N_STYLES))
    assert styles[N_STYLES:] == styles[:2]


def test_a_mark_that_was_given_back_is_free_again() -> None:
    assert free_style([0, 2, 3]) == 1


def test_labels_side_by_side_are_told_apart() -> None:
    assert all(APART[i][j] == APART[j][i] for i in range(12) for j in range(12))
    hue = HUES.index(style(free_style([0], near=[0]))["colour"])
    assert APART[0][hue] == max(APART[0])
    taken = [0, 1, 2]
    chosen = HUES.index(style(free_style(taken, near=[1, 2]))["colour"])
    free = [place for place in range(12) if place not in taken]
    assert min(APART[1][chosen], APART[2][chosen]) == max(min(APART[1][each], APART[2][each]) for each in free)


def test_a_hue_that_is_alike_is_left_for_another_shape() -> None:
    alike = next(place for place in range(1, 12) if APART[0][place] < ALIKE)
    used = [index for index in ORDER[:24] if style(index) != {"colour": HUES[alike], "shape": 1}]
    assert style(free_style(used)) == {"colour": HUES[alike], "shape": 1}
    chosen = style(free_style(used, near=[0]))
    assert chosen["shape"] == 2
    assert APART[0][HUES.index(chosen["colour"])] >= ALIKE
    last = [index for index in ORDER[:12] if HUES.index(style(index)["colour"]) != alike]
    assert style(free_style(last, near=[0])) == {"colour": HUES[alike], "shape": 0}, "a hue of its own comes first"
    assert free_style(ORDER, near=ORDER) in ORDER, "beside all hues one of them"
