"""Label Studio's tasks and Argilla's records: objects with what several people said of a text inside them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from labelling.dataset import ReadError, Table
from labelling.readers.exported import DENIED, NESTED
from labelling.readers.names import Unnamed, names_of_rows, nested
from labelling.readers.people import BY_PERSON, notes_of, settle, with_people
from labelling.readers.tables import Columns, Nested, as_text, count, from_columns, listed

Names = tuple[str, ...]
_ANNOTATIONS = ("annotations", "completions")


def read_label_studio(table: Table) -> Table | None:
    """A row for each of Label Studio's tasks: its data, and what was chosen for the whole text; None for other tables.

    Of each control a column: the choice, or a list where several may be chosen; and see `people`. What was skipped
    says nothing; predictions are no labels. Raises ReadError where nothing was chosen for whole texts, but parts of
    them were marked.
    """
    frame = table.frame
    given = next((name for name in _ANNOTATIONS if name in frame), None)
    if "data" not in frame or (given is None and "predictions" not in frame):
        return None
    data = [_object(cell) for cell in _cells(frame["data"])]
    if not any(data) or any(found is None for found in data):
        return None
    annotations = [nested(cell) or [] for cell in _cells(frame[given])] if given else [[] for _ in data]
    predicted = "predictions" in frame and any(nested(cell) for cell in _cells(frame["predictions"]))
    if not (predicted or any(annotations)):
        return None  # texts that are still to be annotated
    controls: dict[str, list[list[tuple[str | None, Names]]]] = {}
    others: set[str] = set()
    n_skipped = 0
    for row, all_given in enumerate(annotations):
        for annotation in all_given if isinstance(all_given, list) else []:
            if not isinstance(annotation, dict):
                continue
            if annotation.get("was_cancelled") or annotation.get("skipped"):
                n_skipped += 1
                continue
            chosen, other = _chosen(annotation.get("result") or [])
            others |= other
            for control, names in chosen.items():
                if control not in controls:
                    controls[control] = [[] for _ in data]
                controls[control][row].append((_annotator(annotation.get("completed_by")), names))
    if others and not controls:
        raise ReadError(
            f"The file is a Label Studio export with {count(len(frame), 'task')}, which holds no choices, but "
            f"{listed(sorted(others))}: what is marked in parts of texts is no label of a whole text. Add Choices to "
            "the labelling configuration, or upload the texts alone."
        )
    columns = Columns()
    ids = _cells(frame["id"]) if "id" in frame else [""] * len(data)
    for found, number in zip(data, ids, strict=True):
        fields = {name: Nested(as_text(v)) if isinstance(v, dict | list) else v for name, v in (found or {}).items()}
        columns.add(({"id": number} if number and "id" not in fields else {}) | fields)
    made = columns.done()
    read = from_columns(made, made.values(), table.format)
    notes = [f"A Label Studio data set: {count(len(frame), 'task')}."]
    read = _with_answers(replace(read, notes=()), controls, notes)
    if n_skipped:
        notes.append(
            f"{count(n_skipped, 'annotation')} that {'was' if n_skipped == 1 else 'were'} skipped don't count."
        )
    if others:
        notes.append(f"Of the results of other kinds, {listed(sorted(others))}, nothing was taken.")
    if predicted:
        notes.append("Predictions are no labels.")
    return with_denied(replace(read, notes=tuple(notes)))


def read_argilla_records(table: Table) -> Table | None:
    """A row for each of Argilla's records, of responses whose status is told; None for other tables, and without it.

    Only what was submitted counts; what stands where annotators disagree: see `people`.
    """
    frame = table.frame
    if not {"fields", "responses"} <= set(frame.columns):
        return None
    fields = [_object(cell) for cell in _cells(frame["fields"])]
    responses = [_object(cell) or {} for cell in _cells(frame["responses"])]
    if not any(fields) or any(found is None for found in fields):
        return None
    questions: dict[str, list[list[tuple[str | None, Names]]]] = {}
    n_other = 0
    for row, found in enumerate(responses):
        for question, answers in found.items():
            for answer in answers if isinstance(answers, list) else []:
                if not isinstance(answer, dict) or answer.get("status") is None:
                    return None
                if answer["status"] != "submitted":
                    n_other += 1
                    continue
                value = answer.get("value")
                names = value if isinstance(value, list) else [value]
                if any(isinstance(name, dict | list) for name in names):
                    raise ReadError(
                        f"The file holds {count(len(frame), 'record')} of Argilla, of which the answers to "
                        f"{question[:40]!r} are no labels of whole texts. Take the question out, or upload the texts "
                        "alone."
                    )
                if question not in questions:
                    questions[question] = [[] for _ in fields]
                user = str(answer["user_id"]) if answer.get("user_id") else None
                questions[question][row].append((user, tuple(map(str, names))))
    columns = Columns()
    metadata = (
        [_object(cell) or {} for cell in _cells(frame["metadata"])] if "metadata" in frame else [{}] * len(fields)
    )
    ids = _cells(frame["id"]) if "id" in frame else [""] * len(fields)
    for number, texts, about in zip(ids, fields, metadata, strict=True):
        row_values = {"id": number, **about, **(texts or {})}
        columns.add({name: Nested(as_text(v)) if isinstance(v, dict | list) else v for name, v in row_values.items()})
    made = columns.done()
    read = from_columns(made, made.values(), table.format)
    notes = [f"An Argilla data set: {count(len(frame), 'record')}."]
    read = _with_answers(replace(read, notes=()), questions, notes)
    if n_other:
        notes.append(f"{count(n_other, 'answer')} that were drafts or discarded don't count.")
    notes.append("Suggestions are no labels.")
    return with_denied(replace(read, notes=tuple(notes)))


def read_doccano_annotators(frames: Sequence[pd.DataFrame], people: Sequence[str]) -> Table | None:
    """A row for each text of doccano's files, one for each of these people; None for others.

    Who gave no label to a text has said nothing of it. Texts are told by their `id`; of other columns the first file's
    values are kept.
    """
    if not all({"id", "text", "label", "Comments"} <= set(frame.columns) for frame in frames):
        return None
    given: dict[str, list[tuple[str | None, Names]]] = {}
    for person, frame in zip(people, frames, strict=True):
        for number, names in zip(_cells(frame["id"]), names_of_rows(frame["label"]), strict=True):
            if isinstance(names, Unnamed):
                return None
            given.setdefault(number, []).extend([(person, tuple(names))] if names else [])
    merged = pd.concat(frames, ignore_index=True).drop_duplicates("id", ignore_index=True)
    answers = {"label": [given[number] for number in _cells(merged["id"])]}
    notes = [f"A doccano data set: {count(len(merged), 'text')}, by {count(len(frames), 'annotator')}."]
    table = _with_answers(Table(merged.drop(columns="label"), "JSONL"), answers, notes)
    return with_denied(replace(table, notes=tuple(notes)))


def with_denied(table: Table, column: str = "label") -> Table:
    """The table with one column ``cats`` of yes and no, where beside lists of what is yes it has a column of noes.

    That is what an export of ours for tools has that can only say yes. A label that is in both, since somebody gave it
    there, is yes.
    """
    frame = table.frame
    if DENIED not in frame or NESTED in frame:
        return table
    yes = names_of_rows(frame[column]) if column in frame else [()] * len(frame)
    no = names_of_rows(frame[DENIED])
    if any(isinstance(found, Unnamed) for found in (*yes, *no)):
        return table
    cats = [dict.fromkeys(denied, 0) | dict.fromkeys(given, 1) for given, denied in zip(yes, no, strict=True)]
    cells = [json.dumps(found, ensure_ascii=False) if found else None for found in cats]
    left = frame.drop(columns=[name for name in (column, DENIED) if name in frame])
    left = left.rename(columns={column + BY_PERSON: NESTED + BY_PERSON})
    return replace(table, frame=left.assign(**{NESTED: pd.Series(cells, dtype="str")}))


def _with_answers(table: Table, answers: dict[str, list[list[tuple[str | None, Names]]]], notes: list[str]) -> Table:
    """Of each question a column with what stands, and those that `people` makes; sayings to `notes`."""
    frame = table.frame.copy(deep=False)
    settled, label = [], None
    for question, by_row in answers.items():
        several = any(len(names) > 1 for given in by_row for _, names in given)
        said = settle(by_row)
        cells = [
            None if not names else json.dumps(names, ensure_ascii=False) if several else names[0]
            for names in said.stands
        ]
        name = question if question not in frame else f"{question} (chosen)"
        frame[name] = pd.Series(cells, dtype="str")
        frame = with_people(frame, name, said, list if several else (lambda names: names[0]))
        n_given = sum(cell is not None for cell in cells)
        note = f"The column {name[:40]!r} holds what was said of {count(n_given, 'text')}"
        notes.append(f"{note}; {said.note()}." if said.note() else f"{note}.")
        settled.append(said)
        label = name if len(answers) == 1 and not several else None
    notes += notes_of(settled, frame)
    return replace(table, frame=frame, label=label)


def _annotator(who: Any) -> str | None:
    """Who answered in Label Studio: a number, a name, or an object of both; None where it is not told."""
    if isinstance(who, dict):
        names = (who.get("email"), who.get("username"), who.get("first_name"), who.get("id"))
        who = next((name for name in names if name), None)
    if isinstance(who, int):
        return f"annotator {who}"
    return who.strip() or None if isinstance(who, str) else None


def _chosen(result: Any) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """What one annotation chose for the whole text, by control; and the kinds of its other results."""
    chosen: dict[str, tuple[str, ...]] = {}
    others: set[str] = set()
    for entry in result if isinstance(result, list) else []:
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(value, dict):
            continue
        names = value.get("choices")
        if not isinstance(names, list) or "start" in value or any(isinstance(name, dict | list) for name in names):
            others.add(str(entry.get("type")))
            continue
        control = str(entry.get("from_name") or "label")
        chosen[control] = (*chosen.get(control, ()), *map(str, names))
    return chosen, others


def _cells(values: pd.Series) -> Sequence[str]:
    found: Iterable[Any] = values.astype("str").fillna("")
    return [str(cell) for cell in found]


def _object(cell: str) -> dict[str, Any] | None:
    """The object in a cell, {} for an empty one; None for other things."""
    found = nested(cell) if cell.strip() else {}
    return found if isinstance(found, dict) else None
