"""A store that is complete, read a shard at a time."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from labelling.encoders.device import parted
from labelling.files import write_whole
from labelling.store import StoreError, shards

FORMAT = 1
MANIFEST, SHARDS = "store.json", "shards"


@dataclass
class Manifest:
    """What a store is made of. `files` are {"name", "n_rows", "shards": {name: n_texts}}; n_rows is None until all
    shards of a file are there."""

    id: str
    encoder: dict[str, Any]  # the settings, as `encoders.registry.encoder_for` takes them
    fingerprint: str
    n_dims: int
    dtype: str
    text_column: str
    shard_rows: int
    files: list[dict[str, Any]] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        said = json.dumps({"format": FORMAT, **vars(self)}, indent=1, ensure_ascii=False)
        try:
            write_whole(folder / MANIFEST, lambda file: file.write(said.encode()))
        except OSError as error:
            raise StoreError(f"{folder / MANIFEST} can't be written: {error.strerror or error}.") from error

    @classmethod
    def load(cls, folder: Path) -> "Manifest | None":
        """None where there is none. Raises StoreError where it can't be read."""
        path = folder / MANIFEST
        try:
            said = json.loads(path.read_bytes())
            written = said.pop("format")
            if written == FORMAT:
                return cls(**said)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(f"{path} can't be read ({str(error)[:200]}): put a copy of it back.") from error
        raise StoreError(f"{path} is of format {written!r}, this Corral reads {FORMAT}: a newer one has made it.")


@dataclass(frozen=True)
class Shard:
    """`n_texts` rows from the position `first` on, of all texts of the store."""

    path: Path
    first: int
    n_texts: int

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Raises StoreError where it is missing or damaged."""
        return shards.read(self.path, self.n_texts, columns)

    def vectors(self) -> np.ndarray:
        """(n_texts, n_dims), of the type on disk."""
        return shards.vectors_of(self.read(["vector"]))


def holding(shards: Sequence[Shard], positions: np.ndarray) -> Iterator[tuple[Shard, int, int]]:
    """Those of all shards that hold sorted positions, and from where to where in `positions` theirs are."""
    ends = np.searchsorted(positions, [shard.first + shard.n_texts for shard in shards])
    low = 0
    for shard, high in zip(shards, ends.tolist(), strict=True):
        if high > low:
            yield shard, low, high
        low = high


class Store:
    """A store on disk: `n_texts` texts of `n_rows` rows, with their vectors; a text's position is its number there.

    Raises StoreError where there is none, or it is not complete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        found = Manifest.load(self.folder)
        if found is None:
            raise StoreError(f"There is no store in {folder}: make one by `corral embed FILES... -o {folder}`.")
        self.manifest = found
        left = [each["name"] for each in found.files if each["n_rows"] is None]
        if left or not found.files:
            raise StoreError(
                f"The store in {folder} is not whole: {', '.join(left[:3]) or 'no file'} is not embedded to its end. "
                "Give the `corral embed` command again that began it."
            )

    @cached_property
    def shards(self) -> list[Shard]:
        found, first = [], 0
        for file in self.manifest.files:
            for name, n_texts in file["shards"].items():
                found.append(Shard(self.folder / SHARDS / name, first, n_texts))
                first += n_texts
        return found

    @property
    def n_texts(self) -> int:
        return sum(shard.n_texts for shard in self.shards)

    @property
    def n_rows(self) -> int:
        return sum(file["n_rows"] for file in self.manifest.files)

    def take(self, positions: np.ndarray, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows at these sorted positions, from the shards that hold them. Raises StoreError as `Shard.read`."""
        return pa.concat_tables(
            shard.read(columns).take(positions[low:high] - shard.first)
            for shard, low, high in holding(self.shards, positions)
        )

    def must_be_of(self, fingerprint: str, whose: str) -> None:
        """Raises StoreError where its vectors are of another encoder than those of `whose`, in whatever numbers."""
        if parted(fingerprint)[0] != parted(self.manifest.fingerprint)[0]:
            raise StoreError(
                f"The store in {self.folder} is of another encoder than {whose}: {described(self.manifest.encoder)}. "
                "Vectors of two encoders say nothing of each other."
            )


def described(settings: Mapping[str, Any]) -> str:
    """An encoder, as a person is told it."""
    return f"{settings.get('kind', 'sentence')}:{settings.get('model') or 'the packaged model'}"
