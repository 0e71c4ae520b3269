"""Samples of a store: at random, or spread over all of it."""

from pathlib import Path

import numpy as np
import pytest

from labelling.store.sampling import at_random, spread_out
from labelling.store.store import Store
from tests.store.helpers import save_store


@pytest.fixture
def uneven(tmp_path: Path) -> tuple[Store, np.ndarray]:
    """A large group of 10,000, one of 300, one of 12, and their codes."""
    rng = np.random.default_rng(0)
    codes = rng.permutation(np.repeat([0, 1, 2], [10_000, 300, 12]))
    vectors = np.eye(3, 20)[codes] + rng.normal(0, 0.05, (len(codes), 20))
    return save_store(tmp_path / "uneven", vectors.astype(np.float16)), codes


def test_at_random(store: Store) -> None:
    drawn = [at_random(store, 100, seed) for seed in range(200)]
    assert all(len(np.unique(rows)) == 100 and (np.diff(rows) > 0).all() for rows in drawn)
    np.testing.assert_array_equal(at_random(store, 100, 7), drawn[7])
    often = np.bincount(np.concatenate(drawn), minlength=store.n_texts)
    assert often.sum() == 20_000
    assert often.max() < 45
    np.testing.assert_array_equal(at_random(store, 10_000), np.arange(900))


def test_spread_out_finds_small_groups(uneven: tuple[Store, np.ndarray]) -> None:
    store, codes = uneven
    found = spread_out(store, 500)
    assert len(np.unique(found)) == 500
    assert (np.diff(found) > 0).all()
    shares = np.bincount(codes[found], minlength=3) / np.bincount(codes)
    at_random_shares = 500 / len(codes)
    assert shares[2] > 2 * at_random_shares
    assert shares[0] > 0.5 * at_random_shares, "the large group is there, too"
    np.testing.assert_array_equal(spread_out(store, 500), found)
    assert (spread_out(store, 500, 1) != found).any()
    told: list[tuple[int, int]] = []
    spread_out(store, 100, on_progress=lambda *said: told.append(said))
    assert told[-1] == (10_312, 10_312)


@pytest.mark.parametrize(("n_texts", "n"), [(1, 1), (3, 2), (50, 50), (50, 70), (40, 1)])
def test_tiny_and_uniform_stores(tmp_path: Path, n_texts: int, n: int) -> None:
    for name, vectors in (
        ("same", np.ones((n_texts, 4))),
        ("others", np.random.default_rng(0).normal(size=(n_texts, 4))),
    ):
        store = save_store(tmp_path / name, vectors.astype(np.float32))
        for draw in (at_random, spread_out):
            found = draw(store, n)
            assert len(np.unique(found)) == min(n, n_texts)
