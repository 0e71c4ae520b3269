"""The README beside a model: how it is used, on what it was trained, and what it is worth."""

from collections.abc import Mapping

from labelling.learning.evaluation import Evaluation
from labelling.learning.registry import TUNERS
from labelling.workspace import CLASSIFIER, Project, Space

CARD = "README.md"


def card(project: Project, space: Space, counts: Mapping[str, int], form: str) -> str:
    """`counts` are the texts that it was trained on, by label; `form` is the library that loads it."""
    if space.kind == CLASSIFIER:
        what = "A classifier, its head on a language model,"
    else:
        what = f"A {TUNERS[space.kind].title.lower()} tuner behind a sentence encoder,"
    lines = [
        "---",
        f"library_name: {form}",
        "---",
        "",
        f"# {' '.join(project.name.split())}",
        "",
        f"{what} made with Corral from {sum(counts.values()):,} labelled texts.",
        "",
        "```python",
        *(_with_transformers() if form == "transformers" else _with_sentence_transformers(project.multi_label)),
        "```",
        "",
        "| label | texts that it was trained on |",
        "| --- | ---: |",
        *(f"| {_cell(name)} | {n:,} |" for name, n in counts.items()),
        "",
        _worth(space),
    ]
    return "\n".join(lines) + "\n"


def _with_sentence_transformers(multi_label: bool) -> list[str]:
    how = "1 / (1 + np.exp(-logits))" if multi_label else "np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)"
    return [
        "import json",
        "from pathlib import Path",
        "",
        "import numpy as np",
        "from sentence_transformers import SentenceTransformer",
        "",
        'folder = Path(".")',
        "model = SentenceTransformer(str(folder))",
        'labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))',
        'logits = model.encode(["a text"])  # a number for each label',
        f"probability = {how}",
        "print([l for l, p in zip(labels, probability[0]) if p > .5])"
        if multi_label
        else "print(labels[logits[0].argmax()])",
    ]


def _with_transformers() -> list[str]:
    return [
        "from transformers import pipeline",
        "",
        'classify = pipeline("text-classification", ".")',
        'print(classify("a text", truncation=True))',
    ]


def _cell(name: str) -> str:
    return name.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _worth(space: Space) -> str:
    """What is known of it by labels that were held out, never by those that it was trained on."""
    values = space.settings.get("evaluation")
    if not values:
        return "It was not measured on labels that were held out: how right it is nobody knows."
    found = Evaluation.from_dict(values)
    if found is None:
        return "It was measured on the quick map alone, by an earlier version: how right it is nobody knows."
    figures, key = found.figures.get(str(space.id)), str(space.id)
    if figures is None or not found.enough:
        return "Too few labels could be held out to tell how right it is."
    said = (
        f"Of {found.n_rows:,} labels of {found.n_groups:,} actions that were held out {figures.in_space:.0%} were "
        f"found by their neighbours in its space: {found.gain[key]:+.0%} ± {found.margin[key]:.0%} against before."
    )
    return said + (" These figures flatter: texts were held out one by one." if found.flatters else "")
