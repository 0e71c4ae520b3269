"""Recordings as a plotly figure: maps that move, with the scores and the loss below them."""

from __future__ import annotations

import html
import re
import textwrap
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.learning.separation.recording import Recording
from labelling.palette import N_STYLES, ORDER, style

if TYPE_CHECKING:
    import plotly.graph_objects as go

SYMBOLS = ("circle", "square", "triangle-up", "diamond")  # in the order of the palette's shapes
HOVER_CHARACTERS, HOVER_WIDTH = 300, 60
NAME_CHARACTERS = 24  # of a label in the legend: longer ones would take the maps' place
FRAME_MS = 220
HEIGHT = 780
# Rows of charts, from the top: where each lies in the figure's height, and its axes' range and title.
MAP, SCORES, LOSS = range(3)
DOMAINS = ((0.4, 0.94), (0.2, 0.34), (0.0, 0.14))
GAP = 0.07  # between two recordings
# Seen on white and on black. The lines are grey, as the hues are the labels'.
FAINT, GREY, ACCENT = "rgba(128, 128, 128, 0.3)", "#8a8a8a", "#4a8fc2"
# Of the axes: a map's say nothing, they frame it.
BOX = {
    "showgrid": False,
    "zeroline": False,
    "showticklabels": False,
    "showline": True,
    "mirror": True,
    "linecolor": FAINT,
}
CHART = {"gridcolor": FAINT, "zeroline": False, "fixedrange": True, "ticks": "outside", "tickcolor": "rgba(0,0,0,0)"}

Trace = dict[str, Any]


def figure(recordings: Sequence[Recording], texts: Sequence[str]) -> go.Figure:
    """A figure with play, pause and a slider, of one recording or of several side by side.

    `texts` (n_rows,) are those that the recordings' `rows` count in; a point shows its text under the pointer. A frame
    is named by its step; a recording without a frame of that step stays at the one before.
    """
    import plotly.graph_objects as go

    traces: list[Trace] = []
    movers: list[int] = []
    for number, recording in enumerate(recordings):
        moving = _points(recording, number, texts) + _marks(recording, number)
        movers += range(len(traces), len(traces) + len(moving))
        traces += moving + _lines(recording, number)
    steps = sorted({int(step) for recording in recordings for step in recording.steps})
    frames = [
        {
            "name": str(step),
            "traces": movers,
            "data": [
                moved
                for recording in recordings
                for moved in _moved_points(recording, step) + _moved_marks(recording, step)
            ],
        }
        for step in steps
    ]
    return go.Figure(data=traces, layout=_layout(recordings, steps), frames=frames)


def describe(recording: Recording) -> list[str]:
    """The tuner and its settings, in words."""
    tuner = "-".join(re.findall("[A-Z][a-z]*", recording.tuner.removesuffix("Tuner"))).capitalize()
    words = {"hidden_dim": "hidden layer", "keep": "keep", "random_state": "seed"}
    settings = [f"{word} {recording.settings[name]}" for name, word in words.items() if name in recording.settings]
    return [tuner, *settings, f"{recording.steps[-1]} steps"]


# ---------------------------------------------------------------- the maps


def _moved_points(recording: Recording, step: int) -> list[Trace]:
    """Where the points of each label are at this step."""
    xy = recording.xy[np.searchsorted(recording.steps, step, side="right") - 1]
    points = [xy[recording.codes == code] for code in range(len(recording.names))]
    return [{"type": "scatter", "x": at[:, 0], "y": at[:, 1]} for at in points]


def _points(recording: Recording, number: int, texts: Sequence[str]) -> list[Trace]:
    size = 8 if len(recording.rows) <= 300 else 6 if len(recording.rows) <= 1000 else 4.5
    traces = []
    for code, moved in enumerate(_moved_points(recording, 0)):
        look, name = style(ORDER[code % N_STYLES]), _shown(recording.names[code])
        rows = recording.rows[recording.codes == code]
        traces.append(
            moved
            | _axes(MAP, number)
            | {
                "mode": "markers",
                "marker": {"color": look["colour"], "symbol": SYMBOLS[look["shape"]], "size": size, "opacity": 1},
                "name": name,
                "legendgroup": f"label {code}",
                "showlegend": number == 0,
                "hoverinfo": "text",
                "hovertext": [f"<b>{name}</b><br>{_wrapped(texts[row])}" for row in rows],
            }
        )
    return traces


# ---------------------------------------------------------------- the scores and the loss


@dataclass(frozen=True)
class _Line:
    chart: int
    name: str
    dash: str
    form: str
    steps: list[int]
    values: list[float]

    def at(self, step: int) -> tuple[int, float]:
        """The last point up to this step; the first one before there is any."""
        place = max(0, bisect_right(self.steps, step) - 1)
        return self.steps[place], self.values[place]


def _curves(recording: Recording) -> list[_Line]:
    """The lines of a recording, as far as there are values for them."""
    frames = [int(step) for step in recording.steps]
    reports = [step for step, *_ in recording.losses]
    lines: tuple[tuple[int, str, str, str, list[int], Any], ...] = (
        (SCORES, "neighbours agree", "solid", "{:.0%}", frames, recording.neighbours),
        (SCORES, "predicted rightly", "dot", "{:.0%}", frames, recording.accuracy),
        (LOSS, "on the labels", "solid", "{:.2f}", reports, [loss for _, loss, _ in recording.losses]),
        (LOSS, "on labels held out", "dot", "{:.2f}", reports, [loss for *_, loss in recording.losses]),
    )
    known = []
    for chart, name, dash, form, steps, values in lines:
        points = [(s, float(v)) for s, v in zip(steps, values, strict=True) if v is not None and np.isfinite(v)]
        if points:
            known.append(_Line(chart, name, dash, form, [s for s, _ in points], [v for _, v in points]))
    return known


def _moved_marks(recording: Recording, step: int) -> list[Trace]:
    """Where the mark on each line is at this step, and what it says."""
    lines = _curves(recording)
    moved = []
    for line in lines:
        x, y = line.at(step)
        above = all(y >= other.at(step)[1] for other in lines if other.chart == line.chart)
        side = "top center" if above else "bottom center"  # so that the two of a chart don't cover each other
        moved.append({"type": "scatter", "x": [x], "y": [y], "text": [line.form.format(y)], "textposition": side})
    return moved


def _marks(recording: Recording, number: int) -> list[Trace]:
    look = {
        "mode": "markers+text",
        "marker": {"color": ACCENT, "size": 9},
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }
    lines = _curves(recording)
    return [
        moved | _axes(line.chart, number) | look for moved, line in zip(_moved_marks(recording, 0), lines, strict=True)
    ]


def _lines(recording: Recording, number: int) -> list[Trace]:
    return [
        _axes(line.chart, number)
        | {
            "type": "scatter",
            "mode": "lines",
            "x": line.steps,
            "y": line.values,
            "name": line.name,
            "line": {"color": GREY, "width": 2, "dash": line.dash},
            "legend": f"legend{line.chart + 1}",
            "showlegend": number == 0,
            "hoverinfo": "x+y",
        }
        for line in _curves(recording)
    ]


# ---------------------------------------------------------------- axes and controls


def _axes(row: int, number: int) -> Trace:
    return {"xaxis": _axis("x", row, number), "yaxis": _axis("y", row, number)}


def _axis(letter: str, row: int, number: int) -> str:
    place = 3 * number + row
    return f"{letter}{place + 1 if place else ''}"


def _layout(recordings: Sequence[Recording], steps: Sequence[int]) -> dict[str, Any]:
    # The same ranges for all frames and recordings, so that what is seen one after or beside the other can be compared.
    boxes = np.stack([recording.box for recording in recordings])
    low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    margin = 0.04 * float((high - low).max()) or 1
    x_map, y_map = np.transpose([low - margin, high + margin]).tolist()
    losses = [y for recording in recordings for line in _curves(recording) if line.chart == LOSS for y in line.values]
    lowest, highest = min([0, *losses]), max([0, *losses])
    x_steps = [0, 1.05 * steps[-1] or 1]  # room for what the mark at the end says
    x_ranges = (x_map, x_steps, x_steps)
    y_ranges = (y_map, [0, 1.12], [lowest, highest + 0.15 * (highest - lowest) or 1])
    looks = (BOX, CHART | {"tickformat": ".0%"}, CHART)
    width = (1 - GAP * (len(recordings) - 1)) / len(recordings)
    axes: dict[str, Any] = {}
    headings = []
    for number, recording in enumerate(recordings):
        words = [html.escape(word, quote=False) for word in describe(recording)]
        left = number * (width + GAP)
        for row in (MAP, SCORES, LOSS):
            x, y = _axis("x", row, number), _axis("y", row, number)
            across = {"domain": [left, left + width], "range": x_ranges[row], "anchor": y, "tickformat": None}
            up = {"domain": DOMAINS[row], "range": y_ranges[row], "anchor": x, "nticks": 4}
            if number:
                up["showticklabels"] = False  # they are the first recording's
            if row == MAP:
                up["scaleanchor"] = x
            axes |= {x.replace("x", "xaxis"): looks[row] | across, y.replace("y", "yaxis"): looks[row] | up}
        headings.append(
            {
                "text": f"<b>{' · '.join(words[:2])}</b><br>{' · '.join(words[2:])}",
                "align": "left",
                "x": left,
                "y": DOMAINS[MAP][1],
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
            }
        )
    legend: dict[str, Any] = {"x": 1.01}
    top = DOMAINS[MAP][1]
    return {
        "height": HEIGHT,
        "margin": {"l": 44, "r": 10, "t": 0, "b": 140},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "dragmode": "pan",
        "annotations": headings,
        "legend": legend | {"y": top, "maxheight": top - DOMAINS[MAP][0], "itemsizing": "constant"},
        "legend2": legend | {"y": DOMAINS[SCORES][1], "title": {"text": "Scores"}},
        "legend3": legend | {"y": DOMAINS[LOSS][1], "title": {"text": "Loss"}},
        **axes,
        **_controls(steps),
    }


def _controls(steps: Sequence[int]) -> dict[str, Any]:
    motion = {
        "mode": "immediate",
        "fromcurrent": True,
        "frame": {"duration": FRAME_MS, "redraw": False},
        "transition": {"duration": FRAME_MS, "easing": "linear"},
    }
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
    button = {"method": "animate"}
    return {
        "updatemenus": [
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "bgcolor": "rgba(0,0,0,0)",
                "bordercolor": FAINT,
                "x": 0,
                "y": -0.06,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 0},
                "buttons": [
                    button | {"label": "▶ Play", "args": [None, motion]},
                    button | {"label": "❚❚ Pause", "args": [[None], at_once]},
                ],
            }
        ],
        "sliders": [
            {
                "x": 0,
                "y": -0.06,
                "pad": {"t": 8},
                "currentvalue": {"prefix": "step ", "xanchor": "right", "offset": 22},
                "bgcolor": ACCENT,
                "activebgcolor": ACCENT,
                "borderwidth": 0,
                "tickcolor": GREY,
                "steps": [
                    button | {"label": str(step) if step else "0 (before)", "args": [[str(step)], at_once]}
                    for step in steps
                ],
            }
        ],
    }


# ---------------------------------------------------------------- texts and names


def _shown(name: str) -> str:
    """A name as plotly shows it: shortened, its markup harmless."""
    return html.escape(name if len(name) <= NAME_CHARACTERS else name[: NAME_CHARACTERS - 1] + "…", quote=False)


def _wrapped(text: str) -> str:
    text = " ".join(text.split())
    cut = text if len(text) <= HOVER_CHARACTERS else text[:HOVER_CHARACTERS].rstrip() + " …"
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(cut, HOVER_WIDTH))
