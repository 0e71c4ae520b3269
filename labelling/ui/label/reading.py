"""Which texts are read beside the map."""

from dataclasses import dataclass


@dataclass
class Reading:
    """The page of the sample, the seed that it is drawn with, and the row that is pinned above it."""

    page: int = 0
    seed: int = 0
    pinned: int | None = None

    def draw_anew(self, seed: int) -> None:
        self.seed, self.page = seed, 0
