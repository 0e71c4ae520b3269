"""Classifiers on disk: a folder as transformers saves a model, the head beside it, what is no tensor as JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from labelling.encoders._folders import quiet
from labelling.encoders._transformer import load
from labelling.learning.classifiers._network import Network
from labelling.learning.saving import STORED, read_tensors, set_stored, to_stored

if TYPE_CHECKING:
    from labelling.learning.classifiers.classifier import TransformerClassifier

Classifier = TypeVar("Classifier", bound="TransformerClassifier")

HEAD_FILE = "head.safetensors"
HEAD_FORMAT = "labelling-classifier/1"
FITTED = ("pairs_", "multi_label_", "pretrained_", "frozen_", "pooling_", "loss_curve_", "n_truncated_")


def save(classifier: TransformerClassifier, folder: Path) -> None:
    """Write to a folder beside `folder`, then rename."""
    from safetensors.torch import save_file

    if folder.exists() and not (folder / HEAD_FILE).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} holds something else than a saved classifier: name a folder that is new or empty")
    parameters = classifier.get_params()
    parameters["model"] = None if parameters["model"] is None else str(parameters["model"])
    if isinstance(parameters["random_state"], np.random.RandomState):
        parameters["random_state"] = None
    if isinstance(parameters["class_weight"], dict):
        parameters["class_weight"] = list(parameters["class_weight"].items())  # JSON's keys are texts
    state = {
        "parameters": parameters,
        "classes": classifier.classes_.tolist(),
        "max_length": classifier.network_.max_length,
        "fitted": to_stored(classifier, FITTED),
    }
    metadata = {"format": HEAD_FORMAT, "state": json.dumps(state, default=lambda value: value.tolist())}
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    checkpoint, head = classifier.network_.checkpoint, classifier.network_.head
    with quiet():
        checkpoint.model.save_pretrained(part)
        checkpoint.tokenizer.save_pretrained(part)
    scaling = {f"scaling.{name}": tensor for name, tensor in classifier.network_.scaling.items()}
    tensors = scaling | ({} if head is None else head.state_dict())
    tensors = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    save_file(tensors, part / HEAD_FILE, metadata)
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)


def load_into(classifier_class: type[Classifier], folder: Path, device: str | None) -> Classifier:
    """Read what `save` wrote."""
    import torch

    path = folder / HEAD_FILE
    if not path.is_file():
        raise ValueError(f"{folder} holds no saved classifier: it has no {HEAD_FILE}")
    metadata, tensors = read_tensors(path, "pt")
    if metadata.get("format") != HEAD_FORMAT:
        raise ValueError(f"{path} must hold a head ({HEAD_FORMAT}), got {metadata.get('format', 'no format')}")
    state = json.loads(metadata["state"])
    parameters = state["parameters"] | {"device": device}
    if isinstance(parameters["class_weight"], list):
        parameters["class_weight"] = dict(parameters["class_weight"])
    classifier = classifier_class(**parameters)
    pretrained = state["fitted"][STORED["pretrained_"]]
    checkpoint = load(folder, "AutoModelForSequenceClassification" if pretrained else "AutoModel", device=device)
    if pretrained:
        classifier._take_pretrained(checkpoint)
    else:
        network = Network(checkpoint, state["fitted"]["pooling_"], state["max_length"])
        network.head = classifier._make_head(checkpoint, len(state["classes"]), torch.Generator())
        device_of_body = checkpoint.model.device
        network.scaling = {name: tensors.pop(f"scaling.{name}").to(device_of_body) for name in ("mean", "scale")}
        network.head.load_state_dict(tensors)
        network.finalise()
        classifier.network_ = network
        classifier._finalise(checkpoint, network.pooling, pairs=state["fitted"]["pairs_"])
    classifier.classes_ = np.asarray(state["classes"])
    set_stored(classifier, state["fitted"])
    return classifier
