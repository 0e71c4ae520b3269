"""Pipelines in skops files: the same labels, and nothing made that is not listed."""

from pathlib import Path

import numpy as np
import pytest

from labelling.encoders.sentence import SentenceEncoder
from labelling.encoders.tfidf import TfidfEncoder
from labelling.errors import StepError
from labelling.learning.pipeline import TRUSTED, dump_pipeline, load_pipeline
from labelling.learning.tuners import ContrastiveTuner, FeedForwardTuner

TEXTS = ["the card is lost", "my card", "a late refund", "where is my refund"] * 4
Y = ["card", "card", "refund", "refund"] * 4


@pytest.mark.parametrize("kind", [FeedForwardTuner, ContrastiveTuner])
@pytest.mark.parametrize("several", [False, True])
def test_it_gives_the_same(tmp_path: Path, tiny_model: Path, kind: type, several: bool) -> None:
    y = np.array([[name == "card", name == "refund"] for name in Y], int) if several else Y
    for encoder in (TfidfEncoder().fit(TEXTS), SentenceEncoder(str(tiny_model))):
        tuner = kind(steps=20, random_state=0).fit(encoder.encode(TEXTS), y)
        (tmp_path / "x.skops").write_bytes(dump_pipeline(encoder, tuner))
        loaded = load_pipeline(tmp_path / "x.skops")
        wanted = tuner.predict_proba(encoder.encode(TEXTS))
        np.testing.assert_allclose(loaded.predict_proba(TEXTS), wanted, atol=1e-6)
        assert loaded.predict(TEXTS).tolist() == tuner.predict(encoder.encode(TEXTS)).tolist()


def test_what_it_trusts_is_there() -> None:
    from importlib import import_module

    for name in TRUSTED:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute)


def test_no_other_type_is_made(tmp_path: Path) -> None:
    from skops import io

    from tests.projects import WordEncoder

    path = tmp_path / "x.skops"
    io.dump(WordEncoder(), path)
    with pytest.raises(StepError, match=r"WordEncoder"):
        load_pipeline(path)
    io.dump({"a": 1}, path)
    with pytest.raises(StepError, match="no encoder with a tuner behind it, but a dict"):
        load_pipeline(path)
    path.write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(StepError, match="holds no pipeline"):
        load_pipeline(path)
