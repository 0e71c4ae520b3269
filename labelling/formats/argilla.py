"""Argilla's records with a data set's settings, as one .zip: what a person said are responses, a model's suggestions.

The shape is that of ``Dataset.to_disk`` of Argilla 2 without what only its server knows. A list of labels holds only
what is yes: what is surely no stands in the metadata, under ``corral_no``. Argilla allows nothing but small letters,
digits, ``_`` and ``-`` in a metadata property's name, and nothing but texts and numbers as its values.
"""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

import pandas as pd

from labelling.formats.archive import from_zip, to_zip
from labelling.formats.jsonl import from_records
from labelling.formats.records import ORIGINS, SPLIT, FormatError, Record, Records
from labelling.readers.exported import DENIED

RECORDS, SETTINGS = "records.json", ".argilla/settings.json"
_USERS = uuid.UUID("6f2c1f52-8c5e-4f6f-9d0c-2b8b8f4f3d11")  # of our own: a person's name always gives the same number


def to_argilla(records: Records) -> bytes:
    """``records.json`` and ``.argilla/settings.json``. Raises FormatError where there are not two labels yet."""
    if len(records.names) < 2:
        raise FormatError(
            f"A question of Argilla needs at least two labels, and there are {len(records.names)}: make another on the "
            "page Label, or choose another format."
        )
    called = _property_names([*([SPLIT] if records.split is not None else []), *records.metadata.columns])
    found = [_record(record, called, multi_label=records.multi_label) for record in records]
    kinds = _kinds(found)
    for record in found:  # a property has values of one kind
        metadata = record["metadata"]
        record["metadata"] = {
            name: str(value) if kinds[name] == "terms" and not isinstance(value, list) else value
            for name, value in metadata.items()
        }
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in found)
    settings = json.dumps(_settings(records, kinds), ensure_ascii=False, indent=1)
    return to_zip({RECORDS: f"[\n{lines}\n]\n", SETTINGS: settings + "\n"})


def read_argilla(content: bytes) -> pd.DataFrame:
    """The records as they stand in the file."""
    return from_records(json.loads(from_zip(content, RECORDS)))


def _property_names(columns: Any) -> dict[str, str]:
    """For each column's name one that Argilla takes, each once."""
    called: dict[str, str] = {}
    taken = {*ORIGINS, DENIED, "row"}
    for column in columns:
        stem = re.sub(r"[^a-z0-9_-]+", "_", column.lower()).strip("_-") or "column"
        name, n = stem, 1
        while name in taken:
            n += 1
            name = f"{stem}_{n}"
        taken.add(name)
        called[column] = name
    return called


def _record(record: Record, called: Mapping[str, str], *, multi_label: bool) -> dict[str, Any]:
    origin = {name: value for name, value in record.origin.items() if name not in ("suggestion", "score", "model")}
    metadata = {called[name]: value for name, value in record.metadata.items() if value is not None}
    responses: dict[str, Any] = {}
    suggestions: dict[str, dict[str, Any]] = {}
    value: Any
    if record.yes:
        value = list(record.yes) if multi_label else record.label
        user = str(uuid.uuid5(_USERS, record.labelled_by or ""))
        responses = {"label": [{"value": value, "user_id": user, "status": "submitted"}]}
    if record.suggestion is not None:
        value = [record.suggestion] if multi_label else record.suggestion
        suggestions = {"label": {"value": value, "score": [record.score] if multi_label else record.score}}
        suggestions["label"]["agent"] = record.model
    return {
        "id": str(record.row),
        "fields": {"text": record.text},
        "metadata": {"row": record.row, **metadata, **origin, **record.denied},
        "suggestions": suggestions,
        "responses": responses,
        "vectors": {},
        "status": "completed" if record.yes else "pending",
    }


def _kinds(records: list[dict[str, Any]]) -> dict[str, str]:
    """Of each metadata property: "integer", "float" or "terms"."""
    types: dict[str, set[type]] = {}
    for record in records:
        for name, value in record["metadata"].items():
            types.setdefault(name, set()).add(type(value))
    return {
        name: "integer" if found == {int} else "float" if found <= {int, float} else "terms"
        for name, found in types.items()
    }


def _settings(records: Records, kinds: Mapping[str, str]) -> dict[str, Any]:
    kind = "multi_label_selection" if records.multi_label else "label_selection"
    options = [{"value": name, "text": name} for name in records.names]
    asked = {"type": kind, "options": options, "visible_options": None}
    if records.multi_label:
        asked["options_order"] = "natural"
    bounds = {"terms": {"values": None}, "integer": {"min": None, "max": None}, "float": {"min": None, "max": None}}
    return {
        "guidelines": "Which of the labels fit?" if records.multi_label else "Which of the labels fits?",
        "questions": [{"name": "label", "title": "label", "required": True, "settings": asked}],
        "fields": [
            {"name": "text", "title": "text", "required": True, "settings": {"type": "text", "use_markdown": False}}
        ],
        "vectors": [],
        "metadata": [
            {
                "name": name,
                "title": name,
                "visible_for_annotators": True,
                "settings": {"type": kind, "visible_for_annotators": True, **bounds[kind]},
            }
            for name, kind in kinds.items()
        ],
        "allow_extra_metadata": False,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }
