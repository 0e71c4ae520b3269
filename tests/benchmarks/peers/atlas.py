"""The peer embedding-atlas: its Streamlit component; what its predicate selects is counted by DuckDB.

Without texts and automatic labels, which would only make it slower. The component asks a CDN for DuckDB's parts;
the package has them too, so they are laid beside it, and nothing depends on the way to the CDN. It takes no new data
while it is mounted, so there is no labelling.
"""

import os
import re
import shutil
from pathlib import Path

import duckdb
import embedding_atlas
import numpy as np
import pandas as pd
import streamlit as st
from embedding_atlas.options import make_embedding_atlas_props

PACKAGE = Path(embedding_atlas.__file__).parent
FOLDER = Path(os.environ["BENCHMARK_FOLDER"])
CDN = re.compile(r"https://cdn\.jsdelivr\.net/npm/\$\{\w+\}@\$\{\w+\}/dist/")  # in a template literal


@st.cache_resource
def component():  # type: ignore[no-untyped-def]
    ours = FOLDER / "component"
    shutil.copytree(PACKAGE / "widget_static" / "streamlit", ours, dirs_exist_ok=True)
    beside = '${new URL("duckdb/", document.baseURI).href}'
    for script in (ours / "assets").glob("index-*.js"):
        script.write_text(CDN.sub(lambda found: beside, script.read_text()))
    (ours / "duckdb").mkdir(exist_ok=True)
    for part in (PACKAGE / "static" / "assets").glob("duckdb-*"):
        name = re.sub(r"-.{8}(\.wasm|\.js)$", r"\1", part.name)  # without the hash
        shutil.copy(part, ours / "duckdb" / name)
    return st.components.v1.declare_component("atlas", path=str(ours))


@st.cache_resource
def table(n_points: int) -> pd.DataFrame:
    xy = np.load(FOLDER / f"xy-{n_points}.npy")
    codes = np.load(FOLDER / f"codes-{n_points}.npy")
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "label": codes, "__row_index__": np.arange(n_points)})


st.set_page_config(layout="wide")
points = table(int(st.query_params["points"]))
props = make_embedding_atlas_props(x="x", y="y", labels="disabled")
predicate = component()(data_frame=points, props=props, key="atlas", default={}).get("predicate")
if predicate:
    ((n_selected,),) = duckdb.sql(f"SELECT count(*) FROM points WHERE {predicate}").fetchall()
    st.markdown(f"##### {n_selected:,} selected")
else:
    st.markdown("##### Nothing selected")
