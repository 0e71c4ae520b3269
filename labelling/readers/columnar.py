"""Parquet files to tables."""

import json
import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from labelling.dataset import ReadError, ReadOptions, Table
from labelling.readers import tables
from labelling.readers.memory import room_for
from labelling.readers.tables import (
    FEWER,
    READABLE,
    Nested,
    as_text,
    check_chars,
    check_size,
    count,
    from_columns,
    listed,
)

BATCH_ROWS = 16_384  # decoded at a time, before they are counted
BATCH_BYTES = 64_000_000


@contextmanager
def reading(what: str) -> Iterator[None]:
    """A damaged file raises whatever the parsers raise; all of it becomes a ReadError."""
    try:
        yield
    except ReadError:
        raise
    except MemoryError:
        raise ReadError(
            f"The {what} can't be read: it unpacks to far more than its size lets expect. It is damaged, or made to "
            f"break programs. Save it again. {FEWER}"
        ) from None
    except Exception as error:
        raise ReadError(
            f"The {what} can't be read: {str(error)[:200].rstrip('. ')}. It is cut off or damaged, or another kind "
            f"of file: save or download it again, or upload {READABLE}."
        ) from None


@reading("Parquet file")
def read_parquet(source: bytes | Path, options: ReadOptions | None = None) -> Table:
    """Read a Parquet file; numbers and times keep their types, nested values become JSON text.

    Numbers of labels become the labels' names, where the file has these as the datasets library writes them
    (``ClassLabel`` under ``huggingface`` in the schema's metadata), or as a dictionary. Of `options` none is about it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    opened = pa.BufferReader(source) if isinstance(source, bytes) else pa.memory_map(str(source))
    file = pq.ParquetFile(opened)
    schema = file.schema_arrow
    n_rows = _check_counts(file)
    if not schema.names or not n_rows:
        raise ReadError("The Parquet file has no rows.")
    columns = _decode(opened, file)
    features = _features(schema.metadata)
    named = [name for name in schema.names if class_names(features.get(name))]
    notes = [f"A Hugging Face data set: the labels in {listed(named)} by their names."] if named else []

    def values() -> Iterator[Any]:
        # One by one: as Python objects they take several times the memory.
        for place, name in enumerate(schema.names):
            yield _values(name, pa.chunked_array(columns[place]), class_names(features.get(name)), notes)
            columns[place].clear()

    table = from_columns(schema.names, values(), "Parquet")
    label = named[0] if len(named) == 1 else None
    return Table(table.frame, "Parquet", notes=(*notes, *table.notes), label=label)


def part_of(part: Any) -> pd.DataFrame:
    """Some rows of a Parquet file, one at least, as an Arrow table: as `read_parquet` gives them."""
    import pyarrow as pa

    features, names = _features(part.schema.metadata), part.schema.names
    columns = (pa.chunked_array(list(map(_plain, column.chunks))) for column in part.columns)
    named = zip(names, columns, strict=True)
    values = [_values(name, column, class_names(features.get(name)), []) for name, column in named]
    return from_columns(names, values, "Parquet").frame


def _check_counts(file: Any) -> int:
    """Raise ReadError where what the file says of itself is too much; the number of its rows."""
    metadata, names = file.metadata, file.schema_arrow.names
    check_size(0, len(names))
    groups = [metadata.row_group(k) for k in range(metadata.num_row_groups)]
    n_rows = sum(group.num_rows for group in groups)
    if n_rows != metadata.num_rows or any(group.num_rows < 0 or group.total_byte_size < 0 for group in groups):
        raise ReadError("The Parquet file is damaged: its counts of rows don't agree. Save or download it again.")
    check_size(n_rows, len(names))
    tables.check_unpacked(sum(group.total_byte_size for group in groups))
    leaves = [file.schema.column(k) for k in range(len(file.schema))]
    lists = [k for k, leaf in enumerate(leaves) if leaf.max_repetition_level]
    _check_lists(sum(group.column(k).num_values for group in groups for k in lists))
    return n_rows


def _check_lists(n_values: int) -> None:
    if n_values > tables.MAX_CELLS:
        raise ReadError(
            f"The lists in the table hold {n_values:,} values or more; up to {tables.MAX_CELLS:,} can be read. Leave "
            "the columns with embeddings or other long lists out."
        )


def _decode(opened: Any, file: Any) -> list[list[Any]]:
    """The decoded parts of each column, counted as they come."""
    names = file.schema_arrow.names
    columns: list[list[Any]] = [[] for _ in names]
    n_bytes = n_chars = n_listed = 0
    # Each batch of a dictionary's column has the whole dictionary: of these a row group is one batch.
    coded = [field.name for field in file.schema_arrow if _holds_dictionary(field.type)]
    others = [name for name in names if name not in coded]
    if len(set(names)) < len(names):
        coded, others = (names, []) if coded else ([], names)
    rows = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
    longest = [_longest_text(opened, file, k) for k in range(file.num_row_groups)]
    batches = [max(1, min(BATCH_ROWS, BATCH_BYTES // length)) for length in longest]
    if sum(map(operator.mul, longest, rows)) > tables.MAX_CHARS:  # It may be a bomb: counted before anything is kept.
        n_there = 0
        for k, n_batch in enumerate(batches):
            for part in _batches(file, n_batch, k, others):
                n_there += sum(_size(column)[0] for column in part)
                check_chars(n_there)
    for k, n_batch in enumerate(batches):
        for wanted, size in ((others, n_batch), (coded, max(1, rows[k]))):
            places = [place for place, name in enumerate(names) if name in wanted]
            for part in _batches(file, size, k, wanted):
                if part.num_columns != len(places):
                    raise ReadError("The Parquet file is damaged: it lacks columns that it says it has.")
                for place, column in zip(places, part.columns, strict=True):
                    size_in_text, n_values = _size(column)
                    n_chars, n_listed = n_chars + size_in_text, n_listed + n_values
                    check_chars(n_chars)
                    _check_lists(n_listed)
                    n_bytes += column.nbytes
                    # Once in Arrow, once more in the file that the child writes, and the one column that is being
                    # turned into Python's objects.
                    room_for(3 * (n_bytes + n_chars) + 100 * n_listed + 200 * file.metadata.num_rows)
                    columns[place].append(_plain(column))
    return columns


def _longest_text(opened: Any, file: Any, group: int) -> int:
    """The bytes of the longest value in the dictionaries of a row group, which may stand in each row of it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    longest, coded = 1, []
    for k in range(len(file.schema)):
        leaf = file.schema.column(k)
        if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY":
            longest = max(longest, leaf.length)
        elif leaf.physical_type == "BYTE_ARRAY":
            part = file.metadata.row_group(group).column(k)
            if "DELTA_BYTE_ARRAY" in part.encodings:  # It says what the last text said in a few bytes.
                longest = max(longest, BATCH_BYTES // 1_000)
            elif part.has_dictionary_page:
                coded.append(leaf.path)
    if not coded:
        return longest
    names = list(dict.fromkeys(path.partition(".")[0] for path in coded))
    try:
        by_code = pq.ParquetFile(opened, read_dictionary=coded)
        found = [_longest(column) for part in _batches(by_code, 1, group, names, 1) for column in part]
    except pa.ArrowNotImplementedError:
        found = [BATCH_BYTES // 1_000]
    return max([longest, *found])


def _batches(file: Any, n_rows: int, group: int, names: Sequence[str], n_batches: int | None = None) -> Iterator[Any]:
    if not names:
        return
    parts = file.iter_batches(n_rows, row_groups=[group], columns=list(names), use_threads=False)
    for number, part in enumerate(parts, 1):
        yield part
        if number == n_batches:
            return


def _holds_dictionary(kind: Any) -> bool:
    from pyarrow import types

    return types.is_dictionary(kind) or any(_holds_dictionary(kind.field(k).type) for k in range(kind.num_fields))


def _longest(array: Any) -> int:
    """The bytes of the longest value in the dictionaries of this array and of those in it."""
    import pyarrow as pa
    from pyarrow import compute

    if isinstance(array, pa.DictionaryArray):
        kind = array.dictionary.type
        long = pa.types.is_string(kind) or pa.types.is_binary(kind)
        return (compute.max(compute.binary_length(array.dictionary)).as_py() or 1) if long else 1
    if isinstance(array, pa.StructArray):
        return max((_longest(array.field(k)) for k in range(array.type.num_fields)), default=1)
    if isinstance(array, pa.MapArray):
        return max(_longest(array.keys), _longest(array.items))
    if isinstance(array, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray):
        return _longest(array.values)
    return 1


def _size(array: Any) -> tuple[int, int]:
    """How long its texts are, and how many values its lists hold, when it is decoded."""
    import pyarrow as pa
    from pyarrow import compute, types

    kind = array.type
    if types.is_dictionary(kind):
        if _is_text(kind.value_type):
            lengths = compute.binary_length(array.dictionary)
            return sum(compute.sum(compute.take(lengths, part)).as_py() or 0 for part in _parts(array.indices)), 0
        return len(array), 0
    if _is_text(kind):
        return compute.sum(compute.binary_length(array)).as_py() or 0, 0
    n_listed = 0
    while isinstance(array, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray | pa.MapArray):
        array = array.flatten() if not isinstance(array, pa.MapArray) else array.keys
        n_listed += len(array)
    return (array.nbytes, n_listed) if types.is_nested(kind) else (0, 0)


def _parts(array: Any) -> Iterator[Any]:
    """So that what is looked up for each entry takes little memory at a time."""
    for start in range(0, len(array), 1_000_000):
        yield array[start : start + 1_000_000]


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)


def _plain(array: Any) -> Any:
    """A dictionary's column as the values themselves, once they are counted."""
    from pyarrow import types

    return array.dictionary_decode() if types.is_dictionary(array.type) else array


# ---------------------------------------------------------------- values


def _values(name: str, column: Any, labels: list[str] | None, notes: list[str]) -> Any:
    """A Series where pandas has the type, else Python's values."""
    from pyarrow import compute, types

    kind = column.type
    if labels is None and column.null_count < len(column):
        if types.is_floating(kind):
            return column.to_pandas()
        if types.is_timestamp(kind) and _has_years(column):
            return column.to_pandas()
        if types.is_string(kind) and _is_utf_8(column):
            return column.to_pandas().astype("str")
        if types.is_boolean(kind):
            return (
                column.to_pandas(types_mapper=lambda _: pd.BooleanDtype()) if column.null_count else column.to_pandas()
            )
        if types.is_integer(kind) and (kind != "uint64" or compute.max(column).as_py() < 2**63):
            # Not by to_pandas alone, which makes floats of integers where one is missing.
            whole = column.cast("int64")
            return whole.to_pandas(types_mapper=lambda _: pd.Int64Dtype()) if column.null_count else whole.to_pandas()
    values: list[Any] = []
    n_wrong = n_beyond = n_chars = 0
    for part in column.chunks:
        for entries in _parts_of(part):
            found, n = _python(entries)
            n_wrong += n
            if labels is not None:
                found, n = named(found, labels)
                n_beyond += n
            nested = [Nested(as_text(value)) if isinstance(value, dict | list) else value for value in found]
            n_chars += sum(len(value) for value in nested if isinstance(value, Nested))
            check_chars(n_chars)
            values += nested
    if n_wrong:
        notes.append(
            f"{count(n_wrong, 'value')} in {name[:40]!r} can't be: dates beyond the years 1 to 9999, or bytes that are "
            "no text. Dates are kept as the number that they are in the file, such bytes as \ufffd, others are empty."
        )
    if n_beyond:
        notes.append(
            f"{count(n_beyond, 'number')} in {name[:40]!r} can't be a label's: the file has names for 0 to "
            f"{len(labels or ()) - 1}. Kept as the number."
        )
    return values


def _parts_of(array: Any) -> Iterator[Any]:
    for start in range(0, len(array), BATCH_ROWS):
        yield array[start : start + BATCH_ROWS]


def _has_years(column: Any) -> bool:
    """Whether all times are within what Python and pandas can write: the years 1 to 9999."""
    from pyarrow import compute

    if column.type.unit == "ns":
        return True
    a_day = {"s": 1, "ms": 1_000, "us": 1_000_000}[column.type.unit] * 86_400
    found = compute.min_max(column.cast("int64")).as_py()
    return -719_162 * a_day <= found["min"] and found["max"] < 2_932_896 * a_day  # a day short, for time zones


def _is_utf_8(column: Any) -> bool:
    import pyarrow as pa

    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _python(array: Any) -> tuple[list[Any], int]:
    """Python's values, and how many can't be: a date in the year 0 is its number, bytes that are no text U+FFFD."""
    from pyarrow import types

    wrong = (ValueError, OverflowError)  # of which UnicodeDecodeError is one
    try:
        return array.to_pylist(), 0
    except wrong:
        pass
    values, n_wrong = [], 0
    kind = array.type
    raw = None
    if types.is_string(kind):
        raw = [
            None if value is None else value.decode("utf-8", "replace") for value in array.cast("binary").to_pylist()
        ]
    elif types.is_temporal(kind) and not types.is_interval(kind):
        numbers = array.view("int32" if kind.bit_width == 32 else "int64").to_pylist()
        raw = [None if number is None else str(number) for number in numbers]
    for row in range(len(array)):
        try:
            values.append(array[row].as_py())
        except wrong:
            n_wrong += 1
            values.append(raw[row] if raw is not None else None)
    return values, n_wrong


def _features(metadata: dict[bytes, bytes] | None) -> dict[str, Any]:
    """What the datasets library says of the columns, by name."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def class_names(feature: Any) -> list[str] | None:
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


def named(values: list[Any], labels: list[str]) -> tuple[list[Any], int]:
    """Names for numbers, and how many have none; -1, which stands for no label, is None, and left out of lists."""
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

    return [name(value) for value in values], n_beyond
