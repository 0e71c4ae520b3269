"""Tuners bend sentence embeddings towards a few labels; a learner bends them towards pairs.

`SbertTuner` and `SbertLearner` train a whole sentence encoder on texts instead.
"""

from labelling.tuners.contrastive import ContrastiveTuner
from labelling.tuners.feed_forward import FeedForwardTuner
from labelling.tuners.learner import ContrastiveLearner
from labelling.tuners.pairs import make_pairs
from labelling.tuners.sbert import SbertLearner, SbertTuner

__all__ = ["ContrastiveLearner", "ContrastiveTuner", "FeedForwardTuner", "SbertLearner", "SbertTuner", "make_pairs"]
