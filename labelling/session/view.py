"""What one person looks at: the map of a space, and which texts of it are shown."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from labelling import projections
from labelling.encoders import Encoder
from labelling.encoders.cache import EmbeddingCache
from labelling.encoders.precomputed import OwnVectors
from labelling.errors import CorralError
from labelling.labels.label import NO, UNKNOWN, UNLABELLED, YES, Label
from labelling.selection import geometry
from labelling.selection.filters import Filter
from labelling.selection.regions import Region, regions
from labelling.workspace import Project, Space

PART = "part"  # the name under which the map of what is embedded so far is kept


class SessionError(CorralError, ValueError):
    """A step that can't be taken now; the message says why and what to do."""


@dataclass(frozen=True)
class MapView:
    """A map as it is shown: the very positions that a lasso is drawn on.

    `xy` is float32 (n_rows, 2), NaN where a row has no position.
    """

    id: str
    xy: np.ndarray
    space: int | None
    projection: str

    @cached_property
    def placed(self) -> np.ndarray:
        """bool (n_rows,): the rows that have a position."""
        return ~np.isnan(self.xy[:, 0])

    @cached_property
    def points(self) -> geometry.Points:
        """The positions, for finding the rows of a lasso."""
        return geometry.Points(self.xy)

    @cached_property
    def n_points(self) -> int:
        return int(np.count_nonzero(self.placed))


@dataclass(frozen=True)
class Found:
    """What a search found: `matches` bool (n_rows,), or `scores` float32 (n_rows,), the higher the better."""

    kind: str
    query: str
    matches: np.ndarray | None = None
    scores: np.ndarray | None = None

    def best(self, among: np.ndarray, n: int | None = None) -> np.ndarray:
        """The matches in the order of the rows, or the `n` rows of the highest scores, best first: int64.

        Only rows of the mask `among` (n_rows,) are asked.
        """
        if self.matches is not None:
            return np.flatnonzero(self.matches & among)[:n]
        assert self.scores is not None  # noqa: S101 - one of the two is set
        rows = np.flatnonzero(among & ~np.isnan(self.scores))
        n = min(len(rows), len(rows) if n is None else n)
        if n < len(rows):
            rows = rows[np.sort(np.argpartition(-self.scores[rows], n)[:n])]
        return rows[np.argsort(-self.scores[rows], kind="stable")]


class Looking:
    """The map of a session; see `labelling.session.Session`."""

    def __init__(
        self,
        project: Project,
        cache: EmbeddingCache,
        encoder_for: Callable[[Mapping[str, Any]], Encoder],
        who: str | None = None,
        vectors: OwnVectors | None = None,
    ) -> None:
        self.project = project
        self.cache = cache
        self.vectors = vectors
        self.encoder_for = encoder_for
        self.log = project.open_log(who)
        self._focus: int | None = None
        self.selection = geometry.NOTHING
        self.n_hidden = 0  # of what was drawn round last: how many the map does not show
        self.chosen_by: Mapping[str, Any] = {}
        self.history = geometry.History(project.n_rows)
        self.view: MapView | None = None
        self.visible: np.ndarray | None = None  # bool (n_rows,), None: all that have a position
        self.map_id = ""  # of the view and of what is visible of it
        self.found: Found | None = None
        self._regions: tuple[str, list[Region]] | None = None
        self._filtered: tuple[Any, np.ndarray] | None = None

    def look(self, space: Space, projection: str) -> MapView | None:
        """Show this projection of this space; None where it has not been made yet."""
        map_id = self.name_of_map(space, projection)
        if not space.has_map(projection):
            map_id += "-part"  # texts were added that have no place on it yet
        if self.view is None or self.view.id != map_id:
            xy = space.map(projection)
            if xy is None:
                return None
            self._show(MapView(map_id, xy, space.id, projection))
        return self.view

    def name_of_map(self, space: Space, projection: str) -> str:
        """Tells this map from any other, and from itself before texts were added."""
        return f"{self.project.dataset_id}-{space.id}-{projection}"

    def _show(self, view: MapView) -> None:
        self.view, self.map_id, self.visible = view, view.id, None

    def look_at_part(self, embeddings: np.ndarray) -> MapView:
        """Show the PCA of what has been embedded so far (NaN elsewhere), as the parts before lay."""
        space = self.project.spaces()[0]
        xy, before = projections.pca(embeddings), space.map(PART)
        if before is not None:
            xy = projections.align(xy, before)
        space.save_map(PART, xy)  # the next part is laid like it, in whatever tab, and at last the map of all
        map_id = hashlib.blake2b(xy.tobytes(), digest_size=8).hexdigest()
        view = MapView(f"{self.project.id}-part-{map_id}", xy, None, "PCA")
        self._show(view)
        return view

    def make_umap(
        self,
        space: Space,
        process: projections.UmapProcess,
        begin: Callable[[str], None] = lambda title: None,
        on_progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> bool:
        """Make the neighbour graph and then the UMAP of this space; False where `stop` ended it.

        It starts from the UMAP of the original space, or from its own PCA, and is turned like what it started from.
        `begin` is told the title of each part of the work.
        """
        embeddings, graph = space.embeddings, space.graph
        if graph is None:
            begin("Neighbour graph")
            graph = process.neighbours(embeddings, on_progress=on_progress, stop=stop)
            if graph is None:
                return False
            space.save_graph(*graph)
            begin("UMAP map")
        xy = space.map("UMAP")
        if xy is not None:  # texts were added: the others stay where they are
            xy = process.place(embeddings, xy, neighbours=graph, on_progress=on_progress, stop=stop)
        else:
            before = self.project.spaces()[0].map("UMAP")
            start = space.map("PCA") if before is None else before
            xy = process.fit_transform(embeddings, init=start, neighbours=graph, on_progress=on_progress, stop=stop)
            xy = xy if start is None or xy is None else projections.align(xy, start)
        if xy is not None:
            space.save_map("UMAP", xy)
        return xy is not None

    def regions(self) -> list[Region]:
        """The regions of the map that is shown, with names, the largest first; none while its texts are embedded."""
        view, held = (
            self.view,
            self._regions,
        )  # it may be asked in another thread, while the page goes on to another map
        if view is None or view.space is None:
            return []
        if held is None or held[0] != view.id:
            held = self._regions = (view.id, regions(view.xy, self.project.dataset.text))
        return held[1]

    @property
    def has_regions(self) -> bool:
        """Whether `regions` of the map that is shown are there at once."""
        return self.view is not None and self._regions is not None and self._regions[0] == self.view.id

    def filtered(self, wanted: Filter) -> np.ndarray | None:
        """bool (n_rows,): the rows that `wanted` leaves; None where it leaves all. Raises SearchError."""
        if not wanted.active:
            return None
        key = (wanted, self.log.seq if wanted.labels else 0)
        if self._filtered is None or self._filtered[0] != key:
            dataset = self.project.dataset
            mask = wanted.mask(self._labelled, dataset.frame, dataset.frame[dataset.text_column])
            self._filtered = (key, mask)
        return self._filtered[1]

    def _labelled(self, state: int) -> np.ndarray:
        """bool (n_rows,): the rows in a state of `label_states`."""
        if state == UNLABELLED:
            return ~self.log.known
        if not self.log.multi_label:
            return self.log.codes == state
        label_id, answer = divmod(state, 3)
        return self.log.label_values(label_id) == (YES, NO, UNKNOWN)[answer]

    def label_states(self) -> dict[int, str]:
        """What can be said of a row's labels, for a filter: a number for each, and its name."""
        if not self.log.multi_label:
            counts = self.log.counts()
            named = {label.id: label.name for label in self.log.labels if counts[label.id]}
            return {UNLABELLED: "unlabelled", **named}
        states = {UNLABELLED: "nothing known"}
        for label in self.log.labels:
            for place, word in enumerate(("yes", "no", "unknown")):
                states[3 * label.id + place] = f"{label.name}: {word}"
        return states

    @property
    def focus(self) -> Label | None:
        """With yes, no and unknown: the label that is asked about now; None where there is none."""
        labels = self.log.labels if self.log.multi_label else []
        return next((label for label in labels if label.id == self._focus), labels[0] if labels else None)

    def focus_on(self, label_id: int) -> None:
        self._focus = label_id

    @property
    def with_text(self) -> np.ndarray:
        """bool (n_rows,): the rows that have a text. Nobody can read or lasso the others, so none is left to label."""
        return ~self.project.dataset.empty

    @property
    def unlabelled(self) -> np.ndarray:
        """bool (n_rows,): the texts without a label; with yes, no and unknown: without an answer for that in focus."""
        if self.log.multi_label and self.focus is not None:
            return self.with_text & (self.log.label_values(self.focus.id) == UNKNOWN)
        return self.with_text & ~self.log.known

    def show_only(self, wanted: np.ndarray | None) -> int:
        """Show these rows alone, bool (n_rows,), None for all; return how many of the selection are hidden by that.

        They are selected no longer: what is selected is what can be seen.
        """
        if self.view is None:
            return 0
        self.map_id, self.visible = self.view.id, None
        if wanted is not None:
            self.visible = wanted & self.view.placed
            digest = hashlib.blake2b(np.packbits(self.visible).tobytes(), digest_size=8).hexdigest()
            self.map_id = f"{self.view.id}-{digest}"
        seen = self.seen[self.selection]
        if not seen.all():
            self.history.leave(self.selection, self.chosen_by)
            self.selection = self.selection[seen]
        return int(np.count_nonzero(~seen))

    @property
    def seen(self) -> np.ndarray:
        """bool (n_rows,): the rows that the map shows."""
        if self.visible is not None:
            return self.visible
        return self.view.placed if self.view is not None else np.zeros(self.project.n_rows, bool)
