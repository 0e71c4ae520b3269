"""Labels that the labels round them contradict."""

from collections import Counter

import numpy as np

from labelling.queues.review import Records, Review

MIN_VOTES = 3  # fewer labelled neighbours of other actions say nothing
CHUNK = 65_536
MOST, OF_ALL = 0.5, 0.3


def contradicted(codes: np.ndarray, actions: np.ndarray, graph: np.ndarray) -> np.ndarray:
    """How much the nearest texts contradict each row's label: float32 (n_rows,), NaN where too few have a say.

    The share of its labelled neighbours that bear another label, of those alone whose label another action gave: the
    texts of one lasso are wrong together, and would vouch for each other.

    Parameters
    ----------
    codes : ndarray of int, shape (n_rows,)
        The label of each row, -1 where it has none.
    actions : ndarray of int, shape (n_rows,)
        The action that gave it.
    graph : ndarray of int32, shape (n_rows, k)
        The nearest other rows of each row, -1 where there is none.

    Raises
    ------
    ValueError
        Where they are not of the same rows.
    """
    if not len(codes) == len(actions) == len(graph):
        raise ValueError(f"codes, actions and graph are of {len(codes):,}, {len(actions):,} and {len(graph):,} rows")
    scores = np.full(len(codes), np.nan, np.float32)
    labelled = np.flatnonzero(codes >= 0)
    for start in range(0, len(labelled), CHUNK):
        rows = labelled[start : start + CHUNK]
        near = np.asarray(graph[rows])
        says = (near >= 0) & (codes[near] >= 0) & (actions[near] != actions[rows, None])
        other = says & (codes[near] != codes[rows, None])
        votes = says.sum(axis=1)
        heard = votes >= min(MIN_VOTES, graph.shape[1])
        scores[rows[heard]] = other.sum(axis=1)[heard] / votes[heard]
    return scores


def review(records: Records) -> Review:
    """Labelled texts that half of the neighbours which have a say contradict, and a third of all that are labelled.

    The second leaves out the inside of a large group, where none but a few strays have a say. Those come first that the
    most of all contradict.
    """
    graph, _ = records.need_graph()
    scores = contradicted(records.codes, records.actions, graph)
    rows = np.flatnonzero(scores >= MOST)
    scores[:] = np.nan
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        near = np.asarray(graph[part])
        known = (near >= 0) & (records.codes[near] >= 0)
        share = (known & (records.codes[near] != records.codes[part, None])).sum(axis=1) / known.sum(axis=1)
        scores[part] = np.where(share >= OF_ALL, share, np.nan)

    def why(row: int) -> str:
        near = np.asarray(graph[row])
        near = near[near >= 0]
        near = near[(records.codes[near] >= 0) & (records.actions[near] != records.actions[row])]
        others = Counter(code for code in records.codes[near].tolist() if code != records.codes[row])
        code, n = others.most_common(1)[0]
        return f"{others.total()} of {len(near)} labelled neighbours differ, {n} of them {records.name(code)}"

    return Review(scores, why)
