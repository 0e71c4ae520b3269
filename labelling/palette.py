"""The colour and shape that a label has wherever it is drawn."""

from typing import Any

# Paul Tol's "bright" scheme, told apart with any colour vision, on light and on dark (SRON/EPS/TN/09-002, 2021).
HUES = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")
SHAPES = 4  # circle, square, triangle, diamond: a further label takes the same hue in the next shape
N_MARKS = len(HUES) * SHAPES

Mark = dict[str, Any]


def mark(index: int) -> Mark:
    """The colour and shape of label number `index`; they repeat after N_MARKS."""
    return {"colour": HUES[index % len(HUES)], "shape": index // len(HUES) % SHAPES}
