"""The names at the top of the package."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import labelling

ROOT = Path(__file__).parents[1]


def test_the_version_is_that_of_the_project() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == labelling.__version__


@pytest.mark.parametrize("name", labelling.__all__)
def test_a_name_is_loaded_when_it_is_asked_for(name: str) -> None:
    assert getattr(labelling, name).__name__ == name
    assert name in dir(labelling)


def test_there_is_no_other() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = labelling.Nothing


def test_importing_the_package_loads_none_of_them() -> None:
    code = (
        "import sys, labelling;"
        "print([m for m in ('torch', 'numpy', 'pandas', 'sklearn', 'streamlit', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
