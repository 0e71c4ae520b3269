"""Corral installed from its wheel: the command, the app and its demo, from another folder."""

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Large, and only for a cluster: its tests are skipped where it is missing.
NOT_PINNED = {"ray"}


def pins() -> dict[str, str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return {Requirement(line).name.lower(): line.partition("==")[2] for line in lines if line}


def test_what_is_tested_lies_in_the_ranges_that_are_allowed() -> None:
    extras = [each for extra in PROJECT["optional-dependencies"].values() for each in extra]
    ranges = {(each := Requirement(line)).name.lower(): each.specifier for line in [*PROJECT["dependencies"], *extras]}
    assert set(ranges) - NOT_PINNED == set(pins())
    for name, version in pins().items():
        assert ranges[name].contains(version), f"{name} {version} is not in {ranges[name]}"


@pytest.fixture(scope="module")
def corral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment that has the wheel, and all else from where these tests run."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv*", "tests", "__pycache__", ".*_cache"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "-w", folder, source], check=True, capture_output=True)
    (wheel,) = folder.glob("corral-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests", "_app", "pages", "app.py"))], "one package"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    here = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    (site / "outside.pth").write_text(f"{here}\n")
    python = folder / "venv/bin/python"
    subprocess.run(
        [*pip, "--python", python, "install", "--quiet", "--no-deps", wheel], check=True, capture_output=True
    )
    return folder / "venv/bin/corral"


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, object]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {"cwd": tmp_path, "env": {**environment, "CORRAL_WORKSPACE": str(tmp_path / "workspace")}}


@pytest.mark.slow
def test_the_command(corral: Path, elsewhere: dict) -> None:
    told = subprocess.run([corral, "--version"], **elsewhere, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == f"corral, version {PROJECT['version']}"
    usage = subprocess.run([corral, "--help"], **elsewhere, capture_output=True, text=True, check=True)
    assert usage.stdout.startswith("Usage: corral ")
    told = subprocess.run([corral, "projects", "--json"], **elsewhere, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == []


@pytest.mark.slow
def test_the_package_and_its_demo(corral: Path, elsewhere: dict) -> None:
    code = (
        "import labelling; from labelling.app_folder import APP_FOLDER as here; print(labelling.__file__);"
        "print(sorted(path.name for path in [*here.iterdir(), *(here / 'data').iterdir()]))"
    )
    told = subprocess.run(
        [corral.parent / "python", "-c", code], **elsewhere, capture_output=True, text=True, check=True
    )
    file, names = told.stdout.splitlines()
    assert str(corral.parents[1]) in file, "it is the installed one"
    demos = {"demo.csv", "demo.npz", "demo_easy.csv", "demo_easy.npz"}
    assert {"app.py", "pages", ".streamlit", *demos} <= set(json.loads(names.replace("'", '"')))


@pytest.mark.slow
def test_the_app_starts_from_another_folder(corral: Path, elsewhere: dict, tmp_path: Path) -> None:
    environment = {**elsewhere["env"], "STREAMLIT_SERVER_PORT": "0", "STREAMLIT_SERVER_HEADLESS": "true"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [corral], cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        end = time.monotonic() + 120
        address = None
        while address is None and time.monotonic() < end and process.poll() is None:
            time.sleep(0.2)
            said = (tmp_path / "log").read_text()
            address = next((word for word in said.split() if word.startswith("http://localhost:")), None)
        assert address is not None, (tmp_path / "log").read_text()
        assert urllib.request.urlopen(f"{address}/_stcore/health", timeout=60).read() == b"ok"
        answer = urllib.request.urlopen(address, timeout=60)
        assert b"<title>" in answer.read()
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN", "by Corral's own settings, not Streamlit's"
    finally:
        os.killpg(process.pid, 15)
        process.wait()
