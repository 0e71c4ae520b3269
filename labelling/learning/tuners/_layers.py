"""What a tuner's network is to another library: plain layers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DenseLayer:
    """`after(x @ weight + bias)`: float32 (n_in, n_out) and (n_out,); `after` is "gelu", "unit", to length 1, or ""."""

    weight: np.ndarray
    bias: np.ndarray
    after: str = ""
