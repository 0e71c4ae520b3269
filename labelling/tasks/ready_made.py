"""Embeddings and maps that come along with texts: to show them nothing has to be loaded, and nothing made.

A file holds what one encoder made of one list of texts. For another encoder, or where a text is another, it says
nothing. It is an .npz without pickles.
"""

import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from labelling.encoders import Encoder, EncoderError
from labelling.encoders.cache import EmbeddingCache
from labelling.errors import log
from labelling.workspace import Project

_ARRAYS = ("embeddings", "PCA", "UMAP", "neighbours", "distances")


def save(path: Path, project: Project, encoder: Encoder) -> None:
    """Write what `encoder` made of the texts of a project that has all of its original space's maps."""
    space = project.spaces()[0]
    if space.graph is None:
        raise ValueError(f"{project.name!r} must have its UMAP and neighbour graph before they are written")
    made = (space.embeddings, space.map("PCA"), space.map("UMAP"), *space.graph)
    about = {
        "fingerprint": np.array(encoder.fingerprint),
        "texts": np.array(_digest(project.dataset.texts)),
        "n_truncated": np.array(space.settings["n_truncated"]),
    }
    np.savez_compressed(path, allow_pickle=False, **about, **dict(zip(_ARRAYS, map(np.asarray, made), strict=True)))


def put(path: Path, project: Project, cache: EmbeddingCache, encoder: Encoder) -> bool:
    """Give a new project its embeddings and maps, and the cache the embeddings; False where they are not for it.

    The project is then as if it had been embedded here. Where this says False, it is still to be.
    """
    found = _read(path, project.dataset.texts, encoder)
    if found is None:
        return False
    cache.store(encoder.fingerprint, project.dataset.texts, found["embeddings"])
    space = project.spaces()[0]
    space.save_map("PCA", found["PCA"])
    space.save_map("UMAP", found["UMAP"])
    space.save_graph(found["neighbours"], found["distances"])
    project.describe_space(space.id, n_truncated=int(found["n_truncated"]), max_tokens=encoder.max_tokens)
    space.save_embeddings(found["embeddings"])  # last: they make the space ready
    return True


def _read(path: Path, texts: Sequence[str], encoder: Encoder) -> dict[str, Any] | None:
    """What the file holds, where it is there, whole, and of this encoder and these texts."""
    try:
        with np.load(path, allow_pickle=False) as file:
            ours = str(file["fingerprint"]) == encoder.fingerprint and str(file["texts"]) == _digest(texts)
            return {name: file[name] for name in (*_ARRAYS, "n_truncated")} if ours else None
    except FileNotFoundError:
        return None
    # A damaged file; or no encoder, which is said where the texts are embedded.
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, EncoderError) as error:
        log.warning("what came along with the texts is not used: %s: %s", path, str(error)[:200])
        return None


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
