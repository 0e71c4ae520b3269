"""Files, stores, and jobs that end their process, for tests of the store."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa

from labelling.store import shards, work
from labelling.store.embedding import SCHEMA, embed
from labelling.store.store import Manifest, Store

WORDS = ["card", "payment", "refund", "money", "account", "late", "lost", "cat", "mat"]
N_ROWS, SHARD_ROWS = 1_000, 64


def save_texts(path: Path, n_rows: int = N_ROWS, seed: int = 0) -> list[str]:
    """A CSV with a column `message` in which each tenth row has no text; the texts."""
    rng = np.random.default_rng(seed)
    texts = ["" if row % 10 == 3 else " ".join(rng.choice(WORDS, 4)) for row in range(n_rows)]
    pd.DataFrame({"id": range(n_rows), "message": texts}).to_csv(path, index=False)
    return texts


def whole(store: Store) -> pa.Table:
    return pa.concat_tables(shard.read() for shard in store.shards)


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Which file each shard is, and when it was written."""
    found = {path.name: path.stat() for path in sorted((folder / "shards").glob("*.parquet"))}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}


class Doubles:
    """A job: the task's number, doubled. It ends its process the first `n_deaths` times that it sees number 3."""

    def __init__(self, folder: str, n_deaths: int) -> None:
        self.folder, self.n_deaths = Path(folder), n_deaths

    def run(self, task: dict[str, Any], data: bytes) -> dict[str, Any]:
        died = len(list(self.folder.iterdir()))
        if task["number"] == 3 and died < self.n_deaths:
            (self.folder / str(died)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if task["number"] == 1_000:
            raise ZeroDivisionError("a fault")
        print("what libraries print is no answer")
        return {"number": 2 * task["number"], "length": len(data), "pid": os.getpid()}


JOB = f"{__name__}:{Doubles.__name__}"


def tasks(n: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    for number in range(n):
        yield {"number": number}, b"\n" * number


def done(folder: Path, n: int, n_deaths: int, machines: work.Machines) -> list[dict[str, Any]]:
    return list(work.run(JOB, {"folder": str(folder), "n_deaths": n_deaths}, tasks(n), machines))


class Waits:
    """A job that says which process it is in, by a file of its name, and then does nothing until it is ended."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def run(self, task: dict[str, Any], data: bytes) -> dict[str, Any]:
        (self.folder / str(os.getpid())).touch()
        threading.Event().wait()
        return {}


class _Here:
    """Stands for a worker's process: does its work in this one, which has the libraries imported already."""

    def __init__(self, job: str, settings: dict[str, Any], n_workers: int) -> None:
        self._job = cache(partial(work.make_job, job, settings))

    def run(self, task: dict[str, Any], data: bytes) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(json.dumps(work.answer(self._job, task, data)))
        return said

    def close(self) -> None:
        pass


def embed_here(*args: Any, **given: Any) -> Store:
    """`embed` without processes of its own, each of which takes ten seconds of a processor to begin."""
    with mock.patch.object(work, "_Process", _Here):
        return embed(*args, **{"machines": work.Machines(1), **given})


def save_store(folder: Path, vectors: np.ndarray, shard_rows: int = 1_000) -> Store:
    """A store of these vectors, (n, n_dims), as if an encoder had made them of the texts "text 0" and so on."""
    n_texts, made = len(vectors), {}
    for first in range(0, n_texts, shard_rows):
        part = vectors[first : first + shard_rows]
        rows = np.arange(first, first + len(part))
        texts = [f"text {row}" for row in rows]
        columns = [np.zeros(len(rows), np.int32), rows, [shards.key("made", text) for text in texts], texts]
        table = pa.table(
            [pa.array(each, kind) for each, (_, kind) in zip(columns, SCHEMA, strict=True)], pa.schema(SCHEMA)
        )
        name = f"00000-{first:012}.parquet"
        shards.write(folder / "shards" / name, table.append_column("vector", shards.vectors_array(part)), "made")
        made[name] = len(part)
    Manifest(
        id="made",
        encoder={"kind": "made"},
        fingerprint="made",
        n_dims=vectors.shape[1],
        dtype=str(vectors.dtype),
        text_column="text",
        shard_rows=shard_rows,
        files=[{"name": "made.csv", "n_rows": n_texts, "shards": made}],
    ).save(folder)
    return Store(folder)
