"""Take a packed project over as it is."""

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, update

from labelling import files
from labelling.database.tables import projects
from labelling.dataset import Dataset
from labelling.encoders.registry import ENCODERS, ENDPOINT, OWN, PACKAGED, TFIDF, fitted_file
from labelling.labels.entries import borne, take_over
from labelling.labels.fold import Fold
from labelling.learning.evaluation import Evaluation
from labelling.learning.registry import TUNERS
from labelling.tasks.pack import known_settings
from labelling.tasks.packed import ARRAYS, FITTED, LABELS, VECTORS, Manifest, Packed, PackedSpace, member, opened
from labelling.tasks.packed_log import LOG, PackError
from labelling.workspace import Project, Workspace
from labelling.workspace.spaces import TUNER_FILE, cannot_write, insert_space

Fill = Callable[[Connection, str, Path], object]


@dataclass(frozen=True)
class Unpacked:
    """The new project; the spaces that the pack holds too little of, by their names."""

    project: Project
    left_out: tuple[str, ...] = ()


def unpack(workspace: Workspace, file: Path, *, owner: str | None = None) -> Unpacked:
    """Take a pack over as a new project: the texts, labels, history and people, the spaces that the pack holds.

    A tuned space without vectors is made from its tuner once the texts are embedded, see `embed`; a classifier's can't
    be, and is left out. Raises PackError where the pack can't be taken over, WorkspaceError where it can't be written:
    no project is made then.
    """
    with opened(file) as packed, staging(workspace) as folder:
        about = packed.manifest
        dataset = take_out(packed, folder)
        left_out = {space.id: space.name for space in about.spaces if not _take_space(packed, space, folder)}
        follows = Fold(about.n_rows, multi_label=about.multi_label)
        for entry in packed.entries():
            follows.take(entry.action)
            follows.change(entry.action.seq, entry.changes)
        if difference := next(iter(differing(packed.labels(), borne(follows))), None):
            row, then, now = difference
            raise PackError(
                f"What is labelled in the pack does not follow from its log: row {row} bears {then or 'nothing'!r} in "
                f"{LABELS}, {now or 'nothing'!r} by {LOG}. One of them was changed. Nothing was made; `corral replay` "
                "lists all such rows."
            )

        def fill(connection: Connection, project_id: str, home: Path) -> None:
            put_files(workspace, packed, folder, home)
            for space in about.spaces[1:]:
                state = "discarded" if space.id in left_out else space.state
                add_space(connection, project_id, space, state)
            if about.shown not in left_out:
                ours = projects.c.id == project_id
                connection.execute(update(projects).where(ours).values(space=about.shown))
            take_over(connection, project_id, Fold(about.n_rows, multi_label=about.multi_label), packed.entries())

        project = make(workspace, packed, dataset, owner, fill)
    return Unpacked(project, tuple(left_out.values()))


def make(workspace: Workspace, packed: Packed, dataset: Dataset, owner: str | None, fill: Fill) -> Project:
    about = packed.manifest
    settings = {**about.encoder, **about.sample_of}
    return workspace.create(about.name, dataset, settings, multi_label=about.multi_label, owner=owner, fill=fill)


def add_space(connection: Connection, project_id: str, space: PackedSpace, state: str) -> None:
    insert_space(
        connection, project_id, space.name, space.kind, space.settings, space.parent, state, space.id, space.created_at
    )


@contextmanager
def staging(workspace: Workspace) -> Iterator[Path]:
    """A folder for what comes out of a pack, in the workspace: from there it is but renamed."""
    folder = workspace.folder / f"unpack.{secrets.token_hex(4)}.tmp"
    try:
        folder.mkdir()
        yield folder
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take_out(packed: Packed, folder: Path) -> Dataset:
    """The texts; what their encoder needs lies in the folder afterwards.

    Raises PackError where there is no such encoder here, or it is another than the pack says.
    """
    settings = packed.manifest.encoder
    kind = settings.get("kind", PACKAGED)
    if kind not in (*ENCODERS, TFIDF, OWN):
        raise PackError(f"The texts were embedded by an encoder of the kind {kind!r:.40}, which is not here.")
    if settings != known_settings("encoder", settings):
        raise PackError("The encoder's settings in the pack hold what is none: take another copy of the pack.")
    dataset = packed.dataset(folder / "texts")
    if kind == TFIDF:
        _take_fitted(packed, str(settings.get("fitted")), folder / FITTED)
    if kind == OWN:
        packed.extract(VECTORS, folder / VECTORS)
        if not _is_array(folder / VECTORS, (len(dataset), settings.get("n_dims")), "f"):
            raise PackError("The vectors in the pack, which were brought along with its texts, are damaged.")
    return dataset


def _take_fitted(packed: Packed, fitted: str, path: Path) -> None:
    from labelling.encoders import EncoderError
    from labelling.encoders.tfidf import TfidfEncoder

    packed.extract(FITTED, path)
    try:
        if TfidfEncoder.load(path).fingerprint != fitted:  # a digest: what is called by it is that, whoever made it
            raise EncoderError("it is another than the pack says")
    except (EncoderError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackError(f"The word counts in the pack, its encoder, are damaged ({str(error)[:200]}).") from error


def put_files(workspace: Workspace, packed: Packed, folder: Path, home: Path) -> None:
    """Move what was taken out of the pack to where it belongs: all but the texts."""
    about = packed.manifest
    if (folder / FITTED).exists():
        there = fitted_file(workspace.folder, about.encoder["fitted"])
        there.parent.mkdir(exist_ok=True)
        (folder / FITTED).replace(there)  # called by its digest: where one is there, it is the same
    if (folder / VECTORS).exists():
        (folder / VECTORS).rename(home / f"vectors-{about.n_rows}.npy")
    if (folder / "spaces").exists():
        (folder / "spaces").rename(home / "spaces")


def _take_space(packed: Packed, space: PackedSpace, folder: Path) -> bool:
    """Take out a space's files, each checked; False where they are too few to have the space."""
    from labelling.learning import tuners

    if space.state == "discarded":
        return True
    home = folder / "spaces" / str(space.id)
    for name in ARRAYS:
        if packed.holds(space.id, f"{name}.npy"):
            packed.extract(member(space.id, f"{name}.npy"), home / f"{name}.npy")
            _check_array(name, home / f"{name}.npy", packed.manifest.n_rows, space)
    try:
        if "evaluation" in space.settings:
            Evaluation.from_dict(space.settings["evaluation"])
        if space.kind in TUNERS and packed.holds(space.id, TUNER_FILE):
            packed.extract(member(space.id, TUNER_FILE), home / TUNER_FILE)
            getattr(tuners, space.kind).load(home / TUNER_FILE)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackError(f"The space {space.name!r:.60} in the pack is damaged ({str(error)[:200]}).") from error
    whole = (home / "embeddings.npy").exists() and (home / "PCA.npy").exists()
    return space.kind == "encoder" or whole or (home / TUNER_FILE).exists()


def _check_array(name: str, path: Path, n_rows: int, space: PackedSpace) -> None:
    width = 2 if name in ("PCA", "UMAP") else 0 if name in ("suggested", "probability") else None
    whole_numbers = name in ("suggested", "neighbours")
    right = _is_array(path, (n_rows,) if width == 0 else (n_rows, width), "i" if whole_numbers else "f")
    if right and whole_numbers:  # they lead to places in other arrays
        values = np.load(path, mmap_mode="r", allow_pickle=False)
        most = n_rows if name == "neighbours" else len(space.settings.get("classes", []))
        right = not values.size or bool(values.min() >= (0 if name == "neighbours" else -1) and values.max() < most)
    if not right:
        raise PackError(f"{name} of the space {space.name!r:.60} in the pack is damaged: pack the project again.")


def _is_array(path: Path, shape: tuple[Any, ...], kind: str) -> bool:
    """Whether it is a whole array of 32 bits a number, of this shape; None stands for any width."""
    if not files.is_whole(path):
        return False
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    same = len(array.shape) == len(shape) and all(want in (None, n) for want, n in zip(shape, array.shape, strict=True))
    return bool(same and array.dtype == np.dtype(f"{kind}4"))


def differing(
    then: Mapping[int, Any], now: Mapping[int, Any]
) -> list[tuple[int, str | dict[str, int] | None, str | dict[str, int] | None]]:
    """The rows that bear another label now than then, with both."""
    rows = sorted(row for row in {*then, *now} if then.get(row) != now.get(row))
    return [(row, then.get(row), now.get(row)) for row in rows]


def asks_an_endpoint(file: Path) -> str | None:
    """Where an encoder that the pack names would send the texts, None where it sends them nowhere."""
    with opened(file) as packed:
        return endpoint_of(packed.manifest)


def endpoint_of(about: Manifest) -> str | None:
    """As `asks_an_endpoint`, of what a pack says of itself."""
    settings = about.encoder
    if settings.get("kind") != ENDPOINT:
        return None
    return str(settings.get("endpoint") or settings.get("base_url"))
