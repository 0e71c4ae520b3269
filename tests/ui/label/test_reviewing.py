"""Texts to read again, on the label page."""

import threading

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.session.reviews import Reviews
from labelling.ui.frame.page import SESSION
from labelling.ui.label import reviewing
from labelling.workspace import Project, Workspace
from tests.ui.helpers import CODES, log_of, make, open_page, said, with_groups
from tests.ui.tab import of_project


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
    assert at.button(key="review contradicted").label == "Doubtful · 1"
    assert at.button(key="review least-sure").disabled
    at = at.button(key="review contradicted").click().run()
    assert 'data-corral-row="8"' in shown(at)
    assert "odd · 6 of 6 labelled neighbours differ, 6 of them even" in shown(at)
    assert "0 of 1 changed, page 1 of 1" in said(at)
    at.session_state[SESSION].labelling.give_texts(np.array([8]), "even")
    at.run()
    assert "1 of 1 changed, page 1 of 1" in said(at)
    assert "changed now" in shown(at), "the reason was of the label that it bore"
    assert at.button(key="review contradicted").disabled, "nothing is left"


def test_what_was_read_and_is_right_is_not_offered_again_unless_its_label_changes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "is_open", lambda popover: True)
    at = open_page("label", project)
    at = at.button(key="review contradicted").click().run()
    at = at.button(key="all right").click().run()
    assert "0 of 1 changed, 1 right, page 1 of 1" in said(at)
    assert "odd · read, and right" in shown(at)
    assert at.button(key="all right").disabled
    assert at.button(key="review contradicted").disabled
    session, log = at.session_state[SESSION], at.session_state[SESSION].log
    assert (log.actions[-1].kind, log.rightness()) == ("audit", None), "it was not drawn at random"
    log.undo()
    assert at.run().button(key="review contradicted").label == "Doubtful · 1", "taken back"
    log.keep_right(np.array([8]))
    assert at.run().button(key="review contradicted").disabled
    log.assign(np.array([8]), "even", overwrite=True)
    log.assign(np.array([8]), "odd", overwrite=True)
    assert at.run().button(key="review contradicted").label == "Doubtful · 1", "it was given anew, with others perhaps"
    log.clear(np.array([8]))
    session.labelling.give_texts(np.array([8]), "odd")
    assert at.run().button(key="review contradicted").disabled, "labelled alone"


def test_of_many_texts_the_doubtful_are_counted_beside_the_page(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "AT_ONCE_SECONDS", 0)
    go_on, make = threading.Event(), Reviews.make
    monkeypatch.setattr(Reviews, "make", lambda *args: go_on.wait(20) and make(*args))
    rest = np.flatnonzero(~log_of(project).known)
    if len(rest):
        log_of(project).assign(rest, "odd")
    at = open_page("label", project)
    assert "check contradicted" not in {button.key for button in at.button}, "the page does not wait"
    counted = of_project(at, reviewing.Counted)
    assert not reviewing.has_counted(counted)
    go_on.set()
    counted.job.join(20)
    assert reviewing.has_counted(counted), "it runs again for this"
    assert not reviewing.has_counted(counted), "once"
    assert at.run().button(key="check contradicted").label == "Read 1 doubtful"
    log_of(project).assign(np.array([8]), "even", overwrite=True)
    at = at.run()
    counted.job.join(20)
    assert "check contradicted" not in {button.key for button in at.run().button}


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
