"""Fitted tuners on disk: safetensors, with what is no tensor as JSON in the metadata; nothing is pickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from labelling.tuners._base import BaseTuner

    Tuner = TypeVar("Tuner", bound=BaseTuner)

FILE_FORMAT = "labelling-tuner/1"


def save_tuner(tuner: BaseTuner, path: Path) -> None:
    """Write to a temporary file beside `path`, then rename."""
    from safetensors.numpy import save

    parameters = tuner.get_params()
    if isinstance(parameters["random_state"], np.random.RandomState):
        parameters["random_state"] = None
    state = {
        "parameters": parameters,
        "classes_": tuner.classes_.tolist(),
        "n_features_in_": tuner.n_features_in_,
        "loss_curve_": tuner.loss_curve_,
    }
    if hasattr(tuner, "feature_names_in_"):
        state["feature_names_in_"] = tuner.feature_names_in_.tolist()
    metadata = {
        "format": FILE_FORMAT,
        "tuner": type(tuner).__name__,
        "state": json.dumps(state, default=lambda number: number.item()),  # NumPy's numbers among the parameters
    }
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(save(tuner.weights_, metadata))
    temporary.replace(path)


def load_tuner(tuner_class: type[Tuner], path: Path) -> Tuner:
    """Read what `save_tuner` wrote for this class of tuner."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from error
    if (metadata.get("format"), metadata.get("tuner")) != (FILE_FORMAT, tuner_class.__name__):
        found = f"{metadata.get('tuner', 'no tuner')} ({metadata.get('format', 'no format')})"
        raise ValueError(f"{path} must hold a {tuner_class.__name__} ({FILE_FORMAT}), got {found}")
    state = json.loads(metadata["state"])
    tuner = tuner_class(**state["parameters"])
    tuner.classes_ = np.asarray(state["classes_"])
    tuner.n_features_in_ = state["n_features_in_"]
    tuner.loss_curve_ = state["loss_curve_"]
    if "feature_names_in_" in state:
        tuner.feature_names_in_ = np.asarray(state["feature_names_in_"], dtype=object)
    tuner.weights_ = weights
    return tuner
