"""The player of recordings: the figure, and the page that plays offline."""

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from labelling.learning.separation import Recording, figure, to_html
from labelling.palette import N_STYLES

NAUGHTY = "<img src=x onerror=\"caught = 1\"> </script><script>caught = 1</script> <a href='javascript:caught=1'>b</a>"


def recording(
    steps: tuple[int, ...] = (0, 2, 4),
    names: tuple[str, ...] = ("a", "b"),
    n_points: int = 6,
    held_out: float | None = 0.5,
    **values: Any,
) -> Recording:
    rng = np.random.default_rng(len(steps))
    settings = {
        "steps": np.array(steps),
        "xy": rng.normal(size=(len(steps), n_points, 2)).astype(np.float32),
        "neighbours": np.linspace(0.4, 0.9, len(steps)),
        "accuracy": np.array([np.nan, *np.linspace(0.3, 0.8, len(steps) - 1)]),
        "losses": tuple((step, 1.0 / step, held_out) for step in range(1, steps[-1] + 1)),
        "rows": np.arange(n_points),
        "codes": np.arange(n_points) % len(names),
        "names": names,
        "given": (3,) * len(names),
        "tuner": "FeedForwardTuner",
        "settings": {"hidden_dim": 10, "keep": 0.65, "steps": "auto", "random_state": 7},
        "random_state": 7,
    }
    return Recording(**{**settings, **values})


TEXTS = [f"text {row}" for row in range(60)]


def shown(trace: Any, chart: int, number: int = 0) -> bool:
    """Whether the trace is in this chart (0: map, 1: scores, 2: loss) of this recording."""
    place = 3 * number + chart
    return trace.xaxis == f"x{place + 1 if place else ''}"


def at_frame(made: go.Figure, frame: int) -> list[Any]:
    """The traces as they are once this frame was applied."""
    traces = list(go.Figure(data=made.data).data)
    for place, change in zip(made.frames[frame].traces, made.frames[frame].data, strict=True):
        traces[place].update(change.to_plotly_json())
    return traces


def test_each_frame_shows_the_points_of_its_step() -> None:
    one = recording()
    made = figure([one], TEXTS)
    assert [frame.name for frame in made.frames] == ["0", "2", "4"]
    for frame, xy in enumerate(one.xy):
        points = [trace for trace in at_frame(made, frame) if shown(trace, 0)]
        assert [trace.name for trace in points] == ["a", "b"]
        for code, trace in enumerate(points):
            np.testing.assert_array_equal(np.column_stack([trace.x, trace.y]), xy[one.codes == code])
            assert [text.split("<br>")[1] for text in trace.hovertext] == [f"text {row}" for row in range(code, 6, 2)]


def test_the_marks_go_along_the_lines() -> None:
    made = figure([recording()], TEXTS)
    marks = [
        [
            (trace.x[0], round(trace.y[0], 2), trace.text[0])
            for trace in at_frame(made, frame)
            if trace.mode == "markers+text"
        ]
        for frame in range(3)
    ]
    # Before the training there is no prediction and no loss yet: these marks wait where their lines begin.
    assert marks[0] == [(0, 0.4, "40%"), (2, 0.3, "30%"), (1, 1.0, "1.00"), (1, 0.5, "0.50")]
    assert marks[1] == [(2, 0.65, "65%"), (2, 0.3, "30%"), (2, 0.5, "0.50"), (2, 0.5, "0.50")]
    assert marks[2] == [(4, 0.9, "90%"), (4, 0.8, "80%"), (4, 0.25, "0.25"), (4, 0.5, "0.50")]


def test_a_loss_that_was_not_held_out_has_no_line() -> None:
    made = figure([recording(held_out=None)], TEXTS)
    assert [trace.name for trace in made.data if trace.mode == "lines"] == [
        "neighbours agree", "predicted rightly", "on the labels",
    ]  # fmt: skip


def test_the_axes_hold_every_frame_of_every_recording() -> None:
    pair = [recording(), recording((0, 1, 2, 3))]
    made = figure(pair, TEXTS)
    for x_axis, y_axis in ((made.layout.xaxis, made.layout.yaxis), (made.layout.xaxis4, made.layout.yaxis4)):
        for one in pair:
            assert x_axis.range[0] < one.xy[..., 0].min() < one.xy[..., 0].max() < x_axis.range[1]
            assert y_axis.range[0] < one.xy[..., 1].min() < one.xy[..., 1].max() < y_axis.range[1]
    assert not any(frame.layout.to_plotly_json() for frame in made.frames)


def test_two_recordings_go_by_step_and_the_shorter_one_waits() -> None:
    long, short = recording((0, 2, 4, 6)), recording((0, 3))
    made = figure([long, short], TEXTS)
    assert [frame.name for frame in made.frames] == ["0", "2", "3", "4", "6"]
    first = [trace for trace in at_frame(made, 2) if shown(trace, 0)]
    np.testing.assert_array_equal(first[0].x, long.xy[1][long.codes == 0][:, 0])  # at step 3 it is where it was at 2
    second = [trace for trace in at_frame(made, 4) if shown(trace, 0, number=1)]
    np.testing.assert_array_equal(second[0].x, short.xy[1][short.codes == 0][:, 0])
    assert [step.args[0][0] for step in made.layout.sliders[0].steps] == [frame.name for frame in made.frames]
    legend = [trace.name for trace in made.data if trace.showlegend is not False]
    assert len(legend) == len(set(legend))


def test_many_labels_differ_in_colour_or_shape() -> None:
    names = tuple(f"label {code:02}" for code in range(N_STYLES))
    made = figure([recording(names=names, n_points=48)], TEXTS)
    looks = {(trace.marker.color, trace.marker.symbol) for trace in made.data if shown(trace, 0)}
    assert len(looks) == N_STYLES


def test_names_and_texts_are_shortened_and_stay_text() -> None:
    made = figure([recording(names=(NAUGHTY, "x" * 100))], [NAUGHTY * 20] * 6)
    points = [trace for trace in made.data if shown(trace, 0)]
    for trace in points:
        assert "<" not in trace.name
        assert len(html.unescape(trace.name)) <= 24
        for text in trace.hovertext:
            assert set(re.findall(r"<[^>]*>", text)) == {"<b>", "</b>", "<br>"}
            assert len(html.unescape(text)) < 400
    assert points[0].name == html.escape(NAUGHTY[:23], quote=False) + "…"
    assert points[1].name == "x" * 23 + "…"


class Page(HTMLParser):
    """What a browser makes of the file: its elements, and what the scripts and the text hold."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.inside = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text += data


@pytest.fixture(scope="module")
def saved() -> Page:
    pair = [recording(names=(NAUGHTY, "b")), recording((0, 3), names=(NAUGHTY, "b"))]
    return Page(to_html(pair, [NAUGHTY] * 6, title=NAUGHTY, about={"Encoder": NAUGHTY}))


def test_the_page_holds_the_whole_figure(saved: Page) -> None:
    data = json.loads(saved.scripts[0])
    assert [frame["name"] for frame in data["frames"]] == ["0", "2", "3", "4"]
    assert data["data"][0]["hovertext"][0].startswith("<b>&lt;img")


def test_the_page_says_what_it_rests_on(saved: Page) -> None:
    for said in (
        "6 (3 for each of 2 labels)",
        "6 others",
        "Feed-forward · hidden layer 10 · keep 0.65 · seed 7 · 4 steps",
        "Seed of the split7",
        f"Encoder{NAUGHTY}",
    ):
        assert said in saved.text


def test_the_page_fetches_nothing_and_runs_its_own_two_scripts_only(saved: Page) -> None:
    tags = [tag for tag, _ in saved.tags]
    assert tags.count("script") == 3
    assert not {"img", "a", "link", "iframe"} & set(tags)
    assert not any(name in ("src", "href") or name.startswith("on") for _, attrs in saved.tags for name in attrs)
    (policy,) = [attrs["content"] or "" for tag, attrs in saved.tags if tag == "meta" and "http-equiv" in attrs]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in saved.scripts[1:]]
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in digests]
    assert saved.text.count(NAUGHTY) == 3  # the title, twice, and the encoder
