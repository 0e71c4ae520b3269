"""Labels in, and the training loop that the tuners share, on plain dictionaries of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

    Weights = dict[str, torch.Tensor]
    Loss = Callable[[Weights, torch.Tensor, torch.Tensor], torch.Tensor]

Callback = Callable[[int, int, float, float | None], bool | None]

BATCH_SIZE = 256
# Length of the random vector added to each unit-length embedding while training. With ten labels a network
# learns them by heart at once; this noise is what makes it learn regions (measured: 0.2 to 2 points more
# accuracy than weight decay, dropout or label smoothing alone).
NOISE = 1.5
# Fewer held-out rows than this give a loss too noisy to stop by.
MIN_HELD_OUT = 30
MAX_HELD_OUT = 500  # enough to stop by, and the contrastive loss looks at every pair of them
PATIENCE = 15  # reports without a better held-out loss before training stops


def known_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Split labels from missing ones: None, NaN and, among numbers, -1 (as in `sklearn.semi_supervised`).

    Returns: bool (n,), which rows have a label; and the labels of those rows, as text or as numbers.
    """
    import pandas as pd
    from sklearn.utils import column_or_1d

    # As objects: an array of text would turn NaN into the text "nan".
    y = column_or_1d(np.asarray(y, dtype=object), warn=True)
    known = ~pd.isna(y)
    values = y[known].tolist()
    if len({isinstance(value, str) for value in values}) > 1:
        raise ValueError("labels must be all text or all numbers, got both")
    labels = np.asarray(values)
    if labels.dtype.kind in "if":
        known[known] = labels != -1
        labels = labels[labels != -1]
    return known, labels


def held_out_rows(codes: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Choose a tenth of each class's rows for early stopping; none of a small class, none where labels are few.

    Parameters: `codes` (n,) int, the class of each labelled row. Returns: bool (n,).
    """
    held: list[int] = []
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        if len(rows) >= 20:  # two held out at least: a row alone has no contrastive loss
            held.extend(rows[: len(rows) // 10])
    mask = np.zeros(len(codes), dtype=bool)
    if len(held) >= MIN_HELD_OUT:
        mask[rng.permutation(held)[:MAX_HELD_OUT]] = True
    return mask


def class_cores(x: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean direction of each class, and how near to it a row must be to look like one of the class.

    That is, nearer than the tenth of its labelled rows that lie furthest from the mean of the others. Where
    most classes have no label yet, this keeps their rows out of the classes that have one.

    Parameters: `x` float32 (n, d) of unit length; `codes` int (n,). Returns: float32 (n_classes, d) of unit
    length, and the least cosine similarity, float32 (n_classes,).
    """
    from sklearn.preprocessing import normalize

    sums = np.stack([x[codes == code].sum(axis=0) for code in range(codes.max() + 1)])
    similarity = (x * normalize(sums[codes] - x)).sum(axis=1)
    least = [np.quantile(similarity[codes == code], 0.1) for code in range(codes.max() + 1)]
    return normalize(sums), np.array(least, dtype=np.float32)


class Progress:
    """Hands losses to the callback, about a hundred times in a run, and remembers whether to stop."""

    def __init__(self, n_steps: int, callback: Callback | None) -> None:
        self.n_steps, self.callback = n_steps, callback
        self.every = max(1, n_steps // 100)
        self.step = 0
        self.curve: list[float] = []
        self.stopped = False

    def report(self, loss: float, held_out_loss: float | None) -> None:
        self.curve.append(loss)
        if self.callback is not None and self.callback(self.step, self.n_steps, loss, held_out_loss) is False:
            self.stopped = True


def minimise(
    loss_function: Loss,
    weights: Weights,
    x: torch.Tensor,
    codes: torch.Tensor,
    row_weight: torch.Tensor,
    held_out: tuple[torch.Tensor, torch.Tensor] | None,
    *,
    n_steps: int,
    learning_rate: float,
    weight_decay: float,
    generator: torch.Generator,
    progress: Progress,
) -> Weights:
    """Train `weights` by AdamW for at most `n_steps` batches and return the best state.

    Batches are drawn so that each class has the same share whatever its number of rows. The best state is
    the one with the lowest held-out loss, or the last one where nothing is held out.

    Parameters: `x` float32 (n, d) of unit length; `codes` int64 (n,); `row_weight` float32 (n,), how much a
    row counts within its class; `held_out` an `(x, codes)` pair.
    """
    import torch
    from torch.nn.functional import normalize

    weights = {name: w.clone().requires_grad_() for name, w in weights.items()}
    optimiser = torch.optim.AdamW(weights.values(), lr=learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / n_steps)
    class_total = torch.zeros(int(codes.max()) + 1).index_add_(0, codes, row_weight)
    chance = row_weight / class_total[codes]

    def snapshot() -> Weights:
        return {name: w.detach().clone() for name, w in weights.items()}

    best, best_loss, waited = None, float("inf"), 0
    recent: list[float] = []
    for step in range(1, n_steps + 1):
        rows = torch.multinomial(chance, BATCH_SIZE, replacement=True, generator=generator)
        noise = torch.randn(BATCH_SIZE, x.shape[1], generator=generator) * (NOISE / x.shape[1] ** 0.5)
        loss = loss_function(weights, normalize(x[rows] + noise), codes[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        recent.append(loss.item())
        progress.step += 1
        if progress.step % progress.every and step < n_steps:
            continue
        held_out_loss = None
        if held_out is not None:
            with torch.no_grad():
                held_out_loss = loss_function(weights, *held_out).item()
            waited += 1
            if held_out_loss < best_loss:
                best, best_loss, waited = snapshot(), held_out_loss, 0
        progress.report(float(np.mean(recent)), held_out_loss)
        recent.clear()
        if progress.stopped or waited >= PATIENCE:
            break
    return best if best is not None else snapshot()
