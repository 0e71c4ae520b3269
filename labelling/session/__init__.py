"""One labelling session: a tab's way through the house, one method a step.

    embed -> project -> select -> label -> tune -> (project again) -> export

What matters is on disk after every step; the session itself holds only what one person looks at.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from labelling import projections
from labelling.formats import frames
from labelling.formats.registry import CSV, FORMATS, Format
from labelling.labels import LabelLog
from labelling.session.training import CLASSIFIER, TUNER_UNLABELLED_ROWS, Training
from labelling.session.view import Found, MapView, SessionError

__all__ = ["CLASSIFIER", "MIN_ROWS_FOR_UMAP", "TUNER_UNLABELLED_ROWS", "Found", "MapView", "Session", "SessionError"]

MIN_ROWS_FOR_UMAP = projections.UMAP_MIN_ROWS


class Session(Training):
    """A project as one person sees it.

    Parameters
    ----------
    project : Project
    cache : EmbeddingCache
        The workspace's.
    encoder_for : callable
        Makes (or finds) the encoder that a space's settings describe.
    who : str
        Who labels; None is the one under whom this process runs.
    vectors : OwnVectors
        The original space's embeddings, where they were brought along; None where the encoder makes them.
    """

    def preview(
        self,
        n_rows: int = 10,
        *,
        only_labelled: bool = False,
        form: Format = FORMATS[CSV],
    ) -> pd.DataFrame:
        """The first rows of the export, as they will stand in the file."""
        return form.read(self._exported(self.log, form, only_labelled, n_rows))

    def export(self, form: Format = FORMATS[CSV], *, only_labelled: bool = False) -> bytes:
        """The rows in the uploaded order with all their columns and label, labelled_at, source, as a file's bytes.

        With yes, no and unknown for each label see `formats.frames.label_values_frame`.
        """
        # A log of its own: a download runs in another thread than the page, which may refresh the session's meanwhile.
        return self._exported(self.project.open_log(), form, only_labelled)

    def _exported(
        self,
        log: LabelLog,
        form: Format,
        only_labelled: bool,
        n_rows: int | None = None,
    ) -> bytes:
        rows = np.flatnonzero(log.known) if only_labelled else np.arange(log.n_rows)
        rows = rows[:n_rows]
        dataset = self.project.dataset
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
