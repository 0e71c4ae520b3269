"""The projects on the texts page: found by name, renamed, deleted."""

import threading

import pytest
from streamlit.testing.v1 import AppTest

from labelling.ui.frame import resources
from labelling.ui.texts import projects
from labelling.workspace import Project, Workspace
from tests.ui.helpers import log_of, make, open_page, said

pytestmark = pytest.mark.slow


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return make(workspace)


def names(at: AppTest) -> list[str]:
    opens = [button.key.removeprefix("open-") for button in at.button if str(button.key).startswith("open-")]
    return [resources.workspace().open(project_id).name for project_id in opens]


def test_each_says_how_far_it_is(project: Project) -> None:
    assert "30 rows, 0% labelled" in said(open_page("texts"))
    log_of(project).assign(range(10), "a")
    assert "30 rows, 33% labelled" in said(open_page("texts"))


def test_it_is_renamed(project: Project) -> None:
    at = open_page("texts")
    at.text_input(key=f"name-{project.id}").input(" <b>ours</b> *now* ")
    at.button(key=f"FormSubmitter:rename-{project.id}-Rename").click().run()
    assert resources.workspace().open(project.id).name == "<b>ours</b> *now*"
    at.text_input(key=f"name-{project.id}").input("  ")
    at.button(key=f"FormSubmitter:rename-{project.id}-Rename").click().run()
    assert "Type a name for the project" in said(at)


def test_it_is_deleted_when_one_is_sure(project: Project) -> None:
    log_of(project).assign(range(10), "a")
    at = open_page("texts")
    assert not any(button.label.startswith("Delete") for button in at.button)
    at.checkbox(key=f"sure-{project.id}").check().run()
    button = at.button(key=f"delete-{project.id}")
    assert button.label == "Delete 30 rows and 10 labels"
    at = button.click().run()
    assert not at.exception
    assert resources.workspace().projects() == []
    assert not project.folder.exists()
    assert "Your projects" not in said(at)
    assert "There is no project" in said(open_page("label", project))


@pytest.mark.parametrize("name", ["label", "history", "export"])
def test_a_tab_that_shows_it_says_that_it_was_deleted(project: Project, name: str) -> None:
    at = open_page(name, project)
    assert not at.error
    resources.workspace().delete(project.id)
    at = at.run()
    assert not at.exception
    told = at.error[0].value.replace("\\", "")
    assert f"There is no project {project.name!r} any more: it was deleted meanwhile" in told
    assert "Go to the texts" in said(at)
    at = at.run()  # the address names it still
    assert not at.exception
    assert "There is no project" in at.error[0].value


def test_work_on_it_is_ended_first(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "ENDING_SECONDS", 0.1)
    let_go = threading.Event()
    job = resources.jobs().start("tune", project.id, title="Tuning", work=lambda job: let_go.wait())
    at = open_page("texts")
    at.checkbox(key=f"sure-{project.id}").check().run()
    at = at.button(key=f"delete-{project.id}").click().run()
    assert "still being worked on, and was told to stop" in said(at)
    assert job.stop.is_set()
    assert len(resources.workspace().projects()) == 1
    let_go.set()
    job.join()
    at.button(key=f"delete-{project.id}").click().run()
    assert resources.workspace().projects() == []


def test_many_are_found_by_their_names(workspace: Workspace, project: Project) -> None:
    dataset = project.dataset
    for number in range(24):
        workspace.create(f"Other {number}", dataset, {})
    at = open_page("texts")
    assert len(names(at)) == projects.SHOWN
    at = next(button for button in at.button if button.label == "Show 20 more of 25").click().run()
    assert len(names(at)) == 25
    box = next(each for each in at.text_input if each.label == "Find a project")
    at = box.input("MI").run()
    assert names(at) == ["mine"]
    box = next(each for each in at.text_input if each.label == "Find a project")
    at = box.input("23 oth").run()
    assert names(at) == ["Other 23"]
    box = next(each for each in at.text_input if each.label == "Find a project")
    assert "None of 25 projects is called so." in said(box.input("zzz").run())
