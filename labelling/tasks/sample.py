"""A project of some of a store's texts, which remembers which they are; their embeddings are the store's."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from labelling.dataset import Dataset
from labelling.encoders import Encoder
from labelling.errors import StepError
from labelling.store import StoreError, shards
from labelling.store.store import Store
from labelling.tasks.maps import save_embeddings
from labelling.tasks.projects import create_project
from labelling.workspace import Project, Workspace
from labelling.workspace.project import STORE

FILE, ROW = "store_file", "store_row"  # the columns that say which row of which file a text is


def sample_project(
    workspace: Workspace,
    store: Store,
    positions: np.ndarray,
    name: str,
    encoder: Encoder,
    *,
    owner: str | None = None,
    who: str | None = None,
    more: pd.DataFrame | None = None,
) -> Project:
    """A project of the texts at these sorted positions, embedded, with the quick map.

    Its columns are the text's, `store_file`, the file's name, and `store_row`, the row's number in it from 0 on, then
    those of `more`, a row for each position. The workspace keeps the vectors where they are float32, as those of its
    own where the model runs in the same numbers here; of others texts that are added later have all embedded anew.
    Raises StoreError where a shard is damaged, or the store is of another encoder; nothing is made then.
    """
    if not len(positions):
        raise StepError("There is no text to make a project of.")
    store.must_be_of(encoder.fingerprint, "the model of that name here")
    table = store.take(positions)
    vectors = shards.vectors_of(table).astype(np.float32)
    dataset = Dataset(_frame(store, table, more), store.manifest.text_column)
    of = {"id": store.manifest.id, "folder": str(store.folder), "n_texts": store.n_texts}
    settings = {**store.manifest.encoder, STORE: of}
    project = create_project(workspace, name, dataset, settings, owner=owner, who=who)
    try:
        if store.manifest.dtype == "float32":
            workspace.cache_of(project.owner).store(store.manifest.fingerprint, dataset.texts, vectors)
        space = project.spaces()[0]
        n_truncated = encoder.count_truncated(dataset.texts)
        project.describe_space(space.id, n_truncated=n_truncated, max_tokens=encoder.max_tokens)
        save_embeddings(project, space, vectors)
    except BaseException:
        workspace.delete(project.id, project.owner)
        raise
    return project


def _frame(store: Store, table: pa.Table, more: pd.DataFrame | None) -> pd.DataFrame:
    names = np.array([file["name"] for file in store.manifest.files], object)
    text = store.manifest.text_column
    columns: dict[str, Any] = {
        text: pd.Series(table.column("text").to_pylist(), dtype="str"),
        FILE: pd.Series(names[table.column("file").to_numpy()], dtype="str"),
        ROW: table.column("row").to_numpy(),
    }
    if text in (FILE, ROW):
        raise StoreError(f"The store's texts are of a column called {text!r}, which a project of a store needs itself.")
    frame = pd.DataFrame(columns)
    return frame if more is None else frame.assign(**{str(name): more[name].to_numpy() for name in more})
