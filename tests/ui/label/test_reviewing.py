"""Texts to read again, on the label page."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.ui.frame.page import SESSION
from labelling.ui.label import reviewing
from labelling.workspace import Project, Workspace
from tests.ui.helpers import CODES, log_of, make, open_page, said, with_groups


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """Two groups, labelled by several actions, one text wrong."""
    project = with_groups(make(workspace))
    log = log_of(project)
    for start in (0, 10, 20):
        rows = np.arange(start, start + 10)
        log.assign(rows[CODES[rows] == 0], "even")
        log.assign(rows[CODES[rows] == 1], "odd")
    log.assign(np.array([8]), "odd", overwrite=True)
    return project


def shown(at: AppTest) -> str:
    return "".join(element.proto.body for element in at.get("html") if "data-corral-row" in element.proto.body)


def test_what_is_contradicted_is_listed_with_why_and_counts_what_was_changed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "is_open", lambda popover: True)  # a test opens no popover
    at = open_page("label", project)
    assert at.button(key="review contradicted").label == "Contradicted · 1"
    assert at.button(key="review least-sure").disabled
    at = at.button(key="review contradicted").click().run()
    assert 'data-corral-row="8"' in shown(at)
    assert "odd · 6 of 6 labelled neighbours differ, 6 of them even" in shown(at)
    assert "0 of 1 changed, page 1 of 1" in said(at)
    at.session_state[SESSION].labelling.give_texts(np.array([8]), "even")
    at.run()
    assert "1 of 1 changed, page 1 of 1" in said(at)
    assert at.button(key="review contradicted").disabled, "nothing is left"


def test_where_people_differ_is_listed_with_who_said_what(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "is_open", lambda popover: True)
    assert open_page("label", project).button(key="review disagreements").disabled, "of one person"
    project.open_log("<b>ann").assign(np.array([5]), "even", overwrite=True)
    at = open_page("label", project)
    assert at.button(key="review disagreements").label == "Disagreements · 1"
    at = at.button(key="review disagreements").click().run()
    assert 'data-corral-row="5"' in shown(at)
    assert "<b>" not in shown(at)
    assert "&lt;b&gt;ann: even" in shown(at)
    assert f"{log_of(project).who}: odd" in shown(at)
    at.session_state[SESSION].labelling.give_texts(np.array([5]), "odd")
    at.run()
    assert at.button(key="review disagreements").disabled, "it was read again"
