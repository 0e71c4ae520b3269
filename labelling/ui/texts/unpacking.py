"""A packed project that was uploaded: what it is, and the button that makes a project of it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import streamlit as st

from labelling.readers.tables import count
from labelling.tasks.packed import Manifest, opened
from labelling.tasks.unpack import Unpacked, endpoint_of, unpack
from labelling.ui.frame import access, page, resources
from labelling.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Pack:
    """A pack as it was uploaded, and what it says of itself."""

    content: bytes
    digest: str
    about: Manifest


def read(content: bytes) -> Pack:
    """Raises PackError where it can't be taken over, as far as its beginning tells."""
    with _on_disk(content) as file, opened(file) as packed:
        return Pack(content, blake2b(content, digest_size=16).hexdigest(), packed.manifest)


@contextmanager
def _on_disk(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="corral-") as folder:
        path = Path(folder) / "The file"
        path.write_bytes(content)
        yield path


def offer(pack: Pack) -> None:
    """What it holds, and the button that makes a project of it."""
    about = pack.about
    st.markdown(f"##### {page.escape(about.name)}")
    st.markdown(
        f"A packed project: {count(about.n_rows, 'text')}, {count(about.n_actions, 'action')}, packed by Corral "
        f"{page.escape(about.versions.get('Corral', '?')[:20])}. It becomes a project of its own, with the same "
        "labels, history and people."
    )
    address = endpoint_of(about)
    if address is not None:
        st.warning(
            f"Its encoder is the endpoint {page.escape(address)}: texts that are not embedded yet, what is added and "
            "what is searched for are sent there.",
            icon=":material/upload:",
        )
    # In the background: a press on anything else ends this run, and the next one finds what was begun.
    key, owner = ("unpack", pack.digest, access.account()), access.account()
    job, workspace = resources.jobs().get(*key), resources.workspace()
    if st.button("Unpack it", type="primary", icon=":material/unarchive:"):
        job = resources.jobs().start(*key, title="Unpacking", work=lambda job: _unpack(workspace, pack, owner))
    if job is None:
        return
    with st.spinner("Unpacking …"):
        job.join()
    resources.jobs().forget(*key)
    if job.failure is not None:
        page.error(job.failure)
        return
    found: Unpacked = job.result
    if found.left_out:
        names = ", ".join(page.escape(name) for name in found.left_out)
        page.say_later(f"Left out, as the pack holds neither their vectors nor what made them: {names}")
    page.go_label(found.project)


def _unpack(workspace: Workspace, pack: Pack, owner: str | None) -> Unpacked:
    with _on_disk(pack.content) as file:
        return unpack(workspace, file, owner=owner)
