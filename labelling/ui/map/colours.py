"""What colour and shape each point of the map has, and the legend that goes with it."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from labelling.labels import LabelLog
from labelling.labels.label import NO, UNKNOWN, UNLABELLED, YES, Label
from labelling.palette import HUES, N_STYLES, ORDER, Style, style  # noqa: F401, HUES is for the charts of the pages
from labelling.selection.filters import as_numbers, is_date

# viridis, dark to bright (S. van der Walt & N. Smith, 2015): for what has an order
ORDERED = ("#440154", "#414487", "#2A788E", "#22A884", "#7AD151", "#FDE725")

N_JUDGED = 20_000

QUIET: Style = {"colour": None, "shape": 0}  # the page chooses a grey between its ink and its paper


GLYPHS = ("●", "■", "▲", "◆")  # the shapes, as the map draws them


def swatch(look: Style) -> str:
    """HTML: the colour and shape of a point."""
    colour = look["colour"] or "color-mix(in srgb, currentColor 30%, transparent)"
    return f'<span class="corral-glyph" style="color:{colour}">{GLYPHS[look["shape"]]}</span>'


@dataclass(frozen=True)
class Colouring:
    """`codes` uint8 (n_rows,) point into `palette`; 0 is the quiet grey. Where the `id` is the same, the codes are.

    An entry of the palette may be "hollow": points that are drawn as their outline alone.

    A legend entry stands for the rows whose group is its "group": `groups` int (n_rows,), the codes where it is None.
    """

    id: str
    codes: np.ndarray
    palette: list[Style]
    legend: list[dict[str, Any]]
    groups: np.ndarray | None = None

    def rows_of(self, group: int) -> np.ndarray:
        """The rows of a legend entry: int64, sorted."""
        return np.flatnonzero((self.codes if self.groups is None else self.groups) == group)

    def counted(self, placed: np.ndarray, among: np.ndarray | None = None) -> "Colouring":
        """The same with a legend that counts the rows of the mask `among` (n_rows,), None for those that are `placed`.

        An entry of which no row is `placed`, bool (n_rows,), is left out: the map never shows any.
        """
        groups = (self.codes if self.groups is None else self.groups).astype(np.intp) + 1  # -1 is a group too
        least = max((entry["group"] for entry in self.legend), default=0) + 2
        on_map = np.bincount(groups[placed], minlength=least)
        counts = on_map if among is None else np.bincount(groups[among], minlength=least)
        legend = [
            {**entry, "count": int(counts[entry["group"] + 1])}
            for entry in self.legend
            if on_map[entry["group"] + 1] or not entry["count"] or entry["group"] < 0  # unlabelled is told when it is 0
        ]
        return replace(self, legend=legend)

    def shown(self, hidden: Collection[int]) -> np.ndarray | None:
        """bool (n_rows,): the rows whose legend entry is not `hidden`; None where none is."""
        if not hidden:
            return None
        groups = self.codes if self.groups is None else self.groups
        kept = np.ones(max(int(groups.max(initial=0)), *hidden) + 2, bool)
        kept[list(hidden)] = False  # -1, for unlabelled, is the last
        return kept[groups]


HOLLOW_QUIET: Style = {**QUIET, "hollow": True}


def by_label(
    log: LabelLog, focus: Label | None = None, suggested: np.ndarray | None = None, key: str = ""
) -> Colouring:
    """Colours by label. With yes, no and unknown: of the label in `focus`.

    Rows without a label for which one is `suggested`, its id, int (n_rows,), -1 elsewhere, are hollow in its colour;
    `key` tells these suggestions from others.
    """
    if log.multi_label:
        return _by_answer(log, focus)
    styles = np.zeros(log.n_ids + 1, np.uint8)  # the last for unlabelled
    for label in log.labels:
        styles[label.id] = label.style % N_STYLES + 1
    counts = log.counts()
    legend = [
        {"name": label.name, "count": int(counts[label.id]), "code": int(styles[label.id]), "group": label.id}
        for label in log.labels
        if counts[label.id]
    ]
    palette = [QUIET, *(style(index) for index in range(N_STYLES))]
    codes, groups, name = styles[log.codes], log.codes, f"label-{log.project_id}-{log.seq}"
    n_unlabelled, rest = int(log.n_rows - counts.sum()), "unlabelled"
    if suggested is not None:
        hollow = (log.codes == UNLABELLED) & (suggested != UNLABELLED)
        codes = np.where(hollow, styles[suggested] + N_STYLES, codes).astype(np.uint8)
        groups, name = np.where(hollow, log.n_ids, groups), f"{name}-{key}"
        palette += [*({**each, "hollow": True} for each in palette[1:]), HOLLOW_QUIET]
        n_hollow = int(np.count_nonzero(hollow))
        entry = {"name": "suggested", "count": n_hollow, "code": len(palette) - 1, "group": log.n_ids}
        legend = [entry] * bool(n_hollow) + legend  # first, in sight: the labels have their chips
        n_unlabelled, rest = n_unlabelled - n_hollow, "nothing suggested"
    legend.append({"name": rest, "count": n_unlabelled, "code": 0, "group": UNLABELLED})
    return Colouring(name, codes, palette, legend, groups)


YES_STYLE: Style = {"colour": "#0072B2", "shape": 0}  # of Okabe & Ito's palette (2008), and by shape too
NO_STYLE: Style = {"colour": "#D55E00", "shape": 1}


def _by_answer(log: LabelLog, label: Label | None) -> Colouring:
    label_values = np.full(log.n_rows, UNKNOWN) if label is None else log.label_values(label.id)
    codes = np.select([label_values == YES, label_values == NO], [1, 2], 0).astype(np.uint8)
    legend = [
        {"name": name, "count": int(np.count_nonzero(label_values == answer)), "code": code, "group": answer}
        for name, answer, code in (("yes", YES, 1), ("no", NO, 2), ("unknown", UNKNOWN, 0))
    ]
    palette = [QUIET, YES_STYLE, NO_STYLE]
    name = None if label is None else label.id
    return Colouring(f"answer-{log.project_id}-{name}-{log.seq}", codes, palette, legend, label_values)


def of_row(log: LabelLog, focus: Label | None, row: int) -> str:
    """The colour of a row's label, as CSS; with yes, no and unknown of its answer for the label in `focus`."""
    if log.multi_label:
        answer = UNKNOWN if focus is None else int(log.label_values(focus.id)[row])
        return str({YES: YES_STYLE, NO: NO_STYLE}.get(answer, {"colour": "#8888"})["colour"])
    code = int(log.codes[row])
    return "#8888" if code == UNLABELLED else str(style(log.label(code).style)["colour"])


NEAREST = (25, 100, 500, 2000)  # the steps of a search by likeness: how many are at least as near
STEPS = ("#D55E00", "#E69F00", "#56B4E9", "#0072B2")  # warm to cold, of Okabe & Ito's palette (2008)


def by_found(key: str, best: np.ndarray, n_rows: int, *, ranked: str = "") -> Colouring:
    """Colours by a search: `best` are the rows that it found, best first.

    `ranked` says what the order is by, such as "nearest": the first are the warmest then.
    """
    codes = np.zeros(n_rows, np.uint8)
    legend = []
    start = 0
    # With few texts the last steps would be most of them.
    steps = [n for n in NEAREST if n <= max(NEAREST[0], n_rows // 4)] if ranked else [len(best)]
    for code, stop in enumerate(steps, 1):
        part = best[start:stop]
        codes[part] = code
        if len(part) or not ranked:
            name = f"{ranked} {stop:,}" if start == 0 else f"{start + 1:,} to {stop:,}"
            legend.append({"name": name if ranked else "found", "count": len(part), "code": code, "group": code})
        start = stop
    legend.append({"name": "others", "count": int(np.count_nonzero(codes == 0)), "code": 0, "group": 0})
    palette = [QUIET, *({"colour": hue, "shape": 0} for hue in STEPS)]
    return Colouring(_hashed(f"found-{key}", codes, legend), codes, palette, legend)


def by_density(map_id: str, xy: np.ndarray) -> Colouring:
    """Colours by how many points lie round each on the map `xy` (n_rows, 2): a smoothed histogram, in six steps."""
    from scipy.ndimage import gaussian_filter

    placed = ~np.isnan(xy[:, 0])
    low, high = (edge(xy[placed], axis=0) if placed.any() else np.zeros(2) for edge in (np.min, np.max))
    side = 256
    cells = ((xy[placed] - low) / np.where(high > low, high - low, 1) * (side - 1)).astype(np.intp)
    counts = np.zeros((side, side))
    np.add.at(counts, tuple(cells.T), 1)
    density = np.full(len(xy), np.nan)
    density[placed] = gaussian_filter(counts, 3)[tuple(cells.T)]
    steps = by_number(f"density {map_id}", density)
    names = ["sparsest", "", "", "", "", "densest"]
    for entry in steps.legend:
        if entry["code"]:
            entry["name"] = names[entry["code"] - 1] or f"step {entry['code']}"
    return steps


def by_column(name: str, values: pd.Series) -> Colouring:
    """Colours by a metadata column: six equally filled steps for numbers and dates, else one mark a value."""
    ordered = _as_ordered(values)
    if ordered is not None:
        return by_number(name, ordered, dates=is_date(values))
    texts = values.astype("string").str.strip()
    counts = texts[texts != ""].value_counts()
    top = counts.index[: N_STYLES - 1 if len(counts) > N_STYLES else N_STYLES]
    place = pd.Series(np.array(ORDER[: len(top)], int) + 1, index=top)
    codes = texts.map(place).fillna(0).to_numpy(np.uint8)
    legend = [
        {"name": value, "count": int(counts[value]), "code": code, "group": code} for value, code in place.items()
    ]
    rest = int((codes == 0).sum())
    if rest:
        n_more = len(counts) - len(top)
        name_of_rest = f"{n_more:,} more values" if n_more else "empty"
        legend.append({"name": name_of_rest, "count": rest, "code": 0, "group": 0})
    key = _hashed(f"column-{name}", codes, legend)
    return Colouring(key, codes, [QUIET, *map(style, range(N_STYLES))], legend)


def _hashed(name: str, codes: np.ndarray, legend: list[dict[str, Any]]) -> str:
    # Another project may have a column of this name, with other values.
    return f"{name}-{hashlib.blake2b(codes.tobytes() + repr(legend).encode(), digest_size=8).hexdigest()}"


def _as_ordered(values: pd.Series) -> np.ndarray | None:
    """The column as numbers (dates: seconds) where all of it is that and it has enough of them, else None."""
    numbers = as_numbers(values)
    if numbers is None or pd.Series(numbers).nunique() <= len(ORDERED):
        return None
    return numbers


def by_number(name: str, values: np.ndarray, *, dates: bool = False) -> Colouring:
    """Colours by any number per row (n_rows,), NaN for none: six equally filled steps, dark to bright.

    By rank, so that equal values share a step; a value that most rows have fills several, and gets the middle one.
    With `dates` the numbers are seconds since 1970.
    """
    numbers = pd.Series(values)
    codes = np.ceil(numbers.rank() * len(ORDERED) / max(numbers.count(), 1)).fillna(0).to_numpy(np.uint8)
    legend = [
        {
            "name": " to ".join(dict.fromkeys(_brief(edge, dates) for edge in (step.min(), step.max()))),
            "count": len(step),
            "code": int(code),
            "group": int(code),
        }
        for code, step in numbers.groupby(codes)
        if code
    ]
    if n_empty := int((codes == 0).sum()):
        legend.append({"name": "empty", "count": n_empty, "code": 0, "group": 0})
    palette = [QUIET, *({"colour": hue, "shape": 0} for hue in ORDERED)]
    return Colouring(_hashed(f"number-{name}", codes, legend), codes, palette, legend)


def _brief(value: float, date: bool) -> str:
    if date:
        return pd.Timestamp(value, unit="s").date().isoformat()
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:,.4g}"


def columns_worth_colouring(names: Sequence[str], frame: pd.DataFrame) -> list[str]:
    """Columns that tell groups apart: more than one value, and not nearly a value a row unless they have an order.

    Judged by some thousand rows where there are more.
    """
    worth = []
    if len(frame) > N_JUDGED:
        frame = frame.sample(N_JUDGED, random_state=0)
    for name in names:
        n_values = frame[name].astype("string").nunique()
        if 1 < n_values <= 0.5 * len(frame) or (n_values > 1 and _as_ordered(frame[name]) is not None):
            worth.append(name)
    return worth
