"""A packed project that was uploaded: what it is, and the button that makes a project of it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from labelling.errors import CorralError
from labelling.readers.tables import count
from labelling.tasks.packed import Manifest, opened
from labelling.tasks.unpack import endpoint_of, unpack
from labelling.ui.frame import access, page, resources


@dataclass(frozen=True, eq=False)
class Pack:
    """A pack as it was uploaded, and what it says of itself."""

    content: bytes
    about: Manifest


def read(content: bytes) -> Pack:
    """Raises PackError where it can't be taken over, as far as its beginning tells."""
    with _on_disk(content) as file, opened(file) as packed:
        return Pack(content, packed.manifest)


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
    if st.button("Unpack it", type="primary", icon=":material/unarchive:"):
        try:
            with st.spinner("Unpacking …"), _on_disk(pack.content) as file:
                found = unpack(resources.workspace(), file, owner=access.account())
        except CorralError as error:
            page.error(error)
            return
        if found.left_out:
            names = ", ".join(page.escape(name) for name in found.left_out)
            page.say_later(f"Left out, as the pack holds neither their vectors nor what made them: {names}")
        page.go_label(found.project)
