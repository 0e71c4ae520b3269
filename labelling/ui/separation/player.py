"""The player of recordings on a page: the figure of `learning.separation`, drawn and moved by the package's plotly.js.

`st.plotly_chart` shows the same figure, but draws a quarter as many pictures a second (its page hears of every frame),
can't start it of itself, and makes its buttons unreadable in the dark theme.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from labelling.learning.separation import PLAYER_JS

MOUNT_JS = """
const players = new WeakMap();

export default function ({ data, parentElement }) {
  const bytes = new Uint8Array(data);
  const end = bytes.indexOf(10);
  const decode = (part) => new TextDecoder().decode(part);
  const id = decode(bytes.subarray(0, end));
  const held = players.get(parentElement);
  if (held?.id === id) {
    held.shown.then(({ theme }) => theme()); // called again: perhaps the theme has changed
    return held.end;
  }
  held?.end();
  const figure = JSON.parse(decode(bytes.subarray(end + 1)));
  const host = document.createElement("div");
  host.className = "corral-player";
  host.style.height = `${figure.layout.height}px`;
  parentElement.append(host);
  const shown = plotly().then((Plotly) => showRecording(Plotly, host, figure));
  const finish = () => {
    shown.then(({ destroy }) => destroy());
    host.remove();
    players.delete(parentElement);
  };
  players.set(parentElement, { id, shown, end: finish });
  return finish;
}

async function plotly() {
  while (!globalThis.Plotly) await new Promise((resolve) => setTimeout(resolve, 20));
  return globalThis.Plotly;
}
"""
CSS = """
.corral-player { --paper: var(--st-background-color); color: var(--st-text-color); font-family: var(--st-font); }
.corral-player .updatemenu-item-rect { fill: transparent !important; }
"""


@cache
def _component() -> Callable[..., Any]:
    js = PLAYER_JS.read_text(encoding="utf-8") + MOUNT_JS
    return st.components.v2.component("corral_player", js=js, css=CSS, isolate_styles=False)


def show_player(figure_json: bytes, *, key: str) -> None:
    """Draw a recording's figure and play it once. The page must have called `load_plotly` of labelling.ui.map."""
    figure_id = hashlib.blake2b(figure_json, digest_size=8).hexdigest()
    _component()(key=key, data=figure_id.encode() + b"\n" + figure_json)
