"""Labels that the labels round them contradict."""

from collections import Counter

import numpy as np

from labelling.queues.outlying import outlying
from labelling.queues.review import Records, Review

CHUNK = 65_536
OWN = 0.5  # of a vote
UNHEARD = 1.0  # votes for the label, before any neighbour is heard
# How much the place counts beside the neighbours; from which doubt on one is offered. Measured on simulated work, see
# docs/proposals.md: more than half of these are wrong where lassos were, a third where next to nothing is.
OF_PLACE, SOME, DOUBTFUL = 3.0, 0.3, 0.7


def contradicted(codes: np.ndarray, actions: np.ndarray, graph: np.ndarray) -> np.ndarray:
    """How much the nearest texts contradict each row's label: float32 (n_rows,), NaN where no other action's has a say.

    The share of its labelled neighbours that bear another label. Those that the same action labelled count by half: the
    texts of one lasso are wrong together, and would vouch for each other. Few neighbours say less than many.

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
        bears = codes[near]
        known, same = (near >= 0) & (bears >= 0), bears == codes[rows, None]
        theirs = known & (actions[near] != actions[rows, None])
        votes = theirs + OWN * (known & ~theirs)
        differ = np.where(same, 0, votes).sum(axis=1)
        scores[rows] = np.where(theirs.any(axis=1), differ / (votes.sum(axis=1) + UNHEARD), np.nan)
    return scores


def review(records: Records) -> Review:
    """Labelled texts that the nearest ones contradict, and that lie nearer to another label as a whole.

    The likeliest wrong come first: by the share of the neighbours, and by how much nearer another label's middle is.
    """
    graph, _ = records.need_graph()
    embeddings = records.need_embeddings()
    scores = contradicted(records.codes, records.actions, graph)
    some = np.flatnonzero(scores >= SOME)
    nearer, _ = outlying(records.codes, records.actions, embeddings, some)
    doubt = scores[some] + OF_PLACE * np.nan_to_num(nearer[some])
    scores[:] = np.nan
    scores[some] = np.where(doubt >= DOUBTFUL, doubt, np.nan)

    def why(row: int) -> str:
        near = np.asarray(graph[row])
        near = near[near >= 0]
        near = near[records.codes[near] >= 0]
        others = Counter(code for code in records.codes[near].tolist() if code != records.codes[row])
        code, n = others.most_common(1)[0]
        return f"{others.total()} of {len(near)} labelled neighbours differ, {n} of them {records.name(code)}"

    return Review(scores, why)
