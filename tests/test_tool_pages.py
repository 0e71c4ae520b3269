"""The documentation's pages on other tools: each has one, and its commands run as they stand, one after the other."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from labelling.cli import main
from labelling.formats.archive import unzip
from labelling.formats.registry import TOOLS, ZIP
from labelling.readers import read_folder, read_labels, read_table
from labelling.workspace import Workspace
from tests.formats.helpers import records
from tests.helpers import ROOT

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "tools").glob("*.md")}


def test_each_tool_has_one() -> None:
    formats = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert PAGES.keys() == TOOLS.keys()
    assert [name for name in PAGES if f"](tools/{name}.md)" not in formats] == []


def labels_in(path: Path) -> dict[str, str | None]:
    """Of each text in a file, or in all of a folder's; what is to train with is a file a part."""
    if parts := sorted(path.glob("*-*.*")):
        return {text: label for part in parts for text, label in labels_in(part).items()}
    frame = (read_folder(path) if path.is_dir() else read_table(path.read_bytes(), path.name)).frame
    return dict(zip(frame["text"], read_labels(frame, "label"), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", TOOLS)
def test_its_commands_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)
    opened, *others = re.findall(r"^corral (.*?)(?: +#.*)?$", PAGES[name], flags=re.MULTILINE)
    rng, words = np.random.default_rng(0), np.array([f"w{n}" for n in range(200)])
    texts = [f"the {('card', 'refund')[n % 2]} {' '.join(rng.choice(words, 4))}" for n in range(60)]
    content = TOOLS[name].write(
        records(names=("card", "refund"), texts=texts, codes=[n % 2 if n < 50 else -1 for n in range(60)])
    )
    labelled = {text: ("card", "refund")[n % 2] for n, text in enumerate(texts[:50])}
    file = Path(shlex.split(opened)[0])
    if file.suffix or TOOLS[name].mime != ZIP:
        file.write_bytes(content)
    else:
        unzip(content, file)
    assert main([*shlex.split(opened), "--encoder", "tfidf", "--json"]) == 0
    project = Workspace().open(json.loads(capsys.readouterr().out)["id"])
    log = project.open_log()
    assert {text: label for text, label in zip(project.dataset.texts, log.names(), strict=True) if label} == labelled
    assert len(project.dataset) == (50 if TOOLS[name].only_labelled else 60)
    if any(line.startswith("model") for line in others):
        assert main(["tune", project.id]) == 0
    for line in others:
        command = shlex.split(line.replace("ID", project.id))
        assert main(command) == 0, line
        out = Path(command[command.index("-o") + 1])
        assert out.exists()
        if command[0] == "export":
            assert {text: label for text, label in labels_in(out).items() if label} == labelled
