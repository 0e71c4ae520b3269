"""What the tests of the readers share."""

import io
import zipfile
from pathlib import Path

import pandas as pd

DATA = Path(__file__).parents[1] / "data"


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return out.getvalue()


def parquet(*texts: str, **more: list) -> bytes:
    return pd.DataFrame({"text": texts, **more}).to_parquet(index=False)
