"""What encoders and classifiers on a transformer share: loading any checkpoint, batches, hidden states, pooling."""

import inspect
import json
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelling.encoders import EncoderError
from labelling.encoders._folders import OFFLINE_HINT, PACKAGED_MODEL, check_weights, model_folder, one_line, quiet

if TYPE_CHECKING:
    import torch

# Tokenizers that know no limit report a huge number instead.
NO_LIMIT = 1_000_000
POOLINGS = ("cls", "mean", "max", "last")

# Any of them is a tokenizer. Without one, the library makes an empty tokenizer that reads nothing of a text.
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.*", "*.model", "*.tiktoken")


@dataclass(frozen=True)
class Checkpoint:
    """A tokenizer and a model, as they were saved.

    Attributes
    ----------
    tokenizer : PreTrainedTokenizerBase
        It always has a padding token, see `load`.
    model : PreTrainedModel
        In evaluation mode, float32 unless it was asked for in other numbers.
    folder : Path
    missing_keys : tuple of str
        Parameters that the model has and the checkpoint lacks: their values are random, of a fixed seed.
    unexpected_keys : tuple of str
        Tensors of the checkpoint that this model has no use for, such as another task's head.
    positions : int or None
        Number of positions that the model has: the longest text in tokens; None where it knows no limit.
    max_tokens : int or None
        Number of tokens that it is meant to read: the lower of its tokenizer's limit and `positions`.
    """

    tokenizer: Any
    model: Any
    folder: Path
    missing_keys: tuple[str, ...]
    unexpected_keys: tuple[str, ...]
    positions: int | None
    max_tokens: int | None

    @property
    def n_dims(self) -> int:
        """Number of columns of the hidden states."""
        config = self.model.config.get_text_config()
        return int(config.hidden_size)

    def length(self, max_length: int | None) -> int | None:
        """The number of tokens after which a text is cut off, where the person asked for `max_length`.

        Raises EncoderError where the model can't read as many, or so few that none of them is the text's.
        """
        if max_length is None:
            return self.max_tokens
        if self.positions is not None and max_length > self.positions:
            raise EncoderError(f"max_length must be at most {self.positions} for this model, got {max_length}")
        lowest = 1 + int(self.tokenizer.num_special_tokens_to_add())
        if max_length < lowest:
            raise EncoderError(f"max_length must be at least {lowest} for this model, got {max_length}")
        return max_length


def load(
    model: str | os.PathLike[str] | None,
    auto_class: str = "AutoModel",
    *,
    device: str | None = None,
    numbers: str = "float32",
    **options: Any,
) -> Checkpoint:
    """Load the tokenizer and the model of a checkpoint with one of transformers' Auto classes.

    Only safetensors weights are read, no code that comes with a model is run, and nothing is printed. The global
    random state stays as it was.

    A tokenizer without a padding token gets one of those it has, the end of text where there is one, in memory alone:
    no token is added and no weight changes. Which token it is decides nothing, because what is padding is told by the
    attention mask and never by the token; take care to do likewise, as a text may end in the same token.

    Parameters
    ----------
    model : str, path-like or None
        A local folder, or the id of a model on the Hugging Face hub. None is the packaged all-MiniLM-L6-v2.
    auto_class : str, default="AutoModel"
        Name of the Auto class: "AutoModel" is the body alone, whatever head it was saved with.
    device : str, default=None
        A torch device such as "cpu" or "cuda". None is the GPU where there is one.
    numbers : str, default="float32"
        The type of its numbers, whatever it is on disk.
    **options
        For the Auto class's `from_pretrained`, such as `num_labels`.

    Raises
    ------
    EncoderError
        It can't be found or loaded; the message says why and what to do.
    """
    folder = model_folder(None if model is None else os.fspath(model))
    name = PACKAGED_MODEL if model is None else os.fspath(model)
    _check_folder(folder, name)
    import torch

    # transformers puts another module in its own place at the end of its import: a thread that waited for that with an
    # `import` of its own would still get the first one, which has nothing in it.
    import_module("transformers")
    transformers = sys.modules["transformers"]
    auto = getattr(transformers, auto_class)
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        # What the checkpoint lacks gets random values: from a generator that is nobody else's.
        with quiet(), torch.random.fork_rng():
            torch.manual_seed(0)
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
            loaded, report = auto.from_pretrained(
                folder, **local, use_safetensors=True, dtype=numbers, output_loading_info=True, **options
            )
            loaded = loaded.to(default_device() if device is None else device).eval()
    # A folder that holds no model, or a broken one, can fail anywhere in three libraries.
    except Exception as error:
        raise EncoderError(f"can't load the model {name!r}: {one_line(error)}. {OFFLINE_HINT}") from error
    _give_padding_token(tokenizer, loaded)
    tokenizer.truncation_side = "right"  # the beginning of a text is read
    positions = _positions(loaded)
    limits = [n for n in (positions, tokenizer.model_max_length) if n is not None and 0 < n < NO_LIMIT]
    return Checkpoint(
        tokenizer,
        loaded,
        folder,
        tuple(sorted(report["missing_keys"])),
        tuple(sorted(report["unexpected_keys"])),
        positions,
        int(min(limits)) if limits else None,
    )


def check_whole(missing_keys: Collection[str], name: str) -> None:
    """Raises EncoderError where the checkpoint lacked tensors that decide a vector: they then have random values."""
    # The pooler is a layer of BERT's kind over the first token's state, which no encoder here uses.
    random = sorted(key for key in missing_keys if not key.startswith("pooler."))
    if random:
        raise EncoderError(
            f"the model {name!r} lacks {len(random)} of its tensors ({random[0]} for one), so its vectors would be "
            "random: save the whole model, in the class that its config.json names"
        )


def default_device() -> "torch.device":
    """The GPU where there is one."""
    import torch

    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def saved_pooling(folder: Path) -> str | None:
    """How the sentence encoder in this folder pools: "mean", "cls", "max" or "last"; None where it doesn't say."""
    names = {"lasttoken": "last", "weightedmean": None, "mean_sqrt_len_tokens": None}
    try:
        settings = json.loads((folder / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    mode = settings.get("pooling_mode")
    if mode is None:  # as the library wrote it before its version 6
        older = {"mean_tokens": "mean", "cls_token": "cls", "max_tokens": "max", "lasttoken": "last"}
        chosen = [pooling for key, pooling in older.items() if settings.get(f"pooling_mode_{key}")]
        mode = chosen[0] if len(chosen) == 1 else None
    mode = names.get(mode, mode)
    return mode if mode in POOLINGS else None


def tokenize(
    checkpoint: Checkpoint,
    texts: Sequence[str],
    pairs: Sequence[str] | None = None,
    *,
    max_length: int | None = None,
) -> list[dict[str, list[int]]]:
    """The tokens of each text (or pair of texts), with the model's special tokens and without padding.

    Parameters
    ----------
    checkpoint : Checkpoint
    texts : sequence of str
    pairs : sequence of str, default=None
        The second text of each pair.
    max_length : int, default=None
        Cut off after so many tokens; None cuts nothing off.

    Returns
    -------
    list of dict
        A dict a text: "input_ids" (at least one), and what else the tokenizer gives. For `pad`.

    Raises
    ------
    EncoderError
        The tokenizer knows tokens that the model doesn't.
    """
    if not len(texts):
        return []
    tokenizer = checkpoint.tokenizer
    truncation = {"truncation": True, "max_length": max_length} if max_length is not None else {"truncation": False}
    columns = tokenizer(list(texts), None if pairs is None else list(pairs), **truncation, verbose=False)
    rows = [{name: list(column[i]) for name, column in columns.items()} for i in range(len(texts))]
    n_known = _n_embeddings(checkpoint.model)
    for row in rows:
        if not row["input_ids"]:  # an empty text, for a tokenizer that adds nothing to it
            beginning = tokenizer.bos_token_id
            row.update(
                {name: [0] for name in row}, input_ids=[tokenizer.pad_token_id if beginning is None else beginning]
            )
        row["attention_mask"] = [1] * len(row["input_ids"])
        if n_known is not None and max(row["input_ids"]) >= n_known:
            raise EncoderError(
                f"the tokenizer in {str(checkpoint.folder)!r} has a token {max(row['input_ids'])}, the model knows "
                f"{n_known} tokens: they don't belong together"
            )
    return rows


def pad(
    checkpoint: Checkpoint, rows: Sequence[Mapping[str, list[int]]], side: str | None = None
) -> "dict[str, torch.Tensor]":
    """A batch for the model from some of what `tokenize` gave, on the model's device.

    `side` is where the padding goes, "left" or "right"; None is the tokenizer's own, but right for a model that takes
    no positions, which would read padding on the left as the beginning of the text. The attention mask, int64
    (n_texts, n_tokens), is 1 for the tokens of the text and 0 for padding.
    """
    tokenizer = checkpoint.tokenizer
    if side is None:
        takes = inspect.signature(_body(checkpoint.model).forward).parameters
        side = tokenizer.padding_side if "position_ids" in takes else "right"
    tokenizer.deprecation_warnings["Asking-to-pad-a-fast-tokenizer"] = True  # the advice to tokenize and pad at once
    batch = tokenizer.pad(list(map(dict, rows)), padding_side=side, return_tensors="pt")
    return {name: tensor.to(checkpoint.model.device) for name, tensor in batch.items()}


def hidden_states(model: Any, batch: "Mapping[str, torch.Tensor]", layer: int = -1) -> "torch.Tensor":
    """The hidden states of a batch, in the model's numbers: shape (n_texts, n_tokens, n_dims).

    `layer` counts from 0, what goes into the first layer, to the number of layers; -1 is the last, after the model's
    final normalisation. Positions are counted from each text's first token, on whichever side the padding is. Of a
    model with encoder and decoder the encoder is run.
    """
    body = _body(model)
    takes = inspect.signature(body.forward).parameters
    inputs: dict[str, Any] = {name: tensor for name, tensor in batch.items() if name in takes}
    mask = batch["attention_mask"]
    if "position_ids" in takes and not bool(mask[:, 0].all()):
        inputs["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0) + _first_position(body)
    if "use_cache" in takes:
        inputs["use_cache"] = False
    output = body(**inputs, output_hidden_states=layer != -1, return_dict=True)
    return output.last_hidden_state if layer == -1 else output.hidden_states[layer]


def pool(hidden: "torch.Tensor", attention_mask: "torch.Tensor", how: str) -> "torch.Tensor":
    """One vector a text from the hidden states of its tokens.

    Parameters
    ----------
    hidden : Tensor, shape (n_texts, n_tokens, n_dims)
    attention_mask : Tensor of int or bool, shape (n_texts, n_tokens)
        What is padding, on either side; every text has one token at the least.
    how : {"cls", "mean", "max", "last"}
        The first token, the mean or the maximum over the tokens, or the last token; padding never counts.

    Returns
    -------
    Tensor, shape (n_texts, n_dims)
    """
    mask = attention_mask.bool()
    if how in ("cls", "last"):
        # argmax gives the first of several maxima.
        first = mask.int().argmax(1)
        position = first if how == "cls" else mask.shape[1] - 1 - mask.int().flip(1).argmax(1)
        return hidden[range(len(hidden)), position]
    # The states of padding may be anything, NaN included, so they are replaced and not multiplied by nought.
    if how == "mean":
        return hidden.masked_fill(~mask[..., None], 0).sum(1) / mask.sum(1, keepdim=True)
    if how == "max":
        return hidden.masked_fill(~mask[..., None], -float("inf")).amax(1)
    raise ValueError(f"pooling must be one of {', '.join(map(repr, POOLINGS))}, got {how!r}")


def _check_folder(folder: Path, name: str) -> None:
    if not (folder / "config.json").is_file():
        what = "it has no config.json"
        if (folder / "adapter_config.json").is_file():
            what = "it holds an adapter (LoRA) alone: merge it into its model and save that"
        raise EncoderError(f"no model in {name!r}: {what}. {OFFLINE_HINT}")
    check_weights(folder, name)
    if (folder / "adapter_config.json").is_file():
        raise EncoderError(
            f"the model {name!r} holds an adapter (LoRA) beside its weights, which would be left out: merge it into "
            f"the model, and save that without the adapter"
        )
    if not any(any(folder.glob(pattern)) for pattern in _TOKENIZER_FILES):
        raise EncoderError(
            f"the model {name!r} has no tokenizer: save it into the same folder, with tokenizer.save_pretrained(folder)"
        )


def _body(model: Any) -> Any:
    return model.get_encoder() if model.config.is_encoder_decoder else model


def _give_padding_token(tokenizer: Any, model: Any) -> None:
    n_known = _n_embeddings(model)
    fits = [i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id, 0) if i is not None]
    # A padding token that was added to the tokenizer but not to the model is as good as none.
    chosen = next(i for i in fits if n_known is None or i < n_known)
    if chosen != tokenizer.pad_token_id:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(chosen)


def _n_embeddings(model: Any) -> int | None:
    try:
        return getattr(model.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:  # models that read characters
        return None


def _positions(model: Any) -> int | None:
    n = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if not isinstance(n, int) or not 0 < n < NO_LIMIT:
        return None
    return n - _first_position(model)


def _first_position(model: Any) -> int:
    """The number of a text's first position; not 0 in models of RoBERTa's kind, where padding has one of its own."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings"):
            padding = getattr(module, "padding_idx", None)
            return 0 if padding is None else padding + 1
    return 0
