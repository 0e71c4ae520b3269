"""A table to a file part by part, for tables that are larger than memory."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from labelling.dataset import as_strings
from labelling.formats.delimited import to_excel_csv
from labelling.formats.frames import as_json
from labelling.formats.jsonl import to_jsonl

EXACT = 2**53  # up to which a float holds whole numbers


class Columns:
    """The columns that the parts of a table have, in the order in which they first came, and one type for each.

    A part may lack a column, or hold nothing in it. Where parts hold different types, numbers become floats that hold
    them exactly, and all else text.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, set[Any]] = {}
        self._too_large: set[str] = set()

    def see(self, frame: pd.DataFrame) -> None:
        """Take in a part."""
        import pyarrow as pa

        for name, values in frame.items():
            kinds = self._kinds.setdefault(str(name), set())
            if values.isna().all():
                continue
            kinds.add(pa.Array.from_pandas(values.head(0)).type if values.dtype != object else pa.string())
            if values.dtype.kind in "iu" and (values.dropna().abs() > EXACT).any():
                self._too_large.add(str(name))

    def followed_by(self, other: "Columns", renamed: Mapping[str, str]) -> "Columns":
        """These columns, under other names where `renamed` has them, and then those of another table beside it."""
        both = Columns()
        both._kinds = {renamed.get(name, name): kinds for name, kinds in self._kinds.items()} | other._kinds
        both._too_large = {renamed.get(name, name) for name in self._too_large} | other._too_large
        return both

    @property
    def names(self) -> list[str]:
        return list(self._kinds)

    def schema(self) -> Any:
        import pyarrow as pa

        return pa.schema([(name, self._type(name)) for name in self._kinds])

    def _type(self, name: str) -> Any:
        import pyarrow as pa
        from pyarrow import types

        kinds = self._kinds[name]
        if len(kinds) == 1:
            (kind,) = kinds
            return pa.string() if types.is_large_string(kind) else kind
        numbers = all(types.is_integer(kind) or types.is_floating(kind) for kind in kinds)
        return pa.float64() if numbers and kinds and name not in self._too_large else pa.string()


def write_csv(file: BinaryIO, frames: Iterable[pd.DataFrame], columns: Columns) -> None:
    """CSV for spreadsheets, see `delimited.to_excel_csv`."""
    for number, frame in enumerate(frames):
        file.write(to_excel_csv(frame.reindex(columns=columns.names), header=number == 0))


def write_jsonl(file: BinaryIO, frames: Iterable[pd.DataFrame], columns: Columns) -> None:
    """A JSON object a line."""
    for frame in frames:
        file.write(to_jsonl(frame.reindex(columns=columns.names)))


def write_parquet(file: BinaryIO, frames: Iterable[pd.DataFrame], columns: Columns) -> None:
    """Parquet, a row group a part."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = columns.schema()
    with pq.ParquetWriter(file, schema) as writer:
        for frame in frames:
            whole = frame.reindex(columns=schema.names)
            arrays = [_array(whole[each.name], each.type) for each in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _array(values: pd.Series, kind: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if values.isna().all():
        return pa.nulls(len(values), kind)
    if types.is_string(kind):
        return pa.array(as_strings(values.map(as_json) if values.dtype == object else values), kind)
    return pa.array(values.astype(np.float64) if types.is_float64(kind) else values, kind, from_pandas=True)


# A file's ending, and what writes it.
WRITERS: dict[str, Callable[[BinaryIO, Iterable[pd.DataFrame], Columns], None]] = {
    ".csv": write_csv,
    ".jsonl": write_jsonl,
    ".parquet": write_parquet,
}
