"""Whose a project is and who is at the page, without a browser; tests/browser/test_sign_in.py signs in for real."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.runtime.secrets import Secrets
from streamlit.testing.v1 import AppTest

from labelling import cli
from labelling.database.engine import WorkspaceError
from labelling.dataset import Dataset
from labelling.labels import user_name
from labelling.tasks.embed import embed
from labelling.tasks.export import export
from labelling.ui.frame import access, resources
from labelling.workspace import Project, Workspace, as_account
from tests.ui.helpers import CSV, ROOT, FakeEncoder, fresh_workspace, open_page, said

pytestmark = pytest.mark.slow

ANN, BEN = "ann@example.org", "ben@example.org"
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    yield from fresh_workspace(tmp_path, monkeypatch)


def make(workspace: Workspace, name: str, owner: str | None) -> Project:
    frame = pd.DataFrame({"text": pd.Series([f"{name} {row}" for row in range(4)], dtype="str")})
    project = workspace.create(name, Dataset(frame, "text"), {}, owner=owner)
    assert embed(resources.new_workbench(project))
    return project


def signed_in(email: str = ANN, **claims: Any) -> dict[str, Any]:
    known = {"is_logged_in": True, "iss": "https://id", "sub": email, "iat": 1, "nonce": email}
    return {**known, "email": email, "email_verified": True, **claims}


def open_as(
    user: dict[str, Any], name: str, project: Project | None = None, auth: Mapping[str, str] = {"client_id": "corral"}
) -> AppTest:
    at = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    at.user, at.secrets = user, {"auth": dict(auth)}
    at.run()
    at.switch_page(f"pages/{name}.py")
    if project is not None:
        at.query_params["project"] = project.id
    return at.run()


def press(at: AppTest, label: str) -> None:
    next(button for button in at.button if button.label == label).click()
    at.run()


# ---------------------------------------------------------------- the workspace


@pytest.fixture
def letters(workspace: Workspace) -> Project:
    return make(workspace, "letters", ANN)


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    if request.param == "sqlite":
        return workspace
    monkeypatch.setenv("CORRAL_DATABASE_URL", request.getfixturevalue("postgres").new_database())
    return Workspace()


def test_only_its_owner_opens_and_lists_a_project(anywhere: Workspace) -> None:
    workspace, letters = anywhere, make(anywhere, "letters", ANN)
    free = make(workspace, "free", None)
    assert [info.name for info in workspace.projects(ANN)] == ["letters"]
    assert [info.name for info in workspace.projects()] == ["free"]  # an owner's is not for whoever does not sign in
    assert workspace.projects(BEN) == []
    assert workspace.open(letters.id, ANN).owner == ANN
    for project, who in ((letters, BEN), (letters, None), (free, ANN)):
        with pytest.raises(WorkspaceError, match=r"There is no project '\w{12}' in this workspace"):
            workspace.open(project.id, who)


def test_a_share_opens_a_project_until_it_ends(anywhere: Workspace) -> None:
    workspace, letters = anywhere, make(anywhere, "letters", ANN)
    letters.share(" Ben@Example.ORG ")
    letters.share(BEN)
    assert letters.shared_with() == [BEN]
    theirs = workspace.open(letters.id, BEN)
    log = theirs.open_log(BEN)
    assert log.assign([0], "post").n_changed == 1
    assert [info.owner for info in workspace.projects(BEN)] == [ANN]
    letters.unshare(BEN)
    assert not theirs.is_open
    assert workspace.projects(BEN) == []
    closed = []
    theirs.on_closed = lambda: closed.append(1)
    steps: list[Callable[[], object]] = [
        lambda: log.assign([1], "post"),
        log.refresh,
        log.undo,
        lambda: theirs.has_grown,
        theirs.spaces,
        lambda: theirs.current,
        lambda: theirs.show_space(0),
        lambda: theirs.append(theirs.dataset),
        lambda: theirs.open_log(BEN),
        theirs.shared_with,
    ]
    for step in steps:
        with pytest.raises(WorkspaceError, match="There is no project"):
            step()
    assert len(closed) == len(steps)
    assert len(letters.open_log(ANN).actions) == 1
    assert letters.n_rows == 4
    assert len(theirs.for_a_job().spaces()) == 1  # the project's own work goes on


def test_only_the_owner_shares(workspace: Workspace, letters: Project) -> None:
    letters.share(BEN)
    theirs = workspace.open(letters.id, BEN)
    for step in (lambda: theirs.share("eve@example.org"), lambda: theirs.unshare(BEN)):
        with pytest.raises(WorkspaceError, match="Only its owner"):
            step()
    with pytest.raises(WorkspaceError, match="Only its owner"):
        make(workspace, "free", None).share(BEN)
    with pytest.raises(WorkspaceError, match="needs no share"):
        letters.share(ANN.upper())


@pytest.mark.parametrize("wrong", ["", "   ", "a\0b", "a\nb@c", "x" * 1001])
def test_what_is_no_account_is_refused(letters: Project, wrong: str) -> None:
    with pytest.raises(WorkspaceError, match="the name under which they sign in"):
        letters.share(wrong)


def test_accounts_differ_by_more_than_the_case_of_an_address() -> None:
    assert as_account("Ann@Example.org") == ANN
    assert as_account("aB at https://id") != as_account("Ab at https://id")
    assert as_account("\N{KELVIN SIGN}im@example.org") != "kim@example.org"  # whose lower case is a k


def test_each_owner_has_a_cache_of_their_own(workspace: Workspace) -> None:
    texts = ["a secret"]
    workspace.cache_of(ANN).embed(FakeEncoder(), texts)
    assert workspace.cache_of(ANN).lookup("fake", texts, 8)[1].all()
    for owner in (BEN, None):
        assert not workspace.cache_of(owner).lookup("fake", texts, 8)[1].any()


def test_who_runs_the_server_gives_projects(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    project = make(workspace, "free", None)
    assert cli.main(["projects"]) == 0
    assert project.id in capsys.readouterr().out
    assert cli.main(["give", project.id, "Ann@example.org"]) == 0
    assert workspace.open(project.id, ANN).owner == ANN
    assert cli.main(["give", project.id, "--nobody"]) == 0
    assert workspace.open(project.id).owner is None
    assert cli.main(["give", "aaaaaaaaaaaa", ANN]) == 1
    assert "There is no project" in capsys.readouterr().err
    assert cli.main(["give", project.id]) == 2


# ---------------------------------------------------------------- names


def test_the_name_that_is_typed_stands_with_what_is_done(workspace: Workspace) -> None:
    project = make(workspace, "free", None)
    at = open_page("label", project)
    assert at.text_input(key="name typed").value == user_name()
    at.text_input(key="name typed").input("  Ann \n *B* ").run()
    at.session_state["corral"].selection.select_unlabelled()
    at.run()
    at.text_input(key="new label name").input("post")
    press(at, "Label 4")
    assert [action.who for action in project.open_log().actions] == ["Ann *B*"]
    at.switch_page("pages/export.py").run()
    assert at.text_input(key="name typed").value == "Ann *B*"
    at.text_input(key="name typed").input("").run()
    assert at.session_state["corral"].log.who == user_name()
    assert not at.exception


def test_the_browser_remembers_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = {access.COOKIE: "J%C3%B6rg%20%3Cb%3E%00" + "x" * 100}
    monkeypatch.setattr(st, "context", SimpleNamespace(cookies=cookies))
    assert access.person() == ("Jörg <b> " + "x" * 100)[: access.MAX_NAME]


@pytest.mark.parametrize(
    ("server_address", "expected"),
    [
        ("localhost", "only this machine reaches it"),
        ("0.0.0.0", "everybody who reaches it sees all"),
        (None, "everybody"),
    ],
)
def test_the_page_says_who_else_sees_the_projects(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, server_address: str | None, expected: str
) -> None:
    make(workspace, "free", None)
    known = st.get_option
    monkeypatch.setattr(st, "get_option", lambda key: server_address if key == "server.address" else known(key))
    at = open_page("texts")
    assert expected in said(at)
    assert len(at.warning) == (server_address != "localhost")


# ---------------------------------------------------------------- signing in


@pytest.mark.parametrize("name", PAGES)
def test_every_page_asks_to_sign_in_first(letters: Project, name: str) -> None:
    at = open_as({"is_logged_in": False}, name, letters)
    assert at.title[0].value == "Sign in"
    assert "letters" not in said(at)
    assert "corral" not in at.session_state
    assert not at.exception


@pytest.mark.parametrize("auth", [{}, {"client_id": "corral"}])
def test_nobody_gets_in_where_signing_in_is_only_half_set_up(letters: Project, auth: dict[str, str]) -> None:
    at = open_as({}, "texts", auth=auth)
    press(at, "Sign in")
    assert "credentials" in at.error[0].value
    assert "letters" not in said(at)
    assert not at.exception


@pytest.mark.parametrize("name", [name for name in PAGES if name not in ("texts", "separation")])
def test_somebody_elses_project_is_as_if_it_were_not_there(letters: Project, name: str) -> None:
    at = open_as(signed_in(BEN), name, letters)
    assert "There is no project" in at.error[0].value
    assert "corral" not in at.session_state
    at.query_params["project"] = "aaaaaaaaaaaa"
    other = at.error[0].value.replace(letters.id, "aaaaaaaaaaaa")
    assert at.run().error[0].value == other


def test_what_is_made_is_of_who_made_it(workspace: Workspace) -> None:
    at = open_as(signed_in(), "texts")
    assert "Only you see them" in said(at)
    at.file_uploader[0].upload("mine.csv", CSV).run()
    at.selectbox[1].select("kind").run()
    press(at, "Make the map")
    (info,) = workspace.projects(ANN)
    assert info.owner == ANN
    assert [action.who for action in workspace.open(info.id, ANN).open_log().actions] == [ANN]
    assert at.session_state["corral"].log.who == ANN
    assert "There is no project yet" in said(open_of_a_project(BEN))


def open_of_a_project(email: str) -> AppTest:
    at = open_as(signed_in(email), "separation")
    at.button_group[0].set_value("A project").run()
    return at


def test_a_share_is_made_and_ended_on_the_texts_page(workspace: Workspace, letters: Project) -> None:
    at = open_as(signed_in(), "texts")
    at.text_input(key=f"share-{letters.id}").input("not\u0007printable")
    press(at, "Share")
    assert "Type the name under which they sign in" in at.error[0].value
    at.text_input(key=f"share-{letters.id}").input("Ben@example.org")
    press(at, "Share")
    assert letters.shared_with() == [BEN]
    theirs = open_as(signed_in(BEN), "texts")
    assert "letters" in said(theirs)
    assert not [each for each in theirs.text_input if each.key == f"share-{letters.id}"]
    export = open_as(signed_in(BEN), "export", letters)
    assert len(export.dataframe[0].value) == 4
    press(at, "Stop sharing")
    assert letters.shared_with() == []
    export.radio[0].set_value("Only the labelled").run()
    assert "There is no project" in export.error[0].value
    assert not len(export.dataframe)
    assert "corral" not in export.session_state
    assert not at.exception


def test_a_click_after_the_share_has_ended_changes_nothing(letters: Project) -> None:
    letters.share(BEN)
    at = open_as(signed_in(BEN), "label", letters)
    at.session_state["corral"].selection.select_unlabelled()
    at.run()
    at.text_input(key="new label name").input("post")
    letters.unshare(BEN)
    press(at, "Label 4")
    assert "There is no project" in at.error[0].value
    assert not at.exception
    assert letters.open_log().actions == []


def test_what_is_recorded_of_a_project_goes_with_the_share(workspace: Workspace, letters: Project) -> None:
    from labelling.ui.separation.separation import Done

    theirs = make(workspace, "notes", BEN)
    done = Done("letters: how", [], [], {}, b"", theirs)
    theirs.share(ANN)
    done.check()
    done = Done("notes: how", [], [], {}, b"", workspace.open(theirs.id, ANN))
    theirs.unshare(ANN)
    with pytest.raises(WorkspaceError, match="no longer shared"):
        done.html()


def test_what_has_no_owner_is_not_for_who_signed_out(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    free = make(workspace, "free", None)
    monkeypatch.setattr(access, "signing_in", lambda: True)
    for step in (access.projects, lambda: access.open_project(free.id)):
        with pytest.raises(WorkspaceError, match="signed out"):
            step()


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, ANN),
        ({"email": "ANN@example.org", "email_verified": "true"}, ANN),
        ({"email_verified": False}, "7 at https://id"),
        ({"email_verified": None}, "7 at https://id"),
        ({"email": ""}, "7 at https://id"),
    ],
)
def test_an_address_counts_where_it_is_verified(
    monkeypatch: pytest.MonkeyPatch, claims: dict[str, Any], expected: str
) -> None:
    class User(dict[str, Any]):
        def to_dict(self) -> dict[str, Any]:
            return dict(self)

    monkeypatch.setattr(st, "user", User(signed_in(sub="7") | claims))
    assert access.account() == expected


def test_signing_out_ends_every_tab_of_the_browser(letters: Project) -> None:
    first, second = open_as(signed_in(), "export", letters), open_as(signed_in(), "label", letters)
    elsewhere = open_as(signed_in(nonce="another browser"), "export", letters)
    press(first, "Sign out")
    assert "corral" not in first.session_state
    with pytest.raises(WorkspaceError, match="There is no project"):  # what a download that is still on show would do
        export(second.session_state["corral"].project)
    second.run()
    assert second.title[0].value == "Sign in"
    assert "letters" not in said(second)
    assert not elsewhere.run().error
    assert "4 rows" in said(elsewhere) or len(elsewhere.dataframe)


def test_secrets_that_cannot_be_read_let_nobody_in(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(workspace, "free", None)
    path = tmp_path / "secrets.toml"
    path.write_text("[auth\nclient_id = ")
    known = st.get_option
    monkeypatch.setattr(st, "get_option", lambda key: [str(path)] if key == "secrets.files" else known(key))
    monkeypatch.setattr(Secrets, "load_if_toml_exists", lambda self: False)
    at = open_page("texts")
    assert "Nobody gets in" in at.error[0].value
    assert "free" not in said(at)
