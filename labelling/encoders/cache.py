"""Embeddings on disk, by what made them and of what text: no text is embedded twice."""

import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from shutil import disk_usage
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import lmdb
import numpy as np
from filelock import FileLock, Timeout

from labelling import errors
from labelling.encoders import Encoder, EncoderError
from labelling.errors import CorralError

# A batch is what a killed process loses and what a stop has to wait for: about half a second of work with the
# packaged model on two cores, whether the texts are short (the first limit) or long (the second).
_BATCH_TEXTS = 256
_BATCH_CHARACTERS = 16_384
# Texts that are embedded first, in random order, so that the first map already has the shape of the whole.
_SAMPLE_TEXTS = 256

# The database's file is sparse where the system allows it; elsewhere (Windows) it has this size from the
# start, so it begins small (30,000 embeddings of 384 dimensions) and doubles when it is full.
_INITIAL_MAP_SIZE = 64 * 2**20
# What follows each vector: its checksum, with the key and thus with whose it is, and this. Entries of before there were
# checksums have a length that four divides.
_CHECKED = b"\x01"
# Rows read in one transaction, so that other threads get their turn in between.
_LOOKUP_ROWS = 10_000
_LOCK_POLL_SECONDS = 0.02

OnBatch = Callable[[np.ndarray, np.ndarray, int, int], None]


class CacheError(CorralError, OSError):
    """The embeddings can't be read from disk or written to it."""


class EmbeddingCache:
    """Embeddings in an LMDB database, keyed by (fingerprint of the encoder, text).

    Several caches, threads and processes can use one folder at a time. Every batch is written in a
    transaction and synced: a process that is killed loses the batch at work, and leaves nothing half-written. Every
    vector has a checksum; one that is not as it was written counts as not there.

    A database file that is cut off or no database is set aside when it is opened, and a new one begun: `set_aside`.

    Parameters
    ----------
    folder : path-like
        Where the database is, on a local disk; made if it isn't there.

    Raises
    ------
    CacheError
        The folder can't be made, or can't be written to.

    References
    ----------
    LMDB: http://www.lmdb.tech/doc/
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._database = _Database.at(self.folder)

    @property
    def set_aside(self) -> Path | None:
        """Where the database file lies that was damaged when this process opened it; None where it was whole."""
        return self._database.set_aside

    def lookup(self, fingerprint: str, texts: Sequence[str], n_dims: int) -> tuple[np.ndarray, np.ndarray]:
        """What is there for these texts, without embedding any.

        Parameters
        ----------
        fingerprint : str
            `Encoder.fingerprint`.
        texts : sequence of str
        n_dims : int
            Number of columns; an entry with another number counts as not there.

        Returns
        -------
        embeddings : ndarray of float32, shape (n_texts, n_dims)
            Rows that are not there are NaN.
        present : ndarray of bool, shape (n_texts,)
        """
        embeddings = np.full((len(texts), n_dims), np.nan, dtype="<f4")
        present = np.zeros(len(texts), dtype=bool)
        n_bytes = n_dims * embeddings.itemsize
        keys = _keys(fingerprint, texts)
        n_damaged = 0
        # In the order of the keys the database is read from front to back.
        order = sorted(range(len(keys)), key=keys.__getitem__)
        for start in range(0, len(order), _LOOKUP_ROWS):
            with self._database.transaction(write=False) as transaction:
                for row in order[start : start + _LOOKUP_ROWS]:
                    value = transaction.get(keys[row])
                    if value is None or len(value) not in (n_bytes, n_bytes + _CHECK_BYTES):
                        continue
                    vector = value[:n_bytes]
                    if value[n_bytes:] not in (b"", _check(keys[row], vector)):
                        n_damaged += 1
                        continue
                    embeddings[row] = np.frombuffer(vector, dtype="<f4")
                    present[row] = True
        if n_damaged:
            errors.log.warning("%d embeddings in %s are damaged: they are made anew", n_damaged, self.folder)
        return embeddings.astype(np.float32, copy=False), present

    def embed(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        *,
        on_batch: OnBatch | None = None,
        stop: threading.Event | None = None,
        random_state: int | np.random.Generator | None = 0,
    ) -> np.ndarray:
        """Embed texts, each distinct text once, taking what is there and keeping what is new.

        A random sample comes first. The rest is cut into batches of similar length, because a batch is padded
        to its longest text. The batches come in random order: the rate of progress stays the same up to the
        end (by length it would fall or rise all along), and what is there so far stays representative of all.

        Where several processes or threads embed the same texts, each text is embedded by one of them.

        Parameters
        ----------
        encoder : Encoder
        texts : sequence of str
        on_batch : callable, default=None
            Called as `on_batch(rows, embeddings, n_done, n_total)`, once at the start with all that was in
            the cache (maybe no rows), then after each batch, when it is safe on disk. `rows` are row numbers
            in `texts`, `embeddings` is float32 of shape (len(rows), n_dims); `n_done` of `n_total` rows have
            their embedding.
        stop : threading.Event, default=None
            When set, the batch at work is finished and no other is begun.
        random_state : int, Generator or None, default=0
            Decides the order of work alone.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_dims)
            Rows that were not embedded because of `stop` are NaN.

        Raises
        ------
        CacheError
            The disk is full, or the database can't be read or written.
        EncoderError
            The encoder gave the wrong shape, or NaN or infinity; the batches before are kept.
        """
        fingerprint, n_dims = encoder.fingerprint, encoder.n_dims
        position: dict[str, int] = {}
        inverse = np.array([position.setdefault(text, len(position)) for text in texts], dtype=np.intp)
        distinct = list(position)
        # rows_of[i] are the rows that hold distinct[i].
        rows_of = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])

        found, present = self.lookup(fingerprint, distinct, n_dims)
        # At a million texts each copy would be 1.5 GB.
        embeddings = found if len(distinct) == len(texts) else found[inverse]
        del found
        rows = np.flatnonzero(present[inverse])
        n_done = len(rows)
        if on_batch:
            on_batch(rows, embeddings if n_done == len(texts) else embeddings[rows], n_done, len(texts))

        # Held for one batch at a time. The system lets go of it when a process dies.
        lock = FileLock(self.folder / f"{_digest(fingerprint).hex()}.lock")
        stopped = stop.is_set if stop else lambda: False
        for batch in _batches(distinct, np.flatnonzero(~present), random_state, encoder):
            if stopped():
                break
            try:
                with _clear_errors(self.folder, "write"):
                    lock.acquire(poll_interval=_LOCK_POLL_SECONDS, cancel_check=stopped)
            except Timeout:  # stopped while another process had the lock
                break
            try:
                batch_texts = [distinct[i] for i in batch]
                # Another process may have embedded some of them meanwhile.
                vectors, there = self.lookup(fingerprint, batch_texts, n_dims)
                missing = np.flatnonzero(~there)
                if len(missing):
                    missing_texts = [batch_texts[i] for i in missing]
                    new = _encode(encoder, missing_texts, [rows_of[batch[i]][0] for i in missing])
                    self.store(fingerprint, missing_texts, new)
                    vectors[missing] = new
            finally:
                lock.release()
            rows = np.concatenate([rows_of[i] for i in batch])
            embeddings[rows] = np.repeat(vectors, [len(rows_of[i]) for i in batch], axis=0)
            n_done += len(rows)
            if on_batch:
                on_batch(rows, embeddings[rows], n_done, len(texts))
        return embeddings

    def forget(self, texts: Sequence[str]) -> int:
        """Remove what every encoder has made of these texts; how many embeddings that were."""
        digests = sorted({_digest(text) for text in texts})
        n_gone = 0
        for prefix in self._prefixes():
            for start in range(0, len(digests), _LOOKUP_ROWS):
                n_gone += self._database.remove([prefix + digest for digest in digests[start : start + _LOOKUP_ROWS]])
        return n_gone

    def _prefixes(self) -> list[bytes]:
        """What the keys of each encoder begin with."""
        found: list[bytes] = []
        with self._database.transaction(write=False) as transaction, transaction.cursor() as cursor:
            there = cursor.first()
            while there:
                found.append(cursor.key()[:_DIGEST_BYTES])
                # The first key behind all that begin with this.
                there = cursor.set_range(found[-1] + b"\xff" * (_DIGEST_BYTES + 1))
        return found

    def store(self, fingerprint: str, texts: Sequence[str], embeddings: np.ndarray) -> None:
        """Keep embeddings of texts, float32 (n_texts, n_dims), whatever was there for them. Raises CacheError."""
        pairs = zip(_keys(fingerprint, texts), map(np.ndarray.tobytes, embeddings.astype("<f4")), strict=True)
        self._database.write([(key, vector + _check(key, vector)) for key, vector in pairs])


_DIGEST_BYTES = 16


def _digest(text: str) -> bytes:
    # Half a surrogate pair can't be encoded strictly; whether it can be embedded is the encoder's affair.
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def _check(key: bytes, vector: bytes) -> bytes:
    return zlib.crc32(vector, zlib.crc32(key)).to_bytes(4, "little") + _CHECKED


_CHECK_BYTES = 4 + len(_CHECKED)


def _keys(fingerprint: str, texts: Sequence[str]) -> list[bytes]:
    prefix = _digest(fingerprint)
    return [prefix + _digest(text) for text in texts]


def _batches(
    texts: list[str], missing: np.ndarray, random_state: int | np.random.Generator | None, encoder: Encoder
) -> Iterator[np.ndarray]:
    """Cut the missing texts (by number) into batches: a random sample, then the rest, of like length each."""
    rng = np.random.default_rng(random_state)
    lengths = np.array([len(text) for text in texts], dtype=np.intp)
    shuffled = rng.permutation(missing)
    rest = shuffled[_SAMPLE_TEXTS:]
    rest = rest[np.argsort(lengths[rest], kind="stable")]
    by_length = list(_cut(rest, lengths, getattr(encoder, "work_at_once", 1)))
    yield from _cut(shuffled[:_SAMPLE_TEXTS], lengths)
    for i in rng.permutation(len(by_length)):
        yield by_length[i]


def _cut(numbers: np.ndarray, lengths: np.ndarray, times: int = 1) -> Iterator[np.ndarray]:
    start = n_characters = 0
    for end, number in enumerate(numbers):
        n_characters += lengths[number]
        if end > start and (end - start == times * _BATCH_TEXTS or n_characters > times * _BATCH_CHARACTERS):
            yield numbers[start:end]
            start, n_characters = end, lengths[number]
    if start < len(numbers):
        yield numbers[start:]


def _encode(encoder: Encoder, texts: list[str], rows: list[int]) -> np.ndarray:
    """Embed texts and check what came; `rows` are their row numbers, for the message."""
    embeddings = np.asarray(encoder.encode(texts), dtype=np.float32)
    if embeddings.shape != (len(texts), encoder.n_dims):
        raise EncoderError(f"embeddings must have the shape {(len(texts), encoder.n_dims)}, got {embeddings.shape}")
    bad = np.flatnonzero(~np.isfinite(embeddings).all(axis=1))
    if len(bad):
        raise EncoderError(
            f"the encoder gave NaN or infinity for {len(bad)} of {len(texts)} texts, "
            f"first for the text in row {rows[bad[0]]}: {texts[bad[0]]!r:.80}"
        )
    return embeddings


@contextmanager
def _clear_errors(folder: Path, what: str) -> Iterator[None]:
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


class _Database:
    """One open LMDB environment; its lock keeps the map from being resized under a running transaction."""

    # LMDB must not open the same files twice in a process: closing one would drop the locks of the other.
    _open: ClassVar["WeakValueDictionary[str, _Database]"] = WeakValueDictionary()
    _open_lock = threading.Lock()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        with _clear_errors(folder, "open"):
            folder.mkdir(parents=True, exist_ok=True)
            self.set_aside = _set_damaged_aside(folder)
            self._environment: Any = lmdb.open(str(folder), map_size=_INITIAL_MAP_SIZE)
            # Free the pages that were kept for readers that died.
            self._environment.reader_check()

    @classmethod
    def at(cls, folder: Path) -> "_Database":
        key = os.path.realpath(folder)
        with cls._open_lock:
            database = cls._open.get(key)
            if database is None:
                database = cls._open[key] = cls(folder)
            return database

    @contextmanager
    def transaction(self, write: bool) -> Iterator[Any]:
        with self._lock, _clear_errors(self._folder, "write" if write else "read"):
            try:
                transaction = self._environment.begin(write=write)
            except lmdb.MapResizedError:
                self._environment.set_mapsize(0)  # another process made it larger: take over its size
                transaction = self._environment.begin(write=write)
            with transaction:
                yield transaction

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
