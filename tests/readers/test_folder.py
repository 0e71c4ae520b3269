"""Folders of Hugging Face, of Argilla, of shards: one table, its labels' names, and nothing outside of the folder."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labelling.dataset import Dataset
from labelling.formats.registry import TOOLS
from labelling.readers import ReadError, read_folder, read_labels, read_table
from labelling.tasks.export import export
from labelling.workspace import Workspace
from tests.readers.helpers import CARD, packed, parquet

CSV = b"text,n\nhello you,1\ngood bye,2\n"


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_hugging_face_folder_whose_readme_names_the_labels(tmp_path: Path) -> None:
    files = {
        "README.md": CARD,
        "data/train-00000-of-00002.parquet": parquet("a b", "c d", label=[1, -1]),
        "data/train-00001-of-00002.parquet": parquet("e f", label=[2]),
        "data/test-00000-of-00001.parquet": parquet("g h", label=[0]),
        ".git/config": b"x",
        "emotion.py": b"raise SystemExit",
    }
    table = read_folder(write(tmp_path / "emotion", files))
    assert table.frame["text"].tolist() == ["g h", "a b", "c d", "e f"]
    assert table.frame["split"].tolist() == ["test", "train", "train", "train"]
    assert read_labels(table.frame, "label") == ["sadness", "joy", None, "no: love"]
    assert any("its README tells" in note for note in table.notes)
    zipped = read_table(packed({name: data for name, data in files.items() if name[0] != "."}), "emotion.zip")
    pd.testing.assert_frame_equal(zipped.frame, table.frame)


@pytest.mark.parametrize(
    "card",
    [
        b"no head",
        b"---\ndataset_info: [\n---\n",
        b"---\n" + b"[" * 5_000 + b"\n---\n",
        b"\xff\xfe---",
        CARD.replace(b"'0'", b"'x'"),
        CARD.replace(b"'1': joy", b"'7': joy"),
        CARD.replace(b"          2: ", b"          3: "),
    ],
)
def test_a_readme_that_names_no_labels_of_these_leaves_the_numbers(tmp_path: Path, card: bytes) -> None:
    files = {"README.md": card, "train.parquet": parquet("a b", "c d", label=[1, 2])}
    assert read_folder(write(tmp_path, files)).frame["label"].tolist() == [1, 2]


def test_lists_of_labels_get_their_names_too(tmp_path: Path) -> None:
    card = CARD.replace(b"dtype:\n      class_label", b"sequence:\n      class_label")
    table = read_folder(write(tmp_path, {"README.md": card, "a.parquet": parquet("a b", "c d", label=[[0, 1], []])}))
    assert [json.loads(cell) for cell in table.frame["label"]] == [["sadness", "joy"], []]


def test_what_corral_exports_comes_back_from_the_folder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    frame = pd.DataFrame({"text": ["my card", "your card", "the refund", "hello"]})
    project = workspace.create("cards", Dataset(frame, "text"), {})
    project.open_log("ann").assign(np.array([0, 1]), "card")
    project.open_log("ann").assign(np.array([2]), "refund")
    for name in ("huggingface", "argilla"):
        folder = tmp_path / name
        path = write(tmp_path, {f"{name}.zip": export(project, TOOLS[name])}) / f"{name}.zip"
        zipfile.ZipFile(path).extractall(folder)
        table = read_folder(folder)
        assert table.frame["text"].tolist() == frame["text"].tolist()
        assert read_labels(table.frame, "label") == ["card", "card", "refund", None], name


def test_shards_of_one_kind(tmp_path: Path) -> None:
    table = read_folder(write(tmp_path / "a", {"part-0.csv": CSV, "part-1.csv": CSV, "notes.md": b"x"}))
    assert table.frame["text"].tolist() == ["hello you", "good bye"] * 2
    assert list(table.frame.columns) == ["text", "n"]
    lines = {"train.jsonl": b'{"text": "a b", "n": 1}\n', "test.jsonl": b'{"text": "c d", "n": null}\n'}
    table = read_folder(write(tmp_path / "b", lines))
    assert table.frame["split"].tolist() == ["test", "train"]
    assert table.frame["n"].dtype == "Int64", "one is empty"
    mixed = {"0.jsonl": b'{"text": "a b", "n": 1}\n', "1.jsonl": b'{"text": "c d", "n": "x"}\n'}
    assert read_folder(write(tmp_path / "c", mixed)).frame["n"].tolist() == ["1", "x"]
    converted = {"default/train/0000.parquet": parquet("a b"), "default/partial-test/0000.parquet": parquet("c d")}
    assert read_folder(write(tmp_path / "d", converted)).frame["split"].tolist() == ["test", "train"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no file"),
        ({"README.md": b"a"}, r"holds 1 file: 'README\.md'.*must hold one table"),
        ({"a.csv": CSV, "b.csv": CSV}, r"holds 2 files: 'a\.csv', 'b\.csv'.*name the file"),
        ({"0.csv": CSV, "1.jsonl": b"{}"}, r"tables of several kinds \(1 csv, 1 jsonl\)"),
        ({"0.csv": CSV, "1.csv": b"other\nx\n"}, "different columns"),
        ({"0.csv": CSV, "1.csv": packed({"b.csv": CSV})}, "packed again"),
        ({"a.csv": b"text\n" + b"a" * 3_000_000}, r"have 3\.0 MB; up to 2\.0 MB"),
        ({"ann.jsonl": b'{"text": "a"}', "bob.jsonl": b'{"text": "b"}'}, "They are not doccano's"),
    ],
)
def test_what_is_refused(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ReadError, match=message):
        read_folder(write(tmp_path / "mine", files), max_bytes=2_000_000)


def test_links_are_followed_within_the_folder_alone(tmp_path: Path) -> None:
    write(tmp_path, {"secret.csv": CSV, "secrets/train.csv": CSV, "mine/data.txt.old": CSV, "mine/sub/x.old": b""})
    link = tmp_path / "mine" / "a.csv"
    link.symlink_to("data.txt.old")
    assert len(read_folder(tmp_path / "mine").frame) == 2
    for target in (tmp_path / "secret.csv", Path("../secret.csv"), Path("../secrets"), Path("nowhere/../../x")):
        link.unlink()
        link.symlink_to(target)
        with pytest.raises(ReadError, match=r"'a\.csv' is a link that leads out of it"):
            read_folder(tmp_path / "mine")
    link.unlink()
    link.symlink_to(".")  # a circle
    with pytest.raises(ReadError, match="must hold one table"):
        read_folder(tmp_path / "mine")
