"""Learner and tuner on a whole sentence encoder: all its weights move, by sentence-transformers' own trainer."""

from __future__ import annotations

import copy
import os
import random
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from labelling.encoders._base import check_texts
from labelling.encoders._folders import quiet
from labelling.encoders.sentence import SentenceEncoder
from labelling.learning.optimise import Callback, Progress
from labelling.learning.parameters import Allowed, Number, RandomState, check_parameters, whole
from labelling.learning.targets import read_targets

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Where nobody says how many batches: one round over the pairs, three over the texts, within these bounds.
LEAST_STEPS, MOST_STEPS = 50, 1000
WARM_UP = 0.1  # its share of the steps


class _Sbert(TransformerMixin, BaseEstimator):
    """What the two share."""

    _allowed: ClassVar[dict[str, Allowed]] = {
        "steps": (whole(1), "auto"),
        "batch_size": (whole(4),),
        "learning_rate": (Number(0, open="low"),),
        "max_length": (whole(3), None),
        "random_state": (RandomState(),),
        "device": (str, None),
    }

    def __init__(
        self,
        model: str | os.PathLike[str] | SentenceTransformer | None = None,
        *,
        steps: int | str = "auto",
        batch_size: int = 16,
        learning_rate: float = 5e-5,
        max_length: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str | None = None,
    ) -> None:
        self.model = model
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.max_length = max_length
        self.random_state = random_state
        self.device = device

    def _load(self) -> SentenceTransformer:
        """A model of one's own to train."""
        from sentence_transformers import SentenceTransformer

        if isinstance(self.model, SentenceTransformer):
            model = copy.deepcopy(self.model)
            if self.max_length is not None:
                model.max_seq_length = self.max_length
            return model
        return SentenceEncoder(self.model, max_length=self.max_length, device=self.device)._load()

    def _train(
        self,
        columns: dict[str, list],
        loss_name: str,
        callback: Callback | None,
        *,
        rounds: int,
        by_label: bool = False,
    ) -> None:
        """Train a copy of the model on the rows of `columns`, with one of the library's losses."""
        n_rows = len(next(iter(columns.values())))
        steps = self.steps
        if isinstance(steps, str):
            steps = min(MOST_STEPS, max(LEAST_STEPS, -(-rounds * n_rows // self.batch_size)))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        progress = Progress(steps, callback)
        with quiet(), _kept_random_state(), tempfile.TemporaryDirectory() as folder:
            from datasets import Dataset  # type: ignore[import-untyped]
            from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
            from sentence_transformers.base.training_args import BatchSamplers
            from sentence_transformers.sentence_transformer import losses
            from transformers import PrinterCallback, TrainerCallback

            class Report(TrainerCallback):
                def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
                    if "loss" in (logs or {}):
                        progress.step = state.global_step
                        progress.report(float(logs["loss"]), None)
                        control.should_training_stop |= progress.stopped

            class Trainer(SentenceTransformerTrainer):
                def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
                    """None: it asks the hub about the model and runs it over examples."""

            self.model_ = self._load()
            _warn_of_longer(self.model_, [text for column in columns.values() for text in column])
            arguments = SentenceTransformerTrainingArguments(
                output_dir=folder,
                max_steps=steps,
                per_device_train_batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                warmup_steps=WARM_UP,
                batch_sampler=BatchSamplers.GROUP_BY_LABEL if by_label else BatchSamplers.BATCH_SAMPLER,
                logging_steps=progress.every,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                dataloader_pin_memory=False,
                use_cpu=self.model_.device.type == "cpu",
                seed=seed,
            )
            trainer = Trainer(
                model=self.model_,
                args=arguments,
                train_dataset=Dataset.from_dict(columns),
                loss=getattr(losses, loss_name)(self.model_),
                callbacks=[Report()],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        self.model_.eval()
        self.loss_curve_ = progress.curve

    def transform(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts with the trained encoder: float32 (n_texts, n_dims), rows of unit length."""
        check_is_fitted(self, "model_")
        texts = check_texts(texts)
        if not texts:
            return np.zeros((0, self.model_.get_embedding_dimension() or 0), np.float32)
        return self.model_.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the trained encoder as a sentence-transformers folder, which `SentenceEncoder(folder)` loads.

        Raises
        ------
        ValueError : the folder is not empty.
        """
        check_is_fitted(self, "model_")
        path = Path(folder)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ValueError(f"{path} is not empty: name a folder that is new or empty")
        with quiet():
            self.model_.save(str(path), create_model_card=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class SbertLearner(_Sbert):
    """Move a whole sentence encoder by pairs of texts: similar ones together, the others apart.

    The loss draws the cosine similarity of a pair towards 1 or 0 (Reimers and Gurevych 2019, "Sentence-BERT",
    EMNLP). Where all pairs are similar ones, the other texts of a batch serve as the dissimilar ones (Henderson et al.
    2017, "Efficient natural language response suggestion for Smart Reply", arXiv:1705.00652).

    Parameters
    ----------
    model : str, path-like, SentenceTransformer or None, default=None
        As of `SentenceEncoder`, or a model that is loaded already. It stays as it is: a copy is trained.
    steps : int or "auto", default="auto"
        Number of batches. "auto" is a round over the pairs, at least 50 and at most 1000 batches.
    batch_size : int, default=16
        Pairs in a batch.
    learning_rate : float, default=5e-5
        Of AdamW; it rises over the first tenth and then falls to 0.
    max_length : int, default=None
        Number of tokens after which a text is cut off. None is the model's own limit.
    random_state : int, RandomState instance or None, default=None
    device : str, default=None
        "cpu", or None for the GPU where there is one.

    Attributes
    ----------
    model_ : SentenceTransformer, the trained encoder
    loss_curve_ : list of float, the mean training loss between two reports
    """

    def fit(self, texts1: Sequence[str], texts2: Sequence[str], similar: Any, callback: Callback | None = None) -> Self:
        """Fit on pairs of texts.

        Parameters
        ----------
        texts1, texts2 : sequence of str, the two sides of each pair.
        similar : array-like (n_pairs,), 1 or True where the two belong together, 0 or False where they do not.
        callback : called about a hundred times as `callback(step, n_steps, loss, None)`; returning False ends the fit.

        Raises
        ------
        ValueError : no similar pair; fewer than two pairs; another value than 0 and 1; lengths that differ.
        EncoderError : the model can't be loaded.
        """
        check_parameters(self)
        texts1, texts2 = check_texts(texts1), check_texts(texts2)
        check_consistent_length(texts1, texts2, similar)
        together = np.asarray(similar, dtype=object)
        wrong = ~((together == 0) | (together == 1))
        if together.ndim != 1 or wrong.any():
            got = f"shape {together.shape}" if together.ndim != 1 else repr(together[wrong][0])
            raise ValueError(f"similar must be 1 or 0 for each pair, got {got}")
        if len(texts1) < 2 or not (together == 1).any():
            raise ValueError(
                f"{type(self).__name__} needs two pairs or more, of similar ones one at least, "
                f"got {len(texts1)} pairs, {int((together == 1).sum())} of them similar"
            )
        columns: dict[str, list] = {"first": texts1, "second": texts2}
        if (together == 1).all():
            self._train(columns, "MultipleNegativesRankingLoss", callback, rounds=1)
        else:
            self._train(
                columns | {"label": together.astype(float).tolist()}, "CosineSimilarityLoss", callback, rounds=1
            )
        return self

    def predict(self, texts1: Sequence[str], texts2: Sequence[str]) -> np.ndarray:
        """Return the cosine similarity of each pair: float32 (n_pairs,)."""
        left = self.transform(texts1)
        check_consistent_length(texts1, texts2)
        return (left * self.transform(texts2)).sum(axis=1)


class SbertTuner(_Sbert):
    """Move a whole sentence encoder by labels: texts of one label together, others apart.

    The loss compares, for each text of a batch, the furthest text of its label with the nearest one of another
    (Hermans et al. 2017, "In defense of the triplet loss for person re-identification", arXiv:1703.07737). It takes a
    hundred to a thousand times as long as `FeedForwardTuner` on embeddings that are there.

    Parameters
    ----------
    model, steps, learning_rate, max_length, random_state, device : as of `SbertLearner`; "auto" steps are three rounds
        over the texts, at least 50 and at most 1000 batches.
    batch_size : int, default=32
        Texts in a batch, two of a label at a time: an even number.

    Attributes
    ----------
    model_, loss_curve_ : as of `SbertLearner`.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | SentenceTransformer | None = None,
        *,
        steps: int | str = "auto",
        batch_size: int = 32,
        learning_rate: float = 5e-5,
        max_length: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str | None = None,
    ) -> None:
        super().__init__(
            model,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            max_length=max_length,
            random_state=random_state,
            device=device,
        )

    def fit(self, texts: Sequence[str], y: Any, callback: Callback | None = None) -> Self:
        """Fit on labelled texts.

        Parameters
        ----------
        texts : sequence of str
        y : array-like (n_texts,), text or numbers. None, NaN and, among numbers, -1 mark an unlabelled text; it is
            left out. So is, with a warning, the only text of a label: there is nothing to draw it to.
        callback : as for `SbertLearner.fit`.

        Raises
        ------
        ValueError : fewer than two labels with two texts each; lengths that differ; an odd batch size.
        EncoderError : the model can't be loaded.
        """
        check_parameters(self)
        if self.batch_size % 2:
            raise ValueError(f"batch_size must be an even number, got {self.batch_size}")
        texts = check_texts(texts)
        check_consistent_length(texts, y)
        targets = read_targets(y)
        if targets.multi_label:
            raise ValueError(f"{type(self).__name__} takes one label a text, got several columns of labels")
        counts = np.bincount(targets.codes[targets.known], minlength=len(targets.classes))
        if (counts > 1).sum() < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two labels with two texts each, got "
                f"{int((counts > 1).sum())} such labels among {len(counts)}: label more texts"
            )
        if (counts == 1).any():
            names = targets.classes[counts == 1].tolist()
            warnings.warn(
                f"{len(names)} labels have one text alone, which is left out: {', '.join(map(repr, names[:5]))}",
                stacklevel=2,
            )
        rows = np.flatnonzero(targets.known)
        columns = {"text": [texts[row] for row in rows], "label": targets.codes[rows].tolist()}
        self._train(columns, "BatchHardSoftMarginTripletLoss", callback, rounds=3, by_label=True)
        return self


def _warn_of_longer(model: SentenceTransformer, texts: list) -> None:
    limit, tokenizer = model.max_seq_length, model.tokenizer
    if limit is None or not callable(tokenizer):  # such as models of word vectors
        return
    texts = [text for text in texts if isinstance(text, str)]
    n_longer = sum(len(ids) > limit for ids in tokenizer(texts, truncation=False, verbose=False)["input_ids"])
    if n_longer:
        warnings.warn(
            f"{n_longer} of {len(texts)} texts are longer than {limit} tokens, their ends are not read; choose a "
            "larger max_length, as far as the model goes, or split such texts",
            stacklevel=4,
        )


@contextmanager
def _kept_random_state() -> Iterator[None]:
    """The trainer seeds Python's, NumPy's and torch's global generators: put them back."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002, it is the global one that is kept
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
