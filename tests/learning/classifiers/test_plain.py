"""A classifier as other libraries know one: the same numbers, or a refusal that says what fits."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from labelling.errors import StepError
from labelling.learning.classifiers import TransformerClassifier
from labelling.learning.classifiers.plain import to_sentence_transformer, to_sequence_classifier
from tests.models import save_model

TEXTS = ["the card is lost", "my card", "a late refund", "where is my refund", "refund, and a longer text than others"]
Y = ["card", "card", "refund", "refund", "other"]

pytestmark = pytest.mark.slow


def fitted(model: Path, **options: object) -> TransformerClassifier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TransformerClassifier(model, steps=20, random_state=0, device="cpu", **options).fit(TEXTS, Y)


@pytest.mark.parametrize("family", ["bert", "distilbert", "gpt2", "llama"])
@pytest.mark.parametrize("head", ["linear", "dense"])
@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "last"])
def test_sentence_transformers_give_its_logits(tmp_path: Path, family: str, head: str, pooling: str) -> None:
    from sentence_transformers import SentenceTransformer

    classifier = fitted(save_model(tmp_path / "body", family), head=head, pooling=pooling, max_length=12)
    classifier.save(tmp_path / "saved")
    to_sentence_transformer(classifier, tmp_path / "saved", TEXTS).save(str(tmp_path / "out"), create_model_card=False)
    loaded = SentenceTransformer(str(tmp_path / "out"), device="cpu", local_files_only=True)
    texts = [*TEXTS, "card " * 40, "something else"]
    np.testing.assert_allclose(loaded.encode(texts), classifier.logits(texts), atol=1e-4)


def test_transformers_give_its_logits_and_labels(tmp_path: Path) -> None:
    from transformers import pipeline

    classifier = fitted(save_model(tmp_path / "body", "bert"), head="dense", pooling="cls", train="all")
    model, tokenizer = to_sequence_classifier(classifier, TEXTS)
    model.save_pretrained(tmp_path / "out")
    tokenizer.save_pretrained(tmp_path / "out")
    found = pipeline("text-classification", str(tmp_path / "out"), device="cpu")(TEXTS, top_k=None, truncation=True)
    given = [{each["label"]: each["score"] for each in row} for row in found]
    wanted = classifier.predict_proba(TEXTS)
    np.testing.assert_allclose([[row[name] for name in classifier.classes_] for row in given], wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "options", "why"),
    [
        ("bert", {"head": "linear", "pooling": "cls"}, "its head is linear, on the cls of the tokens"),
        ("bert", {"head": "dense", "pooling": "mean"}, "its head is dense, on the mean of the tokens"),
        ("bert", {"head": "dense", "pooling": "cls", "hidden_dim": 7}, "of another width"),
        ("distilbert", {"head": "dense", "pooling": "cls"}, "the head of DistilBert"),
        ("gpt2", {"head": "dense", "pooling": "cls"}, "the head of GPT2"),
    ],
)
def test_heads_that_transformers_has_not_are_refused(
    tmp_path: Path, family: str, options: dict[str, object], why: str
) -> None:
    classifier = fitted(save_model(tmp_path / "body", family), **options)
    with pytest.raises(StepError, match=why) as said:
        to_sequence_classifier(classifier, TEXTS)
    assert "A dense head on the first token" in str(said.value)


@pytest.mark.parametrize("family", ["Roberta", "MPNet", "Electra"])
def test_other_families_are_tried(tmp_path: Path, family: str) -> None:
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(save_model(tmp_path / "bert", "bert"))
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = getattr(transformers, f"{family}Config")(vocab_size=len(tokenizer), max_position_embeddings=80, **size)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "body")
    tokenizer.save_pretrained(tmp_path / "body")
    classifier = fitted(tmp_path / "body", head="dense", pooling="cls", max_length=40)
    if family == "Electra":  # its head has another function in the middle
        with pytest.raises(StepError, match="it comes to other numbers"):
            to_sequence_classifier(classifier, TEXTS)
        return
    to_sequence_classifier(classifier, TEXTS)[0].save_pretrained(tmp_path / "out")
    assert (
        "classifier.out_proj.weight"
        in transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").state_dict()
    )


def test_a_ready_classifier_stays_as_it_is(tmp_path: Path) -> None:
    path = save_model(tmp_path / "ready", "bert", head="AutoModelForSequenceClassification", num_labels=3)
    classifier = TransformerClassifier.from_pretrained(path, device="cpu")
    model, _ = to_sequence_classifier(classifier, TEXTS)
    assert model is classifier.network_.checkpoint.model
