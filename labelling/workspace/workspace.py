"""Projects on disk: a folder with a SQLite database, the datasets, the spaces' arrays and the embedding cache.

<workspace>/corral.db                               projects, spaces, labels, actions
<workspace>/embeddings/                             the cache, shared by all projects that have no owner
<workspace>/embeddings-of/<hash of the owner>/      that of one owner's projects
<workspace>/projects/<id>/dataset/                  the uploaded table; dataset-<n_rows>/ once texts were added
<workspace>/projects/<id>/spaces/<n>/embeddings.npy float32 (n_rows, n_dims)
<workspace>/projects/<id>/spaces/<n>/<map>.npy      float32 (n_rows, 2)
<workspace>/projects/<id>/spaces/<n>/neighbours.npy int32 (n_rows, k), and distances.npy float32 (n_rows, k)
"""

import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from labelling.database.engine import WorkspaceError, open_database, reading, storable, writing
from labelling.database.tables import actions, projects
from labelling.dataset import Dataset
from labelling.encoders.cache import EmbeddingCache
from labelling.workspace.deleting import delete_project
from labelling.workspace.project import MULTI_LABEL, ONE, Project, no_project
from labelling.workspace.sharing import as_account, open_to
from labelling.workspace.spaces import cannot_write, insert_space, now

if TYPE_CHECKING:
    from sqlalchemy import Row

PROJECT_ID = re.compile(r"[a-z0-9]{12}")


def default_folder() -> Path:
    """`CORRAL_WORKSPACE`, or `.corral` in the home folder: outside the checkout, so that no clean-up takes labels."""
    return Path(os.environ.get("CORRAL_WORKSPACE") or Path.home() / ".corral")


@dataclass(frozen=True)
class ProjectInfo:
    """A line in the list of projects."""

    id: str
    name: str
    created_at: str
    n_rows: int
    kind: str
    owner: str | None
    seq: int = 0  # the number of its label log's last action, and when that was
    worked_at: str | None = None


class Workspace:
    """The folder in which projects live; their labels in SQLite there, or in `CORRAL_DATABASE_URL`.

    Raises WorkspaceError where it can't be made or read.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or default_folder()).expanduser().resolve()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"The workspace folder {self.folder} can't be made ({error.strerror}): set CORRAL_WORKSPACE to a "
                "folder that may be written."
            ) from error
        address = os.environ.get("CORRAL_DATABASE_URL")
        if not address:
            self._check_not_lost()
        self.engine = open_database(address or self.folder / "corral.db")

    def _check_not_lost(self) -> None:
        """Raises WorkspaceError where there are projects, but not the database with their labels."""
        path = self.folder / "corral.db"
        folders = [path for path in self.folder.glob("projects/*") if PROJECT_ID.fullmatch(path.name)]
        if folders and not path.exists():
            raise WorkspaceError(
                f"The workspace's database is missing: {path} is not there, but {len(folders):,} folders of projects "
                f"are. Put it back, or a copy of it: their labels are in it. To begin anew, move {path.parent} away. "
                "Where the labels are in PostgreSQL, set CORRAL_DATABASE_URL."
            )

    @cached_property
    def cache(self) -> EmbeddingCache:
        return self.cache_of(None)

    def cache_of(self, owner: str | None) -> EmbeddingCache:
        """The embeddings of this owner's projects: from a shared one, the speed would tell who else has a text."""
        if owner is None:
            return EmbeddingCache(self.folder / "embeddings")
        return EmbeddingCache(self.folder / "embeddings-of" / blake2b(owner.encode(), digest_size=16).hexdigest())

    def create(
        self,
        name: str,
        dataset: Dataset,
        encoder: Mapping[str, Any],
        *,
        multi_label: bool = False,
        owner: str | None = None,
        fill: Callable[[Connection, str, Path], object] = lambda connection, project_id, folder: None,
    ) -> Project:
        """A new project, its texts to be embedded by `encoder` (the encoder's parameters).

        With `several` each label is yes, no or unknown for each text; `owner` is the account that is signed in, if any.
        `fill(connection, its id, its folder)` puts more into it, within the transaction that makes it. Raises
        WorkspaceError where it can't be written; nothing of it is left then, nor where `fill` raises.
        """
        owner = None if owner is None else as_account(owner)
        project_id = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(12))
        folder = self.folder / "projects" / project_id
        try:
            dataset.save(folder / "dataset")
            with writing(self.engine) as connection:
                values = {"name": storable(name), "created_at": now(), "n_rows": len(dataset), "space": 0}
                kind = MULTI_LABEL if multi_label else ONE
                connection.execute(insert(projects).values(id=project_id, kind=kind, owner=owner, **values))
                insert_space(connection, project_id, "Original", "encoder", encoder, None, "kept")
                fill(connection, project_id, folder)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise cannot_write(folder, error) from error
            raise
        return self.open(project_id, owner)

    def open(self, project_id: str, account: str | None = None) -> Project:
        """Raises WorkspaceError where there is no such project. The id comes from a URL: it is no path.

        An account gets its own projects and those shared with it; without one, those that have no owner. Others are
        as if they were not there.
        """
        if PROJECT_ID.fullmatch(project_id):
            with reading(self.engine) as connection:
                wanted = select(projects).where(projects.c.id == project_id, open_to(account))
                row = connection.execute(wanted).one_or_none()
            if row is not None:
                return self.project(row, account)
        raise no_project(project_id)

    def project(self, row: "Row[Any]", account: str | None = None) -> Project:
        """The project of a row of the database."""
        return Project(self.engine, self.folder / "projects" / row.id, row, account)

    def projects(self, account: str | None = None) -> list[ProjectInfo]:
        """All projects that can be opened, see `open`; the newest first."""
        last = select(actions.c.project_id, func.max(actions.c.seq).label("seq")).group_by(actions.c.project_id)
        seq = last.subquery()
        columns = [projects.c[name] for name in ("id", "name", "created_at", "n_rows", "kind", "owner")]
        joined = projects.outerjoin(seq, seq.c.project_id == projects.c.id).outerjoin(
            actions, (actions.c.project_id == projects.c.id) & (actions.c.seq == seq.c.seq)
        )
        wanted = select(*columns, func.coalesce(seq.c.seq, 0), actions.c.at).select_from(joined)
        wanted = wanted.where(open_to(account)).order_by(projects.c.created_at.desc(), projects.c.id)
        with reading(self.engine) as connection:
            rows = connection.execute(wanted)
            return [ProjectInfo(*tuple(row)) for row in rows]

    def delete(self, project_id: str, account: str | None = None) -> None:
        """See `deleting.delete_project`."""
        delete_project(self, project_id, account)

    def give(self, project_id: str, owner: str | None) -> None:
        """Make this account the owner of a project, or nobody. For who runs the server: it asks nobody's leave."""
        owner = None if owner is None else as_account(owner)
        with writing(self.engine, project_id) as connection:
            given = connection.execute(update(projects).where(projects.c.id == project_id).values(owner=owner))
            if not given.rowcount:
                raise no_project(project_id)
