"""What has learnt labels, as an object that takes texts: a tuner behind its encoder, a classifier, a model's folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelling.encoders import Encoder, EncoderError
from labelling.encoders._folders import OFFLINE_HINT
from labelling.errors import StepError

LABELS, ABOUT = "labels.json", "corral.json"
FORMAT = "corral-model/1"
AT_LEAST = 0.9  # how sure a model has to be of a label, where nobody says otherwise

Nearness = Callable[[np.ndarray], np.ndarray]  # of the texts, to what was labelled so: by a label's place, (n,) to (n,)
Outputs = Callable[[list[str]], tuple[np.ndarray, Nearness | None]]


@dataclass(frozen=True)
class Answers:
    """What a model says of texts.

    Attributes
    ----------
    codes : int (n,), the place of each text's likeliest label among the model's
    probability : float32 (n, n_labels); rows sum to 1, or hold the probability of yes for each label on its own
    sure : float32 (n,), from 0 to 1: the likeliest label's probability, times how near the texts are that were labelled
        so where the model knows these (see `learning.support`); of several labels a text, how sure the least sure of
        all its yes and no is
    """

    codes: np.ndarray
    probability: np.ndarray
    sure: np.ndarray


class Model:
    """Texts to labels.

    Parameters
    ----------
    outputs : callable, gives for texts the probabilities, float32 (n, n_names), and how near they are or None
    names : a label's name for each column of these; of those with the same name, as of labels that were merged, the
        probabilities are added up, or where labels don't exclude each other, the highest counts
    multi_label : whether each label is yes or no on its own
    fingerprint : names all that decides an answer
    knows_near : whether `sure` rests on how near the labelled texts are, too

    Attributes
    ----------
    classes_ : ndarray of str (n_labels,), each once
    """

    def __init__(
        self, outputs: Outputs, names: Sequence[str], *, multi_label: bool, fingerprint: str, knows_near: bool = False
    ) -> None:
        self._outputs = outputs
        self.classes_ = np.array(list(dict.fromkeys(names)))
        self._places = np.array([self.classes_.tolist().index(name) for name in names])
        self.multi_label = multi_label
        self.knows_near = knows_near
        decides = json.dumps([fingerprint, list(names), multi_label])
        self.fingerprint = hashlib.sha256(decides.encode("utf-8", "surrogatepass")).hexdigest()

    def answers(self, texts: Sequence[str]) -> Answers:
        """What it says of texts. Raises EncoderError where they can't be embedded."""
        raw, near = self._outputs(list(texts))
        probability = np.zeros((len(raw), len(self.classes_)), np.float32)
        for column, place in enumerate(self._places):
            merge = np.maximum if self.multi_label else np.add
            merge(probability[:, place], raw[:, column], out=probability[:, place])
        codes = probability.argmax(axis=1)
        if self.multi_label:
            return Answers(codes, probability, 0.5 + np.abs(probability - 0.5).min(axis=1))
        sure = probability.max(axis=1)
        if near is not None:
            likeliest = np.where(self._places == codes[:, None], raw, -1).argmax(axis=1)
            sure = sure * near(likeliest)
        return Answers(codes, probability, sure)

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Return the probability of each of `classes_`, float32 (n_texts, n_labels)."""
        return self.answers(texts).probability

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Return the likeliest of `classes_` for each text, or 1 (yes) or 0 (no) for each: int (n_texts, n_labels)."""
        found = self.answers(texts)
        return (found.probability > 0.5).astype(int) if self.multi_label else self.classes_[found.codes]


def tuned(encoder: Encoder, tuner: Any, names: Sequence[str], made_of: str) -> Model:
    """The model of a fitted tuner behind its encoder; `made_of` is a digest of the tuner."""
    from sklearn.preprocessing import normalize

    from labelling.learning.support import support

    multi_label = bool(tuner.multi_label_)

    def outputs(texts: list[str]) -> tuple[np.ndarray, Nearness | None]:
        if not texts:
            return np.zeros((0, len(names)), np.float32), None
        X = encoder.encode(texts)
        near = None if multi_label else lambda codes: support(normalize(X), codes, tuner.memory_)
        return tuner.predict_proba(X), near

    fingerprint = f"{encoder.fingerprint} {made_of}"
    return Model(outputs, names, multi_label=multi_label, fingerprint=fingerprint, knows_near=not multi_label)


def classified(classifier: Any, names: Sequence[str], made_of: str, *, multi_label: bool) -> Model:
    """The model of a fitted `TransformerClassifier`."""

    def outputs(texts: list[str]) -> tuple[np.ndarray, Nearness | None]:
        return (classifier.predict_proba(texts) if texts else np.zeros((0, len(names)), np.float32)), None

    return Model(outputs, names, multi_label=multi_label, fingerprint=made_of)


# ---------------------------------------------------------------- a model's folder


def about(*, multi_label: bool) -> str:
    """What ``corral.json`` in a model's folder says, beside the names in ``labels.json``."""
    return json.dumps({"format": FORMAT, "multi_label": multi_label}, indent=1)


def load_model(folder: Path) -> Model:
    """The model in a folder: of `corral model`, a saved `TransformerClassifier`, or a classifier of transformers.

    Or in a .skops file of `corral model`. Raises StepError where there is none, or it is not whole.
    """
    if folder.is_file() and folder.suffix == ".skops":
        return _pipeline(folder)
    if not folder.is_dir():
        raise StepError(f"There is no model in {str(folder)!r}: it is no folder. Name one, or a project by its id.")
    try:
        if (folder / "modules.json").is_file():
            return _sentence_transformer(folder)
        return _classifier(folder)
    except (EncoderError, ValueError, OSError) as error:
        if isinstance(error, StepError):
            raise
        why = str(error).replace(OFFLINE_HINT, "").strip().rstrip(".")
        raise StepError(
            f"The model in {str(folder)!r} can't be used: {why}. Make it anew, by `corral model ID -o FOLDER`."
        ) from error


def _pipeline(file: Path) -> Model:
    from labelling.learning.pipeline import load_pipeline

    pipeline = load_pipeline(file)
    encoder, tuner = pipeline[0], pipeline[-1]
    return tuned(encoder, tuner, [str(name) for name in tuner.classes_], hashlib.sha256(file.read_bytes()).hexdigest())


def _sentence_transformer(folder: Path) -> Model:
    from scipy.special import expit, softmax

    from labelling.encoders.sentence import SentenceEncoder

    names, multi_label = _labels(folder)
    encoder = SentenceEncoder(folder, normalize=False)  # what it gives are logits
    if encoder.n_dims != len(names):
        raise StepError(
            f"The model in {str(folder)!r} gives {encoder.n_dims:,} numbers a text, but {LABELS} names {len(names):,} "
            "labels: they are not of one model. Make it anew, by `corral model ID -o FOLDER`."
        )

    def outputs(texts: list[str]) -> tuple[np.ndarray, Nearness | None]:
        logits = encoder.encode(texts)
        return expit(logits) if multi_label else softmax(logits, axis=1), None

    return Model(outputs, names, multi_label=multi_label, fingerprint=encoder.fingerprint)


def _labels(folder: Path) -> tuple[list[str], bool]:
    """The names of the labels, and whether each is yes or no on its own."""
    for name in (LABELS, ABOUT):
        if not (folder / name).is_file():
            raise StepError(
                f"The model in {str(folder)!r} has no {name}, which `corral model` writes: nothing says what its "
                "numbers mean. If it is an encoder alone, train a tuner on it in a project."
            )
    try:
        names, said = (json.loads((folder / name).read_text(encoding="utf-8")) for name in (LABELS, ABOUT))
    except ValueError as error:
        raise StepError(f"{LABELS} or {ABOUT} in {str(folder)!r} is broken: {error}. Make the model anew.") from error
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise StepError(f"{LABELS} in {str(folder)!r} must be a list of names, got {str(names)[:60]!r}.")
    if not isinstance(said, dict) or said.get("format") != FORMAT or not isinstance(said.get("multi_label"), bool):
        raise StepError(
            f"{ABOUT} in {str(folder)!r} must say the format {FORMAT!r} and multi_label, got {str(said)[:60]!r}: a "
            "newer Corral may have made it."
        )
    return names, said["multi_label"]


def _classifier(folder: Path) -> Model:
    from labelling.encoders._folders import fingerprint, model_folder
    from labelling.learning.classifiers import TransformerClassifier
    from labelling.learning.classifiers._saving import HEAD_FILE

    model_folder(str(folder.resolve()))  # whether it can be a model at all
    saved = (folder / HEAD_FILE).is_file()
    classifier = TransformerClassifier.load(folder) if saved else TransformerClassifier.from_pretrained(folder)
    if getattr(classifier, "pairs_", False):
        raise StepError(f"The classifier in {str(folder)!r} reads pairs of texts: it has no label for a text alone.")
    names = [str(name) for name in classifier.classes_]
    return classified(classifier, names, fingerprint(folder), multi_label=bool(classifier.multi_label_))
