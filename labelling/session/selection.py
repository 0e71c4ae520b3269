"""The texts that one person has selected, by hand and by their neighbours."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from labelling.errors import StepError
from labelling.selection import geometry, neighbours
from labelling.session.labels import Labels
from labelling.session.map import Map


class Selection:
    """What is selected of what the map shows, and how it was chosen.

    Attributes
    ----------
    rows : ndarray of int64, sorted
    chosen_by : mapping, how they were chosen
    history : History, the selections before
    n_hidden : int, how many of what was drawn round last the map does not show
    """

    def __init__(self, map: Map, labels: Labels) -> None:
        self.map, self.labels = map, labels
        self.rows = geometry.NOTHING
        self.chosen_by: Mapping[str, Any] = {}
        self.history = geometry.History(map.project.n_rows)
        self.n_hidden = 0

    def __len__(self) -> int:
        return len(self.rows)

    def draw(self, map_id: str, kind: str, points: list[list[float]], how: str = "new") -> None:
        """Select what lies in a "lasso" (polygon) or a "box" (two corners) drawn on map `map_id`.

        `how` is "new", "add", "subtract" or "intersect". Raises StepError where another map, or another part of it,
        is shown by now, as the polygon then means other rows.
        """
        view = self.map.view
        if view is None or self.map.id != map_id:
            raise StepError("The map has changed since this was drawn: draw it again on the map as it is now.")
        if kind == "lasso":
            if len(points) < 3:
                return  # a click, not a lasso
            rows = view.points.in_polygon(points)
        elif kind == "box":
            (x1, y1), (x2, y2) = points
            rows = view.points.in_box((x1, x2), (y1, y2))
        else:
            raise ValueError(f"kind must be 'lasso' or 'box', got {kind!r}")
        place = {"space": view.space, "projection": view.projection}
        self.n_hidden = int(np.count_nonzero(~self.map.seen[rows]))
        self.select(rows, kind, how, points=np.asarray(points, float).tolist(), **place)

    def select(self, rows: np.ndarray, by: str, how: str = "new", **details: Any) -> None:
        """Select those of `rows` that can be seen; `by` and `details` say how they were chosen, for the log."""
        rows = rows[self.map.seen[rows]]
        step = {"by": by, "how": how, **details}
        combined = geometry.combine(self.rows, rows, how)
        if how != "new" and self.chosen_by:
            step = {**self.chosen_by, "then": [*self.chosen_by.get("then", []), step]}
        self._set(combined, step)

    @property
    def is_drawn(self) -> bool:
        """Whether the selection was made with the mouse alone, on this map as it is shown."""
        steps = [self.chosen_by, *self.chosen_by.get("then", [])] if len(self.rows) else [{}]
        return all(step.get("by") in ("lasso", "box") for step in steps)

    @property
    def how(self) -> dict[str, Any]:
        """How the selection was made, and on which map, for the log."""
        return {**self.on_map, **self.chosen_by}

    @property
    def on_map(self) -> dict[str, Any]:
        """Which map is looked at, for the log."""
        view = self.map.view
        return {"space": view.space, "projection": view.projection} if view is not None else {}

    def sample(self, n: int, random_state: int = 0) -> np.ndarray:
        """At most `n` of the selected rows, drawn at random, in random order: int64.

        Whatever is selected beside them, two rows come in the same order: those read so far stay in place.
        """
        n = min(n, len(self.rows))
        if not n:
            return self.rows
        place = np.random.default_rng(random_state).random(self.map.project.n_rows)[self.rows]
        first = np.argpartition(place, n - 1)[:n]
        return self.rows[first[np.argsort(place[first])]]

    def next_like(self, n: int) -> np.ndarray:
        """At most `n` rows without a label whose nearest texts are selected, those with the most of them first: int64.

        None of them while there is no graph yet.
        """
        if (graph := self.map.graph) is None:
            return geometry.NOTHING
        return neighbours.nearest_outside(self.rows, graph, self.map.seen & self.labels.unlabelled)[:n]

    def leave_out_hidden(self) -> int:
        """Leave out what the map does not show; return how many that were."""
        seen = self.map.seen[self.rows]
        if not seen.all():
            self.history.leave(self.rows, self.chosen_by)
            self.rows = self.rows[seen]
        return int(np.count_nonzero(~seen))

    def deselect(self) -> None:
        self._set(geometry.NOTHING, {})

    def _set(self, rows: np.ndarray, how: Mapping[str, Any]) -> None:
        if len(self.rows) or len(rows):
            self.history.leave(self.rows, self.chosen_by)
        self.rows, self.chosen_by = rows, how

    def back(self) -> None:
        """The selection as it was before; what can't be seen now is left out."""
        if len(self.history):
            rows, self.chosen_by = self.history.back()
            self.rows = rows[self.map.seen[rows]]

    def invert(self) -> None:
        """Select what can be seen and was not selected."""
        mask = self.map.seen.copy()
        mask[self.rows] = False
        self._set(np.flatnonzero(mask), {"by": "invert", "of": self.chosen_by})

    @property
    def is_partly_unlabelled(self) -> bool:
        """Whether some of what is selected has no label."""
        return bool(self.labels.unlabelled[self.rows].any())

    def select_unlabelled(self) -> None:
        """Keep what has no label of the selection; where none of it is without one: all such that can be seen."""
        how = "intersect" if self.is_partly_unlabelled else "new"
        self.select(np.flatnonzero(self.map.seen & self.labels.unlabelled), "unlabelled", how)

    def grow(self) -> None:
        """Take in the nearest neighbours, in the full space, that can be seen."""
        self.need_some()
        self.select(neighbours.grow(self.rows, self._need_graph(), self.map.seen), "grow", "add")

    def shrink(self) -> None:
        """Leave out what has the fewest of its neighbours inside."""
        self.need_some()
        self.select(neighbours.core(self.rows, self._need_graph(), self.map.seen), "core", "intersect")

    def strays(self) -> np.ndarray | None:
        """The selected rows with most of their nearest neighbours outside; None where there is no graph yet."""
        graph = self.map.graph
        return None if graph is None else neighbours.strays(self.rows, graph, self.map.seen)

    def drop_strays(self) -> None:
        self.select(neighbours.strays(self.rows, self._need_graph(), self.map.seen), "strays", "subtract")

    def _need_graph(self) -> np.ndarray:
        if (graph := self.map.graph) is None:
            raise StepError("The neighbour graph is still being made: it comes with the clear map.")
        return graph

    def need_some(self) -> None:
        """Raises StepError where nothing is selected."""
        if not len(self.rows):
            raise StepError("Nothing is selected: draw a lasso round some points first.")
