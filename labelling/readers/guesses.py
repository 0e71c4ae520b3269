"""Which column holds the texts, and which the labels."""

import re

import numpy as np
import pandas as pd

from labelling.readers.tables import SAMPLE_ROWS

# The first three are next to certain.
TEXT_NAMES = ("text", "texts", "sentence", "message", "utterance", "body", "content", "comment", "review",
              "tweet", "description", "question", "query", "document", "abstract", "feedback", "post",
              "title")  # fmt: skip
LABEL_NAMES = ("label", "labels", "category", "class", "intent", "topic", "target", "sentiment", "tag", "y")


def guess_text_column(frame: pd.DataFrame) -> str | None:
    """The column most likely to hold the texts: long, varied cells of words, a telling name; or None."""
    scores = {}
    for column, values in frame.items():
        if not isinstance(values.dtype, pd.StringDtype):
            continue
        sample = values.iloc[:: max(1, len(values) // SAMPLE_ROWS)].dropna()
        cells = [cell for cell in sample if cell.strip()]
        if not cells or np.mean([_is_prose(cell) for cell in cells]) < 0.5:
            continue
        length = min(float(np.mean([len(cell) for cell in cells])), 200)
        spaced = float(np.mean([" " in cell.strip() for cell in cells]))
        varied = len(set(cells)) / len(cells)
        name = column.strip().lower()
        if name in LABEL_NAMES and varied < 0.5:
            continue
        if name in TEXT_NAMES:
            named = 4.0 if name in TEXT_NAMES[:3] else 2.0
        else:
            named = 1.5 if set(re.split(r"[\W_]+", name)) & set(TEXT_NAMES) else 1.0
        scores[column] = length * (0.2 + spaced) * varied * named
    return max(scores, key=lambda column: scores[column], default=None)


def _is_prose(cell: str) -> bool:
    """Words, as against numbers, dates, addresses, identifiers and JSON."""
    cell = cell.strip()
    if (cell[0] in "[{" and cell[-1] in "]}") or not any(char.isalpha() for char in cell):
        return False
    return len(cell.split()) > 1 or not any(char.isdigit() or char in "@/\\_=:" for char in cell)


def guess_label_column(frame: pd.DataFrame, text_column: str | None) -> str | None:
    """A column with a label's name and few distinct values, or None. Only a suggestion."""
    for wanted in LABEL_NAMES:
        for column in frame.columns:
            if column == text_column or column.strip().lower() != wanted:
                continue
            cells = frame[column].dropna()
            cells = cells[cells.astype("str") != ""]
            # Banking77 has 77 labels and CLINC150 has 151: up to 1,000 are labels, above that an identifier.
            if 0 < cells.nunique() <= min(1_000, max(2, len(cells) // 2)):
                return column
    return None
