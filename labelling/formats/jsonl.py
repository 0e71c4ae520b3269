"""JSONL: a JSON object a line."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd

from labelling.formats.frames import in_parts, values_of


def to_jsonl(frame: pd.DataFrame) -> bytes:
    """A JSON object a line, UTF-8. Values stay as they are; missing and infinite numbers become null."""
    names = [str(name) for name in frame.columns]
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=str).encode
    out = io.BytesIO()
    for part in in_parts(frame):
        columns = [_in_line(values) for _, values in part.items()]
        lines = (encode(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))
        out.write("".join(line + "\n" for line in lines).encode())
    return out.getvalue()


def _in_line(values: pd.Series) -> list[Any]:
    # JSON has no infinity (RFC 8259, section 6).
    return values_of(values.where(np.isfinite(values)) if values.dtype.kind == "f" else values)


def read_jsonl(content: bytes) -> pd.DataFrame:
    """The values as they stand in the file: texts, and the JSON of all others."""
    return from_records([json.loads(line) for line in content.decode().split("\n")[:-1]])


def from_records(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Objects as a table, to be looked at: texts, and the JSON of all other values."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame([[_in_json(row.get(name)) for name in names] for row in rows], columns=list(names), dtype="str")


def _in_json(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
