"""Time, memory and quality of Corral's UMAP against `umap.UMAP().fit_transform`, at 10,000 rows and more.

    python tests/benchmarks/umap_at_size.py --data DIR --cache DIR2 [--rows 10000 50000 200000] [--rounds 3]

DIR holds clinc150.csv, banking77.csv and ag_news_test.csv, 43,183 texts. For fewer rows a random part of them is taken.
For more some are made: a text's vector mixed with that of one of its five nearest, with a little noise, normalised.
Embeddings and figures are kept in DIR2: a run that was stopped goes on, and the table is of all that is there.

Each figure is of a fresh process, ours and theirs in turn. The clock starts when either has compiled what it needs, by
a map of random numbers, as the app's child does while texts are read; "from cold" has that and the imports in it.
Ours starts from no map, and makes its neighbour graph too. Memory is of the calling process and its child together.

Trustworthiness and kNN are of 2,000 random rows among all: kNN is the share of the 15 nearest in all dimensions that
are among the 15 nearest on the map, and trustworthiness scikit-learn's. Needs Linux (/proc).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

WHO = ("umap-learn", "ours")
K = 15
N_ASKED = 2_000


def texts(folder: Path) -> list[str]:
    clinc = pd.read_csv(folder / "clinc150.csv").query("intent != 'oos'")["text"]
    news = pd.read_csv(folder / "ag_news_test.csv")
    return [*clinc, *pd.read_csv(folder / "banking77.csv")["text"], *(news["title"] + ". " + news["text"])]


def embedded(folder: Path, cache: Path) -> np.ndarray:
    if not (path := cache / "texts.npy").exists():
        from labelling.encoders.sentence import SentenceEncoder

        np.save(path, SentenceEncoder().encode(texts(folder)))
    return np.load(path)


def make_rows(real: np.ndarray, n_rows: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(0)
    n_made = n_rows - len(real)
    if n_made <= 0:
        return real[np.sort(rng.choice(len(real), n_rows, replace=False))]
    near = NearestNeighbors(n_neighbors=5).fit(real).kneighbors(return_distance=False)
    one = rng.integers(len(real), size=n_made)
    other = near[one, rng.integers(5, size=n_made)]
    part = rng.uniform(0.2, 0.8, size=(n_made, 1))
    made = part * real[one] + (1 - part) * real[other] + rng.normal(scale=0.02, size=(n_made, real.shape[1]))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return np.vstack([real, made])[rng.permutation(n_rows)].astype(np.float32)


def cpu_seconds(child: int | None) -> float:
    """User and system time of this process so far, and of a child that is running."""
    own = os.times()
    ticks = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:13] if child else []
    return own.user + own.system + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def peak_megabytes(process: int | str | None) -> float:
    """Of what has been resident; `ru_maxrss` would count what started the process, too."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def one_map(who: str, path: Path) -> tuple[np.ndarray, dict[str, float]]:
    """A map, and what it took; in a process of its own."""
    X = np.load(path, mmap_mode="r")
    # NN-descent is compiled where it will be used: we compare all distances of fewer than 20,000 rows, they of 4,096.
    n_noise = 20_000 if who == "ours" and len(X) >= 20_000 else 5_000
    noise = np.random.default_rng(0).normal(size=(n_noise, 8)).astype(np.float32)
    child, process = None, None
    if who == "ours":
        from labelling.projections import UmapProcess

        process = UmapProcess()
        process.fit_transform(noise)
        assert process._child
        child = process._child.pid
    else:
        import umap

        umap.UMAP(n_epochs=11).fit_transform(noise)
    cpu, wall = cpu_seconds(child), time.monotonic()
    xy = process.fit_transform(X) if process else umap.UMAP().fit_transform(X)
    figures = {"wall s": time.monotonic() - wall, "CPU s": cpu_seconds(child) - cpu}
    figures |= {"CPU s from cold": cpu_seconds(child), "peak MB": peak_megabytes("self")}
    if process:
        figures["peak MB"] += peak_megabytes(child)
        process.close()
    return xy, figures


def quality(X: np.ndarray, xy: np.ndarray) -> dict[str, float]:
    """Trustworthiness (Venna & Kaski 2001) and kNN preservation of some rows among all."""
    from sklearn.neighbors import NearestNeighbors

    n_rows = len(X)
    asked = np.sort(np.random.default_rng(1).choice(n_rows, min(N_ASKED, n_rows), replace=False))
    near = NearestNeighbors(n_neighbors=K + 1).fit(xy).kneighbors(xy[asked], return_distance=False)
    squares = np.einsum("ij,ij->i", X, X)
    kept, too_far = [], 0
    for row, on_map in zip(asked, near, strict=True):
        distances = squares - 2 * (X @ X[row])
        distances[row] = np.inf
        ranks = 1 + np.array([np.count_nonzero(distances < distances[i]) for i in on_map[on_map != row][:K]])
        kept.append(np.mean(ranks <= K))
        too_far += np.maximum(ranks - K, 0).sum()
    worst = len(asked) * K * (2 * n_rows - 3 * K - 1) / 2
    return {"trustworthiness": float(1 - too_far / worst), "kNN": float(np.mean(kept))}


def measured(who: str, n_rows: int, a_round: int, cache: Path) -> dict[str, float]:
    path = cache / f"{who} {n_rows} {a_round}.json"
    if not path.exists():
        rows = str(cache / f"{n_rows}.npy")
        subprocess.run([sys.executable, __file__, "--one", who, rows, str(path)], check=True)
        print("measured", path.stem, path.read_text(), file=sys.stderr, flush=True)
    return json.loads(path.read_text())


def print_table(results: dict[tuple[str, int], list[dict[str, float]]]) -> None:
    names = list(next(iter(results.values()))[0])
    print("| rows | | ", " | ".join(names), "|\n| ---: | --- |" + " ---: |" * len(names))
    for n_rows in sorted({n for _, n in results}):
        for who in WHO:
            medians = [float(np.median([run[name] for run in results[who, n_rows]])) for name in names]
            cells = [f"{value:,.1f}" if value > 1 else f"{value:.3f}" for value in medians]
            print(f"| {n_rows:,} | {who} |", " | ".join(cells), "|")
        pairs = list(zip(results["umap-learn", n_rows], results["ours", n_rows], strict=True))
        ratios = [[theirs[name] / ours[name] for theirs, ours in pairs] for name in names]
        cells = [f"{np.median(ratio):.2f} ({min(ratio):.2f} to {max(ratio):.2f})" for ratio in ratios]
        print(f"| {n_rows:,} | ratio |", " | ".join(cells), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cache", type=Path, help="folder for the embeddings and the figures")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 50_000, 200_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # who, the rows, where to put the figures
    arguments = parser.parse_args()
    if arguments.one:
        who, rows, out = arguments.one
        xy, figures = one_map(who, Path(rows))
        Path(out).write_text(json.dumps(figures | quality(np.load(rows), xy), indent=1))
        return
    if not (arguments.data and arguments.cache):
        parser.error("--data and --cache are needed")
    arguments.cache.mkdir(parents=True, exist_ok=True)
    results: dict[tuple[str, int], list[dict[str, float]]] = {}
    for n_rows in arguments.rows:
        if not (path := arguments.cache / f"{n_rows}.npy").exists():
            np.save(path, make_rows(embedded(arguments.data, arguments.cache), n_rows))
    for a_round in range(arguments.rounds):
        for n_rows in arguments.rows:
            for who in WHO if a_round % 2 else WHO[::-1]:
                results.setdefault((who, n_rows), []).append(measured(who, n_rows, a_round, arguments.cache))
    print_table(results)


if __name__ == "__main__":
    main()
