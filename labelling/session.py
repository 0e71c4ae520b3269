"""One labelling session: a tab's way through the house, one method a step.

    embed -> project -> select -> label -> tune -> (project again) -> export

What matters is on disk after every step; the session itself holds only what one person looks at.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from labelling import evaluation, export, neighbours, projections, search, selection
from labelling.cache import EmbeddingCache
from labelling.encoders import Encoder
from labelling.filters import Filter
from labelling.labels import NO, UNKNOWN, UNLABELLED, YES, Action, Label
from labelling.log import LabelLog, Outcome
from labelling.workspace import Project, Space

# Unlabelled rows that a tuner is given beside the labelled ones: enough to follow the shape of the data.
TUNER_UNLABELLED_ROWS = 5_000
MIN_ROWS_FOR_UMAP = projections.UMAP_MIN_ROWS
TUNER_FILE = "tuner.safetensors"
PART = "part"  # the name under which the map of what is embedded so far is kept


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

    @cached_property
    def placed(self) -> np.ndarray:
        """bool (n_rows,): the rows that have a position."""
        return ~np.isnan(self.xy[:, 0])

    @cached_property
    def points(self) -> selection.Points:
        """The positions, for finding the rows of a lasso."""
        return selection.Points(self.xy)

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


class Session:
    """A project as one person sees it.

    Parameters
    ----------
    project : Project
    cache : EmbeddingCache
        The workspace's.
    encoder_for : callable
        Makes (or finds) the encoder that a space's settings describe.
    who : str
        Who labels; None is the one under whom this process runs.
    """

    def __init__(
        self,
        project: Project,
        cache: EmbeddingCache,
        encoder_for: Callable[[Mapping[str, Any]], Encoder],
        who: str | None = None,
    ) -> None:
        self.project = project
        self.cache = cache
        self.encoder_for = encoder_for
        self.log = project.open_log(who)
        self._focus: int | None = None
        self.selection = selection.NOTHING
        self.n_hidden = 0  # of what was drawn round last: how many the map does not show
        self.chosen_by: Mapping[str, Any] = {}
        self.history = selection.History(project.n_rows)
        self.view: MapView | None = None
        self.visible: np.ndarray | None = None  # bool (n_rows,), None: all that have a position
        self.map_id = ""  # of the view and of what is visible of it
        self.found: Found | None = None
        self._filtered: tuple[Any, np.ndarray] | None = None

    # ---------------------------------------------------------------- embeddings

    def embed(
        self,
        on_batch: Callable[[np.ndarray, int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> bool:
        """Embed the texts with the original space's encoder, through the cache; True once all are there.

        Texts that were added since are put on the maps that there are, and into the tuned spaces.
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
        n_truncated = encoder.count_truncated(texts)
        self.project.describe_space(space.id, n_truncated=n_truncated, max_tokens=encoder.max_tokens)
        self._save(space, so_far)
        for tuned in self.project.spaces()[1:]:
            if not tuned.ready and (tuned.folder / TUNER_FILE).exists():
                self._extend(tuned, so_far)
        return True

    def _save(self, space: Space, embeddings: np.ndarray) -> None:
        """Save all embeddings of a space, and its PCA: of all rows, or with the new ones among the others."""
        xy, seen = space.map("PCA"), space.map(PART)
        if xy is not None:
            xy = projections.extend_pca(xy, embeddings)
        else:
            xy = projections.pca(embeddings)
            xy = xy if seen is None else projections.align(xy, seen)
        space.save_map("PCA", xy)
        space.save_embeddings(embeddings)  # last: a space with embeddings has a map too

    def _extend(self, space: Space, original: np.ndarray) -> None:
        """Give the rows that were added their place in a tuned space."""
        from labelling import tuners

        tuner = getattr(tuners, space.kind).load(space.folder / TUNER_FILE)
        before = np.asarray(space.embeddings)
        new = ~np.isnan(original[:, 0])
        new[: len(before)] = False
        tuned = np.full((len(original), before.shape[1]), np.nan, np.float32)
        tuned[: len(before)] = before
        if new.any():
            tuned[new] = self._transform(tuner, original, new)[new]
        self._save(space, tuned)

    # ---------------------------------------------------------------- map

    def look(self, space: Space, projection: str) -> MapView | None:
        """Show this projection of this space; None where it has not been made yet."""
        map_id = f"{self.project.id}-{space.id}-{projection}"
        if not space.has_map(projection):
            map_id += "-part"  # texts were added that have no place on it yet
        if self.view is None or self.view.id != map_id:
            xy = space.map(projection)
            if xy is None:
                return None
            self._show(MapView(map_id, xy, space.id, projection))
        return self.view

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
        if not self.log.several:
            return self.log.codes == state
        label_id, answer = divmod(state, 3)
        return self.log.answers(label_id) == (YES, NO, UNKNOWN)[answer]

    def label_states(self) -> dict[int, str]:
        """What can be said of a row's labels, for a filter: a number for each, and its name."""
        if not self.log.several:
            counts = self.log.counts()
            named = {label.id: label.name for label in self.log.labels if counts[label.id]}
            return {UNLABELLED: "unlabelled", **named}
        states = {UNLABELLED: "nothing known"}
        for label in self.log.labels:
            for place, word in enumerate(("yes", "no", "unknown")):
                states[3 * label.id + place] = f"{label.name}: {word}"
        return states

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

    # ---------------------------------------------------------------- selection

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
        combined = selection.combine(self.selection, rows, how)
        if how != "new" and self.chosen_by:
            step = {**self.chosen_by, "then": [*self.chosen_by.get("then", []), step]}
        self._set(combined, step)

    @property
    def is_drawn(self) -> bool:
        """Whether the selection was made with the mouse alone, on this map as it is shown."""
        steps = [self.chosen_by, *self.chosen_by.get("then", [])] if len(self.selection) else [{}]
        return all(step.get("by") in ("lasso", "box") for step in steps)

    def deselect(self) -> None:
        self._set(selection.NOTHING, {})

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
    def unlabelled(self) -> np.ndarray:
        """bool (n_rows,): what has no label; with yes, no and unknown: what has no answer for the label in focus."""
        if self.log.several and self.focus is not None:
            return self.log.answers(self.focus.id) == UNKNOWN
        return ~self.log.known

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
        self.select_rows(neighbours.core(self.selection, self._need_graph()), "core", "intersect")

    def strays(self) -> np.ndarray | None:
        """The selected rows with most of their nearest neighbours outside; None where there is no graph yet."""
        graph = self.graph
        return None if graph is None else neighbours.strays(self.selection, graph)

    def drop_strays(self) -> None:
        self.select_rows(neighbours.strays(self.selection, self._need_graph()), "strays", "subtract")

    def _need_graph(self) -> np.ndarray:
        if (graph := self.graph) is None:
            raise SessionError("The neighbour graph is still being made: it comes with the UMAP.")
        return graph

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

    # ---------------------------------------------------------------- labels

    @property
    def focus(self) -> Label | None:
        """With yes, no and unknown: the label that is asked about now; None where there is none."""
        labels = self.log.labels if self.log.several else []
        return next((label for label in labels if label.id == self._focus), labels[0] if labels else None)

    def focus_on(self, label_id: int) -> None:
        self._focus = label_id

    def label(self, name: str, *, answer: int = YES, overwrite: bool = False) -> Outcome:
        """Give the selection a label, or say yes or no to it. It is on disk when this returns."""
        self._need_selection()
        return self.log.assign(self.selection, name, answer=answer, overwrite=overwrite, how=self.chosen_by)

    def clear(self, name: str | None = None) -> Outcome:
        """Take the labels off the selection, or this label alone."""
        self._need_selection()
        return self.log.clear(self.selection, name, how=self.chosen_by)

    def split(self, label_id: int, name: str) -> Outcome:
        """Give what is selected of a label a new label."""
        self._need_selection()
        return self.log.split(label_id, self.selection, name, how=self.chosen_by)

    def audit_sample(self, seq: int, sample: str, n: int, random_state: int = 0) -> np.ndarray:
        """Rows to read of action `seq`: "random", from the "edge" or "outlying"; int64, at most `n`, in that order.

        From the edge: with the fewest of their nearest texts among the action's; outlying: the farthest from the mean
        of the action's rows, by cosine; both in the full space that is shown. What was read is not drawn again.
        """
        # What was drawn otherwise may be drawn again at random: to leave it out would make the share look better.
        rows = np.setdiff1d(self.log.standing(seq), self.log.read(seq, "random" if sample == "random" else None))
        rows = rows[~self.project.dataset.empty[rows]]
        if sample == "random":
            return np.random.default_rng(random_state).permutation(rows)[:n]
        space = self.project.current
        if not space.ready:
            raise SessionError("The texts are still being embedded: a random sample can be read already.")
        if sample == "edge":
            if (graph := space.neighbours) is None:
                raise SessionError("The neighbour graph is still being made: it comes with the UMAP.")
            share = neighbours.share_inside(rows, graph, self.log.rows_of(seq))
            return rows[np.argsort(share, kind="stable")][:n]
        if sample == "outlying":
            vectors = np.asarray(space.embeddings[rows])
            return rows[np.argsort(search.cosine(vectors, np.nanmean(vectors, axis=0)), kind="stable")][:n]
        raise ValueError(f"sample must be 'random', 'edge' or 'outlying', got {sample!r}")

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
        present = ~np.isnan(np.asarray(embeddings[:, 0]))
        labelled, others = self._rows_for_a_tuner(present)
        counts = self.tunable(labelled)
        used = {label.name: int(counts[label.id]) for label in self.log.labels if counts[label.id]}
        if not self.can_tune(labelled):
            raise SessionError(self.what_a_tuner_needs(labelled))
        rows = np.sort(np.concatenate([labelled, others]))
        known = self.log.frame()[list(used)].iloc[rows] if self.log.several else self.log.names()[rows]
        tuner.fit(np.asarray(embeddings[rows]), known, callback=callback)
        tuned = self._transform(tuner, embeddings, present)
        settings = {**tuner.get_params(), "labels": used}
        space = self.project.add_space(name, type(tuner).__name__, settings, parent.id)
        try:
            xy, seen = projections.pca(tuned), self.project.current.map("PCA")
            space.save_map("PCA", xy if seen is None else projections.align(xy, seen))
            tuner.save(space.folder / TUNER_FILE)
            space.save_embeddings(tuned)  # last: it makes the space ready
        except BaseException:
            self.project.discard_space(space.id)
            raise
        return space

    def can_tune(self, rows: np.ndarray | None = None) -> bool:
        """Whether there is something to tell apart among the labels of these rows (default: all)."""
        return bool(np.count_nonzero(self.tunable(rows)) > (0 if self.log.several else 1))

    def tunable(self, rows: np.ndarray | None = None) -> np.ndarray:
        """How many of these rows bear each label that a tuner can learn: int (n_ids,).

        With yes, no and unknown those that have both a yes and a no.
        """
        counts = self.log.counts(rows)
        return np.where(self.log.counts(rows, NO) > 0, counts, 0) if self.log.several else counts

    def what_a_tuner_needs(self, rows: np.ndarray | None = None) -> str:
        """Why `can_tune` says no."""
        if self.log.several:
            return (
                "A tuner needs a label with some texts that are yes and some that are no: unknown is not taken for no."
            )
        counts = self.log.counts(rows)
        used = [label.name for label in self.log.labels if counts[label.id]]
        if used:
            return f"A tuner needs at least two labels to tell apart; so far there is {used[0]!r} alone."
        return "A tuner needs at least two labels with a few texts each; so far nothing is labelled."

    def _rows_for_a_tuner(self, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows that have a label, and so many of those that have none, among those with an embedding."""
        known = self.log.known
        labelled, others = np.flatnonzero(present & known), np.flatnonzero(present & ~known)
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
        if self.log.several:
            raise evaluation.TooFewLabels("Figures on held-out labels are made for projects with one label a text.")
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
        """The rows in the uploaded order with all their columns and label, labelled_at, source, as a file's bytes.

        With yes, no and unknown for each label see `export.answered_frame`: JSONL gets them nested.
        """
        # A log of its own: a download runs in another thread than the page, which may refresh the session's meanwhile.
        nested = to_bytes is export.to_jsonl
        return to_bytes(self._exported(self.project.open_log(), only_labelled, nested=nested))

    def preview(self, n_rows: int = 10, *, only_labelled: bool = False) -> pd.DataFrame:
        """The first rows of the export."""
        return self._exported(self.log, only_labelled, n_rows)

    def _exported(
        self, log: LabelLog, only_labelled: bool, n_rows: int | None = None, *, nested: bool = False
    ) -> pd.DataFrame:
        rows = np.flatnonzero(log.known) if only_labelled else np.arange(log.n_rows)
        rows = rows[:n_rows]
        dataset = self.project.dataset
        some = replace(dataset, frame=dataset.frame.iloc[rows].reset_index(drop=True))
        at, sources = log.labelled_at()[rows], log.sources()[rows]
        if log.several:
            answers = log.frame().iloc[rows].reset_index(drop=True)
            return export.answered_frame(some, answers, at, sources, nested=nested)
        return export.labelled_frame(some, log.names()[rows], at, sources)
