"""PCA, and UMAP in its child process."""

import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA

from labelling import projections
from labelling.projections import UMAP_MIN_ROWS, ProjectionError, UmapProcess, _umap_layout, nearest, pca, umap

pytestmark = pytest.mark.slow


def embeddings(n_rows: int, n_dims: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_rows, n_dims)).astype(np.float32)


# ---------------------------------------------------------------- PCA


@pytest.mark.parametrize("shape", [(200, 12), (8, 30), (12, 12), (50, 2), (3, 5)])
def test_pca_is_scikit_learns(shape: tuple[int, int]) -> None:
    x = embeddings(*shape)
    xy = pca(x)
    assert xy.dtype == np.float32
    np.testing.assert_allclose(xy, PCA(2, svd_solver="full").fit_transform(x), atol=1e-4)
    np.testing.assert_array_equal(pca(x), xy)


def test_rows_without_an_embedding_have_no_position_and_no_say() -> None:
    x = embeddings(60)
    with_gaps = np.full((90, 12), np.nan, np.float32)
    rows = np.sort(np.random.default_rng(1).choice(90, 60, replace=False))
    with_gaps[rows] = x
    xy = pca(with_gaps)
    np.testing.assert_allclose(xy[rows], pca(x), atol=1e-5)
    assert np.isnan(np.delete(xy, rows, axis=0)).all()


def test_a_row_that_is_half_filled_in_counts_as_missing() -> None:
    x = embeddings(30)
    x[7, 5:] = np.nan  # another thread is writing it
    xy = pca(x)
    assert np.isnan(xy[7]).all()
    assert np.isfinite(np.delete(xy, 7, axis=0)).all()


@pytest.mark.parametrize("n_rows", [1, 2, 3])
@pytest.mark.parametrize("n_dims", [1, 2, 12])
def test_few_rows_have_a_position_each(n_rows: int, n_dims: int) -> None:
    x = embeddings(n_rows, n_dims)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xy = pca(x)
    assert xy.shape == (n_rows, 2)
    assert np.isfinite(xy).all()
    assert len(np.unique(xy, axis=0)) == n_rows


@pytest.mark.parametrize("n_rows", [2, 5, 100])
def test_identical_texts_lie_on_one_spot(n_rows: int) -> None:
    x = np.repeat(embeddings(1), n_rows, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xy = pca(x)
    assert np.isfinite(xy).all()
    assert np.ptp(xy, axis=0).max() < 1e-3


@pytest.mark.parametrize("n_rows", [0, 1, 4])
def test_nothing_embedded_yet(n_rows: int) -> None:
    xy = pca(np.full((n_rows, 12), np.nan, np.float32))
    assert xy.shape == (n_rows, 2)
    assert np.isnan(xy).all()


def test_pca_leaves_its_input_alone() -> None:
    x = embeddings(20)
    x.flags.writeable = False  # such as a memory-mapped file
    pca(x)


# ---------------------------------------------------------------- UMAP itself


@pytest.fixture(scope="module")
def process() -> Iterator[UmapProcess]:
    process = UmapProcess()
    process.warm_up()
    yield process
    process.close()


def test_umap_parts_two_groups_keeps_gaps_and_is_seeded(process: UmapProcess) -> None:
    x = np.full((64, 12), np.nan, np.float32)
    x[:30] = embeddings(30) * 0.1
    x[34:] = embeddings(30) * 0.1 + 3
    told: list[tuple[int, int]] = []
    xy = process.fit_transform(x, init=pca(x), on_progress=lambda done, total: told.append((done, total)))
    assert xy is not None
    assert xy.shape == (64, 2)
    assert xy.dtype == np.float32
    assert np.isnan(xy[30:34]).all()
    assert np.isfinite(xy[:30]).all()
    assert np.isfinite(xy[34:]).all()
    one, two = xy[:30], xy[34:]
    apart = np.linalg.norm(one.mean(0) - two.mean(0))
    assert apart > 2 * max(one.std(), two.std())

    assert told
    assert all(0 <= done <= total for done, total in told)
    assert all(before[0] <= after[0] for before, after in pairwise(told))
    assert told[-1][0] == told[-1][1]

    np.testing.assert_array_equal(process.fit_transform(x, init=pca(x)), xy)
    assert not np.array_equal(process.fit_transform(x, init=pca(x), random_state=1), xy)


def test_umap_of_few_or_identical_texts(process: UmapProcess) -> None:
    few = embeddings(UMAP_MIN_ROWS)
    assert np.isfinite(process.fit_transform(few, init=pca(few))).all()
    same = np.repeat(embeddings(1), 40, axis=0)
    assert np.isfinite(process.fit_transform(same, init=pca(same))).all()
    assert np.isfinite(process.fit_transform(embeddings(40))).all(), "without a start: UMAP's own"


def test_too_few_rows_for_umap() -> None:
    x = np.full((100, 12), np.nan, np.float32)
    x[: UMAP_MIN_ROWS - 1] = embeddings(UMAP_MIN_ROWS - 1)
    with pytest.raises(ProjectionError, match="at least 16 texts, there are 15: use PCA"):
        UmapProcess().fit_transform(x)


# ---------------------------------------------------------------- neighbours


def nearest_by_hand(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    far = np.linalg.norm(x[:, None] - x[None].astype(float), axis=2)
    np.fill_diagonal(far, np.inf)
    near = np.argsort(far, axis=1)[:, :k]
    return near, np.take_along_axis(far, near, axis=1)


def test_neighbours_are_the_nearest_other_rows(process: UmapProcess) -> None:
    x = embeddings(70)
    told: list[tuple[int, int]] = []
    near, far = process.neighbours(x, n_neighbors=5, on_progress=lambda *now: told.append(now))
    wanted, distances = nearest_by_hand(x, 5)
    assert near.dtype == np.int32
    assert far.dtype == np.float32
    np.testing.assert_array_equal(near, wanted)
    np.testing.assert_allclose(far, distances, rtol=1e-5)
    assert told[-1] == (70, 70)


def test_neighbours_count_rows_with_gaps_and_leave_the_gaps_out(process: UmapProcess) -> None:
    x = embeddings(40)
    gaps = np.array([0, 7, 8, 39])
    x[gaps] = np.nan
    near, far = process.neighbours(x)
    assert near.shape == (40, 15)
    assert (near[gaps] == -1).all()
    assert np.isnan(far[gaps]).all()
    rows = np.delete(np.arange(40), gaps)
    np.testing.assert_array_equal(near[rows], rows[nearest_by_hand(x[rows], 15)[0]])


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3])
def test_few_rows_have_few_neighbours(process: UmapProcess, n_rows: int) -> None:
    x = np.full((5, 12), np.nan, np.float32)
    x[:n_rows] = embeddings(n_rows)
    near, far = process.neighbours(x)
    assert near.shape == far.shape == (5, max(0, n_rows - 1))
    for row in range(n_rows):
        assert sorted(near[row]) == [other for other in range(n_rows) if other != row]
    assert (near[n_rows:] == -1).all()


@pytest.mark.parametrize("exact", [True, False])
def test_a_row_is_never_its_own_neighbour(monkeypatch: pytest.MonkeyPatch, exact: bool) -> None:
    if not exact:
        monkeypatch.setattr(nearest, "EXACT_BELOW", 0)
    x = embeddings(400)
    x[:60] = x[0]  # more copies than a row has neighbours
    near, far = nearest.neighbours(x, None, 8, 0, lambda *_: None)
    assert near.shape == far.shape == (400, 8)
    assert not (near == np.arange(400)[:, None]).any()
    assert (near[:60][near[:60] >= 0] < 60).all()
    assert np.nanmax(far[:60]) < 1e-3
    right = np.isclose(far[60:], nearest_by_hand(x, 8)[1][60:], rtol=1e-4)
    assert right.mean() > (0.999 if exact else 0.95)


def test_the_quick_search_tells_how_far_it_is_and_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "EXACT_BELOW", 0)
    told: list[tuple[int, int]] = []
    x = embeddings(500)
    found = nearest.neighbours(x, None, 8, 0, lambda *now: told.append(now))
    assert len(told) > 1
    assert all(0 <= done <= total for done, total in told)
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    again = nearest.neighbours(x, None, 8, 0, lambda *now: None)
    np.testing.assert_array_equal(again[0], found[0])
    np.testing.assert_array_equal(again[1], found[1])


def test_another_process_finds_compiled_what_takes_a_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "EXACT_BELOW", 0)
    nearest.neighbours(embeddings(40), None, 8, 0, lambda *_: None)
    code = """if True:
        import numpy as np
        from pynndescent import distances, pynndescent_, utils
        from labelling.projections import nearest

        nearest.keep_compiled()
        x, random = np.zeros((40, 12), np.float32), np.array([12345, 67890, 13579])
        distance = distances.fast_distance_alternatives["euclidean"]["dist"]
        pynndescent_.init_random(9, x, utils.make_heap(40, 9), distance, random)
        stats = pynndescent_.init_random.stats
        print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "0"]


def test_the_quick_search_is_compiled_once_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    process = UmapProcess()
    assert not process.compiles_first(19_999)
    assert process.compiles_first(20_000)
    monkeypatch.setattr("labelling.projections.umap.EXACT_BELOW", 0)  # the child goes by its own
    assert process.neighbours(embeddings(40)) is not None
    assert not process.compiles_first(20_000)
    process.close()
    assert process.compiles_first(20_000)


# ---------------------------------------------------------------- the layout


def groups(n_rows: int, n_groups: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.arange(n_rows) % n_groups
    return (rng.normal(size=(n_groups, 12))[group] * 3 + rng.normal(size=(n_rows, 12))).astype(np.float32), group


def kept(x: np.ndarray, xy: np.ndarray, k: int = 10) -> float:
    """The share of the k nearest that are so on the map."""
    pairs = zip(nearest_by_hand(x, k)[0], nearest_by_hand(xy, k)[0], strict=True)
    return float(np.mean([len(np.intersect1d(*pair)) / k for pair in pairs]))


def test_the_map_keeps_neighbours_as_umap_learn_does(process: UmapProcess) -> None:
    import umap

    x, _ = groups(300, 6)
    theirs = umap.UMAP(random_state=0, n_jobs=1).fit_transform(x)
    ours = process.fit_transform(x)
    assert kept(x, ours) > kept(x, theirs) - 0.05


def test_a_graph_made_before_gives_the_same_map(process: UmapProcess) -> None:
    x, _ = groups(80, 3)
    x[[3, 50]] = np.nan
    graph = process.neighbours(x)
    xy = process.fit_transform(x, init=pca(x), neighbours=graph)
    np.testing.assert_array_equal(xy, process.fit_transform(x, init=pca(x)))
    before = [part.copy() for part in graph]
    process.fit_transform(x, neighbours=graph)
    for part, was in zip(graph, before, strict=True):
        np.testing.assert_array_equal(part, was)


def test_the_map_is_the_same_for_any_number_of_threads() -> None:
    import numba

    x, _ = groups(120, 3)
    graph = nearest.neighbours(x, None, 15, 0, lambda *_: None)
    maps = []
    for n_threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(n_threads)
        xy = _umap_layout.scaled(x[:, :2], 0)
        how: dict[str, Any] = {"min_dist": 0.1, "n_epochs": 50, "alpha": 1.0, "random_state": 3}
        maps.append(_umap_layout.layout(xy, np.arange(120), *graph, report=lambda *_: None, **how))
    np.testing.assert_array_equal(*maps)


@pytest.mark.parametrize("known", [0, 1, 40, 78])
def test_a_start_with_gaps(process: UmapProcess, known: int) -> None:
    x, group = groups(80, 2)
    x[5] = np.nan
    init = pca(x)
    init[known:] = np.nan
    xy = process.fit_transform(x, init=init)
    present = np.arange(80) != 5
    assert np.isnan(xy[5]).all()
    assert np.isfinite(xy[present]).all()
    one, two = xy[present & (group == 0)], xy[present & (group == 1)]
    assert np.linalg.norm(one.mean(0) - two.mean(0)) > max(one.std(0).max(), two.std(0).max())


@pytest.mark.parametrize("min_dist", [0.0, 0.5, 0.99])
def test_other_least_distances(process: UmapProcess, min_dist: float) -> None:
    x, _ = groups(60, 2)
    assert np.isfinite(process.fit_transform(x, min_dist=min_dist)).all()


def test_many_rows_begin_with_a_sample(process: UmapProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(umap, "SAMPLE_ROWS", 120)
    x, group = groups(400, 4)
    x[[0, 300]] = np.nan
    x[310:340] = x[310]  # copies have only each other for neighbours, and perhaps none of them is in the sample
    group[310:340] = group[310]
    told: list[tuple[int, int]] = []
    xy = process.fit_transform(x, on_progress=lambda *now: told.append(now))
    present = ~np.isnan(x[:, 0])
    np.testing.assert_array_equal(np.isnan(xy).any(axis=1), ~present)
    nearest = nearest_by_hand(xy[present], 5)[0]
    assert (group[present][nearest] == group[present][:, None]).mean() > 0.95
    assert told == sorted(told)
    assert len({total for _, total in told}) == 1
    assert told[-1][0] == told[-1][1]
    np.testing.assert_array_equal(process.fit_transform(x, neighbours=process.neighbours(x)), xy)


def test_arrays_of_other_rows_are_refused(process: UmapProcess) -> None:
    x, _ = groups(40, 2)
    graph = process.neighbours(x[:30])
    with pytest.raises(ValueError, match="of 40 rows, what came with them of 30"):
        process.fit_transform(x, neighbours=graph)
    with pytest.raises(ValueError, match="of 40 rows, what came with them of 30"):
        process.place(x, pca(x[:30]))


# ---------------------------------------------------------------- maps that lie like the one before


def turned(xy: np.ndarray, angle: float, mirrored: bool) -> np.ndarray:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (xy @ turn * ([1, -1] if mirrored else [1, 1]) + [30, -4]).astype(np.float32)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 1.0, 3.0])
def test_align_undoes_a_turn_and_a_mirror(angle: float, mirrored: bool) -> None:
    to = embeddings(50, 2)
    to[3] = np.nan
    xy = turned(embeddings(50, 2), angle, mirrored)
    xy[9] = np.nan
    aligned = projections.align(xy, to)
    assert aligned.dtype == np.float32
    both = np.delete(np.arange(50), [3, 9])
    np.testing.assert_allclose(aligned[both], to[both], atol=1e-4)
    assert np.isnan(aligned[9]).all()
    np.testing.assert_allclose(aligned[3], embeddings(50, 2)[3], atol=1e-4, err_msg="it goes with the others")


def test_align_keeps_the_scale() -> None:
    to = embeddings(50, 2)
    aligned = projections.align(turned(7 * to, 2.0, True), to)
    np.testing.assert_allclose(aligned.mean(axis=0), to.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(aligned - aligned.mean(axis=0), 7 * (to - to.mean(axis=0)), atol=1e-3)


@pytest.mark.parametrize("n_common", [0, 1])
def test_align_leaves_a_map_that_shares_nothing(n_common: int) -> None:
    xy, to = embeddings(20, 2), np.full((20, 2), np.nan, np.float32)
    to[:n_common] = 4
    np.testing.assert_array_equal(projections.align(xy, to), xy)


@pytest.mark.parametrize("n_dims", [6, 80])
def test_rows_that_come_later_lie_where_the_components_put_them(n_dims: int) -> None:
    x = embeddings(60, n_dims)
    x[3] = x[55] = np.nan
    known = np.setdiff1d(np.arange(50), [3])
    model = PCA(2).fit(x[known])
    turned = model.transform(np.nan_to_num(x))[:, ::-1] * [1, -1] + [5, 7]  # as a map before it may have lain
    xy = np.full((60, 2), np.nan, np.float32)
    xy[known] = turned[known]
    found = projections.extend_pca(xy, x)
    np.testing.assert_array_equal(found[:50], xy[:50])
    assert np.isnan(found[55]).all()
    later = [row for row in range(50, 60) if row != 55]
    np.testing.assert_allclose(found[later], turned[later], atol=1e-3)
    assert np.isnan(xy[50:]).all(), "its input stays as it was"


def test_no_row_has_a_place_that_others_could_follow() -> None:
    nowhere = np.full((5, 2), np.nan, np.float32)
    assert np.isnan(projections.extend_pca(nowhere, embeddings(5))).all()


def test_place_puts_a_row_between_its_neighbours_and_nearer_to_the_nearer() -> None:
    xy = np.array([[0, 0], [10, 0], [np.nan, 1], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2], np.float32)
    near = np.array([[1, 2], [0, 2], [0, 1], [2, -1], [5, -1], [4, -1]], np.int32)
    far = np.array([[1, 1], [1, 1], [1, 2], [1, np.nan], [1, np.nan], [1, np.nan]], np.float32)
    given = xy.copy()
    placed = projections.place(xy, near, far)
    np.testing.assert_array_equal(xy, given)
    np.testing.assert_array_equal(placed[:2], xy[:2])
    assert 0 < placed[2, 0] < 5
    assert placed[2, 1] == 0
    np.testing.assert_array_equal(placed[3], placed[2])
    assert np.isnan(placed[4:]).all(), "they know only each other"


def test_new_rows_come_to_their_group_and_the_others_stay(process: UmapProcess) -> None:
    x, group = groups(150, 3)
    old = np.arange(150) < 90
    x[[4, 120]] = np.nan
    xy = process.fit_transform(np.where(old[:, None], x, np.nan))
    told: list[tuple[int, int]] = []
    placed = process.place(x, xy, on_progress=lambda *now: told.append(now))
    np.testing.assert_array_equal(placed[old], xy[old])
    assert placed.dtype == np.float32
    assert np.isnan(placed[[4, 120]]).all()
    new = np.flatnonzero(~old & (np.arange(150) != 120))
    centres = np.array([np.nanmean(xy[old & (group == i)], axis=0) for i in range(3)])
    nearest = np.linalg.norm(placed[new, None] - centres, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, group[new])
    assert told[-1][0] == told[-1][1]
    np.testing.assert_array_equal(process.place(x, xy), placed)
    np.testing.assert_array_equal(process.place(x, placed), placed, err_msg="nothing is new")


def test_copies_of_a_new_text_have_a_place(process: UmapProcess) -> None:
    x, group = groups(100, 2)
    x[60:] = x[0] + 0.5
    xy = process.fit_transform(x)
    xy[60:] = np.nan
    placed = process.place(x, xy)
    np.testing.assert_array_equal(placed[:60], xy[:60])
    ours, others = (np.median(xy[:60][group[:60] == i], axis=0) for i in (0, 1))
    assert (np.linalg.norm(placed[60:] - ours, axis=1) < np.linalg.norm(placed[60:] - others, axis=1)).all()


def test_nowhere_to_place_a_row() -> None:
    with pytest.raises(ProjectionError, match="No row has a position"):
        UmapProcess().place(X, np.full((20, 2), np.nan))


# ---------------------------------------------------------------- the child process, played by a quick double

# What it does hangs on n_neighbors, in a layout on min_dist; its "map" is twice what it starts from.
CHILD = """
import json, os, sys, time
from pathlib import Path
import numpy as np
for line in sys.stdin:
    request = json.loads(line)
    folder, what = Path(request["folder"]), request.get("n_neighbors", request.get("min_dist"))
    print("progress 0/10", flush=True)
    if what == 2:
        os._exit(3)
    if what == 3:
        print("failed ValueError: no luck", flush=True)
        continue
    if what == 4:
        time.sleep(60)
    if what == 6:
        time.sleep(0.6)
    if what == 7:
        print("some library's chatter, progress 1/2")
    print("progress 10/10", flush=True)
    if request["task"] == "neighbours":
        n = len(np.load(folder / "embeddings.npy"))
        np.save(folder / "near.npy", np.tile(np.arange(what, dtype=np.int32), (n, 1)))
        np.save(folder / "far.npy", np.zeros((n, what), np.float32))
    else:
        np.save(folder / "map.npy", 2 * np.load(folder / "xy.npy"))
    print("done", flush=True)
"""


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[UmapProcess]:
    popen = subprocess.Popen
    monkeypatch.setattr(umap.subprocess, "Popen", lambda _command, **how: popen([sys.executable, "-c", CHILD], **how))
    process = UmapProcess()
    yield process
    process.close()


def child_of(process: UmapProcess) -> int | None:
    return process._child.pid if process._child else None


X = embeddings(20)
GRAPH = (np.zeros((20, 1), np.int32), np.ones((20, 1), np.float32))


def fit(process: UmapProcess, what: float = 15, x: np.ndarray = X, **how: Any) -> np.ndarray | None:
    return process.fit_transform(x, init=x[:, :2], neighbours=GRAPH, min_dist=what, **how)


def test_one_child_serves_map_after_map(double: UmapProcess) -> None:
    double.warm_up()
    child = child_of(double)
    for seed, what in ((1, 15), (2, 7), (3, 15)):
        x = embeddings(20, seed=seed)
        np.testing.assert_array_equal(fit(double, what, x), 2 * x[:, :2])
        assert double.neighbours(x, n_neighbors=what)[0].shape == (20, what)
    double.warm_up()
    assert child_of(double) == child


def test_a_child_that_dies_is_an_error_and_the_next_map_gets_a_new_one(double: UmapProcess) -> None:
    with pytest.raises(ProjectionError, match="20 rows: its process ended with exit status 3"):
        fit(double, 2)
    with pytest.raises(ProjectionError, match="20 rows: its process ended with exit status 3"):
        double.neighbours(X, n_neighbors=2)
    assert fit(double) is not None
    double._child.kill()
    double._child.wait()
    assert fit(double) is not None, "it may also die between two maps"


def test_a_child_that_the_system_kills_at_work_is_given_one_more_try(double: UmapProcess) -> None:
    kills = []

    def kill(*_progress: int) -> None:
        if len(kills) < n_kills:
            kills.append(child_of(double))
            double._child.kill()

    n_kills = 1
    assert fit(double, 6, on_progress=kill) is not None
    assert kills[0] != child_of(double)
    kills.clear()
    n_kills = 2
    with pytest.raises(ProjectionError, match="its process ended with exit status -9"):
        fit(double, 6, on_progress=kill)
    assert len(set(kills)) == 2
    assert fit(double) is not None


def test_a_map_that_fails_says_why(double: UmapProcess) -> None:
    with pytest.raises(ProjectionError, match="UMAP failed on 20 rows: ValueError: no luck"):
        fit(double, 3)
    child = child_of(double)
    assert fit(double) is not None
    assert child_of(double) == child, "it is warm, and goes on"


@pytest.mark.parametrize("task", ["neighbours", "layout", "both", "place"])
def test_stop_ends_the_work_and_the_next_map_works(double: UmapProcess, task: str) -> None:
    stop = threading.Event()
    how: dict[str, Any] = {"on_progress": lambda *_: stop.set(), "stop": stop}
    if task == "neighbours":
        assert double.neighbours(X, n_neighbors=4, **how) is None
    elif task == "layout":
        assert fit(double, 4, **how) is None
    else:  # the search for neighbours within them
        threading.Timer(0.5, stop.set).start()
        if task == "both":
            assert double.fit_transform(X, n_neighbors=4, stop=stop) is None
        else:
            xy = np.where(np.arange(20)[:, None] < 10, X[:, :2], np.nan)
            assert double.place(X, xy, n_neighbors=4, stop=stop) is None
    np.testing.assert_array_equal(fit(double), 2 * X[:, :2])


@pytest.mark.parametrize("when", [0, 1])
def test_stop_ends_both_parts_of_a_map_of_many_rows(
    double: UmapProcess, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    monkeypatch.setattr(umap, "SAMPLE_ROWS", 10)
    stop, told = threading.Event(), []

    def progress(done: int, total: int) -> None:
        told.append(done)
        if len(told) > 2 * when:
            stop.set()

    assert fit(double, 6, on_progress=progress, stop=stop) is None
    assert fit(double) is not None


def test_a_stop_that_comes_late_leaves_other_peoples_maps_alone(double: UmapProcess) -> None:
    late = threading.Event()
    assert fit(double, stop=late) is not None
    child = child_of(double)

    def progress(done: int, total: int) -> None:
        late.set()

    assert fit(double, 6, on_progress=progress) is not None
    assert child_of(double) == child
    assert [thread for thread in threading.enumerate() if "kill" in thread.name] == []


def test_stop_while_waiting_for_another_map(double: UmapProcess) -> None:
    busy, end, stop = threading.Event(), threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: fit(double, 4, on_progress=lambda *_: busy.set(), stop=end))
    other.start()
    assert busy.wait(30)
    stop.set()
    assert fit(double, stop=stop) is None
    assert double.neighbours(X, stop=stop) is None
    assert other.is_alive(), "the other map goes on"
    end.set()
    other.join()


def test_an_error_in_the_callback_does_not_spoil_the_next_map(double: UmapProcess) -> None:
    def progress(done: int, total: int) -> None:
        raise KeyError("the page is gone")

    with pytest.raises(KeyError):
        fit(double, 6, on_progress=progress)
    x = embeddings(20, seed=5)
    np.testing.assert_array_equal(fit(double, x=x), 2 * x[:, :2])


def test_maps_asked_for_at_once_do_not_mix(double: UmapProcess) -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        x = embeddings(20, seed=seed)
        if not np.array_equal(fit(double, x=x), 2 * x[:, :2]):
            wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
