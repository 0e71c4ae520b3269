"""Corral's library: texts to embeddings, maps, labels and tuned spaces, with or without the browser.

The names of `__all__` are the usual ones; each is loaded when it is first asked for, as some of them bring torch.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labelling.encoders.sentence import SentenceEncoder
    from labelling.learning.classifiers import TransformerClassifier
    from labelling.learning.graph import GraphClassifier
    from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner
    from labelling.queues.proposals import ProposalQueue
    from labelling.readers import read_table
    from labelling.workspace import Workspace

# Read by OpenMP when torch is first imported, here and in child processes. Threads that wait for each other actively,
# the default, starve each other as soon as something else is running: on two busy cores embedding took 5 to 10 times
# as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.5.0"
__all__ = [
    "ContrastiveTuner", "FeedForwardTuner", "GraphClassifier", "ProposalQueue", "SentenceEncoder",
    "TransformerClassifier", "Workspace", "read_table",
]  # fmt: skip

_HOME = {
    "ContrastiveTuner": "labelling.learning.tuners",
    "FeedForwardTuner": "labelling.learning.tuners",
    "GraphClassifier": "labelling.learning.graph",
    "ProposalQueue": "labelling.queues.proposals",
    "SentenceEncoder": "labelling.encoders.sentence",
    "TransformerClassifier": "labelling.learning.classifiers",
    "Workspace": "labelling.workspace",
    "read_table": "labelling.readers",
}


def __getattr__(name: str) -> Any:
    """Load one of the names above (PEP 562), and keep it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
