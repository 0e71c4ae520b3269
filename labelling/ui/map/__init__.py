"""The map component: Python's side. See map.js and receive.js for the browser's side.

Several mounts make one map, so that only what changed travels: the positions once a map, a byte of colour a point after
a labelling, a bit a point after a lasso or a filter. Back comes the polygon, never the points. plotly.js comes by HTTP.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from labelling.dataset import Dataset
from labelling.labels.label import Label
from labelling.palette import style
from labelling.selection.regions import Region
from labelling.ui.frame import assets, faults, keys, page, state
from labelling.ui.frame.markdown import cut
from labelling.ui.frame.steps import attempt, step
from labelling.ui.map.colours import Colouring
from labelling.workspace.spaces import OWN_MAP

HERE = Path(__file__).parent
MAP_NAMES = {
    "PCA": "Quick map",
    "UMAP": "Clear map",
    OWN_MAP: "Own map",
}  # what the projections are called on the pages
LABEL_MAP = "map"  # the key of the label page's map
# One module, in this order; none imports another.
SCRIPTS = (
    *("page.js", "view.js", "points.js", "marks.js", "colours.js", "webgl.js", "pixels.js"),
    *("outline.js", "travel.js", "regions.js", "legend.js", "chips.js", "names.js", "texts.js", "inside.js"),
    *("hover.js", "events.js", "pin.js", "gestures.js", "strokes.js", "answers.js", "ahead.js", "shortcuts.js"),
    *("wheel.js", "chart.js", "map.js", "receive.js"),
)
HOVER_CHARACTERS = 400  # what can be read at a glance; the whole text stands in the sample


@dataclass(frozen=True)
class Drawn:
    """What the person drew: kind is "lasso" or "box"."""

    kind: str
    points: list[list[float]]
    how: str
    map_id: str


@dataclass(frozen=True)
class Pressed:
    """What a key on some texts beside the map is for: "out", "label" with its id, "name", "clear", "yes" or "no"."""

    what: str
    rows: list[int]
    label: int | None = None
    name: str = ""


@dataclass(frozen=True)
class Handlers:
    """What the label page does when something was done on the map; each is called before the page runs again.

    `drawn` gets a lasso or box, `legend` an entry's group and "new", "add" or "toggle", `chip` a label's id (-1 for
    unlabelled) and the same, `picked` a row, None where it is unpinned, `region` the place of a region among those that
    were sent, and "new" or "add", `texts` a key on some of the texts beside the map, `word` one of the words that set
    the selection apart, `answer` what was asked beside the map (its data-corral-asked) and what answers it: a
    key, "label" or "name".
    """

    drawn: Callable[[Drawn], None]
    legend: Callable[[int, str], None]
    chip: Callable[[int, str], None]
    picked: Callable[[int | None], None]
    region: Callable[[int, str], None]
    texts: Callable[[Pressed], None]
    word: Callable[[str], None]
    answer: Callable[[str, Pressed], None]


class _Handled(dict[str, Any]):
    """Of each map, what was done on it last."""


@cache
def _components() -> tuple[Callable[..., Any], ...]:
    component = st.components.v2.component

    def read(*names: str) -> str:
        return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)

    # A component's script travels with each of its messages: the long ones have a mount each that never changes.
    return (
        component("corral_plotly", js=read("plotly.js")),
        component("corral_script", js=read(*SCRIPTS), css=read("map.css"), isolate_styles=False),
        component("corral_map", js=read("mount.js"), isolate_styles=False),
        component("corral_keys", js=read("keys.js"), isolate_styles=False),
    )


def load_plotly() -> None:
    """Let the page load plotly.js: once a page run, outside every fragment."""
    with st.container(key="corral-wires-plotly"):
        _components()[0](key="corral-plotly", data={"plotly": assets.plotly_address()})


def load_keys() -> None:
    """Keep keys out of the controls that were used, see keys.js; a page with a map has it already."""
    with st.container(key="corral-wires-keys"):
        _components()[3](key="corral-keys")


def load_map() -> None:
    """Send the map's script, the keys' and plotly.js; as `load_plotly`."""
    with st.container(key="corral-wires-script"):
        _components()[1](key="corral-script")
    load_keys()
    load_plotly()


def _mount(**options: Any) -> None:
    _components()[2](**options)


def _wire(map_key: str, channel: str, id_: str, content: bytes) -> None:
    head = json.dumps({"map": map_key, "channel": channel, "id": id_}).encode()
    _mount(key=f"{map_key}-{channel}", data=head + b"\n" + content)


def send_positions(key: str, map_id: str, xy: np.ndarray) -> None:
    """Send the positions of map `map_id`: float32 (n_rows, 2), NaN for rows that have none.

    Where the page has fragments, outside of them: a lasso then doesn't even compare them with what was sent before.
    """
    with st.container(key=f"corral-wires-{key}-positions"):
        _wire(key, "positions", map_id, np.ascontiguousarray(xy, "<f4").tobytes())


def send_selection(key: str, n_rows: int, selection: np.ndarray) -> None:
    """Send which points are selected, a bit each. First of all in a fragment: a lasso's answer is waited for."""
    selected = b""
    if len(selection):
        mask = np.zeros(n_rows, bool)
        mask[selection] = True
        selected = np.packbits(mask).tobytes()
    with st.container(key=f"corral-wires-{key}-selection"):
        _wire(key, "selection", "", selected)


def show_map(
    key: str,
    map_id: str,
    colouring: Colouring,
    *,
    labels_seq: int,
    visible: np.ndarray | None = None,
    hidden_groups: Collection[int] = (),
    labels: np.ndarray | None = None,
    chips: bool = False,
    outlined: bool = False,
    pinned: int | None = None,
    spoken: str = "",
    height: str = "560px",
    handlers: Handlers | None = None,
) -> None:
    """Draw the map whose positions, and selection, were sent.

    `map_id` begins with the positions' and names what is `visible` of them, bool (n_rows,), None for all: what is drawn
    comes back with it. `labels_seq` is the number of the last action: a label that was shown in a hover before it may
    have changed. `outlined` keeps the lassos on show that were drawn. `hidden_groups` are the legend's entries that are
    switched off. `labels` are the rows' labels, int (n_rows,), -1 for none, which chips beside the map light up; with
    `chips` the colours are those of the labels, and the chips stand for the legend. What is `spoken` a screen reader
    says when it changes. `height` is CSS. Without `handlers` the map is for looking only.
    """
    with st.container(key=f"corral-wires-{key}"):
        _wire(key, "colours", colouring.id, colouring.codes.astype(np.uint8, copy=False).tobytes())
        _wire(key, "labels", colouring.id, _labels_to_send(colouring, labels, chips=chips))
        hidden = b"" if visible is None else np.packbits(~visible).tobytes()
        _wire(key, "hidden", map_id, hidden)

    def on(name: str) -> Callable[[], None]:
        def handle() -> None:
            value = st.session_state[key].get(name)
            handled = state.of_tab(_Handled)
            # While the server was busy what came before it may have been lost on the way: it brings that along.
            for one in [*value.get("before", []), {**value, "name": name}] if value else []:
                if handlers and one["name"] in acts and _is_after(one["id"], handled.get(key)):
                    handled[key] = one["id"]  # each is done once, however often it comes
                    attempt(partial(acts[one["name"]], handlers, one))  # one that can't be done ends no other

        return step(handle)

    def drawn(handlers: Handlers, value: dict[str, Any]) -> None:
        points = [[float(x), float(y)] for x, y in zip(value.get("x", []), value.get("y", []), strict=True)]
        handlers.drawn(Drawn(str(value["kind"]), points, str(value["how"]), str(value["map"])))

    def pressed(what: str, value: dict[str, Any]) -> Pressed:
        label, rows = value.get("label"), [int(row) for row in value.get("rows", [])]
        return Pressed(what, rows, None if label is None else int(label), str(value.get("called", "")))

    def picked(handlers: Handlers, value: dict[str, Any]) -> None:
        handlers.picked(None if value["row"] is None else int(value["row"]))

    acts: dict[str, Callable[[Handlers, dict[str, Any]], None]] = {
        "drawn": drawn,
        "legend": lambda handlers, value: handlers.legend(int(value["group"]), str(value["what"])),
        "chip": lambda handlers, value: handlers.chip(int(value["label"]), str(value["what"])),
        "region": lambda handlers, value: handlers.region(int(value["place"]), str(value["what"])),
        "picked": picked,
        "texts": lambda handlers, value: handlers.texts(pressed(str(value["what"]), value)),
        "word": lambda handlers, value: handlers.word(str(value["word"])),
        "answer": lambda handlers, value: handlers.answer(str(value["of"]), pressed(str(value["key"]), value)),
    }
    _mount(
        key=key,
        data={
            "map": key,
            "height": height,
            "interactive": handlers is not None,
            "shown": None if visible is None else int(np.count_nonzero(visible)),
            "legend": [{**entry, "hidden": entry["group"] in hidden_groups} for entry in colouring.legend],
            "chips": chips,
            "palette": colouring.palette,
            "seq": labels_seq,
            "outlined": outlined,
            "pinned": pinned,
            "spoken": spoken,
            "answered": state.of_tab(_Handled).get(key),
        },
        **{f"on_{name}_change": on(name) for name in acts},
    )


def _is_after(event: str, handled: str | None) -> bool:
    """Whether an event is later than the one that was handled last: of the same page its number is higher."""
    page_, number = event.split()
    if handled is None or handled.split()[0] != page_:
        return True
    return int(number) > int(handled.split()[1])


def _labels_to_send(colouring: Colouring, labels: np.ndarray | None, *, chips: bool) -> bytes:
    """The rows' labels, plus one, two bytes each; nothing where the colours tell them as well."""
    told = len({entry["code"] for entry in colouring.legend}) == len(colouring.legend)
    if labels is None or (chips and told):
        return b""
    return (labels + 1).astype("<u2").tobytes()


def send_regions(key: str, map_id: str, regions: Sequence[Region]) -> None:
    """Send the names of the regions of map `map_id`, whose positions were sent."""
    told = [{"name": r.name, "x": r.x, "y": r.y, "level": r.level, "rows": len(r.rows)} for r in regions]
    with st.container(key=f"corral-wires-{key}-words"):
        _mount(key=f"{key}-words", data={"words": key, "id": map_id, "regions": told})


def send_labels(key: str, labels: Sequence[Label], *, multi_label: bool, digits_are_taken: bool = False) -> None:
    """Send the labels, in the order in which they are offered, for the box for a name and the keys on map `key`."""
    told = [
        {
            "id": label.id,
            "name": label.name,
            "key": None if digits_are_taken else label.key,
            "code": keys.code_of(label, digits_are_taken=digits_are_taken),
            **style(label.style),
        }
        for label in labels
    ]
    with st.container(key=f"corral-wires-{key}-names"):
        _mount(key=f"{key}-names", data={"names": key, "labels": told, "multiLabel": multi_label})


def is_drawn_on(key: str) -> bool:
    """Whether a lasso or a box has just come from this map, in a callback: perhaps it has not been taken in yet."""
    return bool(st.session_state.get(key, {}).get("drawn"))


@st.fragment
@faults.guarded
def answer_hovers(key: str, dataset: Dataset, colouring: Colouring, name_of: Callable[[int], str | None]) -> None:
    """Send the text and label of the point under the pointer: no text leaves before it is asked for."""
    page.check_open()
    hover_key = f"{key}-hover"
    asked = st.session_state.get(hover_key, {}).get("row") or {}
    row = asked.get("row")
    data: dict[str, Any] = {"hover": key, "row": None}
    if isinstance(row, int) and 0 <= row < len(dataset):
        text = dataset.text(row).strip()
        data = {
            "hover": key,
            "row": row,
            "text": cut(text, HOVER_CHARACTERS),
            "label": name_of(row),
            "code": int(colouring.codes[row]),
        }
    with st.container(key=f"corral-wires-{hover_key}"):
        _mount(key=hover_key, data=data, on_row_change=lambda: None)
