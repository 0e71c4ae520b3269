"""Files to a store: complete and equal afterwards, whatever happened in between."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from labelling.dataset import ReadError
from labelling.encoders import EncoderError
from labelling.encoders.registry import encoder_for
from labelling.store import StoreError
from labelling.store.embedding import EmbedShard, embed
from labelling.store.store import Store
from labelling.store.work import Machines
from tests.conftest import save_tiny_model
from tests.helpers import ROOT
from tests.store.helpers import N_ROWS, SHARD_ROWS, embed_here, save_texts, stamps, whole

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def begin(tmp_path: Path, settings: dict[str, Any]) -> Callable[..., Store]:
    """`embed` into the folder "out", with what is given instead; in processes of its own where `machines` are."""

    def call(*files: Path, **given: Any) -> Store:
        how = {"text": "message", "encoder": settings, "shard_rows": SHARD_ROWS, **given}
        begun = embed if "machines" in given else embed_here
        return begun([str(file) for file in files], how.pop("folder", tmp_path / "out"), **how)

    return call


def test_each_row_that_has_a_text_with_its_vector(store: Store, texts_file: Path, settings: dict[str, Any]) -> None:
    texts = pd.read_csv(texts_file, keep_default_na=False)["message"].tolist()
    filled = [row for row, text in enumerate(texts) if text]
    found = whole(store)
    assert (store.n_rows, store.n_texts, len(store.shards)) == (N_ROWS, 900, 16)
    assert found.column("row").to_pylist() == filled
    assert found.column("text").to_pylist() == [texts[row] for row in filled]
    assert set(found.column("file").to_pylist()) == {0}
    assert len(set(found.column("key").to_pylist())) == len({texts[row] for row in filled})
    vectors = np.concatenate([shard.vectors() for shard in store.shards])
    assert vectors.dtype == np.float32
    expected = encoder_for(settings, Path()).encode([texts[row] for row in filled])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert not list(store.folder.rglob("*.tmp"))


@pytest.mark.slow
def test_any_number_of_processes_makes_the_same(begin: Callable[..., Store], store: Store, texts_file: Path) -> None:
    assert whole(begin(texts_file, machines=Machines(2))).equals(whole(store))


def test_half_of_the_bytes(begin: Callable[..., Store], store: Store, texts_file: Path) -> None:
    half = begin(texts_file, float16=True)
    for mine, theirs in zip(half.shards, store.shards, strict=True):
        assert mine.vectors().dtype == np.float16
        np.testing.assert_array_equal(mine.vectors(), theirs.vectors().astype(np.float16))
    with pytest.raises(StoreError, match="made with other numbers: 'float16', not 'float32'"):
        begin(texts_file)


def test_what_is_there_is_skipped_and_what_is_not_is_made(
    begin: Callable[..., Store], store: Store, texts_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(store.folder, tmp_path / "out")
    before, folder = stamps(tmp_path / "out"), tmp_path / "out" / "shards"
    begin(texts_file)
    assert stamps(tmp_path / "out") == before
    gone, cut, flipped = (folder / list(before)[number] for number in (1, 4, 8))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-100])
    (folder / "left.tmp").touch()
    again = begin(texts_file)
    after = stamps(tmp_path / "out")
    assert [name for name in before if after[name] != before[name]] == [gone.name, cut.name]
    assert not list(folder.glob("*.tmp"))
    assert whole(again).equals(whole(store))
    # A byte in the middle shows when the shard is read; then it is made anew.
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    with pytest.raises(StoreError, match=rf"{flipped.name} is damaged .*set aside.*made anew"):
        whole(again)
    with pytest.raises(StoreError, match=f"{flipped.name} is missing"):
        whole(again)
    assert whole(begin(texts_file)).equals(whole(store))


def test_texts_that_changed_and_a_file_that_grew_and_shrank(begin: Callable[..., Store], tmp_path: Path) -> None:
    path = tmp_path / "inbox.csv"
    texts = save_texts(path, 200)
    begin(path)
    before = stamps(tmp_path / "out")
    texts[70] = "another card"
    pd.DataFrame({"message": [*texts, "one more"]}).to_csv(path, index=False)
    grown = begin(path)
    after = stamps(tmp_path / "out")
    assert [name for name in before if after[name] != before[name]] == list(before)[1:2] + list(before)[3:]
    assert whole(grown).column("text").to_pylist() == [*filter(None, texts), "one more"]
    pd.DataFrame({"message": texts[:100]}).to_csv(path, index=False)
    shrunk = begin(path)
    assert whole(shrunk).column("text").to_pylist() == [*filter(None, texts[:100])]
    assert len(stamps(tmp_path / "out")) == 2


def test_files_are_added(begin: Callable[..., Store], tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.csv" for n in range(3)]
    texts = [save_texts(path, 80, seed) for seed, path in enumerate(paths)]
    begin(paths[0])
    before = stamps(tmp_path / "out")
    two = begin(*paths[1:])
    assert two.n_rows == 240
    assert {name: stamp for name, stamp in stamps(tmp_path / "out").items() if name in before} == before
    found = whole(two).to_pandas()
    for number, mine in enumerate(texts):
        assert found["text"][found["file"] == number].tolist() == [*filter(None, mine)]


@pytest.mark.parametrize("texts", [["one"], ["", " ", "\u3000"], ["same"] * 70, ["", "one", ""]])
def test_tiny_and_uniform_texts(begin: Callable[..., Store], tmp_path: Path, texts: list[str]) -> None:
    pd.DataFrame({"message": texts}).to_csv(tmp_path / "a.csv", index=False)
    made = begin(tmp_path / "a.csv")
    assert (made.n_rows, made.n_texts) == (len(texts), sum(bool(text.strip()) for text in texts))
    if texts[0] == "same":
        assert len(np.unique(np.concatenate([shard.vectors() for shard in made.shards]), axis=0)) == 1


def test_what_cannot_be_done_is_said_and_nothing_is_made(
    begin: Callable[..., Store], store: Store, texts_file: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    for encoder in ({"kind": "tfidf"}, {"kind": "endpoint", "model": "x"}):
        with pytest.raises(StoreError, match="encoder is a model"):
            begin(texts_file, encoder=encoder)
    with pytest.raises(EncoderError, match="/nowhere"):
        begin(texts_file, encoder={"model": "/nowhere/model"})
    with pytest.raises(ReadError, match="no column 'words'"):
        begin(texts_file, text="words")
    with pytest.raises(ReadError, match="There is no file"):
        begin(texts_file, tmp_path / "none.csv")
    assert not (tmp_path / "out").exists()
    with pytest.raises(StoreError, match="is no store, and is not empty"):
        begin(texts_file, folder=texts_file.parent)
    before = stamps(store.folder)
    other = {"model": str(save_tiny_model(tmp_path, seed=1))}
    for changed, what in (({"encoder": other}, "another encoder"), ({"shard_rows": 10}, "other rows in a shard")):
        with pytest.raises(StoreError, match=rf"made with {what}.*Nothing was changed"):
            begin(texts_file, folder=store.folder, **changed)
    assert stamps(store.folder) == before
    with pytest.raises(StoreError, match="There is no store"):
        Store(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="another one on this machine"):
        EmbedShard(settings, "0" * 64, "float32", str(tmp_path))


def test_a_manifest_that_is_damaged_or_newer(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.folder, tmp_path / "out")
    path = tmp_path / "out" / "store.json"
    said = json.loads(path.read_bytes())
    for content, message in (
        (path.read_bytes()[:50], "can't be read"),
        (b"[]", "can't be read"),
        (json.dumps({**said, "format": 2}).encode(), "is of format 2, this Corral reads 1"),
        (json.dumps({**said, "files": []}).encode(), "is not whole"),
    ):
        path.write_bytes(content)
        with pytest.raises(StoreError, match=message):
            Store(tmp_path / "out")


# ---------------------------------------------------------------- killed, in earnest

COMMAND = [sys.executable, "-m", "labelling.cli", "embed"]
N_MANY = 12_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "many.csv"
    save_texts(path, N_MANY)
    return path


@pytest.fixture(scope="module")
def expected(many: Path, settings: dict[str, Any]) -> Any:
    folder = many.parent / "expected"
    return whole(embed_here([str(many)], folder, text="message", encoder=settings, shard_rows=64))


@pytest.fixture
def started(many: Path, tmp_path: Path, settings: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """The command at its work on two processes, with ten shards done."""
    with subprocess.Popen(command(many, tmp_path, settings), cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        wait_until(lambda: len(done(tmp_path)) > 10)
        yield child
        child.kill()


def command(many: Path, folder: Path, settings: dict[str, Any], *more: str) -> list[str]:
    options = ["--text", "message", "--encoder", settings["model"], "--shard-rows", "64", "--workers", "2", *more]
    return [*COMMAND, str(many), "-o", str(folder / "out"), *options]


def done(folder: Path) -> list[Path]:
    return list((folder / "out" / "shards").glob("*.parquet"))


def wait_until(so: Callable[[], bool]) -> None:
    while not so():  # however busy the machine is: pytest's own limit ends a test that hangs
        time.sleep(0.01)


def workers_of(child: subprocess.Popen[str]) -> list[int]:
    children = Path(f"/proc/{child.pid}/task").glob("*/children")
    pids = [int(pid) for path in children for pid in path.read_text().split()]
    return [pid for pid in pids if b"labelling.store.work" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_worker_that_is_killed(started: subprocess.Popen[str], tmp_path: Path, expected: Any) -> None:
    pids = workers_of(started)
    assert len(pids) == 2
    os.kill(pids[0], signal.SIGKILL)
    assert started.wait() == 0
    assert whole(Store(tmp_path / "out")).equals(expected)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_driver_that_is_killed(
    started: subprocess.Popen[str], tmp_path: Path, expected: Any, many: Path, settings: dict[str, Any]
) -> None:
    pids = workers_of(started)
    started.kill()
    started.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    n_done = len(done(tmp_path))
    assert 10 < n_done < N_MANY // 64
    with pytest.raises(StoreError, match=re.escape(f"is not whole: {many} is not embedded to its end")):
        Store(tmp_path / "out")
    before = stamps(tmp_path / "out")
    subprocess.run(command(many, tmp_path, settings), cwd=ROOT, check=True)
    after = stamps(tmp_path / "out")
    assert all(after[name] == stamp for name, stamp in before.items())
    assert whole(Store(tmp_path / "out")).equals(expected)
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_second_one_at_work_is_told_of_the_first(begin: Callable[..., Store], store: Store, texts_file: Path) -> None:
    with FileLock(store.folder / "lock"), pytest.raises(StoreError, match="Another process is at work on the store"):
        begin(texts_file, folder=store.folder)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits are those of Unix")
def test_a_disk_that_fills_is_said_and_then_taken_up(
    tmp_path: Path, many: Path, settings: dict[str, Any], expected: Any
) -> None:
    """The system refuses to write more than a limit in each file: less than a shard of 1,000 rows takes."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    asked = [each if each != "64" else "1000" for each in command(many, tmp_path, settings)]
    full = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, preexec_fn=limited, check=False)
    assert full.returncode == 1, full.stderr
    assert "can't be written: the disk is full. What is there stays: make room" in full.stderr
    assert done(tmp_path) == []
    subprocess.run(asked, cwd=ROOT, check=True)
    assert whole(Store(tmp_path / "out")).drop_columns("vector").equals(expected.drop_columns("vector"))
