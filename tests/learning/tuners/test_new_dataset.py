"""A learner on pairs from texts whose labels are partly unknown: the real data, where they lie beside the project."""

from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from labelling.encoders.sentence import SentenceEncoder
from labelling.learning.tuners import ContrastiveLearner, make_pairs

DATA = Path(__file__).parents[4] / "shared" / "data" / "new-dataset.jsonl"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason=f"{DATA.name} does not lie in ../shared/data")
def test_pairs_that_it_has_not_seen_are_told_apart_better() -> None:
    rows = pd.read_json(DATA, lines=True).sample(800, random_state=0)
    cats = pd.DataFrame.from_records(rows["cats"].tolist())
    embeddings = SentenceEncoder().fit_transform(rows["text"].tolist())
    left, right, similar = make_pairs(cats[:400], n_negatives=3, random_state=0)
    learner = ContrastiveLearner(random_state=0).fit(embeddings[left], embeddings[right], similar)

    left, right, similar = make_pairs(cats[400:], n_negatives=3, random_state=0)
    left, right = embeddings[400:][left], embeddings[400:][right]
    before = roc_auc_score(similar, (left * right).sum(axis=1))
    assert roc_auc_score(similar, learner.predict(left, right)) > before + 0.04
