"""Tuners bend sentence embeddings towards a few labels; a learner bends them towards pairs.

`SbertTuner` and `SbertLearner` train a whole sentence encoder on texts instead.
"""

from labelling.learning.tuners.contrastive import ContrastiveTuner
from labelling.learning.tuners.feed_forward import FeedForwardTuner
from labelling.learning.tuners.learner import ContrastiveLearner
from labelling.learning.tuners.pairs import make_pairs
from labelling.learning.tuners.sbert import SbertLearner, SbertTuner

__all__ = ["ContrastiveLearner", "ContrastiveTuner", "FeedForwardTuner", "SbertLearner", "SbertTuner", "make_pairs"]
