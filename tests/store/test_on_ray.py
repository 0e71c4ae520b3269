"""The same on a real Ray of this machine, with two workers; skipped where it is not installed."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelling.store import StoreError
from labelling.store.embedding import embed
from labelling.store.store import Store
from labelling.store.work import Machines
from tests.helpers import ROOT
from tests.store.helpers import SHARD_ROWS, save_texts, whole

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
HEAD = """
import time, ray
print(ray.init("local", include_dashboard=False, num_cpus=2).address_info["gcs_address"], flush=True)
time.sleep(600)
"""
ON_RAY = Machines(workers=2, ray="local")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    ray.shutdown()


def test_two_workers_make_the_same(store: Store, texts_file: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    how: dict[str, Any] = {"text": "message", "encoder": settings, "shard_rows": SHARD_ROWS, "machines": ON_RAY}
    made = embed([str(texts_file)], tmp_path / "out", **how)
    assert whole(made).equals(whole(store))
    path = made.shards[3].path
    path.write_bytes(path.read_bytes()[:-50])
    assert whole(embed([str(texts_file)], tmp_path / "out", **how)).equals(whole(store))
    with pytest.raises(StoreError, match="The cluster has 0 GPUs, a worker asks for 1"):
        embed([str(texts_file)], tmp_path / "gpu", **{**how, "machines": Machines(2, "local", 1)})


def test_no_cluster_there(texts_file: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    nowhere = Machines(2, "127.0.0.1:1")
    with pytest.raises(StoreError, match=re.escape("There is no Ray cluster at 127.0.0.1:1: ")):
        embed([str(texts_file)], tmp_path / "out", text="message", encoder=settings, machines=nowhere)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_worker_and_then_the_driver_are_killed(tmp_path: Path, settings: dict[str, Any]) -> None:
    save_texts(tmp_path / "many.csv", 20_000)
    how: dict[str, Any] = {"text": "message", "encoder": settings, "shard_rows": 64}
    expected = embed([str(tmp_path / "many.csv")], tmp_path / "expected", **how, machines=Machines(1))
    options = ["--text", "message", "--encoder", settings["model"], "--shard-rows", "64", "--workers", "2"]
    command = [sys.executable, "-m", "labelling.cli", "embed", str(tmp_path / "many.csv"), "-o", str(tmp_path / "out")]
    command += [*options, "--ray", "local"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as driver:
        before = actors(tmp_path, driver, 10)
        os.kill(before[0], signal.SIGKILL)
        after = actors(tmp_path, driver, 60)
        assert len(set(after) - set(before)) == 1, "another one has taken its place"
        driver.kill()
        driver.wait()
    wait_until(lambda: not [pid for pid in after if Path(f"/proc/{pid}/cmdline").exists() and is_actor(pid)])
    n_done = len(list((tmp_path / "out" / "shards").glob("*.parquet")))
    assert 60 < n_done < 313
    with pytest.raises(StoreError, match="is not whole"):
        Store(tmp_path / "out")
    stamps = {path: path.stat().st_ino for path in (tmp_path / "out" / "shards").glob("*.parquet")}
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    assert all(path.stat().st_ino == inode for path, inode in stamps.items())
    assert whole(Store(tmp_path / "out")).equals(whole(expected))


def test_a_cluster_that_goes_away(tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray ends the driver a minute later, and says why. What was done is taken up."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # of this cluster, for whoever joins it
    save_texts(tmp_path / "many.csv", 20_000)
    how: dict[str, Any] = {"text": "message", "encoder": settings, "shard_rows": 64}
    options = ["--text", "message", "--encoder", settings["model"], "--shard-rows", "64", "--workers", "2"]
    command = [sys.executable, "-m", "labelling.cli", "embed", str(tmp_path / "many.csv"), "-o", str(tmp_path / "out")]
    with subprocess.Popen([sys.executable, "-c", HEAD], stdout=subprocess.PIPE, text=True, cwd=ROOT) as head:
        assert head.stdout
        address = head.stdout.readline().strip()
        with subprocess.Popen([*command, *options, "--ray", address], cwd=ROOT, stderr=subprocess.PIPE) as driver:
            actors(tmp_path, driver, 10)
            head.terminate()
            head.wait()
            assert driver.wait(120) != 0
            assert driver.stderr
            said = driver.stderr.read().decode(errors="replace")
    assert "Failed to connect to GCS" in said or "does not answer" in said, said
    here = embed([str(tmp_path / "many.csv")], tmp_path / "out", **how, machines=Machines(1))
    expected = embed([str(tmp_path / "many.csv")], tmp_path / "expected", **how, machines=Machines(1))
    assert whole(here).equals(whole(expected))


def actors(folder: Path, driver: subprocess.Popen[Any], n_shards: int) -> list[int]:
    """The processes of the two actors, once so many shards are there."""
    wait_until(lambda: len(list((folder / "out" / "shards").glob("*.parquet"))) > n_shards)
    wait_until(lambda: len(found()) == 2)
    assert driver.poll() is None
    return found()


def found() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and is_actor(int(path.name))]


def is_actor(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::Actor")
    except OSError:
        return False


def wait_until(so: Any, n_seconds: int = 120) -> None:
    until = time.monotonic() + n_seconds
    while not so():
        assert time.monotonic() < until
        time.sleep(0.01)
