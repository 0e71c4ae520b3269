"""Workers that are actors on a Ray cluster (docs.ray.io): the extra `corral[ray]`, and Corral on each machine."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

from labelling.store import StoreError, work
from labelling.store.work import Job, Machines, Task, make_job

LOCAL = "local"
ANSWER_SECONDS = 10


class Actor:
    """One job in a process of the cluster; it is made there, with the first task."""

    def __init__(self, job: str, settings: Task) -> None:
        self._named = (job, settings)
        self._job: Job | None = None

    def _made(self) -> Job:
        if self._job is None:
            self._job = make_job(*self._named)
        return self._job

    def run(self, task: Task, data: bytes) -> dict[str, Any]:
        return work.answer(self._made, task, data)


class Cluster:
    """The cluster at an address, begun here where that is "local". Raises StoreError where there is none."""

    def __init__(self, machines: Machines) -> None:
        try:
            import ray
        except ImportError:
            raise StoreError("Ray is not installed: pip install 'corral[ray]', or leave --ray out.") from None
        self._ray, self._machines = ray, machines
        if not ray.is_initialized():
            try:
                _must_answer(str(machines.ray))
                ray.init(
                    machines.ray,
                    include_dashboard=False if machines.ray == LOCAL else None,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            except Exception as error:  # it fails in many ways, by the address
                why = " ".join(str(error).split())[:300]
                raise StoreError(f"There is no Ray cluster at {machines.ray}: {why}") from error
        found = ray.cluster_resources()
        gpus, cores = found.get("GPU", 0), found.get("CPU", 0)
        if machines.gpus_per_worker > gpus:
            raise StoreError(f"The cluster has {gpus:g} GPUs, a worker asks for {machines.gpus_per_worker:g}.")
        per_worker = gpus / machines.gpus_per_worker if machines.gpus_per_worker else cores / 2
        self.n_workers = machines.workers or max(1, int(per_worker))

    def worker(self, job: str, settings: Task) -> _RayWorker:
        """An actor with half the cores where it has no GPU, one for each GPU; it waits until the cluster has them."""
        cores = self._ray.cluster_resources().get("CPU", 1)
        made: Callable[..., Any] = self._ray.remote(Actor).options(
            num_cpus=min(1.0, cores / self.n_workers), num_gpus=self._machines.gpus_per_worker
        )
        return _RayWorker(self._ray, made.remote(job, settings))  # type: ignore[attr-defined]


def _must_answer(address: str) -> None:
    """Raises OSError where nobody listens at host:port: Ray would go on asking for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), ANSWER_SECONDS).close()


class _RayWorker:
    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self.actor = ray, actor

    def run(self, task: Task, data: bytes) -> dict[str, Any]:
        try:
            said: dict[str, Any] = self._ray.get(self.actor.run.remote(task, data))
        except self._ray.exceptions.RayActorError as error:
            raise work.Died(" ".join(str(error).split())[:300]) from error
        except (self._ray.exceptions.RayError, ConnectionError) as error:
            raise StoreError(
                f"The Ray cluster does not answer ({' '.join(str(error).split())[:300]}). What is done is kept: give "
                "the same command again when it is back, or without --ray."
            ) from error
        return said

    def close(self) -> None:
        self._ray.kill(self.actor)
