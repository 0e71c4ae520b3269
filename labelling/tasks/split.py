"""Labelled texts in parts to train, choose and test with."""

import numpy as np

from labelling.formats.records import FormatError
from labelling.labels import LabelLog
from labelling.queues.near_copies import components
from labelling.workspace import Project

PARTS = ("train", "validation", "test")
SHARES = (0.8, 0.1, 0.1)


def split(project: Project, log: LabelLog, *, random_state: int = 0) -> np.ndarray:
    """The part of each labelled row, object (n_rows,): one of `PARTS`, None where it has no label.

    What was labelled in one step, and near-copies of a text, are in one part, so that nothing that is tested on has
    been learnt from; an imported row is a step of its own. Of each label about 80, 10 and 10 % are in the parts, as
    far as its steps allow: what was labelled in one step is all in one part, by preference to train.

    Raises FormatError where the neighbour graph is not made yet, or where the labels hang together so much that a part
    would stay empty.
    """
    original = project.spaces()[0]
    found = original.graph if original.ready else None
    if found is None:
        raise FormatError(
            "Near-copies of a text are kept in one part, and they are known once the clear map is made of the original "
            "space. The page Label makes it; the command `corral export --split` finds them by itself."
        )
    rows = np.flatnonzero(log.known)
    groups = _groups(log, components(np.asarray(original.embeddings), *found))[rows]
    values = log.frame().to_numpy(float)[rows] if log.multi_label else None
    # With yes, no and unknown a row counts for the first label that it bears.
    codes = log.codes[rows] if values is None else np.where((values == 1).any(axis=1), (values == 1).argmax(axis=1), -1)
    parts = np.full(log.n_rows, None, object)
    parts[rows] = np.array(PARTS, object)[assign(codes, groups, random_state=random_state)]
    missing = [part for part in PARTS if part not in parts[rows]]
    if missing:
        raise FormatError(
            f"The labels can't be split: nothing would be left for {' and '.join(missing)}, as texts that were "
            "labelled in one step, and near-copies, stay together. Label in more and smaller steps, or export without "
            "a split."
        )
    return parts


def assign(codes: np.ndarray, groups: np.ndarray, *, random_state: int = 0) -> np.ndarray:
    """A part for each row, int (n,), places in `SHARES`; rows of one group get the same.

    `codes` is the label of each row, int (n,); `groups` the group of each, int (n,). Large groups come first, each to
    the part that lacks most of the group's labels, then of all rows; those as large in an order drawn at random.
    """
    _, place = np.unique(groups, return_inverse=True)
    _, label = np.unique(codes, return_inverse=True)
    sizes = np.bincount(place)
    counts = np.zeros((len(sizes), label.max(initial=-1) + 1))
    np.add.at(counts, (place, label), 1)
    shares = np.array(SHARES)
    lacking = counts.sum(axis=0)[None] * shares[:, None]  # rows of each label that each part is still to get
    order = np.lexsort([np.random.default_rng(random_state).random(len(sizes)), -sizes])
    part = np.empty(len(sizes), int)
    for group in order:
        of_labels = lacking @ (counts[group] / sizes[group])
        part[group] = np.lexsort([-lacking.sum(axis=1), -of_labels])[0]
        lacking[part[group]] -= counts[group]
    return part[place]


def _groups(log: LabelLog, copies: np.ndarray) -> np.ndarray:
    """int (n_rows,): rows hang together by a step that labelled them, by near-copies, and by way of other rows."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    n = log.n_rows
    labelled = np.flatnonzero(log.known)
    ends = [(labelled, n + copies[labelled])]
    n_nodes = n + int(copies.max(initial=0)) + 1
    for action in log.actions:
        if action.kind != "import" and log.in_force(action.seq):
            by_column = [rows for rows in log.rows_by_column(action.seq).values() if len(rows)]
            # Of labels that exclude each other only those that still stand hold rows together.
            rows = np.unique(np.concatenate([*by_column, np.empty(0, np.int64)])).astype(np.int64)
            rows = rows[log.known[rows]] if log.multi_label else rows[log.setters[rows] == action.seq]
            ends.append((rows, np.full(len(rows), n_nodes)))
            n_nodes += 1
    starts, targets = (np.concatenate(each) for each in zip(*ends, strict=True))
    links = csr_matrix((np.ones(len(starts), bool), (starts, targets)), shape=(n_nodes, n_nodes))
    number: np.ndarray = connected_components(links, directed=False)[1]
    return number[:n]
