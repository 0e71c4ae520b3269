"""What it costs to read files that were made to break a reader, and what is said of them.

Each is made, then read in a process of its own, as an upload is; its memory is what that process and its children came
to have at most, less what it had before. A kind passes where it is a ReadError or a table, within 20 s and 1 GB.

    python tests/benchmarks/bad_files.py --size 10
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from labelling.readers import ReadError, read_table  # noqa: E402
from tests.readers.bad_files import KINDS  # noqa: E402

MB = 1_000  # of KiB, as the system counts


def read(path: Path, name: str) -> dict:
    data = path.read_bytes()
    import pyarrow.parquet  # noqa: F401

    import labelling.readers.columnar  # noqa: F401 - what the first upload of all loads

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    try:
        table = read_table(data, name)
        said = f"read: {len(table.frame):,} rows, {len(table.frame.columns):,} columns. {' '.join(table.notes)}"
    except ReadError as error:
        said = str(error)
    seconds = time.monotonic() - start
    parent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {"seconds": seconds, "parent": parent / MB, "child": child / MB, "said": said, "kb": len(data) / 1e3}


def measured(kind: str, size: int, folder: Path) -> dict:
    """Made here, read in another process."""
    name, make = KINDS[kind]
    path = folder / "file"
    path.write_bytes(make(size))
    command = [sys.executable, __file__, "--read", str(path), "--name", name]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"seconds": 0, "parent": 0, "child": 0, "kb": 0, "said": f"BROKE: {done.stderr[-300:]}"}
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=10)
    parser.add_argument("--only", default="")
    parser.add_argument("--read", type=Path)
    parser.add_argument("--name")
    asked = parser.parse_args()
    if asked.read is not None:
        print(json.dumps(read(asked.read, asked.name)))
        return
    print("| file | KB | seconds | server, MB more | child, MB | what is said |\n| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            if asked.only in kind:
                cost = measured(kind, asked.size, Path(folder))
                said = " ".join(cost["said"].split()).replace("|", "\\|")[:110]
                print(
                    f"| {kind} | {cost['kb']:,.1f} | {cost['seconds']:.1f} | {cost['parent']:,.0f} "
                    f"| {cost['child']:,.0f} | {said} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
