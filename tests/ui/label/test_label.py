"""The label page: how right the labels are, by what is read at random after they were given; words on a large map."""

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.errors import StepError
from labelling.ui.frame import page, resources, state
from labelling.ui.history.audit import Held
from labelling.ui.label import checking, controls, map_and_panel
from labelling.workspace import Project, Workspace
from tests.ui.helpers import click, log_of, make, open_page, said, select
from tests.ui.tab import of_project


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return make(workspace)


def share_said(at: object) -> list[str]:
    return [element.proto.text for element in at.get("progress")]  # type: ignore[attr-defined]


def test_what_was_labelled_last_is_checked_and_says_how_right_it_is(project: Project) -> None:
    at = open_page("label", project)
    assert at.button(key="check").disabled, "nothing is labelled yet"
    select(at, list(range(20)))
    at.text_input(key="new label name").input("a")
    at = click(at, "Label 20")
    assert log_of(project).counts().tolist() == [20]
    assert "how right: not checked yet" in share_said(at)[0]
    check = at.button(key="check")
    assert (check.label, check.proto.type) == ("Check 5 of the last", "primary")
    at = check.click().run()
    held = of_project(at, Held).audit
    assert held.seq == 1
    assert len(held.rows) == 5
    assert "Checking 5 of what was labelled last" in said(at)
    assert not at.button(key="label-0").proto.shortcut, "the digits are for the check"
    at.button(key="audit 2").click().run()
    at = click(at, "The other 4 belong")
    at = click(at, "Keep (1 wrong)")
    assert of_project(at, Held).audit is None
    log = log_of(project)
    found = log.rightness()
    assert log.names()[held.rows[1]] is None
    assert (found.n_unchecked, found.n_rows) == (0, 19)
    assert f"about {found.words}" in share_said(at)[0]
    assert at.button(key="check").proto.type != "primary", "it was checked"
    assert at.button(key="label-0").proto.shortcut == "1"


def places_of_chips(at: AppTest) -> list[int]:
    """The labels' ids from the first chip to the last, as the page's style orders them."""
    css = next(element.proto.body for element in at.get("html") if ".st-key-label-0 { order:" in element.proto.body)
    found = {int(number): int(place) for number, place in re.findall(r"st-key-label-(\d+) \{ order: (\d+);", css)}
    return sorted(found, key=found.__getitem__)


def test_the_labels_are_sorted_as_the_person_wants(project: Project) -> None:
    log = log_of(project)
    for rows, name in ((range(3), "b"), (range(3, 4), "C"), (range(4, 12), "a")):
        log.assign(rows, name)
    at = open_page("label", project)
    assert places_of_chips(at) == [0, 1, 2]
    at = at.button(key="sort labels").click().run()
    assert (at.button(key="sort labels").label, places_of_chips(at)) == ("by use", [2, 0, 1])
    at = at.button(key="sort labels").click().run()
    assert (at.button(key="sort labels").label, places_of_chips(at)) == ("by name", [2, 0, 1])
    log_of(project).rename(0, "z")
    at = at.run()
    assert places_of_chips(at) == [2, 1, 0]
    keys = [button.key for button in at.button if button.key and button.key.startswith("label-")]
    assert keys[:3] == ["label-0", "label-1", "label-2"], "in the page itself they stay where they are"
    at = at.switch_page("pages/labels.py").run()
    at = at.switch_page("pages/label.py").run()
    assert at.button(key="sort labels").label == "by name", "the tab remembers"
    at = at.button(key="sort labels").click().run()
    assert places_of_chips(at) == [0, 1, 2]


def test_where_each_label_is_asked_on_its_own_a_chip_selects_those_with_a_yes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state.st, "session_state", {})
    project = make(workspace, multi_label=True)
    log = log_of(project)
    log.assign([1, 2], "a")
    log.assign([3], "b")
    session = resources.new_session(project)
    session.map.look(project.space(0), "PCA")
    controls.on_chip(session, 0, "new")
    assert session.selection.rows.tolist() == [1, 2]
    controls.on_chip(session, 1, "add")
    assert session.selection.rows.tolist() == [1, 2, 3]
    with pytest.raises(StepError, match="coloured by label"):
        controls.on_chip(session, 0, "toggle")


def test_a_check_that_was_begun_can_be_given_up(project: Project) -> None:
    log_of(project).assign(range(20), "a")
    at = open_page("label", project)
    at = at.button(key="check").click().run()
    at = click(at, "Done")
    assert of_project(at, Held).audit is None
    assert log_of(project).rightness() is None


def test_all_labels_are_checked_when_many_were_given(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "ACTIONS_DUE", 3)
    log = log_of(project)
    for number in range(3):
        log.assign(np.arange(4) + 4 * number, f"label {number}")
    at = open_page("label", project)
    check = at.button(key="check")
    assert (check.label, check.proto.type) == ("Check 9 of all", "primary")
    at = check.click().run()
    held = of_project(at, Held).audit
    assert held.seq is None
    assert len(set(held.rows // 4)) == 3, "of all actions"
    shown = "".join(element.proto.body for element in at.get("html"))
    assert all(f"<small>label {number}</small>" in shown for number in range(3)), "each text says what is asked about"
    at.button(key="audit 1").click().run()
    at = click(at, f"The other {len(held.rows) - 1} belong")
    at = click(at, "Keep (1 wrong)")
    assert log_of(project).names()[held.rows[0]] is None
    assert log_of(project).rightness().n_unchecked == 0
    check = at.button(key="check")
    assert (check.label, check.proto.type) == ("Check 9 of all", "tertiary"), (
        "the next one is due later, and possible now"
    )


def test_labels_of_which_nothing_was_checked_are_said(project: Project) -> None:
    log = log_of(project)
    log.assign(range(18), "a")
    log.audit(1, [0, 1], [], "random")
    assert "checked" not in share_said(open_page("label", project))[0]
    log.assign(range(18, 20), "b")
    assert "about 32 to 100 % right" in share_said(open_page("label", project))[0], "two were read: no share"
    assert ", 2 not checked" in share_said(open_page("label", project))[0]


def test_the_words_of_a_large_map_are_made_beside_the_page(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_and_panel, "WORDS_AT_ONCE", 10)
    at = open_page("label", project)
    session = at.session_state[page.SESSION]
    job = resources.jobs().get("words", project.id, session.map.view.id)
    job.join()
    assert job.error is None
    assert session.map.has_regions
    assert of_project(at, map_and_panel.Shown).words_of is None, "they came after the page was drawn"
    at.run()
    if (later := resources.jobs().get("words", project.id, session.map.view.id)) not in (
        None,
        job,
    ):  # the UMAP has come
        later.join()
        at.run()
    assert of_project(at, map_and_panel.Shown).words_of == session.map.view.id
    assert not at.exception
