"""Tuners bend sentence embeddings towards a few labels."""

from labelling.tuners.contrastive import ContrastiveTuner
from labelling.tuners.feed_forward import FeedForwardTuner

__all__ = ["ContrastiveTuner", "FeedForwardTuner"]
