"""Embedding a project's texts, and those that are added."""

import threading

import numpy as np
import pytest

from labelling import projections
from labelling.database.engine import WorkspaceError
from labelling.learning.tuners import FeedForwardTuner
from labelling.workspace import Project, Workspace
from tests.projects import (
    EMPTY,
    FILLED,
    GRAPH,
    MORE,
    TEXTS,
    Process,
    WordEncoder,
    all_of,
    make_dataset,
    new_session,
    select_rows,
)
from tests.worker import Worker


def test_embed(workspace: Workspace, project: Project) -> None:
    told: list[tuple[int, int, int]] = []

    def on_batch(so_far: np.ndarray, n_done: int, n_total: int) -> None:
        told.append((int(np.count_nonzero(~np.isnan(so_far[:, 0]))), n_done, n_total))

    encoder = WordEncoder()
    session = new_session(workspace, project, encoder)
    assert not project.current.ready
    assert session.embed(on_batch)
    assert project.current.ready
    x = np.asarray(project.current.embeddings)
    assert x.shape == (40, 12)
    assert np.isnan(x[EMPTY]).all()
    np.testing.assert_allclose(x[FILLED], WordEncoder().encode([TEXTS[row] for row in FILLED]), rtol=1e-6)
    np.testing.assert_array_equal(project.current.map("PCA"), projections.pca(x))
    assert told[0] == (0, 0, 38)
    assert told[-1] == (38, 38, 38)
    n_truncated = sum(len(text.split()) > 6 for text in TEXTS)
    assert project.current.settings == {"n_truncated": n_truncated, "max_tokens": 6}
    assert len(encoder.seen) == 37, "the duplicate once, the empty ones not at all"


def test_a_second_session_embeds_nothing_new(workspace: Workspace, project: Project) -> None:
    new_session(workspace, project).embed()
    again = WordEncoder()
    assert new_session(workspace, project, again).embed()
    other = workspace.create("the same file again", make_dataset(), {})
    assert new_session(workspace, other, again).embed()
    assert again.seen == []
    np.testing.assert_array_equal(np.asarray(other.current.embeddings), np.asarray(project.current.embeddings))


def test_an_extended_file_embeds_only_what_is_new(workspace: Workspace, project: Project) -> None:
    new_session(workspace, project).embed()
    encoder = WordEncoder()
    longer = workspace.create("longer", make_dataset(["brand new", *TEXTS, "new at the end", TEXTS[0]]), {})
    assert new_session(workspace, longer, encoder).embed()
    assert sorted(encoder.seen) == ["brand new", "new at the end"]
    np.testing.assert_array_equal(np.asarray(longer.current.embeddings)[1:41], np.asarray(project.current.embeddings))


def test_another_encoder_embeds_anew(workspace: Workspace, project: Project) -> None:
    new_session(workspace, project).embed()
    encoder = WordEncoder("other words")
    other = workspace.create("other", make_dataset(), {})
    new_session(workspace, other, encoder).embed()
    assert len(encoder.seen) == 37


def test_stop_and_go_on(workspace: Workspace) -> None:
    texts = [f"text {row}" for row in range(600)]
    project = workspace.create("many", make_dataset(texts), {})
    stop = threading.Event()
    encoder = WordEncoder(stop=stop)
    seen: list[int] = []
    assert new_session(workspace, project, encoder).embed(lambda _x, done, _n: seen.append(done), stop) is False
    assert not project.current.ready
    n_first = len(encoder.seen)
    assert 0 < n_first < 600
    assert seen[-1] == n_first
    encoder = WordEncoder()
    assert new_session(workspace, project, encoder).embed()
    assert len(encoder.seen) == 600 - n_first
    assert project.current.ready


@pytest.mark.parametrize(
    "texts", [["one"], ["one", "two"], ["same", "same"], ["same"] * 30, ["", "one", ""], ["", " "], [""]]
)
def test_tiny_and_uniform_texts(workspace: Workspace, texts: list[str]) -> None:
    session = new_session(workspace, workspace.create("few", make_dataset(texts), {}))
    assert session.embed()
    view = session.map.look(session.project.current, "PCA")
    filled = [row for row, text in enumerate(texts) if text.strip()]
    assert view.n_points == len(filled)
    if filled:
        session.selection.draw(*all_of(session))
        assert session.selection.rows.tolist() == filled
        assert session.labelling.give("a").n_changed == len(filled)
    assert len(session.preview()) == min(10, len(texts))


@pytest.mark.slow
def test_added_texts_move_nothing_and_change_no_label(workspace: Workspace, session: Worker) -> None:
    project = session.project
    select_rows(session, [0, 3, 6, 9])
    session.labelling.give("card")
    select_rows(session, [1, 4, 7, 10])
    session.labelling.give("refund")
    tuned = session.tune(FeedForwardTuner(steps=20, random_state=0), "tuned")
    project.keep_space(tuned.id)
    before = {(space.id, "PCA"): space.map("PCA") for space in project.spaces()}
    original = project.space(0)
    original.save_graph(GRAPH, GRAPH.astype(np.float32))
    original.save_map("UMAP", before[0, "PCA"])

    other = workspace.open(project.id)
    project.append(make_dataset([*MORE, ""], number=range(8)))
    assert other.has_grown
    assert not project.has_grown
    assert workspace.open(project.id).dataset.texts == [*TEXTS, *MORE, ""]
    assert [space.ready for space in project.spaces()] == [False, False]
    assert original.graph is not None
    assert project.space(0).graph is None, "it is the graph of the rows that were there"

    again = new_session(workspace, project)
    assert again.log.names().tolist() == [*session.log.names(), *[None] * 8]
    view = again.map.look(project.current, "PCA")
    assert view.id.endswith("-part")
    assert view.n_points == 38
    assert again.embed()
    assert all(space.ready for space in again.project.spaces())
    for space in again.project.spaces():
        xy = space.map("PCA")
        np.testing.assert_array_equal(xy[:40], before[space.id, "PCA"])
        assert np.isfinite(xy[40:47]).all()
        assert np.isnan(xy[47]).all()
    # A text that is nearly that of an old row lies near it.
    xy = again.project.space(0).map("PCA")
    same_topic = [np.nanmean(xy[[row for row in FILLED if row % 3 == topic]], axis=0) for topic in range(3)]
    nearest = [int(np.argmin(np.linalg.norm(same_topic - xy[40 + row], axis=1))) for row in range(7)]
    assert np.mean(np.array(nearest) == np.arange(7) % 3) > 0.7
    tuner = FeedForwardTuner.load(tuned.folder / "tuner.safetensors")
    embeddings = np.asarray(again.project.space(0).embeddings)
    np.testing.assert_allclose(
        again.project.space(tuned.id).embeddings[40:47], tuner.transform(embeddings[40:47]), rtol=1e-5
    )

    # The UMAP has no place for them yet: they are put on it, and the graph is made of all.
    space = again.project.space(0)
    assert not space.has_map("UMAP")
    assert np.isnan(space.map("UMAP")[40:]).all()
    process = Process(graph=((np.arange(48)[:, None] + [1, 2]) % 48).astype(np.int32))
    process.place = lambda embeddings, xy, neighbours, on_progress, stop: np.nan_to_num(xy, nan=7.0)
    assert again.make_umap(space, process)
    assert process.asked == ["neighbours"]
    assert space.has_map("UMAP")
    assert space.graph is not None


def test_texts_that_two_tabs_add_at_once(workspace: Workspace, project: Project) -> None:
    other = workspace.open(project.id)
    project.append(make_dataset(["one"]))
    with pytest.raises(WorkspaceError, match="in another tab"):
        other.append(make_dataset(["two"]))
    assert workspace.open(project.id).dataset.texts[40:] == ["one"]
    other = workspace.open(project.id)
    other.append(make_dataset(["two"]))
    assert workspace.open(project.id).dataset.texts[40:] == ["one", "two"]
    assert not list(project.folder.glob("*.tmp"))
