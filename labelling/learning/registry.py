"""The tuners that people choose from, by the class names that a space stores: a new one is a file, and a line here."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A tuner by its name on the page and on the command line, and what it is for."""

    module: str
    title: str
    option: str
    about: str


TUNERS = {
    "FeedForwardTuner": Kind(
        "labelling.learning.tuners.feed_forward",
        "Feed-forward",
        "feed-forward",
        "Learns to tell your labels apart: parts them the most.",
    ),
    "ContrastiveTuner": Kind(
        "labelling.learning.tuners.contrastive",
        "Contrastive",
        "contrastive",
        "Pulls texts of one label together and leaves groups that have no label yet visible.",
    ),
}


def titles() -> dict[str, str]:
    """The class names by what the page calls them."""
    return {kind.title: name for name, kind in TUNERS.items()}


def options() -> dict[str, str]:
    """The class names by what the command line calls them."""
    return {kind.option: name for name, kind in TUNERS.items()}


def make_tuner(name: str, settings: Mapping[str, Any]) -> Any:
    """An unfitted tuner of this class; of the settings, which may be a space's, those that are its parameters.

    Raises KeyError for another name: what kinds there are is not for a database to say.
    """
    tuner = getattr(import_module(TUNERS[name].module), name)()
    return tuner.set_params(**{key: settings[key] for key in tuner.get_params() if key in settings})
