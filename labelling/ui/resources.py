"""What all tabs of one server share: the workspace, the loaded encoders, the jobs, the UMAP process."""

import atexit
import json
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labelling.database import check_is_whole
from labelling.encoders import Encoder, EncoderError
from labelling.encoders.own import OwnVectors
from labelling.errors import CorralError, log_fault
from labelling.files import is_whole
from labelling.jobs import Jobs
from labelling.projections import UmapProcess
from labelling.session import Session
from labelling.upkeep import sweep
from labelling.workspace import Project, Workspace

if TYPE_CHECKING:
    from labelling.encoders.operated import OperatedEndpoint

# What a space's settings call a kind of encoder: its module and class, and the parameters that the settings may hold.
# Beside these there are "tfidf", which is fitted and then loaded, and "own", vectors that were brought along.
ENCODERS = {
    "sentence": ("sentence", "SentenceEncoder", ("model", "prompt")),
    "pooled": ("pooled", "TransformerEncoder", ("model", "pooling", "max_length")),
    "causal": ("causal", "CausalLMEncoder", ("model", "pooling", "layer", "max_length")),
    "endpoint": (
        "endpoint",
        "EndpointEncoder",
        ("model", "dimensions", "requests_per_minute"),  # where it is asked: see `_where_to_ask`
    ),
}
LOCAL = ("localhost", "127.0.0.1", "::1")


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    opened = Workspace()
    check_is_whole(opened.engine)
    with suppress(OSError):  # a read-only one is left as it is
        sweep(opened)
    return opened


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    return Jobs()


@st.cache_resource(show_spinner=False)
def umap_process() -> UmapProcess:
    process = UmapProcess()
    atexit.register(process.close)
    return process


@st.cache_resource(show_spinner=False)
def _encoder(kind: str, settings: str) -> Encoder:
    module, name, _ = ENCODERS[kind]
    encoder: Encoder = getattr(import_module(f"labelling.encoders.{module}"), name)(**json.loads(settings))
    return encoder


@st.cache_resource(show_spinner=False)
def _fitted_encoder(fitted: str) -> Encoder:
    from labelling.encoders.tfidf import TfidfEncoder

    return TfidfEncoder.load(_fitted_file(fitted))


def encoder_for(settings: Mapping[str, Any]) -> Encoder:
    """The encoder with these settings; it loads its model on first use, and stays loaded for all tabs.

    Raises EncoderError where there is no such encoder (any more).
    """
    kind = settings.get("kind", "sentence")
    if kind == "own":
        return OwnVectors(settings["n_dims"])
    if kind == "tfidf":
        return _fitted_encoder(settings["fitted"])
    if kind not in ENCODERS:
        raise EncoderError(f"There is no encoder of the kind {kind!r} here: a newer Corral may have made this project.")
    wanted = {name: settings[name] for name in ENCODERS[kind][2] if settings.get(name) not in (None, "")}
    if kind != "endpoint":
        check_model(wanted.get("model"))
    if kind == "endpoint":
        wanted.update(_where_to_ask(settings))
    return _encoder(kind, json.dumps(wanted, sort_keys=True))


def check_model(model: str | None) -> None:
    """Raises EncoderError where people of this server may not load a model from there; see `alone`."""
    if model is not None and not alone():
        from labelling.encoders._folders import check_below

        root = os.environ.get("CORRAL_MODELS")
        check_below(model, Path(root) if root else None)


def alone() -> bool:
    """Whether only the person at this machine reaches the server, so that it asks whatever address they type."""
    if st.get_option("server.address") not in LOCAL:
        return False
    return not signing_in_is_set_up()


def signing_in_is_set_up() -> bool:
    """Whether people sign in here; also where the secrets that would say so can't be read, as nobody gets in then."""
    if not any(Path(path).exists() for path in st.get_option("secrets.files")):
        return False
    return not st.secrets.load_if_toml_exists() or "auth" in st.secrets


def endpoints() -> "dict[str, OperatedEndpoint]":
    """The embeddings endpoints by name that are offered here, each with its key. Raises EncoderError."""
    from labelling.encoders.operated import OPENAI_ENDPOINT, operated_endpoints

    ours = {OPENAI_ENDPOINT.name: OPENAI_ENDPOINT} if alone() else {}
    return {**ours, **operated_endpoints()}


def _where_to_ask(settings: Mapping[str, Any]) -> dict[str, Any]:
    """An endpoint's address, and the key that goes there: bound by whoever runs the server, or typed, without a key."""
    bound, name, typed = endpoints(), settings.get("endpoint"), str(settings.get("base_url", ""))
    if name is None:  # an address that was typed: maybe before it was bound
        name = next((key for key, one in bound.items() if one.base_url.strip("/ ") == typed.strip("/ ")), None)
    if name is not None and name in bound:
        found = bound[name]
        return {"base_url": found.base_url, "key_variable": found.key_variable or "", "any_address": True}
    if name is not None or not alone():
        what = typed if name is None else name
        raise EncoderError(
            f"the endpoint {what[:80]!r} is not set up on this server: whoever runs it binds endpoints in the file "
            "that CORRAL_ENDPOINTS names"
        )
    return {"base_url": typed, "key_variable": "", "any_address": False}


def fit_encoder(texts: Sequence[str]) -> dict[str, Any]:
    """Fit word counts on texts and keep what was fitted in the workspace; the settings for `encoder_for`."""
    from labelling.encoders.tfidf import TfidfEncoder

    encoder = TfidfEncoder().fit(texts)
    path = _fitted_file(encoder.fingerprint)
    path.parent.mkdir(exist_ok=True)
    encoder.save(path)
    return {"kind": "tfidf", "fitted": encoder.fingerprint}


def _fitted_file(fitted: str) -> Path:
    return workspace().folder / "encoders" / f"{fitted}.safetensors"


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Load in the background what the first map needs, while the person still reads the first page."""

    def load() -> None:
        try:
            encoder_for({}).encode(["warm"])
            umap_process().warm_up()  # needed later than the encoder, and there may be only two cores
        except CorralError:
            pass  # said where it is needed
        except Exception as error:
            log_fault(error, "the warm-up")

    threading.Thread(target=load, name="warm-up", daemon=True).start()


@st.cache_resource(show_spinner=False)
def signed_out() -> set[tuple[str, ...]]:
    """The sign-ins that were ended: other tabs of the browser don't hear of it by themselves."""
    return set()


def vectors_file(project: Project, n_rows: int) -> Path:
    """Where the vectors lie that the person brought along: float32 (n_rows, n_dims), NaN in rows without text."""
    return project.folder / f"vectors-{n_rows}.npy"


def load_vectors(project: Project, n_rows: int) -> np.ndarray:
    """What `vectors_file` holds. Raises EncoderError where it is not there, or not as it was written."""
    path = vectors_file(project, n_rows)
    if not path.exists():
        raise EncoderError(f"The vectors of {project.name!r} are not in its folder: make the project again.")
    if not is_whole(path):
        raise EncoderError(
            f"The vectors that were brought along for {project.name!r} are damaged: {path}. Put a copy of it back; its "
            "labels are in the database."
        )
    return np.asarray(np.load(path, allow_pickle=False))


def new_session(project: Project, who: str | None = None) -> Session:
    """A session for a person; without one it is for a job, which goes on when whoever started it has gone."""
    session_of = project if who is not None else project.for_a_job()
    cache, settings, vectors = workspace().cache_of(project.owner), session_of.spaces()[0].settings, None
    if settings.get("kind") == "own":
        filled = ~project.dataset.empty
        vectors = OwnVectors(settings["n_dims"], lambda: load_vectors(project, project.n_rows)[filled])
    return Session(session_of, cache, encoder_for, who, vectors)
