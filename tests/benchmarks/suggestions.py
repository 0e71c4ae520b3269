"""How right a tuner's suggestions are where half of the labels have no name yet, with and without the support.

    python tests/benchmarks/suggestions.py --data DIR --cache DIR2 [--seeds 0 1 2 3 4]

DIR holds clinc150.csv, banking77.csv and ag_news_test.csv; embeddings are kept in DIR2, as by tuners.py.

Of each corpus 4,000 texts; half of the classes are named: each by one lasso, the texts of the class that lie nearest to
one of them. All others have no label, and all texts of the other half can only be suggested wrongly. Precision: the
share of the suggestions at .9 and more that are right. Found: of the unlabelled texts of named classes the share that
is suggested rightly. Bare: by the probability alone; with support: `suggest`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner
from tests.benchmarks.tuners import embedded

TASKS = {"CLINC 40": 15, "banking 77": 15, "AG news": 40}  # texts in a lasso
N_TEXTS, AT_LEAST = 4_000, 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    chosen = parser.parse_args()
    print("| | | suggested | precision | found |\n| --- | --- | ---: | ---: | ---: |")
    for task in TASKS:
        X, y = embedded(chosen.data, chosen.cache, task)
        for kind in (FeedForwardTuner, ContrastiveTuner):
            found = np.array([measured(X, y, task, kind, seed) for seed in chosen.seeds])  # (seeds, 2, 3)
            for how, name in enumerate(("bare", "with support")):
                mean, spread = found[:, how].mean(axis=0), found[:, how].std(axis=0)
                print(
                    f"| {task}, {kind.__name__} | {name} | {mean[0]:,.0f} | {mean[1]:.3f} ± {spread[1]:.3f} | "
                    f"{mean[2]:.3f} ± {spread[2]:.3f} |",
                    flush=True,
                )


def measured(X: np.ndarray, y: np.ndarray, task: str, kind: type, seed: int) -> list[tuple[int, float, float]]:
    rng = np.random.RandomState(seed)
    if task.startswith("CLINC"):
        some = np.isin(y, rng.permutation(np.unique(y))[: int(task.split(" ")[1])])
        X, y = X[some], y[some]
    order = rng.permutation(len(y))[:N_TEXTS]
    X, y = X[order], y[order]
    classes = rng.permutation(np.unique(y))
    named = classes[: len(classes) // 2]
    known = np.full(len(y), None, object)
    for name in named:
        rows = np.flatnonzero(y == name)
        lasso = rows[np.argsort(-(X[rows] @ X[rng.choice(rows)]))[: TASKS[task]]]
        known[lasso] = name
    left = np.array([name is None for name in known])
    tuner = kind(random_state=0).fit(X, known)
    codes, sure = tuner.suggest(X[left])
    right = tuner.classes_[codes] == y[left]
    n_named = np.isin(y[left], named).sum()
    result = []
    for confidence in (tuner.predict_proba(X[left]).max(axis=1), sure):
        said = confidence >= AT_LEAST
        result.append((int(said.sum()), float(right[said].mean()), float((right & said).sum() / n_named)))
    return result


if __name__ == "__main__":
    main()
