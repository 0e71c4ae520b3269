"""The LMDB database that the cache of embeddings lies in: opened once a process, made larger when it is full."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import lmdb
from filelock import FileLock, Timeout

from labelling import errors
from labelling.errors import CorralError

# The database's file is sparse where the system allows it; elsewhere (Windows) it has this size from the
# start, so it begins small (30,000 embeddings of 384 dimensions) and doubles when it is full.
_INITIAL_MAP_SIZE = 64 * 2**20


class CacheError(CorralError, OSError):
    """The embeddings can't be read from disk or written to it."""


@contextmanager
def clear_errors(folder: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (lmdb.MapFullError, Timeout):  # no failures: dealt with by the callers
        raise
    except (OSError, lmdb.Error) as error:
        # LMDB calls a full disk an input/output error.
        space = f" ({disk_usage(folder).free / 1e6:,.0f} MB free on this disk)" if what == "write" else ""
        damaged = isinstance(error, (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.PanicError, lmdb.InvalidError))
        advice = ". Stop Corral and move data.mdb out of that folder: the embeddings are made anew, no label is in it"
        raise CacheError(f"can't {what} the embeddings in {folder}: {error}{advice if damaged else space}") from error


class Database:
    """One open LMDB environment; its lock keeps the map from being resized under a running transaction."""

    # LMDB must not open the same files twice in a process: closing one would drop the locks of the other.
    _open: ClassVar["WeakValueDictionary[str, Database]"] = WeakValueDictionary()
    _open_lock = threading.Lock()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        with clear_errors(folder, "open"):
            folder.mkdir(parents=True, exist_ok=True)
            self.set_aside = _set_damaged_aside(folder)
            self._environment: Any = lmdb.open(str(folder), map_size=_INITIAL_MAP_SIZE)
            # Free the pages that were kept for readers that died.
            self._environment.reader_check()

    @classmethod
    def at(cls, folder: Path) -> "Database":
        key = os.path.realpath(folder)
        with cls._open_lock:
            database = cls._open.get(key)
            if database is None:
                database = cls._open[key] = cls(folder)
            return database

    @contextmanager
    def transaction(self, write: bool) -> Iterator[Any]:
        with self._lock, clear_errors(self._folder, "write" if write else "read"):
            try:
                transaction = self._environment.begin(write=write)
            except lmdb.MapResizedError:
                self._environment.set_mapsize(0)  # another process made it larger: take over its size
                transaction = self._environment.begin(write=write)
            with transaction:
                yield transaction

    def let_go(self) -> None:
        """Give the memory back that what was read is mapped into: every page of it, until the database is closed."""
        with self._lock, clear_errors(self._folder, "read"):
            self._environment.set_mapsize(0)  # the size it has: it is mapped anew

    def write(self, items: Sequence[tuple[bytes, bytes]]) -> None:
        while True:
            try:
                with self.transaction(write=True) as transaction:
                    for key, value in items:
                        transaction.put(key, value)
                return
            except lmdb.MapFullError:
                with self._lock:
                    self._environment.set_mapsize(2 * self._environment.info()["map_size"])

    def remove(self, keys: Sequence[bytes]) -> int:
        while True:
            try:
                with self.transaction(write=True) as transaction:
                    return sum(transaction.delete(key) for key in keys)
            except lmdb.MapFullError:  # pages are copied before they are changed
                with self._lock:
                    self._environment.set_mapsize(2 * self._environment.info()["map_size"])


# Reads every page that the database says it has. Where the file ends before, the system ends the process (SIGBUS).
_READ_ALL = "import lmdb, sys; sum(1 for _ in lmdb.open(sys.argv[1], readonly=True, lock=False).begin().cursor())"


def _set_damaged_aside(folder: Path) -> Path | None:
    """Rename a database file that can't be read without harm; its new name, None where the file is whole or not there.

    LMDB maps the file into memory: whoever reads behind the end of one that was cut off dies without a word.
    """
    path = folder / "data.mdb"
    with FileLock(folder / "opening.lock"):
        if not path.exists() or not path.stat().st_size or _is_whole(path):
            return None
        aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
        path.rename(aside)
    errors.log.warning("the embeddings in %s are damaged: set aside as %s, they are made anew", path, aside.name)
    return aside


def _is_whole(path: Path) -> bool:
    try:
        # Looks at the first two pages alone.
        environment = lmdb.open(str(path.parent), map_size=_INITIAL_MAP_SIZE, readonly=True, lock=False)
    except (lmdb.InvalidError, lmdb.CorruptedError, lmdb.VersionMismatchError):
        return False
    n_pages, page = environment.info()["last_pgno"] + 1, environment.stat()["psize"]
    environment.close()
    if path.stat().st_size >= n_pages * page:
        return True
    # Its last pages may never have been written, where they were free again at once: a child finds out what is missing.
    child = subprocess.run([sys.executable, "-c", _READ_ALL, path.parent], capture_output=True, check=False)  # noqa: S603
    return child.returncode == 0
