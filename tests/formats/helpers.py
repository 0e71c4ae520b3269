"""Records that are hard to write, for tests of the formats of other tools."""

from typing import Any

import numpy as np
import pandas as pd

from labelling.formats.records import ORIGINS, Records, metadata_of
from labelling.readers import guess_label_value_columns, read_label_values

TEXTS = ["my card was  stolen ", 'Ünïcode, "quotes"\nand\r\na second line', "=SUM(A1)", " hello\tthere 😀\u2028x",
         "don't  ,  x\x0b", "where is it"]  # fmt: skip
NAMES = ('"card": x', "refund", "wörld & <b>", "=z")
ONE = [0, 0, 1, -1, 2, 3]
SEVERAL = [[1, 0, -1, -1], [1, 1, 0, 0], [-1, -1, -1, 1], [-1, -1, -1, -1], [0, -1, -1, -1], [0, 0, 1, -1]]


def records(*, multi_label: bool = False, names: tuple[str, ...] = NAMES, texts: list[str] = TEXTS,
            codes: list | None = None, metadata: dict[str, Any] | None = None) -> Records:  # fmt: skip
    codes = (SEVERAL if multi_label else ONE) if codes is None else codes
    n = len(texts)
    frame = pd.DataFrame(metadata or {"channel": ["mail", None, *["=chat"] * (n - 2)], "N (%)": range(n)})
    given = (["ann"] * n, ["2025-01-31T09:30:00Z"] * n, ["lasso"] * n, [0.05, *[None] * (n - 1)],
             [names[0] if names else None, *[None] * (n - 1)], [0.98, *[None] * (n - 1)], ["corral:T"] * n)  # fmt: skip
    origins = dict(zip(ORIGINS, given, strict=True))
    shape = (n, len(names)) if multi_label else (n,)
    return Records(
        "a: b", names, multi_label, np.arange(n), texts, metadata_of(frame), np.reshape(codes, shape), origins
    )


def known(frame: pd.DataFrame) -> list[dict[str, float]]:
    """What a project of yes, no and unknown would take of a file, as the page preselects it."""
    columns = guess_label_value_columns(frame)
    found = read_label_values(frame, columns or ["label"])
    return [{name: value for name, value in row.items() if value == value} for row in found.to_dict("records")]
