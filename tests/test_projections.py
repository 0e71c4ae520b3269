"""PCA, and UMAP in its child process."""

import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from sklearn.decomposition import PCA

from labelling import projections
from labelling.projections import UMAP_MIN_ROWS, ProjectionError, UmapProcess, pca


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


# ---------------------------------------------------------------- the child process, played by a quick double

# What it does hangs on n_neighbors; its "map" is twice the first two columns.
CHILD = """
import json, os, sys, time
from pathlib import Path
import numpy as np
for line in sys.stdin:
    request = json.loads(line)
    folder, what = Path(request["folder"]), request["n_neighbors"]
    print("epoch 0/10", flush=True)
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
        print("some library's chatter, epoch 1/2")
    print("epoch 10/10", flush=True)
    np.save(folder / "map.npy", 2 * np.load(folder / "embeddings.npy")[:, :2])
    print("done", flush=True)
"""


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[UmapProcess]:
    popen = subprocess.Popen
    monkeypatch.setattr(
        projections.subprocess, "Popen", lambda _command, **how: popen([sys.executable, "-c", CHILD], **how)
    )
    process = UmapProcess()
    yield process
    process.close()


def child_of(process: UmapProcess) -> int | None:
    return process._child.pid if process._child else None


X = embeddings(20)


def test_one_child_serves_map_after_map(double: UmapProcess) -> None:
    double.warm_up()
    child = child_of(double)
    for seed, what in ((1, 15), (2, 7), (3, 15)):
        x = embeddings(20, seed=seed)
        np.testing.assert_array_equal(double.fit_transform(x, n_neighbors=what), 2 * x[:, :2])
    double.warm_up()
    assert child_of(double) == child


def test_a_child_that_dies_is_an_error_and_the_next_map_gets_a_new_one(double: UmapProcess) -> None:
    with pytest.raises(ProjectionError, match="20 rows: its process ended with exit status 3"):
        double.fit_transform(X, n_neighbors=2)
    assert double.fit_transform(X) is not None
    double._child.kill()
    double._child.wait()
    assert double.fit_transform(X) is not None, "it may also die between two maps"


def test_a_map_that_fails_says_why(double: UmapProcess) -> None:
    with pytest.raises(ProjectionError, match="UMAP failed on 20 rows: ValueError: no luck"):
        double.fit_transform(X, n_neighbors=3)
    child = child_of(double)
    assert double.fit_transform(X) is not None
    assert child_of(double) == child, "it is warm, and goes on"


def test_stop_ends_a_map_and_the_next_one_works(double: UmapProcess) -> None:
    stop = threading.Event()

    def progress(done: int, total: int) -> None:
        stop.set()

    assert double.fit_transform(X, n_neighbors=4, on_progress=progress, stop=stop) is None
    np.testing.assert_array_equal(double.fit_transform(X), 2 * X[:, :2])


def test_a_stop_that_comes_late_leaves_other_peoples_maps_alone(double: UmapProcess) -> None:
    late = threading.Event()
    assert double.fit_transform(X, stop=late) is not None
    child = child_of(double)

    def progress(done: int, total: int) -> None:
        late.set()

    assert double.fit_transform(X, n_neighbors=6, on_progress=progress) is not None
    assert child_of(double) == child
    assert [thread for thread in threading.enumerate() if "kill" in thread.name] == []


def test_stop_while_waiting_for_another_map(double: UmapProcess) -> None:
    busy, end, stop = threading.Event(), threading.Event(), threading.Event()
    other = threading.Thread(
        target=lambda: double.fit_transform(X, n_neighbors=4, on_progress=lambda *_: busy.set(), stop=end)
    )
    other.start()
    assert busy.wait(30)
    stop.set()
    assert double.fit_transform(X, stop=stop) is None
    assert other.is_alive(), "the other map goes on"
    end.set()
    other.join()


def test_an_error_in_the_callback_does_not_spoil_the_next_map(double: UmapProcess) -> None:
    def progress(done: int, total: int) -> None:
        raise KeyError("the page is gone")

    with pytest.raises(KeyError):
        double.fit_transform(X, n_neighbors=6, on_progress=progress)
    x = embeddings(20, seed=5)
    np.testing.assert_array_equal(double.fit_transform(x), 2 * x[:, :2])


def test_maps_asked_for_at_once_do_not_mix(double: UmapProcess) -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        x = embeddings(20, seed=seed)
        if not np.array_equal(double.fit_transform(x), 2 * x[:, :2]):
            wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
