"""A table as it was read, and the dataset that is made of one."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd

from labelling.errors import CorralError
from labelling.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas.api.extensions import ExtensionArray


@dataclass(frozen=True)
class ReadOptions:
    """What a person says of a file; None leaves it to the reader to find out."""

    header: int | None = None  # the row, counted from 1, with the names of the columns; 0: there is none
    sheet: str | None = None  # of a workbook, by its title
    encoding: str | None = None  # a codec's name
    replace_bad_bytes: bool = False  # what the encoding does not know becomes U+FFFD


@dataclass(frozen=True)
class Offer:
    """A way in which a file that was refused can be read after all."""

    said: str  # on a button: "Read it as UTF-8, replace 1 character in line 795"
    options: ReadOptions


class ReadError(CorralError, ValueError):
    """What was uploaded can't be read. The message says what is wrong, where, and what to do.

    `offers` are ways to read it all the same, `lines` what of the file one should see before one takes one.
    """

    def __init__(self, message: str, *, offers: Sequence[Offer] = (), lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.offers = tuple(offers)
        self.lines = tuple(lines)


@dataclass(frozen=True, eq=False)
class Table:
    """A table as read: the frame, how it was read, and what was done on the way."""

    frame: pd.DataFrame
    format: str
    encoding: str | None = None
    delimiter: str | None = None
    notes: tuple[str, ...] = ()
    header: int | None = None  # the row, counted from 1, that held the names; 0: none; None: the format has no such row
    sheet: str | None = None
    sheets: tuple[str, ...] = ()  # of the workbook, by their titles, in its order
    label: str | None = None  # the column with a label a row, where the tool is known that wrote it


@dataclass(frozen=True, eq=False)
class Dataset:
    """The uploaded texts with all their columns, in uploaded order. A row's number is its identity."""

    frame: pd.DataFrame = field(repr=False)
    text_column: str
    label_column: str | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def n_rows(self) -> int:
        return len(self.frame)

    @cached_property
    def texts(self) -> list[str]:
        """(n_rows,) The texts; a missing one is ``""``."""
        return self.frame[self.text_column].fillna("").tolist()

    @cached_property
    def _array(self) -> ExtensionArray:
        """(n_rows,) The texts as they are held: one by the frame takes six times as long."""
        return self.frame[self.text_column].array

    def text(self, row: int) -> str:
        """The text of one row, without making strings of all the others."""
        value = self._array[row]
        return "" if pd.isna(value) else str(value)

    @cached_property
    def empty(self) -> np.ndarray:
        """(n_rows,) of bool: True where the text is empty or holds nothing but white space."""
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = pc.fill_null(pa.array(self.frame[self.text_column], pa.large_string()), "")
        nothing = pc.or_(pc.equal(texts, ""), pc.utf8_is_space(texts))  # which means the same as str.isspace
        return np.asarray(nothing.to_numpy(zero_copy_only=False), bool)

    @cached_property
    def n_duplicates(self) -> int:
        """How many rows repeat the text of an earlier row, empty texts not counted."""
        texts = [text for text, empty in zip(self.texts, self.empty, strict=True) if not empty]
        return len(texts) - len(set(texts))

    @property
    def metadata_columns(self) -> list[str]:
        """The columns that are neither the text nor the label."""
        return [name for name in self.frame.columns if name not in (self.text_column, self.label_column)]

    def extended(self, more: Dataset) -> Dataset:
        """These rows, then those of `more`, whose text and label columns take the names they have here.

        Other columns are matched by name, and are empty in the rows that have none. Where the two hold values of
        different kinds, both become text.
        """
        taken = {more.text_column: self.text_column}
        if self.label_column is not None and more.label_column is not None:
            taken[more.label_column] = self.label_column
        for name in more.frame.columns:
            if name not in taken and name in taken.values():  # another column of theirs, that has our column's name
                numbered = (f"{name} ({n})" for n in itertools.count(2))
                taken[name] = next(other for other in numbered if other not in more.frame.columns)
        frames = [self.frame.copy(deep=False), more.frame.rename(columns=taken)]
        for name in dict.fromkeys([*frames[0].columns, *frames[1].columns]):
            kinds = {frame[name].dtype for frame in frames if name in frame}
            missing = any(name not in frame for frame in frames)
            # Labels are told by their names: written as text, so that those of both are written alike.
            numbers = name != self.label_column and all(_fits_a_float(frame[name]) for frame in frames if name in frame)
            for frame in frames:
                if name in frame and len(kinds) > 1 and numbers and all(kind.kind in "iu" for kind in kinds):
                    frame[name] = frame[name].astype("Int64")
                elif name in frame and len(kinds) > 1 and numbers:
                    frame[name] = frame[name].astype("Float64").astype("float64")
                elif name in frame and len(kinds) > 1:
                    frame[name] = pd.Series(as_strings(frame[name]), index=frame.index, dtype="str")
                elif name in frame and missing and frame[name].dtype.kind in "iub":
                    # A gap would make floats of whole numbers, and objects of truth values.
                    frame[name] = frame[name].astype("boolean" if frame[name].dtype.kind == "b" else "Int64")
        return Dataset(pd.concat(frames, ignore_index=True), self.text_column, self.label_column)

    def save(self, folder: Path) -> None:
        """Write ``dataset.parquet`` and then ``dataset.json`` into `folder`, each whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        columns = {"text_column": self.text_column, "label_column": self.label_column}
        table = self.frame.to_parquet(index=False, write_page_checksum=True)
        write_whole(folder / "dataset.parquet", lambda file: file.write(table))
        write_whole(folder / "dataset.json", lambda file: file.write(json.dumps(columns).encode()))

    @classmethod
    def load(cls, folder: Path) -> Dataset:
        """Read what `save` wrote. Raises FileNotFoundError where there is none, other errors where it is damaged.

        One that is held already, by another tab say, is given again while its files are the same: its frame is never
        changed, and that of a million texts takes 200 MB.
        """
        files = [(folder / name).stat() for name in ("dataset.json", "dataset.parquet")]
        key = (folder, *((file.st_ino, file.st_mtime_ns, file.st_size) for file in files))
        if (held := _HELD.get(key)) is not None:
            return held
        columns = json.loads((folder / "dataset.json").read_bytes())
        frame = pd.read_parquet(folder / "dataset.parquet", page_checksum_verification=True)
        dataset = cls(frame, columns["text_column"], columns["label_column"])
        if dataset.text_column not in frame or dataset.label_column not in (None, *frame.columns):
            raise ValueError("dataset.json names columns that dataset.parquet has not")
        return _HELD.setdefault(key, dataset)


_HELD: WeakValueDictionary[tuple[object, ...], Dataset] = WeakValueDictionary()


def _fits_a_float(values: pd.Series) -> bool:
    """Whether these are numbers that a float holds exactly: whole ones up to 2**53."""
    return values.dtype.kind == "f" or (values.dtype.kind in "iu" and not (values.dropna().abs() > 2**53).any())


def as_strings(values: pd.Series) -> list[str | None]:
    """(n_rows,) What a column holds, as text; None where it holds nothing.

    Whole numbers have no point, also in a column of floats, which is what a gap makes of whole numbers; where there
    are fractions among them all are written as floats. Times are ISO 8601, of a day alone where all hours are 0.
    """
    missing = values.isna()
    filled = values[~missing]
    if pd.api.types.is_float_dtype(values.dtype):
        whole = bool((filled % 1 == 0).all())
        written = [str(int(value) if whole else value) for value in filled.to_numpy()]
    elif pd.api.types.is_datetime64_any_dtype(values.dtype):
        written = [value.isoformat() for value in filled]
        if all(text.endswith("T00:00:00") for text in written):
            written = [text.removesuffix("T00:00:00") for text in written]
    else:
        written = [str(value) for value in filled.tolist()]
    strings = np.full(len(values), None, object)
    strings[~missing.to_numpy(bool)] = written
    found: list[str | None] = strings.tolist()
    return found


def make_dataset(table: Table, text_column: str | None, label_column: str | None = None) -> Dataset:
    """A dataset of every row of `table`.

    Whatever the text column holds becomes text, see `as_strings`. Raises ReadError when there is no such column, or
    the text column holds nothing but empty cells.
    """
    names = ", ".join(repr(name[:40]) for name in table.frame.columns[:20])
    if text_column is None:
        raise ReadError(f"There is no text column: none of {names} holds words. Choose one by hand.")
    for column in (text_column, label_column):
        if column is not None and column not in table.frame.columns:
            raise ReadError(f"There is no column {column[:40]!r}; the file has: {names}.")
    shown = f"Column {text_column[:40]!r}"
    if label_column == text_column:
        raise ReadError(f"{shown} can't be both the text and the label. Choose two columns.")
    frame = table.frame.reset_index(drop=True)
    if not isinstance(frame[text_column].dtype, pd.StringDtype):
        frame = frame.assign(**{text_column: pd.Series(as_strings(frame[text_column]), dtype="str")})
    dataset = Dataset(frame, text_column, label_column)
    if dataset.empty.all():
        raise ReadError(f"{shown} has no text in any of its {len(dataset):,} rows. Choose another of: {names}.")
    return dataset
