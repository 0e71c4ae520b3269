"""A tuned model as a folder of its own: the encoder with the tuner behind it, for whoever has sentence-transformers.

The tuner's layers become Dense modules after the encoder's own, so that `encode` gives a number for each label.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelling.encoders import Encoder
from labelling.encoders.sentence import SentenceEncoder
from labelling.errors import StepError
from labelling.learning import tuners
from labelling.learning.evaluation import Evaluation
from labelling.learning.model import ABOUT, LABELS, about
from labelling.learning.registry import TUNERS
from labelling.learning.tuners._layers import DenseLayer
from labelling.workspace import Project, Space
from labelling.workspace.spaces import TUNER_FILE

if TYPE_CHECKING:
    from torch.nn import Module

CARD = "README.md"
PROMPT = "corral"


def save_model(project: Project, encoder: Encoder, folder: Path, space_id: int | None = None) -> Space:
    """Write the encoder and the tuner of a space, by default the newest kept one, to a new folder; which space that is.

    ``SentenceTransformer(folder).encode(texts)`` gives float32 (n_texts, n_labels), the logits of the labels in
    ``labels.json``. The folder is there whole, or not at all. Raises StepError where there is no tuned space, its
    encoder is none of the sentence-transformers, or the folder is there already.
    """
    space = _tuned(project, space_id)
    if not isinstance(encoder, SentenceEncoder):
        raise StepError(
            f"{space.name!r} can't be written as one model: its texts are embedded by {type(encoder).__name__}; only "
            "a model of the sentence-transformers can have the tuner's layers behind it. Export the labels."
        )
    if folder.exists():
        raise StepError(f"{folder} is there already: name a new folder. Nothing was changed.")
    tuner = getattr(tuners, space.kind).load(space.folder / TUNER_FILE)
    names = [str(name) for name in tuner.classes_.tolist()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(encoder, tuner, made)
        (made / LABELS).write_text(json.dumps(names, ensure_ascii=False, indent=1), encoding="utf-8")
        (made / ABOUT).write_text(about(multi_label=project.multi_label), encoding="utf-8")
        (made / CARD).write_text(_card(project, space, names), encoding="utf-8")
        made.chmod(0o755)
        os.rename(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return space


def _tuned(project: Project, space_id: int | None) -> Space:
    if space_id is not None:
        space = project.space(space_id)
        if space.kind not in TUNERS:
            raise StepError(f"The space {space.name!r} was not made by a tuner, and is no model of labels.")
        return space
    kept = (space for space in reversed(project.spaces()) if space.state == "kept" and space.kind in TUNERS)
    if (newest := next(kept, None)) is None:
        raise StepError("There is no tuned space that was kept: improve the map first, on the page or by `tune`.")
    return newest


def _write(encoder: SentenceEncoder, tuner: Any, folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize

    loaded = encoder.loaded()
    modules: list[Module] = [*loaded.children(), Normalize()]
    for layer in tuner.dense_layers():
        modules += _modules(layer)
    model = SentenceTransformer(modules=modules, device="cpu")
    model.prompts, model.default_prompt_name = dict(loaded.prompts), loaded.default_prompt_name
    if encoder.prompt is not None:
        model.prompts, model.default_prompt_name = {PROMPT: encoder.prompt}, PROMPT
    model.save(str(folder), create_model_card=False, safe_serialization=True)


def _modules(layer: DenseLayer) -> "list[Module]":
    import torch
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize
    from torch.nn import GELU, Identity

    n_in, n_out = layer.weight.shape
    dense = Dense(
        n_in,
        n_out,
        activation_function=GELU() if layer.after == "gelu" else Identity(),
        init_weight=torch.tensor(layer.weight.T.copy(), dtype=torch.float32),
        init_bias=torch.tensor(layer.bias, dtype=torch.float32),
    )
    return [dense, Normalize()] if layer.after == "unit" else [dense]


def _card(project: Project, space: Space, names: list[str]) -> str:
    """What the model was made of, and what it is worth."""
    learnt = space.settings.get("labels", {})
    several = project.multi_label
    how = "1 / (1 + exp(-logits))" if several else "exp(logits) / exp(logits).sum(axis=1, keepdims=True)"
    lines = [
        "---",
        "library_name: sentence-transformers",
        "---",
        "",
        f"# {' '.join(project.name.split())}",
        "",
        f"A {TUNERS[space.kind].title.lower()} tuner behind a sentence encoder, made with Corral from "
        f"{sum(learnt.values()):,} labelled texts.",
        "",
        "```python",
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
        f"probability = {how.replace('exp(', 'np.exp(')}",
        "print(labels[logits[0].argmax()])"
        if not several
        else "print([l for l, p in zip(labels, probability[0]) if p > .5])",
        "```",
        "",
        "| label | texts that it was trained on |",
        "| --- | ---: |",
        *(f"| {_cell(name)} | {learnt.get(name, 0):,} |" for name in names),
        "",
        _worth(space),
    ]
    return "\n".join(lines) + "\n"


def _cell(name: str) -> str:
    return name.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _worth(space: Space) -> str:
    """What is known of it by labels that were held out, never by those that it was trained on."""
    values = space.settings.get("evaluation")
    if not values:
        return "It was not measured on labels that were held out: how right it is nobody knows."
    found = Evaluation.from_dict(values)
    figures, key = found.figures.get(str(space.id)), str(space.id)
    if figures is None or not found.enough:
        return "Too few labels could be held out to tell how right it is."
    said = (
        f"Of {found.n_rows:,} labels of {found.n_groups:,} actions that were held out {figures.on_map:.0%} were found "
        f"on its map, by their neighbours: {found.gain[key]:+.0%} ± {found.margin[key]:.0%} against the map before."
    )
    return said + (" These figures flatter: texts were held out one by one." if found.flatters else "")
