"""doccano's JSONL for text classification: ``{"text": ..., "label": [names]}``; all other keys become metadata.

To be imported with the data column ``text`` and the label column ``label``, in UTF-8. A list holds only what is yes:
what is surely no stands beside it, under ``corral_no``, which doccano keeps as metadata.
"""

from labelling.formats.records import Records, json_line


def to_doccano(records: Records) -> bytes:
    """A line a text; no label is an empty list."""
    return "".join(
        json_line(
            {
                "text": record.text,
                "label": list(record.yes),
                "row": record.row,
                **record.metadata,
                **record.origin,
                **record.denied,
            }
        )
        for record in records
    ).encode()
