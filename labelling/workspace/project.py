"""A project: a dataset with its spaces and its label log."""

import copy
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from labelling.database.engine import WorkspaceError, reading, storable, writing
from labelling.database.tables import members, projects, spaces
from labelling.dataset import Dataset
from labelling.labels import LabelLog
from labelling.workspace.sharing import as_account, open_to
from labelling.workspace.spaces import Space, cannot_write, insert_space

if TYPE_CHECKING:
    from sqlalchemy import Row, Select

    from labelling.learning.model import Model

# In the settings of the original space: of which store the texts are a part; and of an audit the labels that were
# spread, and which action gave each.
STORE, AUDIT = "store", "audit"
ONE, MULTI_LABEL = "one", "several"  # the kinds of project


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
        self.multi_label = row.kind == MULTI_LABEL  # yes, no or unknown for each label, rather than one label a row
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

    @cached_property
    def n_in_store(self) -> int | None:
        """How many texts the store has of which these are a sample; None where they are all there are."""
        store = self.spaces()[0].settings.get(STORE)
        return None if store is None else int(store["n_texts"])

    def _dataset_folder(self, n_rows: int) -> Path:
        folder = self.folder / f"dataset-{n_rows}"
        return folder if folder.exists() else self.folder / "dataset"

    @property
    def has_grown(self) -> bool:
        """Whether texts were added since this was opened: it then shows how the project was."""
        with self._reading() as connection:
            return connection.scalar(select(projects.c.n_rows).where(projects.c.id == self.id)) != self.n_rows

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted since this was opened, or its account may no longer open it."""
        with reading(self.engine) as connection:
            there = connection.scalar(select(projects.c.id).where(projects.c.id == self.id)) is not None
            return not (there and self._may_be_open(connection))

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
            raise cannot_write(folder, error) from error
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        self.n_rows = len(joined)
        self.dataset = joined

    def open_log(self, who: str | None = None) -> LabelLog:
        """The labels, for a person of this name to change; None is the one under whom this process runs."""
        snapshot = self.folder / f"labels-{self.n_rows}.npz"
        where: dict[str, Any] = {"multi_label": self.multi_label, "who": who, "snapshot": snapshot}
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
        ours = select(projects.c.id).where(projects.c.id == self.id, open_to(self.account))
        return connection.execute(ours).one_or_none() is not None

    def _check(self, connection: Connection) -> None:
        if not self._may_be_open(connection):
            self.on_closed()
            raise no_project(self.id)

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
            space_id = insert_space(connection, self.id, name, kind, settings, parent, state)
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

    @property
    def suggesting(self) -> Space | None:
        """The newest kept space that has suggestions: what made it, a tuner or a classifier, is asked."""
        kept = (space for space in reversed(self.spaces()) if space.state == "kept")
        return next((space for space in kept if space.suggests and space.has_suggestions), None)

    def model(
        self, space_id: int | None = None, encoder_with: Callable[[Mapping[str, Any]], Any] | None = None
    ) -> "Model":
        """What has learnt the labels, to be asked about other texts: see `learning.model.Model`.

        Of the space with this number; without one, of the newest kept one that a tuner or a classifier made. Labels
        have the names that they have by now. Raises StepError where there is none.
        """
        from labelling.workspace.models import open_model

        return open_model(self, space_id, encoder_with)

    def show_space(self, space_id: int) -> None:
        """Make this the space that the map shows, in every tab."""
        with self._writing() as connection:
            self._get_space(connection, space_id)
            connection.execute(update(projects).where(projects.c.id == self.id).values(space=space_id))


def no_project(project_id: str) -> WorkspaceError:
    """Of one that is not there, and of one that somebody may not open: nobody can tell one from the other."""
    return WorkspaceError(f"There is no project {project_id[:40]!r} in this workspace: choose one of the list.")
