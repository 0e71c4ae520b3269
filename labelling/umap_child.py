"""The child process of `projections.UmapProcess`: a line of JSON in, lines of progress and a map file out."""

import contextlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any, TextIO

import numpy as np

# Below this many rows all distances are compared: exact, and quicker than the approximate search, whose compilation
# alone takes longer. Beyond it the square of the number of rows tells.
EXACT_NEIGHBOURS_BELOW = 50_000


class _Progress:
    """A file for tqdm's bar that passes on whole lines only."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def write(self, text: str) -> None:
        if "/" in text:
            self.out.write(f"epoch {text.strip()}\n")

    def flush(self) -> None:
        self.out.flush()


def fit_transform(embeddings: np.ndarray, init: np.ndarray | None, out: TextIO, **settings: Any) -> np.ndarray:
    """UMAP of float32 (n, n_dims), started from `init` (n, 2) or UMAP's own spectral layout: float32 (n, 2)."""
    import umap
    from sklearn.neighbors import NearestNeighbors

    n_neighbors = min(settings.pop("n_neighbors"), len(embeddings) - 1)
    known = (None, None, None)
    if len(embeddings) < EXACT_NEIGHBOURS_BELOW:
        search = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(embeddings)
        distances, neighbours = search.kneighbors(embeddings)
        known = (neighbours.astype(np.int32), distances.astype(np.float32), None)
    if init is not None:
        # UMAP's own initial layouts span about 10 units; a little noise parts texts that lie on one spot.
        noise = np.random.default_rng(settings["random_state"]).normal(scale=1e-3, size=init.shape)
        init = (10 * init / max(np.abs(init).max(), 1e-9) + noise).astype(np.float32)
    with warnings.catch_warnings(), open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        warnings.simplefilter("ignore")  # "n_jobs overridden by random_state": intended
        model = umap.UMAP(
            n_neighbors=n_neighbors,
            init="spectral" if init is None else init,
            precomputed_knn=known,
            verbose=True,
            tqdm_kwds={"file": _Progress(out), "bar_format": "{n_fmt}/{total_fmt}", "mininterval": 0.2},
            **settings,
        )
        return model.fit_transform(embeddings).astype(np.float32)


def main() -> None:
    out = sys.stdout
    settings = {"n_neighbors": 5, "min_dist": 0.1, "random_state": 0, "n_epochs": 10}
    tiny = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    with open(os.devnull, "w") as nowhere:
        fit_transform(tiny, tiny[:, :2], nowhere, **settings)  # compiles what every later map needs
    for line in sys.stdin:
        request = json.loads(line)
        folder = Path(request.pop("folder"))
        try:
            init = np.load(folder / "init.npy") if (folder / "init.npy").exists() else None
            np.save(folder / "map.npy", fit_transform(np.load(folder / "embeddings.npy"), init, out, **request))
            print("done", file=out, flush=True)
        except Exception as error:
            print("failed", " ".join(f"{type(error).__name__}: {error}".split()), file=out, flush=True)


if __name__ == "__main__":
    main()
