"""The training loop of head and body, and its state on disk: stopped, it goes on to the same bits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.learning.optimise import Progress, held_out_rows
from labelling.learning.targets import Targets

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

STATE_FORMAT = "labelling-classifier-state/1"
SAVE_EVERY_SECONDS = 60.0  # at the most; so seldom that writing a large model's state takes a tenth of the time
WARM_UP = 0.1  # its share of the steps, for the learning rate to rise; then it falls to 0
PATIENCE = 4  # looks at the held-out part without a better loss, before a body's training stops
MAX_GRADIENT = 1.0  # length of the gradient to which a longer one is cut


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
    tensors: Tensors = field(default_factory=dict)

    def save(self, path: Path, digest: str) -> None:
        from safetensors.torch import save

        numbers = {name: getattr(self, name) for name in ("seed", "step", "best_loss", "waited", "curve")}
        metadata = {"format": STATE_FORMAT, "digest": digest, "state": json.dumps(numbers)}
        temporary = path.with_name(path.name + ".part")
        temporary.write_bytes(save({name: t.contiguous().cpu() for name, t in self.tensors.items()}, metadata))
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path, digest: str) -> State:
        """Raises ValueError where the file holds no state, or that of another fit."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
        except SafetensorError as error:
            raise ValueError(f"{path} is not a safetensors file: {error}") from error
        if metadata.get("format") != STATE_FORMAT or metadata.get("digest") != digest:
            raise ValueError(
                f"{path} holds no state of this fit, but of one with other texts, labels, model or parameters: "
                f"name another file, or remove it to begin anew"
            )
        return cls(**json.loads(metadata["state"]), tensors=tensors)


def held_out(targets: Targets, fraction: float | str, rng: np.random.RandomState) -> np.ndarray:
    """Which labelled rows are held out to stop by: bool (n,). "auto" is the tuners' way: a tenth of 300 and more."""
    if fraction == "auto":
        return held_out_rows(targets, rng)
    mask = np.zeros(len(targets.codes), bool)
    for code in np.unique(targets.codes) if fraction else ():
        rows = rng.permutation(np.flatnonzero(targets.codes == code))
        mask[rows[: min(len(rows) - 1, max(1, round(len(rows) * float(fraction))))]] = True
    return mask


def minimise(
    trainable: dict[str, Any],
    loss_of: Callable[[np.ndarray], torch.Tensor],
    n_rows: int,
    state: State,
    *,
    rate_of: Callable[[str], float],
    n_steps: int,
    n_batch: int,
    weight_decay: float,
    progress: Progress,
    held_out_loss: Callable[[], float] | None,
    patience: int,
    n_evaluations: int,
    save: Callable[[State], None] | None = None,
) -> None:
    """Train the parameters `moving` by AdamW from `state` on; they end in the best state, `state` where it stopped.

    The best state is the one with the lowest held-out loss, or the last one where nothing is held out. Order and
    dropout of each step follow from the seed and the step's number alone, so that nothing else need be kept.

    Parameters: `loss_of(rows)` is the loss of the batch with these row numbers; `rate_of(name)` a parameter's
    learning rate; `held_out_loss` is asked `n_evaluations` times at most; `save` is given the state about once a
    minute and when the callback ends the training.
    """
    import torch

    names = list(trainable)
    rates = {rate: [name for name in names if rate_of(name) == rate] for rate in sorted({*map(rate_of, names)})}
    groups = [{"params": [trainable[name] for name in some], "lr": rate} for rate, some in rates.items()]
    optimiser = torch.optim.AdamW(groups, weight_decay=weight_decay, fused=True)
    with torch.no_grad():
        for name in names if f"now.{names[0]}" in state.tensors else ():
            trainable[name].copy_(state.tensors[f"now.{name}"])
            if f"first.{name}" in state.tensors:
                optimiser.state[trainable[name]] = {
                    "step": torch.tensor(float(state.step), device=trainable[name].device),
                    "exp_avg": state.tensors[f"first.{name}"].to(trainable[name].device),
                    "exp_avg_sq": state.tensors[f"second.{name}"].to(trainable[name].device),
                }
    kept = {name: t for name, t in state.tensors.items() if not name.startswith(("now.", "first.", "second."))}

    def remember() -> None:
        tensors = dict(kept)
        for name in names:
            tensors[f"now.{name}"] = trainable[name].detach().clone()
            if moments := optimiser.state.get(trainable[name]):
                tensors[f"first.{name}"], tensors[f"second.{name}"] = moments["exp_avg"], moments["exp_avg_sq"]
        state.tensors, state.curve = tensors, list(progress.curve)

    per_epoch = -(-n_rows // n_batch)
    evaluate_every = max(1, n_steps // n_evaluations)
    save_at, held, recent = time.monotonic() + SAVE_EVERY_SECONDS, None, []
    while state.step < n_steps and not progress.stopped and state.waited < patience:
        epoch, place = divmod(state.step, per_epoch)
        order = np.random.RandomState([state.seed, epoch]).permutation(n_rows)
        torch.manual_seed(state.seed + state.step)
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            done = state.step / n_steps
            group["lr"] = rate * min((state.step + 1) / max(1, WARM_UP * n_steps), (1 - done) / (1 - WARM_UP))
        loss = loss_of(order[place * n_batch : (place + 1) * n_batch])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(trainable.values()), MAX_GRADIENT)
        optimiser.step()
        recent.append(loss.item())
        state.step += 1
        progress.step += 1
        if held_out_loss is not None and (state.step % evaluate_every == 0 or state.step == n_steps):
            held = held_out_loss()
            state.waited += 1
            if held < state.best_loss:
                state.best_loss, state.waited = held, 0
                kept |= {f"best.{name}": trainable[name].detach().clone() for name in names}
        if progress.step % progress.every == 0 or state.step == n_steps:
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
            trainable[name].copy_(kept[f"best.{name}"])
