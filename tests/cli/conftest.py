"""Commands work in a workspace of the test's own."""

from pathlib import Path

import pytest

from labelling.workspace import Workspace


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("CORRAL_WORKSPACE", str(tmp_path / "workspace"))
    return Workspace()
