"""Prodigy's output: texts with the answers accept, reject and ignore."""

import functools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from labelling.dataset import ReadError, Table
from labelling.readers.guesses import guess_text_column
from labelling.readers.names import Unnamed, names_in, names_of_rows, nested
from labelling.readers.people import Said, free, notes_of, settle, with_people
from labelling.readers.tables import NESTED, count

_ANSWERS = {"accept": 1, "reject": 0, "ignore": None}
_CONTRARY = 2
MAX_LABEL_VALUES = 5_000_000  # 100,000 texts with 50 options; each takes 100 bytes


def read_prodigy(table: Table) -> Table | None:
    """A row for each text with what was answered about it; None where the table is not Prodigy's.

    Of a `label`, accept is a yes, reject a no, ignore unknown. Of a choice, what was accepted is a yes and the other
    options that were shown a no; a choice that was rejected or ignored says nothing certain: unknown. Where two answers
    about a text contradict each other it is unknown; where it is told who answered, what most say stands, see `people`.
    Answers come in as a column of objects, `cats`; where each choice was of one option, as a column `label`. Of rows
    that are merged the first one's other values are kept.
    """
    frame = table.frame
    names = {name.strip().lower(): name for name in reversed(frame.columns)}
    if "answer" not in names or not names.keys() & {"label", "accept"}:
        return None
    answers = _cells(frame, names["answer"])
    written, answers = answers, [answer.strip().lower() for answer in answers]
    if not set(answers) & _ANSWERS.keys():
        return None
    odd = next((row for row, answer in enumerate(answers) if answer and answer not in _ANSWERS), None)
    if odd is not None:
        raise ReadError(
            f"This looks like a data set of Prodigy, but in row {odd + 1:,} the answer is {written[odd][:40]!r}: it "
            "must be accept, reject or ignore. Mend it, or give the column another name if it is no answer."
        )
    others = [name for key, name in names.items() if key in ("answer", "label", "accept", "options")]
    text = guess_text_column(frame.drop(columns=others))
    labels = names_of_rows(frame[names["label"]]) if "label" in names else [()] * len(frame)
    if text is None or not isinstance(frame[text].dtype, pd.StringDtype):
        return None
    if any(isinstance(found, Unnamed) for found in labels):
        return None
    read = functools.cache(_choice)  # the same options are shown with text after text
    choices = [read(accept, options) for accept, options in zip(*_choice_cells(frame, names), strict=True)]
    single = not any(labels) and _is_single(frame, names, answers, [accepted for accepted, _ in choices])

    said: dict[Any, dict[str, list[str]]] = {}  # of each text, the answers about each label
    rows: list[int] = []
    who = _people(frame, names)
    theirs: dict[Any, dict[str, dict[str, int]]] = {}  # of each text, what each person said about each label
    given: dict[Any, dict[str, int]] = {}
    n_given = 0
    for row, cell in enumerate(_cells(frame, text)):
        key = cell if cell.strip() else row
        if key not in said:
            said[key], given[key], theirs[key] = {}, {}, {}
            rows.append(row)
        accepted, options = choices[row]
        for name in labels[row] or options:
            value = _ANSWERS.get(answers[row])
            if not labels[row]:
                value = int(name in accepted) if answers[row] == "accept" else None
            elif answers[row]:
                said[key].setdefault(name, []).append(answers[row])
            if value is not None and given[key].get(name, value) != value:
                given[key][name] = _CONTRARY
            elif value is not None:
                n_given += name not in given[key]
                given[key][name] = value
            if value is not None and who[row]:
                theirs[key].setdefault(who[row], {})[name] = value
        if n_given > MAX_LABEL_VALUES:
            raise ReadError(
                f"The Prodigy data set holds more than {MAX_LABEL_VALUES:,} answers about texts and labels, which "
                "is what can be read. Split it, or leave out options that were never chosen."
            )
    several_people = len(set(who) - {""}) > 1
    if several_people:
        given = {key: _by_most(found, given[key]) for key, found in theirs.items()}
    n_contrary = sum(value == _CONTRARY for found in given.values() for value in found.values())
    known = [{name: value for name, value in found.items() if value != _CONTRARY} for found in given.values()]

    kept = frame.iloc[rows].reset_index(drop=True)
    if any(labels):
        kept = kept.drop(columns=names["label"])
        kept[names["answer"]] = _series(json.dumps(found, ensure_ascii=False) for found in said.values())
    if single:
        found = [[name for name, value in row.items() if value] for row in known]
        if several_people:
            # One label each: what most chose, were it less than half of them.
            chosen = [
                [(person, _yes(row)) for person, row in people.items() if _yes(row)] for people in theirs.values()
            ]
            settled = settle(chosen)
            found = [[name] if name else [] for name in settled.stands]
        n_contrary = max(n_contrary, sum(len(names) > 1 for names in found))
        column = free("label", kept)
        kept[column] = _series(names[0] if len(names) == 1 else None for names in found)
    else:
        column = free("cats", kept)
        kept[column] = _series(json.dumps(row, ensure_ascii=False) if row else None for row in known)
    notes = [note for note in table.notes if not note.startswith(NESTED)]  # it has such columns, and no text in them
    notes.append(_summary(answers))
    if several_people:
        if not single:
            differ = [_CONTRARY in _votes(people).values() for people in theirs.values()]
            settled = Said([row or None for row in known], differ, list(theirs.values()))
        kept = with_people(kept, column, settled, lambda answer: answer)
        notes += [f"{settled.note()}."] * bool(settled.note())
        notes += notes_of([settled], kept)
        n_contrary = 0
    if len(kept) < len(frame):
        notes.append(
            f"{count(len(frame), 'row')} about {count(len(kept), 'text')}: merged into a row for each text with all "
            "answers about it; of its other columns the first row's values are kept."
        )
    if n_contrary:
        notes.append(f"The answers about {count(n_contrary, 'pair')} of text and label contradict each other: unknown.")
    if any(options and answer in ("reject", "ignore") for (_, options), answer in zip(choices, answers, strict=True)):
        notes.append("A choice that was rejected or ignored says nothing certain about its options: unknown.")
    return replace(table, frame=kept, notes=tuple(notes), label=column if single else None)


def _summary(answers: Iterable[str]) -> str:
    counts = Counter(answers)
    unanswered = f", {counts['']:,} not answered" if counts[""] else ""
    return (
        f"A Prodigy data set: {counts['accept']:,} accepted, {counts['reject']:,} rejected, "
        f"{counts['ignore']:,} ignored{unanswered}."
    )


def _cells(frame: pd.DataFrame, column: str) -> list[str]:
    found: list[str] = frame[column].astype("str").fillna("").tolist()
    return found


def _series(values: Iterable[str | None]) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def _people(frame: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """(n_rows,) Who answered, "" where it is not told: who is named, else the session."""
    column = next((names[key] for key in ("_annotator_id", "_session_id") if key in names), None)
    return [""] * len(frame) if column is None else [cell.strip() for cell in _cells(frame, column)]


def _votes(people: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Of each label what all say, or that they differ."""
    said: dict[str, int] = {}
    for answers in people.values():
        for name, value in answers.items():
            said[name] = value if said.get(name, value) == value else _CONTRARY
    return said


def _by_most(people: Mapping[str, Mapping[str, int]], otherwise: dict[str, int]) -> dict[str, int]:
    """Of each label what most say, or that it is a tie; `otherwise` where nobody is named."""
    if not people:
        return otherwise
    stands: dict[str, int] = {}
    for name in _votes(people):
        votes = Counter(answers[name] for answers in people.values() if name in answers)
        stands[name] = _CONTRARY if votes[0] == votes[1] else int(votes[1] > votes[0])
    return stands


def _yes(answers: Mapping[str, int]) -> str | None:
    return next((name for name, value in answers.items() if value), None)


def _choice_cells(frame: pd.DataFrame, names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    accept, options = (
        _cells(frame, names[key]) if key in names else [""] * len(frame) for key in ("accept", "options")
    )
    return accept, options


def _choice(accept: str, options: str) -> tuple[list[str], list[str]]:
    """The names that were accepted, and those of all options: their ids, or their texts where the ids are numbers."""
    if not accept.strip():
        return [], []
    shown = nested(options)
    called = {}
    for option in shown if isinstance(shown, list) else []:
        if isinstance(option, dict) and "id" in option:
            by_number = not isinstance(option["id"], str) and option.get("text")
            called[str(option["id"])] = str(option["text"] if by_number else option["id"])
    accepted = [called.get(name, name) for name in names_in(accept)]
    return accepted, list(dict.fromkeys([*called.values(), *accepted]))


def _is_single(frame: pd.DataFrame, names: Mapping[str, str], answers: list[str], accepted: list[list[str]]) -> bool:
    """Whether each choice was of one option."""
    style = _cells(frame, names["config"]) if "config" in names else []
    multi_label = any('"choice_style": "multiple"' in cell for cell in style)
    return not multi_label and all(
        len(found) == 1 for answer, found in zip(answers, accepted, strict=True) if answer == "accept"
    )
