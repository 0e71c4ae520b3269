"""What has learnt the labels, to take away: as a folder that loads without Corral, or as a scikit-learn pipeline.

In a folder for sentence-transformers, the layers of a tuner or of a classifier's head are Dense modules after the
encoder's own, so that `encode` gives a number for each label.
"""

import json
import tempfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.encoders import Encoder
from labelling.encoders._folders import quiet
from labelling.encoders.sentence import SentenceEncoder
from labelling.errors import StepError
from labelling.files import new_folder, write_whole
from labelling.learning import tuners
from labelling.learning.model import ABOUT, LABELS, about
from labelling.learning.tuners._layers import DenseLayer
from labelling.tasks.model_card import CARD, card
from labelling.workspace import CLASSIFIER, Project, Space
from labelling.workspace.models import model_space, names_by_now
from labelling.workspace.spaces import CLASSIFIER_FOLDER, TUNER_FILE

if TYPE_CHECKING:
    from torch.nn import Module

PROMPT = "corral"
CHUNK = 4_000_000
PROBES = 8  # texts by which it is tried whether another library comes to the same
SENTENCE_TRANSFORMERS, TRANSFORMERS, SKOPS = "sentence-transformers", "transformers", "skops"
FORMATS = (SENTENCE_TRANSFORMERS, TRANSFORMERS, SKOPS)


def save_model(
    project: Project, encoder: Encoder, out: Path, space_id: int | None = None, form: str = SENTENCE_TRANSFORMERS
) -> Space:
    """Write what a tuner or a classifier has learnt, by default the newest kept one, to a new folder; the space.

    By `form`:

    sentence-transformers
        ``SentenceTransformer(out).encode(texts)`` gives float32 (n_texts, n_labels), the logits of the labels in
        ``labels.json``. A ready classifier is written as for transformers.
    transformers
        Of a classifier: ``AutoModelForSequenceClassification.from_pretrained(out)``, with the labels' names.
    skops
        Of a tuner: a file with a scikit-learn pipeline of encoder and tuner, see `learning.pipeline.load_pipeline`.

    It is there whole, or not at all. Raises StepError where there is no such space, it can't be written so, or `out`
    is there already.
    """
    space = model_space(project, space_id)
    if out.exists():
        raise StepError(
            f"{out} is there already: name a new {'file' if form == SKOPS else 'folder'}. Nothing was changed."
        )
    if form == SKOPS:
        _save_pipeline(project, encoder, out, space)
    elif space.kind == CLASSIFIER:
        _save_classifier(project, out, space, form)
    elif form == TRANSFORMERS:
        raise StepError(
            f"{space.name!r} is a tuner, which is no model of transformers alone: write it without --format. A "
            "classifier of the page Classify can be."
        )
    else:
        _save_tuner(project, encoder, out, space)
    return space


def _names(project: Project, learnt: list[Any]) -> list[str]:
    """What the labels are called by now; where two were merged, what they were called when they were learnt."""
    names = names_by_now(project, learnt)
    return names if len(set(names)) == len(names) else [str(name) for name in learnt]


def _describe(project: Project, space: Space, folder: Path, learnt: list[Any], form: str) -> None:
    """Put labels and a README beside a model."""
    names = _names(project, learnt)
    if form == SENTENCE_TRANSFORMERS:
        (folder / LABELS).write_text(json.dumps(names, ensure_ascii=False, indent=1), encoding="utf-8")
        (folder / ABOUT).write_text(about(multi_label=project.multi_label), encoding="utf-8")
    counts = dict(zip(names, (space.settings.get("labels", {}).get(str(name), 0) for name in learnt), strict=True))
    (folder / CARD).write_text(card(project, space, counts, form), encoding="utf-8")


# ---------------------------------------------------------------- a tuner


def _save_tuner(project: Project, encoder: Encoder, folder: Path, space: Space) -> None:
    if not isinstance(encoder, SentenceEncoder):
        raise StepError(
            f"{space.name!r} can't be written as one model: its texts are embedded by {type(encoder).__name__}; only "
            "a model of the sentence-transformers can have the tuner's layers behind it. Export the labels."
        )
    tuner = getattr(tuners, space.kind).load(space.folder / TUNER_FILE)
    with new_folder(folder) as made:
        _write(encoder, tuner, made)
        _describe(project, space, made, tuner.classes_.tolist(), SENTENCE_TRANSFORMERS)


def _write(encoder: SentenceEncoder, tuner: Any, folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize

    loaded = encoder.loaded()
    modules: list[Module] = [*loaded.children(), Normalize()]
    for layer in tuner.dense_layers():
        modules += _modules(layer)
    model = SentenceTransformer(modules=modules, device="cpu")
    model.prompts, model.default_prompt_name = dict(loaded.prompts), loaded.default_prompt_name
    if encoder.prompt is not None:
        model.prompts, model.default_prompt_name = {PROMPT: encoder.prompt}, PROMPT
    with quiet():
        model.save(str(folder), create_model_card=False, safe_serialization=True)


def _modules(layer: DenseLayer) -> "list[Module]":
    import torch
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize
    from torch.nn import GELU, Identity

    n_in, n_out = layer.weight.shape
    dense = Dense(
        n_in,
        n_out,
        activation_function=GELU() if layer.after == "gelu" else Identity(),
        init_weight=torch.tensor(layer.weight.T.copy(), dtype=torch.float32),
        init_bias=torch.tensor(layer.bias, dtype=torch.float32),
    )
    return [dense, Normalize()] if layer.after == "unit" else [dense]


def _save_pipeline(project: Project, encoder: Encoder, file: Path, space: Space) -> None:
    from labelling.learning.pipeline import dump_pipeline

    if space.kind == CLASSIFIER:
        raise StepError(
            f"{space.name!r} is a classifier, and skops holds pipelines of an encoder and a tuner: write it without "
            "--format."
        )
    tuner = getattr(tuners, space.kind).load(space.folder / TUNER_FILE)
    tuner.classes_ = np.array(_names(project, tuner.classes_.tolist()))
    tuner.memory_ = replace(tuner.memory_, targets=replace(tuner.memory_.targets, classes=tuner.classes_))
    content = dump_pipeline(encoder, tuner)
    write_whole(file, lambda opened: opened.write(content))


# ---------------------------------------------------------------- a classifier


def _save_classifier(project: Project, folder: Path, space: Space, form: str) -> None:
    from labelling.learning.classifiers import TransformerClassifier
    from labelling.learning.classifiers.plain import to_sentence_transformer, to_sequence_classifier

    saved = space.folder / CLASSIFIER_FOLDER
    if not saved.is_dir():
        raise StepError(f"What made the space {space.name!r} is gone: train it again, on the page Classify.")
    classifier = TransformerClassifier.load(saved, device="cpu")
    probes = [project.dataset.texts[row] for row in np.flatnonzero(~project.dataset.empty)[:PROBES]]
    with new_folder(folder) as made, quiet():
        if form == TRANSFORMERS or classifier.pretrained_:
            form = TRANSFORMERS
            model, tokenizer = to_sequence_classifier(classifier, probes)
            names = _names(project, classifier.classes_.tolist())
            model.config.id2label = dict(enumerate(names))
            model.config.label2id = {name: place for place, name in enumerate(names)}
            model.save_pretrained(made)
            tokenizer.save_pretrained(made)
        else:
            made_of = to_sentence_transformer(classifier, saved, probes)
            made_of.save(str(made), create_model_card=False, safe_serialization=True)
        _describe(project, space, made, classifier.classes_.tolist(), form)


# ---------------------------------------------------------------- one file


def zip_model(
    project: Project,
    encoder: Encoder,
    file: Path,
    space_id: int | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> bool:
    """Write the folder of `save_model` as one .zip; False, and no file, where `stop` ended it. Counts bytes."""
    with tempfile.TemporaryDirectory(prefix="corral-", dir=file.parent, ignore_cleanup_errors=True) as name:
        folder = Path(name) / file.stem
        save_model(project, encoder, folder, space_id)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        done, total = 0, sum(path.stat().st_size for path in paths)
        on_progress(done, total)

        def fill(opened: Any) -> None:
            nonlocal done
            with zipfile.ZipFile(opened, "w", zipfile.ZIP_STORED) as archive:  # weights don't get smaller
                for path in paths:
                    with path.open("rb") as content, archive.open(_entry(path, folder), "w", force_zip64=True) as entry:
                        while chunk := content.read(CHUNK):
                            if stop is not None and stop.is_set():
                                raise _Stopped
                            entry.write(chunk)
                            done += len(chunk)
                            on_progress(done, total)

        try:
            write_whole(file, fill)
        except _Stopped:
            return False
    return True


def _entry(path: Path, folder: Path) -> zipfile.ZipInfo:
    """Without the time, so that the same model gives the same file."""
    entry = zipfile.ZipInfo(path.relative_to(folder.parent).as_posix())
    entry.external_attr = 0o644 << 16
    return entry


class _Stopped(Exception):
    pass
