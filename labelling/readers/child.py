"""The child process of `apart`: reads one binary file, under limits, and ends.

A line of JSON comes in: the kind of file, the options, the seconds. ``said.json`` in the folder, which the command line
names, is what comes of it; and ``table.arrow`` the table.
"""

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labelling.dataset import ReadError, ReadOptions, Table
from labelling.readers import memory


def _end_with_the_parent() -> None:
    os.read(0, 1)  # It returns when the other end is closed, as by a parent that died.
    os._exit(1)


def _read(kind: str, path: Path, options: ReadOptions) -> Table:
    from labelling.readers.columnar import read_parquet
    from labelling.readers.workbook import read_xlsx

    return read_xlsx(path, options) if kind == "xlsx" else read_parquet(path, options)


def _save(table: Table, folder: Path) -> dict[str, Any]:
    import pyarrow as pa

    arrow = pa.Table.from_pandas(table.frame, preserve_index=False)
    with pa.OSFile(str(folder / "table.arrow"), "wb") as sink, pa.ipc.new_file(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    names = ("format", "encoding", "delimiter", "notes", "header", "sheet", "sheets", "label")
    return {name: getattr(table, name) for name in names}


def answer(folder: Path, asked: dict[str, Any]) -> None:
    """Read the file in `folder`, and leave there what comes of it."""
    try:
        said = _save(_read(asked["kind"], folder / "file", ReadOptions(**asked["options"])), folder)
    except ReadError as error:
        said = {"error": str(error), "offers": [asdict(offer) for offer in error.offers], "lines": error.lines}
    (folder / "said.json").write_text(json.dumps(said))


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    memory.limit(asked["seconds"])
    answer(Path(sys.argv[1]), asked)
    os._exit(0)  # at once: what it held goes with it


if __name__ == "__main__":
    main()
