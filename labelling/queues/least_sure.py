"""Texts of whose label a model is least sure: what may need a label of its own, or a person."""

import numpy as np

from labelling.queues.review import Records, Review, ReviewError


def review(records: Records) -> Review:
    """Unlabelled texts by least confidence, 1 - the best label's probability (Lewis & Gale 1994)."""
    if records.probability is None:
        raise ReviewError("No model has suggested anything yet: improve the map, and keep the new one.")
    probability = np.asarray(records.probability, np.float32)
    scores = np.where(records.codes < 0, 1 - probability, np.nan).astype(np.float32)
    return Review(scores, lambda row: f"its best label is {probability[row]:.0%} sure")
