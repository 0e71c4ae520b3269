"""Read by a tests' server where CORRAL_TEST_SEED is set: its maps are others, as they are on another processor.

UMAP carries a difference in the last bit of a number far. Another seed, and a start that is shaken, make another map.
The demos' maps, which come along, are left aside.
"""

import os
from typing import Any

import numpy as np

from labelling.projections import UmapProcess
from labelling.tasks import ready_made

seed = int(os.environ["CORRAL_TEST_SEED"])
fit_transform = UmapProcess.fit_transform


def with_seed(self: UmapProcess, embeddings: np.ndarray, *, init: np.ndarray | None = None, **how: Any) -> Any:
    if init is not None:
        init = init + np.random.default_rng(seed).normal(scale=0.3 * np.nanstd(init), size=init.shape)
    return fit_transform(self, embeddings, init=init, random_state=seed, **how)


UmapProcess.fit_transform = with_seed  # type: ignore[method-assign]
ready_made.put = lambda *_: False
