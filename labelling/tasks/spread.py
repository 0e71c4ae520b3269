"""A project's labels, spread over a whole store: by what has learnt them, a shard for each of the store's shards."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from filelock import FileLock, Timeout

from labelling.encoders import Encoder
from labelling.errors import StepError
from labelling.files import write_whole
from labelling.learning.model import Model
from labelling.store import shards
from labelling.store.sampling import OnProgress
from labelling.store.store import Shard, Store
from labelling.workspace import Project

FORMAT = "corral-labels/1"
MANIFEST, SHARDS = "labels.json", "shards"
# Labelled texts to which nearness is measured: so many of each label, and no more in all.
OF_A_LABEL, OF_ALL = 100, 4_000
CHUNK_ROWS = 4_096


@dataclass(frozen=True)
class Labels:
    """What `spread` wrote: for each text of a store, in its order, `label`, `probability` and `nearness`.

    `counts` is how many texts bear each label. Raises StepError where there is none, or it is not whole.
    """

    counts: Mapping[str, int]
    shards: Sequence[Shard] = field(repr=False)

    @classmethod
    def open(cls, folder: Path, store: Store) -> "Labels":
        path = folder / MANIFEST
        try:
            said = json.loads(path.read_bytes())
            format_, of, counts = said["format"], said["made_of"]["store"], said["counts"]
        except FileNotFoundError:
            raise StepError(
                f"There are no labels in {folder}: `corral spread PROJECT STORE -o FOLDER` makes them."
            ) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StepError(f"{path} can't be read ({str(error)[:200]}): make the labels anew.") from error
        if format_ != FORMAT:
            raise StepError(f"{path} is of format {format_!r}, this Corral reads {FORMAT!r}: a newer one has made it.")
        if of != identity(store):
            raise StepError(f"The labels in {folder} are not those of the store in {store.folder} as it is now.")
        if counts is None:
            raise StepError(f"The labels in {folder} are not whole: give the `corral spread` command again.")
        return cls(counts, [Shard(folder / SHARDS / each.path.name, each.first, each.n_texts) for each in store.shards])


def identity(store: Store) -> str:
    """Names a store with the shards that it has now."""
    return shards.digest({"id": store.manifest.id, "shards": [(each.path.name, each.n_texts) for each in store.shards]})


def spread(
    project: Project,
    store: Store,
    folder: Path,
    encoder: Encoder,
    *,
    space_id: int | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> Labels:
    """Write what the project's model says of each text of a store into `folder`: a shard for each of its shards.

    The columns are `file`, `row` and `key` as in the store, `label`, `probability`, of that label, `sure`, the same
    times how near the text is to those labelled so (see `learning.support`), and `nearness`: the cosine to the nearest
    text that was labelled at all, of at most 100 drawn of each label. Where that is low nobody has labelled anything
    like it. A tuner takes the store's vectors; a classifier, which has an encoder of its own, reads all texts anew.

    What is there is skipped: after a kill the same call goes on. `encoder` is the project's. `space_id` is the model's,
    by default the newest that was kept.

    Raises StepError where there is no model, the labels are yes and no for each on its own, or the folder holds others;
    StoreError where the store is of another encoder than the project, or a shard is damaged.
    """
    if project.multi_label:
        raise StepError("The labels of this project are yes and no for each on its own: these can't be spread yet.")
    store.must_be_of(encoder.fingerprint, f"the project {project.name!r}")
    stored = _Stored(encoder.fingerprint)
    model = project.model(space_id, lambda settings: stored)
    labelled = labelled_vectors(project)
    made_of = {"store": identity(store), "model": model.fingerprint, "labelled": shards.digest({}, labelled.tobytes())}
    said = {"format": FORMAT, "made_of": made_of, "project": project.id, "counts": None}
    counts: Counter[str] = Counter()
    folder = folder.expanduser().resolve()
    try:
        with _alone(folder, said):
            for shard in store.shards:
                path = folder / SHARDS / shard.path.name
                digest = shards.digest({**made_of, "shard": shards.digest_of(shard.path)})
                if shards.digest_of(path) != (digest, shard.n_texts):
                    shards.write(path, _answers(shard, model, stored, labelled), digest)
                found = shards.read(path, shard.n_texts, ["label"]).column("label").value_counts()
                counts.update({each["values"]: each["counts"] for each in found.to_pylist()})
                on_progress(shard.first + shard.n_texts, store.n_texts)
            _save(folder, {**said, "counts": dict(counts.most_common())})
    except OSError as error:
        raise StepError(f"{folder} can't be written: {error.strerror or error}. What is there stays.") from error
    return Labels.open(folder, store)


class _Stored:
    """Stands for the encoder: gives the vectors that the store has, of the texts that are asked about."""

    max_tokens = None

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self.vectors = np.empty((0, 0), np.float32)

    @property
    def n_dims(self) -> int:
        return self.vectors.shape[1]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return self.vectors

    def count_truncated(self, texts: Sequence[str]) -> int:
        return 0


def _answers(shard: Shard, model: Model, stored: _Stored, labelled: np.ndarray) -> pa.Table:
    table = shard.read()
    vectors = shards.vectors_of(table).astype(np.float32)
    texts = table.column("text").to_pylist()
    found = []
    for start in range(0, len(texts), CHUNK_ROWS):
        stored.vectors = vectors[start : start + CHUNK_ROWS]
        found.append(model.answers(texts[start : start + CHUNK_ROWS]))
    codes = np.concatenate([each.codes for each in found])
    probability = np.concatenate([each.probability.max(axis=1) for each in found])
    sure = np.concatenate([each.sure for each in found])
    columns = {
        "label": pa.array(model.classes_[codes].tolist(), pa.string()),
        "probability": probability.astype(np.float32),
        "sure": sure.astype(np.float32),
        "nearness": nearness(vectors, labelled),
    }
    return pa.table({**{name: table.column(name) for name in ("file", "row", "key")}, **columns})


def labelled_vectors(project: Project) -> np.ndarray:
    """Some of the labelled texts' embeddings in the original space, of length 1: float32 (n, n_dims)."""
    log, embeddings = project.open_log(), project.spaces()[0].embeddings
    rng = np.random.default_rng(0)
    present = ~np.isnan(np.asarray(embeddings[:, 0]))
    rows = [np.flatnonzero(present & (log.codes == code)) for code in np.unique(log.codes[log.known])]
    drawn = [rng.permutation(each)[:OF_A_LABEL] for each in rows]
    if not drawn:
        raise StepError("Nothing is labelled in this project: there is nothing to spread.")
    chosen = np.sort(rng.permutation(np.concatenate(drawn))[:OF_ALL])
    return _unit(np.asarray(embeddings[chosen], np.float32))


def nearness(vectors: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """The cosine of each vector (n, n_dims) to the nearest of those that were labelled: float32 (n,)."""
    near = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), CHUNK_ROWS):
        part = vectors[start : start + CHUNK_ROWS]
        near[start : start + CHUNK_ROWS] = (_unit(part) @ labelled.T).max(axis=1)
    return near


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


@contextmanager
def _alone(folder: Path, said: Mapping[str, Any]) -> Iterator[None]:
    """The folder, for this process alone. Raises StepError where it holds something else."""
    # One that was killed at its beginning left a lock, and maybe half of what it is.
    others = folder.exists() and any(path.name != "lock" and path.suffix != ".tmp" for path in folder.iterdir())
    if others and not (folder / MANIFEST).exists():
        raise StepError(f"{folder} holds no labels, and is not empty: name a new folder. Nothing was changed.")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            _must_be_the_same(folder, said["made_of"])
            _save(folder, said)
            for path in (folder / SHARDS).glob("*.tmp"):  # of processes that were killed
                path.unlink(missing_ok=True)
            yield
    except Timeout:
        raise StepError(f"Another process is at work on {folder}: wait for it to end.") from None


def _must_be_the_same(folder: Path, made_of: Mapping[str, str]) -> None:
    try:
        before = json.loads((folder / MANIFEST).read_bytes())["made_of"]
        differ = [name for name in made_of if before[name] != made_of[name]]
    except FileNotFoundError:
        return
    except (ValueError, TypeError, KeyError) as error:
        raise StepError(f"{folder / MANIFEST} is damaged: name a new folder. Nothing was changed.") from error
    if differ:
        what = {"store": "the store", "model": "the model", "labelled": "what is labelled"}
        raise StepError(
            f"The labels in {folder} are from before {' and '.join(what[name] for name in differ)} changed: name a new "
            "folder, or delete this one. Nothing was changed."
        )


def _save(folder: Path, said: Mapping[str, Any]) -> None:
    content = json.dumps(said, indent=1, ensure_ascii=False).encode()
    write_whole(folder / MANIFEST, lambda file: file.write(content))
