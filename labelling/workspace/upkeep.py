"""What whoever runs the server does with a workspace: look whether it is whole, copy it while it is used, tidy up."""

import re
import shutil
import sqlite3
import tempfile
import time
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text

from labelling import files
from labelling.database.engine import WorkspaceError, problems_of, reading
from labelling.database.tables import projects
from labelling.files import write_whole
from labelling.workspace import Project, Workspace
from labelling.workspace.deleting import GOING, finish
from labelling.workspace.workspace import PROJECT_ID

# Nothing takes that long between a temporary file, or a project's folder, and what makes it whole.
LEFT_OVER_SECONDS = 3_600
LEFTOVERS = "leftovers"
_OURS = re.compile(r"\.[0-9a-f]{8}\.tmp$")  # as `files.write_whole` and `Project.append` name them


@dataclass(frozen=True)
class Problem:
    """Something that is wrong: in which project (None: in the workspace), what, and what becomes of it."""

    project: str | None
    what: str
    then: str


# ---------------------------------------------------------------- whole or not


def check(workspace: Workspace, project_id: str | None = None) -> list[Problem]:
    """All that is damaged or missing, of one project or of all; every byte is read, and none is changed.

    Raises WorkspaceError where there is no such project, or the database can't be read.
    """
    found = _check_database(workspace) if project_id is None else []
    with reading(workspace.engine) as connection:
        rows = connection.execute(select(projects)).all()
    rows = [row for row in rows if project_id in (None, row.id)]
    if project_id is not None and not rows:
        raise WorkspaceError(f"There is no project {project_id[:40]!r} in this workspace.")
    for row in rows:
        found += _check_project(Project(workspace.engine, workspace.folder / "projects" / row.id, row))
    if project_id is None:
        found += [
            Problem(None, f"{folder} belongs to no project", "it may be of another database, or left over from a kill")
            for folder in _orphans(workspace, {row.id for row in rows})
        ]
    return found


def _check_database(workspace: Workspace) -> list[Problem]:
    said = problems_of(workspace.engine)
    if workspace.engine.dialect.name == "sqlite":
        with reading(workspace.engine) as connection:
            orphans = connection.execute(text("PRAGMA foreign_key_check"))
            said += [f"a row of {row[0]} belongs to nothing" for row in orphans]
    return [Problem(None, f"the database: {line}", "put the newest copy of it back") for line in said]


def _check_project(project: Project) -> list[Problem]:
    found = []
    try:
        _ = project.dataset
    except WorkspaceError as error:
        found.append(Problem(project.id, str(error), "the project does not open until a copy is put back"))
    try:
        log = project.open_log()
        for action in log.actions:
            log.rows_of(action.seq)
            log.how(action.seq)
    except WorkspaceError as error:
        found.append(Problem(project.id, str(error), "put the newest copy of the database back"))
    for path in sorted(project.folder.glob("vectors-*.npy")):
        if not files.is_whole(path):
            found.append(
                Problem(project.id, f"{path} is damaged", "put a copy of it back: these vectors were brought along")
            )
    for path in sorted(project.folder.glob("spaces/*/*.npy")):
        if not files.is_whole(path):
            then = "it is made again when the project is opened, where what made it is there"
            found.append(Problem(project.id, f"{path} is damaged", then))
    try:
        project.spaces()
    except WorkspaceError as error:
        found.append(Problem(project.id, str(error), "put the newest copy of the database back"))
    return found


# ---------------------------------------------------------------- a copy


def backup(workspace: Workspace, file: Path) -> int:
    """Copy the workspace into a .zip while it may be in use; the number of projects in it.

    The database is copied first, as it is at one moment, then the projects' files, which are never changed, only
    replaced whole: what the copied database names is in the copy. The embeddings' cache is left out, as it can be made
    again. To put it back, unpack it into an empty folder and point CORRAL_WORKSPACE there. Raises WorkspaceError where
    the labels are in PostgreSQL (pg_dump makes a copy of these), or something can't be read or written.
    """
    if workspace.engine.dialect.name != "sqlite":
        raise WorkspaceError(
            "The labels are in PostgreSQL: copy these with pg_dump, and the workspace's folder after it."
        )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "corral.db"
        with reading(workspace.engine) as connection, closing(sqlite3.connect(copy)) as target:
            source: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            source.backup(target)
            ids = [row[0] for row in target.execute("select id from projects")]

        def fill(out: object) -> None:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # type: ignore[call-overload]
                archive.write(copy, "corral.db")
                kept = [workspace.folder / "projects" / project_id for project_id in ids]
                for path in (path for each in (*kept, workspace.folder / "encoders") for path in each.rglob("*")):
                    if path.is_file() and path.suffix != ".tmp":
                        archive.write(path, path.relative_to(workspace.folder))

        try:
            write_whole(file, fill)
        except OSError as error:
            raise WorkspaceError(f"{file} can't be written ({error.strerror or error}): nothing was copied.") from error
    return len(ids)


# ---------------------------------------------------------------- tidying up


def sweep(workspace: Workspace) -> list[Path]:
    """Remove temporary files of processes that were killed, finish deletions that were, and put aside folders of
    projects that never came to be.

    What it returns was removed or moved to the folder "leftovers". Nothing of the last hour is touched: another process
    may be at work on it.
    """
    before = time.time() - LEFT_OVER_SECONDS
    gone = []
    for pattern in ("*.tmp", "projects/*/*.tmp", "projects/*/*/*.tmp", "projects/*/*/*/*.tmp", "encoders/*.tmp"):
        for path in workspace.folder.glob(pattern):
            if _OURS.search(path.name) and path.stat().st_mtime < before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                gone.append(path)
    with reading(workspace.engine) as connection:
        known = set(connection.scalars(select(projects.c.id)))
    for note in workspace.folder.glob(f"projects/*/{GOING}"):
        if note.stat().st_mtime < before:
            if note.parent.name in known:  # a deletion that was killed before it took effect
                note.unlink()
            else:
                finish(workspace, note.parent)
            gone.append(note)
    for folder in _orphans(workspace, known):
        # With spaces it has been worked on: it may belong to another copy of the database.
        if folder.stat().st_mtime < before and not (folder / "spaces").exists():
            aside = workspace.folder / LEFTOVERS / folder.name
            aside.parent.mkdir(exist_ok=True)
            folder.rename(aside)
            gone.append(folder)
    return gone


def _orphans(workspace: Workspace, known: set[str]) -> list[Path]:
    folders = sorted(workspace.folder.glob("projects/*"))
    return [folder for folder in folders if PROJECT_ID.fullmatch(folder.name) and folder.name not in known]
