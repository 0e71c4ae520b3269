"""The Python of docs/classifiers.md runs as it stands."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers import ROOT, run_python

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "classifiers.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_python_on_heads_runs(no_network) -> None:
    names = run_python(PAGE)
    assert names["guessed"].tolist() == ["card", "refund"]
    assert names["probabilities"].shape == names["logits"].shape == (1, 2)
    assert f"{names['n_trainable']:,} of" in PAGE
    assert names["trainable"]["head.1.weight"] == (2, 384)
    assert names["space"].shape == (8, 384)
    np.testing.assert_array_equal(names["loaded"].logits(names["texts"]), names["classifier"].logits(names["texts"]))
    assert names["fits"].tolist() == ["fits"]
    assert names["embeddings"].shape == (8, 384)
    np.testing.assert_allclose(names["embeddings"], names["tuner"].transform(names["texts"]), atol=1e-5)
    assert names["cosine"].shape == (1,)
    assert no_network == []
