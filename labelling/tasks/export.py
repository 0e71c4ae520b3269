"""A project's rows with their labels, as a file."""

from dataclasses import replace

import numpy as np
import pandas as pd

from labelling.formats import frames
from labelling.formats.registry import CSV, FORMATS, Format
from labelling.labels import LabelLog
from labelling.workspace import Project


def preview(
    project: Project,
    log: LabelLog,
    n_rows: int = 10,
    *,
    only_labelled: bool = False,
    form: Format = FORMATS[CSV],
) -> pd.DataFrame:
    """The first rows of the export, as they will stand in the file."""
    return form.read(_exported(project, log, form, only_labelled, n_rows))


def export(project: Project, form: Format = FORMATS[CSV], *, only_labelled: bool = False) -> bytes:
    """The rows in the uploaded order with all their columns and label, labelled_at, source, as a file's bytes.

    With yes, no and unknown for each label see `formats.frames.label_values_frame`.
    """
    # A log of its own: a download runs in another thread than the page, which may refresh its log meanwhile.
    return _exported(project, project.open_log(), form, only_labelled)


def _exported(project: Project, log: LabelLog, form: Format, only_labelled: bool, n_rows: int | None = None) -> bytes:
    rows = np.flatnonzero(log.known) if only_labelled else np.arange(log.n_rows)
    rows = rows[:n_rows]
    dataset = project.dataset
    some = replace(dataset, frame=dataset.frame.iloc[rows].reset_index(drop=True))
    at, sources = log.labelled_at()[rows], log.sources()[rows]
    imported, by_label = _imported(log)
    if log.multi_label:
        label_values = log.frame().iloc[rows].reset_index(drop=True)
        drop = frames.superseded(dataset, list(label_values.columns), imported, by_label)
        return form.write(frames.label_values_frame(some, label_values, at, sources, nested=form.nested, drop=drop))
    drop = frames.superseded(dataset, None, imported)
    return form.write(frames.labelled_frame(some, log.names()[rows], at, sources, drop=drop))


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
