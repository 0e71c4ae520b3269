"""Maps of a project's spaces: PCA and UMAP, each laid like the one before it."""

import threading
from collections.abc import Callable

import numpy as np

from labelling import projections
from labelling.workspace import Project, Space

COMPILING = "compiling, once after each start of Corral"
PART = "part"  # the name under which the map of what is embedded so far is kept


def umap_possible(project: Project) -> bool:
    """Whether there are enough texts for a UMAP."""
    pca = project.spaces()[0].map("PCA")
    if pca is not None:  # no need to look at each of a million texts
        return bool(np.count_nonzero(~np.isnan(pca[:, 0])) >= projections.UMAP_MIN_ROWS)
    return bool(np.count_nonzero(~project.dataset.empty) >= projections.UMAP_MIN_ROWS)


def map_part(project: Project, embeddings: np.ndarray) -> np.ndarray:
    """The PCA of what has been embedded so far, as the parts before lay: float32 (n_rows, 2).

    `embeddings` is float32 (n_rows, n_dims), NaN where nothing is yet.
    """
    space = project.spaces()[0]
    xy, before = projections.pca(embeddings), space.map(PART)
    if before is not None:
        xy = projections.align(xy, before)
    space.save_map(PART, xy)  # the next part is laid like it, in whatever tab, and at last the map of all
    return xy


def save_embeddings(project: Project, space: Space, embeddings: np.ndarray) -> None:
    """Save all embeddings of a space, and its PCA: laid like the map before, or with new rows among the others."""
    xy = space.map("PCA")
    if xy is not None:
        xy = projections.extend_pca(xy, embeddings)
    else:
        xy, seen = projections.pca(embeddings), space.map(PART)
        seen = project.current.map("PCA") if seen is None else seen
        xy = xy if seen is None else projections.align(xy, seen)
    space.save_map("PCA", xy)
    space.save_embeddings(embeddings)  # last: a space with embeddings has a map too


def make_graph(
    space: Space,
    process: projections.UmapProcess,
    on_progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> bool:
    """Make the neighbour graph of this space; False where `stop` ended it."""
    graph = process.neighbours(space.embeddings, on_progress=on_progress, stop=stop)
    if graph is not None:
        space.save_graph(*graph)
    return graph is not None


def make_umap(
    project: Project,
    space: Space,
    process: projections.UmapProcess,
    begin: Callable[..., None] = lambda *what: None,
    on_progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> bool:
    """Make the neighbour graph and then the UMAP of this space; False where `stop` ended it.

    It starts from the UMAP of the original space, or from its own PCA, and is turned like what it started from.
    `begin(title, doing)` is told the title of each part of the work, and what it does first where that takes long.
    """
    embeddings = space.embeddings
    if space.graph is None:
        begin("Neighbour graph", *([COMPILING] if process.compiles_first(space.n_rows) else []))
        if not make_graph(space, process, on_progress, stop):
            return False
        begin("Clear map")
    graph = space.graph
    xy = space.map("UMAP")
    if xy is not None:  # texts were added: the others stay where they are
        xy = process.place(embeddings, xy, neighbours=graph, on_progress=on_progress, stop=stop)
    else:
        before = project.spaces()[0].map("UMAP")
        start = space.map("PCA") if before is None else before
        xy = process.fit_transform(embeddings, init=start, neighbours=graph, on_progress=on_progress, stop=stop)
        xy = xy if start is None or xy is None else projections.align(xy, start)
    if xy is not None:
        space.save_map("UMAP", xy)
    return xy is not None
