"""Work on a real Ray of this machine, one for all tests here, with two workers; skipped where it is not installed.

What is waited for is there, or there will be an error: how long this machine takes says nothing. Ray has limits of its
own for how long its processes take to begin, which a busy machine doesn't keep: here they are far away.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from labelling.store import StoreError
from labelling.store.embedding import embed
from labelling.store.store import Store
from labelling.store.work import Machines
from tests.helpers import ROOT
from tests.store.helpers import SHARD_ROWS, Waits, done, embed_here, save_texts, stamps, whole

if find_spec("ray") is None:
    pytest.skip("Ray is not installed", allow_module_level=True)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
os.environ.update(  # Ray reads them when it is imported
    RAY_AUTH_MODE="token",
    RAY_AUTH_TOKEN=secrets.token_hex(32),  # of this cluster, for whoever joins it
    RAY_raylet_start_wait_time_s="600",
    RAY_worker_register_timeout_seconds="600",
    RAY_gcs_server_request_timeout_seconds="600",
    RAY_health_check_failure_threshold="100",
)
ON_RAY = Machines(workers=2, ray="local")
DRIVER = """
import json, sys
from labelling.store.work import Machines, run
folder, address, job = json.loads(sys.argv[1])
list(run(job, {"folder": folder}, (({"number": n}, b"") for n in range(2)), Machines(2, address)))
"""


def test_no_cluster_there(texts_file: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    nowhere = Machines(2, "127.0.0.1:1")
    with pytest.raises(StoreError, match=re.escape("There is no Ray cluster at 127.0.0.1:1: ")):
        embed([str(texts_file)], tmp_path / "out", text="message", encoder=settings, machines=nowhere)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the cluster that "local" has begun, for the tests that come first here."""
    import ray

    assert done(tmp_path_factory.mktemp("nothing"), 0, 0, ON_RAY) == []
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


def test_two_workers_make_the_same(
    cluster: str, store: Store, texts_file: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    how: dict[str, Any] = {"text": "message", "encoder": settings, "shard_rows": SHARD_ROWS}
    made = embed([str(texts_file)], tmp_path / "out", **how, machines=ON_RAY)
    assert whole(made).equals(whole(store))
    with pytest.raises(StoreError, match="The cluster has 0 GPUs, a worker asks for 1"):
        embed([str(texts_file)], tmp_path / "gpu", **how, machines=Machines(2, "local", 1))


def test_each_part_is_done_once_whoever_dies(cluster: str, tmp_path: Path) -> None:
    found = done(tmp_path, 20, 2, ON_RAY)
    assert sorted((each["number"], each["length"]) for each in found) == [(2 * n, n) for n in range(20)]
    assert len(list(tmp_path.iterdir())) == 2
    assert len({each["pid"] for each in found}) >= 2


def test_a_part_that_always_ends_its_process_is_said(cluster: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"'number': 3.*ended its process 3 times"):
        done(tmp_path, 20, 9, ON_RAY)
    assert len(list(tmp_path.iterdir())) == 3


def begun(folder: Path, cluster: str, **environment: str) -> tuple[subprocess.Popen[str], list[Path]]:
    """A driver of the cluster's whose two workers are at work, and their processes."""
    asked = json.dumps([str(folder), cluster, f"{Waits.__module__}:{Waits.__name__}"])
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, asked],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(there := list(folder.iterdir())) < 2:
        if driver.poll() is not None:
            raise AssertionError(driver.communicate()[1])
        time.sleep(0.01)
    return driver, [Path("/proc") / path.name for path in there]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_the_workers_of_a_driver_that_is_killed_end(cluster: str, tmp_path: Path) -> None:
    driver, workers = begun(tmp_path, cluster)
    with driver:
        assert all(worker.exists() for worker in workers)
        driver.kill()
    while any(worker.exists() for worker in workers):
        time.sleep(0.01)


def test_a_store_whose_driver_was_killed_is_made_whole(cluster: str, tmp_path: Path, settings: dict[str, Any]) -> None:
    """What was done is kept; a shard that was cut short meanwhile is made anew."""
    file, out = tmp_path / "many.csv", tmp_path / "out"
    save_texts(file, 6_000)
    how: dict[str, Any] = {"text": "message", "encoder": settings, "shard_rows": SHARD_ROWS}
    command = [sys.executable, "-m", "labelling.cli", "embed", str(file), "-o", str(out), "--text", "message"]
    command += ["--encoder", settings["model"], "--shard-rows", str(SHARD_ROWS), "--workers", "2", "--ray", cluster]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as driver:
        while len(stamps(out)) < 5:
            if driver.poll() is not None:
                raise AssertionError(driver.communicate()[1])
            time.sleep(0.01)
        driver.kill()
    before = stamps(out)
    assert len(before) < 6_000 // SHARD_ROWS
    cut = next(iter(before))
    os.truncate(out / "shards" / cut, 1_000)
    made = embed([str(file)], out, **how, machines=Machines(2, cluster))
    assert whole(made).equals(whole(embed_here([str(file)], tmp_path / "here", **how)))
    after = stamps(out)
    assert {name for name, stamp in before.items() if after[name] != stamp} == {cut}


def test_a_cluster_that_goes_away(cluster: str, tmp_path: Path) -> None:
    """Ray ends the driver, a minute later where it is not told otherwise, and says why."""
    driver, _ = begun(tmp_path, cluster, RAY_gcs_rpc_server_reconnect_timeout_s="1")
    with driver:
        import ray

        ray.shutdown()
        said = driver.communicate()[1]
        assert driver.returncode != 0
    assert "Failed to connect to GCS" in said or "does not answer" in said, said
