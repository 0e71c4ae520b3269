"""Fitted tuners and learners on disk: safetensors, what is no tensor as JSON in its metadata; nothing is pickled."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from labelling.files import write_whole
from labelling.learning.memory import Memory
from labelling.learning.targets import Targets

Estimator = TypeVar("Estimator", bound=Any)

FILE_FORMAT = "labelling-tuner/2"
# What is stored keeps the names that it had in the first files: a fitted attribute's name, and its name in a file.
STORED = {"multi_label_": "several_", "pretrained_": "ready_"}
ARRAYS = ("weights_", "memory_")  # what goes into tensors; the other fitted attributes are JSON


class SavedMixin:
    """Gives an estimator `save` and `load`."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was fitted to a safetensors file, with parameters and classes as JSON in its metadata.

        A `random_state` that is no number is saved as None.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        save_estimator(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote; ValueError where the file holds something else."""
        return load_estimator(cls, Path(path))


def to_stored(estimator: Any, names: Iterable[str]) -> dict[str, Any]:
    """Fitted attributes of these names, those that are there, under the names that they have in a file."""
    return {STORED.get(name, name): getattr(estimator, name) for name in names if hasattr(estimator, name)}


def set_stored(estimator: Any, fitted: Mapping[str, Any]) -> None:
    """Set the attributes that `to_stored` gave."""
    names = {stored: name for name, stored in STORED.items()}
    for stored, value in fitted.items():
        setattr(estimator, names.get(stored, stored), value)


def save_estimator(estimator: Any, path: Path) -> None:
    """Write it whole or not at all."""
    from safetensors.numpy import save

    parameters = estimator.get_params()
    if isinstance(parameters["random_state"], np.random.RandomState):
        parameters["random_state"] = None
    if isinstance(parameters.get("class_weight"), dict):
        parameters["class_weight"] = list(parameters["class_weight"].items())  # JSON's keys are texts
    names = [name for name in vars(estimator) if name.endswith("_") and name not in ARRAYS]
    fitted = to_stored(estimator, names)
    tensors = {f"weights.{name}": array for name, array in estimator.weights_.items()}
    if memory := getattr(estimator, "memory_", None):
        tensors |= {"memory.x": memory.x, "memory.codes": memory.targets.codes, "memory.keys": memory.keys}
        fitted["n_seen"] = memory.n_seen
    state = {"parameters": parameters, "fitted": fitted}
    metadata = {
        "format": FILE_FORMAT,
        "estimator": type(estimator).__name__,
        # NumPy's arrays and numbers among the attributes and parameters
        "state": json.dumps(state, default=lambda value: value.tolist()),
    }
    write_whole(path, lambda file: file.write(save(tensors, metadata)))


def read_tensors(path: Path, framework: str) -> tuple[dict[str, str], dict[str, Any]]:
    """The metadata and the tensors of a safetensors file, as arrays of NumPy ("np") or PyTorch's ("pt").

    ValueError where it is none.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework=framework) as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, no dict
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from error


def load_estimator(estimator_class: type[Estimator], path: Path) -> Estimator:
    """Read what `save_estimator` wrote for this class."""
    metadata, tensors = read_tensors(path, "np")
    if (metadata.get("format"), metadata.get("estimator")) != (FILE_FORMAT, estimator_class.__name__):
        found = f"{metadata.get('estimator', 'no tuner')} ({metadata.get('format', 'no format')})"
        raise ValueError(f"{path} must hold a {estimator_class.__name__} ({FILE_FORMAT}), got {found}")
    state = json.loads(metadata["state"])
    parameters, fitted = state["parameters"], state["fitted"]
    if isinstance(parameters.get("class_weight"), list):
        parameters["class_weight"] = dict(parameters["class_weight"])
    estimator = estimator_class(**parameters)
    for name in ("classes_", "feature_names_in_"):
        if name in fitted:
            fitted[name] = np.asarray(fitted[name], dtype=object if name == "feature_names_in_" else None)
    n_seen = fitted.pop("n_seen", None)
    set_stored(estimator, fitted)
    estimator.weights_ = {
        name.removeprefix("weights."): array for name, array in tensors.items() if name.startswith("weights.")
    }
    if n_seen is not None:
        targets = Targets(estimator.classes_, tensors["memory.codes"])
        estimator.memory_ = Memory(tensors["memory.x"], targets, tensors["memory.keys"], n_seen)
    return estimator
