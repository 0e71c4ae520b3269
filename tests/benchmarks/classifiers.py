"""Heads on a transformer beside tuners on its embeddings: accuracy, map and cost at 200 labels.

    python tests/benchmarks/classifiers.py --data DIR --cache DIR2 [--seeds 0 1] [--tasks "AG news" "CLINC 20"]

DIR holds ag_news_test.csv and clinc150.csv. The figures of each task, seed and way are kept in DIR2: a run that was
stopped goes on, and the table is of all that is there.

All ways start from the packaged all-MiniLM-L6-v2 at 128 tokens, learn from 200 labelled texts and are looked at on
1,000 texts whose labels they have not seen.

accuracy: of the way's own `predict`; of a logistic regression on its space where it has none.
map: share of those texts whose 15 nearest neighbours on the PCA map of the space are mostly of their own class.
fit: CPU seconds on one thread, embedding the labelled texts included. The tuners learn from the embeddings of the other
  texts, too; embedding these is not counted: every map needs that.
"""

import argparse
import json
import sys
import time
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from tuners import neighbour_accuracy, read  # noqa: E402, the benchmark beside this one

from labelling.encoders.sentence import SentenceEncoder  # noqa: E402
from labelling.learning.classifiers import TransformerClassifier  # noqa: E402
from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner, SbertTuner  # noqa: E402

TASKS = {"AG news": 50, "CLINC 20": 10}  # labels a class
WAYS = (
    "logistic regression",
    "FeedForwardTuner",
    "ContrastiveTuner",
    "SbertTuner",
    "head, linear",
    "head, dense",
    "top-2",
    "lora",
    "all",
)
N_SHOWN = 1_000
MAX_LENGTH = 128


def sample(folder: Path, task: str, seed: int) -> tuple[list[str], np.ndarray, list[str], np.ndarray]:
    """Labelled texts and their classes, other texts and theirs."""
    texts, y = read(folder, task)
    rng = np.random.RandomState(seed)
    if task.startswith("CLINC"):
        some = np.flatnonzero(np.isin(y, rng.permutation(np.unique(y))[: int(task.split(" ")[1])]))
        texts, y = [texts[i] for i in some], y[some]
    order = rng.permutation(len(y))
    labelled = np.concatenate([order[y[order] == name][: TASKS[task]] for name in np.unique(y)])
    shown = rng.permutation(np.setdiff1d(order, labelled))[:N_SHOWN]
    return [texts[i] for i in labelled], y[labelled], [texts[i] for i in shown], y[shown]


def measure(way: str, texts: list[str], y: np.ndarray, shown: list[str], true: np.ndarray, seed: int) -> dict:
    from sklearn.decomposition import PCA

    encoder = SentenceEncoder(max_length=MAX_LENGTH)
    encoder.encode(["loads what is needed"])
    others = embedded(tuple(shown)) if way.endswith(("regression", "FeedForwardTuner", "ContrastiveTuner")) else None
    start = time.process_time()
    apply = fitted(way, texts, y, others, encoder, seed)
    seconds = time.process_time() - start
    guessed, space = apply(shown)
    points = PCA(2, random_state=0).fit_transform(space)
    return {
        "accuracy": float(np.mean(guessed == true)),
        "map": neighbour_accuracy(points, true),
        "fit, CPU s": seconds,
    }


@lru_cache(maxsize=2)
def embedded(texts: tuple[str, ...]) -> np.ndarray:
    return SentenceEncoder(max_length=MAX_LENGTH).encode(list(texts))


def fitted(way: str, texts: list[str], y: np.ndarray, others: Any, encoder: SentenceEncoder, seed: int) -> Any:
    """A function of the other texts (their embeddings are `others`) that gives their labels and their space."""
    from sklearn.linear_model import LogisticRegression

    if way == "logistic regression":
        model = LogisticRegression(C=10, max_iter=1000).fit(encoder.encode(texts), y)
        return lambda shown: (model.predict(others), others)
    if way == "SbertTuner":
        sbert = SbertTuner(max_length=MAX_LENGTH, random_state=seed).fit(texts, y)
        probe = LogisticRegression(C=10, max_iter=1000).fit(sbert.transform(texts), y)

        def probed(shown: list[str]) -> tuple[np.ndarray, np.ndarray]:
            space = sbert.transform(shown)
            return probe.predict(space), space

        return probed
    if way.endswith("Tuner"):
        tuner = (FeedForwardTuner if way.startswith("Feed") else ContrastiveTuner)(random_state=seed)
        tuner.fit(np.vstack([encoder.encode(texts), others]), np.r_[y.astype(object), [None] * len(others)])
        return lambda shown: (tuner.predict(others), tuner.transform(others))
    kind = {"head, linear": {}, "head, dense": {"head": "dense"}}.get(way, {"train": way})
    classifier = TransformerClassifier(**kind, max_length=MAX_LENGTH, random_state=seed).fit(texts, y)

    def applied(shown: list[str]) -> tuple[np.ndarray, np.ndarray]:
        probabilities, space = classifier.predict_and_transform(shown)
        return classifier.classes_[probabilities.argmax(axis=1)], space

    return applied


def print_table(cache: Path) -> None:
    for task in TASKS:
        runs = {
            way: [json.loads(path.read_text()) for path in sorted(cache.glob(f"{task}, *, {way}.json"))] for way in WAYS
        }
        if not any(runs.values()):
            continue
        print(f"| {task} | accuracy | map, 15-NN accuracy | fit, CPU s |\n| --- | ---: | ---: | ---: |")
        for way, figures in runs.items():
            if figures:
                of = {name: [run[name] for run in figures] for name in figures[0]}
                scores = [" / ".join(f"{value:.3f}".lstrip("0") for value in of[name]) for name in ("accuracy", "map")]
                print(f"| {way} | {' | '.join(scores)} | {np.mean(of['fit, CPU s']):.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the figures")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    import torch

    torch.set_num_threads(1)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seeds:
        for task in arguments.tasks:
            for way in arguments.ways:
                path = arguments.cache / f"{task}, {seed}, {way}.json"
                if not path.exists():
                    figures = measure(way, *sample(arguments.data, task, seed), seed=seed)
                    path.write_text(json.dumps(figures))
                    print(path.stem, figures, file=sys.stderr, flush=True)
    print_table(arguments.cache)


if __name__ == "__main__":
    main()
