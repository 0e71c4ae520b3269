"""Texts of whose label a model is least sure: what may need a label of its own, or a person."""

from functools import cache

import numpy as np

from labelling.queues.outlying import MARGIN, middles
from labelling.queues.review import Records, Review, ReviewError


def review(records: Records) -> Review:
    """Unlabelled texts by least confidence, 1 - the best label's probability (Lewis & Gale 1994).

    Why: the two labels whose middles are nearest. How sure the model is would be about 0 % for what lies far from all.
    """
    if records.probability is None:
        raise ReviewError("No model has suggested anything yet: improve the map, and keep the new one.")
    probability = np.asarray(records.probability, np.float32)
    scores = np.where(records.codes < 0, 1 - probability, np.nan).astype(np.float32)

    @cache
    def known() -> tuple[np.ndarray, np.ndarray]:
        return middles(records.codes, records.need_embeddings())

    def why(row: int) -> str:
        if records.embeddings is None or not (labels := known()[0]).size:
            return ""
        vector = np.asarray(records.embeddings[row], float)
        near = known()[1] @ (vector / (np.linalg.norm(vector) or 1))
        best = np.argsort(-near, kind="stable")[:2]
        names = [records.name(int(labels[place])) for place in best]
        if len(names) > 1 and near[best[0]] - near[best[1]] < MARGIN:
            return f"between {names[0]} and {names[1]}"
        return "nearest to " + ", then ".join(names)

    return Review(scores, why)
