"""What a model suggests for texts that have no label yet."""

from typing import Any

from labelling.errors import StepError
from labelling.session.labels import Labels
from labelling.session.selection import Selection
from labelling.workspace import CLASSIFIER, Project, Space


class Suggested:
    """Suggestions of the model that is asked, and selections of them."""

    def __init__(self, project: Project, labels: Labels, selection: Selection) -> None:
        self.project, self.labels, self.selection = project, labels, selection

    @property
    def space(self) -> Space | None:
        """The space whose classifier suggests labels: the one that is shown, else the newest kept one that has one."""
        kept = [space for space in self.project.spaces() if space.state == "kept" and space.kind == CLASSIFIER]
        shown = self.project.current.id
        return next((space for space in kept if space.id == shown), kept[-1] if kept else None)

    def select(self, label: str, at_least: float) -> None:
        """Select what can be seen, has no label, and of which the model is so sure that it bears this one."""
        space = self.space
        suggestions = None if space is None else space.suggestions
        if space is None or suggestions is None:
            raise StepError("No classifier has been trained yet, or it has not read the texts that were added.")
        rows = suggestions.rows(label, at_least)
        details: dict[str, Any] = {"classifier": space.id, "label": label, "at_least": at_least}
        self.selection.select(rows[self.labels.unlabelled[rows]], "suggestion", **details)
