from pathlib import Path

import pytest

from tests.helpers import ROOT, run_python
from tests.models import save_model


def test_the_python_on_encoders_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: list[object]) -> None:
    save_model(tmp_path / "my-language-model", "llama")
    save_model(tmp_path / "my-encoder-model", "bert")
    monkeypatch.chdir(tmp_path)
    names = run_python((ROOT / "docs" / "encoders.md").read_text(encoding="utf-8"))
    assert set(names["guessed"]) <= {"card", "refund"}
    assert set(names["scores"]) == {1, 2}
    assert names["embeddings"].shape == (4, 16)
    assert names["n_cut_off"] == 0
    assert "cls.predictions.bias" in names["left_out"]
    assert (names["same"] == names["counts"].transform(names["texts"])).all()
    assert names["cost"].price == pytest.approx(names["cost"].n_tokens * 0.02 / 1e6)
    assert no_network == []
