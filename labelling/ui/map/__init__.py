"""The map component: Python's side. See map.js for the browser's side.

Several mounts make one map, so that only what changed travels: plotly.js itself once a page, the positions once a map,
a byte of colour a point after a labelling, a bit a point after a lasso. Back comes the polygon, never the points.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from labelling.ui.colours import Colouring

HERE = Path(__file__).parent
HOVER_CHARACTERS = 400  # what can be read at a glance; the whole text stands in the sample


@dataclass(frozen=True)
class Drawn:
    """What the person drew: kind is "lasso" or "box"."""

    kind: str
    points: list[list[float]]
    how: str
    map_id: str


@cache
def _plotly_js() -> str:
    import plotly

    # The installed package's own plotly.js. As an inline module it needs an export for Streamlit to call.
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return script.read_text(encoding="utf-8") + "\nexport default () => {};\n"


@cache
def _components() -> tuple[Callable[..., Any], Callable[..., Any]]:
    component = st.components.v2.component
    return (
        component("corral_plotly", js=_plotly_js()),
        component(
            "corral_map",
            js=(HERE / "map.js").read_text(encoding="utf-8"),
            css=(HERE / "map.css").read_text(encoding="utf-8"),
            isolate_styles=False,
        ),
    )


def load_plotly() -> None:
    """Send plotly.js to the page: once a page run, outside every fragment, so that a lasso does not send it again."""
    with st.container(key="corral-wires-plotly"):
        _components()[0](key="corral-plotly")


def _wire(map_key: str, channel: str, id_: str, content: bytes) -> None:
    head = json.dumps({"map": map_key, "channel": channel, "id": id_}).encode()
    _components()[1](key=f"{map_key}-{channel}", data=head + b"\n" + content)


def show_map(
    key: str,
    map_id: str,
    xy: np.ndarray,
    colouring: Colouring,
    *,
    labels_seq: int,
    selection: np.ndarray | None = None,
    height: int = 560,
    on_drawn: Callable[[Drawn], None] | None = None,
) -> None:
    """Draw the map `map_id`: positions float32 (n_rows, 2), NaN for rows that have none.

    `labels_seq` is the number of the last action: a label that was shown in a hover before it may have changed.
    `on_drawn` is called before the page (or fragment) runs again, when a lasso or a box was drawn; without it the
    map is for looking only.
    """
    with st.container(key=f"corral-wires-{key}"):
        _wire(key, "positions", map_id, np.ascontiguousarray(xy, "<f4").tobytes())
        _wire(key, "colours", colouring.id, colouring.codes.astype(np.uint8).tobytes())
        selected = np.zeros(len(xy), bool)
        if selection is not None:
            selected[selection] = True
        _wire(key, "selection", "", np.packbits(selected).tobytes())

    def drawn() -> None:
        value = st.session_state[key].get("drawn")
        if on_drawn and value:
            points = [[float(x), float(y)] for x, y in zip(value.get("x", []), value.get("y", []), strict=True)]
            on_drawn(Drawn(str(value["kind"]), points, str(value["how"]), str(value["map"])))

    _components()[1](
        key=key,
        data={
            "map": key,
            "height": height,
            "interactive": on_drawn is not None,
            "legend": colouring.legend,
            "palette": colouring.palette,
            "seq": labels_seq,
            "selection": 0 if selection is None else len(selection),
        },
        on_drawn_change=drawn,
    )


@st.fragment
def answer_hovers(key: str, texts: Sequence[str], colouring: Colouring, names: np.ndarray) -> None:
    """Send the text and label of the point under the pointer: no text leaves before it is asked for."""
    hover_key = f"{key}-hover"
    asked = st.session_state.get(hover_key, {}).get("row") or {}
    row = asked.get("row")
    data: dict[str, Any] = {"hover": key, "row": None}
    if isinstance(row, int) and 0 <= row < len(texts):
        text = texts[row].strip()
        cut = text if len(text) <= HOVER_CHARACTERS else text[:HOVER_CHARACTERS].rstrip() + " …"
        data = {"hover": key, "row": row, "text": cut, "label": names[row], "code": int(colouring.codes[row])}
    with st.container(key=f"corral-wires-{hover_key}"):
        _components()[1](key=hover_key, data=data, on_row_change=lambda: None)
