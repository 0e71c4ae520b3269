"""How far labels agree with names that are known from elsewhere."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """Of `n_compared` rows that have a label and a known name, `n_right` agree.

    `by_label` says of each label what name it stands for, how many of its rows were compared, and how many agree.
    """

    n_compared: int
    n_right: int
    by_label: dict[str, tuple[str, int, int]]


def agreement(labels: Sequence[str | None], known: Sequence[str | None]) -> Agreement:
    """Compare a label a row, None where there is none, with what is known of the rows, None or "" where nothing is.

    A label stands for the known name that is written like it, in whatever case, else for the one that most of its rows
    have. So of labels that are many and small more agree than would of few: of one label a row all do.
    """
    pairs = [(label, name) for label, name in zip(labels, known, strict=True) if label is not None and name]
    counts: dict[str, Counter[str]] = {}
    for label, name in pairs:
        counts.setdefault(label, Counter())[name] += 1
    alike = {name.casefold(): name for _, name in pairs}
    by_label = {}
    for label, names in counts.items():
        stands_for = alike.get(label.casefold()) or names.most_common(1)[0][0]
        by_label[label] = (stands_for, names.total(), names[stands_for])
    return Agreement(len(pairs), sum(right for _, _, right in by_label.values()), by_label)
