"""The one plain record that the formats of other tools are written from: a text, what is known of it, and by whom."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelling.errors import CorralError
from labelling.formats.frames import values_of
from labelling.readers.exported import DENIED, is_exports_name

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = -1
SPLIT = "split"  # the column, or metadata, with the part that a text is in
# Names that the tools' formats give keys and columns of their own; an uploaded column of one becomes original_<name>.
ORIGINS = ("labelled_by", "labelled_at", "chosen_by", "wrong_share", "suggestion", "score", "model")
RESERVED = {
    *ORIGINS, DENIED, "text", "labels", "id", "row", "answer", "accept", "options", "meta", "comments", "status",
    "annotations", "predictions", "data", "fields", "metadata", "responses", "suggestions", "vectors", "disagreement",
}  # fmt: skip


class FormatError(CorralError, ValueError):
    """The labels or texts can't be held by the format; the message says which, and what to do."""


@dataclass(frozen=True)
class Record:
    """A text, and what is known of it.

    Attributes
    ----------
    row : int, the text's number in the project, from 0
    metadata : mapping of str to str, int, float, bool or None; names are none of `RESERVED`
    label : str or None, where the labels exclude each other
    yes, no : tuple of str: the labels that it bears, and those that it surely does not; all others are unknown.
        With labels that exclude each other `yes` is the one, and `no` is empty.
    labelled_by, labelled_at, chosen_by : str or None
        Who gave the label last; when, ISO 8601 in UTC; how the text was chosen ("lasso", "search" ...).
    wrong_share : float or None: of the labels given in that step, the share that is wrong by its audits, 0 to 1
    suggestion, score, model : str, float from 0 to 1, str; or None: what a model holds for likeliest
    """

    row: int
    text: str
    metadata: Mapping[str, Any]
    label: str | None
    yes: tuple[str, ...]
    no: tuple[str, ...]
    labelled_by: str | None = None
    labelled_at: str | None = None
    chosen_by: str | None = None
    wrong_share: float | None = None
    suggestion: str | None = None
    score: float | None = None
    model: str | None = None

    @property
    def known(self) -> bool:
        """Whether it is labelled: anything but unknown."""
        return bool(self.yes or self.no)

    @property
    def cats(self) -> dict[str, int]:
        """1 for each label that it bears, 0 for each that it surely does not."""
        return dict.fromkeys(self.yes, 1) | dict.fromkeys(self.no, 0)

    @property
    def origin(self) -> dict[str, Any]:
        """What is known of `ORIGINS`, without what is not."""
        return {name: value for name in ORIGINS if (value := getattr(self, name)) is not None}

    @property
    def denied(self) -> dict[str, list[str]]:
        """The noes under `DENIED`, for formats that can only say yes; nothing where there is none."""
        return {DENIED: list(self.no)} if self.no else {}


@dataclass(frozen=True)
class Records:
    """The texts of a project, as a sequence of `Record`. Rows whose text is blank are none: no tool takes them.

    Attributes
    ----------
    title : str, the project's name
    names : tuple of str, all labels in the project's order
    multi_label : bool, whether each label is yes, no or unknown on its own
    rows : int64 (n,), the texts' numbers in the project
    texts : list of str, (n,)
    metadata : DataFrame, (n, n_columns): the other columns, see `metadata_of`
    codes : int (n,) places in `names`, -1 for none; with `multi_label` (n, n_labels) of 1 yes, 0 no, -1 unknown
    origins : mapping of the names in `ORIGINS` to (n,) values, None or NaN where there is none
    split : object (n,) of str, or None where they are not split: the part that each text is in, None without a label
    """

    title: str
    names: tuple[str, ...]
    multi_label: bool
    rows: np.ndarray
    texts: list[str]
    metadata: pd.DataFrame
    codes: np.ndarray
    origins: Mapping[str, Any]
    split: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Record]:
        columns = [values_of(values) for _, values in self.metadata.items()]
        names = list(self.metadata.columns)
        for n, text in enumerate(self.texts):
            label: str | None = None
            yes: tuple[str, ...] = ()
            no: tuple[str, ...] = ()
            if self.multi_label:
                yes = tuple(self.names[place] for place in np.flatnonzero(self.codes[n] == 1))
                no = tuple(self.names[place] for place in np.flatnonzero(self.codes[n] == 0))
            elif self.codes[n] != UNKNOWN:
                label = self.names[self.codes[n]]
                yes = (label,)
            metadata = {name: _plain(column[n]) for name, column in zip(names, columns, strict=True)}
            if self.split is not None:
                metadata[SPLIT] = self.split[n]
            origin = {name: _plain(values[n]) for name, values in self.origins.items()}
            yield Record(int(self.rows[n]), text, metadata, label, yes, no, **origin)


def metadata_of(frame: pd.DataFrame, *, split: bool = False) -> pd.DataFrame:
    """These columns, with names that no format has a meaning of its own for: those become ``original_<name>``.

    So does `SPLIT`, where the texts are split.
    """
    reserved = {*RESERVED, SPLIT} if split else RESERVED
    taken = set(frame.columns)
    renamed: dict[str, str] = {}
    for name in frame.columns:
        if str(name).strip().lower() in reserved or is_exports_name(str(name)):
            other = f"original_{name}"
            while other in taken or other.lower() in reserved:
                other = f"original_{other}"
            taken.add(other)
            renamed[name] = other
    return frame.rename(columns=renamed)


def json_line(value: Any) -> str:
    """A value as JSON on one line, without infinities, which JSON has not; and a line feed."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def _plain(value: Any) -> Any:
    """A value that JSON can hold: None for NaN and infinity."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
