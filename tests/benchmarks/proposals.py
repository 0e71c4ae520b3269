"""How many gestures until a corpus bears its labels: the queue of proposals, against a tree and against lassos.

    python tests/benchmarks/proposals.py --data DIR --cache DIR2 [--seeds 0 1 2] [--policies queue plain tree lassos]

DIR holds clinc150.csv, banking77.csv and ag_news_test.csv; embeddings and the figures of each run are kept in DIR2: a
run that was stopped goes on, and the table is of all that is there. `--speed` times a proposal instead.

A reader is simulated. A **gesture** is one proposal looked at: at most ten of its texts, drawn at random, are read.
Where nine of ten are of one class, all its rows get that label, without those that were read and are of another; else
none. Where it has at most ten rows all are read, and those of the commonest class get the label. Where a proposal shows
texts of many labels, each beside its suggestion, all get theirs where nine of ten that are read are right, else those
alone that were read and are right. The reader knows a text's class by reading it, a policy knows what was answered.

queue: `ProposalQueue`. plain: the same, where each proposal is of one label. tree: the largest part of a 2-means tree
on a UMAP of five dimensions is asked, and parted where it is refused, as Dasgupta & Hsu (2008) do. lassos: the largest
cloud of points on the two-dimensional UMAP, then a denser one in it, then a few points that lie together. tuned: the
same, on a UMAP of the space that `FeedForwardTuner` makes of the labels so far; tuned again, which is a gesture too,
whenever half as many more rows are labelled. It is slow, tuning and UMAP a dozen times a run, and is
left out where `--policies` does not ask for it.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from labelling.projections.nearest import neighbours
from labelling.queues.proposals import ProposalQueue

CORPORA = {
    "CLINC150": ("clinc150.csv", ["text"], "intent"),
    "banking77": ("banking77.csv", ["text"], "category"),
    "AG news": ("ag_news_test.csv", ["title", "text"], "label"),
}
N_ROWS, N_READ, ALIKE, LIMIT, GOALS = 3_000, 10, 0.9, 600, (0.5, 0.8, 0.9)
MORE = 1.5  # times as many rows labelled as at the last tuning: tuned again


class Reader:
    """Reads, labels, and counts the gestures."""

    def __init__(self, y: np.ndarray, seed: int) -> None:
        self.y, self.seed, self.rng = y, seed, np.random.RandomState(seed)
        self.labels = np.full(len(y), -1)
        self.gestures = self.n_read = self.n_refused = 0
        self.reached: dict[float, tuple[int, float]] = {}  # a goal: gestures, wrong share of what is labelled

    def sample(self, rows: np.ndarray) -> np.ndarray:
        return rows if len(rows) <= N_READ else self.rng.choice(rows, N_READ, replace=False)

    def ask(self, rows: np.ndarray, sample: np.ndarray | None = None) -> tuple[bool, int | None, np.ndarray]:
        """Whether the rows were labelled, as what, and which of those that were read are something else."""
        read = self.sample(rows) if sample is None else sample
        counts = np.bincount(self.y[read])
        label = int(counts.argmax())
        wrong = read[self.y[read] != label]
        accepted = len(rows) <= N_READ or counts[label] >= ALIKE * len(read)
        if accepted:
            self.labels[np.setdiff1d(rows, wrong)] = label
        self._count(read, accepted)
        return accepted, label if accepted else None, wrong

    def ask_each(self, rows: np.ndarray, labels: np.ndarray, sample: np.ndarray) -> tuple[bool, np.ndarray]:
        """Whether all rows got their labels, and which of those that were read have another."""
        read = np.isin(rows, sample)
        right = self.y[rows] == labels
        accepted = bool(right[read].mean() >= ALIKE)
        given = ~(read & ~right) if accepted else read & right
        self.labels[rows[given]] = labels[given]
        self._count(sample, accepted)
        return accepted, rows[read & ~right]

    def _count(self, read: np.ndarray, accepted: bool) -> None:
        self.n_read += len(read)
        self.n_refused += not accepted
        self.press()

    def press(self) -> None:
        """A gesture, which pressing a button is, too."""
        self.gestures += 1
        right = float((self.labels == self.y).mean())
        for goal in GOALS:
            if right >= goal and goal not in self.reached:
                self.reached[goal] = (self.gestures, self.wrong)

    @property
    def wrong(self) -> float:
        known = self.labels >= 0
        return float((self.labels != self.y)[known].mean()) if known.any() else 0.0

    @property
    def done(self) -> bool:
        return self.gestures >= LIMIT or GOALS[-1] in self.reached or bool((self.labels >= 0).all())


def by_queue(X: np.ndarray, reader: Reader, aim: float, mixed: bool = True) -> None:
    graph, _ = neighbours(X, None, 15, 0, lambda done, total: None)
    queue = ProposalQueue(aim=aim, mixed=mixed, random_state=reader.seed).fit(X, graph)
    while not reader.done:
        for proposal in queue.next(reader.labels):
            if proposal.labels is None:
                accepted, label, wrong = reader.ask(proposal.rows, proposal.sample)
                queue.answer(proposal, accepted, label=label, wrong=wrong if accepted else None)
            elif mixed:
                accepted, wrong = reader.ask_each(proposal.rows, proposal.labels, proposal.sample)
                queue.answer(proposal, accepted, wrong=wrong)
            else:
                accepted, label, wrong = reader.ask(proposal.rows, proposal.sample)
                if accepted and label != proposal.labels[0]:
                    wrong = proposal.sample  # the reader named another
                queue.answer(proposal, accepted, wrong=wrong if accepted else None)


def umap(X: np.ndarray, seed: int, n_components: int, min_dist: float) -> np.ndarray:
    from umap import UMAP

    flat: np.ndarray = UMAP(
        15, n_components=n_components, min_dist=min_dist, random_state=seed, n_jobs=1
    ).fit_transform(X)
    return flat


def by_tree(X: np.ndarray, reader: Reader, _: float) -> None:
    from sklearn.cluster import KMeans

    space, parts = umap(X, reader.seed, 5, 0.0), [np.arange(len(X))]
    while parts and not reader.done:
        rows = parts.pop(int(np.argmax([len(part) for part in parts])))
        if len(rows) <= 0.15 * len(X) and reader.ask(rows)[0]:
            rest = rows[reader.labels[rows] < 0]
            parts += [rest] if len(rest) else []
        else:
            side = KMeans(2, n_init=3, random_state=reader.seed).fit_predict(space[rows])
            parts += [rows[side == 0], rows[side == 1]]


def clouds(points: np.ndarray, rows: np.ndarray, level: float) -> list[np.ndarray]:
    """Of `rows` those that lie together, as an eye parts them: above `level` of the density at their cloud's peak."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components
    from sklearn.neighbors import NearestNeighbors

    n, k = len(rows), min(12, len(rows) - 1)
    if n <= N_READ:
        return [rows]
    far, near = NearestNeighbors(n_neighbors=k).fit(points[rows]).kneighbors()
    density = 1 / (far.mean(axis=1) + 1e-9)
    densest = near[np.arange(n), density[near].argmax(axis=1)]
    peak = np.where(density[densest] > density, densest, np.arange(n))
    while (peak[peak] != peak).any():
        peak = peak[peak]
    inner = density >= level * density[peak]
    graph = csr_matrix((np.ones(near.size, bool), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))
    n_clouds, cloud = connected_components(graph[inner][:, inner], directed=False)
    return sorted((rows[inner][cloud == i] for i in range(n_clouds)), key=len, reverse=True)


def by_lassos(X: np.ndarray, reader: Reader, tuned: bool = False) -> None:
    refused: set[tuple[float, bytes]] = set()
    points, n_tuned = umap(X, reader.seed, 2, 0.1), 0
    while not reader.done:
        n_labels = int(np.count_nonzero(reader.labels >= 0))
        if tuned and n_labels >= max(MORE * n_tuned, N_READ) and len(set(reader.labels)) > 2:  # two labels and none
            points, refused, n_tuned = umap(tuned_space(X, reader), reader.seed, 2, 0.1), set(), n_labels
            reader.press()
            continue
        rows = np.flatnonzero(reader.labels < 0)
        for level in (0.35, 0.55, 0.75):
            fresh = [cloud for cloud in clouds(points, rows, level) if (level, cloud.tobytes()) not in refused]
            if fresh:
                if reader.ask(fresh[0])[0] or reader.done:
                    break
                refused.add((level, fresh[0].tobytes()))
        else:
            one = points[reader.rng.choice(rows)]
            reader.ask(rows[np.argsort(np.linalg.norm(points[rows] - one, axis=1))[:N_READ]])


def tuned_space(X: np.ndarray, reader: Reader) -> np.ndarray:
    import torch

    from labelling.learning.tuners import FeedForwardTuner

    torch.set_num_threads(1)
    y = reader.labels.astype(object)
    y[reader.labels < 0] = None
    space: np.ndarray = FeedForwardTuner(random_state=reader.seed).fit(X, y).transform(X)
    return space


POLICIES: dict[str, Callable[[np.ndarray, Reader, float], None]] = {
    "queue": by_queue,
    "plain": lambda X, reader, aim: by_queue(X, reader, aim, mixed=False),
    "tree": by_tree,
    "lassos": lambda X, reader, _: by_lassos(X, reader),
    "tuned": lambda X, reader, _: by_lassos(X, reader, tuned=True),
}


def rows_of(corpus: str, data: Path, cache: Path, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and classes of N_ROWS random rows; out-of-scope requests are of no class, and left out."""
    path = cache / f"{corpus}-{seed}.npz"
    if not path.exists():
        from labelling.encoders.sentence import SentenceEncoder

        file, columns, label = CORPORA[corpus]
        table = pd.read_csv(data / file)
        table = table[table[label] != "oos"]
        table = table.iloc[np.random.RandomState(seed).permutation(len(table))[:N_ROWS]]
        texts = table[columns].astype(str).agg(". ".join, axis=1).tolist()
        np.savez(path, X=SentenceEncoder().encode(texts), y=table[label].to_numpy(str))
    with np.load(path, allow_pickle=False) as held:
        return held["X"], np.unique(held["y"], return_inverse=True)[1]


def measured(policy: str, X: np.ndarray, y: np.ndarray, seed: int, aim: float) -> dict[str, Any]:
    reader, start = Reader(y, seed), time.process_time()
    POLICIES[policy](X, reader, aim)
    at = {f"to{goal:.0%}": reader.reached.get(goal) for goal in GOALS}
    return {
        **at,
        "right": float((reader.labels == y).mean()),
        "wrong": reader.wrong,
        "gestures": reader.gestures,
        "read": reader.n_read,
        "refused": reader.n_refused,
        "seconds a gesture": (time.process_time() - start) / reader.gestures,
    }


def print_table(runs: dict[tuple[str, str], list[dict[str, Any]]]) -> None:
    """Gestures of each seed, in brackets the wrong share of what is labelled by then, in per cent."""
    print("| corpus | policy | to 80 % right | to 90 % right | read | refused |\n| --- | --- | --- | --- | --- | --- |")
    for (corpus, policy), figures in runs.items():
        cells = []
        for goal in ("to80%", "to90%"):
            reached = [run[goal] for run in figures]
            cell = ", ".join(f"{one[0]} ({100 * one[1]:.1f})" if one else "–" for one in reached)
            if len(reached) > 1 and all(reached):
                gestures, wrong = np.array(reached).T
                cell += f"; mean {gestures.mean():.0f} ± {gestures.std():.0f} ({100 * wrong.mean():.1f})"
            elif not all(reached):
                ends = ", ".join(f"{run['right']:.2f} ({100 * run['wrong']:.1f})" for run in figures)
                cell += f"; at the end right {ends}"
            cells.append(cell)
        read = np.mean([run["read"] / run["gestures"] for run in figures])
        refused = np.mean([run["refused"] / run["gestures"] for run in figures])
        print(f"| {corpus} | {policy} |", " | ".join(cells), f"| {read:.1f} a gesture | {refused:.0%} |")


def print_speed(sizes: list[int]) -> None:
    """Seconds of CPU on made-up rows in 384 dimensions: 100 groups, half of them labelled in part."""
    print("| rows | graph | fit | a proposal, with the model | three |\n| ---: | ---: | ---: | ---: | ---: |")
    for n in sizes:
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 100, n)
        X = (rng.normal(size=(100, 384))[codes] + 2 * rng.normal(size=(n, 384))).astype(np.float32)
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        y = np.where((codes < 50) & (rng.random(n) < 0.5), codes, -1)
        seconds = [time.process_time()]
        graph, _ = neighbours(X, None, 15, 0, lambda done, total: None)
        seconds.append(time.process_time())
        queue = ProposalQueue().fit(X, graph)
        for n_proposals in (1, 3):
            seconds.append(time.process_time())
            queue.next(y, n_proposals)
        seconds.append(time.process_time())
        print(f"| {n:,} |", " | ".join(f"{part:.2f}" for part in np.diff(seconds)), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the corpora")
    parser.add_argument("--cache", type=Path, help="folder for the embeddings and the figures")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(3))
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES)[:-1])
    parser.add_argument("--aim", type=float, default=0.9)
    parser.add_argument("--speed", type=int, nargs="+", metavar="ROWS")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    if arguments.speed:
        return print_speed(arguments.speed)
    if not arguments.data or not arguments.cache:
        parser.error("--data and --cache are needed")
    arguments.cache.mkdir(parents=True, exist_ok=True)
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for corpus in arguments.corpora:
        for policy in arguments.policies:
            for seed in arguments.seeds:
                path = arguments.cache / f"{corpus} {policy} {arguments.aim} {seed}.json"
                if not path.exists():
                    X, y = rows_of(corpus, arguments.data, arguments.cache, seed)
                    path.write_text(json.dumps(measured(policy, X, y, seed, arguments.aim)))
                    print(path.stem, path.read_text(), file=sys.stderr, flush=True)
                runs.setdefault((corpus, policy), []).append(json.loads(path.read_text()))
    print_table(runs)


if __name__ == "__main__":
    main()
