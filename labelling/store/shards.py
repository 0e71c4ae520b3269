"""A shard: a Parquet file that is there whole or not at all, and tells when it is not as it was written."""

import errno
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from labelling import errors
from labelling.files import write_whole
from labelling.store import StoreError

DIGEST = b"corral.digest"  # in a shard's metadata: of what it was made
KEY_BYTES = 16


def key(fingerprint: str, text: str) -> bytes:
    """Of an encoder and a text: equal where both are."""
    return blake2b(text.encode("utf-8"), key=fingerprint.encode()[:64], digest_size=KEY_BYTES).digest()


def vectors_array(vectors: np.ndarray) -> pa.FixedSizeListArray:
    """Vectors (n, n_dims) of float16 or float32 as a column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])


def vectors_of(table: pa.Table) -> np.ndarray:
    """The column `vector` as an array: (n, n_dims), of the type it has on disk."""
    column = table.column("vector").combine_chunks()
    n_dims = table.schema.field("vector").type.list_size
    return column.flatten().to_numpy().reshape(-1, n_dims)


def write(path: Path, table: pa.Table, digest: str) -> None:
    """Write a shard under a temporary name, sync it, rename it. Raises StoreError where the disk does not take it."""
    table = table.replace_schema_metadata({DIGEST: digest})
    packed = {name: "ZSTD" if name in ("text", "label") else "NONE" for name in _leaves(table.schema)}
    try:
        write_whole(
            path,
            lambda file: pq.write_table(
                table,
                file,
                row_group_size=max(len(table), 1),
                compression=packed,
                use_dictionary=["label"] if "label" in table.column_names else False,
                write_page_checksum=True,
                write_statistics=False,
            ),
        )
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        why = "the disk is full" if full else error.strerror or str(error)[:200]
        raise StoreError(
            f"{path} can't be written: {why}. What is there stays: make room, and give the same command again."
        ) from error


def _leaves(schema: pa.Schema) -> list[str]:
    return [f"{field.name}.list.element" if pa.types.is_fixed_size_list(field.type) else field.name for field in schema]


def digest_of(path: Path) -> tuple[str, int] | None:
    """Of what a shard was made, and how many rows it has, by its footer; None where it is missing or cut short."""
    try:
        with pq.ParquetFile(path) as file:
            return file.schema_arrow.metadata[DIGEST].decode(), file.metadata.num_rows
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged footer fails anywhere in a parser
        errors.log.warning("%s is damaged (%s): it is made anew", path, str(error)[:200])
        return None


def read(path: Path, n_rows: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a shard that must have `n_rows`, each of its bytes checked.

    Raises StoreError where it is missing or damaged; a damaged one is set aside, so that it is made anew.
    """
    try:
        # Not pq.read_table: that reads a folder's other files along, and is slower.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(columns)
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: give the command again that made it.") from None
    except Exception as error:  # as above
        why = " ".join(str(error).split())[:200]
    else:
        if len(table) == n_rows:
            return table
        why = f"it has {len(table):,} rows instead of {n_rows:,}"
    with suppress(OSError):  # on a read-only disk it stays
        path.rename(path.with_name(f"{path.name}.damaged-{secrets.token_hex(3)}"))
    raise StoreError(f"{path} is damaged ({why}): set aside. Give the command that made it again: it is made anew.")


def digest(parts: Mapping[str, object], content: bytes = b"") -> str:
    """Of what a shard is made."""
    said = "\n".join(f"{name}={value}" for name, value in sorted(parts.items()))
    return blake2b(said.encode() + b"\0" + content, digest_size=16).hexdigest()
