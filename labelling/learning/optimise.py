"""The training loop of tuners, learners and classifiers, on plain dictionaries of tensors, and its state on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labelling.files import write_whole
from labelling.learning.saving import read_tensors
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
STATE_FORMAT = "labelling-classifier-state/1"
SAVE_EVERY_SECONDS = 60.0  # at the most; so seldom that writing a large model's state takes a tenth of the time
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


@dataclass
class State:
    """Where a training stands: all that decides how it goes on, apart from the data and the parameters.

    `tensors` hold, by name, what moves ("now.NAME"), AdamW's two moments ("first.NAME", "second.NAME"), and the best
    state so far ("best.NAME") where a part is held out; others may be added.
    """

    seed: int
    step: int = 0
    best_loss: float = float("inf")
    waited: int = 0
    curve: list[float] = field(default_factory=list)
    tensors: Weights = field(default_factory=dict)

    def save(self, path: Path, digest: str) -> None:
        from safetensors.torch import save

        numbers = {name: getattr(self, name) for name in ("seed", "step", "best_loss", "waited", "curve")}
        metadata = {"format": STATE_FORMAT, "digest": digest, "state": json.dumps(numbers)}
        content = save({name: t.contiguous().cpu() for name, t in self.tensors.items()}, metadata)
        write_whole(path, lambda file: file.write(content))

    @classmethod
    def load(cls, path: Path, digest: str) -> State:
        """Raises ValueError where the file holds no state, or that of another fit."""
        metadata, tensors = read_tensors(path, "pt")
        if metadata.get("format") != STATE_FORMAT or metadata.get("digest") != digest:
            raise ValueError(
                f"{path} holds no state of this fit, but of one with other texts, labels, model or parameters: "
                f"name another file, or remove it to begin anew"
            )
        return cls(**json.loads(metadata["state"]), tensors=tensors)


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
    parameters: Weights,
    loss_at: Callable[[int], torch.Tensor],
    state: State,
    *,
    n_steps: int,
    rate_of: Callable[[str], float],
    schedule: Callable[[int], float],
    weight_decay: float,
    progress: Progress,
    held_out_loss: Callable[[], float] | None = None,
    evaluate_every: int | None = None,
    patience: int = PATIENCE,
    max_gradient: float | None = None,
    hold: Callable[[], None] | None = None,
    save: Callable[[State], None] | None = None,
) -> None:
    """Train `parameters` in place by AdamW from `state` on; they end in the best state, `state` where it stopped.

    The best state is the one with the lowest held-out loss, or the last one where nothing is held out. Where what
    `loss_at` does follows from the step's number alone, a training that was saved and taken up again comes to the same
    bits.

    Parameters
    ----------
    loss_at : callable
        The loss of a step's batch, by the number of the steps done before it.
    rate_of, schedule : callable
        A parameter's learning rate by its name, and what it is multiplied by in a step.
    evaluate_every : int, optional
        After so many steps `held_out_loss` is asked; None: whenever there is a report.
    patience : int
        So many times without a lower held-out loss end the training.
    max_gradient : float, optional
        The length to which a longer gradient is cut.
    hold : callable, optional
        Called before each report.
    save : callable, optional
        Given the state about once a minute, and when the callback ends the training.
    """
    import torch

    names = list(parameters)
    rates = {rate: [name for name in names if rate_of(name) == rate] for rate in sorted({*map(rate_of, names)})}
    groups = [{"params": [parameters[name] for name in some], "lr": rate} for rate, some in rates.items()]
    optimiser = torch.optim.AdamW(groups, weight_decay=weight_decay, fused=True)
    with torch.no_grad():
        for name in names if f"now.{names[0]}" in state.tensors else ():
            parameters[name].copy_(state.tensors[f"now.{name}"])
            if f"first.{name}" in state.tensors:
                optimiser.state[parameters[name]] = {
                    "step": torch.tensor(float(state.step), device=parameters[name].device),
                    "exp_avg": state.tensors[f"first.{name}"].to(parameters[name].device),
                    "exp_avg_sq": state.tensors[f"second.{name}"].to(parameters[name].device),
                }
    kept = {name: t for name, t in state.tensors.items() if not name.startswith(("now.", "first.", "second."))}

    def remember() -> None:
        tensors = dict(kept)
        for name in names:
            tensors[f"now.{name}"] = parameters[name].detach().clone()
            if moments := optimiser.state.get(parameters[name]):
                tensors[f"first.{name}"], tensors[f"second.{name}"] = moments["exp_avg"], moments["exp_avg_sq"]
        state.tensors, state.curve = tensors, list(progress.curve)

    save_at, held = time.monotonic() + SAVE_EVERY_SECONDS, None
    recent: list[float] = []
    while state.step < n_steps and not progress.stopped and state.waited < patience:
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * schedule(state.step)
        loss = loss_at(state.step)
        optimiser.zero_grad()
        loss.backward()
        if max_gradient is not None:
            torch.nn.utils.clip_grad_norm_(list(parameters.values()), max_gradient)
        optimiser.step()
        recent.append(loss.item())
        state.step += 1
        progress.step += 1
        last = state.step == n_steps
        reports = last or progress.step % progress.every == 0
        evaluates = reports if evaluate_every is None else last or state.step % evaluate_every == 0
        if held_out_loss is not None and evaluates:
            held = held_out_loss()
            state.waited += 1
            if held < state.best_loss:
                state.best_loss, state.waited = held, 0
                kept |= {f"best.{name}": parameters[name].detach().clone() for name in names}
        if reports:
            if hold is not None:
                hold()
            progress.report(float(np.mean(recent)), held)
            recent.clear()
            if save is not None and (start := time.monotonic()) > save_at:
                remember()
                save(state)
                took = time.monotonic() - start
                save_at = time.monotonic() + max(SAVE_EVERY_SECONDS, 10 * took)
    if save is not None and progress.stopped:
        remember()
        save(state)
    with torch.no_grad():
        for name in names if held_out_loss is not None and state.best_loss < float("inf") else ():
            parameters[name].copy_(kept[f"best.{name}"])


def minimise_drawn(
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
    """`minimise` for tuners and learners: batches are drawn at random, the learning rate falls to 0; the best weights.

    Parameters: `loss_of(weights, rows)` is the loss of the batch with these row numbers; `chance` float32 (n,), how
    likely a row is drawn; `hold` is given the state so far before each report.
    """
    import torch

    weights = {name: w.clone().requires_grad_() for name, w in weights.items()}

    def loss_at(step: int) -> torch.Tensor:
        return loss_of(weights, torch.multinomial(chance, n_batch, replacement=True, generator=generator))

    def held_out() -> float:
        assert held_out_loss is not None  # noqa: S101
        with torch.no_grad():
            return held_out_loss(weights).item()

    def snapshot() -> Weights:
        return {name: w.detach().clone() for name, w in weights.items()}

    minimise(
        weights,
        loss_at,
        State(seed=0),
        n_steps=n_steps,
        rate_of=lambda name: learning_rate,
        schedule=lambda step: 1 - step / n_steps,
        weight_decay=weight_decay,
        progress=progress,
        held_out_loss=None if held_out_loss is None else held_out,
        hold=None if hold is None else lambda: hold(snapshot()),
    )
    return snapshot()
