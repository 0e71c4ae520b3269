import functools

import numpy as np
import pytest

from labelling.encoders import EncoderError, device, sentence
from labelling.encoders.cache import EmbeddingCache
from labelling.encoders.device import (
    CPU_TOKENS,
    GPU_TOKENS,
    MOST_GPU_TOKENS,
    batches,
    named,
    numbers_of,
    parted,
    run_in_batches,
    tokens_of,
)
from labelling.encoders.sentence import SentenceEncoder
from labelling.encoders.transformer import TransformerEncoder
from tests.encoders.helpers import CountingEncoder

TEXTS = ["", "my card is late", *(f"query {'card ' * (i % 40)} {i}" for i in range(60))]


@pytest.mark.parametrize(
    ("kind", "capability", "numbers"),
    [
        ("cpu", None, "float32"),
        ("mps", None, "float32"),
        ("cuda", (6, 1), "float32"),  # Pascal: its float16 is slower
        ("cuda", (7, 5), "float16"),
        ("cuda", (8, 0), "bfloat16"),
        ("cuda", (12, 0), "bfloat16"),
    ],
)
def test_numbers_are_what_the_device_has(kind, capability, numbers):
    assert numbers_of(kind, capability) == numbers


def test_tokens_at_once_are_what_the_memory_holds():
    small, large = 32 * 384 * 2, 32 * 4096 * 2  # bytes a token: MiniLM, a language model of 7 billion
    assert tokens_of("cpu", None, small) == CPU_TOKENS
    assert tokens_of("mps", None, small) == GPU_TOKENS
    assert tokens_of("cuda", 4 * 2**30, small) == MOST_GPU_TOKENS
    assert GPU_TOKENS < tokens_of("cuda", 10 * 2**30, large) == 10 * 2**29 // large < MOST_GPU_TOKENS
    assert tokens_of("cuda", 2**20, large) == CPU_TOKENS


@pytest.mark.parametrize("budget", [1, 7, 64, 10_000])
def test_batches_keep_to_the_budget_and_leave_nothing_out(budget):
    lengths = np.random.default_rng(0).integers(0, 40, 200)
    cut = list(batches(lengths, budget))
    assert sorted(np.concatenate(cut)) == list(range(200))
    assert np.all(np.diff(lengths[np.concatenate(cut)]) <= 0)
    for rows, after in zip(cut, [*cut[1:], None], strict=True):
        longest = max(1, lengths[rows].max())
        assert len(rows) == 1 or longest * len(rows) <= budget
        assert after is None or longest * (len(rows) + 1) > budget  # it is as full as may be
    assert list(batches([], budget)) == []


@pytest.mark.parametrize("family", [SentenceEncoder, TransformerEncoder])
def test_a_vector_does_not_depend_on_its_batch(tiny_model, family):
    encoder = family(tiny_model, device="cpu")
    together = encoder.encode(TEXTS)
    assert together.dtype == np.float32
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-6, rtol=0)
    np.testing.assert_allclose(family(tiny_model, batch_tokens=10_000).encode(TEXTS), alone, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_a_vector_of_the_packaged_model_does_not_depend_on_its_batch():
    encoder = SentenceEncoder(device="cpu")
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS[::6]])
    np.testing.assert_allclose(encoder.encode(TEXTS)[::6], alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize("family", [SentenceEncoder, TransformerEncoder])
def test_half_of_the_numbers(tiny_model, family):
    whole, half = family(tiny_model, device="cpu"), family(tiny_model, device="cpu", numbers="bfloat16")
    found = half.encode(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)  # scaled in float32
    assert 1e-5 < np.abs(found - whole.encode(TEXTS)).max() < 0.05
    assert half.fingerprint == f"{whole.fingerprint}-bfloat16"  # the cache keeps them apart
    assert family(tiny_model, device="cpu", numbers="float32").fingerprint == whole.fingerprint


def test_the_device_decides_where_nobody_does(tiny_model, monkeypatch):
    encoder = SentenceEncoder(tiny_model)
    monkeypatch.setattr("labelling.encoders._base.default_numbers", lambda device: "bfloat16")
    assert encoder.fingerprint.endswith("-bfloat16")
    assert encoder.work_at_once > 1
    assert next(iter(encoder._load().parameters())).dtype.itemsize == 2


def test_fingerprints_of_before_stay_valid():
    # The packaged model's, as it was before models ran in other numbers: every vector in a cache has it.
    assert (
        SentenceEncoder(device="cpu").fingerprint == "276af4640ac7a5bc4c6cfb5a51eb128f9a2d28f4b265d51022a48188667a35b4"
    )
    assert named("ab12", "float32") == "ab12"
    assert parted("ab12") == ("ab12", "float32")
    assert parted(named("ab12", "float16")) == ("ab12", "float16")
    assert parted("own-vectors") == ("own-vectors", "float32")


def test_without_a_driver_torch_is_not_asked(monkeypatch):
    monkeypatch.setattr(device.shutil, "which", lambda name: None)
    device.default_numbers.cache_clear()
    assert device.default_numbers(None) == device.default_numbers("cpu") == "float32"
    device.default_numbers.cache_clear()


def test_the_cache_hands_over_what_the_device_can_take(tmp_path):
    quick = CountingEncoder()
    quick.work_at_once = 16
    EmbeddingCache(tmp_path).embed(quick, [f"text {i}" for i in range(2000)])
    assert quick.batches == [256, 1744]  # the first map's sample, then all at once


@pytest.mark.parametrize("family", [SentenceEncoder, TransformerEncoder])
def test_where_memory_runs_out_it_goes_on_with_half(tiny_model, family, monkeypatch):
    import torch

    encoder = family(tiny_model, device="cpu", batch_tokens=10_000)
    expected = encoder.encode(TEXTS)
    body = encoder._load()[0].auto_model if family is SentenceEncoder else encoder._load().model
    tried, forward = [], body.forward

    @functools.wraps(forward)  # what it takes is looked up
    def small(*args, **batch):
        tried.append(batch["input_ids"].numel())
        if tried[-1] > 300:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*args, **batch)

    monkeypatch.setattr(body, "forward", small)
    with pytest.warns(UserWarning, match="the GPU's memory ran out: it goes on with .* tokens at once"):
        found = encoder.encode(TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)
    assert max(tried) > 300 >= tried[-1]
    assert sum(n > 300 for n in tried) < 10  # it halves once and stays there


def test_a_text_that_no_memory_holds_is_said():
    import torch

    def run(rows):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with (
        pytest.warns(UserWarning, match="30 tokens at once"),
        pytest.raises(EncoderError, match="too small for a text of 30 tokens"),
    ):
        list(run_in_batches(run, [10, 30, 20], 60))


def test_what_is_reckoned_for_a_gpu_is_no_less_than_the_tokens():
    texts = [*TEXTS, "The card that I had ordered was stolen on its way.", "卡被偷了", "Моя карта пропала вчера"]
    encoder = SentenceEncoder(device="cpu")
    assert np.all(sentence._at_most(texts) >= encoder._count_tokens(texts))
