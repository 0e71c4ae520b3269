"""What the tests of the readers share."""

import io
import zipfile
from pathlib import Path

import pandas as pd

DATA = Path(__file__).parents[1] / "data"
# Of a Hugging Face folder with a column of labels.
CARD = b"""---
dataset_info:
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': sadness
          '1': joy
          2: "no: love"
---
# Feelings
"""


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return out.getvalue()


def parquet(*texts: str, **more: list) -> bytes:
    return pd.DataFrame({"text": texts, **more}).to_parquet(index=False)
