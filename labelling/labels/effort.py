"""How much work labels took: the actions, and the time in which people were at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from labelling.labels.label import Action

# Seconds. Who does nothing for longer is taken to have left: a proposal's ten texts are read in less.
LONGEST_PAUSE = 300
GESTURES = ("assign", "deny", "accept", "clear", "split")


@dataclass(frozen=True)
class Effort:
    """Of one person, or of all: `n_gestures` gave labels or took them off, `n_checks` read some; in `seconds`."""

    n_gestures: int
    n_checks: int
    seconds: float


def effort(actions: Sequence[Action]) -> dict[str, Effort]:
    """By person, who did the most first; people who did nothing but bring labels along are left out.

    The time is that between a person's actions of any kind, where it is not longer than LONGEST_PAUSE: what came before
    the first action of a sitting is not in it. What was taken back has been done, and counts.
    """
    by_person: dict[str, list[Action]] = {}
    for action in actions:
        if action.kind != "import":
            by_person.setdefault(action.who, []).append(action)
    found = {
        who: Effort(
            sum(action.kind in GESTURES for action in theirs),
            sum(action.kind == "audit" for action in theirs),
            _active([datetime.fromisoformat(action.at).timestamp() for action in theirs]),
        )
        for who, theirs in by_person.items()
    }
    return dict(sorted(found.items(), key=lambda one: -one[1].n_gestures))


def _active(times: Sequence[float]) -> float:
    gaps = (later - earlier for earlier, later in pairwise(times))
    return sum(gap for gap in gaps if 0 < gap <= LONGEST_PAUSE)  # a clock may have been set back
