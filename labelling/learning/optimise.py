"""The training loop that tuners and learners share, on plain dictionaries of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from labelling.learning.targets import Targets

if TYPE_CHECKING:
    import torch

    Weights = dict[str, torch.Tensor]

Callback = Callable[[int, int, float, float | None], bool | None]

# Rows in a batch: four for each class. With few classes larger batches cost time and gain nothing.
MAX_BATCH = 256
# Length of the random vector added to each unit-length embedding while training. With ten labels a network
# learns them by heart at once; this noise is what makes it learn regions (measured: 0.2 to 2 points more
# accuracy than weight decay, dropout or label smoothing alone).
NOISE = 1.5
# Fewer held-out rows than this give a loss too noisy to stop by.
MIN_HELD_OUT = 30
MAX_HELD_OUT = 500  # enough to stop by, and the contrastive loss looks at every pair of them
PATIENCE = 15  # reports without a better held-out loss before training stops


# Batches to train on where nobody says how many: more than for a few hundred labels only where there are thousands.
FEW_STEPS, MANY_STEPS = 160, 800
ROWS_OF_FEW = 2_000


def batch_size(n_classes: int, least: int) -> int:
    return min(MAX_BATCH, max(least, 4 * n_classes))


def number_of_steps(steps: int | str, n_rows: int) -> int:
    """What `steps` means for so many labelled rows or pairs."""
    if isinstance(steps, str):
        return min(MANY_STEPS, max(FEW_STEPS, FEW_STEPS * n_rows // ROWS_OF_FEW))
    return steps


def noisy(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Unit-length rows with noise added, of unit length again."""
    import torch
    from torch.nn.functional import normalize

    noise = torch.randn(x.shape, generator=generator) * (NOISE / x.shape[1] ** 0.5)
    return normalize(x + noise)


def held_out_rows(targets: Targets, rng: np.random.RandomState) -> np.ndarray:
    """Choose a tenth of each class's rows for early stopping; none of a small class, none where labels are few.

    Parameters: what is known of n labelled rows. Returns: bool (n,).
    """
    held: list[int] = []
    n_rows = len(targets.codes)
    groups = np.zeros(n_rows, int) if targets.multi_label else targets.codes
    for code in np.unique(groups):
        rows = rng.permutation(np.flatnonzero(groups == code))
        if len(rows) >= 20:  # two held out at least: a row alone has no contrastive loss
            held.extend(rows[: len(rows) // 10])
    mask = np.zeros(n_rows, dtype=bool)
    if len(held) >= MIN_HELD_OUT:
        mask[rng.permutation(held)[:MAX_HELD_OUT]] = True
    return mask


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
    weights: Weights,
    loss_of: Callable[[Weights, torch.Tensor], torch.Tensor],
    chance: torch.Tensor,
    *,
    n_steps: int,
    n_batch: int,
    learning_rate: float,
    weight_decay: float,
    generator: torch.Generator,
    progress: Progress,
    held_out_loss: Callable[[Weights], torch.Tensor] | None = None,
    hold: Callable[[Weights], None] | None = None,
) -> Weights:
    """Train `weights` by AdamW for at most `n_steps` batches, the learning rate falling to 0; return the best state.

    The best state is the one with the lowest held-out loss, or the last one where nothing is held out.

    Parameters: `loss_of(weights, rows)` is the loss of the batch with these row numbers; `chance` float32 (n,), how
    likely a row is drawn; `hold` is given the state so far before each report.
    """
    import torch

    weights = {name: w.clone().requires_grad_() for name, w in weights.items()}
    optimiser = torch.optim.AdamW(weights.values(), lr=learning_rate, weight_decay=weight_decay, fused=True)

    def snapshot() -> Weights:
        return {name: w.detach().clone() for name, w in weights.items()}

    best, best_loss, waited = None, float("inf"), 0
    recent: list[float] = []
    for step in range(1, n_steps + 1):
        optimiser.param_groups[0]["lr"] = learning_rate * (1 - (step - 1) / n_steps)
        rows = torch.multinomial(chance, n_batch, replacement=True, generator=generator)
        loss = loss_of(weights, rows)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        recent.append(loss.item())
        progress.step += 1
        if progress.step % progress.every and step < n_steps:
            continue
        held = None
        if held_out_loss is not None:
            with torch.no_grad():
                held = held_out_loss(weights).item()
            waited += 1
            if held < best_loss:
                best, best_loss, waited = snapshot(), held, 0
        if hold is not None:
            hold(snapshot())
        progress.report(float(np.mean(recent)), held)
        recent.clear()
        if progress.stopped or waited >= PATIENCE:
            break
    return best if best is not None else snapshot()
