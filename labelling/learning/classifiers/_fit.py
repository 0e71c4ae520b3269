"""One fit of a classifier: the frozen body runs once, the head learns from that, then body and head go on together."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.learning.classifiers._network import is_pooler
from labelling.learning.classifiers._texts import Texts, count_longer, tokens_of
from labelling.learning.optimise import (
    PATIENCE,
    Callback,
    Progress,
    State,
    batch_size,
    held_out_rows,
    minimise,
    number_of_steps,
)
from labelling.learning.targets import Targets

if TYPE_CHECKING:
    import torch

    from labelling.learning.classifiers._network import Network
    from labelling.learning.classifiers.classifier import TransformerClassifier

# Learning rates where nobody says another: of the head, and of the body by what moves.
HEAD_RATE = 1e-3
BODY_RATES = {"all": 3e-5, "top": 1e-4, "lora": 5e-4}
HEAD_BATCH = 32  # at the least
HEAD_EVALUATIONS = 100  # of the held-out part, which costs a head alone nothing
BODY_EVALUATIONS = 20
# Batches that the body is trained on where nobody says how many: so many rounds over the texts, and at least so many.
BODY_ROUNDS, LEAST_BODY_STEPS = 3, 60
WARM_UP = 0.1  # its share of the steps, for the learning rate to rise; then it falls to 0
BODY_PATIENCE = 4  # looks at the held-out part without a better loss, before a body's training stops
MAX_GRADIENT = 1.0  # length of the gradient to which a longer one is cut


class Fit:
    """Trains `network` for the classifier whose it is.

    Parameters
    ----------
    texts, targets : the labelled ones, all with a label
    state : where to begin
    save : is given the state to keep
    """

    def __init__(
        self,
        classifier: TransformerClassifier,
        network: Network,
        texts: Texts,
        targets: Targets,
        state: State,
        callback: Callback | None,
        save: Callable[[State], None],
    ) -> None:
        import torch

        self.classifier, self.network, self.texts, self.state, self.save = classifier, network, texts, state, save
        self.n_classes = len(targets.classes)
        held = held_out(targets, classifier.validation_fraction, np.random.RandomState(state.seed))
        self.learnt, self.watched = np.flatnonzero(~held), np.flatnonzero(held)
        self.device = network.checkpoint.model.device
        self.codes = torch.from_numpy(targets.codes).to(self.device)
        weight = class_weights(classifier.class_weight, targets.classes, targets.codes[self.learnt])
        self.weight = torch.from_numpy(weight).to(self.device)
        self.head_alone = classifier.train == "head"
        self.n_batches = -(-len(texts) // classifier.batch_size)
        self.n_steps = self._number_of_steps()
        # The head's own training counts as one step where the body follows: it takes no time.
        self.progress = Progress(self.n_batches + self.n_steps + (not self.head_alone), callback)

    def run(self) -> list[float]:
        """Train; return the losses."""
        network, state = self.network, self.state
        resumed = bool(state.tensors)
        if resumed:
            network.scaling = {name: state.tensors[f"fixed.{name}"].to(self.device) for name in ("mean", "scale")}
        if self.head_alone:
            pooled = state.tensors["fixed.pooled"].to(self.device) if resumed else self._first_run()
            state.tensors.setdefault("fixed.pooled", pooled)
            self._begin(self.n_batches)
            self._train_head(pooled, state, self.progress)
        else:
            if not resumed:
                head_steps = number_of_steps("auto", len(self.learnt))
                self._train_head(self._first_run(), State(state.seed), Progress(head_steps, None))
            self._begin(self.n_batches + 1)
            self._train_body()
        network.finalise()
        return self.progress.curve

    @property
    def stopped(self) -> bool:
        return self.progress.stopped

    def _number_of_steps(self) -> int:
        steps = self.classifier.steps
        if self.head_alone:
            return number_of_steps(steps, len(self.learnt))
        if isinstance(steps, str):
            return max(LEAST_BODY_STEPS, -(-BODY_ROUNDS * len(self.learnt) // self.classifier.batch_size))
        return steps

    def _begin(self, n_done: int) -> None:
        self.progress.step = n_done + self.state.step
        self.progress.curve = list(self.state.curve)

    def _first_run(self) -> torch.Tensor:
        """The pooled states of the frozen body, and the head's scale set by them."""
        import torch

        progress = self.progress

        def goes_on(n_done: int, n_total: int) -> bool:
            progress.step = -(-n_done // self.classifier.batch_size)
            tell = progress.callback
            return tell is None or tell(progress.step, progress.n_steps, float("nan"), None) is not False

        pooled = torch.from_numpy(self.classifier._frozen_run(self.network, self.texts, goes_on)).to(self.device)
        self.network.set_scaling(pooled[self.learnt])
        self.state.tensors = {f"fixed.{name}": tensor for name, tensor in self.network.scaling.items()}
        return pooled

    def _loss(self, pooled: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(self.network.classify(pooled), self.codes[rows], weight=self.weight)

    def _held_out_loss(self, pooled: torch.Tensor) -> float:
        import torch

        self.network.head.eval()
        with torch.no_grad():
            return self._loss(pooled, self.watched).item()

    def _train_head(self, pooled: torch.Tensor, state: State, progress: Progress) -> None:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        def loss_of(places: np.ndarray) -> torch.Tensor:
            self.network.head.train()
            rows = self.learnt[places]
            return self._loss(pooled[rows], rows)

        # On one thread, as for the tuners: the matrices are small, and threads that wait for each other on a busy
        # machine made half a second last ten.
        with threadpool_limits(1):
            self._minimise(
                {name: p for name, p in self.network.trainable.items() if name.startswith("head.")},
                loss_of,
                state,
                progress,
                rate_of=lambda name: self._rate("head"),
                n_steps=self.n_steps if self.head_alone else progress.n_steps,
                n_batch=batch_size(self.n_classes, HEAD_BATCH),
                held_out_loss=(lambda: self._held_out_loss(pooled[self.watched])) if len(self.watched) else None,
                patience=PATIENCE,
                n_evaluations=HEAD_EVALUATIONS,
                save=self.save if self.head_alone else None,
            )

    def _train_body(self) -> None:
        import torch

        network, train = self.network, self.classifier.train
        tokens = tokens_of(network.checkpoint, self.texts, network.max_length)
        watched = self.texts.take(self.watched)

        def loss_of(places: np.ndarray) -> torch.Tensor:
            network.set_training(train)
            rows = self.learnt[places]
            return self._loss(network.pooled([tokens[row] for row in rows]), rows)

        def held_out_loss() -> float:
            return self._held_out_loss(torch.from_numpy(network.run(watched)).to(self.device))

        self._minimise(
            network.trainable,
            loss_of,
            self.state,
            self.progress,
            rate_of=lambda name: self._rate("head" if name.startswith("head.") else train),
            n_steps=self.n_steps,
            n_batch=self.classifier.batch_size,
            held_out_loss=held_out_loss if len(watched) else None,
            patience=BODY_PATIENCE,
            n_evaluations=BODY_EVALUATIONS,
            save=self.save,
        )

    def _minimise(
        self,
        parameters: dict[str, torch.Tensor],
        loss_of: Callable[[np.ndarray], torch.Tensor],
        state: State,
        progress: Progress,
        *,
        n_steps: int,
        n_batch: int,
        n_evaluations: int,
        **options: Any,
    ) -> None:
        """Train on batches of an order that is drawn anew for each round over the rows to learn from.

        Order and dropout of each step follow from the seed and the step's number alone, so that nothing else need be
        kept to go on. `loss_of(places)` is the loss of the batch of these places among the rows to learn from.
        """
        import torch

        per_epoch = -(-len(self.learnt) // n_batch)

        def loss_at(step: int) -> torch.Tensor:
            epoch, place = divmod(step, per_epoch)
            order = np.random.RandomState([state.seed, epoch]).permutation(len(self.learnt))
            torch.manual_seed(state.seed + step)
            return loss_of(order[place * n_batch : (place + 1) * n_batch])

        minimise(
            parameters,
            loss_at,
            state,
            n_steps=n_steps,
            schedule=lambda step: min((step + 1) / max(1, WARM_UP * n_steps), (1 - step / n_steps) / (1 - WARM_UP)),
            weight_decay=self.classifier.weight_decay,
            progress=progress,
            evaluate_every=max(1, n_steps // n_evaluations),
            max_gradient=MAX_GRADIENT,
            **options,
        )

    def _rate(self, of: str) -> float:
        chosen = self.classifier.learning_rate
        if chosen != "auto" and of == self.classifier.train:
            return float(chosen)
        return HEAD_RATE if of == "head" else BODY_RATES[of.split("-")[0]]


def held_out(targets: Targets, fraction: float | str, rng: np.random.RandomState) -> np.ndarray:
    """Which labelled rows are held out to stop by: bool (n,). "auto" is the tuners' way: a tenth of 300 and more."""
    if fraction == "auto":
        return held_out_rows(targets, rng)
    mask = np.zeros(len(targets.codes), bool)
    for code in np.unique(targets.codes) if fraction else ():
        rows = rng.permutation(np.flatnonzero(targets.codes == code))
        mask[rows[: min(len(rows) - 1, max(1, round(len(rows) * float(fraction))))]] = True
    return mask


def class_weights(chosen: dict | str | None, classes: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The weight of each class in the loss: float32 (n_classes,)."""
    if chosen is None:
        return np.ones(len(classes), np.float32)
    if isinstance(chosen, dict):
        if missing := set(classes.tolist()) - set(chosen):
            raise ValueError(f"class_weight names no weight for {sorted(missing)[:5]}")
        return np.array([chosen[name] for name in classes.tolist()], np.float32)
    counts = np.bincount(codes, minlength=len(classes))
    return (len(codes) / (len(classes) * np.maximum(counts, 1))).astype(np.float32)


def warn_of_what_is_lost(network: Network, texts: Texts) -> int:
    """Warn of parameters that the checkpoint lacks and of texts that are too long; return how many are."""
    checkpoint, limit = network.checkpoint, network.max_length
    fresh = [name for name in checkpoint.missing_keys if not is_pooler(name)]
    if fresh:
        warnings.warn(
            f"the checkpoint lacks {len(fresh)} of the body's parameters, which are random now: "
            f"{', '.join(fresh[:5])}; is it the right model?",
            stacklevel=3,
        )
    n_longer = count_longer(checkpoint, texts, limit)
    if n_longer:
        advice = "the model can read no more: split such texts, or take a model that reads longer ones"
        if checkpoint.positions is None or limit is None or checkpoint.positions > limit:
            advice = f"max_length can be {checkpoint.positions or 'more'}"
        warnings.warn(
            f"{n_longer} of {len(texts)} texts are longer than {limit} tokens, their ends are not read; {advice}",
            stacklevel=3,
        )
    return n_longer
