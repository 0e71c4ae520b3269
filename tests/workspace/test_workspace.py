"""Projects on disk."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import event, insert, update

from labelling.database.engine import WorkspaceError, writing
from labelling.database.tables import alembic_version, projects
from labelling.dataset import Dataset
from labelling.workspace import Project, Workspace, default_folder, save_array
from labelling.workspace import workspace as module

ROOT = Path(__file__).parents[2]
TEXTS = [
    "plain",
    "",
    "  leading and trailing  ",
    "two\nlines\r\nand a tab\t",
    "NA",
    "null",
    "=1+1",
    "quotes \" and ' and ,;|",
    "نص عربي \u200c 👩\u200d👧 é e\u0301",
    "\0 nul",
    "x" * 100_000,
]


def dataset(texts: list[str] = TEXTS, **columns: object) -> Dataset:
    return Dataset(pd.DataFrame({"text": pd.Series(texts, dtype="str"), **columns}), "text")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return workspace.create("My texts", dataset(), {"model": "m"})


# ---------------------------------------------------------------- projects


def test_create_and_open(workspace: Workspace) -> None:
    dates = pd.date_range("2024-01-01", periods=len(TEXTS), tz="Europe/Berlin")
    made = workspace.create("Grüße <b>", dataset(n=range(len(TEXTS)), at=dates), {"model": None, "prompt": "query: "})
    opened = Workspace(workspace.folder).open(made.id)
    assert (opened.name, opened.n_rows, opened.id) == ("Grüße <b>", len(TEXTS), made.id)
    assert opened.dataset.texts == TEXTS
    assert opened.dataset.frame["n"].tolist() == list(range(len(TEXTS)))
    assert (opened.dataset.frame["at"] == dates).all()
    original = opened.current
    assert (original.id, original.name, original.kind, original.state) == (0, "Original", "encoder", "kept")
    assert original.settings == {"model": None, "prompt": "query: "}
    assert not original.ready
    assert opened.open_log().n_rows == len(TEXTS)


@pytest.mark.parametrize("texts", [["one"], ["one", "two"], ["same"] * 5, ["", "  ", ""]])
def test_tiny_datasets(workspace: Workspace, texts: list[str]) -> None:
    assert workspace.open(workspace.create("few", dataset(texts), {}).id).dataset.texts == texts


def test_the_list_of_projects_is_newest_first(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workspace.projects() == []
    made = []
    for number in range(4):
        monkeypatch.setattr(module, "now", lambda number=number: f"2024-01-01T00:00:00.00{number}+00:00")
        made.append(workspace.create(f"p{number}", dataset(["a"] * (number + 1)), {}).id)
    listed = workspace.projects()
    assert [info.id for info in listed] == made[::-1]
    assert [(info.name, info.n_rows) for info in listed] == [("p3", 4), ("p2", 3), ("p1", 2), ("p0", 1)]


def test_projects_of_one_name_are_told_apart(workspace: Workspace) -> None:
    made = [workspace.create("same name", dataset(["a"]), {}) for _ in range(5)]
    assert len({project.id for project in made}) == 5
    assert all(module.PROJECT_ID.fullmatch(project.id) for project in made)


@pytest.mark.parametrize(
    "project_id",
    ["", "x", "abcdefghijkm", "../../etc", "..", "/etc/passwd", "abcdefghijk/", "abcdefghijkm\n", "%2e%2e%2f" * 2,
     "' OR 1=1 --", "a" * 10_000, "abcdefghijkm\0", "ABCDEFGHIJKM"],
)  # fmt: skip
def test_unknown_and_malicious_ids(workspace: Workspace, project: Project, project_id: str) -> None:
    outside = workspace.folder / "projects" / ".." / "etc"
    with pytest.raises(WorkspaceError, match="no project") as caught:
        workspace.open(project_id)
    assert len(str(caught.value)) < 400
    assert not outside.exists()


def test_an_id_is_not_taken_as_a_folder(workspace: Workspace) -> None:
    dataset().save(workspace.folder / "projects" / "abcdefghijkm" / "dataset")  # left by a killed process
    with pytest.raises(WorkspaceError, match="no project 'abcdefghijkm'"):
        workspace.open("abcdefghijkm")
    assert workspace.projects() == []


def test_an_id_that_is_a_path_is_refused_even_where_the_database_has_it(workspace: Workspace, project: Project) -> None:
    with writing(workspace.engine) as connection:
        connection.execute(insert(projects).values(id="../x", name="", created_at="", n_rows=1, space=0, kind="one"))
    with pytest.raises(WorkspaceError, match="no project"):
        workspace.open("../x")


def test_a_project_that_cannot_be_written_leaves_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Dataset, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "dataset.parquet").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Dataset, "save", full)
        with pytest.raises(WorkspaceError, match="No space left on device"):
            workspace.create("p", dataset(), {})
    event.listen(workspace.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA query_only=ON"))
    with pytest.raises(WorkspaceError, match="not saved, all before was"):
        workspace.create("p", dataset(), {})
    assert workspace.projects() == []
    assert list((workspace.folder / "projects").iterdir()) == []


def test_killed_between_dataset_and_project(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
import pandas as pd
from labelling.workspace import workspace
from labelling.dataset import Dataset
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
made = workspace.Workspace(Path(sys.argv[1]))
workspace.insert_space = die  # the project's row is written by then, not committed
made.create("p", Dataset(pd.DataFrame({"text": pd.Series(["a"], dtype="str")}), "text"), {})
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    workspace = Workspace(tmp_path)
    assert len(os.listdir(tmp_path / "projects")) == 1, "the dataset was there"
    assert workspace.projects() == []
    assert workspace.create("again", dataset(), {}).current.id == 0


def test_another_version_is_refused(workspace: Workspace) -> None:
    with writing(workspace.engine) as connection:
        connection.execute(update(alembic_version).values(version_num="9999"))
    with pytest.raises(WorkspaceError, match=r"schema version 9999.*update Corral"):
        Workspace(workspace.folder)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="CORRAL_WORKSPACE"):
        Workspace(tmp_path / "file" / "work")


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(tmp_path / "here"))
    assert default_folder() == tmp_path / "here"
    assert Workspace().folder == tmp_path / "here"
    monkeypatch.setenv("CORRAL_WORKSPACE", "")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert default_folder() == tmp_path / ".corral"


# ---------------------------------------------------------------- spaces


def add(project: Project, name: str = "tuned") -> int:
    space = project.add_space(name, "FakeTuner", {"keep": 0.5, "labels": {"a": 3}}, parent=0)
    space.save_map("PCA", np.zeros((project.n_rows, 2)))
    space.save_embeddings(np.ones((project.n_rows, 3)))
    return space.id


def test_arrays_of_a_space(project: Project) -> None:
    space = project.current
    assert space.map("PCA") is None
    x = np.random.default_rng(0).normal(size=(project.n_rows, 4))
    x[1] = np.nan
    space.save_embeddings(x)
    space.save_map("UMAP", x[:, :2])
    again = project.current
    assert again.ready
    assert again.embeddings.dtype == np.float32
    np.testing.assert_array_equal(again.embeddings, x.astype(np.float32))
    np.testing.assert_array_equal(again.map("UMAP"), x[:, :2].astype(np.float32))
    assert again.map("PCA") is None


def test_a_candidate_is_kept(project: Project) -> None:
    space_id = add(project)
    candidate = project.space(space_id)
    assert (candidate.state, candidate.parent, candidate.kind) == ("candidate", 0, "FakeTuner")
    assert candidate.settings == {"keep": 0.5, "labels": {"a": 3}}
    assert project.current.id == 0, "a new space is not shown unasked"
    project.keep_space(space_id, "Round 1")
    project.show_space(space_id)
    assert (project.current.name, project.current.state) == ("Round 1", "kept")
    project.show_space(0)
    assert project.current.id == 0
    with pytest.raises(WorkspaceError, match="'Round 1' is kept"):
        project.discard_space(space_id)
    assert project.space(space_id).ready


def test_a_candidate_is_discarded_and_its_id_never_used_again(project: Project) -> None:
    first = add(project)
    folder = project.space(first).folder
    project.discard_space(first)
    assert not folder.exists()
    assert [space.id for space in project.spaces()] == [0]
    with pytest.raises(WorkspaceError, match=f"no space {first}"):
        project.space(first)
    for step in (project.discard_space, project.keep_space, project.show_space):
        with pytest.raises(WorkspaceError, match=f"no space {first}"):
            step(first)
    assert add(project) == first + 1
    assert project.spaces()[0].id == 0


def test_the_original_cannot_be_discarded(project: Project) -> None:
    with pytest.raises(WorkspaceError, match="'Original' is kept"):
        project.discard_space(0)
    assert project.current.id == 0


def test_a_discarded_space_is_not_shown_any_more(project: Project) -> None:
    space_id = add(project)
    project.show_space(space_id)
    project.discard_space(space_id)
    assert project.current.id == 0, "or the project could not be opened again"


def test_discarding_one_leaves_what_is_shown(project: Project) -> None:
    kept, other = add(project), add(project)
    project.keep_space(kept)
    project.show_space(kept)
    project.discard_space(other)
    assert project.current.id == kept


def test_keeping_in_one_tab_what_another_discarded(workspace: Workspace, project: Project) -> None:
    space_id = add(project)
    other = workspace.open(project.id)
    other.discard_space(space_id)
    with pytest.raises(WorkspaceError, match="may have been deleted"):
        project.keep_space(space_id, "mine")
    kept = add(project)
    project.keep_space(kept)
    with pytest.raises(WorkspaceError, match="is kept"):
        other.discard_space(kept)
    assert project.space(kept).ready


def test_keep_and_discard_at_the_same_time(workspace: Workspace, project: Project) -> None:
    for _ in range(10):
        space_id = add(project)
        barrier = threading.Barrier(2)

        def work(step: object, space_id: int = space_id, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            try:
                step(space_id)
            except WorkspaceError:
                return

        threads = [threading.Thread(target=work, args=(step,)) for step in (project.keep_space, project.discard_space)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = [space for space in project.spaces() if space.id == space_id]
        assert all(space.state == "kept" and space.ready for space in left)
        assert bool(left) == (project.folder / "spaces" / str(space_id)).exists()


def test_describe_space_adds_to_the_settings(workspace: Workspace, project: Project) -> None:
    other = workspace.open(project.id)
    project.describe_space(0, n_truncated=3)
    other.describe_space(0, max_tokens=None)
    assert project.current.settings == {"model": "m", "n_truncated": 3, "max_tokens": None}
    with pytest.raises(WorkspaceError, match="no space 7"):
        project.describe_space(7, n_truncated=3)


def test_spaces_belong_to_their_project(workspace: Workspace, project: Project) -> None:
    other = workspace.create("other", dataset(), {})
    add(project)
    assert [space.id for space in other.spaces()] == [0]
    project.keep_space(1)
    project.show_space(1)
    assert other.current.id == 0


def test_settings_that_json_does_not_know(project: Project) -> None:
    space = project.add_space("t", "T", {"random_state": np.random.RandomState(0), "keep": 0.5})
    assert space.settings["keep"] == 0.5
    json.dumps(dict(space.settings))


# ---------------------------------------------------------------- arrays on disk


def test_save_array(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folders" / "a.npy"
    save_array(path, np.arange(6).reshape(3, 2))
    np.testing.assert_array_equal(np.load(path), [[0, 1], [2, 3], [4, 5]])
    assert os.listdir(path.parent) == ["a.npy"]


def test_who_still_reads_the_old_array_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    save_array(path, np.zeros(1000))
    old = np.load(path, mmap_mode="r")
    save_array(path, np.ones(1000))
    assert not old.any()
    assert np.load(path).all()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError("24 requested and 3 written")])
def test_a_write_that_breaks_off_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    path = tmp_path / "a.npy"
    save_array(path, np.zeros(3))

    def save(file, array, **_) -> None:
        file.write(b"half of it")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", save)
        with pytest.raises(WorkspaceError, match=r"a\.npy can't be written \((No space|24 requested)"):
            save_array(path, np.ones(3))
    assert np.load(path).tolist() == [0, 0, 0]
    assert os.listdir(tmp_path) == ["a.npy"]


def test_what_is_no_plain_array_is_not_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        save_array(tmp_path / "a.npy", np.array([{}], object))
    assert os.listdir(tmp_path) == []


def test_a_folder_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="can't be written"):
        save_array(tmp_path / "file" / "a.npy", np.zeros(3))


def test_killed_in_the_middle_of_a_write(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    save_array(path, np.zeros(3))
    code = """
import os, signal, sys
from pathlib import Path
import numpy as np
from labelling.workspace import save_array
def die(file, array, **_):
    file.write(b"half of it")
    file.file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
np.save = die
save_array(Path(sys.argv[1]), np.ones(3))
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert np.load(path).tolist() == [0, 0, 0]


def test_projects_whose_database_is_gone_are_not_buried_under_a_new_one(workspace: Workspace) -> None:
    project = workspace.create("p", dataset(), {})
    workspace.engine.dispose()
    away = workspace.folder / "away.db"
    (workspace.folder / "corral.db").rename(away)
    with pytest.raises(WorkspaceError, match=r"is missing.*1 folders of projects.*Put it back"):
        Workspace(workspace.folder)
    assert not (workspace.folder / "corral.db").exists()
    away.rename(workspace.folder / "corral.db")
    assert Workspace(workspace.folder).open(project.id).name == "p"
