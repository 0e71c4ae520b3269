"""The documentation's Python runs as it stands, and what it names is there."""

import re
import shlex
import zipfile

import numpy as np
import pytest

from tests.helpers import ROOT, run_python

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_its_python_runs() -> None:
    names = run_python(README)
    assert names["points"].shape == (4, 2)
    assert names["guessed"].tolist() == ["card", "refund"]


@pytest.mark.slow
def test_the_python_on_tuners_runs() -> None:
    names = run_python((ROOT / "docs" / "tuners.md").read_text(encoding="utf-8"))
    assert names["points"].shape == (4, 2)
    assert names["guessed"].tolist() == ["card", "refund"]
    assert names["tuner"].predict(names["embeddings"]).tolist() == ["card", "card", "refund", "refund"]
    assert names["label_values"].shape == (5, 2)
    assert names["cosine"].shape == (2,)


def test_the_python_on_labels_runs() -> None:
    names = run_python((ROOT / "docs" / "labels.md").read_text(encoding="utf-8"))
    assert [action.kind for action in names["log"].actions] == ["assign", "audit", "assign", "undo"]


def test_the_python_on_the_page_of_results_runs() -> None:
    names = run_python((ROOT / "docs" / "report.md").read_text(encoding="utf-8"))
    assert "<bdi>card</bdi>" in names["page"]
    assert "card stolen" in names["page"]


def test_the_python_on_formats_runs() -> None:
    names = run_python((ROOT / "docs" / "formats.md").read_text(encoding="utf-8"))
    assert names["back"].keys() == names["TOOLS"].keys()
    table = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in table for name in names["TOOLS"])


@pytest.mark.slow
def test_the_python_on_the_model_runs() -> None:
    names = run_python((ROOT / "docs" / "model.md").read_text(encoding="utf-8"))
    assert names["labels"].tolist() == names["same"].tolist() == ["card", "refund"]
    assert names["probabilities"].argmax() == names["model"].classes_.tolist().index("card")
    assert names["sure"].shape == (1,)
    assert (names["found"].n_rows, names["found"].n_empty) == (2, 1)
    assert '"label": "card"' in names["lines"][0]
    assert '"label": null' in names["lines"][1]


def test_the_python_on_proposals_runs() -> None:
    names = run_python((ROOT / "docs" / "proposals.md").read_text(encoding="utf-8"))
    right = [
        label == f"topic {code}".replace("topic 0", "cards")
        for label, code in zip(names["labels"], names["codes"], strict=True)
    ]
    assert sum(right) > 190
    assert len(names["log"]) < 20
    again, queue = names["again"].answers_, names["queue"].answers_
    assert again.accepted.weights.tolist() == queue.accepted.weights.tolist()


def test_the_python_on_packs_runs() -> None:
    page = (ROOT / "docs" / "pack.md").read_text(encoding="utf-8")
    names = run_python(page)
    assert names["people"] == ["person 1", "person 2", "person 1"]
    assert names["anew"].suggested == {"Feed-forward 1": (6, 6)}
    with zipfile.ZipFile(names["file"]) as pack:
        held = {name.split("/")[0] for name in pack.namelist()}
    assert held == {"pack.json", "texts", "log.jsonl", "labels.jsonl", "spaces", "encoder.safetensors"}
    assert all(f"`{name}" in page for name in held)


@pytest.mark.slow
def test_the_python_on_stores_runs() -> None:
    names = run_python((ROOT / "docs" / "large.md").read_text(encoding="utf-8"))
    assert all("card" in text for text in names["store"].take(np.sort(names["positions"])).column("text").to_pylist())
    assert names["labels"].counts == {"card": 100, "refund": 100}
    assert (names["wrong"].share, names["wrong"].n_read, names["wrong"].n_rows) == (0, 60, 200)


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{page}.md" for page in ("formats", "large", "model", "pack"))])
def test_the_commands_are_there(name: str) -> None:
    from labelling import cli

    cli.main(["--version"])
    page = (ROOT / name).read_text(encoding="utf-8")
    lines = re.findall(r"^corral (.*?)(?:  +#.*)?$", page, flags=re.MULTILINE)
    assert lines
    for words in (shlex.split(part) for line in lines for part in line.split(" && corral ")):
        command = cli.corral.commands.get(words[0]) or cli.corral.commands["open"]  # a file
        options = {each for option in command.params for each in option.opts}
        assert {word for word in words if word.startswith("-")} <= options, words
        formats = next((option.type for option in command.params if option.name == "kind"), None)
        if formats is not None and "--format" in words:
            assert formats.convert(words[words.index("--format") + 1], None, None) != "NAME"


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_its_commands_are_there() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"make (run|test|screenshots)", README)) <= set(targets)


def test_the_demos_have_as_many_messages_as_is_said() -> None:
    from labelling.readers import read_table

    for name in ("demo.csv", "demo_easy.csv"):
        n_rows = len(read_table((ROOT / "data" / name).read_bytes(), name).frame)
        assert f"{n_rows} messages" in README
        assert f"{n_rows} messages" in (ROOT / "pages" / "texts.py").read_text(encoding="utf-8")
        assert f"{n_rows} messages" in (ROOT / "data" / "README.md").read_text(encoding="utf-8")
