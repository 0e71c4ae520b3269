"""Embeddings on disk, by what made them and of what text: no text is embedded twice."""

import os
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from labelling import errors, files
from labelling.encoders import Encoder, EncoderError
from labelling.encoders._database import CacheError, Database, clear_errors

__all__ = ["CacheError", "EmbeddingCache"]

# A batch is what a killed process loses and what a stop has to wait for: about half a second of work with the
# packaged model on two cores, whether the texts are short (the first limit) or long (the second).
_BATCH_TEXTS = 256
_BATCH_CHARACTERS = 16_384
# Texts that are embedded first, in random order, so that the first map already has the shape of the whole.
_SAMPLE_TEXTS = 256

# What follows each vector: its checksum, with the key and thus with whose it is, and this. Entries of before there were
# checksums have a length that four divides.
_CHECKED = b"\x01"
# Rows read in one transaction, so that other threads get their turn in between, and mapped into memory at a time; rows
# removed in one, which each time syncs.
_READ_ROWS, _REMOVED_ROWS = 4_000, 10_000
_LOCK_POLL_SECONDS = 0.02

OnBatch = Callable[[np.ndarray, int, int], None]


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
        self._database = Database.at(self.folder)

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
        embeddings = np.full((len(texts), n_dims), np.nan, np.float32)
        return embeddings, self._read(fingerprint, texts, n_dims, embeddings.__setitem__)

    def _read(
        self, fingerprint: str, texts: Sequence[str], n_dims: int, put: Callable[[np.ndarray, np.ndarray], object]
    ) -> np.ndarray:
        """`lookup`, whose embeddings are given part by part to `put(places in texts, embeddings)`; what is there."""
        present = np.zeros(len(texts), dtype=bool)
        n_bytes = 4 * n_dims
        keys = _keys(fingerprint, texts)
        n_damaged = 0
        # In the order of the keys the database is read from front to back.
        order = sorted(range(len(keys)), key=keys.__getitem__)
        for start in range(0, len(order), _READ_ROWS):
            rows, vectors = [], []
            with self._database.transaction(write=False) as transaction:
                for row in order[start : start + _READ_ROWS]:
                    value = transaction.get(keys[row])
                    if value is None or len(value) not in (n_bytes, n_bytes + _CHECK_BYTES):
                        continue
                    vector = value[:n_bytes]
                    if value[n_bytes:] not in (b"", _check(keys[row], vector)):
                        n_damaged += 1
                        continue
                    rows.append(row)
                    vectors.append(vector)
            present[rows] = True
            put(np.array(rows, np.intp), np.frombuffer(b"".join(vectors), "<f4").reshape(len(rows), n_dims))
            self._database.let_go()
        if n_damaged:
            errors.log.warning("%d embeddings in %s are damaged: they are made anew", n_damaged, self.folder)
        return present

    def embed(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        *,
        out: np.ndarray | None = None,
        at: np.ndarray | None = None,
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
        out : ndarray of float32, default=None
            Where the embeddings are put, memory-mapped say: that of `texts[i]` in row `at[i]`, or row `i` where `at`
            is None. What is not embedded stays as it is. None is a new array.
        at : ndarray of int, shape (n_texts,), default=None
        on_batch : callable, default=None
            Called as `on_batch(rows, n_done, n_total)`, once at the start with all that was in the cache (maybe no
            rows), then after each batch, when it is safe on disk and in `out`. `rows` are row numbers in `texts`;
            `n_done` of `n_total` rows have their embedding.
        stop : threading.Event, default=None
            When set, the batch at work is finished and no other is begun.
        random_state : int, Generator or None, default=0
            Decides the order of work alone.

        Returns
        -------
        ndarray of float32
            `out`; a new one has the shape (n_texts, n_dims), and NaN in rows that were not embedded because of `stop`.

        Raises
        ------
        CacheError
            The disk is full, or the database can't be read or written.
        EncoderError
            The encoder gave the wrong shape, or NaN or infinity; the batches before are kept.
        """
        fingerprint, n_dims = encoder.fingerprint, encoder.n_dims
        position: dict[str, int] = {}
        inverse = np.fromiter((position.setdefault(text, len(position)) for text in texts), np.intp, len(texts))
        distinct = list(position)
        # order[ends[i - 1] : ends[i]] are the rows that hold distinct[i].
        order = np.argsort(inverse, kind="stable")
        ends = np.cumsum(np.bincount(inverse, minlength=len(distinct)))
        embeddings = np.full((len(texts), n_dims), np.nan, np.float32) if out is None else out

        def rows_of(i: int) -> np.ndarray:
            return order[ends[i - 1] if i else 0 : ends[i]]

        def put(numbers: np.ndarray, vectors: np.ndarray) -> np.ndarray:
            rows = [rows_of(i) for i in numbers.tolist()]
            if not rows:
                return np.empty(0, np.intp)
            places = np.concatenate(rows)
            embeddings[places if at is None else at[places]] = np.repeat(vectors, [len(each) for each in rows], axis=0)
            files.let_go(embeddings)
            return places

        present = self._read(fingerprint, distinct, n_dims, put)
        rows = np.flatnonzero(present[inverse])
        n_done = len(rows)
        if on_batch:
            on_batch(rows, n_done, len(texts))

        # Held for one batch at a time. The system lets go of it when a process dies.
        lock = FileLock(self.folder / f"{_digest(fingerprint).hex()}.lock")
        stopped = stop.is_set if stop else lambda: False
        for batch in _batches(distinct, np.flatnonzero(~present), random_state, encoder):
            if stopped():
                break
            try:
                with clear_errors(self.folder, "write"):
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
                    new = _encode(encoder, missing_texts, [rows_of(batch[i])[0] for i in missing])
                    self.store(fingerprint, missing_texts, new)
                    vectors[missing] = new
            finally:
                lock.release()
            rows = put(batch, vectors)
            n_done += len(rows)
            if on_batch:
                on_batch(rows, n_done, len(texts))
        return embeddings

    def forget(self, texts: Sequence[str]) -> int:
        """Remove what every encoder has made of these texts; how many embeddings that were."""
        digests = sorted({_digest(text) for text in texts})
        n_gone = 0
        for prefix in self._prefixes():
            for start in range(0, len(digests), _REMOVED_ROWS):
                n_gone += self._database.remove([prefix + digest for digest in digests[start : start + _REMOVED_ROWS]])
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
