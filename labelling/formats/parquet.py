"""Parquet."""

import io

import pandas as pd

from labelling.formats.frames import as_json


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Parquet, each column with its own type: whole numbers with gaps too, times as times; mappings as JSON text."""
    turned = {name: values.map(as_json) for name, values in frame.items() if values.dtype == object}
    out = io.BytesIO()
    frame.assign(**turned).to_parquet(out, index=False)
    return out.getvalue()


def read_parquet(content: bytes) -> pd.DataFrame:
    """The values as they stand in the file."""
    return pd.read_parquet(io.BytesIO(content))
