"""A classifier of texts, or of pairs of texts: a head on the body of any transformer."""

from __future__ import annotations

import hashlib
import os
import warnings
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from labelling.encoders import EncoderError
from labelling.encoders._folders import fingerprint, model_folder
from labelling.encoders._transformer import POOLINGS, load
from labelling.learning.classifiers import _saving
from labelling.learning.classifiers._fit import Fit, warn_of_what_is_lost
from labelling.learning.classifiers._network import (
    Network,
    ReadyNetwork,
    length_of,
    make_head,
    number_of_layers,
    pooling_of,
)
from labelling.learning.classifiers._predict import FittedMixin
from labelling.learning.classifiers._texts import Texts, read_texts
from labelling.learning.optimise import Callback, State
from labelling.learning.parameters import Allowed, Number, RandomState, check_parameters, whole
from labelling.learning.targets import Targets, read_targets

if TYPE_CHECKING:
    import torch

    from labelling.encoders._transformer import Checkpoint


class TransformerClassifier(FittedMixin, ClassifierMixin, TransformerMixin, BaseEstimator):
    """A linear or dense head on the body of a checkpoint: encoder or generative language model, fine-tuned or not.

    The head is trained first, on the pooled hidden states of the frozen body, which runs over the texts once. Unless
    `train` is "head", body and head then go on together from there: a body that starts under a random head is
    distorted before the head knows anything (Kumar et al. 2022, "Fine-tuning can distort pretrained features and
    underperform out-of-distribution", arXiv:2202.10054). Until then, and with "head" for good, the body's tensors are
    those of the checkpoint, bit for bit.

    Parameters
    ----------
    model : str or path-like, default=None
        A local folder or the id of a model on the Hugging Face hub; None is the packaged all-MiniLM-L6-v2. Only
        safetensors weights are read, and no code that comes with a model is run.
    head : {"linear", "dense"}, default="linear"
        "dense" puts a dense layer, tanh and dropout before the linear one.
    train : str, default="head"
        What moves: "head" alone; the last k layers as well with "top-k", such as "top-2"; "all" of the body; or
        "lora", low-rank updates beside all layers, folded into the weights after training (Hu et al. 2022,
        arXiv:2106.09685).
    pooling : {"cls", "mean", "max", "last"}, default=None
        How the states of a text's tokens become one vector. None is a sentence encoder's own pooling, the last token
        of a generative model, and the mean otherwise.
    max_length : int, default=None
        Number of tokens after which a text (or pair) is cut off. None is the checkpoint's own limit.
    hidden_dim : int, default=None
        Width of the dense head; None is that of the body.
    dropout : float, default=0.1
        In the head. The body has its own.
    lora_rank : int, default=8
    steps : int or "auto", default="auto"
        The most batches to train on: of the body where it moves, of the head otherwise. "auto" is three rounds over
        the texts and at least 60 batches for the body; 160 to 800 batches for the head.
    batch_size : int, default=16
        Number of texts that the body is trained on at once.
    learning_rate : float or "auto", default="auto"
        Of AdamW, for what `steps` counts; it rises over the first tenth and then falls to 0.
    weight_decay : float, default=0.01
    class_weight : dict, "balanced" or None, default=None
        Weight of each class in the loss; "balanced" is inversely proportional to its number of labelled texts.
    validation_fraction : float or "auto", default="auto"
        The share of each class that is held out to stop by, 0 for none. "auto" is a tenth, where that is enough to go
        by: from 300 labelled texts on.
    random_state : int, RandomState instance or None, default=None
    device : str, default=None
        A torch device such as "cpu" or "cuda". None is the GPU where there is one.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
    pooling_ : str
    pairs_ : bool, whether it was fitted on pairs
    n_truncated_ : int, labelled texts of which the end was not read
    missing_keys_, unexpected_keys_ : tuple of str, as of `encoders`' checkpoints
    loss_curve_ : list of float, the mean training loss between two reports
    frozen_ : bool, whether the body is the checkpoint's still
    pretrained_ : bool, whether the head is the checkpoint's own (`from_pretrained`)
    cache : None, or an `EmbeddingCache` to set by hand: a frozen body's outputs are kept there, and taken from there.
        It is no parameter: it decides no result.
    """

    _allowed: ClassVar[dict[str, Allowed]] = {
        "model": (str, os.PathLike, None),
        "head": ("linear", "dense"),
        "train": (str,),
        "pooling": (*POOLINGS, None),
        "max_length": (whole(1), None),
        "hidden_dim": (whole(1), None),
        "dropout": (Number(0, 1, open="high"),),
        "lora_rank": (whole(1),),
        "steps": (whole(1), "auto"),
        "batch_size": (whole(1),),
        "learning_rate": (Number(0, open="low"), "auto"),
        "weight_decay": (Number(0),),
        "class_weight": (dict, "balanced", None),
        "validation_fraction": (Number(0, 1, open="high"), "auto"),
        "random_state": (RandomState(),),
        "device": (str, None),
    }

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        head: str = "linear",
        train: str = "head",
        pooling: str | None = None,
        max_length: int | None = None,
        hidden_dim: int | None = None,
        dropout: float = 0.1,
        lora_rank: int = 8,
        steps: int | str = "auto",
        batch_size: int = 16,
        learning_rate: float | str = "auto",
        weight_decay: float = 0.01,
        class_weight: dict | str | None = None,
        validation_fraction: float | str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str | None = None,
    ) -> None:
        self.model = model
        self.head = head
        self.train = train
        self.pooling = pooling
        self.max_length = max_length
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.lora_rank = lora_rank
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str],
        *,
        max_length: int | None = None,
        batch_size: int = 16,
        device: str | None = None,
    ) -> Self:
        """A sequence classifier as it was saved, with its own head and label names: it needs no `fit`.

        Raises
        ------
        EncoderError : it can't be loaded; it has no classification head, or one of a single output (a regression).
        """
        self = cls(model, max_length=max_length, batch_size=batch_size, device=device)
        self._check_parameters()
        checkpoint = load(model, "AutoModelForSequenceClassification", device=device)
        self._take_pretrained(checkpoint)
        return self

    def _take_pretrained(self, checkpoint: Checkpoint) -> None:
        config = checkpoint.model.config
        if checkpoint.missing_keys:
            raise EncoderError(
                f"{str(self.model)!r} is no classifier yet: it has no {', '.join(checkpoint.missing_keys[:5])}; "
                f"train a head on it with TransformerClassifier({str(self.model)!r}).fit(texts, labels)"
            )
        if config.num_labels < 2:
            raise EncoderError(f"{str(self.model)!r} gives one number a text, not classes: it can't suggest labels")
        reads_last = hasattr(checkpoint.model, "score")
        self.network_: Network = ReadyNetwork(
            checkpoint, "last" if reads_last else "cls", checkpoint.length(self.max_length)
        )
        self.classes_ = np.array([str(config.id2label[i]) for i in range(config.num_labels)])
        self.multi_label_ = config.problem_type == "multi_label_classification"
        self._finalise(checkpoint, self.network_.pooling, pairs=False, pretrained=True)

    def _finalise(self, checkpoint: Checkpoint, pooling: str, *, pairs: bool, pretrained: bool = False) -> None:
        self.pooling_, self.pairs_, self.pretrained_ = pooling, pairs, pretrained
        self.frozen_ = self.train == "head" and not pretrained
        self.missing_keys_, self.unexpected_keys_ = checkpoint.missing_keys, checkpoint.unexpected_keys

    # ---------------------------------------------------------------- before training

    def trainable_parameters(self, n_classes: int = 2) -> dict[str, tuple[int, ...]]:
        """The parameters that training will move, by name, with their shapes; loads the model.

        `n_classes` decides the last layer of the head ("head.*"); the others are the body's.
        """
        return {name: tuple(p.shape) for name, p in self._prepare(n_classes, 0).trainable.items()}

    def n_trainable(self, n_classes: int = 2) -> int:
        """How many numbers will move."""
        return sum(int(np.prod(shape)) for shape in self.trainable_parameters(n_classes).values())

    def _prepare(self, n_classes: int, seed: int) -> Network:
        """A fresh body with a fresh head, and what of both is to move."""
        import torch

        self._check_parameters()
        checkpoint = load(self.model, device=self.device)
        network = Network(checkpoint, pooling_of(checkpoint, self.pooling), length_of(checkpoint, self.max_length))
        generator = torch.Generator().manual_seed(seed)
        network.head = self._make_head(checkpoint, n_classes, generator)
        network.choose(self.train, self.lora_rank, generator)
        return network

    def _make_head(self, checkpoint: Checkpoint, n_classes: int, generator: torch.Generator) -> Any:
        head = make_head(self.head, checkpoint.n_dims, n_classes, self.hidden_dim, self.dropout, generator)
        return head.to(checkpoint.model.device)

    def _check_parameters(self) -> None:
        check_parameters(self)
        if self.train not in ("head", "all", "lora"):
            number_of_layers(self.train)

    # ---------------------------------------------------------------- fitting

    def fit(
        self,
        X: Any,
        y: Any,
        callback: Callback | None = None,
        state_file: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Fit on labelled texts or pairs of texts, from the checkpoint on.

        Parameters
        ----------
        X : sequence of str, or pairs of two: a list of tuples, an array (n, 2) or a DataFrame of two columns.
        y : array-like (n,), text or numbers. None, NaN and, among numbers, -1 mark an unlabelled text; it is left out.
        callback : called as `callback(step, n_steps, loss, held_out_loss)`. While the frozen body runs over the texts
            there is no loss yet (NaN); the last one is None where nothing is held out. While it runs, the classifier
            can `predict` as it is so far, once there is a loss. Returning False ends the fit with the best state.
        state_file : path-like, default=None
            Where the state of the training is kept, as safetensors: about once a minute and when the callback ends
            it. Where the file is there already, the fit goes on from it and comes to what it would have come to in
            one go. It is removed when the fit is complete.

        Raises
        ------
        ValueError : fewer than two labels; lengths that differ; a parameter out of range; a state of another fit.
        EncoderError : the model can't be loaded, or can't do what the parameters ask.
        Stopped : the callback ended the fit while the frozen body ran, so that there is nothing to keep.
        """
        self._check_parameters()
        texts = read_texts(X)
        check_consistent_length(texts.first, y)
        targets = read_targets(y)
        if targets.multi_label:
            raise ValueError(f"{type(self).__name__} takes one label a text, got several columns of labels")
        rows = np.flatnonzero(targets.known)
        if len(targets.classes) < 2:
            got = f"one class: {targets.classes.tolist()[0]!r}" if len(targets.classes) else "none"
            raise ValueError(f"{type(self).__name__} needs at least two labels, got {got}: label some texts otherwise")
        if len(rows) < 2 * len(targets.classes):
            warnings.warn(
                f"{len(rows)} labelled texts for {len(targets.classes)} labels are too few to learn from: label ten "
                "texts of each, better more",
                stacklevel=2,
            )
        texts, targets = texts.take(rows), targets.take(rows)
        rng = check_random_state(self.random_state)
        state = State(seed=int(rng.randint(2**31 - 2**20)))
        path = None if state_file is None else Path(state_file)
        digest = "" if path is None else self._digest(texts, targets)
        if path is not None and path.exists():
            state = State.load(path, digest)

        def save(state: State) -> None:
            if path is not None:
                state.save(path, digest)

        import torch

        with torch.random.fork_rng():
            network = self._prepare(len(targets.classes), state.seed)
            self.n_truncated_ = warn_of_what_is_lost(network, texts)
            fit = Fit(self, network, texts, targets, state, callback, save)
            self.classes_, self.multi_label_, self.network_ = targets.classes, False, network
            self._finalise(network.checkpoint, network.pooling, pairs=texts.second is not None)
            try:
                self.loss_curve_ = fit.run()
            except BaseException:
                del self.network_  # half a fit is none
                raise
        if path is not None and not fit.stopped:
            path.unlink(missing_ok=True)
        return self

    def _digest(self, texts: Texts, targets: Targets) -> str:
        """Names the fit that a state belongs to."""
        left_out = ("model", "device", "random_state")
        parameters = sorted((name, value) for name, value in self.get_params().items() if name not in left_out)
        seed = self.random_state if isinstance(self.random_state, Integral) else None
        model = fingerprint(model_folder(None if self.model is None else os.fspath(self.model)))
        decides = [parameters, seed, model, texts.first, texts.second, targets.codes.tolist(), targets.classes.tolist()]
        return hashlib.sha256(repr(decides).encode()).hexdigest()

    # ---------------------------------------------------------------- on disk

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write body, head, tokenizer and label names to a folder, as safetensors and JSON; nothing is pickled.

        The body lies there as transformers saves one: `AutoModel.from_pretrained(folder)` loads it anywhere.

        Raises
        ------
        ValueError : the folder holds something else than an earlier saved classifier.
        """
        check_is_fitted(self, "network_")
        _saving.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, device: str | None = None) -> Self:
        """Read what `save` wrote; ValueError where the folder holds something else."""
        return _saving.load_into(cls, Path(folder), device)
