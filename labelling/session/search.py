"""Searches: by words, by a pattern, by meaning, for what is like a text, for what moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelling.encoders import Encoder
from labelling.errors import StepError
from labelling.selection import neighbours, search
from labelling.workspace import Project, Space


@dataclass(frozen=True)
class Found:
    """What a search found: `matches` bool (n_rows,), or `scores` float32 (n_rows,), the higher the better.

    NaN is the score of what was not found.

    `why` says of a row that was found why it was, where there is more to say than that.
    """

    kind: str
    query: str
    matches: np.ndarray | None = None
    scores: np.ndarray | None = None
    why: Callable[[int], str] | None = None

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


class Search:
    """What was searched last: `found` is None where nothing was."""

    def __init__(self, project: Project, encoder_for: Callable[[Mapping[str, Any]], Encoder]) -> None:
        self.project, self.encoder_for = project, encoder_for
        self.found: Found | None = None

    def look_for(self, kind: str, query: str) -> None:
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
            _need_ready(space)
            vector = self.encoder_for(space.settings).encode([query])[0]
            self.found = Found(kind, query, scores=search.cosine(space.embeddings, vector))
        else:
            raise ValueError(f"kind must be 'words', 'regex' or 'meaning', got {kind!r}")

    def read_ahead(self) -> None:
        """Read and check the embeddings, in the background say: 1.5 GB at a million texts, for which the first search
        by meaning would wait.
        """
        for space in {space.id: space for space in (self.project.spaces()[0], self.project.current)}.values():
            space.saved_embeddings  # noqa: B018 - it is read to be checked, and is in the system's cache then

    def spans(self, row: int) -> list[tuple[int, int]] | None:
        """Where the words or the pattern that were searched match in a row's text; None where nothing such was."""
        if self.found is None or self.found.matches is None:
            return None
        return search.spans(self.project.dataset.text(row), self.found.kind, self.found.query)

    def more_like(self, row: int) -> None:
        """Look for what is nearest to this row, by cosine in the space that is shown."""
        space = self.project.current
        _need_ready(space)
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
            raise StepError("Nothing has moved yet: show a tuned space, and wait for its UMAP.")
        self.found = Found(
            "moved", f"moved most from {original.name} to {space.name}", scores=neighbours.changed(old, new)
        )


def _need_ready(space: Space) -> None:
    if not space.ready:
        raise search.SearchError("The texts are still being embedded: search by meaning when all are.")
