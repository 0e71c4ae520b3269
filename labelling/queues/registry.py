"""The queues of texts to read again, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from labelling.queues import at_random, contradicted, disagreements, least_sure, near_copies, outlying
from labelling.queues.review import Records, Review


@dataclass(frozen=True)
class ReviewQueue:
    """A queue: `title` and what its texts are, in words for a person; `make` gives them.

    `original`: it asks for the original space, as a tuned one draws the texts of a label together.
    `also_decided`: also what somebody decided on by reading the text, unless it was found right since.
    """

    title: str
    about: str
    make: Callable[[Records], Review]
    original: bool = False
    also_decided: bool = False


REVIEWS: dict[str, ReviewQueue] = {
    "contradicted": ReviewQueue(
        "Doubtful",
        "nobody has read them alone, the texts nearest to them bear another label, and they lie nearer to that one",
        contradicted.review,
    ),
    "outlying": ReviewQueue("Outlying", "they lie nearer to the texts of another label", outlying.review),
    "disagreements": ReviewQueue(
        "Disagreements", "people gave them different labels", disagreements.review, also_decided=True
    ),
    "differing-copies": ReviewQueue(
        "Copies that differ", "a near-copy of them bears another label", near_copies.differing, original=True
    ),
    "near-copies": ReviewQueue(
        "Copies to label", "without a label, and nearly the same as others", near_copies.review, original=True
    ),
    "least-sure": ReviewQueue(
        "Least sure", "without a label, and the model is least sure of theirs", least_sure.review
    ),
    "random": ReviewQueue("Random", "labelled texts in random order", at_random.review),
}
