"""Exports read by the tools' own loaders: `python -m tests.tools`, or with the names of some of them behind it.

Each tool is installed into a folder of its own that goes afterwards: spaCy in a minute (330 MB), Argilla and Label
Studio's SDK in some. With `--python PATH` it is that Python's, and nothing is installed. What a tool loads is compared
with what was exported; then it writes a file of its own of that, as its users get it, which has to come in as the same.
`datasets`, which other tests have, is not here; nor is Prodigy, which is not to be had. Argilla has no server here.
"""

import argparse
import json
import subprocess
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

from labelling.formats.archive import unzip
from labelling.formats.registry import TOOLS, ZIP
from labelling.readers import read_labels, read_table
from tests.formats.helpers import NAMES, ONE, SEVERAL, TEXTS, known, records

# Each is given the export, a .zip of it unpacked, and the file to write; it prints each text with the labels it has.
SPACY = """
import json, sys
import spacy
from spacy.tokens import DocBin
docs = list(DocBin().from_disk(sys.argv[1]).get_docs(spacy.blank("en").vocab))
DocBin(docs=docs, store_user_data=True).to_disk(sys.argv[2])
print(json.dumps([[doc.text, doc.cats] for doc in docs]))
"""
ARGILLA = """
import json, sys, types
from pathlib import Path
from unittest.mock import MagicMock
import argilla
from argilla.records._io import HFDatasetsIO
argilla.Argilla._default_client = MagicMock()  # there is no server
folder = Path(sys.argv[1])
settings = argilla.Settings.from_json(folder / ".argilla" / "settings.json")
of = types.SimpleNamespace(settings=settings, schema=settings.schema)
said = json.loads((folder / "records.json").read_text(encoding="utf-8"))
records = [argilla.Record.from_dict(each, dataset=of) for each in said]
for record in records:
    record.api_model()
HFDatasetsIO.to_datasets(records, of).to_parquet(sys.argv[2])
found = []
for record in records:
    values = [each.value for each in record.responses["label"] if each.status == "submitted"]
    names = [name for value in values for name in (value if isinstance(value, list) else [value])]
    assert set(names) <= set(settings.questions[0].labels)
    found.append([record.fields["text"], dict.fromkeys(names, 1)])
print(json.dumps(found))
"""
LABEL_STUDIO = """
import json, sys, tempfile
from pathlib import Path
from label_studio_sdk.converter import Converter
from label_studio_sdk.label_interface import LabelInterface
folder = Path(sys.argv[1])
config = (folder / "labelling_config.xml").read_text(encoding="utf-8")
tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
interface = LabelInterface(config)
interface.validate()
found = []
for number, task in enumerate(tasks, 1):
    for each in task["predictions"]:
        assert interface.validate_prediction(each), each
    for each in task["annotations"]:
        for region in each["result"]:
            assert interface.validate_region(region), region
    names = [name for each in task["annotations"] for region in each["result"] for name in region["value"]["choices"]]
    found.append([task["data"]["text"], dict.fromkeys(names, 1)])
    # What its server adds to a task.
    task |= {"id": number}
    task["annotations"] = [{**each, "id": number, "completed_by": 1} for each in task["annotations"]]
with tempfile.TemporaryDirectory() as made:
    there = Path(made, "tasks.json")
    there.write_text(json.dumps(tasks), encoding="utf-8")
    Converter(config, made, download_resources=False).convert_to_json_min(str(there), made, is_dir=False)
    Path(sys.argv[2]).write_bytes(Path(made, "result.json").read_bytes())
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Loader:
    """A tool: what pip installs, its script, the file that it writes, and whether it is told what is surely no."""

    requirements: tuple[str, ...]
    script: str
    writes: str
    noes: bool = False


LOADERS = {
    "spacy": Loader(("spacy==3.8.18",), SPACY, "again.spacy", noes=True),
    "argilla": Loader(("argilla==2.8.0", "requests"), ARGILLA, "again.parquet"),  # it lacks what it imports
    "labelstudio": Loader(("label-studio-sdk==2.1.2",), LABEL_STUDIO, "again.json"),
}


def installed(loader: Loader, folder: Path) -> Path:
    """A Python with the tool, in this folder."""
    began = time.monotonic()
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *loader.requirements], check=True)
    print(f"{' and '.join(loader.requirements)} installed in {time.monotonic() - began:.0f} s.", flush=True)
    return python


def check(name: str, python: Path, folder: Path, *, multi_label: bool) -> None:
    tool, loader = TOOLS[name], LOADERS[name]
    content = tool.write(records(multi_label=multi_label))
    out, back = folder / f"{name}-{multi_label}", folder / f"{multi_label}-{loader.writes}"
    if tool.mime == ZIP:
        unzip(content, out)
    else:
        out.write_bytes(content)
    done = subprocess.run([python, "-c", loader.script, out, back], check=True, capture_output=True, text=True)

    labels = [None if code < 0 else NAMES[code] for code in ONE]
    if multi_label:
        cats = [{each: float(v) for each, v in zip(NAMES, row, strict=True) if v >= 0} for row in SEVERAL]
    else:
        cats = [{each: float(each == label) for each in NAMES} if label else {} for label in labels]
    rows = [row for row, each in enumerate(cats) if each or not tool.only_labelled]
    said = cats if loader.noes else [{each: v for each, v in of.items() if v} for of in cats]
    loaded = [[text, {each: float(v) for each, v in of.items()}] for text, of in json.loads(done.stdout)]
    assert loaded == [[TEXTS[row], said[row]] for row in rows], f"{name} loads something else than was exported"

    frame = read_table(back.read_bytes(), back.name).frame
    assert frame["text"].tolist() == [TEXTS[row] for row in rows]
    if multi_label:
        assert known(frame) == [cats[row] for row in rows], f"what {name} writes comes in otherwise"
    else:
        assert read_labels(frame, "label") == [labels[row] for row in rows], f"what {name} writes comes in otherwise"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(LOADERS)}; without any, all")
    parser.add_argument("--python", type=Path)
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(LOADERS):
        parser.error(f"there is no {', '.join(unknown)} here")
    for name in chosen.names or LOADERS:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            python = chosen.python or installed(LOADERS[name], folder / "tool")
            for multi_label in (False, True):
                check(name, python, folder, multi_label=multi_label)
        print(f"{TOOLS[name].title} loads what was exported, and what it writes of that comes in as the same.")


if __name__ == "__main__":
    main()
