"""A model's answers: labels that were merged, several labels a text, how sure; and what no model's folder is."""

import json
from pathlib import Path

import numpy as np
import pytest

from labelling.errors import StepError
from labelling.learning.model import ABOUT, LABELS, Model, about, load_model

RAW = np.array([[0.5, 0.2, 0.3], [0.3, 0.4, 0.3], [0.1, 0.1, 0.8]], np.float32)


def model(names: list[str], *, multi_label: bool = False, near: float | None = None) -> Model:
    def outputs(texts: list[str]):  # type: ignore[no-untyped-def]
        return RAW[: len(texts)], None if near is None else lambda codes: np.where(codes == 0, near, 1)

    return Model(outputs, names, multi_label=multi_label, fingerprint="x")


def test_the_likeliest_label_and_how_near() -> None:
    found = model(["a", "b", "c"], near=0.5).answers(["x"] * 3)
    assert found.codes.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.sure, [0.25, 0.4, 0.8], rtol=1e-6)
    assert model(["a", "b", "c"]).predict(["x"] * 3).tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(model(["a", "b", "c"]).answers(["x"] * 3).sure, [0.5, 0.4, 0.8])


def test_merged_labels_count_together() -> None:
    merged = model(["a", "b", "a"], near=0.5)
    assert merged.classes_.tolist() == ["a", "b"]
    np.testing.assert_allclose(merged.predict_proba(["x"] * 3), [[0.8, 0.2], [0.6, 0.4], [0.9, 0.1]], rtol=1e-6)
    assert merged.predict(["x"] * 3).tolist() == ["a", "a", "a"]
    np.testing.assert_allclose(merged.answers(["x"] * 3).sure, [0.4, 0.3, 0.9], rtol=1e-6)


def test_several_labels_a_text() -> None:
    several = model(["a", "b", "a"], multi_label=True)
    np.testing.assert_allclose(several.predict_proba(["x"] * 3), [[0.5, 0.2], [0.3, 0.4], [0.8, 0.1]], rtol=1e-6)
    assert several.predict(["x"] * 3).tolist() == [[0, 0], [0, 0], [1, 0]]
    np.testing.assert_allclose(several.answers(["x"] * 3).sure, [0.5, 0.6, 0.8], rtol=1e-6)


def test_another_name_is_another_model() -> None:
    assert model(["a", "b", "c"]).fingerprint == model(["a", "b", "c"]).fingerprint
    assert model(["a", "b", "c"]).fingerprint != model(["a", "b", "d"]).fingerprint


def test_a_folder_that_is_no_model_is_said(tmp_path: Path, tiny_model: Path) -> None:
    import shutil

    folder = shutil.copytree(tiny_model, tmp_path / "mine")
    with pytest.raises(StepError, match=r"has no labels.json.*nothing says what its numbers mean"):
        load_model(folder)
    (folder / LABELS).write_text(json.dumps(["a", "b"]))
    with pytest.raises(StepError, match=r"has no corral.json"):
        load_model(folder)
    (folder / ABOUT).write_text(about(multi_label=False))
    with pytest.raises(StepError, match=r"gives 16 numbers a text, but labels.json names 2 labels"):
        load_model(folder)
    for content, message in (("{", "is broken"), ('{"a": 1}', "must be a list of names"), ("[]", "must be a list")):
        (folder / LABELS).write_text(content)
        with pytest.raises(StepError, match=message):
            load_model(folder)
    (folder / LABELS).write_text(json.dumps([f"l{n}" for n in range(16)]))
    assert load_model(folder).predict_proba(["my card is lost"]).shape == (1, 16)
    (folder / ABOUT).write_text(json.dumps({"format": "corral-model/9", "multi_label": False}))
    with pytest.raises(StepError, match="a newer Corral may have made it"):
        load_model(folder)
    (folder / ABOUT).write_text(about(multi_label=False))
    (folder / "model.safetensors").unlink()
    with pytest.raises(StepError, match=r"can't be used: .*safetensors weights\. Make it anew") as said:
        load_model(folder)
    assert "packaged" not in str(said.value)


@pytest.mark.parametrize(
    ("name", "message"), [("nowhere", "is no folder"), ("file", "is no folder"), ("empty", "no model in")]
)
def test_what_is_no_folder_of_a_model(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StepError, match=message):
        load_model(tmp_path / name)
