"""The label log: an append-only list of actions in the database, and the labels that follow from it."""

from labelling.log.managing import LabelLog
from labelling.log.reading import user_name
from labelling.log.writing import Outcome

__all__ = ["LabelLog", "Outcome", "user_name"]
