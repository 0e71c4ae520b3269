"""What these tests share."""

import time
from pathlib import Path

import numpy as np

from labelling.encoders import cache

TEXTS = [f"text number {i} " + "word " * (i * 7919 % 23) for i in range(1200)]


class CountingEncoder:
    """Embeddings made from the hash of a text; `encoded` and the file `log` say what was asked for."""

    max_tokens = None
    work_at_once = 1

    def __init__(self, fingerprint: str = "ab12", n_dims: int = 8, log: Path | None = None, seconds: float = 0):
        self.fingerprint = fingerprint
        self.n_dims = n_dims
        self.log = log
        self.seconds = seconds
        self.encoded: list[str] = []
        self.batches: list[int] = []

    def encode(self, texts):
        self.encoded.extend(texts)
        self.batches.append(len(texts))
        if self.log:
            with self.log.open("a") as file:
                file.write("".join(f"{text}\n" for text in texts))
        time.sleep(self.seconds)
        seeds = [int.from_bytes(cache._digest(self.fingerprint + text)[:8], "little") for text in texts]
        return np.array([np.random.default_rng(seed).normal(size=self.n_dims) for seed in seeds], np.float32)

    def count_truncated(self, texts):
        return 0


def expected(texts, **parameters):
    return CountingEncoder(**parameters).encode(texts)
