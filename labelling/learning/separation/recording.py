"""How a tuner parts the classes: the map of texts whose labels it is not told, drawn again and again as it trains."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelling import projections
from labelling.errors import CorralError

N_NEIGHBOURS = 15  # as in the README's measurements
# A map with more points than this shows no more, and neither draws nor plays as smoothly.
MAX_POINTS = 2000
SPREAD_SHARE = 0.98  # the share of points within 1 of the middle: a few far out shall not make the others small


class SeparationError(CorralError, ValueError):
    """Texts and labels that no recording can be made of; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class Recording:
    """The map before, and after every few steps of a tuner's training.

    Attributes
    ----------
    steps : int (n_frames,), how many batches the tuner had trained on. Frame 0 is the map before, the last frame the
        tuner as `fit` left it.
    xy : float32 (n_frames, n_points, 2). Each frame has its mean at 0 and nearly all points within 1 of it, and
        is turned (and mirrored) to lie as close to the frame before as it can.
    neighbours : float (n_frames,), the share of points whose 15 nearest neighbours on the map vote for their own label.
    accuracy : float (n_frames,), the share of points whose label the tuner predicts; NaN in frame 0.
    losses : (step, loss on the labels, loss on labels held out or None), as the tuner reported them.
    rows : int (n_points,), the row number of each point.
    codes : int (n_points,), the place in `names` of each point's label.
    names : the labels, sorted.
    given : how many texts of each label the tuner was told the label of.
    tuner : the tuner's class name; settings : its parameters.
    random_state : what the split into told and shown texts was drawn with.
    """

    steps: np.ndarray
    xy: np.ndarray
    neighbours: np.ndarray
    accuracy: np.ndarray
    losses: tuple[tuple[int, float, float | None], ...]
    rows: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]
    given: tuple[int, ...]
    tuner: str
    settings: Mapping[str, Any]
    random_state: int | None

    @property
    def box(self) -> np.ndarray:
        """The lowest and the highest x and y of all frames: (2, 2), one row the lowest."""
        return np.stack([self.xy.min(axis=(0, 1)), self.xy.max(axis=(0, 1))])


def record(
    embeddings: np.ndarray,
    labels: Any,
    tuner: Any,
    *,
    n_labelled: int,
    random_state: int | None = 0,
    n_frames: int = 40,
    max_points: int = MAX_POINTS,
    on_progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> Recording:
    """Fit `tuner` on a few labels and record the map of the other texts while it trains.

    `n_labelled` texts of each label, and at most half of a label's texts, are handed to the tuner with their label. Of
    the others, a random sample of `max_points` is shown and scored; the tuner gets these rows too, but not their
    labels. Each frame is the PCA of what the tuner so far makes of the shown rows, turned onto the frame before by
    orthogonal Procrustes (Schönemann 1966, "A generalized solution of the orthogonal Procrustes problem").

    Parameters
    ----------
    embeddings : array (n_rows, n_dims); rows with NaN, such as those of empty texts, are left out.
    labels : array-like (n_rows,) of what can be written as text; rows with None, NaN or white space are left out.
    tuner : a tuner; while its `fit` calls back it must hold its state so far, so that it transforms and predicts.
    n_labelled : how many texts of each label get their label.
    random_state : draws the texts that get their label and those that are shown. The tuner has a seed of its own.
    n_frames : about how many frames, the map before among them.
    on_progress : called as `on_progress(step, n_steps)` with each report of the tuner.
    stop : ends the training when set; what was recorded so far comes back, with what the tuner kept as last frame.

    Raises
    ------
    SeparationError : fewer than two labels, or no text left to show.
    ValueError : a parameter out of range, or lengths that differ.
    """
    if n_labelled < 1 or n_frames < 2 or max_points < 1:
        got = f"n_labelled={n_labelled}, n_frames={n_frames}, max_points={max_points}"
        raise ValueError(f"n_labelled and max_points must be at least 1, n_frames at least 2; got {got}")
    names, codes = _codes(embeddings, labels)
    told, shown = _split(codes, names, n_labelled, max_points, np.random.default_rng(random_state))
    shown_labels = names[codes[shown]]
    frames = _Frames(codes[shown])
    frames.add(0, embeddings[shown], None)
    losses: list[tuple[int, float, float | None]] = []

    def callback(step: int, n_steps: int, loss: float, held_out_loss: float | None) -> bool:
        losses.append((step, loss, held_out_loss))
        if step >= len(frames.steps) * n_steps / (n_frames - 1):
            frames.add(step, tuner.transform(embeddings[shown]), tuner.predict(embeddings[shown]) == shown_labels)
        if on_progress:
            on_progress(step, n_steps)
        return stop is None or not stop.is_set()

    rows = np.concatenate([told, shown])
    y = np.concatenate([names[codes[told]], np.full(len(shown), None)])
    tuner.fit(embeddings[rows], y, callback=callback)
    # A tuner goes back to its best state at the end: that is what the last frame shows.
    last = losses[-1][0] if losses else 0
    frames.add(last, tuner.transform(embeddings[shown]), tuner.predict(embeddings[shown]) == shown_labels)
    return Recording(
        steps=np.array(frames.steps),
        xy=np.stack(frames.xy),
        neighbours=np.array(frames.neighbours),
        accuracy=np.array(frames.accuracy),
        losses=tuple(losses),
        rows=shown,
        codes=codes[shown],
        names=tuple(names.tolist()),
        given=tuple(np.bincount(codes[told], minlength=len(names)).tolist()),
        tuner=type(tuner).__name__,
        settings=tuner.get_params(),
        random_state=random_state,
    )


def _codes(embeddings: np.ndarray, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """The distinct labels as text, sorted, and the place among them of each row's label, -1 for rows to leave out."""
    import pandas as pd

    if embeddings.ndim != 2:
        raise ValueError(f"embeddings must be 2-D, got shape {embeddings.shape}")
    if len(labels) != len(embeddings):
        raise ValueError(f"there must be a label or None for each row, got {len(labels)} for {len(embeddings)} rows")
    column = pd.Series(list(labels), dtype=object)
    texts = column.astype(str).str.strip().to_numpy(object)
    used = ~column.isna().to_numpy() & (texts != "") & ~np.isnan(embeddings.sum(axis=1))
    codes = np.full(len(texts), -1)
    names, codes[used] = np.unique(texts[used].astype(str), return_inverse=True)
    if len(names) < 2:
        found = f"all texts with a label have the same, {str(names[0])!r}" if len(names) else "no text has a label"
        raise SeparationError(f"There must be at least two labels to part; {found}. Choose another label column.")
    return names.astype(object), codes


def _split(
    codes: np.ndarray, names: np.ndarray, n_labelled: int, max_points: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The rows whose label the tuner is told, and the others that are shown."""
    told: list[int] = []
    for code in range(len(names)):
        rows = np.flatnonzero(codes == code)
        told.extend(rng.permutation(rows)[: min(n_labelled, max(1, len(rows) // 2))])
    others = np.setdiff1d(np.flatnonzero(codes >= 0), told)
    if not len(others):
        raise SeparationError(
            f"None of the {len(told):,} texts is left to show: each of the {len(names):,} labels has one text only. "
            "Choose a column whose values repeat."
        )
    return np.sort(told), np.sort(rng.permutation(others)[:max_points])


class _Frames:
    """Maps of the same points, each laid onto the one before."""

    def __init__(self, codes: np.ndarray) -> None:
        self.codes = codes
        self.steps: list[int] = []
        self.xy: list[np.ndarray] = []
        self.neighbours: list[float] = []
        self.accuracy: list[float] = []

    def add(self, step: int, space: np.ndarray, right: np.ndarray | None) -> None:
        """The map of `space`; `right` says of each point whether its label was predicted, None before the training."""
        if len(self.steps) > 1 and self.steps[-1] == step:
            for frames in (self.steps, self.xy, self.neighbours, self.accuracy):
                frames.pop()
        xy = _evenly_spread(projections.pca(space))
        if self.xy:
            xy = _turn_onto(xy, self.xy[-1])
        self.steps.append(step)
        self.xy.append(xy)
        self.neighbours.append(_neighbours_agree(xy, self.codes))
        self.accuracy.append(np.nan if right is None else float(np.mean(right)))


def _evenly_spread(xy: np.ndarray) -> np.ndarray:
    xy = xy - xy.mean(axis=0)
    spread = np.quantile(np.hypot(*xy.T), SPREAD_SHARE) or 1
    return (xy / spread).astype(np.float32)


def _turn_onto(xy: np.ndarray, old: np.ndarray) -> np.ndarray:
    """`xy` turned or mirrored round 0 to lie as close to `old` as it can, both (n_points, 2)."""
    from scipy.linalg import orthogonal_procrustes

    return (xy @ orthogonal_procrustes(xy, old)[0]).astype(np.float32)


def _neighbours_agree(xy: np.ndarray, codes: np.ndarray) -> float:
    """The share of points whose nearest others on the map vote for their own label; NaN for one point alone."""
    from sklearn.neighbors import NearestNeighbors

    if len(xy) < 2:
        return np.nan
    # Asked for no points in particular, it leaves each point out of its own neighbours.
    near = NearestNeighbors(n_neighbors=min(N_NEIGHBOURS, len(xy) - 1)).fit(xy).kneighbors(return_distance=False)
    votes = np.zeros((len(codes), codes.max() + 1))
    np.add.at(votes, (np.arange(len(codes))[:, None], codes[near]), 1)
    return float(np.mean(votes.argmax(axis=1) == codes))
