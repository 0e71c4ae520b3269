"""Long work in the background: its progress, how to stop it, and what came of it."""

import threading
import time
from collections.abc import Callable
from typing import Any

from labelling.errors import CorralError, log_fault

GETTING_READY = "getting ready"


class Job(threading.Thread):
    """`work(job)` in a thread of its own. It tells `job` how far it is, and ends early once `job.stop` is set.

    Attributes
    ----------
    done, total : int
        How far the work is; `total` is 0 until it is known.
    doing : str
        What it does until then.
    result : what `work` returned; error : what it raised, None where it did not
    news : list
        Whatever `work` wants to show meanwhile, such as losses.
    settings : whatever it was started with, for starting it again
    """

    def __init__(self, title: str, work: Callable[["Job"], Any], key: tuple[Any, ...] = ()) -> None:
        super().__init__(name=title, daemon=True)
        self.title = title
        self.key = key  # its work, and of what
        self.work = work
        self.stop = threading.Event()
        self.done = self.total = 0
        self.doing = GETTING_READY
        self.news: list[Any] = []
        self.settings: Any = None
        self.result: Any = None
        self.error: Exception | None = None
        self._first: tuple[float, int] | None = None

    def run(self) -> None:
        try:
            self.result = self.work(self)
        except Exception as error:  # shown on the page by whoever asks for the result
            if not isinstance(error, CorralError):
                log_fault(error, f"the job {self.title!r} ({' '.join(map(str, self.key))})")
            self.error = error

    @property
    def failure(self) -> str | None:
        """What a person is told of `error`, None where there is none."""
        if self.error is None:
            return None
        if isinstance(self.error, CorralError):
            return f"{self.title} failed: {self.error}"
        return f"{self.title} failed by a fault of Corral's own: it is logged on the server, and nothing is lost."

    def begin(self, title: str, doing: str = GETTING_READY) -> None:
        """Go on to another part of the work, with a progress of its own."""
        self.title, self.doing, self.done, self.total, self._first = title, doing, 0, 0, None

    def progress(self, done: int, total: int) -> None:
        # The first report holds what was there already, from the cache say: it tells nothing about speed.
        self._first = self._first or (time.monotonic(), done)
        self.done, self.total = done, total

    @property
    def rate(self) -> float | None:
        """Items a second since the first report, None while that can't be told."""
        if self._first is None or self.done <= self._first[1]:
            return None
        return (self.done - self._first[1]) / max(time.monotonic() - self._first[0], 1e-9)

    @property
    def seconds_left(self) -> float | None:
        return (self.total - self.done) / self.rate if self.rate else None


class Jobs:
    """The jobs of one server, by key: who asks for work that is already under way gets that."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[Any, ...], Job] = {}
        self._lock = threading.Lock()

    def get(self, *key: Any) -> Job | None:
        return self._jobs.get(key)

    def start(self, *key: Any, title: str, work: Callable[[Job], Any]) -> Job:
        with self._lock:
            job = self._jobs.get(key)
            if job is None or not job.is_alive():
                job = self._jobs[key] = Job(title, work, key)
                job.start()
            return job

    def end(self, project_id: str, seconds: float) -> bool:
        """Stop all work on a project, and wait so long for its end; whether all has ended."""
        with self._lock:
            theirs = [job for key, job in self._jobs.items() if project_id in key]
        for job in theirs:
            job.stop.set()
        for job in theirs:
            job.join(seconds)
        return not any(job.is_alive() for job in theirs)

    def forget_all_but(self, name: str, n: int) -> None:
        """Of the jobs whose key begins with this name drop those that have ended, but for the `n` started last."""
        with self._lock:
            ended = [key for key, job in self._jobs.items() if key[0] == name and not job.is_alive()]
            for key in ended[: max(0, len(ended) - n)]:
                del self._jobs[key]

    def forget(self, *key: Any) -> None:
        """Drop a job that has ended and whose result or error has been shown; one that runs stays."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and not job.is_alive():
                del self._jobs[key]
