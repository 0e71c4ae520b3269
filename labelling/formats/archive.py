"""Several files as one .zip, the same bytes for the same content."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path


def to_zip(files: Mapping[str, bytes | str]) -> bytes:
    """An archive of these files by their names inside, in this order; texts are UTF-8."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # of 1980: no clock in it
    return out.getvalue()


def unzip(content: bytes, folder: Path) -> None:
    """Write the files of an archive of `to_zip` below a folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)


def from_zip(content: bytes, name: str) -> bytes:
    """What one of the files holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)
