"""A project's rows with their labels, as a file."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from labelling.formats import frames
from labelling.formats.archive import to_zip
from labelling.formats.records import ORIGINS, SPLIT, Records, metadata_of
from labelling.formats.registry import CSV, FORMATS, ZIP, Format, Tool
from labelling.labels import LabelLog
from labelling.readers.exported import EXPORT_COLUMNS, NESTED, PREFIX
from labelling.tasks.split import PARTS
from labelling.workspace import Project


def preview(
    project: Project,
    log: LabelLog,
    n_rows: int = 10,
    *,
    only_labelled: bool = False,
    form: Format | Tool = FORMATS[CSV],
    with_origins: bool = False,
    parts: np.ndarray | None = None,
) -> pd.DataFrame:
    """The first rows of the export, as they will stand in the file; of one to train with, without its parts."""
    return form.read(_exported(project, log, form, only_labelled, n_rows, with_origins, parts))


def to_read(columns: Iterable[str], text: str) -> list[str]:
    """The columns of a `preview` as a person reads them: that of the `text`, the label beside it, then the others."""
    names = list(columns)
    first = next((name for name in (text, f"original_{text}", "text") if name in names), None)
    labels = [name for name in names if name in (EXPORT_COLUMNS[0], NESTED) or name.startswith(PREFIX)]
    return sorted(names, key=lambda name: (name != first, name not in labels))


def export(
    project: Project,
    form: Format | Tool = FORMATS[CSV],
    *,
    only_labelled: bool = False,
    with_origins: bool = False,
    parts: np.ndarray | None = None,
) -> bytes:
    """The rows in the uploaded order with all their columns and label, labelled_at, source, as a file's bytes.

    With yes, no and unknown for each label see `formats.frames.label_values_frame`. For another tool it is what that
    reads, see `formats.records`: without the rows whose text is blank. Raises FormatError where it can't hold the
    labels.

    `with_origins` puts the columns of `formats.records.ORIGINS` before the labels': who gave the label, how the text
    was chosen, what a model suggests; other tools' files have them anyway. With `parts`, see `tasks.split.split`, there
    is a column ``split``; a format to train with becomes a .zip of a file for each part, a Hugging Face data set has
    splits.
    """
    # A log of its own: a download runs in another thread than the page, which may refresh its log meanwhile.
    log = project.open_log()
    if parts is None or not isinstance(form, Tool) or not form.only_labelled:
        return _exported(project, log, form, only_labelled, None, with_origins, parts)
    files = {}
    for part in PARTS:
        rows = np.flatnonzero(log.known & ~project.dataset.empty & (parts == part))
        files[f"{part}-{form.tail}"] = form.write(records_of(project, log, rows))
    return to_zip(files)


def is_archive(form: Format | Tool, *, in_parts: bool) -> bool:
    """Whether the file is a .zip of files: what is to train with is, in parts."""
    return form.mime == ZIP or (in_parts and isinstance(form, Tool) and form.only_labelled)


def _exported(
    project: Project,
    log: LabelLog,
    form: Format | Tool,
    only_labelled: bool,
    n_rows: int | None = None,
    with_origins: bool = False,
    parts: np.ndarray | None = None,
) -> bytes:
    only_labelled = only_labelled or (isinstance(form, Tool) and form.only_labelled)
    rows = np.flatnonzero(log.known) if only_labelled else np.arange(log.n_rows)
    if isinstance(form, Tool):
        rows = rows[~project.dataset.empty[rows]][:n_rows]
        return form.write(records_of(project, log, rows, parts))
    rows = rows[:n_rows]
    dataset = project.dataset
    some = dataset
    if len(rows) < log.n_rows:
        some = replace(dataset, frame=dataset.frame.iloc[rows].reset_index(drop=True))
    at, sources = log.labelled_at()[rows], log.sources()[rows]
    imported, by_label = _imported(log)
    more: dict[str, Any] = {}
    if with_origins:
        origins = _origins(project, log, rows).items()
        more = {name: pd.Series(list(values)) for name, values in origins if name not in EXPORT_COLUMNS}
    if parts is not None:
        more[SPLIT] = pd.Series(list(parts[rows]), dtype="str")
    if log.multi_label:
        label_values = log.frame().iloc[rows].reset_index(drop=True)
        drop = frames.superseded(dataset, list(label_values.columns), imported, by_label)
        return form.write(
            frames.label_values_frame(some, label_values, at, sources, nested=form.nested, drop=drop, more=more)
        )
    drop = frames.superseded(dataset, None, imported)
    return form.write(frames.labelled_frame(some, log.names()[rows], at, sources, drop=drop, more=more))


def records_of(project: Project, log: LabelLog, rows: np.ndarray, parts: np.ndarray | None = None) -> Records:
    """What is known of these rows, int (n,), for the formats of other tools. None of their texts may be blank."""
    dataset = project.dataset
    labels = log.labels
    imported, by_label = _imported(log)
    names = [label.name for label in labels]
    drop = {dataset.text_column, *frames.superseded(dataset, names if log.multi_label else None, imported, by_label)}
    some = dataset.frame.iloc[rows].reset_index(drop=True)
    if log.multi_label:
        columns = [log.label_values(label.id)[rows] for label in labels]
        values = np.column_stack(columns) if columns else np.empty((len(rows), 0), np.int32)
    else:
        place = np.full(log.n_ids + 1, -1, np.int32)
        place[[label.id for label in labels]] = np.arange(len(labels))
        values = place[log.codes[rows]]
    return Records(
        project.name,
        tuple(names),
        log.multi_label,
        rows.astype(np.int64),
        some[dataset.text_column].tolist(),
        metadata_of(some.drop(columns=list(drop)), split=parts is not None),
        values,
        _origins(project, log, rows),
        None if parts is None else parts[rows],
    )


def _origins(project: Project, log: LabelLog, rows: np.ndarray) -> dict[str, Any]:
    """What is known of `ORIGINS` of these rows: (n,) values each."""
    given = (log.labelled_by(), log.labelled_at(), log.sources(), log.wrong_shares())
    return dict(zip(ORIGINS, (*(each[rows] for each in given), *_suggested(project, log, rows)), strict=True))


def _suggested(project: Project, log: LabelLog, rows: np.ndarray) -> tuple[Any, Any, Any]:
    """The label that the newest kept model holds for likeliest, its probability, and the model: (n,) each."""
    nothing = np.full(len(rows), None, object)
    space = project.suggesting
    found = None if space is None else space.suggestions
    if space is None or found is None:
        return nothing, nothing, nothing
    known = [log.find_by_then(name) for name in found.classes]
    names = np.array([*(None if label is None else label.name for label in known), None], object)
    suggestion = names[np.asarray(found.codes)[rows]]
    scores = np.round(np.asarray(found.probability)[rows].astype(float), 4).astype(object)
    models = np.full(len(rows), f"corral:{space.kind}", object)
    for values in (scores, models):
        values[[name is None for name in suggestion]] = None
    return suggestion, scores, models


def _imported(log: LabelLog) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """bool (n_rows,): the rows for which a label was imported; and likewise for each label by its name."""
    imported, names = np.zeros(log.n_rows, bool), {label.id: label.name for label in log.labels}
    by_label: dict[str, np.ndarray] = {}
    for action in log.actions:
        if action.kind == "import" and log.in_force(action.seq):
            for number, rows in log.rows_by_column(action.seq).items():
                imported[rows] = True
                if number in names:
                    by_label.setdefault(names[number], np.zeros(log.n_rows, bool))[rows] = True
    return imported, by_label
