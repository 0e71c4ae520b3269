"""Label Studio's tasks as JSON, with annotations and predictions, and the labelling configuration, as one .zip.

The shape is that of https://labelstud.io/guide/tasks.html. Choices hold only what is yes: what is surely no stands in
the task's data, under ``corral_no``. Whoever imports becomes the annotator; who labelled in Corral is in the data, too.
"""

import json
from typing import Any
from xml.sax.saxutils import quoteattr

import pandas as pd

from labelling.formats.archive import from_zip, to_zip
from labelling.formats.jsonl import from_records
from labelling.formats.records import FormatError, Record, Records

TASKS, CONFIG = "tasks.json", "labelling_config.xml"


def to_label_studio(records: Records) -> bytes:
    """``tasks.json`` to import, and ``labelling_config.xml`` to paste into the project's settings.

    Raises FormatError where there is no label yet: a configuration needs one.
    """
    if not records.names:
        raise FormatError("Label Studio's configuration needs at least one label: make one on the page Label first.")
    tasks = ",\n".join(json.dumps(_task(record), ensure_ascii=False, default=str) for record in records)
    return to_zip({TASKS: f"[\n{tasks}\n]\n", CONFIG: _config(records)})


def read_label_studio(content: bytes) -> pd.DataFrame:
    """The tasks as they stand in the file."""
    return from_records(json.loads(from_zip(content, TASKS)))


def _task(record: Record) -> dict[str, Any]:
    data = {"text": record.text, "row": record.row, **record.metadata, **record.origin, **record.denied}
    task: dict[str, Any] = {"data": data, "annotations": [], "predictions": []}
    if record.known:
        task["annotations"] = [{"result": _result(record.yes), "ground_truth": False, "was_cancelled": False}]
    if record.suggestion is not None:
        prediction = {"model_version": record.model, "score": record.score, "result": _result((record.suggestion,))}
        task["predictions"] = [prediction]
    return task


def _result(names: tuple[str, ...]) -> list[dict[str, Any]]:
    value = {"choices": list(names)}
    return [{"from_name": "label", "to_name": "text", "type": "choices", "value": value}] if names else []


def _config(records: Records) -> str:
    choice = "multiple" if records.multi_label else "single"
    choices = "".join(f"    <Choice value={quoteattr(name)}/>\n" for name in records.names)
    return (
        '<View>\n  <Text name="text" value="$text"/>\n'
        f'  <Choices name="label" toName="text" choice="{choice}" showInLine="true">\n{choices}  </Choices>\n</View>\n'
    )
