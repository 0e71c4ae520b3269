"""Shards: the files of one table, by their names, and put together."""

import re
from collections.abc import Sequence

import pandas as pd

from labelling.dataset import ReadError, as_strings

# The names that the datasets library takes for a split, in a file's name or a folder's.
_SPLIT = "train|training|validation|valid|val|dev|test|testing|eval|evaluation|unlabeled|unsupervised"
_NUMBERED = re.compile(r"(?:.*/)?([^/]+?)-\d{5}-of-\d{5}\.\w+")  # as the library and the hub write them
_NAMED = re.compile(rf"(?:.*/)?({_SPLIT})\.\w+")
_IN_FOLDER = re.compile(rf"(?:.*/)?(?:partial-)?({_SPLIT})/[^/]+")  # as the hub turns other formats into Parquet
_PART = re.compile(r"(?:.*/)?(?:part[-_.])?\d+[^/]*\.\w+")  # as Spark and others write them


def split_of(name: str) -> str | None:
    """To which part of a data set a file of this name belongs: "train", "test"; "" where it does not say; None where
    this is no shard's name."""
    for pattern in (_NUMBERED, _NAMED, _IN_FOLDER):
        if found := pattern.fullmatch(name):
            return found[1]
    return "" if _PART.fullmatch(name) else None


def is_shard(name: str) -> bool:
    return split_of(name) is not None


def folder_of(name: str) -> str:
    """The folder that a shard is in, without the one that is called after its split."""
    folder = name.rpartition("/")[0]
    return folder.rpartition("/")[0] if _IN_FOLDER.fullmatch(name) else folder


def put_together(frames: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """The rows of these frames one after the other, with a column `split` where their names say several.

    A column in which some hold text and others numbers becomes text; one that is empty in some is as in the others.
    Raises ReadError where their columns differ.
    """
    columns = list(frames[0].columns)
    if any(list(frame.columns) != columns for frame in frames):
        raise ReadError(
            "They are files with different columns, which are no parts of one table: take those of one table alone."
        )
    frames = [frame.copy(deep=False) for frame in frames]
    for column in columns:
        kinds = {frame[column].dtype for frame in frames if frame[column].notna().any()}
        kind = next(iter(kinds), None)
        for frame in frames:
            if len(kinds) > 1 and not all(pd.api.types.is_numeric_dtype(each) for each in kinds):
                frame[column] = pd.Series(as_strings(frame[column]), dtype="str")
            elif len(kinds) == 1 and frame[column].dtype != kind:
                with_gaps = {"i": "Int64", "u": "Int64", "b": "boolean"}.get(getattr(kind, "kind", ""), kind)
                frame[column] = pd.Series([None] * len(frame), dtype=with_gaps)
    splits = [split_of(name) for name in names]
    if "split" not in columns and len(set(splits)) > 1:
        frames = [frame.assign(split=split or None) for frame, split in zip(frames, splits, strict=True)]
    return pd.concat(frames, ignore_index=True)
