"""Projects that are deleted: all of it, and safe to be killed at any moment.

A file in the project's folder says that it is to go. Then its rows leave the database in one transaction: until that
is done the project is there whole, from then on it is gone, and whoever tidies up (`upkeep.sweep`) finishes the rest.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, select

from labelling.database.engine import WorkspaceError, reading, writing
from labelling.database.tables import actions, changes, members, projects, spaces
from labelling.dataset import Dataset
from labelling.errors import log
from labelling.files import write_whole
from labelling.workspace.project import no_project
from labelling.workspace.spaces import cannot_write

if TYPE_CHECKING:
    from labelling.workspace.workspace import Workspace

GOING = "deleted.json"  # in the folder of a project that is to go: whose it was


def delete_project(workspace: "Workspace", project_id: str, account: str | None = None) -> None:
    """Delete a project with its texts, maps, labels, and the embeddings that no other project of its owner uses.

    `account` is who asks; see `Workspace.open`. Raises WorkspaceError where there is no such project, where somebody
    else owns it, or where it can't be written: it is there whole then. What the system keeps it from removing after
    that is left for `upkeep.sweep`.
    """
    project = workspace.open(project_id, account)
    if project.owner != account:
        raise WorkspaceError(f"Only its owner can delete {project.name!r}: {project.owner} shares it with you.")
    path = project.folder / GOING
    try:
        write_whole(path, lambda file: file.write(json.dumps({"owner": project.owner}).encode()))
    except OSError as error:
        raise cannot_write(path, error) from error
    with writing(workspace.engine, project_id) as connection:
        for table in (members, spaces, changes, actions):
            connection.execute(delete(table).where(table.c.project_id == project_id))
        ours = (projects.c.id == project_id) & _owned_by(account)
        if not connection.execute(delete(projects).where(ours)).rowcount:  # deleted, or given away, meanwhile
            raise no_project(project_id)
    try:
        finish(workspace, project.folder)
    except OSError as error:
        log.warning("what is left of the deleted project %s is tidied up later: %s", project_id, error)


def _owned_by(account: str | None) -> ColumnElement[bool]:
    return projects.c.owner.is_(None) if account is None else projects.c.owner == account


def finish(workspace: "Workspace", folder: Path) -> None:
    """Remove what is left of a project that is no longer in the database. Its embeddings go first, by its texts."""
    owner = json.loads((folder / GOING).read_bytes())["owner"]
    texts: set[str] = set()
    for path in folder.glob("dataset*"):
        try:
            texts.update(Dataset.load(path).texts)
        except Exception:  # damaged, or half removed by an attempt before: its embeddings stay
            log.warning("the texts in %s can't be read: their embeddings are not removed", path)
    if texts:
        with reading(workspace.engine) as connection:
            others = list(connection.execute(select(projects).where(_owned_by(owner))))
        for row in others:
            if not texts:
                break
            texts -= set(workspace.project(row).dataset.texts)
        workspace.cache_of(owner).forget(sorted(texts))
    going = folder / GOING
    for path in folder.iterdir():
        if path != going:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder)  # the note last: as long as anything is there, it says what to do with it
