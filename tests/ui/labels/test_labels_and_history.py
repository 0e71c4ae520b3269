"""The pages for labels, without a browser: manage them, go back, audit, yes and no for each, train a classifier."""

import numpy as np
import pytest

from labelling.labels.label import KEYS, NO
from labelling.palette import ORDER
from labelling.readers import make_dataset, read_table
from labelling.tasks.embed import embed
from labelling.ui.frame import page, resources
from labelling.ui.history.audit import Held
from labelling.ui.labels import compare
from labelling.workspace import Project, Workspace
from tests.ui.helpers import TEXTS, click, log_of, make, open_action, open_page, said, select, upload
from tests.ui.tab import of_project

pytestmark = pytest.mark.slow


# ---------------------------------------------------------------- labels


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return make(workspace)


def test_labels_are_made_and_changed(project: Project) -> None:
    at = open_page("labels", project)
    assert "There are no labels yet" in said(at)
    at.text_input(key="made label name").input("<b>late</b> *delivery*")
    at = click(at, "Make it")
    assert not at.exception
    (label,) = log_of(project).labels
    assert label.name == "<b>late</b> *delivery*"
    assert r"\<b\>late" in "".join(button.label for button in at.button), "shown as text"

    at.text_input(key=f"name of 0 {label.name}").input("late")
    at.text_area(key="about 0 ").input("what came after its day")
    at.selectbox(key="mark of 0 0").select_index(7)
    at.selectbox(key="key of 0 1").select("A")
    at = click(at, "Save")
    (label,) = log_of(project).labels
    assert (label.name, label.description, label.style, label.key) == ("late", "what came after its day", ORDER[7], "A")


def test_a_name_that_is_taken_is_said_and_nothing_changes(project: Project) -> None:
    log = log_of(project)
    for name in ("a", "b"):
        log.create(name)
    at = click(open_page("labels", project), "b")
    at.text_input(key="name of 1 b").input("a")
    at = click(at, "Save")
    assert "merge the two" in at.error[0].value
    assert [label.name for label in log_of(project).labels] == ["a", "b"]


def test_labels_are_ordered_merged_split_and_deleted(project: Project) -> None:
    log = log_of(project)
    log.assign(range(10), "a")
    log.assign(range(10, 15), "b")
    at = open_page("labels", project)
    at.button(key="move-1--1").click().run()
    assert [label.name for label in log_of(project).labels] == ["b", "a"]

    at = open_page("label", project)
    select(at, [0, 1, 2, 12])
    at.switch_page("pages/labels.py").run()
    at = click(at, "a")
    at.text_input(key="split 0 name").input("a1")
    at = click(at, "Split off 3")
    assert not at.error
    assert [toast.value for toast in at.toast] == ["3 texts have a1, no longer a\\. Undo takes it back\\."]
    names = log_of(project).names()
    assert names[:4].tolist() == ["a1", "a1", "a1", "a"]
    assert names[12] == "b"

    at.selectbox(key="merge 0").select(1)
    at = click(at.run(), "Merge 7 texts")
    assert log_of(project).counts().tolist() == [0, 12, 3]
    assert at.toast[0].value == "7 texts have b, no longer a\\. Undo takes it back\\."
    at = click(at, "b")
    assert "12 texts go back to unlabelled" in said(at)
    at = click(at, "Delete, 12 texts")
    assert log_of(project).counts().tolist() == [0, 0, 3]
    at = click(at, "Undo")
    assert log_of(project).counts().tolist() == [0, 12, 3]


# ---------------------------------------------------------------- history


def test_the_history_is_read_and_gone_back_in(project: Project) -> None:
    assert "Nothing is labelled yet" in said(open_page("history", project))
    ann, bob = project.open_log("ann"), project.open_log("bob")
    ann.assign(range(5), "a", how={"by": "lasso", "space": 0, "projection": "PCA"})
    bob.assign(range(5, 8), "b")
    ann.refresh()
    ann.clear([0])
    at = open_page("history", project)
    table = at.dataframe[0].value
    assert table["#"].tolist() == [3, 2, 1]
    assert table["Who"].tolist() == ["ann", "bob", "ann"]
    assert table["What"].tolist() == ["unlabel", "label b", "label a"]
    at.multiselect[0].select("bob")
    at = at.run()
    assert at.dataframe[0].value["#"].tolist() == [2]

    at = open_action(project, "1")
    assert not at.exception
    assert "chosen by lasso · on the PCA map of Original" in said(at)
    at = click(at, "Go back")
    log = log_of(project)
    assert log.counts().tolist() == [5, 0]
    assert [label.name for label in log.labels] == ["a"]
    assert log.actions[-1].kind == "revert"
    at = click(at, "Take it back")
    assert log_of(project).n_labelled == 0
    assert at.toast[0].value == "Taken back: label a, 5 texts."
    at = click(at, "Bring it back")
    assert log_of(project).n_labelled == 5
    at = click(at, "Select on the map")
    assert not at.exception
    assert "5 selected" in said(at)


@pytest.mark.parametrize("action", ["99", "0", "-1", "x", "²"])
def test_an_action_that_is_not_there(project: Project, action: str) -> None:
    log_of(project).assign([0], "a")
    at = open_action(project, action)
    assert not at.exception


# ---------------------------------------------------------------- audit


def test_an_audit_carries_the_share_of_wrong_labels(project: Project) -> None:
    log_of(project).assign(range(20), "a")
    at = open_action(project, "1")
    assert at.radio(key="audit sample").options == ["Random", "Doubtful", "Farthest", "From the edge"]
    at = click(at, "Check 9 texts")
    shown = [int(row) for row in of_project(at, Held).audit.rows]
    at.button(key="audit 2").click().run()
    at.button(key="audit 3").click().run()
    at.button(key="audit 3").click().run()  # belongs after all
    at.button(key="audit 3").click().run()
    at.button(key="audit 3").click().run()
    assert at.button(key="audit next").disabled, "seven have no answer yet"
    at = click(at, "The other 7 belong")
    at = click(at, "Next (1 wrong)")
    log = log_of(project)
    assert log.names()[shown[1]] is None
    assert log.n_labelled == 19
    found = log.quality_of(1)
    assert (found.n_read, found.share) == (9, pytest.approx(1 / 9))
    assert "88 % right (" in said(at)
    again = {int(row) for row in of_project(at, Held).audit.rows}
    assert not again & set(shown)
    at = click(at, "All of these belong")
    at = click(at, "Done (9 read)")
    assert log_of(project).quality_of(1).n_read == 18
    at = click(at, "Check 2 texts")
    assert len(of_project(at, Held).audit.rows) == 2
    at = click(at, "All of these belong")
    at = click(at, "Next")
    assert of_project(at, Held).audit is None
    assert log_of(project).quality_of(1).low == log_of(project).quality_of(1).high == 1 / 20
    at = open_page("label", project)
    chip = next(button for button in at.button if button.label == "a  (19)")
    assert "20 read" in chip.help
    looks = next(html.value for html in at.get("html") if "st-key-label-0" in html.value)
    assert ".st-key-label-0 button { background-image: linear-gradient(" in looks


def test_every_key_that_a_label_can_have_works_on_the_label_page(project: Project) -> None:
    log = log_of(project)
    for row, key in enumerate(KEYS):
        log.assign([row], f"label {key}")
        log.set_key(row, key)
    at = open_page("label", project)
    assert not at.exception
    assert [at.button(key=f"label-{number}").proto.shortcut.upper() for number in range(len(KEYS))] == list(KEYS)
    shortcuts = [button.proto.shortcut for button in at.button if button.proto.shortcut]
    assert len(set(shortcuts)) == len(shortcuts), "each key does one thing"


# ---------------------------------------------------------------- yes, no and unknown for each label


def test_a_file_of_answers_becomes_a_project_of_that_kind(workspace: Workspace) -> None:
    lines = [f'{{"text": "{text}", "cats": {{"new": {row % 2}}}}}' for row, text in enumerate(TEXTS[:4])]
    at = upload(open_page("texts"), "a.jsonl", "\n".join(lines).encode())
    assert at.radio[0].value == "Yes, no or unknown for each label"
    at = click(at, "Make the map")
    (info,) = workspace.projects()
    log = workspace.open(info.id).open_log()
    assert log.multi_label
    assert log.label_values(0).tolist() == [0, 1, 0, 1]


def test_a_file_of_answers_can_be_taken_as_one_label_a_text(workspace: Workspace) -> None:
    at = upload(open_page("texts"), "a.csv", b"text,kind\nthe card is lost,x\nthe train is late,y\n")
    assert at.radio[0].value == "One label"
    at.radio[0].set_value("Yes, no or unknown for each label")
    at = at.run()
    at.multiselect[0].select("kind")
    at = at.run()
    assert "can't be read as yes or no" in at.error[0].value.replace("\\", "")
    assert not workspace.projects()


def test_yes_no_and_unknown_on_the_label_page(workspace: Workspace) -> None:
    project = make(workspace, multi_label=True)
    at = open_page("label", project)
    assert "Type the name of a first label" in said(at)
    select(at, [0, 1, 2])
    at.text_input(key="new label name").input("late")
    at = click(at, "Yes for 3")
    assert log_of(project).counts().tolist() == [3]
    select(at, [2, 3])
    at = click(at, "No")
    assert log_of(project).label_values(0)[:5].tolist() == [1, 1, 1, NO, -1], "a yes is left as it is"
    at.button_group(key="overwrite").set_value("overwrite")
    at = click(at, "No")
    assert log_of(project).label_values(0)[:5].tolist() == [1, 1, NO, NO, -1]
    at = click(at, "Unknown")
    assert log_of(project).label_values(0)[:5].tolist() == [1, 1, -1, -1, -1]


def test_others_actions_are_told(project: Project) -> None:
    at = open_page("label", project)
    select(at, [1, 2])
    project.open_log("bob").assign([0, 1], "b")
    at.text_input(key="new label name").input("mine")
    at = click(at, "Label")
    assert "others have just changed some (bob 1)" in "".join(toast.value for toast in at.toast).replace("\\", "")
    assert log_of(project).names()[:3].tolist() == ["b", "b", "mine"]


# ---------------------------------------------------------------- classify


def wait_for_job(project: Project) -> None:
    job = resources.jobs().get("classify", project.id)
    assert job is not None
    job.join(120)
    assert job.error is None


def test_a_classifier_is_trained_kept_and_suggests(workspace: Workspace) -> None:
    csv = "text\n" + "\n".join(f"{'my card is gone' if row % 2 else 'the refund is late'} {row}" for row in range(24))
    project = workspace.create("mine", make_dataset(read_table(csv.encode(), "a.csv"), "text"), {})
    assert embed(resources.new_workbench(project))
    at = open_page("classify", project)
    assert "A classifier needs at least two labels" in said(at)
    log = log_of(project)
    log.assign(range(1, 12, 2), "card")
    log.assign(range(0, 12, 2), "refund")
    at = open_page("classify", project)
    assert not at.exception
    assert "parameters will move" in said(at)
    at = click(at, "Train")
    wait_for_job(project)
    at = at.run()
    assert not at.error
    at = click(at.run(), "Keep it")
    (space,) = project.spaces()[1:]
    assert space.state == "kept"
    found = space.suggestions
    assert [found.classes[code] for code in found.codes[12:]] == ["refund", "card"] * 6
    at = open_page("label", project)
    at.slider(key="suggestions at least").set_value(0.5)
    at.run().button(key="suggested card").click().run()
    session = at.session_state[page.SESSION]
    assert session.selection.rows.tolist() == list(range(13, 24, 2))
    at.selectbox(key="colour by").select("suggestion")
    assert not at.run().exception
    at.selectbox(key="colour by").select("how sure")
    assert not at.run().exception


@pytest.mark.parametrize("model", ["/no/such/folder", "no such name!"])
def test_a_model_that_is_none_is_explained(workspace: Workspace, model: str) -> None:
    project = make(workspace)
    log = log_of(project)
    log.assign(range(5), "a")
    log.assign(range(5, 10), "b")
    at = open_page("classify", project)
    at.radio[0].set_value("Another model")
    at = at.run()
    assert "Type the model's name" in said(at)
    at.text_input(key="model Another model").input(model)
    at = click(at.run(), "Train")
    job = resources.jobs().get("classify", project.id)
    job.join(60)
    at = at.run()
    assert at.error
    assert not at.exception
    assert len(project.spaces()) == 1


def test_several_labels_a_text_are_refused(workspace: Workspace) -> None:
    assert "A classifier takes one label a text" in said(open_page("classify", make(workspace, multi_label=True)))


# ---------------------------------------------------------------- what needs checking


def test_the_page_check_opens_on_what_is_not_checked(project: Project) -> None:
    log = log_of(project)
    log.assign(range(15), "a")
    log.assign(range(15, 20), "b")
    at = open_page("history", project)
    assert "nobody knows yet: 20 not checked" in said(at)
    assert "label a, 15 texts: 15 not checked" in said(at)
    at = click(at, "Check 9 of all labels")
    held = of_project(at, Held).audit
    assert (held.seq, len(held.rows), held.beside_map) == (None, 9, False)
    shown = "".join(element.proto.body for element in at.get("html"))
    assert "<small>a</small>" in shown, "each text says what is asked about"
    at.button(key="audit 1").click().run()
    at = click(at, "The other 8 belong")
    at = click(at, "Done (9 read)")
    log = log_of(project)
    found = log.rightness()
    assert (found.n_read, found.n_rows, found.n_unchecked) == (9, 19, 0)
    assert f"About {found.words}" in said(at)
    assert "not checked" not in said(at)
    table = at.dataframe[0].value
    assert table["What"].tolist() == ["check of 9 labels: 1 wrong", "label b", "label a"]
    at = click(at, "Undo")
    assert log_of(project).rightness() is None, "one check, taken back as one"
    assert log_of(project).n_labelled == 20


def test_all_that_is_labelled_is_said_to_be_unchecked_and_offered(project: Project) -> None:
    log = log_of(project)
    log.assign(range(log.n_rows), "a")
    at = open_page("label", project)
    assert "All is labelled, how right nobody knows yet. Next: press V to check 9 of them." in said(at)
    log.keep_check(log.check_sample(9), np.empty(0, int))
    log.assign([0], "b", overwrite=True)
    at = open_page("label", project)
    found = log_of(project).rightness()
    assert found.n_unchecked == 1
    assert f"All is labelled, about {found.words}. Next: press V" in said(at)
    assert (at.button(key="check").label, at.button(key="check").proto.type) == ("Check 9 of all", "primary")


def test_the_comparison_offers_columns_of_few_values(workspace: Workspace) -> None:
    lines = [f"the text {row},2026-04-{row + 1:02} 07:40,{'ab'[row % 2]},{row}" for row in range(28)]
    table = read_table("\n".join(["text,received_at,kind,id", *lines]).encode(), "a.csv")
    project = workspace.create("a", make_dataset(table, "text"), {})
    session = resources.new_session(project)
    assert compare._columns(project.dataset_id, session) == ["kind"]
