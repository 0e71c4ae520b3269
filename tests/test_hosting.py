"""What Corral is run by for others: Dockerfile, compose.yaml and their page say the same. See tests/dockerfile.py."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from labelling.ui.frame.server import FRAMED_BY
from tests.dockerfile import STANDS_FOR, copied, instructions

ROOT = Path(__file__).parents[1]
DOCKERFILE = list(instructions((ROOT / "Dockerfile").read_text()))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
PAGE = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
INDEX = "https://download.pytorch.org/whl/cpu"


def last(name: str) -> str:
    return [rest for what, rest in DOCKERFILE if what == name][-1]


def test_a_dockerfile_is_read_as_docker_does() -> None:
    text = "# a\nFROM x\nRUN a && \\\n  # b\n  b\n\nenv A=1 \\\n    B=2\n"
    assert list(instructions(text)) == [("FROM", "x"), ("RUN", "a &&  b"), ("ENV", "A=1  B=2")]


def test_all_that_the_app_needs_is_copied_and_no_secret_is() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "app.py", "pages", "labelling", "data", ".streamlit", "requirements.txt"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    names = {name for rest in (rest for what, rest in DOCKERFILE if what == "COPY") for name in copied(rest)[0]}
    for name in filter(None, tracked):
        assert any(name == each or name.startswith(f"{each}/") for each in names), name
    assert not any("secrets" in name or name in (".", ".streamlit") for name in names)
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == names


def test_it_runs_as_the_user_of_a_space_who_owns_the_workspace_alone() -> None:
    assert last("USER") == "1000"
    assert "--uid 1000" in next(rest for what, rest in DOCKERFILE if what == "RUN")
    assert last("VOLUME") == "/data"
    assert "CORRAL_WORKSPACE=/data" in last("ENV")
    order = [what for what, _ in DOCKERFILE]
    assert order.index("USER") > max(place for place, what in enumerate(order) if what in ("RUN", "COPY"))
    assert set(STANDS_FOR) == {"useradd", "chown"}


def test_the_port_is_one_everywhere() -> None:
    port = last("EXPOSE")
    assert f"STREAMLIT_SERVER_PORT={port}" in last("ENV")
    assert f"http://localhost:{port}/_stcore/health" in json.loads(last("HEALTHCHECK").partition("CMD")[2])[-1]
    assert f"app_port: {port}" in PAGE
    assert f"8501:{port}" in PAGE
    (published,) = COMPOSE["services"]["corral"]["ports"]
    assert published == "${CORRAL_ADDRESS:-127.0.0.1}:${CORRAL_PORT:-8501}:" + port


def test_only_within_the_container_the_server_listens_to_all() -> None:
    assert "STREAMLIT_SERVER_ADDRESS=0.0.0.0" in last("ENV")
    assert 'address = "localhost"' in (ROOT / ".streamlit" / "config.toml").read_text()
    assert "0.0.0.0" not in (ROOT / "compose.yaml").read_text()
    assert "ports" not in COMPOSE["services"]["database"]


def test_corral_waits_for_the_database_and_finds_it() -> None:
    corral, database = COMPOSE["services"]["corral"], COMPOSE["services"]["database"]
    assert corral["depends_on"] == {"database": {"condition": "service_healthy"}}
    address = corral["environment"]["CORRAL_DATABASE_URL"]
    assert re.fullmatch(r"postgresql://corral:\$\{POSTGRES_PASSWORD:\?[^}]+\}@database/corral", address)
    assert database["environment"]["POSTGRES_USER"] == database["environment"]["POSTGRES_DB"] == "corral"
    mounted = {volume.partition(":")[0] for service in (corral, database) for volume in service["volumes"]}
    assert mounted == set(COMPOSE["volumes"]), "nothing that is to last lies in a container"
    assert "localhost" in corral["environment"]["STREAMLIT_SERVER_ALLOWED_HOSTS"], "for the health check"


@pytest.mark.parametrize("name", [FRAMED_BY, "CORRAL_PORT", "CORRAL_ADDRESS", "CORRAL_HOSTS", "POSTGRES_PASSWORD"])
def test_the_page_says_each_setting(name: str) -> None:
    assert name in PAGE
    assert name == FRAMED_BY or name in (ROOT / "compose.yaml").read_text()


def test_torch_without_cuda_is_named_everywhere_alike() -> None:
    (pin,) = re.findall(r"^torch==.+$", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE)
    assert f"pip install {pin} --index-url {INDEX}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"TORCH_CPU ?= {INDEX}\n" in (ROOT / "Makefile").read_text()
    assert last("ARG") == f"TORCH_INDEX={INDEX}"
