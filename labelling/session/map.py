"""The map that one person looks at, and which texts of it are shown."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from labelling.selection import geometry
from labelling.selection.regions import Region, regions
from labelling.workspace import Project, Space


@dataclass(frozen=True)
class MapView:
    """A map as it is shown: the very positions that a lasso is drawn on.

    `xy` is float32 (n_rows, 2), NaN where a row has no position. `space` is None while its texts are being embedded.
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


class Map:
    """A projection of a space, and what of it is shown.

    Attributes
    ----------
    view : MapView or None, where none is shown yet
    id : str, of the view and of what is visible of it
    visible : ndarray of bool, shape (n_rows,), or None: all that have a position
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.view: MapView | None = None
        self.visible: np.ndarray | None = None
        self.id = ""
        self._regions: tuple[str, list[Region]] | None = None

    def look(self, space: Space, projection: str) -> MapView | None:
        """Show this projection of this space; None where it has not been made yet."""
        map_id = self.name_of(space, projection)
        if not space.has_map(projection):
            map_id += "-part"  # texts were added that have no place on it yet
        if self.view is None or self.view.id != map_id:
            xy = space.map(projection)
            if xy is None:
                return None
            self._show(MapView(map_id, xy, space.id, projection))
        return self.view

    def name_of(self, space: Space, projection: str) -> str:
        """Tells this map from any other, and from itself before texts were added."""
        return f"{self.project.dataset_id}-{space.id}-{projection}"

    def look_at_part(self, xy: np.ndarray) -> MapView:
        """Show the PCA of what has been embedded so far: float32 (n_rows, 2), NaN elsewhere."""
        map_id = hashlib.blake2b(xy.tobytes(), digest_size=8).hexdigest()
        view = MapView(f"{self.project.id}-part-{map_id}", xy, None, "PCA")
        self._show(view)
        return view

    def _show(self, view: MapView) -> None:
        self.view, self.id, self.visible = view, view.id, None

    def show_only(self, wanted: np.ndarray | None) -> None:
        """Show these rows alone, bool (n_rows,), None for all."""
        if self.view is None:
            return
        self.id, self.visible = self.view.id, None
        if wanted is not None:
            self.visible = wanted & self.view.placed
            digest = hashlib.blake2b(np.packbits(self.visible).tobytes(), digest_size=8).hexdigest()
            self.id = f"{self.view.id}-{digest}"

    @property
    def seen(self) -> np.ndarray:
        """bool (n_rows,): the rows that the map shows."""
        if self.visible is not None:
            return self.visible
        return self.view.placed if self.view is not None else np.zeros(self.project.n_rows, bool)

    @property
    def graph(self) -> np.ndarray | None:
        """The nearest rows of each in the space that is shown: int32 (n_rows, k); None where they are not made yet."""
        if self.view is None or self.view.space is None:
            return None
        return self.project.space(self.view.space).neighbours

    def regions(self) -> list[Region]:
        """The regions of the map that is shown, with names, the largest first; none while its texts are embedded."""
        # It may be asked in another thread, while the page goes on to another map.
        view, held = self.view, self._regions
        if view is None or view.space is None:
            return []
        if held is None or held[0] != view.id:
            held = self._regions = (view.id, regions(view.xy, self.project.dataset.text))
        return held[1]

    @property
    def has_regions(self) -> bool:
        """Whether `regions` of the map that is shown are there at once."""
        return self.view is not None and self._regions is not None and self._regions[0] == self.view.id
