"""A fitted classifier as other libraries know one: a sentence-transformers model, or transformers' own classifier.

Both give the classifier's logits, and load without Corral. That they do is tried before they are given out.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.encoders._folders import quiet
from labelling.encoders._transformer import pad
from labelling.errors import StepError
from labelling.learning.classifiers._network import LINEAR_LENGTH
from labelling.learning.classifiers._texts import Texts, tokens_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

    from labelling.learning.classifiers.classifier import TransformerClassifier

NEAR = 1e-3  # logits that differ by less are the same: of other batches and other kernels
FITS = (
    "A dense head on the first token (head='dense', pooling='cls', hidden_dim=None) of BERT, RoBERTa, XLM-RoBERTa or "
    "MPNet can, and a ready classifier"
)


def to_sequence_classifier(classifier: TransformerClassifier, probes: Sequence[str]) -> tuple[Any, Any]:
    """Its model and tokenizer, for `AutoModelForSequenceClassification`, with the labels' names in the configuration.

    Raises StepError where no such model computes the same; `probes` are texts by which that is tried.
    """
    network = classifier.network_
    checkpoint = network.checkpoint
    tokenizer = copy.deepcopy(checkpoint.tokenizer)
    tokenizer.padding_side = "right"
    if network.max_length is not None:
        tokenizer.model_max_length = network.max_length
    model = checkpoint.model if classifier.pretrained_ else _with_head(classifier)
    if not classifier.pretrained_ and not _same(_logits(classifier, model, probes), classifier.logits(list(probes))):
        raise _refused(classifier, "it comes to other numbers")
    return model, tokenizer


def _with_head(classifier: TransformerClassifier) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification

    network = classifier.network_
    body = network.checkpoint.model
    if len(network.head) == LINEAR_LENGTH or network.pooling != "cls":
        raise _refused(classifier, f"its head is {classifier.head}, on the {network.pooling} of the tokens")
    names = [str(name) for name in classifier.classes_]
    config = copy.deepcopy(body.config)
    config.num_labels = len(names)
    config.id2label, config.label2id = dict(enumerate(names)), {name: place for place, name in enumerate(names)}
    config.problem_type = "single_label_classification"
    try:
        with quiet(), torch.random.fork_rng():
            model = AutoModelForSequenceClassification.from_config(config).to(body.device).eval()
    except ValueError as error:  # a family that has none
        raise _refused(classifier, f"{type(body).__name__} has none in transformers") from error
    base = getattr(model, model.base_model_prefix)
    base.load_state_dict(body.state_dict(), strict=False)
    ours = _layers(classifier)
    own: Any = getattr(model, "classifier", None)
    if hasattr(own, "dense") and hasattr(own, "out_proj"):
        theirs = [own.dense, own.out_proj]
    elif hasattr(getattr(base, "pooler", None), "dense") and hasattr(own, "weight"):
        theirs = [base.pooler.dense, own]
    else:
        raise _refused(classifier, f"the head of {type(model).__name__} is another")
    if any(a.weight.shape != weight.shape for a, (weight, _) in zip(theirs, ours, strict=True)):
        raise _refused(classifier, "its head is of another width than the model")
    with torch.no_grad():
        for layer, (weight, bias) in zip(theirs, ours, strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    return model


def _layers(classifier: TransformerClassifier) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of the head's layers, the first with the standardising of what it reads folded in."""
    from torch import nn

    network = classifier.network_
    layers = [(each.weight.detach(), each.bias.detach()) for each in network.head if isinstance(each, nn.Linear)]
    weight = layers[0][0] / network.scaling["scale"]
    return [(weight, layers[0][1] - weight @ network.scaling["mean"]), *layers[1:]]


def _logits(classifier: TransformerClassifier, model: Any, probes: Sequence[str]) -> np.ndarray:
    import torch

    network = classifier.network_
    batch = pad(
        network.checkpoint, tokens_of(network.checkpoint, Texts(list(probes)), network.max_length), side="right"
    )
    with torch.no_grad():
        found: np.ndarray = model(**batch).logits.cpu().numpy()
    return found


def _same(given: np.ndarray, wanted: np.ndarray) -> bool:
    return given.shape == wanted.shape and bool(np.allclose(given, wanted, atol=NEAR, rtol=NEAR))


def _refused(classifier: TransformerClassifier, why: str) -> StepError:
    return StepError(
        f"This classifier can't be a plain classifier of transformers: {why}. {FITS}. Without --format it is written "
        "for sentence-transformers, which loads without Corral, too."
    )


def to_sentence_transformer(
    classifier: TransformerClassifier, folder: Path, probes: Sequence[str]
) -> SentenceTransformer:
    """Its body, saved in `folder`, its pooling and its head as a model of the sentence-transformers.

    Raises StepError where that comes to other numbers, by `probes`.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling
    from torch.nn import Identity, Tanh

    network = classifier.network_
    loading = {"use_safetensors": True, "dtype": "float32", "local_files_only": True, "trust_remote_code": False}
    with quiet():
        body = Transformer(str(folder), max_seq_length=network.max_length, model_kwargs=loading)
    body.tokenizer.padding_side = "right"  # where every model's positions are right
    body.tokenizer.pad_token = network.checkpoint.tokenizer.pad_token
    pooling = {"last": "lasttoken"}.get(network.pooling, network.pooling)
    modules: list[Any] = [body, Pooling(network.checkpoint.n_dims, pooling)]
    layers = _layers(classifier)
    for number, (weight, bias) in enumerate(layers, start=1):
        after: torch.nn.Module = Identity() if number == len(layers) else Tanh()
        n_out, n_in = weight.shape
        modules.append(Dense(n_in, n_out, activation_function=after, init_weight=weight.cpu(), init_bias=bias.cpu()))
    model = SentenceTransformer(modules=modules, device="cpu")
    if not _same(model.encode(list(probes), show_progress_bar=False), classifier.logits(list(probes))):
        raise StepError(
            f"This classifier can't be a model of the sentence-transformers: on a {type(network.body).__name__} these "
            "come to other numbers. Use it in Corral, by `corral predict ID`."
        )
    return model
