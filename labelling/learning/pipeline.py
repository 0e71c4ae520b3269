"""An encoder and a tuner as a scikit-learn pipeline in a skops file: it loads wherever Corral is installed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelling.errors import StepError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

ENCODERS = (  # those that hold no secret, as an endpoint's key is one
    "labelling.encoders.sentence.SentenceEncoder",
    "labelling.encoders.transformer.TransformerEncoder",
    "labelling.encoders.causal_lm.CausalLMEncoder",
    "labelling.encoders.tfidf.TfidfEncoder",
)
# What such a file may make when it is loaded, beside what skops trusts by itself: no other type is.
TRUSTED = (
    *ENCODERS,
    "labelling.learning.memory.Memory",
    "labelling.learning.targets.Targets",
    "labelling.learning.tuners.contrastive.ContrastiveTuner",
    "labelling.learning.tuners.feed_forward.FeedForwardTuner",
)


def dump_pipeline(encoder: Any, tuner: Any) -> bytes:
    """A skops file of both. Raises StepError where skops is not installed, or can't hold such an encoder."""
    from sklearn.pipeline import make_pipeline

    kind = type(encoder)
    if f"{kind.__module__}.{kind.__qualname__}" not in ENCODERS:
        raise StepError(
            f"A pipeline can't hold this project's encoder, {kind.__name__}: those that can are "
            f"{', '.join(name.rpartition('.')[2] for name in ENCODERS)}."
        )
    content: bytes = _skops().dumps(make_pipeline(encoder, tuner))
    return content


def load_pipeline(path: Path) -> "Pipeline":
    """Read what `dump_pipeline` wrote; nothing but the types of `TRUSTED` is made.

    Raises StepError where the file holds something else.
    """
    from sklearn.pipeline import Pipeline

    skops = _skops()
    try:
        found = skops.load(path, trusted=list(TRUSTED))
    except Exception as error:  # a file that is none fails anywhere in a parser
        raise StepError(f"{path} holds no pipeline that Corral wrote: {str(error)[:300]}") from error
    if not isinstance(found, Pipeline) or not hasattr(found[0], "encode") or not hasattr(found[-1], "classes_"):
        raise StepError(f"{path} holds no encoder with a tuner behind it, but a {type(found).__name__}.")
    return found


def _skops() -> Any:
    try:
        from skops import io
    except ModuleNotFoundError as error:
        raise StepError("skops is not installed: pip install 'corral[skops]'.") from error
    return io
