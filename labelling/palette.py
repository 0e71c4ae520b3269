"""The colour and shape that a label has wherever it is drawn."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

# Paul Tol's "bright" scheme (SRON/EPS/TN/09-002, 2021), then six more: each in turn the colour, neither too dark for a
# dark page nor too bright for a light one, that lies farthest from all before it, by CIEDE2000, with normal vision and
# with the three kinds of colour blindness (as simulated by Machado, Oliveira & Fernandes 2009, IEEE TVCG 15).
FIRST = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")
MORE = ("#AA7DF5", "#9BC8AA", "#B98CAA", "#F51414", "#5F32F5", "#23AA8C")
HUES = FIRST + MORE
SHAPES = 4  # circle, square, triangle, diamond: a further label takes the same hue in the next shape
N_STYLES = len(HUES) * SHAPES

# How far two hues lie apart for the eye that tells them apart worst, in CIEDE2000: the rows and columns are HUES.
APART = (
    (0, 40, 14, 58, 27, 23, 21, 39, 21, 47, 18, 24),
    (40, 0, 25, 25, 48, 24, 31, 19, 18, 18, 40, 17),
    (14, 25, 0, 31, 40, 42, 53, 26, 49, 18, 36, 19),
    (58, 25, 31, 0, 46, 55, 33, 24, 20, 24, 73, 33),
    (27, 48, 40, 46, 0, 47, 21, 19, 23, 66, 43, 19),
    (23, 24, 42, 55, 47, 0, 28, 49, 24, 31, 25, 28),
    (21, 31, 53, 33, 21, 28, 0, 41, 19, 43, 23, 43),
    (39, 19, 26, 24, 19, 49, 41, 0, 27, 40, 55, 15),
    (21, 18, 49, 20, 23, 24, 19, 27, 0, 32, 34, 15),
    (47, 18, 18, 24, 66, 31, 43, 40, 32, 0, 48, 39),
    (18, 40, 36, 73, 43, 25, 23, 55, 34, 48, 0, 46),
    (24, 17, 19, 33, 19, 28, 43, 15, 15, 39, 46, 0),
)
ALIKE = 20  # hues that lie less far apart are alike: a text's point, a few pixels wide, may be taken for the other's

Style = dict[str, Any]


def style(index: int) -> Style:
    """The colour and shape of style number `index`; they repeat after N_STYLES.

    The numbers are stored with the labels: the first hues have the first ones, in all shapes, as they had before there
    were more.
    """
    hues, index = (
        (FIRST, index % N_STYLES) if index % N_STYLES < N_STYLES // 2 else (MORE, index % N_STYLES - N_STYLES // 2)
    )
    return {"colour": hues[index % len(hues)], "shape": index // len(hues)}


def _place(index: int) -> tuple[int, int]:
    """The shape and the place in HUES of a style."""
    look = style(index)
    return look["shape"], HUES.index(look["colour"])


ORDER = tuple(sorted(range(N_STYLES), key=_place))  # all hues as circles, then as squares ...


def free_style(used: Iterable[int], near: Collection[int] = ()) -> int:
    """The style for a new label where labels have those that are `used`, and its points lie beside those of `near`.

    A hue that no label has, while there is one; then of the styles whose hue is not alike to any that is `near` those
    that are used least, with the first shape. Of these the one whose hue lies farthest from all that are `near`; the
    first without any.
    """
    used = list(used)
    beside = {_place(index)[1] for index in near}

    def distance(index: int) -> int:
        return min((APART[_place(index)[1]][hue] for hue in beside), default=ALIKE)

    taken = {_place(index)[1] for index in used}
    if new := [index for index in ORDER[: len(HUES)] if _place(index)[1] not in taken]:
        return max(new, key=distance)
    enough = min(ALIKE, max(map(distance, ORDER)))  # with many labels beside it all hues are alike to one of them
    apart = [index for index in ORDER if distance(index) >= enough]
    times = Counter(index % N_STYLES for index in used)
    least = min(times[index] for index in apart)
    free = [index for index in apart if times[index] == least]
    first = style(free[0])["shape"]
    return max((index for index in free if style(index)["shape"] == first), key=distance)
