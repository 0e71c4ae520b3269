"""Parquet files to tables."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labelling.dataset import ReadError, ReadOptions, Table
from labelling.readers.tables import MAX_BYTES, READABLE, check_size, count, from_columns


@contextmanager
def reading(what: str) -> Iterator[None]:
    """A damaged file raises whatever the parsers raise; all of it becomes a ReadError."""
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
        raise ReadError(
            f"The {what} can't be read: {str(error)[:200]}. It is cut off or damaged, or another kind of file: "
            f"save or download it again, or upload {READABLE}."
        ) from None


def check_unpacked(size: int) -> None:
    if size > 4 * MAX_BYTES:
        raise ReadError(f"The file unpacks to {size / 1e6:,.0f} MB; up to {4 * MAX_BYTES / 1e6:,.0f} MB can be read.")


@reading("Parquet file")
def read_parquet(data: bytes, options: ReadOptions | None = None) -> Table:
    """Read a Parquet file; numbers and times keep their types, nested values become JSON text.

    Numbers of labels become the labels' names, where the file has these as the datasets library writes them
    (``ClassLabel`` under ``huggingface`` in the schema's metadata), or as a dictionary. Of `options` none is about it.
    """
    import pyarrow.parquet as pq
    from pyarrow import types

    file = pq.ParquetFile(io.BytesIO(data))
    check_size(file.metadata.num_rows, len(file.schema_arrow.names))
    check_unpacked(sum(file.metadata.row_group(k).total_byte_size for k in range(file.num_row_groups)))
    arrow = file.read()
    if not arrow.num_columns or not arrow.num_rows:
        raise ReadError("The Parquet file has no rows.")
    features = _features(arrow.schema.metadata)
    notes: list[str] = []
    columns = []
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        labels = _class_names(features.get(name))
        if labels is not None:
            columns.append(_named(name, column.to_pylist(), labels, notes))
        elif types.is_floating(column.type) or types.is_timestamp(column.type):
            columns.append(column.to_pandas())
        else:  # Not to pandas, which makes floats of integers where one is missing.
            columns.append(column.to_pylist())
    return from_columns(arrow.column_names, columns, "Parquet", notes)


def _features(metadata: dict[bytes, bytes] | None) -> dict[str, Any]:
    """What the datasets library says of the columns, by name."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def _class_names(feature: Any) -> list[str] | None:
    """The names behind the numbers of this column or of the lists in it; None where it holds something else.

    Lists are ``[feature]``, or a ``Sequence``, ``List`` or ``LargeList``, by version.
    """
    while not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        if isinstance(feature, list) and len(feature) == 1:
            feature = feature[0]
        elif isinstance(feature, dict) and "feature" in feature:
            feature = feature["feature"]
        else:
            return None
    names = feature.get("names")
    return list(map(str, names)) if isinstance(names, list) and names else None


def _named(column: str, values: list[Any], labels: list[str], notes: list[str]) -> list[Any]:
    """Names for numbers; -1, which stands for no label, is None, and left out of lists."""
    n_beyond = 0

    def name(value: Any) -> Any:
        nonlocal n_beyond
        if isinstance(value, list):
            return [found for entry in value if (found := name(entry)) is not None]
        if not isinstance(value, int) or value == -1:
            return None if value == -1 else value
        if 0 <= value < len(labels):
            return labels[value]
        n_beyond += 1
        return str(value)

    named = [name(value) for value in values]
    if n_beyond:
        notes.append(
            f"{count(n_beyond, 'number')} in {column[:40]!r} can't be a label's: the file has names for 0 to "
            f"{len(labels) - 1}. Kept as the number."
        )
    return named
