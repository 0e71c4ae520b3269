"""Binary files are read in a process of their own: what breaks there is a ReadError here.

The child, `child.py`, gets the file by its path and the options as JSON, and gives back the table as an Arrow file and
all else as JSON. It has limits of memory and time, and ends when this process does.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labelling.dataset import Offer, ReadError, ReadOptions, Table

# Seconds of processor time: what is read in longer from so few bytes was made to take long.
BASE_SECONDS, SECONDS_PER_MB, MOST_SECONDS = 15, 15, 1_200
WAIT = 4  # times that on the clock, where the machine has other work
AT_ONCE = 2  # more wait, so that several large files don't add up

_places = threading.BoundedSemaphore(AT_ONCE)
_WHAT = {"xlsx": "Excel workbook", "parquet": "Parquet file"}
_SMALLER = (
    "Open it in the program that it comes from and save it again with only the rows and columns you need, or as CSV."
)


def read_xlsx(data: bytes, options: ReadOptions | None = None) -> Table:
    """`workbook.read_xlsx` in a process of its own."""
    return _read("xlsx", data, options)


def read_parquet(data: bytes, options: ReadOptions | None = None) -> Table:
    """`columnar.read_parquet` in a process of its own."""
    return _read("parquet", data, options)


def _read(kind: str, data: bytes, options: ReadOptions | None) -> Table:
    n_seconds = min(BASE_SECONDS + SECONDS_PER_MB * len(data) // 1_000_000, MOST_SECONDS)
    with _places, tempfile.TemporaryDirectory(prefix="corral-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            (folder / "file").write_bytes(data)
        except OSError as error:
            raise ReadError(f"The server has no room to read the file: {error.strerror}. Try again later.") from None
        asked = {"kind": kind, "options": asdict(options or ReadOptions()), "seconds": n_seconds}
        return _answer(folder, _WHAT[kind], _ask(folder, _WHAT[kind], asked))


def _ask(folder: Path, what: str, asked: dict[str, Any]) -> int:
    """Let a child read the file in `folder`; the status with which it ended."""
    env = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}  # others reserve memory
    command = [sys.executable, "-m", "labelling.readers.child", str(folder)]
    here = Path(__file__).parents[2]
    with subprocess.Popen(  # noqa: S603
        command,
        cwd=here,
        env=env,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            if child.stdin is not None:  # It stays open: when it closes, the child knows that nobody waits any more.
                child.stdin.write(json.dumps(asked).encode() + b"\n")
            return child.wait(WAIT * asked["seconds"])
        except BrokenPipeError:
            return child.wait()
        except subprocess.TimeoutExpired:
            raise _too_long(what, WAIT * asked["seconds"]) from None
        finally:
            child.kill()


def _answer(folder: Path, what: str, status: int) -> Table:
    from pyarrow import ipc

    try:
        said = json.loads((folder / "said.json").read_bytes())
    except (FileNotFoundError, ValueError):
        if sys.platform != "win32":
            import signal

            if -status in (signal.SIGXCPU, signal.SIGKILL):
                raise _too_long(what) from None
        raise ReadError(
            f"The {what} can't be read: it broke the program that read it (status {status}). It is damaged, or made "
            f"to break programs, or needs too much memory. {_SMALLER}"
        ) from None
    if "error" in said:
        offers = [Offer(offer["said"], ReadOptions(**offer["options"])) for offer in said["offers"]]
        raise ReadError(said["error"], offers=offers, lines=said["lines"])
    frame = ipc.open_file((folder / "table.arrow").read_bytes()).read_all().to_pandas()
    return Table(frame, **{**said, "notes": tuple(said["notes"]), "sheets": tuple(said["sheets"])})


def _too_long(what: str, n_seconds: int | None = None) -> ReadError:
    time = f"more than {n_seconds:,} seconds" if n_seconds else "far longer than a file of its size does"
    return ReadError(f"The {what} can't be read: it takes {time}. {_SMALLER}")
