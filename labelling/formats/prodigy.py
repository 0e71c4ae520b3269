"""Prodigy's JSONL: choices where labels exclude each other, else a question of yes or no about each label.

The shape is that of Prodigy's recipes ``textcat.manual`` (``choice``) and ``textcat.teach`` (``classification``); see
https://prodi.gy/docs/api-interfaces. What is not labelled has the answer "ignore", for `db-in` takes what has none as
accepted.
"""

from typing import Any

from labelling.formats.records import Record, Records, json_line


def to_prodigy(records: Records) -> bytes:
    """A line a text; with yes, no and unknown a line for each answer, and for a text without any one of "ignore"."""
    write = _binary if records.multi_label else _choice
    return "".join(json_line(task) for record in records for task in write(record, records)).encode()


def _meta(record: Record) -> dict[str, Any]:
    return {"row": record.row, **record.metadata, **record.origin}


def _choice(record: Record, records: Records) -> list[dict[str, Any]]:
    return [
        {
            "text": record.text,
            "options": [{"id": name, "text": name} for name in records.names],
            "accept": list(record.yes),
            "answer": "accept" if record.known else "ignore",
            "meta": _meta(record),
            "_view_id": "choice",
            "config": {"choice_style": "single"},
        }
    ]


def _binary(record: Record, records: Records) -> list[dict[str, Any]]:
    answers = [(name, "accept" if value else "reject") for name, value in record.cats.items()]
    answers = answers or [(name, "ignore") for name in records.names[:1]]
    tasks = [{"text": record.text, "label": name, "answer": answer} for name, answer in answers]
    return [{**task, "meta": _meta(record)} for task in tasks or [{"text": record.text, "answer": "ignore"}]]
