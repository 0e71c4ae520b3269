"""Labelled texts in parts to train, validate and test."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelling.dataset import Dataset
from labelling.formats.records import FormatError
from labelling.formats.registry import FORMATS, TOOLS
from labelling.readers import read_table
from labelling.tasks.export import export
from labelling.tasks.split import PARTS, assign, split
from labelling.workspace import Project, Workspace


def project_of(workspace: Workspace, n: int = 60, *, multi_label: bool = False, copies: int = 0) -> Project:
    """Texts whose vectors are far apart, but for the last `copies`, which are like the first."""
    frame = pd.DataFrame({"text": [f"text {row}" for row in range(n)], "split": [str(row) for row in range(n)]})
    project = workspace.create("p", Dataset(frame, "text"), {}, multi_label=multi_label)
    vectors = np.eye(n, dtype=np.float32)
    vectors[n - copies :] = vectors[:copies]
    space = project.spaces()[0]
    space.save_embeddings(vectors)
    distances = np.sqrt(((vectors[:, None] - vectors[None]) ** 2).sum(-1))
    np.fill_diagonal(distances, np.inf)
    graph = np.argsort(distances, axis=1, kind="stable")[:, :5].astype(np.int32)
    space.save_graph(graph, np.take_along_axis(distances, graph, 1).astype(np.float32))
    return project


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), max_size=200),
    st.integers(0, 3),
)
def test_a_group_is_in_one_part(rows: list[tuple[int, int]], seed: int) -> None:
    codes, groups = np.array(rows, int).reshape(-1, 2).T
    parts = assign(codes, groups, random_state=seed)
    assert len(parts) == len(rows)
    assert set(parts) <= {0, 1, 2}
    assert all(len(set(parts[groups == group])) == 1 for group in groups)
    np.testing.assert_array_equal(parts, assign(codes, groups, random_state=seed))


def test_each_label_is_in_each_part() -> None:
    codes = np.repeat([0, 1, 2], [100, 50, 20])
    parts = assign(codes, np.arange(170))
    for code, counts in ((0, [80, 10, 10]), (1, [40, 5, 5]), (2, [16, 2, 2])):
        assert np.bincount(parts[codes == code]).tolist() == counts
    assert (assign(codes, np.arange(170), random_state=1) != parts).any()


def test_a_label_of_one_step_is_learnt_from() -> None:
    codes = np.repeat([0, 1], [90, 10])
    groups = np.where(codes == 0, np.arange(100), 1000)
    assert (assign(codes, groups)[codes == 1] == 0).all()


@pytest.mark.parametrize("multi_label", [False, True])
def test_steps_and_near_copies_stay_together(workspace: Workspace, multi_label: bool) -> None:
    project = project_of(workspace, multi_label=multi_label, copies=10)
    log = project.open_log("ann")
    for first in range(0, 48, 4):
        log.assign(np.arange(first, first + 4), "even" if first % 8 else "odd", how={"by": "lasso"})
    log.assign([50, 51, 52, 53], "even", how={"by": "search"})  # copies of 0 to 3
    parts = split(project, log)
    assert [part is None for part in parts] == (~log.known).tolist()
    assert {part for part in parts if part} == set(PARTS)
    for first in range(0, 48, 4):
        assert len(set(parts[first : first + 4])) == 1
    assert len({*parts[:4], *parts[50:54]}) == 1


def test_what_hangs_together_is_not_split(workspace: Workspace) -> None:
    project = project_of(workspace)
    log = project.open_log("ann")
    log.assign(np.arange(40), "all", how={"by": "lasso"})
    with pytest.raises(FormatError, match="nothing would be left for validation and test"):
        split(project, log)


def test_without_a_graph_it_is_said(workspace: Workspace) -> None:
    project = workspace.create("p", Dataset(pd.DataFrame({"text": ["a", "b"]}), "text"), {})
    with pytest.raises(FormatError, match="clear map"):
        split(project, project.open_log())


def test_imported_rows_are_steps_of_their_own(workspace: Workspace) -> None:
    project = project_of(workspace)
    log = project.open_log("ann")
    log.import_labels(["a"] * 30 + ["b"] * 30)
    parts = split(project, log)
    assert [(parts == part).sum() for part in PARTS] == [48, 6, 6]


def test_the_files(workspace: Workspace) -> None:
    project = project_of(workspace)
    log = project.open_log("ann")
    for row in range(40):
        log.assign([row], "even" if row % 2 == 0 else "odd", how={"by": "lasso"})
    parts = split(project, log)
    for name in ("csv", "jsonl", "parquet"):
        frame = FORMATS[name].read(export(project, FORMATS[name], with_origins=True, parts=parts))
        assert frame["original_split"].astype(str).tolist() == [str(row) for row in range(60)]
        written = frame["split"].astype(object)
        assert [value or None for value in written.where(written.notna(), None)] == parts.tolist()
        assert frame["labelled_by"].tolist()[:40] == ["ann"] * 40
        assert frame["chosen_by"].tolist()[:40] == ["lasso"] * 40
        assert frame.columns[-3:].tolist() == ["label", "labelled_at", "source"]
    assert "labelled_by" not in FORMATS["csv"].read(export(project)).columns

    archive = zipfile.ZipFile(io.BytesIO(export(project, TOOLS["training"], parts=parts)))
    assert archive.namelist() == [f"{part}-training.csv" for part in PARTS]
    for part, name in zip(PARTS, archive.namelist(), strict=True):
        texts = TOOLS["training"].read(archive.read(name))["text"].tolist()
        assert texts == [f"text {row}" for row in np.flatnonzero(parts == part)]

    back = read_table(export(project, TOOLS["huggingface"], parts=parts), "p.zip").frame
    row = back["row"].astype(int).to_numpy()
    assert sorted(row) == list(range(60))
    assert [None if part == "unlabelled" else part for part in back["split"]] == parts[row].tolist()
    line = export(project, TOOLS["prodigy"], parts=parts).splitlines()[0].decode()
    assert f'"split": "{parts[0]}"' in line
    assert '"original_split": "0"' in line


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", TOOLS)
def test_each_tool_is_told_the_part(workspace: Workspace, name: str, multi_label: bool) -> None:
    project = project_of(workspace, multi_label=multi_label)
    log = project.open_log("ann")
    for row in range(40):
        log.assign([row], "even" if row % 2 == 0 else "odd", how={"by": "lasso"})
    parts = split(project, log)
    tool = TOOLS[name]
    content = export(project, tool, parts=parts)
    if tool.only_labelled:
        archive = zipfile.ZipFile(io.BytesIO(content))
        for part, each in zip(PARTS, archive.namelist(), strict=True):
            texts = read_table(archive.read(each), each).frame["text"].tolist()
            assert sorted(texts) == sorted(f"text {row}" for row in np.flatnonzero(parts == part))
        return
    frame = read_table(content, tool.tail).frame
    said = frame["split"] if "split" in frame else frame["meta"].map(lambda meta: json.loads(meta)["split"])
    told = {text: part for text, part in zip(frame["text"], said, strict=True) if part in PARTS}
    assert told == {f"text {row}": parts[row] for row in range(40)}
