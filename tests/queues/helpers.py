"""Groups of rows, their graph, and somebody who answers proposals for them."""

import numpy as np

from labelling.projections.nearest import neighbours


def groups(n_rows=240, n_groups=6, n_dims=16, spread=0.35, seed=0):
    """Float32 (n_rows, n_dims), int codes (n_rows,), and the graph of eight neighbours."""
    rng = np.random.RandomState(seed)
    codes = np.arange(n_rows) % n_groups
    X = (rng.randn(n_groups, n_dims)[codes] + spread * rng.randn(n_rows, n_dims)).astype(np.float32)
    return X, codes, neighbours(X, None, 8, 0, lambda done, total: None)[0]


def answered(queue, proposal, codes, y):
    """Read the sample and answer as a labeller does; labels `y` in place, gives the record."""
    read = proposal.sample
    if proposal.labels is None:
        label = np.bincount(codes[read]).argmax()
        wrong = read[codes[read] != label]
        accepted = len(proposal.rows) <= len(read) or len(wrong) <= 0.1 * len(read)
        if accepted:
            y[np.setdiff1d(proposal.rows, wrong)] = label
        return queue.answer(proposal, accepted, label=int(label), wrong=wrong)
    suggested = dict(zip(proposal.rows, proposal.labels, strict=True))
    wrong = np.array([row for row in read if suggested[row] != codes[row]], int)
    accepted = len(wrong) <= 0.1 * len(read)
    for row in np.setdiff1d(proposal.rows if accepted else read, wrong):
        y[row] = suggested[row]
    return queue.answer(proposal, accepted, wrong=wrong)
