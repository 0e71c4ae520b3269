"""Embeddings, and what tuners and classifiers make of them."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from labelling import projections
from labelling.labels.label import NO, UNLABELLED
from labelling.learning import evaluation
from labelling.session.labelling import Giving
from labelling.session.view import PART, SessionError
from labelling.workspace import Space

# Unlabelled rows that a tuner is given beside the labelled ones: enough to follow the shape of the data.
TUNER_UNLABELLED_ROWS = 5_000
TUNER_FILE = "tuner.safetensors"
CLASSIFIER_FOLDER = "classifier"
CLASSIFIER = "TransformerClassifier"  # the kind of the spaces that a classifier made


def _load_classifier(folder: Path) -> Any:
    from labelling.learning.classifiers import TransformerClassifier

    return TransformerClassifier.load(folder)


class Training(Giving):
    """The spaces of a session; see `labelling.session.Session`."""

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

        so_far[filled] = (self.vectors or self.cache).embed(encoder, texts, on_batch=note, stop=stop)
        if np.isnan(so_far[filled, 0]).any():
            return False
        n_truncated = encoder.count_truncated(texts)
        self.project.describe_space(space.id, n_truncated=n_truncated, max_tokens=encoder.max_tokens)
        self._save(space, so_far)
        for later in filter(self.can_be_made, self.project.spaces()[1:]):
            if (later.folder / TUNER_FILE).exists():
                self._extend(later, so_far)
            else:
                self._classify_all(later, _load_classifier(later.folder / CLASSIFIER_FOLDER))
        return True

    @staticmethod
    def can_be_made(space: Space) -> bool:
        """Whether the space lacks embeddings or its PCA, of all rows or of some, and what made it is still there."""
        made_of = (space.folder / name for name in (TUNER_FILE, CLASSIFIER_FOLDER))
        whole = space.ready and space.map("PCA") is not None
        return not whole and (space.kind == "encoder" or any(path.exists() for path in made_of))

    def _save(self, space: Space, embeddings: np.ndarray) -> None:
        """Save all embeddings of a space, and its PCA: laid like the map before, or with new rows among the others."""
        xy = space.map("PCA")
        if xy is not None:
            xy = projections.extend_pca(xy, embeddings)
        else:
            xy, seen = projections.pca(embeddings), space.map(PART)
            seen = self.project.current.map("PCA") if seen is None else seen
            xy = xy if seen is None else projections.align(xy, seen)
        space.save_map("PCA", xy)
        space.save_embeddings(embeddings)  # last: a space with embeddings has a map too

    def _extend(self, space: Space, original: np.ndarray) -> None:
        """Give the rows that were added, or all where they were lost, their place in a tuned space."""
        from labelling.learning import tuners

        tuner = getattr(tuners, space.kind).load(space.folder / TUNER_FILE)
        new, before = ~np.isnan(original[:, 0]), space.saved_embeddings
        if before is None:  # lost: all of them are made anew
            tuned = self._transform(tuner, original, new)
        else:
            new[: len(before)] = False
            tuned = np.full((len(original), before.shape[1]), np.nan, np.float32)
            tuned[: len(before)] = before
            if new.any():
                tuned[new] = self._transform(tuner, original, new)[new]
        self._save(space, tuned)

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
            raise SessionError(self.what_is_needed(labelled))
        rows = np.sort(np.concatenate([labelled, others]))
        known = self.log.frame()[list(used)].iloc[rows] if self.log.multi_label else self.log.names()[rows]
        tuner.fit(np.asarray(embeddings[rows]), known, callback=callback)
        tuned = self._transform(tuner, embeddings, present)
        settings = {**tuner.get_params(), "labels": used}
        space = self.project.add_space(name, type(tuner).__name__, settings, parent.id)
        try:
            space.folder.mkdir(parents=True, exist_ok=True)
            tuner.save(space.folder / TUNER_FILE)
            self._save(space, tuned)  # last: it makes the space ready
        except BaseException:
            self.project.discard_space(space.id)
            raise
        return space

    def can_tune(self, rows: np.ndarray | None = None) -> bool:
        """Whether there is something to tell apart among the labels of these rows (default: all that have a text)."""
        return bool(np.count_nonzero(self.tunable(rows)) > (0 if self.log.multi_label else 1))

    def tunable(self, rows: np.ndarray | None = None) -> np.ndarray:
        """How many of these rows (default: all that have a text) bear each label that a tuner can learn: int (n_ids,).

        With yes, no and unknown those that have both a yes and a no.
        """
        rows = np.flatnonzero(self.with_text) if rows is None else rows
        counts = self.log.counts(rows)
        return np.where(self.log.counts(rows, NO) > 0, counts, 0) if self.log.multi_label else counts

    def what_is_needed(self, rows: np.ndarray | None = None, what: str = "A tuner") -> str:
        """Why `can_tune` says no to a tuner, or `what` else learns labels."""
        if self.log.multi_label:
            return (
                f"{what} needs a label with some texts that are yes and some that are no: unknown is not taken for no."
            )
        counts = self.tunable(rows)
        used = [label.name for label in self.log.labels if counts[label.id]]
        if used:
            return f"{what} needs at least two labels to tell apart; so far there is {used[0]!r} alone."
        return f"{what} needs at least two labels with a few texts each; so far nothing is labelled."

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
        if self.log.multi_label:
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
        if shown.kind == CLASSIFIER:  # it was trained on what would be held out
            shown = original
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

    # ---------------------------------------------------------------- classifier

    def classify(
        self,
        classifier: Any,
        name: str,
        settings: Mapping[str, Any],
        callback: Callable[..., bool | None] | None = None,
        on_batch: Callable[[int, int], bool | None] | None = None,
        state_file: Path | None = None,
    ) -> Space | None:
        """Train `classifier` on the labelled texts, or take one that is ready; what it makes is a candidate space.

        Its hidden states are the space, and what it guesses for each text is kept with it: see `Space.suggestions`.
        None where `callback` ended the training: `state_file` holds how far it was. `settings` are stored with the
        space. Raises SessionError where fewer than two labels have a text.
        """
        self.log.refresh()
        if self.log.multi_label:
            raise SessionError("A classifier takes one label a text: this project has yes, no and unknown for each.")
        texts, empty = self.project.dataset.texts, self.project.dataset.empty
        if not getattr(classifier, "pretrained_", False):
            labelled = np.flatnonzero(~empty & (self.log.codes != UNLABELLED))
            if not self.can_tune(labelled):
                raise SessionError(self.what_is_needed(labelled, "A classifier"))
            ended = False

            def note(step: int, n_steps: int, loss: float, held_out_loss: float | None) -> bool:
                nonlocal ended
                ended = callback is not None and callback(step, n_steps, loss, held_out_loss) is False
                return not ended

            classifier.cache = self.cache
            names = self.log.names()
            classifier.fit([texts[row] for row in labelled], names[labelled], callback=note, state_file=state_file)
            if ended:
                return None
            counts = self.log.counts(labelled)
            used = {label.name: int(counts[label.id]) for label in self.log.labels if counts[label.id]}
            settings = {**settings, "labels": used, "n_truncated": getattr(classifier, "n_truncated_", 0)}
        classes = [str(label) for label in classifier.classes_]
        space = self.project.add_space(name, CLASSIFIER, {**settings, "classes": classes}, self.project.spaces()[0].id)
        try:
            classifier.save(space.folder / CLASSIFIER_FOLDER)
            self._classify_all(space, classifier, on_batch)
        except BaseException:
            self.project.discard_space(space.id)
            raise
        return space

    def _classify_all(
        self, space: Space, classifier: Any, on_batch: Callable[[int, int], bool | None] | None = None
    ) -> None:
        """Save what the classifier makes of all texts: its guesses, its hidden states and their PCA."""
        classifier.cache = self.cache
        dataset = self.project.dataset
        filled = np.flatnonzero(~dataset.empty)
        texts = [dataset.texts[row] for row in filled]
        probabilities, hidden = classifier.predict_and_transform(texts, on_batch)
        codes, probability = np.full(len(dataset), -1), np.full(len(dataset), np.nan)
        codes[filled], probability[filled] = probabilities.argmax(axis=1), probabilities.max(axis=1)
        space.save_suggestions(codes, probability)
        embeddings = np.full((len(dataset), hidden.shape[1]), np.nan, np.float32)
        embeddings[filled] = hidden
        self._save(space, embeddings)

    @property
    def suggesting(self) -> Space | None:
        """The space whose classifier suggests labels: the one that is shown, else the newest kept one that has one."""
        kept = [space for space in self.project.spaces() if space.state == "kept" and space.kind == CLASSIFIER]
        shown = self.project.current.id
        return next((space for space in kept if space.id == shown), kept[-1] if kept else None)

    def select_suggested(self, label: str, at_least: float) -> None:
        """Select what can be seen, has no label, and of which a classifier is so sure that it bears this one."""
        space = self.suggesting
        suggestions = None if space is None else space.suggestions
        if space is None or suggestions is None:
            raise SessionError("No classifier has been trained yet, or it has not read the texts that were added.")
        rows = suggestions.rows(label, at_least)
        details: dict[str, Any] = {"classifier": space.id, "label": label, "at_least": at_least}
        self.select_rows(rows[self.unlabelled[rows]], "suggestion", **details)
