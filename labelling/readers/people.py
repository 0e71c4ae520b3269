"""What several people said of a text: what stands of it, and columns that say who said what, and where they differ."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from labelling.readers.names import nested
from labelling.readers.tables import count

BY_PERSON = (
    " by person"  # after the name of a column of labels: what each person said, {"ann": "card", "bob": "refund"}
)
DISAGREEMENT = "disagreement"  # the column that says on which texts people disagree

Given = Sequence[tuple[str | None, Any]]  # who said what of a text, in order; None where it is not told who


@dataclass(frozen=True)
class Said:
    """Of each row what stands, None for nothing; whether people differ; and what each said whose name is told."""

    stands: list[Any]
    differ: list[bool]
    by_person: list[dict[str, Any]]

    @property
    def people(self) -> set[str]:
        return {person for row in self.by_person for person in row}

    def note(self) -> str:
        """What to say of the texts on which they differ; "" where there is none."""
        n = sum(self.differ)
        n_open = sum(each and found is None for each, found in zip(self.differ, self.stands, strict=True))
        if not n:
            return ""
        which = f"{count(n, 'text')} on which annotators disagree"
        if n == n_open:
            return f"{which} came in without, as it is a tie"
        return f"{which} bear what most said" + (
            f", but for {n_open:,} with a tie, which came in without" * bool(n_open)
        )


def settle(rows: Sequence[Given]) -> Said:
    """What most said of each row stands; on a tie nothing does. Of one person the last answer counts."""
    stands: list[Any] = []
    differ, by_person = [], []
    for given in rows:
        last = {(person, None if person else place): answer for place, (person, answer) in enumerate(given)}
        answers = {_key(answer): answer for answer in reversed(last.values())}
        votes = Counter(map(_key, last.values())).most_common(2)
        tied = len(votes) == 2 and votes[0][1] == votes[1][1]
        stands.append(None if not votes or tied else answers[votes[0][0]])
        differ.append(len(answers) > 1)
        by_person.append({person: answer for (person, _), answer in last.items() if person})
    return Said(stands, differ, by_person)


def _key(answer: Any) -> str:
    """The same for lists of the same names."""
    return json.dumps(sorted(map(str, answer)) if isinstance(answer, list | tuple) else answer, default=str)


def with_people(frame: pd.DataFrame, column: str, said: Said, write: Callable[[Any], Any]) -> pd.DataFrame:
    """The frame with the columns that say who said what, where there are several people, and where they differ.

    `write` gives an answer as JSON has it: a label's name, a list of names, or an object of answers.
    """
    frame = frame.copy(deep=False)
    if len(said.people) > 1:
        cells = [
            json.dumps({person: write(answer) for person, answer in row.items()}, ensure_ascii=False) if row else None
            for row in said.by_person
        ]
        frame[free(column + BY_PERSON, frame)] = pd.Series(cells, index=frame.index, dtype="str")
    if any(said.differ):
        was = frame[DISAGREEMENT].tolist() if DISAGREEMENT in frame else None
        ours = was is None or set(was) <= {"yes", None}
        name = DISAGREEMENT if ours else free(f"{DISAGREEMENT} of annotators", frame)
        before = was if was is not None and ours else [None] * len(frame)
        cells = ["yes" if differs or old == "yes" else None for differs, old in zip(said.differ, before, strict=True)]
        frame[name] = pd.Series(cells, index=frame.index, dtype="str")
    return frame


def free(name: str, frame: pd.DataFrame) -> str:
    """The name, with a number where there is such a column already."""
    numbered = (name if n == 1 else f"{name}_{n}" for n in itertools.count(1))
    return next(each for each in numbered if each not in frame)


def notes_of(said: Sequence[Said], frame: pd.DataFrame) -> list[str]:
    """What to say of the columns that `with_people` made."""
    people = sorted({person for each in said for person in each.people})
    notes = []
    if len(people) > 1 and any(name.endswith(BY_PERSON) for name in frame.columns):
        shown = ", ".join(person[:40] for person in people[:5]) + (", …" if len(people) > 5 else "")
        notes.append(f"{count(len(people), 'person')} answered ({shown}): each one's labels come in as theirs."
                     .replace("persons", "people"))  # fmt: skip
    if any(any(each.differ) for each in said):
        notes.append(f"The column {DISAGREEMENT!r} says on which texts they disagree.")
    return notes


def by_person(frame: pd.DataFrame, column: str) -> dict[str, pd.Series]:
    """What each person said, of a column that `with_people` made for the labels in `column`: (n_rows,) each, as the
    labels' column has it, None for nothing. None of them where there is no such column."""
    if column + BY_PERSON not in frame:
        return {}
    cells = frame[column + BY_PERSON].astype("str").fillna("").tolist()
    rows = [nested(cell) if cell.strip() else {} for cell in cells]
    if not all(isinstance(row, dict) for row in rows):
        return {}  # a column of somebody else's
    people: dict[str, list[str | None]] = {}
    for place, row in enumerate(rows):
        for person, answer in row.items():
            if person not in people:
                people[person] = [None] * len(rows)
            people[person][place] = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return {person: pd.Series(answers, dtype="str") for person, answers in people.items()}
