"""The model of a project: what a tuner or a classifier has learnt of its labels, to be asked about other texts."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from labelling.encoders.registry import encoder_for
from labelling.errors import StepError
from labelling.learning.model import Model, classified, tuned
from labelling.learning.registry import TUNERS
from labelling.workspace.spaces import CLASSIFIER, CLASSIFIER_FOLDER, TUNER_FILE, Space

if TYPE_CHECKING:
    from labelling.workspace.project import Project

MODELS = (*TUNERS, CLASSIFIER)  # the kinds of spaces that are models of labels


def model_space(project: "Project", space_id: int | None = None) -> Space:
    """The space with this number; without one, the newest kept one that a tuner or a classifier made.

    Raises StepError where there is none, or it was made by neither.
    """
    if space_id is not None:
        space = project.space(space_id)
        if space.kind not in MODELS:
            raise StepError(
                f"The space {space.name!r} was not made by a tuner or a classifier, and is no model of labels."
            )
        return space
    kept = (space for space in reversed(project.spaces()) if space.state == "kept" and space.kind in MODELS)
    if (newest := next(kept, None)) is None:
        raise StepError("There is no tuned space that was kept: improve the map first, on the page or by `tune`.")
    return newest


def open_model(
    project: "Project",
    space_id: int | None = None,
    encoder_with: Callable[[Mapping[str, Any]], Any] | None = None,
) -> Model:
    """See `Project.model`. `encoder_with` gives the encoder with a space's settings."""
    from labelling.encoders._folders import fingerprint
    from labelling.learning import tuners
    from labelling.learning.classifiers import TransformerClassifier

    space = model_space(project, space_id)
    path = space.folder / (CLASSIFIER_FOLDER if space.kind == CLASSIFIER else TUNER_FILE)
    if not path.exists():
        raise StepError(
            f"What made the space {space.name!r} is gone ({path.name}): tune again, on the page or by `tune`."
        )
    if space.kind == CLASSIFIER:
        classifier = TransformerClassifier.load(path)
        names = names_by_now(project, classifier.classes_.tolist())
        return classified(classifier, names, fingerprint(path), multi_label=project.multi_label)
    settings = project.spaces()[0].settings
    encoder = encoder_with(settings) if encoder_with else encoder_for(settings, project.folder.parents[1])
    tuner = getattr(tuners, space.kind).load(path)
    names = names_by_now(project, tuner.classes_.tolist())
    return tuned(encoder, tuner, names, hashlib.sha256(path.read_bytes()).hexdigest())


def names_by_now(project: "Project", names: list[Any]) -> list[str]:
    """What labels are called by now: they may have been renamed or merged since a model learnt them."""
    log = project.open_log()
    known = [log.find_by_then(str(name)) for name in names]
    return [str(name) if label is None else label.name for name, label in zip(names, known, strict=True)]
