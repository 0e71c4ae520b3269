"""The formats of other tools: their shapes, what they can't hold, and that what goes out comes in again."""

import contextlib
import json
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from labelling.formats.archive import from_zip
from labelling.formats.records import FormatError, metadata_of
from labelling.formats.registry import FORMATS, TOOLS, every
from labelling.readers import (
    guess_label_value_columns,
    guess_text_column,
    read_labels,
    read_table,
)
from tests.formats.helpers import NAMES, ONE, SEVERAL, TEXTS, known, records

TRAINING = ("spacy", "training", "fasttext")  # which hold the labelled texts alone


def lines(content: bytes) -> list[dict]:
    return [json.loads(line) for line in content.decode().split("\n")[:-1]]


@pytest.mark.parametrize("kind", TOOLS)
def test_one_label_a_text_goes_out_and_comes_in_again(kind: str) -> None:
    content = TOOLS[kind].write(records())
    frame = read_table(content, TOOLS[kind].tail).frame
    labels = [None if code < 0 else NAMES[code] for code in ONE]
    rows = [row for row in range(len(TEXTS)) if kind not in TRAINING or labels[row] is not None]
    assert guess_text_column(frame) == "text"
    if kind == "fasttext":
        assert frame["label"].tolist() == [re.sub(r"\s", "-", labels[row] or "") for row in rows]
        assert frame["text"].tolist()[0] == TEXTS[0]
        return
    assert frame["text"].tolist() == [TEXTS[row] for row in rows]
    assert read_labels(frame, "label") == [labels[row] for row in rows]
    assert guess_label_value_columns(frame) == []


@pytest.mark.parametrize("kind", TOOLS)
def test_yes_no_and_unknown_go_out_and_come_in_again(kind: str) -> None:
    content = TOOLS[kind].write(records(multi_label=True))
    frame = read_table(content, TOOLS[kind].tail).frame
    cats = [{name: value for name, value in zip(NAMES, row, strict=True) if value >= 0} for row in SEVERAL]
    if kind == "fasttext":
        assert frame["label"].tolist()[1] == '["\\"card\\":-x", "refund"]'
        return
    rows = [row for row in range(len(TEXTS)) if kind not in TRAINING or cats[row]]
    assert frame["text"].tolist() == [TEXTS[row] for row in rows]
    assert known(frame) == [cats[row] for row in rows]


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("kind", TOOLS)
def test_each_shows_what_is_in_it_and_is_the_same_each_time(kind: str, multi_label: bool) -> None:
    tool = TOOLS[kind]
    content = tool.write(records(multi_label=multi_label))
    assert content == tool.write(records(multi_label=multi_label))
    assert len(tool.read(content)) >= 4


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("kind", TOOLS)
def test_no_texts_and_no_labels(kind: str, multi_label: bool) -> None:
    none = records(multi_label=multi_label, codes=np.full((6, 4) if multi_label else 6, -1).tolist())
    assert len(TOOLS[kind].read(TOOLS[kind].write(none))) == (0 if kind in TRAINING else 6)
    nothing = records(multi_label=multi_label, texts=TEXTS[:2], names=(), codes=[] if multi_label else [-1, -1])
    with contextlib.suppress(FormatError):  # see `test_a_tool_that_needs_more_labels_says_so`
        TOOLS[kind].read(TOOLS[kind].write(nothing))


def test_the_names_on_the_command_line_are_each_for_one_format() -> None:
    assert list(every()) == [*FORMATS, *TOOLS]
    tails = [form.tail for form in every().values()]
    assert len(set(tails)) == len(tails)


# ---------------------------------------------------------------- the tools' shapes


def test_prodigy() -> None:
    first, *_, unlabelled, _, _ = lines(TOOLS["prodigy"].write(records()))
    assert first["accept"] == [NAMES[0]]
    assert first["options"][1] == {"id": "refund", "text": "refund"}
    assert (first["answer"], first["_view_id"]) == ("accept", "choice")
    assert first["meta"]["wrong_share"] == 0.05
    assert first["meta"]["suggestion"] == NAMES[0]
    assert (unlabelled["accept"], unlabelled["answer"]) == ([], "ignore")
    answers = lines(TOOLS["prodigy"].write(records(multi_label=True)))
    assert [(task["label"], task["answer"]) for task in answers[:2]] == [(NAMES[0], "accept"), ("refund", "reject")]
    assert [task["answer"] for task in answers if task["text"] == TEXTS[3]] == ["ignore"]


def test_prodigy_is_said_when_it_comes_in() -> None:
    notes = read_table(TOOLS["prodigy"].write(records(multi_label=True)), "a.jsonl").notes
    assert "A Prodigy data set: 5 accepted, 6 rejected, 1 ignored." in notes


def test_doccano() -> None:
    first, *_ = lines(TOOLS["doccano"].write(records(multi_label=True)))
    assert (first["text"], first["label"], first["corral_no"]) == (TEXTS[0], [NAMES[0]], ["refund"])
    assert (first["channel"], first["labelled_by"], first["chosen_by"]) == ("mail", "ann", "lasso")


def test_a_label_that_was_given_in_doccano_is_yes_whatever_it_was_before() -> None:
    content = b'{"text": "a b", "label": ["x"], "corral_no": ["x", "y"]}\n{"text": "c d", "label": []}\n'
    assert known(read_table(content, "a.jsonl").frame) == [{"x": 1.0, "y": 0.0}, {}]


def test_label_studio() -> None:
    content = TOOLS["labelstudio"].write(records())
    tasks = json.loads(from_zip(content, "tasks.json"))
    choice = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [NAMES[0]]}}
    assert tasks[0]["annotations"] == [{"result": [choice], "ground_truth": False, "was_cancelled": False}]
    assert tasks[0]["predictions"] == [{"model_version": "corral:T", "score": 0.98, "result": [choice]}]
    assert tasks[3]["annotations"] == []
    config = ElementTree.fromstring(from_zip(content, "labelling_config.xml").decode())
    assert [each.get("value") for each in config.iter("Choice")] == list(NAMES)
    assert [each.get("choice") for each in config.iter("Choices")] == ["single"]


def test_argilla() -> None:
    content = TOOLS["argilla"].write(records(multi_label=True))
    found = json.loads(from_zip(content, "records.json"))
    (response,) = found[0]["responses"]["label"]
    assert (response["value"], response["status"]) == ([NAMES[0]], "submitted")
    assert found[0]["suggestions"] == {"label": {"value": [NAMES[0]], "score": [0.98], "agent": "corral:T"}}
    assert found[3]["responses"] == {}
    settings = json.loads(from_zip(content, ".argilla/settings.json"))
    properties = {each["name"]: each["settings"]["type"] for each in settings["metadata"]}
    assert properties["n"] == "integer"
    assert properties["corral_no"] == "terms"
    assert all(record["metadata"].keys() <= properties.keys() for record in found)
    assert [option["value"] for option in settings["questions"][0]["settings"]["options"]] == list(NAMES)


def test_argilla_takes_only_some_names_of_properties() -> None:
    metadata = {"Größe": ["a"] * 6, "GRÖSSE!": ["b"] * 6, "row": [1] * 6, "__": [1.5] * 6}
    content = TOOLS["argilla"].write(records(metadata=metadata))
    names = [each["name"] for each in json.loads(from_zip(content, ".argilla/settings.json"))["metadata"]]
    assert all(re.fullmatch(r"(?=.*[a-z0-9])[a-z0-9_-]+", name) for name in names)
    assert len(set(names)) == len(names)


def test_hugging_face() -> None:
    yaml = pytest.importorskip("yaml")
    datasets = pytest.importorskip("datasets")
    metadata = {'a: "b"\x07\ufffe': ["x"] * 6, "true": [True] * 6, "n": pd.array([1, None, 3, 4, 5, 6], dtype="Int64")}
    for multi_label in (False, True):
        content = TOOLS["huggingface"].write(records(multi_label=multi_label, metadata=metadata))
        head = yaml.safe_load(from_zip(content, "README.md").decode().split("---\n")[1])
        named = [each["name"] for each in head["dataset_info"]["features"]]
        assert named[2:5] == list(metadata)
        features = datasets.Features._from_yaml_list(head["dataset_info"]["features"])
        label = features["label"].feature if multi_label else features["label"]
        assert label.names == list(NAMES)


def test_spacy_knows_of_labels_that_exclude_each_other() -> None:
    found = TOOLS["spacy"].read(TOOLS["spacy"].write(records()))
    assert found["label"].tolist() == [NAMES[code] for code in ONE if code >= 0]


def test_training_csv_is_as_scikit_learn_and_setfit_take_it() -> None:
    content = TOOLS["training"].write(records())
    assert content.startswith(b"text,label\r\n")
    assert b"\xef\xbb\xbf" not in content


# ---------------------------------------------------------------- what can't be held


def test_fasttext_refuses_names_that_become_one() -> None:
    with pytest.raises(FormatError, match=r"'a b' and 'a-b' would both be __label__a-b"):
        TOOLS["fasttext"].write(records(names=("a b", "x", "a-b", "y")))


def test_fasttext_refuses_a_text_that_begins_as_a_label() -> None:
    with pytest.raises(FormatError, match="The text of row 2 begins with __label__"):
        TOOLS["fasttext"].write(records(texts=["a b", " __label__x c", *TEXTS[2:]]))


@pytest.mark.parametrize(("kind", "n"), [("spacy", 1), ("argilla", 1), ("labelstudio", 0)])
def test_a_tool_that_needs_more_labels_says_so(kind: str, n: int) -> None:
    with pytest.raises(FormatError, match=r"needs at least .* label"):
        TOOLS[kind].write(records(names=NAMES[:n], codes=[-1] * 6))


def test_uploaded_columns_never_take_the_place_of_a_formats_own() -> None:
    frame = pd.DataFrame({"Text": ["x"], "label": ["y"], "corral_no": ["z"], "original_label": ["q"], "n": [1]})
    assert list(metadata_of(frame).columns) == ["original_Text", "original_original_label", "original_corral_no",
                                                "original_label", "n"]  # fmt: skip
