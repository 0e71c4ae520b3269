"""What these tests share."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner

TUNERS = [FeedForwardTuner, ContrastiveTuner]


every_tuner = pytest.mark.parametrize("tuner_class", TUNERS)


def blobs(n_rows=120, n_dims=16, n_classes=3, spread=0.25, seed=0):
    """Noisy copies of random directions, and which direction each row is of."""
    rng = np.random.RandomState(seed)
    codes = np.arange(n_rows) % n_classes
    return (rng.randn(n_classes, n_dims)[codes] + rng.randn(n_rows, n_dims) * spread).astype(np.float32), codes


def parting(space, codes):
    """Distance between class means over distance within classes, in two dimensions by PCA."""
    points = PCA(2, random_state=0).fit_transform(space)
    means = np.stack([points[codes == code].mean(0) for code in np.unique(codes)])
    within = np.linalg.norm(points - means[codes], axis=1).mean()
    return np.linalg.norm(means[:, None] - means, axis=2)[np.triu_indices(len(means), 1)].mean() / within
