"""What is worth doing once most is labelled: said where what comes next is said, each a press away."""

from collections.abc import Callable

import numpy as np
import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from labelling.selection.regions import Region
from labelling.session import Session
from labelling.ui.frame.page import SESSION
from labelling.ui.label import panel, proposing, reviewing, texts
from labelling.ui.map import Pressed
from labelling.ui.texts import load
from labelling.workspace import Project, Workspace
from tests.ui.helpers import CODES, log_of, make, open_page, said, select, with_groups


@pytest.fixture
def project(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Thirty texts in two groups, with a clear map and a graph."""
    for module in (proposing, reviewing):
        monkeypatch.setattr(module, "AT_ONCE_SECONDS", 60)  # however busy the machine is
    return with_groups(make(workspace))


def label(project: Project, n_left: int = 0) -> None:
    """All but the last `n_left`, each group in two actions; one text wrongly."""
    log = log_of(project)
    for code, name in enumerate(("even", "odd")):
        rows = np.flatnonzero(CODES[: 30 - n_left] == code)
        log.assign(rows[::2], name)
        log.assign(rows[1::2], name)
    log.assign(np.array([0]), "odd", overwrite=True)


@pytest.fixture
def on_text(monkeypatch: pytest.MonkeyPatch) -> Callable[[AppTest, Pressed], AppTest]:
    """Runs the page with a key on some texts."""
    pressed, begin = [], panel.begin

    def begun(session: Session) -> DeltaGenerator:
        while pressed:
            texts.pressed(session, pressed.pop())
        return begin(session)

    def press(at: AppTest, what: Pressed) -> AppTest:
        pressed.append(what)
        return at.run()

    monkeypatch.setattr(panel, "begin", begun)
    return press


def keys(at: AppTest) -> set[str]:
    return {button.key for button in at.button}


def links(at: AppTest) -> list[str]:
    return [element.proto.label for element in at.get("page_link")]


def test_when_all_is_labelled_it_leads_to_the_contradicted_and_to_the_export(project: Project) -> None:
    label(project)
    at = open_page("label", project)
    assert "All is labelled" in said(at)
    assert "Export" in links(at)
    assert "Compare with the true topics" not in links(at), "nobody knows any"
    assert not {"propose the rest", "select the rest"} & keys(at)
    assert at.button(key="check contradicted").label == "Read 1 doubtful"
    at = at.button(key="check contradicted").click().run()
    session = at.session_state[SESSION]
    assert session.search.found.best(session.map.seen).tolist() == [0]
    session.log.assign(np.array([0]), "even", overwrite=True)
    at = at.run()
    assert "check contradicted" not in keys(at), "it was corrected"


def test_in_a_demo_it_leads_to_the_true_topics() -> None:
    at = open_page("label", load.open_demo("easy"))
    project = at.session_state[SESSION].project
    log = project.open_log()
    log.assign(np.arange(log.n_rows), "all")
    at = open_page("label", project)
    way = next(link for link in at.get("page_link") if link.proto.label == "Compare with the true topics")
    assert (way.proto.page, way.proto.query_string) == ("labels", f"project={project.id}")


def test_before_most_is_labelled_nothing_of_it_is_said(project: Project) -> None:
    label(project, 7)
    at = open_page("label", project)
    assert "Draw a lasso" in said(at)
    assert "Export" not in links(at)
    assert not {"propose the rest", "select the rest", "check contradicted"} & keys(at)


@pytest.mark.parametrize(("n_left", "reached"), [(2, True), (6, False)])
def test_what_is_left_is_told_by_kind_with_the_ways_to_it(project: Project, n_left: int, reached: bool) -> None:
    label(project, n_left)
    at = open_page("label", project)
    session = at.session_state[SESSION]
    regions = [Region("dog, cat", 0, 0, 0, np.arange(29)), Region("road", 0, 0, 0, np.array([29]))]
    session.map._regions = (session.map.view.id, regions[:1])
    at.run()
    assert f"**{n_left} left**, by kind: {n_left - 1} in dog, cat · 1 elsewhere" in said(at)
    session.map._regions = (session.map.view.id, regions)
    at.run()
    assert f"by kind: {n_left - 1} in dog, cat · 1 in road" in said(at)
    assert ("The aim is reached: " in said(at)) == reached == ("Export" in links(at))
    assert ("check contradicted" in keys(at)) == reached
    at = at.button(key="select the rest").click().run()
    assert session.selection.rows.tolist() == list(range(30 - n_left, 30))
    at = at.button(key="deselect").click().run()
    at = at.button(key="propose the rest").click().run()
    assert session.proposals.proposal is not None
    assert not {"propose the rest", "select the rest"} & keys(at), "it is asked now"


def test_after_the_last_label_it_is_said_though_its_texts_are_selected(project: Project) -> None:
    label(project, 8)
    at = open_page("label", project)
    select(at, [22, 23, 24, 25, 26, 27])
    assert "left**" not in said(at)
    at = at.button(key="label-0").click().run()
    assert "**2 left**" in said(at), "what was just labelled is done with"
    select(at, [28, 29])
    assert "left**" not in said(at)
    at = at.button(key="label-0").click().run()
    assert "All is labelled" in said(at)
    select(at, [3, 4, 5])
    assert "All is labelled" not in said(at), "what is looked at comes first"


def test_y_on_a_marked_text_says_that_its_label_is_right(
    project: Project, on_text: Callable[[AppTest, Pressed], AppTest]
) -> None:
    label(project)
    at = open_page("label", project)
    assert "check contradicted" in keys(at)
    at = on_text(at, Pressed("yes", [0]))
    assert not at.exception
    log = at.session_state[SESSION].log
    assert np.flatnonzero(log.found_right()).tolist() == [0]
    assert "check contradicted" not in keys(at)
    at = on_text(at, Pressed("yes", [0]))
    assert log.actions[-2].kind != "audit", "it is noted once"


def test_after_single_texts_it_is_said(project: Project, on_text: Callable[[AppTest, Pressed], AppTest]) -> None:
    label(project, 6)
    at = open_page("label", project)
    select(at, [24, 25])
    at = on_text(at, Pressed("label", [24], 0))
    assert "left**" not in said(at), "one of the selected has no label yet"
    at = on_text(at, Pressed("label", [25], 1))
    assert "**4 left**" in said(at)
    select(at, [3, 4])
    at = on_text(at, Pressed("label", [3], 0))
    assert "left**" not in said(at), "what was labelled before is corrected: the others are still looked at"
