"""Data sets of the Hugging Face hub: their Parquet files, and the README that names their labels. No script is run."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelling.dataset import ReadError
from labelling.readers.packed import CARD, MAX_FILES, climbs_out, is_table, kind_of, tables_among
from labelling.readers.shards import folder_of, split_of
from labelling.readers.tables import listed

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo

PREFIX = "hf:"
# Where the hub keeps, as Parquet, what a data set holds in other formats:
# https://huggingface.co/docs/dataset-viewer/parquet
CONVERTED = "refs/convert/parquet"
_FORM = "Write owner/name as its page on the hub has it, or owner/name@revision, or owner/name/folder for a part of it."
_BY_HAND = "download its files in the browser, and open these"


@dataclass(frozen=True)
class DatasetName:
    """A data set on the hub: `id` is owner/name, `part` a folder or a file in it, "" for all of it."""

    id: str
    part: str = ""
    revision: str | None = None

    @classmethod
    def parse(cls, written: str) -> "DatasetName":
        """``owner/name``, ``owner/name/part@revision``; with ``hf:`` before it or not. Raises ReadError."""
        named, at, revision = written.strip().removeprefix(PREFIX).partition("@")
        owner, _, rest = named.strip("/").partition("/")
        name, _, part = rest.partition("/")
        if not owner or (at and not revision.strip()) or climbs_out(part):
            raise ReadError(f"{written[:80]!r} is no data set's id. {_FORM}")
        return cls(f"{owner}/{name}" if name else owner, part, revision.strip() or None)


def files_of(
    name: DatasetName,
    split: str | None,
    max_bytes: int,
    *,
    token: bool | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[tuple[str, bytes]]:
    """The Parquet files of a data set, and its README: each by its name, and what is in it.

    What was downloaded stays in the hub's cache on this machine, and is not downloaded again. `token`: None is the one
    that this machine is signed in with, False none. `on_progress` is told (bytes done, bytes in all), and may end it by
    raising.

    Raises ReadError where the hub can't be reached, knows no such data set or gives it to nobody who is not let in; and
    where it holds no Parquet, several tables, no such split, or more than `max_bytes`.
    """
    with _understood(name):
        info = _info(name, name.revision, token)
        sizes, source = _sizes(info), info
        tables = _tables(sizes, name.part)
        if not tables and name.revision is None:
            source = _info(name, CONVERTED, token)
            if source is not None:
                sizes = _sizes(source)
                tables = _tables(sizes, name.part)
        if info is None or source is None or not tables:
            raise ReadError(_without_parquet(name, list(_sizes(info))))
        tables = _of_split(tables, split, name)
        _check_one_table(tables, name)
        total = sum(sizes[table] for table in tables)
        if total > max_bytes:
            raise ReadError(
                f"{name.id!r} has {total / 1e6:,.0f} MB of Parquet there; up to {max_bytes / 1e6:,.0f} MB can be read. "
                f"Take one split{_choices(tables)}, or one file: hf:{name.id}/{tables[0]}."
            )
        found, done = [], 0
        for table in tables:
            tell = partial(_tell, on_progress, done, total)
            found.append((table, _download(name, table, source.sha, token, tell)))
            done += sizes[table]
            on_progress(done, total)
        if CARD in _sizes(info):
            found.append((CARD, _download(name, CARD, info.sha, token, lambda n: None)))
        return found


def _info(name: DatasetName, revision: str | None, token: bool | None) -> "DatasetInfo | None":
    """What the hub knows of it; None where only the converted form is not there."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    try:
        return api.dataset_info(name.id, revision=revision, files_metadata=True, timeout=30)
    except RevisionNotFoundError:
        if revision == CONVERTED and name.revision is None:
            return None
        raise


def _sizes(info: "DatasetInfo | None") -> dict[str, int]:
    """The bytes of each file, 0 where the hub does not say. Raises ReadError for names that lead out of a folder."""
    siblings = (info.siblings if info is not None else None) or []
    if len(siblings) > MAX_FILES:
        raise ReadError(f"The data set holds more than {MAX_FILES:,} files: name a folder of it. {_FORM}")
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in siblings}
    if (outside := next(filter(climbs_out, sizes), None)) is not None:
        raise ReadError(f"The data set holds a file that leads out of its folder ({outside[:60]!r}): it is not read.")
    return sizes


def _tables(sizes: dict[str, int], part: str) -> list[str]:
    inside = [name for name in sizes if not part or name == part or name.startswith(f"{part.rstrip('/')}/")]
    return sorted(name for name in inside if is_table(name) and kind_of(name) == "parquet")


def _of_split(tables: list[str], split: str | None, name: DatasetName) -> list[str]:
    if split is None:
        return tables
    wanted = [table for table in tables if split_of(table) == split]
    if not wanted:
        raise ReadError(f"{name.id!r} has no split {split[:40]!r}{_choices(tables)}.")
    return wanted


def _choices(tables: Sequence[str]) -> str:
    splits = sorted({split for table in tables if (split := split_of(table))})
    return f" (there are {listed(splits)})" if splits else ""


def _check_one_table(tables: Sequence[str], name: DatasetName) -> None:
    folders = sorted({folder_of(table) for table in tables})
    parts = folders if len(folders) > 1 else list(tables) if not tables_among(tables) else []
    if parts:
        raise ReadError(
            f"{name.id!r} holds several tables: {listed(parts)}. Name one, such as hf:{name.id}/{parts[-1]}."
        )


def _without_parquet(name: DatasetName, others: Sequence[str]) -> str:
    where = f" in {name.part[:60]!r}" if name.part else ""
    holds = f" It holds {listed(sorted(others))}." if others else ""
    return (
        f"{name.id!r} has no Parquet files{where}, and nothing else of it is read: no script of a data set is run."
        f"{holds} If a table is among them, {_BY_HAND}."
    )


def _tell(on_progress: Callable[[int, int], None], before: int, total: int, n: int) -> None:
    on_progress(before + n, total)


def _download(
    name: DatasetName, file: str, revision: str | None, token: bool | None, tell: Callable[[int], None]
) -> bytes:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import tqdm

    class Told(tqdm):
        """No bar: it tells how many bytes there are."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})
            self.so_far = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            self.so_far += int(n or 0)
            tell(self.so_far)

    path = hf_hub_download(
        name.id,
        file,
        repo_type="dataset",
        revision=revision,
        token=token,
        endpoint=os.environ.get("HF_ENDPOINT"),
        tqdm_class=Told,
    )
    return Path(str(path)).read_bytes()


@contextmanager
def _understood(name: DatasetName) -> Iterator[None]:
    """The errors of the hub's client, and of the HTTP library beneath it, as ReadErrors that say how to go on."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/datasets/{name.id}"
    try:
        yield
    except ReadError:
        raise
    except errors.HFValidationError:
        raise ReadError(f"{name.id[:80]!r} is no data set's id. {_FORM}") from None
    except errors.GatedRepoError:
        raise ReadError(
            f"{name.id!r} is gated: who runs Corral must accept its terms at {page}, and sign in on this machine with "
            f"`hf auth login`. Or {_BY_HAND}."
        ) from None
    except errors.RevisionNotFoundError:
        raise ReadError(f"{name.id!r} has no revision {str(name.revision)[:60]!r}: see {page}/tree/main.") from None
    except errors.RepositoryNotFoundError:
        raise ReadError(
            f"There is no data set {name.id!r} on the hub, or it is private. {_FORM} To one of your own you get with "
            "`hf auth login` on this machine."
        ) from None
    except errors.OfflineModeIsEnabled:
        raise ReadError(
            "Nothing is asked of the hub, as HF_HUB_OFFLINE is set: take it away, or open files that are here."
        ) from None
    except errors.RemoteEntryNotFoundError as error:
        raise ReadError(f"{name.id!r} lacks a file that it lists ({_line(error)}): try again later.") from None
    except Exception as error:  # it raises a dozen kinds: its own, and those of the HTTP library and of the disk
        raise ReadError(
            f"{name.id!r} can't be got from the Hugging Face hub ({_line(error)}). Is there a network? Try again: what "
            f"was downloaded is kept. Or {_BY_HAND}, or their folder: corral FOLDER."
        ) from None


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:200]
