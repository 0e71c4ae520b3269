"""The kinds of encoders, by the names that a space's settings store for them: a new kind is a file, and a line here."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from labelling.encoders import Encoder, EncoderError
from labelling.encoders.operated import OperatedEndpoint, where_to_ask
from labelling.encoders.precomputed import OwnVectors

PACKAGED, TFIDF, OWN, ENDPOINT = "sentence", "tfidf", "own", "endpoint"
FITTED = "encoders"  # the folder of a workspace with what was fitted on texts


@dataclass(frozen=True)
class Kind:
    """An encoder's module and class, and the parameters that a space's settings may hold.

    With a `title` the page offers it by that, says what it is `about`, and asks for each parameter as a text; those
    without one have more to be asked, in `ui.texts.encoder_choice`.
    """

    module: str
    name: str
    parameters: tuple[str, ...]
    title: str = ""
    about: str = ""


# Beside these there are "tfidf", which is fitted and then loaded, and "own", vectors that were brought along.
ENCODERS = {
    "sentence": Kind("labelling.encoders.sentence", "SentenceEncoder", ("model", "prompt", "numbers")),
    "pooled": Kind(
        "labelling.encoders.transformer", "TransformerEncoder", ("model", "pooling", "max_length", "numbers")
    ),
    "causal": Kind(
        "labelling.encoders.causal_lm", "CausalLMEncoder", ("model", "pooling", "layer", "max_length", "numbers")
    ),
    ENDPOINT: Kind(
        "labelling.encoders.endpoint", "EndpointEncoder", ("model", "dimensions", "requests_per_minute")
    ),  # where it is asked is never taken from the settings alone: `operated.where_to_ask`
}
_made: dict[tuple[str, str], Encoder] = {}
_making = threading.Lock()


def encoder_for(
    settings: Mapping[str, Any],
    folder: Path,
    *,
    endpoints: Mapping[str, OperatedEndpoint] | None = None,
    any_address: bool = False,
) -> Encoder:
    """The encoder with these settings; it loads its model on first use, and stays loaded for this process.

    Parameters
    ----------
    settings : mapping
        What a space stores: ``kind``, "sentence" where it is left out, and the kind's parameters.
    folder : Path
        The workspace's, for what was fitted on texts.
    endpoints, any_address : see `operated.where_to_ask`

    Raises
    ------
    EncoderError
        There is no such encoder (any more).
    """
    kind = settings.get("kind", PACKAGED)
    if kind == OWN:
        return OwnVectors(settings["n_dims"])
    if kind == TFIDF:
        return _once(TFIDF, str(fitted_file(folder, settings["fitted"])))
    if kind not in ENCODERS:
        raise EncoderError(f"There is no encoder of the kind {kind!r} here: a newer Corral may have made this project.")
    wanted = {name: settings[name] for name in ENCODERS[kind].parameters if settings.get(name) not in (None, "")}
    if kind == ENDPOINT:
        wanted.update(where_to_ask(settings, endpoints or {}, any_address=any_address))
    return _once(kind, json.dumps(wanted, sort_keys=True))


def _once(kind: str, made_of: str) -> Encoder:
    with _making:
        if (kind, made_of) not in _made:
            _made[kind, made_of] = _make(kind, made_of)
        return _made[kind, made_of]


def _make(kind: str, made_of: str) -> Encoder:
    if kind == TFIDF:
        from labelling.encoders.tfidf import TfidfEncoder

        return TfidfEncoder.load(Path(made_of))
    found: Encoder = getattr(import_module(ENCODERS[kind].module), ENCODERS[kind].name)(**json.loads(made_of))
    return found


def fit_encoder(texts: Sequence[str], folder: Path) -> dict[str, Any]:
    """Fit word counts on texts and keep what was fitted in the workspace's folder; the settings for `encoder_for`."""
    from labelling.encoders.tfidf import TfidfEncoder

    encoder = TfidfEncoder().fit(texts)
    path = fitted_file(folder, encoder.fingerprint)
    path.parent.mkdir(exist_ok=True)
    encoder.save(path)
    return {"kind": TFIDF, "fitted": encoder.fingerprint}


def fitted_file(folder: Path, fitted: str) -> Path:
    return folder / FITTED / f"{fitted}.safetensors"
