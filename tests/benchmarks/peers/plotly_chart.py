"""The peer `st.plotly_chart(on_select="rerun")`: a lasso selects, a button labels and the figure is coloured anew.

In its quickest form: a byte of colour a point and a colour scale instead of a colour's name a point, no hover, no theme
and all of it in a fragment. The selection is taken as Streamlit sends it: the numbers of the points.
"""

import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

FOLDER = Path(os.environ["BENCHMARK_FOLDER"])
COLOURS = ["#bbbbbb", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"]  # the first is for "unlabelled"


@st.cache_resource
def positions(n_points: int) -> np.ndarray:
    return np.load(FOLDER / f"xy-{n_points}.npy")


def label() -> None:
    rows = np.array(st.session_state["chart"].selection.point_indices, int)
    codes = st.session_state["codes"]
    codes[rows[codes[rows] == 0]] = 1
    st.session_state["revision"] += 1


@st.fragment
def show(xy: np.ndarray) -> None:
    chart, panel = st.columns([7, 3])
    n = len(COLOURS)
    scale = [(step / n, colour) for place, colour in enumerate(COLOURS) for step in (place, place + 1)]
    marker = {"color": st.session_state["codes"], "colorscale": scale, "cmin": -0.5, "cmax": n - 0.5, "size": 3}
    points = go.Scattergl(x=xy[:, 0], y=xy[:, 1], mode="markers", marker=marker, hoverinfo="skip")
    figure = go.Figure(points)
    margin = dict.fromkeys("lrtb", 0)
    figure.update_layout(dragmode="lasso", height=640, margin=margin, meta=st.session_state["revision"])
    with chart:
        event = st.plotly_chart(figure, on_select="rerun", selection_mode="lasso", theme=None, key="chart")
    with panel:
        n_selected = len(event.selection.point_indices)
        st.markdown(f"##### {n_selected:,} selected" if n_selected else "##### Nothing selected")
        st.button("Label", on_click=label)


st.set_page_config(layout="wide")
n_points = int(st.query_params["points"])
if "codes" not in st.session_state:
    st.session_state["codes"] = np.load(FOLDER / f"codes-{n_points}.npy")
    st.session_state["revision"] = 0
show(positions(n_points))
