"""A project that is packed and unpacked is the same; what can't be taken over is said, and leaves nothing."""

import json
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelling.errors import CorralError
from labelling.formats.registry import FORMATS
from labelling.tasks import packed
from labelling.tasks.embed import embed
from labelling.tasks.export import export
from labelling.tasks.pack import pack
from labelling.tasks.packed_log import PackError
from labelling.tasks.projects import add_texts
from labelling.tasks.replay import replay
from labelling.tasks.unpack import asks_an_endpoint, unpack
from labelling.workspace import Project, Workspace
from tests.packs import ANN, BOB, bench_of, everything, make, member_of, rewritten
from tests.projects import make_dataset

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, tuple[Project, Path]]:
    """A packed project of each kind, by whether a text may have several labels."""
    made = {}
    for multi_label in (False, True):
        folder = tmp_path_factory.mktemp("packed")
        workspace = Workspace(folder / "workspace")
        project = make(workspace, multi_label=multi_label)
        pack(workspace, project, folder / "job.zip")
        made[multi_label] = project, folder / "job.zip"
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "elsewhere")


@pytest.fixture
def job(packs: dict[bool, tuple[Project, Path]], tmp_path: Path) -> Path:
    return Path(shutil.copy(packs[False][1], tmp_path))


def nothing_was_made(workspace: Workspace) -> bool:
    there = [path.name for path in workspace.folder.rglob("*") if "corral.db" not in path.name]
    return workspace.projects() == [] and there in ([], ["projects"])


# ---------------------------------------------------------------- the same again


@pytest.mark.parametrize("multi_label", [False, True])
def test_it_is_the_same_again(packs: dict[bool, tuple[Project, Path]], elsewhere: Workspace, multi_label: bool) -> None:
    project, file = packs[multi_label]
    found = unpack(elsewhere, file)
    assert found.left_out == ()
    assert found.project.id != project.id
    again = elsewhere.open(found.project.id)
    for ours, theirs in zip(everything(project), everything(again), strict=True):
        assert ours == theirs
    for name in ("csv", "jsonl", "parquet"):
        assert export(again, FORMATS[name]) == export(project, FORMATS[name])
    for ours, theirs in zip(project.spaces(), again.spaces(), strict=True):
        np.testing.assert_array_equal(ours.embeddings, theirs.embeddings)
        np.testing.assert_array_equal(ours.map("PCA"), theirs.map("PCA"))
        assert (ours.graph is None) == (theirs.graph is None)
        assert (ours.suggestions is None) == (theirs.suggestions is None)
    assert list(elsewhere.folder.glob("*.tmp")) == []


def test_the_people_go_on_where_they_were(packs: dict[bool, tuple[Project, Path]], elsewhere: Workspace) -> None:
    project, file = packs[False]
    copy = tuple(map(pack_of, (project, unpack(elsewhere, file).project)))
    assert copy[0] == copy[1]


def pack_of(project: Project) -> list[Any]:
    """What comes of an undo and a redo by each, and of what is labelled then: in a copy of the project's own folder."""
    told: list[Any] = []
    for who in (ANN, BOB):
        log = project.open_log(who)
        for step in (log.undo, log.undo, log.redo, log.undo):
            action = step()
            told += [action, log.names().tolist()]
        log.assign([30, 31], "new", overwrite=True)
        told += [log.label(log.find("new").id), log.names().tolist()]  # type: ignore[union-attr]
    log.revert(3)
    return [[replace(each, at="") if hasattr(each, "at") else each for each in told], log.names().tolist()]


def test_without_vectors_they_are_made_anew(packs: dict[bool, tuple[Project, Path]], elsewhere: Workspace) -> None:
    project, _ = packs[True]
    small = elsewhere.folder / "small.zip"
    workspace = Workspace(project.folder.parents[1])
    pack(workspace, project, small, vectors=False)
    assert not [name for name in zipfile.ZipFile(small).namelist() if name.endswith(".npy")]
    found = unpack(elsewhere, small)
    assert not found.project.spaces()[0].ready
    embed(bench_of(elsewhere, found.project))
    for ours, theirs in zip(project.spaces(), found.project.spaces(), strict=True):
        np.testing.assert_allclose(ours.embeddings, theirs.embeddings, atol=1e-5)


def test_texts_are_added_to_an_unpacked_project(packs: dict[bool, tuple[Project, Path]], elsewhere: Workspace) -> None:
    again = unpack(elsewhere, packs[False][1]).project
    add_texts(again, make_dataset(["card payment refused", "refund money"]))
    embed(bench_of(elsewhere, again))
    assert [len(space.embeddings) for space in again.spaces()] == [42, 42]
    assert again.suggesting is not None
    assert again.suggesting.suggestions is not None
    longer = elsewhere.folder / "longer.zip"
    pack(elsewhere, again, longer)
    assert everything(unpack(elsewhere, longer).project) == everything(again)


@pytest.mark.parametrize("which", ["one label a text", "yes, no or unknown"])
def test_a_project_of_an_earlier_version(tmp_path: Path, elsewhere: Workspace, which: str) -> None:
    """Its log was brought up to date by a migration, its vectors were brought along."""
    with zipfile.ZipFile(DATA / "workspace_0_5.zip") as file:
        file.extractall(tmp_path)
    workspace = Workspace(tmp_path / "workspace")
    (found,) = (info for info in workspace.projects() if info.name == which)
    project = workspace.open(found.id)
    pack(workspace, project, tmp_path / "job.zip")
    again = unpack(elsewhere, tmp_path / "job.zip").project
    assert everything(again) == everything(project)
    embed(bench_of(elsewhere, again))
    np.testing.assert_array_equal(again.spaces()[0].embeddings, project.spaces()[0].embeddings)
    made = replay(elsewhere, tmp_path / "job.zip", bench_of(elsewhere, again).encoder_for)
    assert (made.equal, made.not_made) == (True, {})


def test_it_becomes_whose_who_takes_it_over(job: Path, elsewhere: Workspace) -> None:
    project = unpack(elsewhere, job, owner="Eve@example.org").project
    assert project.owner == "eve@example.org"
    assert elsewhere.projects() == []
    with pytest.raises(CorralError, match="no project"):
        elsewhere.open(project.id)


# ---------------------------------------------------------------- of another version


@pytest.mark.parametrize("which", ["one", "several"])
def test_a_pack_of_format_1_opens(elsewhere: Workspace, which: str) -> None:
    """Made by `tests.packs.write_recorded` when format 1 was new: what any later Corral must open."""
    file = DATA / f"pack_1_{which}.zip"
    project = unpack(elsewhere, file).project
    assert export(project, FORMATS["jsonl"]) == (DATA / f"pack_1_{which}.jsonl").read_bytes()
    log = project.open_log()
    assert {action.who for action in log.actions} == {ANN, BOB}
    assert [space.name for space in project.spaces()] == ["Original", "bent"]
    made = replay(elsewhere, file, bench_of(elsewhere, project).encoder_for)
    assert (made.equal, made.not_made) == (True, {})
    assert export(made.project, FORMATS["jsonl"]) == export(project, FORMATS["jsonl"])


def test_a_pack_of_a_later_format_is_refused(job: Path, elsewhere: Workspace) -> None:
    later = {"pack": packed.PACK_FORMAT + 1, "what": "nobody knows"}
    with pytest.raises(PackError, match=r"format 2.*update Corral"):
        unpack(elsewhere, rewritten(job, {"pack.json": json.dumps(later).encode()}))
    assert nothing_was_made(elsewhere)


# ---------------------------------------------------------------- what is not in it


def all_bytes(file: Path) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return b"\n".join([*(name.encode() for name in archive.namelist()), *map(archive.read, archive.namelist())])


def test_nobodys_name(tmp_path: Path, elsewhere: Workspace) -> None:
    workspace = Workspace(tmp_path / "workspace")
    project = make(workspace, owner="owner@example.org")
    pack(workspace, project, tmp_path / "named.zip")
    assert ANN.encode() in all_bytes(tmp_path / "named.zip")
    assert b"owner@example.org" not in all_bytes(tmp_path / "named.zip")
    assert str(tmp_path).encode() not in all_bytes(tmp_path / "named.zip")
    pack(workspace, project, tmp_path / "job.zip", anonymous=True)
    content = all_bytes(tmp_path / "job.zip")
    assert not [name for name in (ANN, BOB, "owner@example.org") if f'"{name}"'.encode() in content]
    log, ours = unpack(elsewhere, tmp_path / "job.zip").project.open_log(), project.open_log()
    people = {ANN: "person 1", BOB: "person 2"}
    assert [action.who for action in log.actions] == [people[action.who] for action in ours.actions]
    assert [replace(action, who="") for action in log.actions] == [replace(each, who="") for each in ours.actions]


def test_no_key(tmp_path: Path, elsewhere: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    workspace = Workspace(tmp_path / "workspace")
    settings = {
        "kind": "endpoint",
        "model": "m",
        "base_url": "https://user:sk-password@api.example.org/v1?key=sk-query",
        "api_key": "sk-setting",
        "key_variable": "sk-variable",
    }
    project = workspace.create("texts", make_dataset(), settings)
    pack(workspace, project, tmp_path / "job.zip")
    assert b"sk-" not in all_bytes(tmp_path / "job.zip")
    assert asks_an_endpoint(tmp_path / "job.zip") == "https://api.example.org/v1"
    again = unpack(elsewhere, tmp_path / "job.zip").project
    kept = {"kind": "endpoint", "model": "m", "base_url": "https://api.example.org/v1"}
    assert again.spaces()[0].settings == kept


def test_a_models_folder_is_nobodys_business(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    project = workspace.create("texts", make_dataset(), {"kind": "sentence", "model": "/home/ann/models/mine"})
    pack(workspace, project, tmp_path / "job.zip", anonymous=True)
    (space,) = json.loads(member_of(tmp_path / "job.zip", "pack.json"))["spaces"]
    assert space["settings"] == {"kind": "sentence", "model": "mine"}


# ---------------------------------------------------------------- bad files

Change = Callable[[Path], Path]


def with_line(number: int, **fields: Any) -> Change:
    """Changes a line of the log, counted from 1."""

    def change(job: Path) -> Path:
        lines = member_of(job, "log.jsonl").splitlines()
        lines[number - 1] = json.dumps({**json.loads(lines[number - 1]), **fields}).encode()
        return rewritten(job, {"log.jsonl": b"\n".join(lines) + b"\n"})

    return change


def with_raw_line(line: bytes) -> Change:
    def change(job: Path) -> Path:
        lines = member_of(job, "log.jsonl").splitlines()
        return rewritten(job, {"log.jsonl": b"\n".join([lines[0], line, *lines[2:]])})

    return change


def with_about(change_it: Callable[[dict[str, Any]], object]) -> Change:
    def change(job: Path) -> Path:
        about = json.loads(member_of(job, "pack.json"))
        change_it(about)
        return rewritten(job, {"pack.json": json.dumps(about).encode()})

    return change


def with_files(**files: Any) -> Change:
    return lambda job: rewritten(job, {name.replace("__", "/"): content for name, content in files.items()})


def cut(job: Path) -> Path:
    job.write_bytes(job.read_bytes()[: job.stat().st_size // 2])
    return job


def flipped(job: Path) -> Path:
    """A byte of the log that a disk has changed."""
    content = bytearray(job.read_bytes())
    place = content.index(b"log.jsonl") + 200
    content[place] ^= 0xFF
    job.write_bytes(content)
    return job


def bomb(job: Path) -> Path:
    """It says that its log unpacks to 4 GB and a bit, as a file of zeros would."""
    content = job.read_bytes()
    place = content.rindex(b"log.jsonl") - 46  # in the list of files at the end
    assert content[place : place + 4] == b"PK\x01\x02"
    job.write_bytes(content[: place + 24] + struct.pack("<I", 2**32 - 2) + content[place + 28 :])
    return job


def array(values: Any, dtype: Any = np.float32) -> bytes:
    import io

    out = io.BytesIO()
    np.save(out, np.asarray(values, dtype))
    return out.getvalue()


def parquet_bomb(job: Path) -> Path:
    """Its texts are forty rows of a hundred million letters each, in some kilobytes."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 40, pa.int8()), pa.array(["x" * 100_000_000]))
    pq.write_table(pa.table({"text": text}), out, compression="zstd")
    return rewritten(job, {"texts/dataset": b"", "texts/dataset.parquet": out.getvalue()})


BAD: dict[str, tuple[Change, str]] = {
    "no zip": (lambda job: [job.write_bytes(b"text\nhello\n"), job][1], "no pack, or is cut off or damaged"),
    "empty": (lambda job: [job.write_bytes(b""), job][1], "no pack, or is cut off or damaged"),
    "cut off": (cut, "no pack, or is cut off or damaged"),
    "a byte": (flipped, "damaged"),
    "bomb": (bomb, "as made to do harm"),
    "parquet bomb": (parquet_bomb, "texts in the pack"),
    "climbs": (with_files(**{"..__..__evil.txt": b"x"}), "leads out of its folder"),
    "climbs in Windows": (with_files(**{"a\\..\\..\\evil.txt": b"x"}), "leads out of its folder"),
    "absolute": (with_files(**{"__etc__evil": b"x"}), "leads out of its folder"),
    "drive": (with_files(**{"C:evil": b"x"}), "leads out of its folder"),
    "another zip": (with_files(**{"pack.json": None}), "no pack: it has no pack.json"),
    "no log": (with_files(**{"log.jsonl": None}), "lacks log.jsonl"),
    "no labels": (with_files(**{"labels.jsonl": None}), "lacks labels.jsonl"),
    "no texts": (with_files(**{"texts__dataset.parquet": None}), "lacks texts/dataset.parquet"),
    "no encoder": (with_files(**{"encoder.safetensors": None}), "lacks encoder.safetensors"),
    "another encoder": (with_files(**{"encoder.safetensors": b"x"}), "word counts in the pack"),
    "damaged texts": (with_files(**{"texts__dataset.parquet": b"PAR1 PAR1"}), "texts in the pack"),
    "other columns": (
        with_files(**{"texts__dataset.json": b'{"text_column": "nothing", "label_column": null}'}),
        "texts in the pack",
    ),
    "manifest": (with_files(**{"pack.json": b"{"}), "pack.json in the pack is damaged"),
    "manifest deep": (with_files(**{"pack.json": b"[" * 100_000}), "pack.json in the pack is damaged"),
    "manifest lacks": (with_about(lambda about: about.pop("project")), "there is no 'project'"),
    "more rows": (with_about(lambda about: about["project"].update(n_rows=41)), "40 rows, not 41"),
    "fewer actions": (with_about(lambda about: about.update(n_actions=3)), "3: it is cut off"),
    "another kind": (with_about(lambda about: about["project"].update(kind="many")), "kind of project 'many'"),
    "no such space": (with_about(lambda about: about["project"].update(shown=7)), "the space that is shown"),
    "kind of space": (with_about(lambda about: about["spaces"][2].update(kind="__builtins__")), "kind of space"),
    "kind of encoder": (
        with_about(lambda about: about["spaces"][0].update(settings={"kind": "os"})),
        "encoder of the kind 'os'",
    ),
    "a path": (
        with_about(lambda about: about["spaces"][0]["settings"].update(fitted="../../evil")),
        "word counts in the pack",
    ),
    "a setting": (with_about(lambda about: about["spaces"][0]["settings"].update(run="x")), "settings in the pack"),
    "figures": (with_about(lambda about: about["spaces"][2]["settings"].update(evaluation={"a": 1})), "is damaged"),
    "vectors": (with_files(**{"spaces__0__embeddings.npy": array(np.zeros((39, 3)))}), "embeddings of the space"),
    "pickle": (with_files(**{"spaces__0__PCA.npy": b"\x80\x04."}), "PCA of the space"),
    "neighbours": (
        with_files(**{"spaces__0__neighbours.npy": array(np.full((40, 3), 40), np.int32)}),
        "neighbours of the space",
    ),
    "suggestions": (with_files(**{"spaces__2__suggested.npy": array(np.full(40, 99), np.int32)}), "suggested of"),
    "tuner": (with_files(**{"spaces__2__tuner.safetensors": b"x" * 20}), "space 'bent' in the pack is damaged"),
    "store": (
        with_about(lambda about: about["project"].update(store={"id": "1", "name": ["x"], "n_texts": 50})),
        "the store that its texts are of",
    ),
    "smaller store": (
        with_about(lambda about: about["project"].update(store={"id": "1", "name": "x", "n_texts": 0})),
        "the store that its texts are of",
    ),
    "spread": (
        with_about(
            lambda about: about["project"].update(
                store={"id": "1", "name": "x", "n_texts": 50}, audit=[{"label": "card", "seq": 99, "n_texts": 9}]
            )
        ),
        "what was spread",
    ),
    "no JSON": (with_raw_line(b'{"seq": 2, "at'), r"Line 2 of log.jsonl is damaged"),
    "no object": (with_raw_line(b"7"), r"Line 2 of log.jsonl is damaged"),
    "deep": (with_raw_line(b"[" * 100_000), r"Line 2 of log.jsonl is damaged"),
    "not finite": (with_raw_line(b'{"seq": NaN}'), r"Line 2 of log.jsonl is damaged"),
    "no Unicode": (with_raw_line(b'{"seq": "\xff"}'), r"Line 2 of log.jsonl is damaged"),
    "another number": (with_line(2, seq=3), "must be action 2"),
    "kind": (with_line(2, kind="explode"), "no kind of action 'explode'"),
    "no list": (with_line(2, targets=None), r"Line 2 of log.jsonl is damaged"),
    "later action": (with_line(13, targets=[40]), "later action"),
    "undo of nothing": (with_line(13, targets=[]), "about no action"),
    "label": (with_line(2, label=99), "no label 99"),
    "who": (with_line(2, who={"a": 1}), "who is"),
    "when": (with_line(2, at="yesterday"), r"Line 2 of log.jsonl is damaged"),
    "how": (with_line(2, how=[]), "must be an object"),
    "proposal": (
        with_line(2, source="proposal", how={"read": [0], "wrong": [1, 2], "suggested": [0]}),
        "what was suggested of what is wrong",
    ),
    "suggested": (
        with_line(2, source="proposal", how={"read": [0], "wrong": [1], "suggested": [99]}),
        "a label that was suggested",
    ),
    "rows": (with_line(2, changes=[{"column": -1, "rows": [0, 40], "after": 0}]), "none of 40"),
    "rows below": (with_line(2, changes=[{"column": -1, "rows": [-1, 0], "after": 0}]), "none of 40"),
    "order": (with_line(2, changes=[{"column": -1, "rows": [1, 1], "after": 0}]), "not in order"),
    "fractions": (with_line(2, changes=[{"column": -1, "rows": [0.5], "after": 0}]), "whole numbers"),
    "huge": (with_line(2, changes=[{"column": -1, "rows": [10**30], "after": 0}]), "whole numbers"),
    "column": (with_line(2, changes=[{"column": 0, "rows": [0], "after": 0}]), "no label 0"),
    "after": (with_line(2, changes=[{"column": -1, "rows": [0], "after": 9}]), "a value is not in"),
    "too few": (with_line(2, changes=[{"column": -1, "rows": [0, 1], "after": [0]}]), "must have 2 values"),
    "set by": (with_line(2, changes=[{"column": -1, "rows": [0], "after": 0, "set_by": 1}]), "what set its rows"),
    "twice": (with_line(2, changes=[{"column": -1, "rows": [0], "after": 0}] * 2), "changes a label twice"),
    "label's number": (with_line(2, labels={"7": {"name": "x"}}), "a label's number"),
    "label's name": (with_line(2, labels={"1": {"mark": 1}}), "a label has no name"),
    "label's field": (with_line(2, labels={"1": {"name": "x", "html": "<b>"}}), "a label's 'html'"),
    "long name": (with_line(2, labels={"1": {"name": "x" * 1_000}}), "a label's name"),
    "no audit": (with_line(12, how={"by": "audit"}), "there is no 'sample'"),
    "of another log": (with_line(2, changes=[{"column": -1, "rows": [0, 3], "after": 0}]), "does not follow"),
    "labels of others": (with_files(**{"labels.jsonl": b'{"row": 0, "label": "card"}'}), "does not follow"),
    "labels' rows": (with_files(**{"labels.jsonl": b'{"row": 40, "label": "card"}'}), "Line 1 of labels.jsonl"),
}


@pytest.mark.parametrize("which", BAD)
def test_what_is_bad_is_said_and_leaves_nothing(job: Path, elsewhere: Workspace, which: str) -> None:
    change, message = BAD[which]
    with pytest.raises(PackError, match=message) as raised:
        unpack(elsewhere, change(job))
    assert len(str(raised.value)) < 700
    assert nothing_was_made(elsewhere)
    assert not list(job.parent.glob("**/evil*"))


def test_a_file_with_a_password(job: Path, elsewhere: Workspace) -> None:
    content = bytearray(job.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(signature), bytes(content)):
            content[found.start() + flags] |= 1
    job.write_bytes(content)
    with pytest.raises(PackError, match="unusual way"):
        unpack(elsewhere, job)
    assert nothing_was_made(elsewhere)


def test_no_file(tmp_path: Path, elsewhere: Workspace) -> None:
    with pytest.raises(PackError, match="There is no file"):
        unpack(elsewhere, tmp_path / "none.zip")


def test_a_failure_at_the_very_end_leaves_nothing(
    job: Path, elsewhere: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("labelling.tasks.unpack.take_over", fail)
    with pytest.raises(CorralError, match="No space left"):
        unpack(elsewhere, job)
    assert not list(elsewhere.folder.glob("projects/*"))
    assert not list(elsewhere.folder.glob("*.tmp"))
    assert elsewhere.projects() == []


def test_what_can_not_be_packed_leaves_the_file(
    packs: dict[bool, tuple[Project, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = packs[False]
    workspace = Workspace(project.folder.parents[1])
    out = tmp_path / "job.zip"
    out.write_bytes(b"of before")
    few = workspace.open(project.id)
    few.n_rows = 10
    few.__dict__["dataset"] = make_dataset(["a"] * 10)
    with pytest.raises(PackError, match="pack it again"):
        pack(workspace, few, out)
    with pytest.raises(CorralError, match="can't be written"):
        pack(workspace, project, tmp_path / "job.zip" / "inside")
    assert out.read_bytes() == b"of before"
    assert [path.name for path in tmp_path.iterdir()] == ["job.zip"]
