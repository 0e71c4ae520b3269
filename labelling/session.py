"""One labelling session: a tab's way through the house, one method a step.

    embed -> project -> select -> label -> tune -> (project again) -> export

What matters is on disk after every step; the session itself holds only what one person looks at.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from labelling import evaluation, export, projections, selection
from labelling.cache import EmbeddingCache
from labelling.encoders import Encoder
from labelling.labels import UNLABELLED, Action, LabelLog
from labelling.workspace import Project, Space

# Unlabelled rows that a tuner is given beside the labelled ones: enough to follow the shape of the data.
TUNER_UNLABELLED_ROWS = 5_000
MIN_ROWS_FOR_UMAP = projections.UMAP_MIN_ROWS


class SessionError(ValueError):
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

    @property
    def n_points(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.xy[:, 0])))


class Session:
    """A project as one person sees it.

    Parameters
    ----------
    project : Project
    cache : EmbeddingCache
        The workspace's.
    encoder_for : callable
        Makes (or finds) the encoder that a space's settings describe.
    """

    def __init__(
        self, project: Project, cache: EmbeddingCache, encoder_for: Callable[[Mapping[str, Any]], Encoder]
    ) -> None:
        self.project = project
        self.cache = cache
        self.encoder_for = encoder_for
        self.log = project.open_log()
        self.selection = selection.NOTHING
        self.chosen_by: dict[str, Any] = {}
        self.view: MapView | None = None

    # ---------------------------------------------------------------- embeddings

    def embed(
        self,
        on_batch: Callable[[np.ndarray, int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> bool:
        """Embed the texts with the original space's encoder, through the cache; True once all are there.

        `on_batch(embeddings so far, n_done, n_total)` gets a float32 (n_rows, n_dims) array, NaN where nothing is yet;
        counts are of rows that have a text. After `stop` the rest is taken up at the next call.
        """
        space = self.project.spaces()[0]
        dataset = self.project.dataset
        encoder = self.encoder_for(space.settings)
        filled = np.flatnonzero(~dataset.empty)
        texts = [dataset.texts[row] for row in filled]
        so_far = np.full((len(dataset), encoder.n_dims), np.nan, np.float32)

        def note(rows: np.ndarray, vectors: np.ndarray, n_done: int, n_total: int) -> None:
            so_far[filled[rows]] = vectors
            if on_batch:
                on_batch(so_far, n_done, n_total)

        so_far[filled] = self.cache.embed(encoder, texts, on_batch=note, stop=stop)
        if np.isnan(so_far[filled, 0]).any():
            return False
        if "n_truncated" not in space.settings:
            n_truncated = encoder.count_truncated(texts)
            self.project.describe_space(space.id, n_truncated=n_truncated, max_tokens=encoder.max_tokens)
        space.save_map("PCA", projections.pca(so_far))
        space.save_embeddings(so_far)  # last: a space with embeddings has a map too
        return True

    # ---------------------------------------------------------------- map

    def look(self, space: Space, projection: str) -> MapView | None:
        """Show this projection of this space; None where it has not been made yet."""
        map_id = f"{self.project.id}-{space.id}-{projection}"
        if self.view is None or self.view.id != map_id:
            xy = space.map(projection)
            if xy is None:
                return None
            self.view = MapView(map_id, xy, space.id, projection)
        return self.view

    def look_at_part(self, embeddings: np.ndarray) -> MapView:
        """Show the PCA of what has been embedded so far (NaN elsewhere)."""
        xy = projections.pca(embeddings)
        if self.view is not None and self.view.space is None and len(self.view.xy) == len(xy):
            xy = _turn_like(xy, self.view.xy)
        map_id = hashlib.blake2b(xy.tobytes(), digest_size=8).hexdigest()
        self.view = MapView(f"{self.project.id}-part-{map_id}", xy, None, "PCA")
        return self.view

    def make_umap(
        self,
        space: Space,
        process: projections.UmapProcess,
        on_progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> bool:
        """Make the UMAP of this space, started from its PCA; False where `stop` ended it."""
        xy = process.fit_transform(space.embeddings, init=space.map("PCA"), on_progress=on_progress, stop=stop)
        if xy is not None:
            space.save_map("UMAP", xy)
        return xy is not None

    # ---------------------------------------------------------------- selection

    def select(self, map_id: str, kind: str, points: list[list[float]], how: str = "new") -> None:
        """Select what lies in a "lasso" (polygon) or a "box" (two corners) drawn on map `map_id`; "none" clears.

        Raises SessionError where another map is shown by now, as the polygon then means other rows.
        """
        if kind == "none":
            self.selection, self.chosen_by = selection.NOTHING, {}
            return
        if self.view is None or self.view.id != map_id:
            raise SessionError("The map has changed since this lasso was drawn: draw it again on the new map.")
        if kind == "lasso":
            if len(points) < 3:
                return  # a click, not a lasso
            rows = selection.rows_in_polygon(self.view.xy, points)
        elif kind == "box":
            (x1, y1), (x2, y2) = points
            rows = selection.rows_in_box(self.view.xy, (x1, x2), (y1, y2))
        else:
            raise ValueError(f"kind must be 'lasso', 'box' or 'none', got {kind!r}")
        self.selection = selection.combine(self.selection, rows, how)
        self.chosen_by = {
            "by": kind,
            "how": how,
            "points": np.asarray(points, float).tolist(),
            "space": self.view.space,
            "projection": self.view.projection,
        }

    # ---------------------------------------------------------------- labels

    def label(self, name: str, *, overwrite: bool = False) -> int:
        """Give the selection a label; how many rows changed. It is on disk when this returns."""
        self._need_selection()
        return self.log.assign(self.selection, name, overwrite=overwrite, how=self.chosen_by)

    def clear(self) -> int:
        """Take the labels off the selection; how many rows had one."""
        self._need_selection()
        return self.log.clear(self.selection, how=self.chosen_by)

    def undo(self) -> Action | None:
        return self.log.undo()

    def redo(self) -> Action | None:
        return self.log.redo()

    def _need_selection(self) -> None:
        if not len(self.selection):
            raise SessionError("Nothing is selected: draw a lasso round some points first.")

    # ---------------------------------------------------------------- tuning

    def tune(self, tuner: Any, name: str, callback: Callable[..., bool | None] | None = None) -> Space:
        """Fit `tuner` on what is labelled in the original space; what it makes is a candidate space.

        Raises SessionError where fewer than two labels have a text, or the texts are not embedded yet.
        """
        parent = self.project.spaces()[0]
        if not parent.ready:
            raise SessionError("The texts are still being embedded: tune when all are.")
        self.log.refresh()
        embeddings = parent.embeddings
        names = self.log.names()
        present = ~np.isnan(np.asarray(embeddings[:, 0]))
        labelled, others = self._rows_for_a_tuner(present)
        used = sorted(set(names[labelled]))
        if len(used) < 2:
            raise SessionError(
                f"A tuner needs at least two labels to tell apart; so far there is {used[0]!r} alone."
                if used
                else "A tuner needs at least two labels with a few texts each; so far nothing is labelled."
            )
        rows = np.sort(np.concatenate([labelled, others]))
        tuner.fit(np.asarray(embeddings[rows]), names[rows], callback=callback)
        tuned = self._transform(tuner, embeddings, present)
        settings = {**tuner.get_params(), "labels": {label: int(np.sum(names[labelled] == label)) for label in used}}
        space = self.project.add_space(name, type(tuner).__name__, settings, parent.id)
        try:
            space.save_map("PCA", projections.pca(tuned))
            tuner.save(space.folder / "tuner.safetensors")
            space.save_embeddings(tuned)  # last: it makes the space ready
        except BaseException:
            self.project.discard_space(space.id)
            raise
        return space

    def _rows_for_a_tuner(self, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows that have a label, and so many of those that have none, among those with an embedding."""
        labelled = np.flatnonzero(present & (self.log.codes != UNLABELLED))
        others = np.flatnonzero(present & (self.log.codes == UNLABELLED))
        if len(others) > TUNER_UNLABELLED_ROWS:
            others = np.random.default_rng(0).choice(others, TUNER_UNLABELLED_ROWS, replace=False)
        return labelled, others

    def evaluate(
        self,
        space: Space,
        tuner_for: Callable[[Space], Any],
        on_progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> evaluation.Evaluation | None:
        """What `space` is worth on held-out labels, compared with the space that the map shows, and with the original.

        It is kept with the space; None where `stop` ended it. `tuner_for` makes the unfitted tuner of a space.
        Raises TooFewLabels where nothing can be held out.
        """
        self.log.refresh()
        original = self.project.spaces()[0]
        embeddings = original.embeddings
        labelled, others = self._rows_for_a_tuner(~np.isnan(np.asarray(embeddings[:, 0])))
        # An import is no lasso: each of its rows was labelled on its own.
        groups = self.log.setters[labelled].astype(int)
        imported = np.array([False, *(action.kind == "import" for action in self.log.actions)])[groups]
        groups = np.where(imported, -labelled - 1, groups)
        shown = self.project.current
        compared = {each.id: each for each in (original if shown.id == space.id else shown, original, space)}
        found = evaluation.evaluate(
            np.asarray(embeddings[labelled]),
            self.log.names()[labelled],
            groups,
            np.asarray(embeddings[others]),
            {str(key): None if key == original.id else tuner_for(each) for key, each in compared.items()},
            on_progress=on_progress,
            stop=stop,
        )
        if found is not None:
            kept = evaluation.neighbours_kept(np.asarray(embeddings[others]), np.asarray(space.embeddings[others]))
            found = replace(found, neighbours_kept=kept)
            self.project.describe_space(space.id, evaluation=found.to_dict())
        return found

    @staticmethod
    def _transform(tuner: Any, embeddings: np.ndarray, present: np.ndarray, step: int = 65_536) -> np.ndarray:
        rows = np.flatnonzero(present)
        tuned: np.ndarray | None = None
        for start in range(0, len(rows), step):  # in parts: a million rows at once would hold everything twice
            part = tuner.transform(np.asarray(embeddings[rows[start : start + step]]))
            if tuned is None:
                tuned = np.full((len(embeddings), part.shape[1]), np.nan, np.float32)
            tuned[rows[start : start + step]] = part
        assert tuned is not None  # noqa: S101 - two labelled rows at the least
        return tuned

    # ---------------------------------------------------------------- export

    def export(
        self, to_bytes: Callable[[pd.DataFrame], bytes] = export.to_csv, *, only_labelled: bool = False
    ) -> bytes:
        """The rows in the uploaded order with all their columns and label, labelled_at, source, as a file's bytes."""
        # A log of its own: a download runs in another thread than the page, which may refresh the session's meanwhile.
        return to_bytes(self._labelled(self.project.open_log(), only_labelled))

    def preview(self, n_rows: int = 10, *, only_labelled: bool = False) -> pd.DataFrame:
        """The first rows of the export."""
        return self._labelled(self.log, only_labelled, n_rows)

    def _labelled(self, log: LabelLog, only_labelled: bool, n_rows: int | None = None) -> pd.DataFrame:
        rows = np.flatnonzero(log.codes != UNLABELLED) if only_labelled else np.arange(log.n_rows)
        rows = rows[:n_rows]
        dataset = self.project.dataset
        some = replace(dataset, frame=dataset.frame.iloc[rows].reset_index(drop=True))
        columns = (log.names(), log.labelled_at(), log.sources())
        return export.labelled_frame(some, *(column[rows] for column in columns))


def _turn_like(xy: np.ndarray, old: np.ndarray) -> np.ndarray:
    """`xy` with axes swapped in sign so that the rows both maps know lie on the same side."""
    both = ~np.isnan(xy[:, 0]) & ~np.isnan(old[:, 0])
    signs = np.sign(np.sum(xy[both] * old[both], axis=0))
    return (xy * np.where(signs == 0, 1, signs)).astype(np.float32)
