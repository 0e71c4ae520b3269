"""Exports read by a tool's own loader: `python -m tests.tools` (a minute, 330 MB to install into a folder that goes).

With `--python PATH` the tool is that Python's, and nothing is installed. spaCy is here, the one of the tools that is
installed in a minute beside `datasets`, which the other tests have. What it loads is compared with what was exported;
then it writes a file of its own of that, which has to come in as the same.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from labelling.formats.registry import TOOLS
from labelling.readers import read_label_values, read_labels, read_table
from tests.formats.helpers import NAMES, ONE, SEVERAL, TEXTS, records

REQUIREMENT = "spacy==3.8.18"
LOAD = """
import json, sys
import spacy
from spacy.tokens import DocBin
docs = list(DocBin().from_disk(sys.argv[1]).get_docs(spacy.blank("en").vocab))
DocBin(docs=docs, store_user_data=True).to_disk(sys.argv[2])
print(json.dumps([[doc.text, doc.cats] for doc in docs]))
"""


def installed(folder: Path) -> Path:
    """A Python with the tool, in this folder."""
    began = time.monotonic()
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT], check=True)
    print(f"{REQUIREMENT} installed in {time.monotonic() - began:.0f} s.")
    return python


def check(python: Path, folder: Path, *, multi_label: bool) -> None:
    out, back = folder / "labelled.spacy", folder / "again.spacy"
    out.write_bytes(TOOLS["spacy"].write(records(multi_label=multi_label)))
    done = subprocess.run([python, "-c", LOAD, out, back], check=True, capture_output=True, text=True)
    if multi_label:
        cats = [{name: float(v) for name, v in zip(NAMES, row, strict=True) if v >= 0} for row in SEVERAL]
    else:
        cats = [{name: float(NAMES[code] == name) for name in NAMES} if code >= 0 else {} for code in ONE]
    wanted = [[text, each] for text, each in zip(TEXTS, cats, strict=True) if each]
    assert json.loads(done.stdout) == wanted, "spaCy loads something else than was exported"
    frame = read_table(back.read_bytes(), back.name).frame
    assert frame["text"].tolist() == [text for text, _ in wanted]
    if multi_label:
        found = read_label_values(frame, ["cats"]).to_dict("records")
        assert [{name: v for name, v in row.items() if v == v} for row in found] == [each for _, each in wanted]
    else:
        assert read_labels(frame, "label") == [NAMES[code] for code in ONE if code >= 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path)
    chosen = parser.parse_args().python
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        python = chosen or installed(folder / "tool")
        for multi_label in (False, True):
            check(python, folder, multi_label=multi_label)
    print("spaCy loads what was exported, and what it writes of that comes in as the same.")


if __name__ == "__main__":
    sys.exit(main())
