"""How a tuner parts the classes: a recording of the map while it trains, and a player of it."""

from labelling.learning.separation.figure import figure
from labelling.learning.separation.page import PLAYER_JS, SCORE_NOTE, rests_on, to_html
from labelling.learning.separation.recording import MAX_POINTS, Recording, SeparationError, record

__all__ = [
    "MAX_POINTS", "PLAYER_JS", "SCORE_NOTE", "Recording", "SeparationError", "figure", "record", "rests_on", "to_html",
]  # fmt: skip
