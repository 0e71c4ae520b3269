"""What all tabs of one server share: the workspace, the loaded encoders, the jobs, the UMAP process."""

import atexit
import json
import threading
from collections.abc import Mapping
from typing import Any

import streamlit as st

from labelling.encoders import Encoder
from labelling.jobs import Jobs
from labelling.projections import UmapProcess
from labelling.session import Session
from labelling.workspace import Project, Workspace


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    return Workspace()


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    return Jobs()


@st.cache_resource(show_spinner=False)
def umap_process() -> UmapProcess:
    process = UmapProcess()
    atexit.register(process.close)
    return process


@st.cache_resource(show_spinner=False)
def _encoder(settings: str) -> Encoder:
    from labelling.encoders.sentence import SentenceEncoder

    return SentenceEncoder(**json.loads(settings))


def encoder_for(settings: Mapping[str, Any]) -> Encoder:
    """The encoder with these settings; it loads its model on first use, and stays loaded for all tabs."""
    wanted = {name: settings[name] for name in ("model", "prompt") if settings.get(name)}
    return _encoder(json.dumps(wanted, sort_keys=True))


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Load in the background what the first map needs, while the person still reads the first page."""

    def load() -> None:
        encoder_for({}).encode(["warm"])
        umap_process().warm_up()  # needed later than the encoder, and there may be only two cores

    threading.Thread(target=load, name="warm-up", daemon=True).start()


@st.cache_resource(show_spinner=False)
def signed_out() -> set[tuple[str, ...]]:
    """The sign-ins that were ended: other tabs of the browser don't hear of it by themselves."""
    return set()


def new_session(project: Project, who: str | None = None) -> Session:
    """A session for a person; without one it is for a job, which goes on when whoever started it has gone."""
    cache = workspace().cache_of(project.owner)
    return Session(project if who is not None else project.for_a_job(), cache, encoder_for, who)
