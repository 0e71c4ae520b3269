"""A session, from the texts to the export."""

import itertools
import json
import threading
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labelling import projections
from labelling.database.engine import WorkspaceError
from labelling.dataset import Dataset
from labelling.errors import StepError
from labelling.formats.registry import FORMATS, JSONL, PARQUET
from labelling.labels.label import NO, LabelError
from labelling.learning.classifiers import TransformerClassifier
from labelling.learning.evaluation import Evaluation, TooFewLabels
from labelling.learning.tuners import FeedForwardTuner
from labelling.readers import read_table
from labelling.selection.filters import Filter
from labelling.selection.search import SearchError
from labelling.tasks.learnable import TUNER_UNLABELLED_ROWS
from labelling.workspace import Project, Space, Workspace
from tests.worker import Worker

TOPICS = ("card payment refused shop", "refund money late shop", "password login account locked")
TEXTS = [f"{TOPICS[row % 3]} number{row % 7} {'please' if row % 2 else 'hello'} w{row}" for row in range(40)]
EMPTY = [5, 17]
for row in EMPTY:
    TEXTS[row] = "" if row == 5 else " \t "
TEXTS[8] = TEXTS[7]  # a duplicate
FILLED = np.setdiff1d(np.arange(40), EMPTY)


class WordEncoder:
    """The sum of a fixed random vector for each word; `seen` lists every text that was embedded."""

    n_dims = 12
    max_tokens = 6

    def __init__(self, name: str = "words", stop: threading.Event | None = None) -> None:
        self.fingerprint = name
        self.seen: list[str] = []
        self.stop = stop

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.seen += texts
        if self.stop:
            self.stop.set()
        return np.array([sum(self._vector(word) for word in text.split()) for text in texts], np.float32)

    def _vector(self, word: str) -> np.ndarray:
        return np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.n_dims)

    def count_truncated(self, texts: Sequence[str]) -> int:
        return sum(len(text.split()) > self.max_tokens for text in texts)


class FakeTuner:
    """Records what it was fitted on; doubles the first dimension."""

    def __init__(self, keep: float = 0.5) -> None:
        self.keep = keep

    def get_params(self) -> dict[str, Any]:
        return {"keep": self.keep}

    def fit(self, X: np.ndarray, y: np.ndarray, callback: Callable[..., bool | None] | None = None) -> "FakeTuner":
        self.X, self.y = X, y
        if callback:
            callback(1, 1, 0.5, None)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        assert np.isfinite(X).all()
        return np.column_stack([2 * X[:, 0], X]).astype(np.float32)

    def save(self, path: Path) -> None:
        path.write_bytes(b"tuner")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def make_dataset(texts: list[str] = TEXTS, **columns: Any) -> Dataset:
    return Dataset(pd.DataFrame({"text": pd.Series(texts, dtype="str"), **columns}), "text")


def new_session(workspace: Workspace, project: Project, encoder: WordEncoder | None = None) -> Worker:
    return Worker(workspace, workspace.open(project.id), lambda settings: encoder or WordEncoder())


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return workspace.create("texts", make_dataset(), {})


@pytest.fixture
def session(workspace: Workspace, project: Project) -> Worker:
    """A session with its texts embedded and the PCA on show."""
    session = new_session(workspace, project)
    assert session.embed()
    assert session.map.look(project.current, "PCA")
    return session


def all_of(session: Worker) -> tuple[str, str, list[list[float]]]:
    """A box round the whole map."""
    assert session.map.view
    low, high = np.nanmin(session.map.view.xy) - 1, np.nanmax(session.map.view.xy) + 1
    return session.map.view.id, "box", [[low, low], [high, high]]


def select_rows(session: Worker, rows: Sequence[int], how: str = "new") -> None:
    """Select these rows, a tiny lasso each."""
    assert session.map.view
    for number, row in enumerate(rows):
        x, y = session.map.view.xy[row].astype(float)
        points = [[x - 1e-3, y - 1e-3], [x + 1e-3, y - 1e-3], [x + 1e-3, y + 1e-3], [x - 1e-3, y + 1e-3]]
        session.selection.draw(session.map.view.id, "lasso", points, how if number == 0 else "add")


# ---------------------------------------------------------------- embeddings


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


# ---------------------------------------------------------------- maps


def test_look(session: Worker, project: Project) -> None:
    view = session.map.view
    assert (view.space, view.projection, view.n_points) == (0, "PCA", 38)
    assert session.map.look(project.current, "PCA") is view, "the same object while nothing changes"
    assert session.map.look(project.current, "UMAP") is None, "not made yet"
    project.current.save_map("UMAP", np.zeros((40, 2)))
    umap = session.map.look(project.current, "UMAP")
    assert umap.id != view.id
    assert session.map.view is umap


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


class Process:
    """Stands for the child process that makes UMAPs."""

    def __init__(self, graph: np.ndarray | None = None, xy: np.ndarray | None = None) -> None:
        self.graph, self.xy = graph, xy
        self.asked: list[str] = []

    def neighbours(self, embeddings, *, on_progress, stop):
        self.asked.append("neighbours")
        return None if self.graph is None else (self.graph, self.graph.astype(np.float32))

    def fit_transform(self, embeddings, *, init, neighbours, on_progress, stop):
        self.asked.append("map")
        self.init, self.neighbours_given = init, neighbours
        return self.xy


GRAPH = ((np.arange(40)[:, None] + [1, 2, 3]) % 40).astype(np.int32)


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
    assert titles == ["Neighbour graph", "Neighbour graph", "UMAP map"]
    # turned back to lie as what it started from
    xy, pca = space.map("UMAP")[FILLED], space.map("PCA")[FILLED]
    assert np.corrcoef(xy[:, 0], pca[:, 0])[0, 1] > 0.999
    assert np.corrcoef(xy[:, 1], pca[:, 1])[0, 1] > 0.999


# ---------------------------------------------------------------- texts that are added


MORE = [f"{TOPICS[row % 3]} another{row}" for row in range(7)]


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


# ---------------------------------------------------------------- selection and labels


def test_empty_texts_are_never_selected(session: Worker) -> None:
    assert session.map.view.n_points == 38
    session.selection.draw(*all_of(session))
    assert session.selection.rows.tolist() == FILLED.tolist()
    big = 1e6
    session.selection.draw(session.map.view.id, "lasso", [[-big, -big], [big, -big], [big, big], [-big, big]])
    assert session.selection.rows.tolist() == FILLED.tolist()


def test_add_subtract_and_none(session: Worker) -> None:
    session.selection.draw(*all_of(session))
    select_rows(session, [0, 1], "subtract")
    assert 0 not in session.selection.rows
    assert 1 in session.selection.rows, "the second lasso added it again"
    session.selection.deselect()
    assert session.selection.rows.tolist() == []
    select_rows(session, [3])
    assert session.selection.rows.tolist() == [3]
    session.selection.draw(session.map.view.id, "lasso", [[0, 0]])
    assert session.selection.rows.tolist() == [3], "a click is no lasso"


def test_a_lasso_on_a_map_that_is_gone(session: Worker, project: Project) -> None:
    session.selection.draw(*all_of(session))
    old = session.map.view.id
    project.current.save_map("UMAP", np.zeros((40, 2)))
    session.map.look(project.current, "UMAP")
    with pytest.raises(StepError, match="map has changed"):
        session.selection.draw(old, "lasso", [[0, 0], [1, 0], [1, 1]])
    session.map.view = None
    with pytest.raises(StepError, match="map has changed"):
        session.selection.draw(old, "box", [[0, 0], [1, 1]])
    assert len(session.selection.rows) == 38, "the selection stays"


@pytest.mark.parametrize(
    ("kind", "points", "how"),
    [
        ("lasso", [[0, 0], [1, 1], [float("nan"), 0]], "new"),
        ("box", [[0, 0]], "new"),
        ("box", [], "new"),
        ("box", [[0, 0], [1, 1]], "xor"),
        ("circle", [[0, 0], [1, 1]], "new"),
    ],
)
def test_what_no_page_should_send(session: Worker, kind: str, points: list, how: str) -> None:
    select_rows(session, [3])
    with pytest.raises(ValueError):  # noqa: PT011 - said by whichever part it reaches
        session.selection.draw(session.map.view.id, kind, points, how)
    assert session.selection.rows.tolist() == [3]


def test_what_is_hidden_is_never_selected(session: Worker) -> None:
    shown = np.arange(40) % 2 == 0
    session.selection.draw(*all_of(session))
    assert session.show_only(shown) == 18
    assert session.selection.rows.tolist() == [row for row in FILLED if row % 2 == 0]
    with pytest.raises(StepError, match="map has changed"):
        session.selection.draw(*all_of(session))  # drawn when all were shown
    _, kind, corners = all_of(session)
    session.selection.draw(session.map.id, kind, corners)
    assert session.selection.rows.tolist() == [row for row in FILLED if row % 2 == 0]
    session.selection.select(np.arange(40), "legend")
    assert (session.selection.rows % 2 == 0).all()
    session.selection.select_unlabelled()
    assert (session.selection.rows % 2 == 0).all()
    session.selection.select(np.array([0, 2]), "search")
    session.selection.invert()
    assert session.selection.rows.tolist() == [row for row in FILLED if row % 2 == 0 and row > 2]
    part = session.map.id
    assert session.show_only(None) == 0
    assert session.map.id == session.map.view.id != part
    assert session.show_only(~shown) == len(session.selection.rows) or len(session.selection.rows) == 0
    assert session.selection.rows.tolist() == []


def test_the_same_rows_shown_make_the_same_map(session: Worker) -> None:
    shown = np.arange(40) > 3
    session.show_only(shown)
    first = session.map.id
    session.show_only(None)
    session.show_only(shown.copy())
    assert session.map.id == first
    shown[3] = True
    session.show_only(shown)
    assert session.map.id != first


def test_intersect_invert_and_back(session: Worker) -> None:
    select_rows(session, [0, 1, 2])
    session.selection.select(np.array([1, 2, 3]), "legend", "intersect")
    assert session.selection.rows.tolist() == [1, 2]
    assert not session.selection.is_drawn
    session.selection.invert()
    assert session.selection.rows.tolist() == [row for row in FILLED if row not in (1, 2)]
    session.selection.deselect()
    for expected in (len(FILLED) - 2, 2, 3):
        session.selection.back()
        assert len(session.selection.rows) == expected
    assert session.selection.is_drawn
    session.labelling.give("a")
    assert session.log.actions[-1].source == "lasso", "as it was chosen"
    for _ in range(9):
        session.selection.back()
    assert session.selection.rows.tolist() == []


def test_back_leaves_out_what_is_hidden_by_now(session: Worker) -> None:
    select_rows(session, [0, 1, 2])
    session.selection.deselect()
    session.show_only(np.arange(40) != 1)
    session.selection.back()
    assert session.selection.rows.tolist() == [0, 2]


def test_select_unlabelled(session: Worker) -> None:
    select_rows(session, [0, 1, 2])
    session.labelling.give("a")
    session.selection.select_unlabelled()
    assert session.selection.rows.tolist() == FILLED[FILLED > 2].tolist()
    assert session.labelling.give("b").n_changed == 35
    assert session.log.sources()[3] == "unlabelled"


def test_filtered(session: Worker) -> None:
    assert session.labels.filtered(Filter()) is None
    words = session.labels.filtered(Filter(words="card"))
    assert np.flatnonzero(words).tolist() == [row for row in range(40) if "card" in TEXTS[row]]
    assert session.labels.filtered(Filter(words="card")) is words
    select_rows(session, [0, 1])
    by_state = session.labels.filtered(Filter(labels=(-1,)))
    assert by_state.all()
    session.labelling.give("a")
    assert session.labels.filtered(Filter(labels=(-1,))).tolist() == [row not in (0, 1) for row in range(40)]
    assert session.labels.filtered(Filter(labels=(0,))).sum() == 2


def test_grow_shrink_and_strays_need_the_graph(session: Worker) -> None:
    assert session.selection.strays() is None
    with pytest.raises(StepError, match="Nothing is selected"):
        session.selection.grow()
    select_rows(session, [20, 21, 22, 23, 24, 30])
    for step in (session.selection.grow, session.selection.shrink, session.selection.drop_strays):
        with pytest.raises(StepError, match="comes with the UMAP"):
            step()
    ring = ((np.arange(40)[:, None] + [1, -1, 2, -2]) % 40).astype(np.int32)
    session.project.current.save_graph(ring, ring.astype(np.float32))
    assert session.selection.strays().tolist() == [30]
    session.selection.drop_strays()
    assert session.selection.rows.tolist() == list(range(20, 25))
    session.selection.grow()
    assert session.selection.rows.tolist() == list(range(18, 27))
    session.selection.shrink()
    assert session.selection.rows.tolist() == list(range(19, 26))
    session.labelling.give("a")
    how = session.log.how(session.log.seq)
    assert how["by"] == "lasso"
    assert [step["by"] for step in how["then"]][-3:] == ["strays", "grow", "core"]


def test_search(session: Worker) -> None:
    session.search.look_for("words", "card")
    rows = [row for row in range(40) if "card" in TEXTS[row]]
    assert session.search.found.best(session.map.seen).tolist() == rows
    assert session.search.found.best(np.arange(40) > rows[0]).tolist() == rows[1:]
    session.search.look_for("regex", "^$|^ +$")
    assert session.search.found.best(session.map.seen).tolist() == [], "they have no place on the map"
    with pytest.raises(SearchError, match="no regular expression"):
        session.search.look_for("regex", "(")
    assert session.search.found.kind == "regex", "what was found before stays"
    session.search.look_for("meaning", TEXTS[0])
    found = session.search.found.best(session.map.seen, 3)
    assert found[0] == 0
    assert len(found) == 3
    assert session.search.found.scores[0] == pytest.approx(1, abs=1e-5)
    everything = session.search.found.best(session.map.seen)
    assert sorted(everything) == FILLED.tolist()
    assert (np.diff(session.search.found.scores[everything]) <= 0).all()
    assert everything[:3].tolist() == found.tolist()
    session.search.more_like(3)
    assert session.search.found.best(session.map.seen, 1)[0] in np.flatnonzero([text == TEXTS[3] for text in TEXTS])
    with pytest.raises(SearchError, match="no text"):
        session.search.more_like(int(EMPTY[0]))
    for kind in ("meaning", "words"):
        with pytest.raises(SearchError, match="nothing to look for"):
            session.search.look_for(kind, "  ")


def test_search_by_meaning_before_all_is_embedded(workspace: Workspace, project: Project) -> None:
    with pytest.raises(SearchError, match="still being embedded"):
        new_session(workspace, project).search.look_for("meaning", "card")


def test_what_moved_most(session: Worker) -> None:
    with pytest.raises(StepError, match="Nothing has moved yet"):
        session.search.moved_most()
    select_rows(session, [0, 3])
    session.labelling.give("card")
    select_rows(session, [1, 4])
    session.labelling.give("refund")
    space = session.tune(FakeTuner(), "tuned")
    session.project.keep_space(space.id)
    session.project.show_space(space.id)
    session.project.spaces()[0].save_graph(GRAPH, GRAPH.astype(np.float32))
    with pytest.raises(StepError, match="Nothing has moved yet"):
        session.search.moved_most()
    moved = GRAPH.copy()
    moved[7] = [20, 21, 22]
    space.save_graph(moved, moved.astype(np.float32))
    session.search.moved_most()
    assert session.search.found.best(session.map.seen, 1).tolist() == [7]
    assert session.search.found.scores[7] == 1


def test_label_clear_undo_redo(workspace: Workspace, session: Worker) -> None:
    with pytest.raises(StepError, match="Nothing is selected"):
        session.labelling.give("a")
    with pytest.raises(StepError, match="Nothing is selected"):
        session.labelling.clear()
    select_rows(session, [0, 1, 2])
    assert session.labelling.give("a").n_changed == 3
    select_rows(session, [2, 3])
    assert session.labelling.give("b").n_changed == 1
    assert session.labelling.give("b", overwrite=True).n_changed == 1
    with pytest.raises(LabelError):
        session.labelling.give("  ")
    assert session.labelling.clear().n_changed == 2
    assert session.labelling.undo().kind == "clear"
    assert session.log.names()[:4].tolist() == ["a", "a", "b", "b"]
    assert session.labelling.redo().kind == "clear"

    action = session.log.actions[0]
    assert action.source == "lasso"
    how = session.log.how(1)
    assert (how["space"], how["projection"], how["how"]) == (0, "PCA", "new")
    assert [step["how"] for step in how["then"]] == ["add", "add"]
    assert len(how["points"]) == len(how["then"][1]["points"]) == 4
    again = new_session(workspace, session.project)
    assert again.log.names().tolist() == session.log.names().tolist()
    assert again.log.actions == session.log.actions


# ---------------------------------------------------------------- tuning


def test_tune(session: Worker) -> None:
    select_rows(session, [0, 3, 6])
    session.labelling.give("card")
    select_rows(session, [1, 4])
    session.labelling.give("refund")
    session.log.assign([5], "refund")  # a row without a text, by an import say
    tuner = FakeTuner(keep=0.25)
    steps: list[tuple] = []
    space = session.tune(tuner, "Round 1", callback=lambda *step: steps.append(step))
    x = np.asarray(session.project.current.embeddings)
    np.testing.assert_array_equal(tuner.X, x[FILLED])
    expected = {0: "card", 3: "card", 6: "card", 1: "refund", 4: "refund"}
    assert tuner.y.tolist() == [expected.get(row) for row in FILLED]
    assert steps == [(1, 1, 0.5, None)]

    assert (space.name, space.kind, space.state, space.parent) == ("Round 1", "FakeTuner", "candidate", 0)
    assert space.settings == {"keep": 0.25, "labels": {"card": 3, "refund": 2}}
    assert space.ready
    assert (space.folder / "tuner.safetensors").read_bytes() == b"tuner"
    tuned = np.asarray(space.embeddings)
    assert tuned.shape == (40, 13)
    assert np.isnan(tuned[EMPTY]).all()
    np.testing.assert_array_equal(tuned[FILLED], tuner.transform(x[FILLED]))
    shown = session.project.current.map("PCA")
    np.testing.assert_array_equal(space.map("PCA"), projections.align(projections.pca(tuned), shown))
    assert session.project.current.id == 0
    np.testing.assert_array_equal(np.asarray(session.project.current.embeddings), x)


def test_tuning_starts_from_the_original_and_knows_other_tabs_labels(workspace: Workspace, session: Worker) -> None:
    other = new_session(workspace, session.project)
    other.log.assign([0], "card")
    other.log.assign([1], "refund")
    first = session.tune(FakeTuner(), "1")
    session.project.keep_space(first.id)
    session.project.show_space(first.id)
    tuner = FakeTuner()
    second = session.tune(tuner, "2")
    assert tuner.X.shape[1] == 12
    assert second.parent == 0


def test_tuning_with_too_few_labels(session: Worker) -> None:
    with pytest.raises(StepError, match="nothing is labelled"):
        session.tune(FakeTuner(), "t")
    session.log.assign(EMPTY, "without texts")
    with pytest.raises(StepError, match="nothing is labelled"):
        session.tune(FakeTuner(), "t")
    session.log.assign([0, 1, 2], "card")
    with pytest.raises(StepError, match="'card' alone"):
        session.tune(FakeTuner(), "t")
    assert len(session.project.spaces()) == 1


def test_tuning_before_all_is_embedded(workspace: Workspace, project: Project) -> None:
    session = new_session(workspace, project)
    session.log.import_labels(["a", "b"] * 20)
    with pytest.raises(StepError, match="still being embedded"):
        session.tune(FakeTuner(), "t")


def test_a_tuner_gets_a_part_of_many_unlabelled_rows(workspace: Workspace) -> None:
    n_rows = TUNER_UNLABELLED_ROWS + 500
    project = workspace.create("many", make_dataset([f"t{row}" for row in range(n_rows)]), {})
    x = np.random.default_rng(0).normal(size=(n_rows, 3)).astype(np.float32)
    x[:, 0] = np.arange(n_rows)
    project.current.save_embeddings(x)
    session = new_session(workspace, project)
    session.log.assign(range(200), "a")
    session.log.assign(range(n_rows - 100, n_rows), "b")
    tuner = FakeTuner()
    space = session.tune(tuner, "t")
    rows = tuner.X[:, 0].astype(int)
    assert len(rows) == 300 + TUNER_UNLABELLED_ROWS
    assert len(np.unique(rows)) == len(rows)
    assert tuner.y.tolist() == session.log.names()[rows].tolist(), "every row with its own label"
    np.testing.assert_array_equal(np.asarray(space.embeddings)[:, 1:], x)


def tuner_like(space: Space) -> FeedForwardTuner:
    return FeedForwardTuner(steps=5, random_state=0)


def label_in_lassos(session: Worker, n_lassos: int = 2) -> None:
    for topic, name in enumerate(("card", "refund", "password")):
        rows = [row for row in FILLED if row % 3 == topic][:6]
        for lasso in range(n_lassos):
            session.log.assign(rows[lasso::n_lassos], name)


def test_evaluate_holds_out_lassos_and_is_kept_with_the_space(session: Worker) -> None:
    label_in_lassos(session)
    space = session.tune(tuner_like(session.project.current), "1")
    reports: list[tuple[int, int]] = []
    found = session.evaluate(space, tuner_like, on_progress=lambda *report: reports.append(report))
    assert found is not None
    assert (found.n_rows, found.n_groups) == (18, 6)
    assert list(found.figures) == ["0", "1"]
    assert found.neighbours_kept is not None
    assert 0 < found.neighbours_kept <= 1
    assert reports[-1] == (4, 4)
    again = session.project.space(space.id).settings["evaluation"]
    assert Evaluation.from_dict(again) == found


def test_evaluate_compares_with_the_space_that_the_map_shows(session: Worker) -> None:
    label_in_lassos(session)
    first, second = (session.tune(tuner_like(session.project.current), str(number)) for number in (1, 2))
    session.project.keep_space(first.id)
    session.project.show_space(first.id)
    found = session.evaluate(second, tuner_like)
    assert found is not None
    assert found.baseline == "1"
    assert set(found.figures) == {"0", "1", "2"}


def test_imported_labels_are_held_out_one_by_one_and_lassos_whole(session: Worker) -> None:
    session.log.import_labels([("card", "refund", None)[row % 3] if row < 12 else None for row in range(40)])
    session.log.assign([12, 15, 18], "card")
    session.log.assign([13, 16], "refund")
    space = session.tune(tuner_like(session.project.current), "1")
    found = session.evaluate(space, tuner_like)
    assert found is not None
    n_imported = sum(row % 3 < 2 for row in range(12) if row in FILLED)
    assert found.n_rows == n_imported + 5
    assert found.n_groups == n_imported + 2


def test_where_each_label_has_one_lasso_texts_are_held_out_and_it_is_said_to_flatter(session: Worker) -> None:
    label_in_lassos(session, n_lassos=1)
    space = session.tune(tuner_like(session.project.current), "1")
    found = session.evaluate(space, tuner_like)
    assert found is not None
    assert found.flatters
    assert (found.n_rows, found.n_groups) == (18, 18)
    assert set(found.counts) == {"card", "refund", "password"}
    assert Evaluation.from_dict(session.project.space(space.id).settings["evaluation"]).flatters


def test_what_is_one_lasso_by_how_the_labels_were_given(session: Worker) -> None:
    """A search, a suggestion, a key: an action each. A merge leaves them; what was split off is one of its own."""
    topics = [[row for row in FILLED if row % 3 == topic] for topic in range(3)]
    for number, topic in enumerate(topics):
        for part, by in enumerate(("search", "suggestion", "unlabelled")):
            session.selection.select(np.array(topic[3 * part : 3 * part + 3]), by)
            session.labelling.give(f"label {number}")
    space = session.tune(tuner_like(session.project.current), "1")
    found = session.evaluate(space, tuner_like)
    assert found is not None
    assert (found.n_rows, found.n_groups, found.flatters) == (27, 9, False)
    session.selection.select(np.array(topics[0][:2]), "box")
    session.labelling.split(0, "other")
    log = session.log
    log.merge(log.find("other").id, log.find("label 1").id)
    found = session.evaluate(space, tuner_like)
    assert found is not None
    assert (found.n_rows, found.n_groups, found.flatters) == (27, 10, False)
    assert found.counts == {"label 0": 7, "label 1": 11, "label 2": 9}
    for _ in range(2):
        session.labelling.undo()
    found = session.evaluate(space, tuner_like)
    assert found is not None
    assert (found.n_rows, found.n_groups) == (27, 9)


def test_rows_without_a_text_are_not_left_to_label(session: Worker) -> None:
    assert np.flatnonzero(~session.labels.with_text).tolist() == EMPTY
    assert np.flatnonzero(session.labels.unlabelled).tolist() == FILLED.tolist()
    session.log.import_labels(["a" if row in (5, 6) else "b" if row == 17 else None for row in range(40)])
    assert np.flatnonzero(session.labels.unlabelled).tolist() == FILLED[FILLED != 6].tolist()
    assert session.learnable().tolist() == [1, 0], "a text that is not there teaches nothing"
    assert not session.can_learn()
    assert "there is 'a' alone" in session.what_is_needed()


def test_a_session_from_before_texts_were_added_goes_on_with_what_it_has(workspace: Workspace, session: Worker) -> None:
    session.selection.select_unlabelled()
    session.search.look_for("words", "card")
    workspace.open(project_id := session.project.id).append(make_dataset(["a card more", "another"]))
    chosen = session.selection
    for step in (chosen.select_unlabelled, chosen.invert, chosen.back, chosen.deselect):
        step()
    session.search.look_for("words", "card")
    assert len(session.search.found.matches) == 40
    again = new_session(workspace, workspace.open(project_id))
    assert again.embed()
    view = again.map.look(again.project.current, "PCA")
    assert view.id != session.map.view.id, "a lasso that was drawn on the map before is of other rows"
    with pytest.raises(StepError, match="map has changed"):
        again.selection.draw(session.map.view.id, *all_of(session)[1:])
    again.selection.select_unlabelled()
    assert again.selection.rows.tolist() == [*FILLED, 40, 41]
    again.search.look_for("words", "card")
    assert np.flatnonzero(again.search.found.matches)[-1] == 40
    again.selection.deselect()
    again.selection.back()
    assert again.selection.rows.tolist() == [*FILLED, 40, 41]
    again.labelling.give("all")
    again.labelling.undo()
    assert again.log.n_labelled == 0


def test_an_evaluation_that_cannot_be_or_is_stopped_leaves_the_space(session: Worker) -> None:
    session.log.assign([0, 3], "card")
    session.log.assign([1, 4], "refund")
    space = session.tune(tuner_like(session.project.current), "1")
    with pytest.raises(TooFewLabels, match="two lassos each"):
        session.evaluate(space, tuner_like)
    session.log.undo()
    session.log.undo()
    label_in_lassos(session)
    stop = threading.Event()
    stop.set()
    assert session.evaluate(space, tuner_like, stop=stop) is None
    assert session.project.space(space.id).ready
    assert "evaluation" not in session.project.space(space.id).settings


def test_a_tuner_that_cannot_be_saved_leaves_no_space(session: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    session.log.import_labels(["a", "b"] * 20)

    def fail(self: FakeTuner, path: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(FakeTuner, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        session.tune(FakeTuner(), "t")
    assert [space.id for space in session.project.spaces()] == [0]


def test_with_a_real_tuner(session: Worker) -> None:
    from labelling.learning.tuners import FeedForwardTuner

    session.log.assign([row for row in FILLED if row % 3 == 0][:6], "card")
    session.log.assign([row for row in FILLED if row % 3 == 1][:6], "refund")
    space = session.tune(FeedForwardTuner(hidden_dim=8, steps=10, random_state=0), "Round 1")
    assert space.ready
    loaded = FeedForwardTuner.load(space.folder / "tuner.safetensors")
    x = np.asarray(session.project.current.embeddings)[FILLED]
    np.testing.assert_allclose(loaded.transform(x), np.asarray(space.embeddings)[FILLED], rtol=1e-5, atol=1e-6)
    json.dumps(dict(space.settings))


# ---------------------------------------------------------------- export


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("only_labelled", [False, True])
def test_export_row_by_row(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, kind: str, only_labelled: bool
) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    minutes = itertools.count()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return start + timedelta(minutes=next(minutes))

    monkeypatch.setattr("labelling.labels.writing.datetime", Clock)  # each action at a time of its own
    texts = [*TEXTS, "=1+1", 'quotes " and, commas', "two\nlines", "naïve 👩"]
    n = len(texts)
    data = make_dataset(texts, label=[f"old{row}" for row in range(n)], number=[str(7 * row) for row in range(n)])
    project = workspace.create("p", Dataset(data.frame, "text", "label"), {})
    session = new_session(workspace, project)
    session.embed()
    session.map.look(project.current, "PCA")
    session.log.import_labels([f"old{row}" if row % 5 == 0 else None for row in range(n)])
    session.selection.deselect()
    select_rows(session, [row for row in FILLED if row % 3 == 0])
    session.labelling.give("card")
    session.selection.draw(*all_of(session))
    session.labelling.give("rest <b>")
    session.labelling.undo()
    # Another tab's labels go out too.
    new_session(workspace, project).log.assign([1], "from another tab", how={"by": "box"})

    content = session.export(FORMATS[kind], only_labelled=only_labelled)
    frame = read_table(content, FORMATS[kind].tail).frame
    log = project.open_log()
    rows = [row for row in range(n) if not only_labelled or log.names()[row] is not None]
    assert len(frame) == len(rows)
    assert 0 < log.n_labelled < n
    sources = {"card": "lasso", "from another tab": "box"}
    records = [
        {name: None if pd.isna(cell) or cell == "" else cell for name, cell in record.items()}
        for record in frame.to_dict("records")
    ]
    for row, got in zip(rows, records, strict=True):
        name = log.names()[row]
        assert (got["text"] or "") == texts[row] or not texts[row].strip()
        assert got["original_label"] == f"old{row}"
        assert str(got["number"]) == str(7 * row)
        assert got["label"] == name
        assert got["source"] == (None if name is None else sources.get(name, "imported"))
        at = log.labelled_at()[row]
        if kind == PARQUET:
            assert got["labelled_at"] == (None if at is None else pd.Timestamp(at))
        else:
            assert got["labelled_at"] == (None if at is None else at.replace("+00:00", "Z"))


def test_preview_is_the_head_of_the_export(session: Worker) -> None:
    session.log.assign([3, 30], "a")
    assert session.preview(4)["label"].fillna("").tolist() == ["", "", "", "a"]
    assert session.preview(4, only_labelled=True)["text"].tolist() == [TEXTS[3], TEXTS[30]]
    assert session.preview(4, only_labelled=True)["labelled_at"].str.endswith("Z").all()
    for form in FORMATS.values():
        whole = form.read(session.export(form))
        pd.testing.assert_frame_equal(session.preview(4, form=form), whole.head(4))


def test_export_while_the_page_labels(session: Worker) -> None:
    errors: list[Exception] = []

    def download() -> None:
        try:
            for _ in range(10):
                frame = session.project.open_log()
                assert frame.n_labelled >= 0
                session.export()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=download)
    thread.start()
    for number in range(40):
        session.log.assign([number], f"label {number}")
    thread.join()
    assert errors == []
    assert [action.seq for action in session.log.actions] == list(range(1, 41))


# ---------------------------------------------------------------- yes, no and unknown for each label


@pytest.fixture
def multi_label(workspace: Workspace) -> Worker:
    session = new_session(workspace, workspace.create("several", make_dataset(), {}, multi_label=True))
    assert session.embed()
    assert session.map.look(session.project.current, "PCA")
    return session


def test_answers_for_the_label_in_focus(multi_label: Worker) -> None:
    assert multi_label.labels.focus is None
    select_rows(multi_label, [0, 1, 2])
    multi_label.labelling.give("card")
    select_rows(multi_label, [2, 3])
    assert multi_label.labelling.give("card", answer=NO).n_left == 1
    multi_label.labelling.give("late")
    assert multi_label.labels.focus.name == "card", "the first one, until another is chosen"
    multi_label.labels.focus_on(multi_label.log.find("late").id)
    assert multi_label.labels.focus.name == "late"
    assert multi_label.log.counts().tolist() == [3, 2]
    assert multi_label.log.counts(answer=NO).tolist() == [1, 0]
    multi_label.selection.select_unlabelled()
    assert set(multi_label.selection.rows) == set(FILLED) - {2, 3}, "what has no answer for the label in focus"
    multi_label.labelling.clear("card")
    assert multi_label.log.counts().tolist() == [1, 2]
    late = multi_label.log.find("late").id
    states = multi_label.labels.states()
    assert [states[3 * late], states[3 * late + 1], states[3 * late + 2]] == ["late: yes", "late: no", "late: unknown"]
    assert np.flatnonzero(multi_label.labels.filtered(Filter(labels=(3 * late,)))).tolist() == [2, 3]
    assert np.count_nonzero(multi_label.labels.filtered(Filter(labels=(-1,)))) == 38


def test_unknown_is_not_taken_for_no_by_a_tuner(multi_label: Worker) -> None:
    rows = [row for row in FILLED if row > 3]
    multi_label.log.assign(rows[:4], "card")
    multi_label.log.assign(rows[:2], "only yes")
    assert not multi_label.can_learn()
    with pytest.raises(StepError, match="some that are no: unknown is not taken for no"):
        multi_label.tune(FakeTuner(), "t")
    multi_label.log.assign(rows[4:6], "card", answer=NO)
    tuner = FakeTuner()
    space = multi_label.tune(tuner, "t")
    known = tuner.y["card"].to_numpy()
    assert tuner.y.columns.tolist() == ["card"], "a label without a no can't be learnt"
    assert (np.sum(known == 1), np.sum(known == 0)) == (4, 2)
    assert np.isnan(known).sum() == len(tuner.y) - 6
    assert space.settings["labels"] == {"card": 4}


def test_answers_are_exported(multi_label: Worker) -> None:
    multi_label.log.assign([0], "a")
    multi_label.log.assign([1], "a", answer=NO)
    lines = multi_label.export(FORMATS[JSONL]).decode().splitlines()
    assert [json.loads(line)["cats"] for line in lines[:3]] == [{"a": 1}, {"a": 0}, {}]
    table = read_table(multi_label.export(only_labelled=True), "a.csv").frame
    assert table["label: a"].tolist() == ["yes", "no"]


# ---------------------------------------------------------------- audits


def test_samples_to_read(session: Worker) -> None:
    session.log.assign([*FILLED[:20], *EMPTY], "a")
    rows = set(FILLED[:20])
    first = session.labelling.audit_sample(1, "random", 5)
    assert len(first) == 5
    assert set(first) < rows, "a row without a text can't be read"
    session.log.audit(1, first, first[:1], "random")
    rest = session.labelling.audit_sample(1, "random", 50, random_state=1)
    assert set(rest) == rows - set(first), "each is read once"
    far = session.labelling.audit_sample(1, "outlying", 3)
    x = np.asarray(session.project.current.embeddings)
    standing = np.array(sorted(rows - set(first[:1])))
    middle = x[standing].mean(axis=0)
    cosine = x[standing] @ middle / np.linalg.norm(x[standing], axis=1)
    unread = np.isin(standing, rest)
    assert far[0] in standing[unread]
    with pytest.raises(StepError, match="neighbour graph"):
        session.labelling.audit_sample(1, "edge", 3)
    assert cosine[standing.tolist().index(far[0])] <= np.sort(cosine[unread])[2] + 1e-6


def test_contradicted_are_those_whose_neighbours_have_another_label(session: Worker) -> None:
    graph = np.array([[(row + step) % 40 for step in range(1, 4)] for row in range(40)])
    session.project.current.save_graph(graph, np.ones((40, 3)))
    first, second = FILLED[:6], FILLED[6:12]
    session.log.assign(first, "a")
    session.log.assign(second, "b")
    found = session.labelling.audit_sample(1, "contradicted", 9)
    assert found.tolist() == [first[-1]], "alone all its next ones were labelled by another action"
    session.log.audit(1, found, [], "contradicted")
    assert session.labelling.audit_sample(1, "contradicted", 9).tolist() == []
    assert session.log.rightness() is None, "what was looked for tells nothing of the share"
    with pytest.raises(ValueError, match="random, contradicted, outlying, edge, got 'best'"):
        session.labelling.audit_sample(1, "best", 9)


def test_the_edge_has_the_fewest_of_its_neighbours_inside(session: Worker) -> None:
    graph = np.array([[(row + step) % 40 for step in range(1, 4)] for row in range(40)])
    session.project.current.save_graph(graph, np.ones((40, 3)))
    rows = [row for row in range(12) if row in FILLED]
    session.log.assign(rows, "a")
    assert session.labelling.audit_sample(1, "edge", 1)[0] == rows[-1], "whose next ones are all outside"


def test_what_was_drawn_round_but_is_hidden_is_counted(session: Worker) -> None:
    visible = np.zeros(40, bool)
    visible[FILLED[:10]] = True
    session.show_only(visible)
    _, kind, corners = all_of(session)
    session.selection.draw(session.map.id, kind, corners)
    assert (len(session.selection.rows), session.selection.n_hidden) == (10, 28)


# ---------------------------------------------------------------- classifiers


class FakeClassifier:
    """Guesses the first label for texts of an even number of words, the second for the others."""

    pretrained_ = False

    def fit(self, texts: list[str], y: np.ndarray, callback: Callable[..., bool], state_file: Path | None) -> None:
        self.texts, self.y = texts, y
        self.classes_ = np.unique(y.astype(str))
        self.went_on = callback(1, 2, 0.5, None)

    def predict_and_transform(self, texts: list[str], on_batch: Any = None) -> tuple[np.ndarray, np.ndarray]:
        n_words = np.array([len(text.split()) for text in texts])
        odd = (n_words % 2)[:, None]
        sure = np.where(n_words > 3, 0.95, 0.6)[:, None]
        return np.hstack([np.where(odd, 1 - sure, sure), np.where(odd, sure, 1 - sure)]), WordEncoder().encode(texts)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "made").touch()


def test_a_classifier_makes_a_space_and_suggestions(session: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    session.log.assign(FILLED[:6], "card")
    session.log.assign(FILLED[6:12], "refund")
    session.log.assign(EMPTY, "card")
    classifier = FakeClassifier()
    space = session.classify(classifier, "C", {"model": None})
    assert space is not None
    assert classifier.texts == [TEXTS[row] for row in FILLED[:12]]
    assert classifier.y.tolist() == ["card"] * 6 + ["refund"] * 6
    assert (space.kind, space.state) == ("TransformerClassifier", "candidate")
    assert space.settings["labels"] == {"card": 6, "refund": 6}
    assert space.ready
    assert space.has_map("PCA")
    found = space.suggestions
    assert found.classes == ("card", "refund")
    for row in FILLED:
        assert found.codes[row] == len(TEXTS[row].split()) % 2
    assert (found.codes[EMPTY] == -1).all()
    assert np.isnan(found.probability[EMPTY]).all()

    with pytest.raises(StepError, match="No classifier"):
        session.suggested.select("card", 0.9)  # it is not kept yet
    session.project.keep_space(space.id)
    session.suggested.select("refund", 0.9)
    wanted = [row for row in FILLED[12:] if found.codes[row] == 1 and found.probability[row] >= 0.9]
    assert wanted
    assert session.selection.rows.tolist() == wanted
    session.labelling.give("refund")
    assert session.log.actions[-1].source == "suggestion"
    how = session.log.how(session.log.seq)
    assert (how["classifier"], how["label"], how["at_least"], how["projection"]) == (space.id, "refund", 0.9, "PCA")

    # Added texts get their guesses, and their places among the others.
    monkeypatch.setattr(TransformerClassifier, "load", lambda folder: FakeClassifier())
    before = np.array(space.map("PCA"))
    session.project.append(make_dataset(["two words", "three more words"]))
    again = Worker(session.workspace, session.project, session.bench.encoder_for)
    assert again.suggested.space.suggestions is None, "not read yet"
    assert again.embed()
    found = again.suggested.space.suggestions
    assert found.codes[-2:].tolist() == [0, 1]
    np.testing.assert_array_equal(again.suggested.space.map("PCA")[:40], before)


def test_a_training_that_is_ended_or_has_too_few_labels_makes_nothing(session: Worker) -> None:
    with pytest.raises(StepError, match="A classifier needs at least two labels"):
        session.classify(FakeClassifier(), "C", {})
    session.log.assign(FILLED[:2], "card")
    session.log.assign(FILLED[2:4], "refund")
    classifier = FakeClassifier()
    assert session.classify(classifier, "C", {}, callback=lambda *_: False) is None
    assert classifier.went_on is False
    assert len(session.project.spaces()) == 1


@pytest.mark.slow
def test_a_classifier_learns_from_texts_where_the_vectors_were_brought_along(
    workspace: Workspace, project: Project, tiny_model: Path
) -> None:
    from labelling.encoders.precomputed import OwnVectors
    from labelling.learning.classifiers import TransformerClassifier

    vectors = np.random.default_rng(0).normal(size=(len(FILLED), 16)).astype(np.float32)  # as wide as the model's
    own = OwnVectors(16, lambda: vectors)
    session = Worker(workspace, workspace.open(project.id), lambda settings: own, vectors=own)
    assert session.embed()
    np.testing.assert_array_equal(np.asarray(session.project.spaces()[0].embeddings)[FILLED], vectors)
    session.log.assign(FILLED[:6], "card")
    session.log.assign(FILLED[6:12], "refund")
    classifier = TransformerClassifier(tiny_model, random_state=0)
    space = session.classify(classifier, "C", {})
    assert space is not None
    alone = TransformerClassifier(tiny_model, random_state=0)
    alone.fit([TEXTS[row] for row in FILLED[:12]], ["card"] * 6 + ["refund"] * 6)
    np.testing.assert_allclose(
        np.asarray(space.embeddings)[FILLED], alone.transform([TEXTS[row] for row in FILLED]), atol=1e-4
    )


def test_a_ready_classifier_needs_no_label(session: Worker) -> None:
    classifier = FakeClassifier()
    classifier.pretrained_, classifier.classes_ = True, np.array(["good", "bad"])
    space = session.classify(classifier, "ready", {})
    assert space.suggestions.classes == ("good", "bad")


def test_what_a_classifier_was_trained_on_is_not_held_out_in_its_space(session: Worker) -> None:
    session.log.assign(FILLED[:6], "card")
    session.log.assign(FILLED[6:12], "refund")
    space = session.classify(FakeClassifier(), "C", {})
    session.project.keep_space(space.id)
    session.project.show_space(space.id)
    tuned = session.tune(FakeTuner(), "t")
    asked: list[int] = []

    def tuner_for(each: Space) -> Any:
        asked.append(each.id)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        session.evaluate(tuned, tuner_for)
    assert asked == [tuned.id]
