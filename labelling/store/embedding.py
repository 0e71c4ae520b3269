"""Files to a store, shard by shard: what is there is skipped, what is not is embedded, here or on a cluster."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout

from labelling.encoders.device import parted
from labelling.encoders.registry import ENCODERS, ENDPOINT, encoder_for
from labelling.store import StoreError, shards, work
from labelling.store.inputs import Block, Input
from labelling.store.store import SHARDS, Manifest, Store, described
from labelling.store.work import HERE, Machines

SHARD_ROWS = 16_384  # 25 MB of 384 float32; on two cores one to three minutes of work, which is what a kill costs
SCHEMA = [("file", pa.int32()), ("row", pa.int64()), ("key", pa.binary(shards.KEY_BYTES)), ("text", pa.large_string())]
PARTS = 1_000_000  # of a file, for the progress

OnProgress = Callable[[int, int], object]  # so much of all, in a unit of its own


def embed(
    files: Sequence[str],
    folder: Path,
    *,
    text: str,
    encoder: Mapping[str, Any] | None = None,
    float16: bool = False,
    machines: Machines = HERE,
    shard_rows: int = SHARD_ROWS,
    on_progress: OnProgress = lambda done, total: None,
) -> Store:
    """Embed the column `text` of all files into the store in `folder`, which is made, or taken up where it was left.

    A shard is `shard_rows` rows of a file, those left out that have no text. It is made anew where it is not there, is
    cut short, or was made of other texts; else it is skipped. Files that the store has already and that are not named
    stay in it. A text that is there twice within a shard is embedded once.

    Parameters
    ----------
    encoder : mapping
        Settings as `encoders.registry.encoder_for` takes them, of a model.
    float16 : bool
        Keep 16 bits of each number instead of 32.
    machines : Machines
        With a Ray cluster, `folder` must be one that all of its machines see.
    on_progress : callable
        Called as `on_progress(done, total)`, in millionths of a file.

    Raises
    ------
    ReadError
        A file can't be read, or has no such column. Nothing is made where that shows in its first rows.
    StoreError
        The store is of another encoder, number type or column; somebody else is at work on it; the disk is full; the
        cluster went away. What is done is kept.
    EncoderError
        There is no such model.
    """
    inputs = [Input(name, text) for name in dict.fromkeys(files)]
    folder = folder.expanduser().resolve()
    settings = dict(encoder or {})
    manifest = _manifest(folder, settings, text, float16, shard_rows)
    for each in inputs:
        next(each.blocks(1), None)  # before anything is made
    try:
        (folder / SHARDS).mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=0):
            _embed(inputs, folder, manifest, machines, on_progress)
    except Timeout:
        raise StoreError(f"Another process is at work on the store in {folder}: wait for it to end.") from None
    except OSError as error:
        raise StoreError(f"The folder {folder} can't be written: {error.strerror or error}.") from error
    return Store(folder)


def _manifest(folder: Path, settings: dict[str, Any], text: str, float16: bool, shard_rows: int) -> Manifest:
    kind = settings.get("kind", "sentence")
    if kind not in ENCODERS or kind == ENDPOINT:
        raise StoreError("A store's encoder is a model: no word counts, no endpoint, no vectors of one's own.")
    made = encoder_for(settings, folder)
    asked = Manifest(
        id=secrets.token_hex(8),
        encoder=settings,
        fingerprint=made.fingerprint,
        n_dims=made.n_dims,
        dtype="float16" if float16 else "float32",
        text_column=text,
        shard_rows=shard_rows,
    )
    found = Manifest.load(folder)
    if found is None:
        if folder.exists() and any(folder.iterdir()):
            raise StoreError(f"{folder} is no store, and is not empty: name a new folder. Nothing was changed.")
        return asked
    if found.fingerprint != asked.fingerprint:
        raise StoreError(
            f"The store in {folder} was made with another encoder: {described(found.encoder)}. A store has one: name a "
            "new folder for this one. Nothing was changed."
        )
    for name, what in (("dtype", "numbers"), ("text_column", "column"), ("shard_rows", "rows in a shard")):
        if getattr(found, name) != getattr(asked, name):
            raise StoreError(
                f"The store in {folder} was made with other {what}: {getattr(found, name)!r}, not "
                f"{getattr(asked, name)!r}. Give the same as before, or name a new folder. Nothing was changed."
            )
    return found


def _embed(inputs: list[Input], folder: Path, manifest: Manifest, machines: Machines, on_progress: OnProgress) -> None:
    for path in (folder / SHARDS).glob("*.tmp"):  # of processes that were killed
        path.unlink(missing_ok=True)
    by_name = {file["name"]: number for number, file in enumerate(manifest.files)}
    for each in inputs:
        if each.name not in by_name:
            by_name[each.name] = len(manifest.files)
            manifest.files.append({"name": each.name, "n_rows": None, "shards": {}})
        else:
            manifest.files[by_name[each.name]]["n_rows"] = None  # until it is seen whole again
    manifest.save(folder)
    settings = {
        "encoder": manifest.encoder,
        "fingerprint": manifest.fingerprint,
        "dtype": manifest.dtype,
        "folder": str(folder),
    }
    found: dict[int, tuple[int, dict[str, int]]] = {by_name[each.name]: (0, {}) for each in inputs}
    furthest = 0.0

    def tell(done: float) -> None:
        nonlocal furthest
        furthest = max(furthest, done)
        on_progress(int(furthest * PARTS), len(inputs) * PARTS)

    def tasks() -> Iterator[tuple[dict[str, Any], bytes]]:
        for n_before, each in enumerate(inputs):
            number = by_name[each.name]
            for block in each.blocks(manifest.shard_rows):
                name, table = _rows(number, block, manifest.fingerprint)
                found[number] = (block.first + len(block.texts), found[number][1])
                if not len(table):
                    continue
                found[number][1][name] = len(table)
                digest = _digest(manifest, table)
                if shards.digest_of(folder / SHARDS / name) == (digest, len(table)):
                    tell(n_before + block.done)
                    continue
                yield {"shard": name, "digest": digest, "done": n_before + block.done}, _as_bytes(table)

    for said in work.run("labelling.store.embedding:EmbedShard", settings, tasks(), machines):
        tell(said["done"])
    for number, (n_rows, made) in found.items():
        manifest.files[number].update(n_rows=n_rows, shards=made)
        for path in (folder / SHARDS).glob(f"{number:05}-*.parquet"):
            if path.name not in made:  # the file was longer before
                path.unlink()
    manifest.save(folder)
    tell(len(inputs))


def _rows(file: int, block: Block, fingerprint: str) -> tuple[str, pa.Table]:
    """The name of a block's shard, and its rows that have a text."""
    blank = pc.or_(pc.equal(block.texts, ""), pc.fill_null(pc.utf8_is_space(block.texts), False))
    rows = np.flatnonzero(~np.asarray(blank.to_numpy(zero_copy_only=False), bool))
    texts = block.texts.take(pa.array(rows))
    keys = [shards.key(fingerprint, text) for text in texts.to_pylist()]
    columns = [np.full(len(rows), file, np.int32), rows + block.first, keys, texts]
    table = pa.table([pa.array(each, kind) for each, (_, kind) in zip(columns, SCHEMA, strict=True)], pa.schema(SCHEMA))
    return f"{file:05}-{block.first:012}.parquet", table


def _digest(manifest: Manifest, table: pa.Table) -> str:
    content = b"".join(table.column("key").to_pylist()) + table.column("row").to_numpy().tobytes()
    return shards.digest({"fingerprint": manifest.fingerprint, "dtype": manifest.dtype}, content)


def _as_bytes(table: pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    return bytes(out.getvalue())


class EmbedShard:
    """The job: rows in, a shard on disk."""

    def __init__(self, encoder: Mapping[str, Any], fingerprint: str, dtype: str, folder: str) -> None:
        self.folder, self.dtype = Path(folder), np.dtype(dtype)
        # In the numbers that the store was begun in, whatever this machine's device would take.
        _, numbers = parted(fingerprint)
        self.encoder = encoder_for({**encoder, "numbers": numbers}, self.folder)
        if self.encoder.fingerprint != fingerprint:
            raise StoreError(f"The model {described(encoder)} is another one on this machine: install the same on all.")

    def run(self, task: dict[str, Any], data: bytes) -> dict[str, Any]:
        table = pa.ipc.open_stream(data).read_all()
        position: dict[bytes, int] = {}
        inverse = [position.setdefault(each, len(position)) for each in table.column("key").to_pylist()]
        first = np.unique(inverse, return_index=True)[1]
        vectors = np.asarray(self.encoder.encode(table.column("text").take(first).to_pylist()), np.float32)
        with np.errstate(over="ignore"):
            vectors = vectors.astype(self.dtype, copy=False)[inverse]
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            row, text = (table.column(name)[int(bad[0])].as_py() for name in ("row", "text"))
            raise StoreError(
                f"The encoder gave numbers that {self.dtype} can't hold for {len(bad):,} texts, first for row {row:,}: "
                f"{text!r:.80}"
            )
        table = table.append_column("vector", shards.vectors_array(vectors))
        shards.write(self.folder / SHARDS / task["shard"], table, task["digest"])
        return task
