"""Work in parts on several processes: of this machine, or of a Ray cluster. One that dies costs its part alone.

A job is a class, named "module:Class", made in each process of plain settings. Its `run(task, data)` does one part:
JSON values and bytes in, JSON values out. What it raises for a person (`CorralError`) ends all of the work.
"""

import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from labelling.errors import CorralError, log
from labelling.store import StoreError

TRIES = 3  # of a part whose process died: then it is the part
Task = dict[str, Any]


@dataclass(frozen=True)
class Machines:
    """Where the work is done: on `workers` processes (None: as many as are good for this machine, or one a Ray node),
    of the Ray cluster at the address `ray` ("local" begins one here), each with so many GPUs of it."""

    workers: int | None = None
    ray: str | None = None
    gpus_per_worker: float = 0


HERE = Machines()


class Job(Protocol):
    def run(self, task: Task, data: bytes) -> dict[str, Any]: ...


class Died(Exception):
    """The process that was at work is gone."""


class _Worker(Protocol):
    def run(self, task: Task, data: bytes) -> dict[str, Any]:
        """The answer. Raises Died."""
        ...

    def close(self) -> None: ...


def make_job(named: str, settings: Task) -> Job:
    module, name = named.split(":")
    job: Job = getattr(import_module(module), name)(**settings)
    return job


def answer(job: Callable[[], Job], task: Task, data: bytes) -> dict[str, Any]:
    """What a job answers to a task, or why it could not: nothing is raised across processes."""
    try:
        return {"done": job().run(task, data)}
    except CorralError as error:
        return {"error": str(error)}
    except Exception as error:
        log.exception("A fault in %s", task)
        return {"error": f"A fault of Corral's own: {type(error).__name__}: {str(error)[:500]}"}


def run(
    job: str, settings: Task, tasks: Iterable[tuple[Task, bytes]], machines: Machines = HERE
) -> Iterator[dict[str, Any]]:
    """Do all tasks, in parts; their answers, in the order in which they are done.

    Tasks are asked for as they can be begun. Where the iterator is closed, the work under way is ended. Raises
    StoreError where a job says so, a task ends its process again and again, or the cluster goes away.
    """
    if machines.ray is None:
        new: Callable[[], _Worker] = lambda: _Process(job, settings, n)  # noqa: E731
        n = machines.workers or default_workers()
    else:
        from labelling.store.on_ray import Cluster

        cluster = Cluster(machines)
        n, new = cluster.n_workers, lambda: cluster.worker(job, settings)
    yield from _Work(new, n).all(tasks)


def default_workers() -> int:
    """One where there is a GPU, else one for each two cores: each holds a model."""
    import torch

    return 1 if torch.cuda.is_available() else max(1, n_cores() // 2)


def n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Work:
    def __init__(self, new: Callable[[], _Worker], n_workers: int) -> None:
        self._new, self._n = new, n_workers
        self._free: queue.SimpleQueue[_Worker | None] = queue.SimpleQueue()
        self._open: set[_Worker] = set()
        self._closed = False
        for _ in range(n_workers):
            self._free.put(None)  # begun when there is something to do for it

    def all(self, tasks: Iterable[tuple[Task, bytes]]) -> Iterator[dict[str, Any]]:
        pending: set[Future[dict[str, Any]]] = set()
        with ThreadPoolExecutor(self._n) as threads:
            try:
                for task, data in tasks:
                    pending.add(threads.submit(self._one, task, data))
                    while len(pending) > self._n:  # one waits, read already
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                        yield from (each.result() for each in done)
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (each.result() for each in done)
            finally:
                self._closed = True
                for each in pending:
                    each.cancel()
                for worker in list(self._open):
                    worker.close()

    def _one(self, task: Task, data: bytes) -> dict[str, Any]:
        worker = self._free.get()
        try:
            for _ in range(TRIES):
                if self._closed:
                    break
                if worker is None:
                    worker = self._new()
                    self._open.add(worker)
                try:
                    said = worker.run(task, data)
                except Died as error:
                    log.warning("a process ended at its work on %s (%s): begun anew", task, error)
                    self._open.discard(worker)
                    worker.close()
                    worker = None
                    continue
                if "error" in said:
                    raise StoreError(said["error"])
                return dict(said["done"])
        finally:
            self._free.put(worker)
        raise StoreError(
            f"The work on {task} ended its process {TRIES} times: it may need more memory than there is. What is done "
            "is kept; try fewer workers."
        )


class _Process:
    """A worker of this machine: a line of JSON and bytes in, a line out. It ends when this process does."""

    def __init__(self, job: str, settings: Task, n_workers: int) -> None:
        threads = str(max(1, n_cores() // n_workers))
        self._child = subprocess.Popen(
            [sys.executable, "-m", "labelling.store.work"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false"},
        )
        self._begin = {"job": job, "settings": settings}

    @property
    def pid(self) -> int:
        return self._child.pid

    def run(self, task: Task, data: bytes) -> dict[str, Any]:
        assert self._child.stdin  # noqa: S101
        assert self._child.stdout  # noqa: S101
        try:
            self._child.stdin.write(json.dumps({**self._begin, "task": task, "n_bytes": len(data)}).encode() + b"\n")
            self._child.stdin.write(data)
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except (OSError, ValueError) as error:  # it is gone, or was closed
            raise Died(str(error)) from error
        if not line.endswith(b"\n"):
            raise Died(f"status {self._child.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for who began it, and ends this one, too
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    made: list[Job] = []
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        data = sys.stdin.buffer.read(asked["n_bytes"])
        if len(data) < asked["n_bytes"]:
            return

        def job(asked: Task = asked) -> Job:
            if not made:
                made.append(make_job(asked["job"], asked["settings"]))
            return made[0]

        out.write(json.dumps(answer(job, asked["task"], data)).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
