"""Texts that are nearly the same, and labels that differ among them."""

import numpy as np

from labelling.queues.review import Records, Review

NEAR = 0.05  # cosine distance: a few words differ


def components(embeddings: np.ndarray, graph: np.ndarray, distances: np.ndarray, near: float = NEAR) -> np.ndarray:
    """Which rows are near-copies of each other, by way of others: int32 (n_rows,), a number for each group.

    Parameters are as in `queues.review.Records`; `near` is a cosine distance.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(graph)
    # Of vectors of the same length the cosine distance is half the squared distance, in units of that length.
    reach = np.sqrt(2 * near) * np.linalg.norm(embeddings, axis=1)
    rows, places = np.nonzero((np.asarray(distances) <= reach[:, None]) & (np.asarray(graph) >= 0))
    ends = np.asarray(graph)[rows, places]
    links = csr_matrix((np.ones(len(rows), bool), (rows, ends)), shape=(n, n))
    number: np.ndarray = connected_components(links, directed=False)[1]
    return number


def review(records: Records) -> Review:
    """Unlabelled texts of which a near-copy has a label, and the copies without: the largest groups first."""
    number, size = _groups(records)
    open_rows = records.codes < 0
    n_open = np.bincount(number, weights=open_rows)
    # Those of a group come one after the other, the group with the most left to label first.
    place = np.empty(len(n_open))
    place[np.argsort(-n_open, kind="stable")] = np.arange(len(n_open), 0, -1)
    inside = open_rows & (size[number] > 1)
    scores = np.where(inside, place[number], np.nan).astype(np.float32)

    def why(row: int) -> str:
        names = _names(records, number, row)
        said = f"one of {size[number[row]]:,} near-copies"
        return f"{said}, labelled {', '.join(names)}" if names else said

    return Review(scores, why)


def differing(records: Records) -> Review:
    """Labelled texts of which a near-copy has another label; those of large groups first."""
    number, size = _groups(records)
    labelled = np.flatnonzero(records.codes >= 0)
    pairs = np.unique(np.column_stack([number[labelled], records.codes[labelled]]), axis=0)
    torn = np.bincount(pairs[:, 0], minlength=len(size)) > 1
    scores = np.full(len(number), np.nan, np.float32)
    inside = labelled[torn[number[labelled]]]
    scores[inside] = (size[number[inside]] + number[inside] / (len(size) + 1)).astype(np.float32)
    return Review(scores, lambda row: f"near-copies of it are labelled {', '.join(_names(records, number, row))}")


def _groups(records: Records) -> tuple[np.ndarray, np.ndarray]:
    graph, distances = records.need_graph()
    number = components(records.need_embeddings(), graph, distances)
    return number, np.bincount(number)


def _names(records: Records, number: np.ndarray, row: int) -> list[str]:
    codes = np.unique(records.codes[number == number[row]])
    return [records.name(int(code)) for code in codes if code >= 0]
