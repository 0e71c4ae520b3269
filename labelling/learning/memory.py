"""A sample of the labelled rows that a stream has brought so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labelling.learning.targets import UNKNOWN, Targets

# Enough for 20 rows of each of a hundred labels; 3 MB at 384 dimensions.
MEMORY_ROWS = 2_000


@dataclass(frozen=True)
class Memory:
    """Each row gets a random key when it comes, and those with the smallest keys of each class stay: an even sample of
    the stream, whatever its length (Cohen & Kaplan 2007, "Summarizing data using bottom-k sketches").

    Attributes
    ----------
    x : float32 (n, n_features), of unit length; targets : what is known of them; keys : float64 (n,)
    n_seen : how many labelled rows have come.
    """

    x: np.ndarray
    targets: Targets
    keys: np.ndarray
    n_seen: int

    @classmethod
    def of(cls, x: np.ndarray, targets: Targets, rng: np.random.RandomState | None) -> Memory:
        keys = np.zeros(0) if rng is None else rng.random_sample(len(x))
        return cls(x, targets, keys, len(x))._sampled()

    def add(self, x: np.ndarray, targets: Targets, rng: np.random.RandomState, classes: Any) -> Memory:
        """The memory after these rows; `classes` are further labels to expect, or None."""
        further = [] if classes is None else np.asarray(classes).tolist()
        names = self.targets.classes.tolist() + targets.classes.tolist() + further
        if len({isinstance(name, str) for name in names}) > 1:
            raise ValueError("labels must be all text or all numbers, got both")
        if targets.multi_label:
            order = np.array(list(dict.fromkeys(names)))
            codes = np.full((len(self.x) + len(x), len(order)), UNKNOWN, np.int8)
            codes[: len(self.x), _places(self.targets.classes, order)] = self.targets.codes
            codes[len(self.x) :, _places(targets.classes, order)] = targets.codes
        else:
            order = np.unique(names)
            codes = np.concatenate(
                [_places(part.classes, order)[part.codes] for part in (self.targets, targets) if len(part.codes)]
                or [np.zeros(0, int)]
            )
        return replace(
            self,
            x=np.concatenate([self.x, x]),
            targets=Targets(order, codes),
            keys=np.concatenate([self.keys, rng.random_sample(len(x))]),
            n_seen=self.n_seen + len(x),
        )._sampled()

    def places_of(self, classes: np.ndarray) -> np.ndarray:
        """Where these classes stand among those of the memory: int (n_classes,)."""
        return _places(classes, self.targets.classes)

    def _sampled(self) -> Memory:
        if len(self.x) <= MEMORY_ROWS:
            return self
        order = np.argsort(self.keys, kind="stable")
        groups = np.zeros(len(order), int) if self.targets.multi_label else self.targets.codes[order]
        # the how-manieth of its class each row is, in the order of the keys
        by_group = np.argsort(groups, kind="stable")
        starts = np.searchsorted(groups[by_group], groups[by_group])
        place = np.empty(len(order), int)
        place[by_group] = np.arange(len(order)) - starts
        kept = np.sort(order[np.argsort(place, kind="stable")[:MEMORY_ROWS]])
        return replace(self, x=self.x[kept], targets=self.targets.take(kept), keys=self.keys[kept])


def _places(names: np.ndarray, among: np.ndarray) -> np.ndarray:
    place = {name: index for index, name in enumerate(among.tolist())}
    return np.array([place[name] for name in names.tolist()], int)
