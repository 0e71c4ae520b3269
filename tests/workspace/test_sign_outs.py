"""Sign-outs that other servers on the same workspace know of."""

import os
import time
from pathlib import Path

import pytest

from labelling.workspace.sign_outs import KEPT_SECONDS, SignOuts

ANN, BEN = ("https://id", "1", "1700000000", "x"), ("https://id", "2", "1700000000", "x")


def test_another_server_knows(tmp_path: Path) -> None:
    here, there = SignOuts(tmp_path / "ended"), SignOuts(tmp_path / "ended")
    assert ANN not in there
    here.add(ANN)
    assert ANN in here
    assert ANN in there
    assert BEN not in there
    assert ANN in SignOuts(tmp_path / "ended"), "after a restart, too"
    (file,) = (tmp_path / "ended").iterdir()
    assert file.read_bytes() == b""
    assert "id" not in file.name


def test_those_that_have_ended_by_themselves_go(tmp_path: Path) -> None:
    ended = SignOuts(tmp_path / "ended")
    ended.add(ANN)
    (file,) = (tmp_path / "ended").iterdir()
    old = time.time() - KEPT_SECONDS - 60
    os.utime(file, (old, old))
    ended.add(BEN)
    assert not file.exists()
    assert ANN in ended, "this server has not forgotten"


def test_a_folder_that_can_not_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "ended").write_text("a file is in its place")
    ended = SignOuts(tmp_path / "ended")
    ended.add(ANN)
    assert ANN in ended
    assert "known to this server alone" in caplog.text
