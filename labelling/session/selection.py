"""Selections, by hand and by their neighbours, and searches."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from labelling.selection import geometry, neighbours, search
from labelling.session.view import Found, Looking, SessionError
from labelling.workspace import Space


class Selecting(Looking):
    """The selection of a session, and what was searched; see `labelling.session.Session`."""

    def select(self, map_id: str, kind: str, points: list[list[float]], how: str = "new") -> None:
        """Select what lies in a "lasso" (polygon) or a "box" (two corners) drawn on map `map_id`.

        `how` is "new", "add", "subtract" or "intersect". Raises SessionError where another map, or another part of it,
        is shown by now, as the polygon then means other rows.
        """
        if self.view is None or self.map_id != map_id:
            raise SessionError("The map has changed since this was drawn: draw it again on the map as it is now.")
        if kind == "lasso":
            if len(points) < 3:
                return  # a click, not a lasso
            rows = self.view.points.in_polygon(points)
        elif kind == "box":
            (x1, y1), (x2, y2) = points
            rows = self.view.points.in_box((x1, x2), (y1, y2))
        else:
            raise ValueError(f"kind must be 'lasso' or 'box', got {kind!r}")
        place = {"space": self.view.space, "projection": self.view.projection}
        self.n_hidden = int(np.count_nonzero(~self.seen[rows]))
        self.select_rows(rows, kind, how, points=np.asarray(points, float).tolist(), **place)

    def select_rows(self, rows: np.ndarray, by: str, how: str = "new", **details: Any) -> None:
        """Select those of `rows` that can be seen; `by` and `details` say how they were chosen, for the log."""
        rows = rows[self.seen[rows]]
        step = {"by": by, "how": how, **details}
        combined = geometry.combine(self.selection, rows, how)
        if how != "new" and self.chosen_by:
            step = {**self.chosen_by, "then": [*self.chosen_by.get("then", []), step]}
        self._set(combined, step)

    @property
    def is_drawn(self) -> bool:
        """Whether the selection was made with the mouse alone, on this map as it is shown."""
        steps = [self.chosen_by, *self.chosen_by.get("then", [])] if len(self.selection) else [{}]
        return all(step.get("by") in ("lasso", "box") for step in steps)

    @property
    def how(self) -> dict[str, Any]:
        """How the selection was made, and on which map, for the log."""
        on = {"space": self.view.space, "projection": self.view.projection} if self.view is not None else {}
        return {**on, **self.chosen_by}

    def deselect(self) -> None:
        self._set(geometry.NOTHING, {})

    def _set(self, rows: np.ndarray, how: Mapping[str, Any]) -> None:
        if len(self.selection) or len(rows):
            self.history.leave(self.selection, self.chosen_by)
        self.selection, self.chosen_by = rows, how

    def back(self) -> None:
        """The selection as it was before; what can't be seen now is left out."""
        if len(self.history):
            rows, self.chosen_by = self.history.back()
            self.selection = rows[self.seen[rows]]

    def invert(self) -> None:
        """Select what can be seen and was not selected."""
        mask = self.seen.copy()
        mask[self.selection] = False
        self._set(np.flatnonzero(mask), {"by": "invert", "of": self.chosen_by})

    def select_unlabelled(self) -> None:
        """Select all that can be seen and has no label."""
        self.select_rows(np.flatnonzero(self.seen & self.unlabelled), "unlabelled")

    @property
    def graph(self) -> np.ndarray | None:
        """The neighbour graph of the space that is shown, None where it has not been made yet."""
        if self.view is None or self.view.space is None:
            return None
        return self.project.space(self.view.space).neighbours

    def grow(self) -> None:
        """Take in the nearest neighbours, in the full space, that can be seen."""
        self._need_selection()
        self.select_rows(neighbours.grow(self.selection, self._need_graph(), self.seen), "grow", "add")

    def shrink(self) -> None:
        """Leave out what has the fewest of its neighbours inside."""
        self._need_selection()
        self.select_rows(neighbours.core(self.selection, self._need_graph(), self.seen), "core", "intersect")

    def strays(self) -> np.ndarray | None:
        """The selected rows with most of their nearest neighbours outside; None where there is no graph yet."""
        graph = self.graph
        return None if graph is None else neighbours.strays(self.selection, graph, self.seen)

    def drop_strays(self) -> None:
        self.select_rows(neighbours.strays(self.selection, self._need_graph(), self.seen), "strays", "subtract")

    def _need_graph(self) -> np.ndarray:
        if (graph := self.graph) is None:
            raise SessionError("The neighbour graph is still being made: it comes with the UMAP.")
        return graph

    def _need_selection(self) -> None:
        if not len(self.selection):
            raise SessionError("Nothing is selected: draw a lasso round some points first.")

    # ---------------------------------------------------------------- search

    def search(self, kind: str, query: str) -> None:
        """Look for "words", a "regex", or by "meaning" (the encoder's nearest by cosine). Raises SearchError."""
        dataset = self.project.dataset
        texts = dataset.frame[dataset.text_column]
        if kind == "words":
            self.found = Found(kind, query, matches=search.with_words(texts, query))
        elif kind == "regex":
            self.found = Found(kind, query, matches=search.matching(texts, query))
        elif kind == "meaning":
            if not query.strip():
                raise search.SearchError("There is nothing to look for: type what the texts should be about.")
            space = self.project.spaces()[0]
            self._need_ready(space)
            vector = self.encoder_for(space.settings).encode([query])[0]
            self.found = Found(kind, query, scores=search.cosine(space.embeddings, vector))
        else:
            raise ValueError(f"kind must be 'words', 'regex' or 'meaning', got {kind!r}")

    def more_like(self, row: int) -> None:
        """Look for what is nearest to this row, by cosine in the space that is shown."""
        space = self.project.current
        self._need_ready(space)
        vector = np.asarray(space.embeddings[row])
        if np.isnan(vector).any():
            raise search.SearchError("This row has no text: nothing is like it.")
        scores = search.cosine(space.embeddings, vector)
        self.found = Found("row", self.project.dataset.text(row).strip(), scores=scores)

    @property
    def can_tell_what_moved(self) -> bool:
        """Whether a tuned space is shown, and its neighbour graph and that of the original have been made."""
        original, space = self.project.spaces()[0], self.project.current
        return space.id != original.id and None not in (original.graph, space.graph)

    def moved_most(self) -> None:
        """Look for the texts whose nearest neighbours in the space that is shown were not so in the original."""
        original, space = self.project.spaces()[0], self.project.current
        old, new = original.neighbours, space.neighbours
        if not self.can_tell_what_moved or old is None or new is None:
            raise SessionError("Nothing has moved yet: show a tuned space, and wait for its UMAP.")
        self.found = Found(
            "moved", f"moved most from {original.name} to {space.name}", scores=neighbours.changed(old, new)
        )

    def _need_ready(self, space: Space) -> None:
        if not space.ready:
            raise search.SearchError("The texts are still being embedded: search by meaning when all are.")
