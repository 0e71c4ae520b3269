"""Projects on disk: a folder with a SQLite database, the datasets, the spaces' arrays and the embedding cache.

<workspace>/corral.db                               projects, spaces, labels, actions
<workspace>/embeddings/                             the cache, shared by all projects that have no owner
<workspace>/embeddings-of/<hash of the owner>/      that of one owner's projects
<workspace>/projects/<id>/dataset/                  the uploaded table; dataset-<n_rows>/ once texts were added
<workspace>/projects/<id>/spaces/<n>/embeddings.npy float32 (n_rows, n_dims)
<workspace>/projects/<id>/spaces/<n>/<map>.npy      float32 (n_rows, 2)
<workspace>/projects/<id>/spaces/<n>/neighbours.npy int32 (n_rows, k), and distances.npy float32 (n_rows, k)
"""

import copy
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, or_, select, update

from labelling import files
from labelling.cache import EmbeddingCache
from labelling.database import WorkspaceError, members, open_database, projects, reading, spaces, storable, writing
from labelling.log import LabelLog
from labelling.readers import Dataset

if TYPE_CHECKING:
    from sqlalchemy import Row, Select

PROJECT_ID = re.compile(r"[a-z0-9]{12}")
ONE, SEVERAL = "one", "several"  # the kinds of project
MAX_ACCOUNT = 1_000  # characters of an account's name: an e-mail address, or a subject and the address of its issuer


def default_folder() -> Path:
    """`CORRAL_WORKSPACE`, or `.corral` in the home folder: outside the checkout, so that no clean-up takes labels."""
    return Path(os.environ.get("CORRAL_WORKSPACE") or Path.home() / ".corral")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def save_array(path: Path, array: np.ndarray) -> None:
    """Write `array` as .npy so that `path` holds either all of it or what it held before."""
    try:
        files.save_array(path, array)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"{path} can't be written ({error.strerror or error}): free some disk space, or check that it may be written."
    )


@dataclass(frozen=True)
class Suggestions:
    """A classifier's likeliest label of each row: int32 (n_rows,), places in `classes`, -1 where a row has no text.

    `probability` is float32 (n_rows,).
    """

    classes: tuple[str, ...]
    codes: np.ndarray
    probability: np.ndarray

    def rows(self, label: str, at_least: float) -> np.ndarray:
        """The rows for which the label is suggested with at least this probability: int64, sorted."""
        return np.flatnonzero((self.codes == self.classes.index(label)) & (self.probability >= at_least))


@dataclass(frozen=True)
class Space:
    """A named version of the embeddings, in a folder of its own.

    `kind` is "encoder" for what an encoder made, else the class name of the tuner that was fitted on space `parent`.
    `state` is "kept", or "candidate" where a tuner made it and the person has not yet chosen to keep it.
    """

    id: int
    name: str
    kind: str
    settings: Mapping[str, Any]
    parent: int | None
    created_at: str
    state: str
    folder: Path
    n_rows: int  # of the project; arrays of before texts were added hold fewer

    @property
    def ready(self) -> bool:
        """Whether all texts are embedded."""
        return self._holds_all("embeddings")

    def has_map(self, projection: str) -> bool:
        """Whether this projection has been made, of all texts."""
        return self._holds_all(projection)

    def _holds_all(self, name: str) -> bool:
        array = files.array_on_disk(self._path(name))
        return array is not None and array.ndim > 0 and len(array) == self.n_rows

    @property
    def embeddings(self) -> np.ndarray:
        """float32 (n_rows, n_dims), memory-mapped; NaN in the rows that have no text.

        Raises WorkspaceError where they are not there, or are damaged.
        """
        embeddings = self.saved_embeddings
        if embeddings is None:
            raise WorkspaceError(
                f"The embeddings of {self.name!r} are damaged or missing: they are made again when you open the page "
                "Label. No label was in them."
            )
        return embeddings

    @property
    def saved_embeddings(self) -> np.ndarray | None:
        """As `embeddings`, of fewer rows where texts were added since; None where they are not there, or damaged."""
        embeddings = files.load_array(self._path("embeddings"))
        return None if embeddings is None or embeddings.ndim != 2 else embeddings

    def save_embeddings(self, embeddings: np.ndarray) -> None:
        save_array(self._path("embeddings"), np.asarray(embeddings, np.float32))

    def map(self, projection: str) -> np.ndarray | None:
        """float32 (n_rows, 2), memory-mapped, None where this has not been made; NaN for texts added since."""
        xy = files.load_array(self._path(projection))
        if xy is None or xy.ndim != 2 or len(xy) > self.n_rows:
            return None
        if len(xy) == self.n_rows:
            return xy
        return np.pad(xy, ((0, self.n_rows - len(xy)), (0, 0)), constant_values=np.nan)

    def save_map(self, projection: str, xy: np.ndarray) -> None:
        save_array(self._path(projection), np.asarray(xy, np.float32))

    @property
    def neighbours(self) -> np.ndarray | None:
        """The k nearest other rows of each row, nearest first: int32 (n_rows, k), memory-mapped; None if not made."""
        graph = self.graph
        return None if graph is None else graph[0]

    @property
    def graph(self) -> tuple[np.ndarray, np.ndarray] | None:
        """`neighbours` and their distances, float32 (n_rows, k), memory-mapped; None where they have not been made."""
        return self._both("neighbours", "distances")

    def _both(self, *names: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Two arrays of all rows; None where one of them is not there."""
        if not all(self._holds_all(name) for name in names):
            return None
        first, second = (files.load_array(self._path(name)) for name in names)
        return None if first is None or second is None else (first, second)

    @property
    def has_lost_its_graph(self) -> bool:
        """Whether its neighbour graph was damaged, and has not been made again."""
        return self.graph is None and any(self.folder.glob("[nd]*.npy.damaged-*"))

    def save_graph(self, neighbours: np.ndarray, distances: np.ndarray) -> None:
        save_array(self._path("distances"), np.asarray(distances, np.float32))
        save_array(self._path("neighbours"), np.asarray(neighbours, np.int32))

    @property
    def suggestions(self) -> "Suggestions | None":
        """What a classifier guesses for each row; None where none was trained with this space."""
        found = self._both("suggested", "probability")
        return None if found is None else Suggestions(tuple(self.settings["classes"]), *found)

    def save_suggestions(self, codes: np.ndarray, probability: np.ndarray) -> None:
        save_array(self._path("suggested"), np.asarray(codes, np.int32))
        save_array(self._path("probability"), np.asarray(probability, np.float32))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"


def as_account(name: str) -> str:
    """The name of an account as it is kept: an e-mail address in lower case. Raises WorkspaceError."""
    name = name.strip()
    if not name or len(name) > MAX_ACCOUNT or not name.isprintable():
        raise WorkspaceError("Type the name under which they sign in, most often their e-mail address.")
    # Not a subject, of which each case is another; nor beyond ASCII, where different addresses may have one lower case.
    return name.lower() if name.isascii() and " " not in name else name


def _open_to(account: str | None) -> ColumnElement[bool]:
    """The projects that this account may open; those without an owner where nobody signs in."""
    if account is None:
        return projects.c.owner.is_(None)
    shared = select(members.c.project_id).where(members.c.who == account)
    return or_(projects.c.owner == account, projects.c.id.in_(shared))


class _AccountLog(LabelLog):
    """Can be read and added to as long as the account that opened it may open the project."""

    def __init__(self, *args: Any, check: Callable[[Connection], None], **options: Any) -> None:
        self._check = check
        super().__init__(*args, **options)

    def _refresh(self, connection: Connection) -> bool:
        self._check(connection)  # within the very transaction that something is then added in
        return super()._refresh(connection)


class Project:
    """A dataset with its spaces and its label log. Made and opened by `Workspace`.

    Where an `account` opened it, every call that reads or writes the database raises WorkspaceError as soon as it may
    no longer open it; `on_closed` is called before that. `has_ended` tells whether the account is gone, signed out say.
    """

    def __init__(self, engine: Engine, folder: Path, row: "Row[Any]", account: str | None = None) -> None:
        self.engine = engine
        self.folder = folder
        self.account = account
        self.on_closed: Callable[[], object] = lambda: None
        self.has_ended: Callable[[], bool] = lambda: False
        self.id: str = row.id
        self.name: str = row.name
        self.n_rows: int = row.n_rows
        self.several = row.kind == SEVERAL  # yes, no or unknown for each label, rather than one label a row
        self.owner: str | None = row.owner

    @cached_property
    def dataset(self) -> Dataset:
        """Raises WorkspaceError where its files are damaged, missing, or of another number of rows."""
        folder = self._dataset_folder(self.n_rows)
        try:
            dataset = Dataset.load(folder)
        except Exception as error:  # a damaged file fails anywhere in two libraries
            what = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
            raise WorkspaceError(
                f"The table of {self.name!r} {what}: {folder} ({str(error)[:200]}). Put a copy of it back; the labels "
                "are in the database, by row, and are shown again then."
            ) from error
        if len(dataset) != self.n_rows:
            raise WorkspaceError(
                f"The table of {self.name!r} in {folder} has {len(dataset):,} rows, the project has {self.n_rows:,}: "
                "put back a copy of the folder from before it was changed. The labels are in the database, by row."
            )
        return dataset

    @property
    def dataset_id(self) -> str:
        """Names the texts as they are now: some may be added, none is ever changed. What is kept of them goes by it."""
        return f"{self.id}-{self.n_rows}"

    def _dataset_folder(self, n_rows: int) -> Path:
        folder = self.folder / f"dataset-{n_rows}"
        return folder if folder.exists() else self.folder / "dataset"

    @property
    def has_grown(self) -> bool:
        """Whether texts were added since this was opened: it then shows how the project was."""
        with self._reading() as connection:
            return connection.scalar(select(projects.c.n_rows).where(projects.c.id == self.id)) != self.n_rows

    def append(self, more: Dataset) -> None:
        """Add the rows of `more` after those that are there, which keep their numbers and their labels.

        The new texts are still to be embedded. Raises WorkspaceError where it can't be written, or somebody else has
        added texts since this was opened; nothing is changed then.
        """
        joined = self.dataset.extended(more)
        folder = self.folder / f"dataset-{len(joined)}"
        staged = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.tmp")
        try:
            joined.save(staged)
            with self._writing() as connection:
                ours = (projects.c.id == self.id) & (projects.c.n_rows == self.n_rows)
                if connection.execute(update(projects).where(ours).values(n_rows=len(joined))).rowcount == 0:
                    raise WorkspaceError(
                        f"Texts were added to {self.name!r} in another tab: open it again, then add yours."
                    )
                shutil.rmtree(folder, ignore_errors=True)  # of an attempt whose transaction failed at its very end
                staged.rename(folder)
        except OSError as error:
            raise _cannot_write(folder, error) from error
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        self.n_rows = len(joined)
        self.dataset = joined

    def open_log(self, who: str | None = None) -> LabelLog:
        """The labels, for a person of this name to change; None is the one under whom this process runs."""
        snapshot = self.folder / f"labels-{self.n_rows}.npz"
        where: dict[str, Any] = {"several": self.several, "who": who, "snapshot": snapshot}
        if self.account is None:
            return LabelLog(self.engine, self.id, self.n_rows, **where)
        with self._reading():
            pass  # it raises where the project may no longer be opened
        return _AccountLog(self.engine, self.id, self.n_rows, **where, check=self._check)

    # ---------------------------------------------------------------- whose it is

    @property
    def is_open(self) -> bool:
        """Whether the account that opened it still may."""
        if self.account is None:
            return True
        with reading(self.engine) as connection:
            return self._may_be_open(connection)

    def _may_be_open(self, connection: Connection) -> bool:
        if self.account is None:
            return True
        if self.has_ended():
            return False
        ours = select(projects.c.id).where(projects.c.id == self.id, _open_to(self.account))
        return connection.execute(ours).one_or_none() is not None

    def _check(self, connection: Connection) -> None:
        if not self._may_be_open(connection):
            self.on_closed()
            raise _no_project(self.id)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with reading(self.engine) as connection:
            self._check(connection)
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with writing(self.engine, self.id) as connection:
            self._check(connection)
            yield connection

    def for_a_job(self) -> "Project":
        """The same for work in the background, which is the project's: it goes on whoever may no longer open it."""
        same = copy.copy(self)
        same.account = None
        return same

    def rename(self, name: str) -> None:
        """Raises WorkspaceError where the name is empty, or somebody else owns the project."""
        name = storable(name.strip())
        if not name:
            raise WorkspaceError("Type a name for the project.")
        with self._writing() as connection:
            if self.account is not None:
                self._own(connection)
            connection.execute(update(projects).where(projects.c.id == self.id).values(name=name))
        self.name = name

    def shared_with(self) -> list[str]:
        """The accounts, beside the owner's, that may open it and label in it."""
        ours = select(members.c.who).where(members.c.project_id == self.id).order_by(members.c.who)
        with self._reading() as connection:
            return list(connection.scalars(ours))

    def share(self, account: str) -> None:
        """Let this account open it too, and label in it. Raises WorkspaceError where the owner does not ask for it."""
        account = as_account(account)
        with self._writing() as connection:
            if account == self._own(connection):
                raise WorkspaceError("That is its owner, who needs no share.")
            ours = (members.c.project_id == self.id) & (members.c.who == account)
            if connection.execute(select(members).where(ours)).one_or_none() is None:
                connection.execute(insert(members).values(project_id=self.id, who=account))

    def unshare(self, account: str) -> None:
        """Raises WorkspaceError where the owner does not ask for it."""
        with self._writing() as connection:
            self._own(connection)
            connection.execute(delete(members).where(members.c.project_id == self.id, members.c.who == account))

    def _own(self, connection: Connection) -> str:
        """The owner, who alone may go on from here."""
        owner = connection.scalar(select(projects.c.owner).where(projects.c.id == self.id))
        if owner is None or owner != self.account:
            raise WorkspaceError("Only its owner, signed in, can share or rename a project.")
        return owner

    # ---------------------------------------------------------------- spaces

    def spaces(self) -> list[Space]:
        """All spaces that were not discarded, in the order in which they were made; the first is the original."""
        with self._reading() as connection:
            return [self._space(row) for row in connection.execute(self._ours().order_by(spaces.c.id))]

    def space(self, space_id: int) -> Space:
        """Raises WorkspaceError where there is none (any more)."""
        with self._reading() as connection:
            return self._get_space(connection, space_id)

    def _ours(self) -> "Select[Any]":
        return select(spaces).where(spaces.c.project_id == self.id, spaces.c.state != "discarded")

    def _get_space(self, connection: Connection, space_id: int) -> Space:
        row = connection.execute(self._ours().where(spaces.c.id == space_id)).one_or_none()
        if row is None:
            raise WorkspaceError(f"Project {self.name!r} has no space {space_id}: it may have been deleted.")
        return self._space(row)

    def _space(self, row: "Row[Any]") -> Space:
        folder = self.folder / "spaces" / str(row.id)
        try:
            settings = dict(json.loads(row.settings))
        except (ValueError, TypeError) as error:
            raise WorkspaceError(
                f"The space {row.name!r} of {self.name!r} is damaged in the database ({error}). Nothing was changed. "
                "Put the newest copy of the database back."
            ) from error
        return Space(row.id, row.name, row.kind, settings, row.parent, row.created_at, row.state, folder, self.n_rows)

    def add_space(
        self, name: str, kind: str, settings: Mapping[str, Any], parent: int | None = None, state: str = "candidate"
    ) -> Space:
        """A new space, its arrays still to be saved."""
        with self._writing() as connection:
            space_id = _insert_space(connection, self.id, name, kind, settings, parent, state)
        return self.space(space_id)

    def describe_space(self, space_id: int, **settings: Any) -> None:
        """Add what became known of a space to its settings."""
        with self._writing() as connection:
            merged = {**self._get_space(connection, space_id).settings, **settings}
            self._update_space(connection, space_id, settings=json.dumps(merged))

    def keep_space(self, space_id: int, name: str | None = None) -> None:
        """Keep a candidate, under a name of the person's own where one is given.

        Raises WorkspaceError where it has been discarded meanwhile, in another tab say.
        """
        with self._writing() as connection:
            self._get_space(connection, space_id)
            self._update_space(connection, space_id, state="kept", **({"name": name} if name else {}))

    def discard_space(self, space_id: int) -> None:
        """Give up a candidate: its arrays are deleted. Kept spaces, and the labels, never are.

        Where the map showed it, the map shows the original again.
        """
        with self._writing() as connection:
            space = self._get_space(connection, space_id)
            if space.state != "candidate":
                raise WorkspaceError(f"The space {space.name!r} is kept: only a candidate can be discarded.")
            self._update_space(connection, space_id, state="discarded")
            shown = (projects.c.id == self.id) & (projects.c.space == space_id)
            connection.execute(update(projects).where(shown).values(space=0))
        shutil.rmtree(space.folder, ignore_errors=True)

    def _update_space(self, connection: Connection, space_id: int, **values: Any) -> None:
        ours = (spaces.c.project_id == self.id) & (spaces.c.id == space_id)
        connection.execute(update(spaces).where(ours).values(**values))

    @property
    def current(self) -> Space:
        """The space that the map shows."""
        with self._reading() as connection:
            space_id = connection.scalar(select(projects.c.space).where(projects.c.id == self.id))
        return self.space(int(space_id or 0))

    def show_space(self, space_id: int) -> None:
        """Make this the space that the map shows, in every tab."""
        with self._writing() as connection:
            self._get_space(connection, space_id)
            connection.execute(update(projects).where(projects.c.id == self.id).values(space=space_id))


def _insert_space(
    connection: Connection,
    project_id: str,
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    parent: int | None,
    state: str,
) -> int:
    last = connection.scalar(select(func.max(spaces.c.id)).where(spaces.c.project_id == project_id))
    space_id = 0 if last is None else last + 1
    connection.execute(
        insert(spaces).values(
            project_id=project_id,
            id=space_id,
            name=name,
            kind=kind,
            settings=json.dumps(settings, default=str),  # a tuner's random_state may be a generator
            parent=parent,
            created_at=_now(),
            state=state,
        )
    )
    return space_id


@dataclass(frozen=True)
class ProjectInfo:
    """A line in the list of projects."""

    id: str
    name: str
    created_at: str
    n_rows: int
    kind: str
    owner: str | None


def _no_project(project_id: str) -> WorkspaceError:
    """Of one that is not there, and of one that somebody may not open: nobody can tell one from the other."""
    return WorkspaceError(f"There is no project {project_id[:40]!r} in this workspace: choose one of the list.")


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
        several: bool = False,
        owner: str | None = None,
    ) -> Project:
        """A new project, its texts to be embedded by `encoder` (the encoder's parameters).

        With `several` each label is yes, no or unknown for each text; `owner` is the account that is signed in, if any.
        Raises WorkspaceError where it can't be written; nothing of it is left then.
        """
        owner = None if owner is None else as_account(owner)
        project_id = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(12))
        folder = self.folder / "projects" / project_id
        try:
            dataset.save(folder / "dataset")
            with writing(self.engine) as connection:
                values = {"name": storable(name), "created_at": _now(), "n_rows": len(dataset), "space": 0}
                kind = SEVERAL if several else ONE
                connection.execute(insert(projects).values(id=project_id, kind=kind, owner=owner, **values))
                _insert_space(connection, project_id, "Original", "encoder", encoder, None, "kept")
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise _cannot_write(folder, error) from error
            raise
        return self.open(project_id, owner)

    def open(self, project_id: str, account: str | None = None) -> Project:
        """Raises WorkspaceError where there is no such project. The id comes from a URL: it is no path.

        An account gets its own projects and those shared with it; without one, those that have no owner. Others are
        as if they were not there.
        """
        if PROJECT_ID.fullmatch(project_id):
            with reading(self.engine) as connection:
                wanted = select(projects).where(projects.c.id == project_id, _open_to(account))
                row = connection.execute(wanted).one_or_none()
            if row is not None:
                return Project(self.engine, self.folder / "projects" / project_id, row, account)
        raise _no_project(project_id)

    def projects(self, account: str | None = None) -> list[ProjectInfo]:
        """All projects that can be opened, see `open`; the newest first."""
        columns = (projects.c[name] for name in ("id", "name", "created_at", "n_rows", "kind", "owner"))
        wanted = select(*columns).where(_open_to(account)).order_by(projects.c.created_at.desc(), projects.c.id)
        with reading(self.engine) as connection:
            rows = connection.execute(wanted)
            return [ProjectInfo(*row) for row in rows]

    def give(self, project_id: str, owner: str | None) -> None:
        """Make this account the owner of a project, or nobody. For who runs the server: it asks nobody's leave."""
        owner = None if owner is None else as_account(owner)
        with writing(self.engine, project_id) as connection:
            given = connection.execute(update(projects).where(projects.c.id == project_id).values(owner=owner))
            if not given.rowcount:
                raise _no_project(project_id)
