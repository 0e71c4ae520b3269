"""A press is one action: buttons keep their identity, steps their target, and what did nothing says so. No browser."""

import ast
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.runtime.state import SafeSessionState, SessionState

from labelling.labels.label import YES, LabelError
from labelling.ui import map
from labelling.ui.frame import resources, state, steps
from labelling.ui.frame.faults import STEP_ERROR
from labelling.ui.frame.state import OF_PROJECT
from labelling.ui.history import audit
from labelling.ui.label import give_labels, panel
from labelling.ui.labels import manage
from labelling.ui.map.colours import Colouring
from labelling.workspace import Project, Workspace
from tests.sources import parsed
from tests.ui.helpers import ROOT, click, log_of, make, open_action, open_page, said, select
from tests.ui.tab import of_project

pytestmark = pytest.mark.slow


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return make(workspace)


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted([*(ROOT / "labelling/ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call):
                yield f"{path.name}, line {node.lineno}", node


def test_every_button_with_a_shortcut_has_a_key() -> None:
    """Without one it is another button as soon as its label or its help changes: both stand there, both are pressed."""
    named = {where: {given.arg for given in call.keywords} for where, call in calls()}
    with_shortcut = {where for where, names in named.items() if "shortcut" in names}
    assert len(with_shortcut) > 15
    assert [where for where in sorted(with_shortcut) if "key" not in named[where]] == []


def test_every_callback_is_a_step() -> None:
    """Another one would be ended half-way by the press that comes after it."""
    given = {
        f"{where}, {keyword.arg}": keyword.value
        for where, call in calls()
        for keyword in call.keywords
        if keyword.arg in ("on_click", "on_change")
    }
    assert len(given) > 30

    def is_step(value: ast.expr) -> bool:
        called = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "step"
        return called or (isinstance(value, ast.Constant) and value.value in ("ignore", "rerun"))

    assert [where for where, value in given.items() if not is_step(value)] == []


class Interrupted(BaseException):
    """As Streamlit's, at the next use of the state after another press has come."""


def interrupt() -> None:
    raise Interrupted


@pytest.mark.parametrize("error", [None, LabelError("no"), ZeroDivisionError()])
def test_a_step_is_not_interrupted(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> None:
    state = SafeSessionState(SessionState(), interrupt)
    context = SimpleNamespace(session_state=state, session_id="a tab")
    monkeypatch.setattr(steps, "get_script_run_ctx", lambda **_options: context)
    monkeypatch.setattr("streamlit.runtime.state.session_state_proxy.get_session_state", lambda: state)
    done = []

    def do(what: str) -> None:
        done.append(what)
        st.session_state["done"] = what
        steps.attempt(lambda: st.session_state.update({"within": what}))
        if error:
            raise error
        assert st.session_state["done"] == what

    steps.step(do)("this")
    assert done == ["this"]
    found = dict(state.filtered_state)
    assert (found["done"], found["within"]) == ("this", "this")
    assert bool(found.get(OF_PROJECT, {}).get(steps.Messages, {}).get(STEP_ERROR)) == bool(error)
    with pytest.raises(Interrupted):
        st.session_state["after"] = "a step it is interrupted again"


def test_what_a_run_that_was_ended_did_not_say_is_said_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    state = SafeSessionState(SessionState(), lambda: None)
    monkeypatch.setattr("streamlit.runtime.state.session_state_proxy.get_session_state", lambda: state)
    steps.tell("done", "80 labelled")
    with pytest.raises(Interrupted), steps.told("done"):
        raise Interrupted
    for expected in ("80 labelled", None):
        with steps.told("done") as said:
            assert said == expected


def test_a_second_press_waits_for_the_step_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit begins with it in another thread, whatever the first is doing."""
    context = SimpleNamespace(session_state=SafeSessionState(SessionState(), lambda: None), session_id="a tab")
    monkeypatch.setattr(steps, "get_script_run_ctx", lambda **_options: context)
    shown, kept = [1], []
    begun = threading.Event()

    def keep() -> None:
        if shown:
            begun.set()
            time.sleep(0.2)  # the other one has all the time to begin
            kept.append(shown.pop())

    first = threading.Thread(target=steps.step(keep))
    first.start()
    begun.wait()
    steps.step(keep)()
    first.join()
    assert kept == [1]


def test_undo_stays_the_same_button_and_says_what_it_took_back(project: Project) -> None:
    log = log_of(project)
    for row in range(3):
        log.assign([row], f"label {row}")
    at = open_page("label", project)
    ids = set()
    for row in (2, 1):
        assert f"label label {row}" in at.button(key="undo").help.replace("\\", "")
        ids.add(at.button(key="undo").proto.id)
        at = at.button(key="undo").click().run()
        assert f"Taken back: label label {row}, 1 text. Redo brings it back." in said(at).replace("\\", "")
        assert f"label label {row}" in at.button(key="redo").help.replace("\\", "")
    assert len(ids) == 1
    at = at.button(key="redo").click().run()
    assert "Brought back: label label 1, 1 text" in said(at).replace("\\", "")
    assert log_of(project).n_labelled == 2


def test_an_action_is_taken_back_once(project: Project) -> None:
    session = resources.new_session(project)
    for row in range(3):
        session.log.assign([row], "a")
    assert session.labelling.undo(3)
    assert session.labelling.undo(3) is None
    assert session.log.n_labelled == 2
    assert session.labelling.redo(3)
    assert session.labelling.redo(3) is None
    assert session.log.n_labelled == 3


def test_a_step_goes_on_from_the_selection_that_was_shown(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state.st, "session_state", {})
    session = resources.new_session(project)
    session.map.look(project.space(0), "PCA")
    session.selection.select(np.arange(10), "test")
    shown = session.selection.rows
    for _ in range(2):  # the second one was meant for what is no longer selected
        panel._go_on(session, shown, session.selection.invert)
    assert session.selection.rows.tolist() == list(range(10, 30))
    panel._go_on(session, session.selection.rows, session.selection.back)
    assert session.selection.rows.tolist() == list(range(10))


def test_what_was_done_on_the_map_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    mounted: dict[str, Any] = {}
    monkeypatch.setattr(map.st, "session_state", state)
    monkeypatch.setattr(map, "_wire", lambda *given: None)
    monkeypatch.setattr(map, "_mount", lambda **given: mounted.update(given))
    done: list[Any] = []
    handlers = map.Handlers(
        drawn=lambda drawn: None,
        legend=lambda group, what: done.append((group, what)),
        chip=lambda label_id, what: None,
        picked=done.append,
        region=lambda place, how: None,
        texts=lambda press: None,
        word=lambda word: None,
        answer=lambda asked, key: None,
    )
    colouring = Colouring("c", np.zeros(3, np.uint8), [{"colour": None, "shape": 0}], [])
    map.show_map("map", "m", colouring, labels_seq=0, handlers=handlers)

    def send(id_: str, before: Any = ()) -> list[Any]:
        done.clear()
        state["map"] = {"legend": {"group": 4, "what": "toggle", "id": id_, "before": before}}
        mounted["on_legend_change"]()
        return done

    assert send("p 1") == [(4, "toggle")]
    assert send("p 1") == []
    assert send("p 2") == [(4, "toggle")]
    # What came while the server was busy and was lost on the way is brought along, and done in its order.
    lost = [
        {"name": "legend", "group": 4, "what": "toggle", "id": "p 2"},
        {"name": "picked", "row": 7, "id": "p 3"},
        {"name": "legend", "group": 3, "what": "new", "id": "p 4"},
    ]
    assert send("p 5", lost) == [7, (3, "new"), (4, "toggle")]
    assert send("p 4") == []
    broken = [{"name": "picked", "row": "no number", "id": "p 6"}]
    assert send("p 7", broken) == [(4, "toggle")], "one that can't be done ends no other"
    assert send("q 1") == [(4, "toggle")], "the page was loaded anew"


def test_a_label_that_changes_nothing_says_so_and_offers_to_overwrite(project: Project) -> None:
    log_of(project).assign(range(6), "refund")
    log_of(project).assign(range(6, 8), "card")
    at = open_page("label", project)
    select(at, list(range(8)))
    assert at.button(key="new label button").label == "Label 0: 8 have one"
    seq = log_of(project).seq
    at = at.button(key="label-0").click().run()
    assert "Nothing was labelled: 6 are refund already, 2 have another label." in said(at).replace("\\", "")
    assert not at.toast
    assert log_of(project).seq == seq
    at = at.button(key="overwrite them").click().run()
    assert log_of(project).counts().tolist() == [8, 0]
    assert "Nothing was labelled" not in said(at)
    at.text_input(key="new label name").input("card")
    at = at.button(key="new label button").click().run()
    assert "Nothing was labelled: 8 have another label." in said(at).replace("\\", "")
    assert at.text_input(key="new label name").value == "card", "what was typed is not lost"
    select(at, [8, 9])
    at = at.run()
    assert "Nothing was labelled" not in said(at)
    assert at.button(key="new label button").label == "Label 2"
    select(at, [7, 8, 9])
    assert at.button(key="new label button").label == "Label 2"
    at.button_group(key="overwrite").set_value("overwrite")
    at = at.run()
    assert at.button(key="new label button").label == "Label 3"
    at = at.button(key="label-0").click().run()
    assert at.button_group(key="overwrite").value == "leave", "it was meant once"


def test_an_answer_that_is_there_already(workspace: Workspace) -> None:
    project = make(workspace, multi_label=True)
    log_of(project).assign(range(3), "late")
    at = open_page("label", project)
    select(at, [0, 1, 2, 3])
    assert [at.button(key=f"answer {word}").label for word in ("Yes", "No")] == ["Yes 1", "No 1"]
    at.button_group(key="overwrite").set_value("overwrite")
    at = at.run()
    assert [at.button(key=f"answer {word}").label for word in ("Yes", "No")] == ["Yes 1", "No 4"]
    select(at, [0, 1])
    at.button_group(key="overwrite").set_value("leave")
    at = at.run().button(key="answer No").click().run()
    assert "Nothing was labelled: 2 have another answer." in said(at).replace("\\", "")
    at = at.button(key="answer Yes").click().run()
    assert "Nothing was labelled: 2 are yes for late already." in said(at).replace("\\", "")
    assert log_of(project).label_values(0)[:3].tolist() == [YES] * 3


def test_a_lasso_and_a_key_in_one_message_label_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("label", project)
    select(at, [0, 1])
    monkeypatch.setattr(give_labels, "is_drawn_on", lambda key: key == "map")
    at.text_input(key="new label name").input("a")
    at = at.button(key="new label button").click().run()
    assert "A lasso came at the same moment" in at.error[0].value
    assert log_of(project).seq == 0
    assert at.text_input(key="new label name").value == "a"
    monkeypatch.setattr(give_labels, "is_drawn_on", lambda key: False)
    at = at.button(key="new label button").click().run()
    assert log_of(project).n_labelled == 2


# ---------------------------------------------------------------- audits


def test_only_answers_count_in_an_audit(project: Project) -> None:
    log_of(project).assign(range(20), "a")
    at = click(open_action(project, "1"), "Check 9 texts")
    assert at.button(key="audit next").disabled
    at = at.button(key="audit 4").click().run()
    at = at.button(key="audit 6").click().run()
    at = at.button(key="audit 6").click().run()  # belongs after all
    at = click(at, "Done (2 read)")
    found = log_of(project).quality_of(1)
    assert (found.n_read, found.share) == (2, 0.5)
    at = click(at, "Check 9 texts")
    at = click(at, "Done")
    log = log_of(project)
    assert len(log.read(1)) == 2
    assert [action.kind for action in log.actions] == ["assign", "audit"]


def test_a_page_of_an_audit_is_kept_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    session = resources.new_session(project)
    session.log.assign(range(20), "a")
    held = audit.Audit(1, "random", np.arange(3), 1)
    monkeypatch.setattr(state.st, "session_state", {})
    state.of_project(audit.Held).audit = held
    for _ in range(2):
        held.answer(1, True)  # the same press, come twice
    held.all_others_belong()
    for _ in range(2):
        audit._keep(session, held, go_on=False)
    assert [session.log.how(action.seq)["read"] for action in session.log.actions[1:]] == [[0, 1, 2]]
    assert session.log.n_labelled == 19


def test_answers_of_another_actions_page_are_kept(project: Project) -> None:
    log_of(project).assign(range(10), "a")
    log_of(project).assign(range(10, 20), "b")
    at = click(open_action(project, "1"), "Check 9 texts")
    at = at.button(key="audit 1").click().run()
    at.switch_page("pages/label.py").run()
    at.switch_page("pages/history.py")
    at.query_params["project"], at.query_params["action"] = project.id, "2"
    at = click(at.run(), "Check 9 texts")
    assert len(log_of(project).read(1)) == 1
    assert of_project(at, audit.Held).audit.seq == 2


# ---------------------------------------------------------------- labels and history


def test_a_label_is_moved_and_deleted_once(project: Project) -> None:
    log = log_of(project)
    for row, name in enumerate("abc"):
        log.assign([row], name)
    at = open_page("labels", project)
    at = at.button(key="move-0-1").click().run()
    assert [label.name for label in log_of(project).labels] == ["b", "a", "c"]
    session = resources.new_session(project)
    label = session.log.labels[2]
    assert manage._moved(session.log.labels, 0, 1) == [0, 1, 2]
    done = [manage._end(session, label, lambda: session.log.delete(label.id), "have lost it") for _ in range(2)]
    assert done == [None, None]
    assert [action.kind for action in session.log.actions].count("delete") == 1


def test_going_back_to_where_the_labels_are_is_no_action(project: Project) -> None:
    log = log_of(project)
    log.assign([0], "a")
    log.assign([1], "a")
    log.undo()
    at = click(open_action(project, "1"), "Go back")
    assert "Nothing to take back" in at.error[0].value
    assert not at.toast
    assert log_of(project).seq == 3
