"""Which column holds the texts, and which the labels."""

import re
from typing import Any

import numpy as np
import pandas as pd

from labelling.readers.names import Unnamed, names_of_rows, nested
from labelling.readers.tables import SAMPLE_ROWS

SURE_NAMES = ("text", "texts", "sentence")
TEXT_NAMES = (*SURE_NAMES, "message", "utterance", "body", "content", "comment", "review",
              "tweet", "description", "question", "query", "document", "abstract", "feedback", "post",
              "title")  # fmt: skip
LABEL_NAMES = ("label", "labels", "category", "class", "intent", "topic", "target", "sentiment", "tag", "y")

# What guesses look at: 20,000 rows of a table of 10 columns, 100 of one of 2,000.
JUDGED_ROWS, JUDGED_CELLS = 20_000, 200_000

# Three letters of scripts that are written without blanks: Thai, Lao, Burmese, Khmer; Japanese, Chinese.
_UNSPACED = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003134f]{3}")
_NESTED = re.compile(r"[\[{]")


def judged(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, or rows from all over it where it is large: a guess takes no longer for more rows or columns."""
    n_rows = min(JUDGED_ROWS, max(JUDGED_CELLS // max(1, len(frame.columns)), 100))
    if len(frame) <= n_rows:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, n_rows).astype(int)]


def guess_text_column(frame: pd.DataFrame) -> str | None:
    """The column most likely to hold the texts, or None.

    One that is called so surely, whatever is in it, or the only one; else long, varied cells of words, a telling name;
    else one with a telling name alone.
    """
    frame = judged(frame)
    telling = [(column.strip().lower(), column) for column in frame.columns if _holds_words(frame[column])]
    called = dict(reversed(telling))
    for name in SURE_NAMES:
        if name in called:
            return called[name]
    if len(frame.columns) == 1 and telling:
        return str(frame.columns[0])
    scores = {}
    for name, column in telling:
        values = frame[column]
        if not isinstance(values.dtype, pd.StringDtype):
            continue
        cells = _sample(values)
        if np.mean([_is_prose(cell) for cell in cells]) < 0.5:
            continue
        length = min(float(np.mean([len(cell) for cell in cells])), 200)
        spaced = float(np.mean([" " in cell or bool(_UNSPACED.search(cell)) for cell in cells]))
        varied = len(set(cells)) / len(cells)
        if name in LABEL_NAMES and varied < 0.5:
            continue
        named = 1.5 if set(re.split(r"[\W_]+", name)) & set(TEXT_NAMES) else 1.0
        named = 2.0 if name in TEXT_NAMES else named
        scores[column] = length * (0.2 + spaced) * varied * named
    if scores:
        return max(scores, key=lambda column: scores[column])
    return next((called[name] for name in TEXT_NAMES if name in called), None)


def _sample(values: pd.Series) -> list[str]:
    """Some of the cells that are not blank."""
    # Of a million texts not one string more than are looked at.
    cells = values.dropna() if len(values) > 10 * SAMPLE_ROWS else filled(values)
    sample = (str(cell).strip() for cell in cells[:: max(1, len(cells) // SAMPLE_ROWS)])
    return [cell for cell in sample if cell]


def filled(values: pd.Series) -> list[Any]:
    """The cells that are not missing; quicker than pandas where there are many short columns."""
    return [cell for cell in values.tolist() if cell is not None and cell is not pd.NA and cell == cell]


def _holds_words(values: pd.Series) -> bool:
    """Whether it holds something, and not lists and objects alone."""
    cells = _sample(values)
    return bool(cells) and not all(_NESTED.match(cell) and nested(cell) is not None for cell in cells)


def _is_prose(cell: str) -> bool:
    """Words, as against numbers, dates, addresses, identifiers and JSON."""
    if not any(char.isalpha() for char in cell) or nested(cell) is not None:
        return False
    if len(cell.split()) > 1 or not any(char.isdigit() or char in "@/\\_=:" for char in cell):
        return True
    return bool(_UNSPACED.search(cell))


def guess_label_column(frame: pd.DataFrame, text_column: str | None) -> str | None:
    """A column with a label's name and few distinct values, or None. Only a suggestion."""
    frame = judged(frame)
    for wanted in LABEL_NAMES:
        for column in frame.columns:
            if column == text_column or column.strip().lower() != wanted:
                continue
            found = [names for names in names_of_rows(frame[column]) if names]
            if any(isinstance(names, Unnamed) or len(names) > 1 for names in found):
                continue
            # Banking77 has 77 labels and CLINC150 has 151: up to 1,000 are labels, above that an identifier.
            if 0 < len(set(found)) <= min(1_000, max(2, len(found) // 2)):
                return column
    return None
