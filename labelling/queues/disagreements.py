"""Texts on which people differ."""

from collections import Counter

import numpy as np

from labelling.queues.review import Records, Review


def review(records: Records) -> Review:
    """Texts of which people say different things, those first on which they are most evenly split."""
    scores = np.full(len(records.codes), np.nan, np.float32)
    for row, said in records.said.items():
        most = Counter(said.values()).most_common(1)[0][1]
        scores[row] = 1 - most / len(said)

    def why(row: int) -> str:
        people: dict[str, list[str]] = {}
        for person, name in records.said[row].items():
            people.setdefault(name, []).append(person or "somebody")
        return "; ".join(f"{', '.join(who)}: {name}" for name, who in people.items())

    return Review(scores, why)
