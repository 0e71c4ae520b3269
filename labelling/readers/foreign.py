"""Other tools' files: tables that hold more than their columns say.

What can be read rightly is turned into columns of texts and labels; what can't is refused, with the way to take it
out of the tool. Nothing is half read.
"""

import csv
import functools
import json
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ParamSpec

import pandas as pd

from labelling.dataset import ReadError, Table
from labelling.readers.annotated import read_argilla_records, read_label_studio, with_denied
from labelling.readers.exported import DENIED, columns_of_export
from labelling.readers.guesses import LABEL_NAMES, guess_text_column
from labelling.readers.names import Names, Unnamed, names_in, names_of_rows, nested
from labelling.readers.people import notes_of, settle, with_people
from labelling.readers.prodigy import read_prodigy
from labelling.readers.tables import (
    MAX_COLUMNS,
    NESTED,
    READABLE,
    SAMPLE_ROWS,
    Columns,
    Nested,
    as_text,
    count,
    from_columns,
    listed,
    nested_note,
)

P = ParamSpec("P")
FASTTEXT = "__label__"
RESPONSES = ".responses"
MAX_FLAT_CELLS = 5_000_000  # that are made of the fields of objects: some 10 seconds


def check_bytes(data: bytes) -> None:
    """Raise ReadError for files of other tools that are neither text nor a table."""
    if data.startswith((b"x\x9c", b"x\xda")):
        try:
            unpacked = zlib.decompressobj().decompress(data[:10_000], 1)
        except zlib.error:
            return
        if not unpacked:
            return
        raise ReadError(
            "The file is packed with zlib, as spaCy's .spacy files (DocBin) are, but is none that can be read. Write "
            'its texts and labels as JSONL, a line {"text": doc.text, "cats": doc.cats} for each doc, and upload that.'
        )
    if data.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        raise ReadError(
            "The file is an Arrow file, as the datasets library's save_to_disk writes them. Write it with "
            'dataset.to_parquet("texts.parquet"), and upload that.'
        )


def understood(read: Callable[P, Table]) -> Callable[P, Table]:
    """Decorate a reader: what it read is understood, and where a parser gives up it is a ReadError."""

    @functools.wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> Table:
        try:
            return understand(read(*args, **kwargs))
        except (StopIteration, RecursionError, OverflowError, MemoryError, csv.Error) as error:
            what = {RecursionError: "it is nested too deeply", MemoryError: "it takes more memory than there is"}
            why = what.get(type(error)) or str(error)[:200] or "it ends where more must follow"
            raise ReadError(f"The file can't be read: {why}. Save it again, or upload {READABLE}.") from None

    return reading


def understand(table: Table) -> Table:
    """The table as the tool meant it that wrote it; the same where it is nobody's. Raises ReadError: see above."""
    if columns_of_export(table.frame.columns)[1]:
        return table  # an export of ours: whatever it holds comes back as it was
    for read in (read_label_studio, read_argilla_records, read_prodigy, _fasttext, _argilla, _doccano):
        found = read(table)
        if found is not None:
            return found
    _refuse_argilla_records(table.frame)
    if guess_text_column(table.frame) is None:
        table = _flattened(table)
    return replace(table, notes=(*table.notes, *_marks(table.frame)))


# ---------------------------------------------------------------- refused


def _objects(values: pd.Series) -> list[Any]:
    """What some of the cells hold, where they are lists or objects."""
    if not isinstance(values.dtype, pd.StringDtype):
        return []
    cells = values.dropna().head(SAMPLE_ROWS)
    return [found for cell in cells if (found := nested(cell)) is not None]


def _inside(frame: pd.DataFrame, outer: str, *, answers: Sequence[str]) -> tuple[str, str] | None:
    """The names of the fields under `outer`, and of those of `answers` that hold something; None without either."""
    if outer not in frame:
        return None
    fields = [found for found in _objects(frame[outer]) if isinstance(found, dict)]
    filled = [name for name in answers if name in frame and any(_objects(frame[name]))]
    return (listed(list(fields[0])), " and ".join(filled)) if fields and filled else None


def _refuse_argilla_records(frame: pd.DataFrame) -> None:
    found = _inside(frame, "fields", answers=("responses", "suggestions"))
    if found is not None:
        raise ReadError(
            f"The file holds {count(len(frame), 'record')} of Argilla: the texts are inside fields ({found[0]}), the "
            f"labels inside {found[1]}, which don't say whether they were submitted. In Python write "
            'dataset.records.to_datasets().to_parquet("records.parquet"), and upload that file.'
        )


# ---------------------------------------------------------------- read


def _fasttext(table: Table) -> Table | None:
    """A text a line, the labels before it: ``__label__refund where is my money``."""
    frame = table.frame
    if any(name.startswith(FASTTEXT) for name in frame.columns):
        raise ReadError(
            f"The file is fastText's: lines of {FASTTEXT} and a text. Name it .txt, and upload it again: as a table "
            "its first line would be lost."
        )
    if len(frame.columns) != 1:
        return None
    column = frame.columns[0]
    for rows in (frame[column].head(SAMPLE_ROWS), frame[column]):
        lines = rows.astype("str").fillna("").tolist()
        if sum(line.lstrip().startswith(FASTTEXT) for line in lines) * 2 <= len(lines):
            return None
    texts, labels = [], []
    for line in lines:
        found = []
        while match := re.match(rf"\s*{FASTTEXT}(\S*)[^\S\n]?", line):
            found.append(match[1])
            line = line[match.end() :]
        texts.append(line)
        labels.append(found)
    multi_label = any(len(found) > 1 for found in labels)
    cells = [
        json.dumps(found, ensure_ascii=False) if multi_label else (found[0] if found else None) for found in labels
    ]
    notes = (*table.notes, f"Lines of fastText: what follows {FASTTEXT} is in the column 'label'.")
    read = pd.DataFrame({"text": pd.Series(texts, dtype="str"), "label": pd.Series(cells, dtype="str")})
    return replace(table, frame=read, notes=notes, label=None if multi_label else "label")


def _doccano(table: Table) -> Table | None:
    """doccano's JSONL, and its CSV, which joins the labels of a text with #; Label Studio's JSON-MIN and CSV, too."""
    frame = table.frame
    names = set(frame.columns)
    min_json = {"annotator", "annotation_id", "lead_time"} <= names
    if not ({"id", "text", "Comments", "label"} <= names or {"text", DENIED} <= names or min_json or _to_import(table)):
        return None
    notes = list(table.notes)
    labels = frame["label"].fillna("") if "label" in names else None
    if labels is not None and {"Comments", "id"} <= names and table.delimiter is not None:
        parts = [cell.split("#") for cell in labels]
        joined = [len(found) > 1 and all(found) for found in parts]
        if any(joined):
            cells = [
                json.dumps(found, ensure_ascii=False) if several else "#".join(found)
                for found, several in zip(parts, joined, strict=True)
            ]
            frame = frame.assign(label=pd.Series(cells, dtype="str"))
            notes.append(f"doccano joins several labels with #: they are taken apart in {count(sum(joined), 'row')}.")
    n_known = 0 if labels is None else sum(str(cell).strip() not in ("", "[]") for cell in labels)
    tool = "A Label Studio" if min_json else "A doccano"
    notes.append(f"{tool} data set: {count(len(frame), 'text')}, {n_known:,} with a label.")
    notes = [note for note in notes if not (note.startswith(NESTED) and _marks(frame) == [])]
    label = None if labels is None else "label"
    return with_denied(replace(table, frame=frame, notes=(*notes, *_marks(frame)), label=label))


def _to_import(table: Table) -> bool:
    """Whether it is what doccano imports, and Corral writes for it: JSONL with a list of names for each text."""
    frame = table.frame
    if table.format != "JSONL" or not {"text", "label"} <= set(frame.columns) or frame["label"].isna().any():
        return False
    return all(isinstance(found, Names) and not found.choices for found in names_of_rows(frame["label"]))


def _argilla(table: Table) -> Table | None:
    """The answers that were submitted, of each question a column; what stands where people disagree: see `people`."""
    frame = table.frame
    questions = [
        name.removesuffix(RESPONSES)
        for name in frame.columns
        if name.endswith(RESPONSES) and f"{name}.status" in frame.columns
    ]
    if not questions:
        return None
    frame = frame.copy(deep=False)
    notes = list(table.notes)
    settled, made, several = [], [], False
    for question in questions:
        given, n_other = _submitted(frame, question)
        said = settle(given)
        name = question if question not in frame else f"{question} (submitted)"
        cells = [
            json.dumps(answer, ensure_ascii=False) if isinstance(answer, list | dict) else answer
            for answer in said.stands
        ]
        frame[name] = pd.Series(cells, index=frame.index, dtype="str")
        frame = with_people(frame, name, said, lambda answer: answer)
        n_given = sum(cell is not None for cell in cells)
        note = f"An Argilla data set: {name[:40]!r} holds the submitted answers of {count(n_given, 'text')}"
        note += f"; {said.note()}" if said.note() else ""
        note += f"; {count(n_other, 'answer')} that were drafts or discarded don't count" if n_other else ""
        notes.append(f"{note}. Suggestions are no labels.")
        settled.append(said)
        made.append(name)
        several = several or any(isinstance(answer, list | dict) for answer in said.stands)
    label = made[0] if len(made) == 1 and not several else None
    return with_denied(replace(table, frame=frame, notes=(*notes, *notes_of(settled, frame)), label=label))


def _submitted(frame: pd.DataFrame, question: str) -> tuple[list[list[tuple[str | None, Any]]], int]:
    """Who has submitted what of each text, and how many answers were not submitted."""
    found = []
    n_other = 0
    names = [f"{question}{RESPONSES}{part}" for part in ("", ".status", ".users")]
    columns = [frame[name].tolist() if name in frame else [None] * len(frame) for name in names]
    for cells in zip(*columns, strict=True):
        read = [nested(cell) if isinstance(cell, str) else None for cell in cells]
        answers, states, users = (each if isinstance(each, list) else [] for each in read)
        users = [*users, *[None] * (len(answers) - len(users))]
        given = [
            (str(user) if user else None, answer if isinstance(answer, list | dict) else str(answer))
            for answer, state, user in zip(answers, states, users, strict=False)
            if state == "submitted"
        ]
        n_other += len(answers) - len(given)
        found.append(given)
    return found, n_other


def _flattened(table: Table) -> Table:
    """The fields of objects as columns, where there is a text in them and none outside."""
    frame = table.frame
    names: list[str] = []
    columns: list[Any] = []
    taken: list[str] = []
    room, n_columns = MAX_FLAT_CELLS, len(frame.columns)
    for name in frame.columns:
        values = frame[name]
        fields = _fields(values, room)
        if fields and n_columns + len(fields) - 1 <= MAX_COLUMNS:
            room -= len(values) * len(fields)
            n_columns += len(fields) - 1
            taken.append(name)
            names += [f"{name}.{field}" for field in fields]
            columns += fields.values()
        else:
            names.append(name)
            columns.append(values)
    if not taken:
        return table
    flat = from_columns(names, columns, table.format)
    called = flat.frame.set_axis([name.rpartition(".")[2] for name in names], axis=1)
    if guess_text_column(called.loc[:, ~called.columns.duplicated()]) is None:
        return table
    left = [name for name in frame.columns if name not in taken and any(_objects(frame[name]))]
    notes = [note for note in table.notes if not note.startswith(NESTED)]
    notes += nested_note(left)
    notes.append(f"The texts are inside {listed(taken)}: its fields became columns, such as {listed(names)}.")
    return replace(table, frame=flat.frame, notes=(*notes, *flat.notes))


def _fields(values: pd.Series, room: int) -> dict[Any, list[Any]] | None:
    """(n_rows,) of each field of the objects in these cells, None in an empty one.

    None where some cell holds something else, there are too many fields, or more cells than there is `room` for.
    """
    if not isinstance(values.dtype, pd.StringDtype) or len(values) > room:
        return None
    columns = Columns()
    names: set[Any] = set()
    for cell in values.fillna(""):
        found = nested(cell) if cell.strip() else {}
        if not isinstance(found, dict):
            return None
        names.update(found)
        if len(names) > MAX_COLUMNS // 10 or len(values) * len(names) > room:
            return None
        columns.add({name: Nested(as_text(v)) if isinstance(v, dict | list) else v for name, v in found.items()})
    return columns.done()


def _marks(frame: pd.DataFrame) -> list[str]:
    """What to say of columns that are called after labels and hold marked parts of texts."""
    marked = [
        name
        for name in frame.columns
        if name.strip().lower() in (*LABEL_NAMES, "entities", "spans")
        and any(
            isinstance(found, list) and isinstance(names_in(json.dumps(found)), Unnamed)
            for found in _objects(frame[name])
        )
    ]
    if not marked:
        return []
    return [f"Marked parts of the texts, which are no labels of whole texts, are in {listed(marked)}."]
