"""One person at a project: what of it they see, select, search and label.

What matters is on disk after every step; a session holds only what one person looks at.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from labelling.encoders import Encoder
from labelling.session.labelling import Labelling
from labelling.session.labels import Labels
from labelling.session.map import Map, MapView
from labelling.session.proposals import Proposals
from labelling.session.reviews import Reviews
from labelling.session.search import Found, Search
from labelling.session.selection import Selection
from labelling.session.suggestions import Suggested
from labelling.workspace import Project

__all__ = ["Found", "MapView", "Session"]


class Session:
    """A project as one person sees it.

    Parameters
    ----------
    project : Project
    encoder_for : callable
        Makes (or finds) the encoder that a space's settings describe; a search by meaning asks it.
    who : str, optional
        Who labels; None is the one under whom this process runs.

    Attributes
    ----------
    log : LabelLog
    map : Map, what is shown of a space
    labels : Labels, what is known of the rows
    selection : Selection
    search : Search
    labelling : Labelling, labels given and taken back
    suggested : Suggested, what a model suggests
    proposals : Proposals, what is worth labelling next
    reviews : Reviews, what is worth reading again
    """

    def __init__(
        self, project: Project, encoder_for: Callable[[Mapping[str, Any]], Encoder], who: str | None = None
    ) -> None:
        self.project = project
        self.log = project.open_log(who)
        self.map = Map(project)
        self.labels = Labels(project, self.log)
        self.selection = Selection(self.map, self.labels)
        self.search = Search(project, encoder_for)
        self.suggested = Suggested(project, self.labels, self.selection, self.search)
        self.proposals = Proposals(project, self.labels, self.selection)
        self.reviews = Reviews(project, self.labels, self.search, self.suggested)
        self.labelling = Labelling(project, self.log, self.selection, self.reviews)

    def show_only(self, wanted: np.ndarray | None) -> int:
        """Show these rows alone, bool (n_rows,), None for all; return how many of the selection are hidden by that.

        They are selected no longer: what is selected is what can be seen.
        """
        self.map.show_only(wanted)
        return self.selection.leave_out_hidden() if self.map.view is not None else 0
