"""The child process of `UmapProcess`: a line of JSON in, lines of progress and arrays in files out."""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from labelling.projections._umap_layout import keep_compiled, layout, scaled
from labelling.projections.nearest import Report, neighbours


def serve(folder: Path, task: str, settings: dict, report: Report) -> None:
    """Do one task with the arrays in `folder`, and put what comes of it there."""
    # "c", which can be written: numba would compile all anew for arrays that can't be
    given = {path.stem: np.load(path, mmap_mode="c") for path in folder.glob("*.npy")}
    if task == "neighbours":
        near, far = neighbours(given["embeddings"], given.get("rows"), report=report, **settings)
        np.save(folder / "near.npy", near)
        np.save(folder / "far.npy", far)
    else:
        xy, moving = np.array(given["xy"], np.float32), given.get("moving")
        if moving is None:
            xy, moving = scaled(xy, settings["random_state"]), np.arange(len(xy))
        np.save(folder / "map.npy", layout(xy, moving, given["near"], given["far"], report=report, **settings))


def main() -> None:
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first
    out = sys.stdout
    keep_compiled()
    tiny = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    near, far = neighbours(tiny, None, 5, 0, report=lambda *_: None)
    compiling: dict[str, Any] = {"min_dist": 0.1, "n_epochs": 2, "alpha": 1.0, "random_state": 0}
    layout(tiny[:, :2], np.arange(64), near, far, report=lambda *_: None, **compiling)  # what every map needs
    for line in sys.stdin:
        request = json.loads(line)
        folder, task = Path(request.pop("folder")), request.pop("task")
        try:
            serve(folder, task, request, lambda done, total: print(f"progress {done}/{total}", file=out, flush=True))
            print("done", file=out, flush=True)
        except Exception as error:
            traceback.print_exc()  # to the server's log
            print("failed", " ".join(f"{type(error).__name__}: {error}".split()), file=out, flush=True)


if __name__ == "__main__":
    main()
