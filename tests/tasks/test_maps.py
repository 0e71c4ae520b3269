"""The maps of a project's spaces."""

import numpy as np

from labelling.tasks.maps import COMPILING
from labelling.workspace import Workspace
from tests.projects import (
    FILLED,
    GRAPH,
    Process,
    make_dataset,
    new_session,
)
from tests.worker import Worker


def test_a_part_keeps_its_orientation_and_has_an_id_of_its_own(workspace: Workspace, session: Worker) -> None:
    x = np.asarray(session.project.current.embeddings)
    part = x.copy()
    part[25:] = np.nan
    project = workspace.create("half", make_dataset(), {})
    tab = new_session(workspace, project)
    first = tab.look_at_part(part)
    assert first.space is None
    assert first.n_points == np.count_nonzero(~np.isnan(part[:, 0]))
    project.current.save_map("part", -first.xy)  # as if the signs had come out otherwise
    second = new_session(workspace, project).look_at_part(x)  # in another tab
    both = ~np.isnan(part[:, 0])
    assert np.sum(second.xy[both] * -first.xy[both]) > 0
    assert first.id != second.id
    assert second.xy.dtype == np.float32
    assert tab.embed()  # and at last the map of all
    np.testing.assert_allclose(project.current.map("PCA"), second.xy, atol=1e-4)


def test_umap_of_a_space(session: Worker) -> None:
    space = session.project.current
    titles: list[str] = []
    process = Process()
    assert session.make_umap(space, process, titles.append) is False
    assert (process.asked, space.graph, space.map("UMAP")) == (["neighbours"], None, None)
    process.graph = GRAPH
    assert session.make_umap(space, process, titles.append) is False
    assert space.map("UMAP") is None
    np.testing.assert_array_equal(space.neighbours, GRAPH)
    process.xy = space.map("PCA")[:, ::-1] * 3
    assert session.make_umap(space, process, titles.append) is True
    assert process.asked == ["neighbours", "neighbours", "map", "map"], "the graph was kept"
    np.testing.assert_array_equal(process.neighbours_given[0], GRAPH)
    np.testing.assert_array_equal(process.init, space.map("PCA"))
    assert titles == ["Neighbour graph", "Neighbour graph", "Clear map"]
    told: list[tuple[str, ...]] = []
    process.has_compiled, process.graph = False, None
    (space.folder / "neighbours.npy").unlink()
    assert session.make_umap(space, process, lambda *what: told.append(what)) is False
    assert told == [("Neighbour graph", COMPILING)], "the page says what takes so long"
    # turned back to lie as what it started from
    xy, pca = space.map("UMAP")[FILLED], space.map("PCA")[FILLED]
    assert np.corrcoef(xy[:, 0], pca[:, 0])[0, 1] > 0.999
    assert np.corrcoef(xy[:, 1], pca[:, 1])[0, 1] > 0.999
