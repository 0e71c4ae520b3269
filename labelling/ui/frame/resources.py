"""What all tabs of one server share: the workspace, the loaded encoders, the jobs, the UMAP process."""

import atexit
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from labelling.database.engine import check_is_whole
from labelling.encoders import Encoder, registry
from labelling.errors import CorralError, log_fault
from labelling.projections import UmapProcess
from labelling.session import Session
from labelling.tasks.jobs import Jobs
from labelling.tasks.workbench import Workbench, open_workbench
from labelling.workspace import Project, Workspace
from labelling.workspace.sign_outs import SignOuts
from labelling.workspace.upkeep import sweep

if TYPE_CHECKING:
    from labelling.encoders.operated import OperatedEndpoint

LOCAL = ("localhost", "127.0.0.1", "::1")
READ_AHEAD_ROWS = 50_000  # below, their embeddings are read and checked in a tenth of a second
FIRST_MAP_SECONDS = 4.0  # a map that is there is shown by then, on two cores that have just been started


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


def encoder_for(settings: Mapping[str, Any]) -> Encoder:
    """The encoder with these settings, as people of this server may have it; see `registry.encoder_for`.

    Raises EncoderError where there is no such encoder (any more).
    """
    kind, folder = settings.get("kind", registry.PACKAGED), workspace().folder
    if kind == registry.ENDPOINT:
        return registry.encoder_for(settings, folder, endpoints=endpoints(), any_address=alone())
    if kind in registry.ENCODERS:
        check_model(settings.get("model") or None)
    return registry.encoder_for(settings, folder)


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


@st.cache_resource(show_spinner=False)
def _warming_up() -> threading.Event:
    """Begins to wait; the event ends the waiting."""
    begin = threading.Event()

    def load() -> None:
        begin.wait(FIRST_MAP_SECONDS)
        try:
            encoder_for({}).encode(["warm"])
            umap_process().warm_up()  # needed later than the encoder, and there may be only two cores
        except CorralError:
            pass  # said where it is needed
        except Exception as error:
            log_fault(error, "the warm-up")

    threading.Thread(target=load, name="warm-up", daemon=True).start()
    return begin


def warm_up(*, at_once: bool = True) -> None:
    """Load in the background what a new map needs: at once, or when the first map that is there has been shown."""
    begin = _warming_up()
    if at_once:
        begin.set()


def read_ahead(session: Session) -> None:
    """Read what the first search by meaning needs of a large project, in the background, once its map is shown."""
    if session.project.n_rows < READ_AHEAD_ROWS:
        return

    def read() -> None:
        try:
            session.search.read_ahead()
        except CorralError:
            pass  # said where it is needed
        except Exception as error:
            log_fault(error, "reading ahead")

    timer = threading.Timer(FIRST_MAP_SECONDS, read)
    timer.daemon = True
    timer.start()


@st.cache_resource(show_spinner=False)
def signed_out() -> SignOuts:
    """The sign-ins that were ended: other tabs of the browser don't hear of it by themselves."""
    return SignOuts(workspace().folder / "signed-out")


def new_session(project: Project, who: str | None = None) -> Session:
    return Session(project, encoder_for, who)


def new_workbench(project: Project) -> Workbench:
    """For a job: the tab's own session may end before the work does."""
    return open_workbench(workspace(), project, encoder_for)
