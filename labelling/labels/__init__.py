"""The label log: an append-only list of actions in the database, and the labels that follow from it."""

from labelling.labels.managing import LabelLog
from labelling.labels.reading import user_name
from labelling.labels.writing import Outcome

__all__ = ["LabelLog", "Outcome", "user_name"]
