"""A pack: one zip file with all of a project, so that the job can be run again. docs/pack.md says how it is written.

What is read here was made by somebody else: nothing of it is taken for what it says it is.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from labelling.dataset import Dataset, ReadError
from labelling.errors import CorralError
from labelling.labels.entries import Entry
from labelling.learning.registry import TUNERS
from labelling.tasks.packed_log import LOG, LineReader, PackError, need, parsed, text, whole
from labelling.workspace import CLASSIFIER
from labelling.workspace.project import AUDIT, MULTI_LABEL, STORE
from labelling.workspace.project import ONE as ONE_LABEL

PACK_FORMAT = 1  # one more when a pack of today could be misread by the Corral of before
MANIFEST, LABELS = "pack.json", "labels.jsonl"
TEXTS = ("texts/dataset.parquet", "texts/dataset.json")
VECTORS, FITTED = "vectors.npy", "encoder.safetensors"  # brought along by a person; word counts
ARRAYS = ("embeddings", "PCA", "UMAP", "neighbours", "distances", "suggested", "probability")
STATES = ("kept", "candidate", "discarded")
_LINE = 400_000_000  # bytes of a line of JSON: an import of three million labels has some 30 million
_RATIO, _SMALL = 100, 4_000_000_000  # bytes: what unpacks to more, and to so many times the file's own size, is a bomb


@dataclass(frozen=True)
class PackedSpace:
    """A space as the pack tells of it; `discarded` ones keep their number alone."""

    id: int
    name: str
    kind: str
    settings: Mapping[str, Any]
    parent: int | None
    state: str
    created_at: str


@dataclass(frozen=True)
class Manifest:
    """What `pack.json` says."""

    name: str
    multi_label: bool
    n_rows: int
    n_actions: int
    shown: int
    spaces: Sequence[PackedSpace]
    versions: Mapping[str, str]
    sample_of: Mapping[str, Any]  # of a sample of a store: what the original space says of that beside its encoder

    @property
    def encoder(self) -> Mapping[str, Any]:
        return self.spaces[0].settings


# ---------------------------------------------------------------- the file


class Packed:
    """An open pack. Whatever is read of it is checked: PackError says what is wrong."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self.archive = archive
        names = archive.namelist()
        for name in names:
            if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
                raise PackError(
                    f"The pack has a file that leads out of its folder ({name[:60]!r}), as made to do harm."
                )
        if len(set(names)) < len(names):
            raise PackError("The pack is damaged: it has two files of one name.")
        unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > max(_SMALL, _RATIO * size):
            raise PackError(
                f"The pack has {size / 1e6:,.1f} MB and unpacks to {unpacked / 1e9:,.1f} GB, as made to do harm: it is "
                "not opened."
            )
        self.names = set(names)
        if MANIFEST not in self.names:
            raise PackError(f"The file is a zip archive but no pack: it has no {MANIFEST}. `corral pack` makes one.")
        self.manifest = _manifest(self._all(MANIFEST))

    def _all(self, name: str) -> bytes:
        with self._open(name) as file:
            content = file.read(_LINE + 1)
        if len(content) > _LINE:
            raise PackError(f"{name} in the pack is too large to be one.")
        return content

    def _open(self, name: str) -> Any:
        if name not in self.names:
            raise PackError(
                f"The pack lacks {name}: it is cut off, or something was taken out. Pack the project again."
            )
        return self.archive.open(name)

    def _lines(self, name: str) -> Iterator[bytes]:
        with self._open(name) as file:
            while line := file.readline(_LINE + 1):
                if len(line) > _LINE:
                    raise PackError(f"A line of {name} is longer than {_LINE:,} bytes: it is damaged.")
                yield line

    def entries(self) -> Iterator[Entry]:
        """The log, the oldest first."""
        about = self.manifest
        reader = LineReader(about.n_rows, multi_label=about.multi_label)
        for line in self._lines(LOG):
            yield reader.read(line)
        if len(reader.kinds) != about.n_actions:
            raise PackError(
                f"{LOG} has {len(reader.kinds):,} actions, {MANIFEST} says {about.n_actions:,}: it is cut off."
            )

    def labels(self) -> dict[int, str | dict[str, int]]:
        """What the rows bore when it was packed, as `entries.borne` says it."""
        found = {}
        for number, line in enumerate(self._lines(LABELS), 1):
            try:
                said = parsed(line)
                row, label = said["row"], said["label"]
                kind: type = dict if self.manifest.multi_label else str
                need(whole(row, 0, self.manifest.n_rows - 1) and isinstance(label, kind), "a row with its label")
            except (ValueError, KeyError, TypeError) as error:
                raise PackError(f"Line {number:,} of {LABELS} is damaged ({str(error)[:200]}).") from error
            found[row] = label
        return found

    def dataset(self, folder: Path) -> Dataset:
        """The texts, by way of a folder for them."""
        from labelling.readers.columnar import read_parquet

        for name in TEXTS:
            self.extract(name, folder / Path(name).name)
        try:
            read_parquet(folder / Path(TEXTS[0]).name)  # it may be a bomb, or damaged so that a parser crashes
            dataset = Dataset.load(folder)
            need(len(dataset) == self.manifest.n_rows, f"{len(dataset):,} rows, not {self.manifest.n_rows:,}")
            need(all(isinstance(text, str) for text in dataset.texts), "some are none")
        except (ReadError, ValueError, KeyError, TypeError, OSError) as error:
            raise PackError(f"The texts in the pack can't be read: {str(error)[:300]}") from error
        return dataset

    def extract(self, name: str, path: Path) -> None:
        """Write one of its files to a path of ours."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open(name) as file, path.open("wb") as out:
            while chunk := file.read(1_000_000):
                out.write(chunk)

    def holds(self, space_id: int, name: str) -> bool:
        return member(space_id, name) in self.names


def member(space_id: int, name: str) -> str:
    """A space's file in the pack."""
    return f"spaces/{space_id}/{name}"


def is_pack(file: Path | BinaryIO) -> bool:
    """Whether it is a zip archive with what a pack begins with; it may be damaged all the same."""
    try:
        with zipfile.ZipFile(file) as archive:
            return MANIFEST in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


@contextmanager
def opened(path: Path) -> Iterator[Packed]:
    """Open a pack. Raises PackError where it is none, damaged, of a later format, or made to do harm."""
    if not path.is_file():
        raise PackError(f"There is no file {path}.")
    try:
        with zipfile.ZipFile(path) as archive:
            yield Packed(archive, path.stat().st_size)
    except CorralError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise PackError(f"{path.name} is no pack, or is cut off or damaged ({error}): copy it here again.") from error
    except (NotImplementedError, RuntimeError) as error:  # an odd compression; a password
        if not isinstance(error, NotImplementedError) and "password" not in str(error):
            raise
        raise PackError(f"{path.name} is packed in an unusual way ({str(error)[:100]}): zip it anew.") from error


def _manifest(content: bytes) -> Manifest:
    try:
        said = parsed(content)
        number = said["pack"]
        need(whole(number, 1, 10**6), f"its format is {number!r:.20}")
        if number > PACK_FORMAT:
            raise PackError(
                f"The pack has format {number}, this Corral reads packs "
                f"up to format {PACK_FORMAT}: update Corral, and open it then."
            )
        about = said["project"]
        need(about["kind"] in (ONE_LABEL, MULTI_LABEL), f"there is no kind of project {about['kind']!r:.40}")
        need(whole(about["n_rows"], 1, 2**31 - 1) and whole(said["n_actions"], 0, 2**31 - 1), "its numbers of rows")
        spaces = [_space(each) for each in said["spaces"]]
        ids = [space.id for space in spaces]
        need(bool(ids) and ids == list(range(len(ids))), "its spaces are not in order")
        there = [space.id for space in spaces if space.state != "discarded"]
        need(0 in there and about["shown"] in there, "the space that is shown is none of its spaces")
        return Manifest(
            text(about["name"], "the name"),
            about["kind"] == MULTI_LABEL,
            about["n_rows"],
            said["n_actions"],
            about["shown"],
            spaces,
            {str(name): text(version, "a version") for name, version in said["versions"].items()},
            _sample_of(about, said["n_actions"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, PackError):
            raise
        why = f"there is no {error}" if isinstance(error, KeyError) else str(error)[:200]
        raise PackError(f"{MANIFEST} in the pack is damaged ({why}): take another copy of the pack.") from error


def _sample_of(about: Mapping[str, Any], n_actions: int) -> dict[str, Any]:
    if STORE not in about:
        return {}
    store, wrong = about[STORE], "the store that its texts are of"
    need(whole(store["n_texts"], 1, 10**12), wrong)
    found: dict[str, Any] = {
        STORE: {"id": text(store["id"], wrong), "folder": text(store["name"], wrong), "n_texts": store["n_texts"]}
    }
    if AUDIT in about:
        found[AUDIT] = [{name: each[name] for name in ("label", "seq", "n_texts")} for each in about[AUDIT]]
        for each in found[AUDIT]:
            text(each["label"], "a label that was spread")
            need(whole(each["seq"], 1, n_actions) and whole(each["n_texts"], 1, 10**12), "what was spread")
    return found


def _space(said: Mapping[str, Any]) -> PackedSpace:
    kind, settings, parent = said["kind"], said["settings"], said["parent"]
    need(whole(said["id"], 0, 10**6) and (parent is None or whole(parent, 0, said["id"] - 1)), "a space's number")
    need(said["state"] in STATES and isinstance(settings, dict), "a space's state")
    need(
        kind == "encoder" if said["id"] == 0 else kind in (*TUNERS, CLASSIFIER),
        f"there is no kind of space {kind!r:.40}",
    )
    classes = settings.get("classes", [])
    need(isinstance(classes, list) and all(isinstance(name, str) for name in classes), "a space's labels")
    datetime.fromisoformat(said["created_at"])
    return PackedSpace(
        said["id"], text(said["name"], "a name"), kind, settings, parent, said["state"], said["created_at"]
    )
