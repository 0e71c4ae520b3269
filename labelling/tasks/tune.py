"""Bend a project's map towards its labels."""

from collections.abc import Callable, Mapping
from typing import Any

from labelling.learning.registry import TUNERS, make_tuner
from labelling.session import Session
from labelling.workspace import Space


def tune(
    session: Session, kind: str, settings: Mapping[str, Any], callback: Callable[..., bool | None] | None = None
) -> Space:
    """Fit a tuner, by its class name, on what is labelled; the space that it makes is a candidate, with a name.

    `callback(step, n_steps, loss, held_out_loss)` is told of each step and ends it early by False: the best state so
    far is kept. Raises SessionError where there are too few labels, or not all texts are embedded.
    """
    n_tuned = sum(space.kind != "encoder" for space in session.project.spaces())
    return session.tune(make_tuner(kind, settings), f"{TUNERS[kind].title} {n_tuned + 1}", callback)
