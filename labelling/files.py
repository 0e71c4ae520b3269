"""Files that hold all of what was written or what they held before; arrays that tell when a byte of them changed."""

import mmap
import os
import secrets
import shutil
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from labelling import errors

# Behind the array, where numpy.load does not look: this, and the CRC-32 of all that stands before it, little-endian.
_MARK = b"corral-crc32"
_TRAILER_BYTES = len(_MARK) + 4
_CHUNK = 262_144  # read at a time: it stays in the processor's cache until it is summed
# What a mapped file is filled with at a time. The system keeps it in pieces of that size and maps a whole one for one
# number that is written: with large pieces, some hundred rows here and there were all of the file.
_FILL = 16_384


def write_whole(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Let `fill` write into a temporary file, sync it and give it its name. On OSError `path` is as it was before."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder that gets this name at the end, or is removed; nothing may be there yet."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield made
        made.chmod(0o755)
        os.rename(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def let_go(array: np.ndarray) -> None:
    """Give the memory of a memory-mapped array, or a view of one, back: what is used again is mapped again.

    Nothing is lost, and nothing is read from the disk again that the system still has in its cache: without this every
    page that was ever used counts as the process' memory until the array is gone. Other arrays stay as they are.
    """
    held: Any = array
    while held is not None and not isinstance(held, np.memmap):
        held = getattr(held, "base", None)
    # Of one that is copied on writing ("c"), what was written would be lost.
    if held is not None and held.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):
        held._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


class _Parts:
    """A file that an array is written to part by part: it keeps a checksum, and lets go of what was written."""

    def __init__(self, file: BinaryIO, array: np.ndarray) -> None:
        self.file, self.array = file, array
        self.crc = 0

    def write(self, data: Any) -> int:
        self.crc = zlib.crc32(data, self.crc)
        let_go(self.array)
        return self.file.write(data)


def save_array(path: Path, array: np.ndarray) -> None:
    """Write `array` as .npy with a checksum behind it, as `write_whole`."""

    def fill(file: BinaryIO) -> None:
        crc = write_array(file, array)
        file.write(_MARK + crc.to_bytes(4, "little"))

    write_whole(path, fill)


def write_array(file: BinaryIO, array: np.ndarray) -> int:
    """Write `array` as .npy, part by part, so that one that is memory-mapped is never in memory whole; the checksum."""
    parts = _Parts(file, array)
    np.save(parts, array, allow_pickle=False)
    return parts.crc


def temporary_array(folder: Path, shape: tuple[int, int]) -> np.ndarray:
    """A float32 array of NaN, memory-mapped from a file in `folder` that has no name and is gone with the array.

    Raises OSError where the disk has no room for it: all of it is written at once, as a page of a mapped file that
    finds no room ends the process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n_bytes = 4 * shape[0] * shape[1]
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        nothing = memoryview(np.full(max(1, min(n_bytes, _FILL) // 4), np.nan, np.float32).tobytes())
        left = n_bytes
        while left:
            left -= file.write(nothing[:left])
        return np.memmap(file, np.float32, "r+", shape=shape) if n_bytes else np.empty(shape, np.float32)


def load_array(path: Path) -> np.ndarray | None:
    """What `save_array` wrote, memory-mapped; None where it is not there.

    A damaged file is set aside under another name, so that what can be made again is made again: None too.
    """
    array = array_on_disk(path)
    if array is not None and not _is_checked(path):
        _set_aside(path, "its checksum is another")
        return None
    return array


def is_whole(path: Path) -> bool:
    """Whether `load_array` could load it; nothing is set aside."""
    try:
        np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:
        return False
    return _is_checked(path)


def array_on_disk(path: Path) -> np.ndarray | None:
    """As `load_array`, without reading more than the beginning: a byte that changed in the middle is not noticed."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged header fails anywhere in a parser
        _set_aside(path, str(error)[:200])
        return None


def _set_aside(path: Path, why: str) -> None:
    with suppress(OSError):  # on a read-only disk it stays
        path.rename(path.with_name(f"{path.name}.damaged-{secrets.token_hex(3)}"))
    errors.log.warning("%s is damaged (%s): set aside", path, why)


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _is_checked(path: Path) -> bool:
    with _lock_of(path):  # who asks while it is read waits for that, rather than read it once more
        return _is_as_written(path, *_state(path))


@lru_cache(maxsize=4096)
def _lock_of(_path: Path) -> threading.Lock:
    return threading.Lock()


# Once a process for each file as it is: a gigabyte takes a second.
@lru_cache(maxsize=4096)
def _is_as_written(path: Path, size: int, _mtime_ns: int, _inode: int) -> bool:
    with path.open("rb", buffering=0) as file:
        file.seek(max(0, size - _TRAILER_BYTES))
        trailer = file.read()
        if not trailer.startswith(_MARK):
            return True  # of before there were checksums
        file.seek(0)
        crc, left, chunk = 0, size - _TRAILER_BYTES, memoryview(bytearray(_CHUNK))
        while left > 0 and (n := file.readinto(chunk[:left])):
            crc = zlib.crc32(chunk[:n], crc)
            left -= n
    return trailer[len(_MARK) :] == crc.to_bytes(4, "little")
