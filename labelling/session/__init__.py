"""One labelling session: a tab's way through the house, one method a step.

    embed -> project -> select -> label -> tune -> (project again) -> export

What matters is on disk after every step; the session itself holds only what one person looks at.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from labelling import export, projections
from labelling.log import LabelLog
from labelling.session.looking import Found, MapView, SessionError
from labelling.session.training import CLASSIFIER, TUNER_UNLABELLED_ROWS, Training

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
    """

    def export(
        self, to_bytes: Callable[[pd.DataFrame], bytes] = export.to_csv, *, only_labelled: bool = False
    ) -> bytes:
        """The rows in the uploaded order with all their columns and label, labelled_at, source, as a file's bytes.

        With yes, no and unknown for each label see `export.answered_frame`: JSONL gets them nested.
        """
        # A log of its own: a download runs in another thread than the page, which may refresh the session's meanwhile.
        nested = to_bytes is export.to_jsonl
        return to_bytes(self._exported(self.project.open_log(), only_labelled, nested=nested))

    def preview(self, n_rows: int = 10, *, only_labelled: bool = False) -> pd.DataFrame:
        """The first rows of the export."""
        return self._exported(self.log, only_labelled, n_rows)

    def _exported(
        self, log: LabelLog, only_labelled: bool, n_rows: int | None = None, *, nested: bool = False
    ) -> pd.DataFrame:
        rows = np.flatnonzero(log.known) if only_labelled else np.arange(log.n_rows)
        rows = rows[:n_rows]
        dataset = self.project.dataset
        some = replace(dataset, frame=dataset.frame.iloc[rows].reset_index(drop=True))
        at, sources = log.labelled_at()[rows], log.sources()[rows]
        if log.several:
            answers = log.frame().iloc[rows].reset_index(drop=True)
            return export.answered_frame(some, answers, at, sources, nested=nested)
        return export.labelled_frame(some, log.names()[rows], at, sources)
