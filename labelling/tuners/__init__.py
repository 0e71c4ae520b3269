"""Tuners bend sentence embeddings towards a few labels; a learner bends them towards pairs."""

from labelling.tuners.contrastive import ContrastiveTuner
from labelling.tuners.feed_forward import FeedForwardTuner
from labelling.tuners.learner import ContrastiveLearner
from labelling.tuners.pairs import make_pairs

__all__ = ["ContrastiveLearner", "ContrastiveTuner", "FeedForwardTuner", "make_pairs"]
