"""What the documentation of security names is there."""

import re
from pathlib import Path

import pytest
from streamlit import config

from labelling.cli import keep, make, projects

ROOT = Path(__file__).parents[1]
PAGES = ["security.md", "team.md"]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_pages(name: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "docs" / name).read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert link.startswith("https://") or (ROOT / "docs" / link).exists(), link


@pytest.mark.parametrize("name", PAGES)
def test_settings_are_ones(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "labelling").rglob("*.py"))
    ours = set(re.findall(r"\bCORRAL_[A-Z_]+", text))
    assert ours
    assert all(variable in code for variable in ours)
    options = set(re.findall(r"\b(?:server|browser|client)\.[a-zA-Z]+[a-z]\b", text))
    assert options
    assert options <= set(config.get_config_options()), options
    called = set(re.findall(r"(?:^|`)corral ([a-z]+)", text, re.MULTILINE))
    assert called
    known = {command.name for each in (keep, make, projects) for command in each.COMMANDS}
    assert called <= known, called


def test_what_streamlit_keeps_shut_is_not_opened() -> None:
    options = config.get_config_options()
    assert options["server.enableXsrfProtection"].value is True
    assert options["server.enableCORS"].value is True
    assert options["server.enableAgentApi"].value is False
