"""What colour and shape each point of the map has, and the legend that goes with it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from labelling.labels import LabelLog
from labelling.palette import HUES, N_MARKS, Mark, mark  # noqa: F401, HUES is for the charts of the pages

# viridis, dark to bright (S. van der Walt & N. Smith, 2015): for what has an order
ORDERED = ("#440154", "#414487", "#2A788E", "#22A884", "#7AD151", "#FDE725")

QUIET: Mark = {"colour": None, "shape": 0}  # the page chooses a grey between its ink and its paper


@dataclass(frozen=True)
class Colouring:
    """`codes` uint8 (n_rows,) point into `palette`; 0 is the quiet grey. Two colourings with one `id` are equal."""

    id: str
    codes: np.ndarray
    palette: list[Mark]
    legend: list[dict[str, Any]]


def by_label(log: LabelLog) -> Colouring:
    """Colours by label; the legend counts all rows."""
    labelled = log.codes >= 0
    codes = np.where(labelled, log.codes % N_MARKS + 1, 0).astype(np.uint8)
    counts = log.counts()
    legend = [
        {"name": label.name, "count": int(counts[label.id]), "code": label.id % N_MARKS + 1}
        for label in log.labels
        if counts[label.id]
    ]
    legend.append({"name": "unlabelled", "count": int(log.n_rows - counts.sum()), "code": 0})
    palette = [QUIET, *(mark(index) for index in range(N_MARKS))]
    return Colouring(f"label-{log.project_id}-{log.seq}", codes, palette, legend)


def by_column(name: str, values: pd.Series) -> Colouring:
    """Colours by a metadata column: six equally filled steps for numbers and dates, else one mark a value."""
    ordered = _as_ordered(values)
    if ordered is not None:
        return _by_steps(name, ordered)
    texts = values.astype("string").str.strip()
    counts = texts[texts != ""].value_counts()
    top = counts.index[: N_MARKS - 1 if len(counts) > N_MARKS else N_MARKS]
    place = pd.Series(np.arange(1, len(top) + 1), index=top)
    codes = texts.map(place).fillna(0).to_numpy(np.uint8)
    legend = [{"name": value, "count": int(counts[value]), "code": code} for value, code in place.items()]
    rest = int((codes == 0).sum())
    if rest:
        n_more = len(counts) - len(top)
        legend.append({"name": f"{n_more:,} more values" if n_more else "empty", "count": rest, "code": 0})
    return Colouring(_column_id(name, codes, legend), codes, [QUIET, *map(mark, range(N_MARKS))], legend)


def _column_id(name: str, codes: np.ndarray, legend: list[dict[str, Any]]) -> str:
    # Another project may have a column of this name, with other values.
    return f"column-{name}-{hashlib.blake2b(codes.tobytes() + repr(legend).encode(), digest_size=8).hexdigest()}"


def _as_ordered(values: pd.Series) -> pd.Series | None:
    """The column as float64 or as dates where all of it is that and it has enough of them, else None."""
    texts = values.astype("string").str.strip()
    filled = values[texts.notna() & (texts != "")]
    if texts[filled.index].nunique() <= len(ORDERED):
        return None
    if isinstance(filled.dtype, pd.DatetimeTZDtype) or filled.dtype.kind == "M":
        return values  # pandas takes dates for numbers
    for convert in (lambda: _numbers(filled), lambda: pd.to_datetime(texts[filled.index], utc=True, format="ISO8601")):
        try:
            ordered = convert().reindex(values.index)
            return ordered if ordered.min() < ordered.max() else None
        except (ValueError, TypeError):
            continue
    return None


def _numbers(values: pd.Series) -> pd.Series:
    # Infinity has no place between two steps: it counts as empty.
    return pd.to_numeric(values).astype("float64").replace([np.inf, -np.inf], np.nan)


def _by_steps(name: str, values: pd.Series) -> Colouring:
    # By rank, so that equal values share a step; a value that most rows have fills several, and gets the middle one.
    codes = np.ceil(values.rank() * len(ORDERED) / values.count()).fillna(0).to_numpy(np.uint8)
    legend = [
        {
            "name": " to ".join(dict.fromkeys((_brief(step.min()), _brief(step.max())))),
            "count": len(step),
            "code": int(code),
        }
        for code, step in values.groupby(codes)
        if code
    ]
    if n_empty := int((codes == 0).sum()):
        legend.append({"name": "empty", "count": n_empty, "code": 0})
    return Colouring(
        _column_id(name, codes, legend), codes, [QUIET, *({"colour": hue, "shape": 0} for hue in ORDERED)], legend
    )


def _brief(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:,.4g}"


def columns_worth_colouring(names: Sequence[str], frame: pd.DataFrame) -> list[str]:
    """Columns that tell groups apart: more than one value, and not nearly a value a row unless they have an order."""
    worth = []
    for name in names:
        n_values = frame[name].astype("string").nunique()
        if 1 < n_values <= 0.5 * len(frame) or (n_values > 1 and _as_ordered(frame[name]) is not None):
            worth.append(name)
    return worth
