"""Every test of the log that takes an engine runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from labelling.database.engine import open_database
from tests.labels.helpers import add_project


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a database is that nobody has opened yet: a path or a URL."""
    if request.param == "sqlite":
        return tmp_path / "corral.db"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def engine(database: Path | str) -> Iterator[Engine]:
    """With a project "p" of N_ROWS rows."""
    engine = open_database(database)
    add_project(engine)
    yield engine
    engine.dispose()
