"""What a device allows a model: the type of its numbers, and how many tokens it reads at once."""

import shutil
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.encoders import EncoderError

if TYPE_CHECKING:
    import torch

FLOAT32 = "float32"
NUMBERS = {FLOAT32: 4, "bfloat16": 2, "float16": 2}  # with their bytes

# Measured on short and long texts with two threads: more than this waits for memory, less for Python.
CPU_TOKENS = 512
# A GPU is idle with fewer; with more there is nothing to gain.
GPU_TOKENS, MOST_GPU_TOKENS = 16_384, 65_536
# Numbers that a layer holds for a token at once, as a multiple of the model's width: the states, what the attention
# reads, four times the width within; generous.
_STATES = 32


def numbers_of(kind: str, capability: tuple[int, int] | None) -> str:
    """The type of numbers that a model is run in, by the kind of device and what a CUDA device can.

    bfloat16 has the range of float32, so that no model runs over; older devices have float16 alone. Processors are
    slower with either.
    """
    if kind != "cuda" or capability is None or capability < (7, 0):
        return FLOAT32
    return "bfloat16" if capability >= (8, 0) else "float16"


def tokens_of(kind: str, free_bytes: int | None, bytes_a_token: int) -> int:
    """How many tokens go through the model at once, padding included: on a GPU what half of its free memory holds."""
    if kind == "cpu":
        return CPU_TOKENS
    if free_bytes is None:
        return GPU_TOKENS
    return int(np.clip(free_bytes // 2 // bytes_a_token, CPU_TOKENS, MOST_GPU_TOKENS))


@lru_cache(maxsize=8)
def default_numbers(device: str | None) -> str:
    """`numbers_of` this device; None is the GPU where there is one."""
    # Without a driver there is nothing to ask torch, whose import takes a second.
    if (device is not None and not device.startswith("cuda")) or shutil.which("nvidia-smi") is None:
        return FLOAT32
    import torch

    if not torch.cuda.is_available():
        return FLOAT32
    return numbers_of("cuda", torch.cuda.get_device_capability(device))


def batch_tokens(device: "torch.device", n_dims: int, numbers: str, n_kept: int = 0) -> int:
    """`tokens_of` a model of this width on this device, of which the states of `n_kept` layers are kept besides."""
    free = None
    if device.type == "cuda":
        import torch

        free = torch.cuda.mem_get_info(device)[0]
        free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # ours to use
    return tokens_of(device.type, free, (_STATES + n_kept) * n_dims * NUMBERS[numbers])


def batches(lengths: Any, budget: int) -> Iterator[np.ndarray]:
    """Cut texts of these lengths in tokens into batches (row numbers), the longest first.

    A batch is padded to its longest text: that length times the number of its texts is `budget` at most, unless it is a
    single text.
    """
    order = np.argsort(-np.asarray(lengths), kind="stable")
    start = 0
    while start < len(order):
        n = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + n]
        start += n


def run_in_batches(
    run: "Callable[[np.ndarray], torch.Tensor]", lengths: Any, budget: int
) -> "Iterator[tuple[np.ndarray, torch.Tensor]]":
    """Each of `batches` with what `run(rows)` gives for it.

    Where the device's memory runs out, what is left goes on in batches of half as many tokens, with a warning. Raises
    EncoderError where a single text is too much.
    """
    import torch

    lengths = np.asarray(lengths)
    left = deque(batches(lengths, budget))
    while left:
        rows = left.popleft()
        try:
            found = run(rows)
        except torch.OutOfMemoryError:
            if len(rows) == 1:
                raise EncoderError(
                    f"the GPU's memory is too small for a text of {lengths[rows[0]]} tokens, or others hold it: set a "
                    f"max_length, or run the model on the processor"
                ) from None
            found = None
        if found is not None:
            yield rows, found
            continue
        # What failed is given back only here: the error held on to it.
        torch.cuda.empty_cache()
        budget = int(lengths[rows[0]]) * len(rows) // 2
        rest = np.concatenate([rows, *left])
        left = deque(rest[part] for part in batches(lengths[rest], budget))
        warnings.warn(f"the GPU's memory ran out: it goes on with {budget:,} tokens at once", stacklevel=3)


def named(fingerprint: str, numbers: str) -> str:
    """The fingerprint of an encoder that runs in `numbers`: for float32 as it was before there were others."""
    return fingerprint if numbers == FLOAT32 else f"{fingerprint}-{numbers}"


def parted(fingerprint: str) -> tuple[str, str]:
    """What `named` was made of; vectors of one model in two types of numbers can be compared."""
    model, _, numbers = fingerprint.partition("-")
    return (model, numbers) if numbers in NUMBERS else (fingerprint, FLOAT32)
