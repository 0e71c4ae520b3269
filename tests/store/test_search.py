"""Search over a store by meaning."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelling.cli import main
from labelling.encoders.registry import encoder_for
from labelling.store import StoreError, search
from labelling.store.search import nearest
from labelling.store.store import Store
from tests.conftest import save_tiny_model
from tests.store.helpers import save_store, whole


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("chunk", [7, 16_384])
def test_exactly_the_nearest(tmp_path: Path, dtype: Any, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "CHUNK_ROWS", chunk)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 8)).astype(dtype)
    vectors[40], vectors[300], vectors[7] = vectors[200], vectors[200] * 3, 0
    store = save_store(tmp_path / "store", vectors, shard_rows=60)
    wide = vectors.astype(np.float64)
    for query in (rng.normal(size=8), wide[200], np.zeros(8)):
        lengths = np.linalg.norm(wide, axis=1) * np.linalg.norm(query)
        expected = np.divide(wide @ query, lengths, out=np.zeros(500), where=lengths > 0)
        for n in (1, 20, 500, 900):
            positions, cosines = nearest(store, query, n)
            assert len(np.unique(positions)) == min(n, 500)
            np.testing.assert_allclose(cosines, -np.sort(-expected)[:n], atol=1e-6)
            np.testing.assert_allclose(cosines, expected[positions], atol=1e-6)
    assert set(nearest(store, wide[200], 3)[0]) == {40, 200, 300}


def test_the_same_model_in_other_numbers_may_search(tmp_path: Path) -> None:
    store = save_store(tmp_path / "store", np.eye(4, dtype=np.float32))
    for fingerprint in ("ab12", "ab12-bfloat16"):
        store.manifest.fingerprint = fingerprint
        store.must_be_of("ab12", "the search")
        store.must_be_of("ab12-float16", "the search")
        with pytest.raises(StoreError, match="of another encoder than the search"):
            store.must_be_of("cd34-bfloat16", "the search")


def test_the_command(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = whole(store)
    text = table.column("text")[77].as_py()
    assert main(["search", str(store.folder), text, "-n", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["text"] for each in found][:1] == [text]
    assert found[0]["cosine"] == pytest.approx(1, abs=1e-5)
    expected = [
        row for row, each in zip(table.column("row"), table.column("text"), strict=True) if each.as_py() == text
    ]
    assert found[0]["row"] == expected[0].as_py()
    assert found[0]["file"].endswith("inbox.csv")
    assert main(["search", str(store.folder), text, "-n", "3"]) == 0
    assert text in capsys.readouterr().out.splitlines()[0]
    assert main(["search", str(tmp_path), text]) == 1
    assert "There is no store" in capsys.readouterr().err


def test_words_of_another_encoder(store: Store, tmp_path: Path) -> None:
    other = encoder_for({"model": str(save_tiny_model(tmp_path, seed=5))}, tmp_path)
    with pytest.raises(StoreError, match="of another encoder than the search"):
        search.search(store, other, "card")
