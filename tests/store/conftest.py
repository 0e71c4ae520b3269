"""A file, and the store that is made of it without anything in between."""

from pathlib import Path
from typing import Any

import pytest

from labelling.store.store import Store
from tests.store.helpers import SHARD_ROWS, embed_here, save_texts


@pytest.fixture(scope="session")
def texts_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of a thousand rows with a column `message`."""
    path = tmp_path_factory.mktemp("texts") / "inbox.csv"
    save_texts(path)
    return path


@pytest.fixture(scope="session")
def settings(tiny_model: Path) -> dict[str, Any]:
    return {"kind": "sentence", "model": str(tiny_model)}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, texts_file: Path, settings: dict[str, Any]) -> Store:
    """Of `texts_file`; not to be changed."""
    folder = tmp_path_factory.mktemp("store") / "store"
    return embed_here([str(texts_file)], folder, text="message", encoder=settings, shard_rows=SHARD_ROWS)
