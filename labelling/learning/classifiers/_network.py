"""A checkpoint's body, its pooling and a head on it; which of their parameters move."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.encoders import EncoderError
from labelling.encoders._folders import fingerprint
from labelling.encoders._transformer import POOLINGS, hidden_states, pad, pool, saved_pooling
from labelling.encoders.device import FLOAT32, batch_tokens, run_in_batches
from labelling.learning.classifiers._lora import Adapters
from labelling.learning.classifiers._texts import Texts, tokens_of

if TYPE_CHECKING:
    import torch

    from labelling.encoders._transformer import Checkpoint

OnBatch = Callable[[int, int], bool | None]


class Stopped(RuntimeError):
    """A callback ended the work before it came to anything."""


class Network:
    """Texts to hidden states, and hidden states to logits.

    Attributes
    ----------
    checkpoint : Checkpoint
    pooling : str
    max_length : int or None, tokens after which a text is cut off
    head : torch.nn.Sequential, its last layer gives the logits; None in a `ReadyNetwork`
    scaling : dict of "mean" and "scale" of the pooled states, each float32 (n_dims,); the head reads the states
        standardised by these, which never move. The states of language models have coordinates a hundred times larger
        than others, which no learning rate suits.
    moving : dict of the parameters that are to move, by name ("head.*", "body.*")
    adapters : the low-rank updates that move in the body's stead, or None
    """

    def __init__(self, checkpoint: Checkpoint, pooling: str, max_length: int | None) -> None:
        self.checkpoint, self.pooling, self.max_length = checkpoint, pooling, max_length
        self.head: Any = None
        self.scaling: dict[str, torch.Tensor] = {}
        self.trainable: dict[str, Any] = {}
        self.adapters: Adapters | None = None
        model = checkpoint.model
        self.body = model.get_encoder() if model.config.is_encoder_decoder else model

    # ---------------------------------------------------------------- what it gives

    def pooled(self, rows: Sequence[dict[str, list[int]]]) -> torch.Tensor:
        """The body's pooled hidden states of tokenised texts: float32 (n_texts, n_dims), with their graph."""
        # Padding goes right, where every model's positions are right without more ado.
        batch = pad(self.checkpoint, rows, side="right")
        return pool(hidden_states(self.checkpoint.model, batch), batch["attention_mask"], self.pooling)

    def outputs(self, texts: Texts, on_batch: OnBatch | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Logits, float32 (n, n_classes), and what the head's last layer reads, float32 (n, n_hidden)."""
        return self.finish(self.run(texts, on_batch))

    def finish(self, pooled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `outputs` gives, from the body's pooled states; a linear head reads these themselves."""
        linear = len(self.head) == LINEAR_LENGTH
        return self._apply(self.head, pooled), pooled if linear else self._apply(self.head[:-1], pooled)

    def run(self, texts: Texts, on_batch: OnBatch | None = None) -> np.ndarray:
        """The body's pooled hidden states of texts, without a graph and without dropout: float32 (n, n_dims).

        `on_batch(n_done, n_texts)` after each batch; where it returns False, `Stopped` is raised.
        """
        return self._run(self.pooled, self.checkpoint.n_dims, texts, on_batch)

    def _run(self, function: Any, n_columns: int, texts: Texts, on_batch: OnBatch | None) -> np.ndarray:
        import torch

        model = self.checkpoint.model.eval()
        out = np.empty((len(texts), n_columns), np.float32)
        done = 0
        # A ready classifier keeps the states of all its layers.
        n_kept = getattr(model.config.get_text_config(), "num_hidden_layers", 0)
        budget = batch_tokens(model.device, self.checkpoint.n_dims, FLOAT32, n_kept)
        with torch.no_grad():
            for chunk in texts.chunks():
                tokens = tokens_of(self.checkpoint, texts.take(chunk), self.max_length)

                def run(rows: np.ndarray, tokens: list[dict[str, list[int]]] = tokens) -> torch.Tensor:
                    return function([tokens[row] for row in rows])

                for rows, found in run_in_batches(run, [len(row["input_ids"]) for row in tokens], budget):
                    out[chunk[rows]] = found.cpu().numpy()
                    done += len(rows)
                    if on_batch is not None and on_batch(done, len(texts)) is False:
                        raise Stopped("ended before the body had read all texts: there is nothing to keep")
        return out

    def set_scaling(self, pooled: torch.Tensor) -> None:
        """Take the mean and scale from the pooled states of the training texts."""
        import torch

        scale = pooled.std(0, correction=0)
        scale = torch.where(scale > 1e-6 * scale.max().clamp(min=1e-12), scale, 1.0)
        self.scaling = {"mean": pooled.mean(0), "scale": scale}

    def classify(self, pooled: torch.Tensor) -> torch.Tensor:
        """The logits of pooled states: (n, n_classes), with their graph."""
        return self.head(self._scaled(pooled))

    def _scaled(self, pooled: torch.Tensor) -> torch.Tensor:
        return (pooled - self.scaling["mean"]) / self.scaling["scale"]

    def _apply(self, layers: Any, pooled: np.ndarray) -> np.ndarray:
        import torch

        self.head.eval()
        with torch.no_grad():
            return layers(self._scaled(torch.from_numpy(pooled).to(self.checkpoint.model.device))).cpu().numpy()

    # ---------------------------------------------------------------- what moves

    def layers(self) -> list[Any]:
        """The body's layers, from the first to the last.

        Raises EncoderError where they can't be told, as in models whose layers share their weights.
        """
        from torch import nn

        n_layers = getattr(self.body.config.get_text_config(), "num_hidden_layers", None)
        for module in self.body.modules():
            if isinstance(module, nn.ModuleList) and len(module) == n_layers:
                return list(module)
        raise EncoderError(
            f"can't tell the layers of a {type(self.body).__name__}: choose train='head' or train='all' for it"
        )

    def choose(self, train: str, rank: int, generator: torch.Generator) -> None:
        """Set `moving` as `train` says; for "lora" with new `adapters`.

        The body's pooler, which some models have and which is not read here, never moves.
        """
        self.checkpoint.model.requires_grad_(False)
        if train == "all":
            for name, parameter in self.body.named_parameters():
                parameter.requires_grad_(not is_pooler(name))
        elif train == "lora":
            names = {id(module): name for name, module in self.body.named_modules()}
            self.adapters = Adapters({names[id(layer)]: layer for layer in self.layers()}, rank, generator)
        elif train != "head":
            for layer in self._top(train):
                layer.requires_grad_(True)
        self.trainable = {f"head.{name}": p for name, p in self.head.named_parameters()}
        self.trainable |= {f"body.{name}": p for name, p in self.body.named_parameters() if p.requires_grad}
        if self.adapters is not None:
            self.trainable |= {f"body.{name}": p for name, p in self.adapters.parameters.items()}

    def _top(self, train: str) -> list[Any]:
        layers, k = self.layers(), number_of_layers(train)
        if k > len(layers):
            raise EncoderError(
                f"train={train!r}: this model has {len(layers)} layers, take 'top-{len(layers)}' or 'all'"
            )
        return layers[-k:]

    def finalise(self) -> None:
        """Nothing moves any more; low-rank updates become part of the weights."""
        if self.adapters is not None:
            self.adapters.fold()
        self.adapters, self.trainable = None, {}
        self.checkpoint.model.requires_grad_(False).eval()
        self.head.requires_grad_(False)

    def set_training(self, train: str) -> None:
        """Dropout where parameters of the body move and in the head, none elsewhere."""
        self.head.train()
        self.body.train(train in ("all", "lora"))
        for layer in self._top(train) if train not in ("all", "lora") else ():
            layer.train()


class ReadyNetwork(Network):
    """A sequence classifier as it was saved, with its own head."""

    def outputs(self, texts: Texts, on_batch: OnBatch | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Logits, and the states of the token that the head reads."""
        n_classes = self.checkpoint.model.config.num_labels
        both = self._run(self._both, n_classes + self.checkpoint.n_dims, texts, on_batch)
        return both[:, :n_classes], both[:, n_classes:]

    def _both(self, rows: Sequence[dict[str, list[int]]]) -> torch.Tensor:
        import torch

        model = self.checkpoint.model
        batch = pad(self.checkpoint, rows, side="right")
        if self.pooling == "last":
            # The library looks for the padding token to find the last real one: it fails in a batch where none is
            # configured, and takes a token too early where a text ends in the token that pads. The mask knows.
            pooled = pool(hidden_states(model.base_model, batch), batch["attention_mask"], self.pooling)
            return torch.cat([model.score(pooled), pooled], 1)
        takes = inspect.signature(model.forward).parameters
        inputs = {name: tensor for name, tensor in batch.items() if name in takes}
        output = model(**inputs, output_hidden_states=True)
        states = getattr(output, "hidden_states", None)
        if states is None:  # a model with encoder and decoder
            states = [hidden_states(model.base_model, batch)]
        return torch.cat([output.logits, pool(states[-1], batch["attention_mask"], self.pooling)], 1)


class FrozenBody:
    """The body and its pooling as an encoder of the cache's kind; a pair of texts is JSON there."""

    def __init__(self, network: Network, pairs: bool) -> None:
        self.network, self.pairs = network, pairs
        self.n_dims = network.checkpoint.n_dims
        self.max_tokens = network.max_length

    @property
    def fingerprint(self) -> str:
        return fingerprint(
            self.network.checkpoint.folder, "frozen body", self.network.pooling, self.max_tokens, self.pairs
        )

    def keys(self, texts: Texts) -> list[str]:
        """The texts as `encode` takes them."""
        if texts.second is None:
            return texts.first
        return [json.dumps(pair) for pair in zip(texts.first, texts.second, strict=True)]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        if not self.pairs:
            return self.network.run(Texts(list(texts)))
        pairs = [json.loads(text) for text in texts]
        return self.network.run(Texts([a for a, _ in pairs], [b for _, b in pairs]))

    def count_truncated(self, texts: Sequence[str]) -> int:
        return 0  # the classifier counts them itself


def number_of_layers(train: str) -> int:
    """k of "top-k"; ValueError where `train` is nothing that is known."""
    match = re.fullmatch(r"top-([1-9]\d*)", train) if isinstance(train, str) else None
    if match is None:
        raise ValueError(f"train must be 'head', 'all', 'lora' or 'top-k' with a number for k ('top-2'), got {train!r}")
    return int(match[1])


def is_pooler(name: str) -> bool:
    return name.split(".")[0] == "pooler"


def pooling_of(checkpoint: Checkpoint, chosen: str | None) -> str:
    """How the body's states become one vector a text: as chosen, as the checkpoint says, or as fits its kind."""
    if chosen is not None:
        return chosen
    folder = checkpoint.folder
    if (folder / "1_Pooling").is_dir():
        saved = saved_pooling(folder)
        if saved is None:
            raise EncoderError(
                f"the sentence encoder in {str(folder)!r} pools in a way that is not known here: "
                f"choose pooling={', '.join(map(repr, POOLINGS[:-1]))} or {POOLINGS[-1]!r}"
            )
        return saved
    return "last" if is_causal(checkpoint.model.config) else "mean"


def length_of(checkpoint: Checkpoint, chosen: int | None) -> int | None:
    """After how many tokens a text is cut off: as chosen, as a sentence encoder says, or as the model can read."""
    limit = checkpoint.length(chosen)
    if chosen is None:
        try:
            settings = json.loads((checkpoint.folder / "sentence_bert_config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return limit
        own = settings.get("max_seq_length")
        if isinstance(own, int) and (limit is None or own < limit):
            return own
    return limit


def is_causal(config: Any) -> bool:
    """Whether each token sees the ones before it alone, as in a generative language model."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    # BERT's kind can be used as a decoder as well, and says so where it is.
    if config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return bool(getattr(config, "is_decoder", False))
    return config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not config.is_encoder_decoder


LINEAR_LENGTH = 2


def make_head(
    kind: str, n_in: int, n_classes: int, hidden_dim: int | None, dropout: float, generator: torch.Generator
) -> Any:
    """A head that begins by giving every class the same logit.

    "linear": dropout, linear. "dense": dropout, dense, tanh, dropout, linear.
    """
    import torch
    from torch import nn
    from torch.nn.utils import skip_init  # the usual beginning draws from the global random state

    layers: list[nn.Module] = [nn.Dropout(dropout)]
    if kind == "dense":
        n_hidden = hidden_dim or n_in
        dense = skip_init(nn.Linear, n_in, n_hidden)
        with torch.no_grad():
            dense.weight.copy_(torch.randn(n_hidden, n_in, generator=generator) / n_in**0.5)
            dense.bias.zero_()
        layers += [dense, nn.Tanh(), nn.Dropout(dropout)]
        n_in = n_hidden
    last = skip_init(nn.Linear, n_in, n_classes)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
