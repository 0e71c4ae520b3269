"""Classifiers on a transformer: a head on the body of any checkpoint, with as much of the body moving as one likes."""

from labelling.learning.classifiers._network import Stopped
from labelling.learning.classifiers.classifier import TransformerClassifier

__all__ = ["Stopped", "TransformerClassifier"]
