"""The pages without a browser: what they say, and what they refuse. Components run in tests/browser."""

from datetime import date

import numpy as np
import pytest

from labelling.readers import make_dataset, read_table
from labelling.session import Session
from labelling.tasks.embed import embed
from labelling.ui.frame import resources
from labelling.ui.label import map_and_panel
from labelling.ui.label.reading import Reading
from labelling.ui.tune import tuning
from labelling.workspace import Project, Workspace
from tests.ui.helpers import CSV, open_page, press, said, tuned, upload
from tests.ui.tab import of_project


@pytest.mark.parametrize("name", ["texts", "label", "labels", "tune", "classify", "history", "export"])
def test_a_page_without_a_project_says_where_to_go(name: str) -> None:
    at = open_page(name)
    assert not at.exception
    if name != "texts":
        assert "No texts are loaded yet" in said(at)


@pytest.mark.parametrize("wrong", ["aaaaaaaaaaaa", "../../etc/passwd", "<script>"])
def test_an_unknown_project_is_refused(project: Project, wrong: str) -> None:
    at = open_page("label", wrong)
    assert "There is no project" in at.error[0].value
    assert not at.exception


def test_an_uploaded_file_is_shown_and_becomes_a_project(workspace: Workspace) -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    assert not at.exception
    assert list(at.dataframe[0].value.columns) == ["id", "text", "kind"]
    assert at.selectbox[0].value == "text"
    assert "4 rows" in said(at)
    assert "3 texts are longer than the encoder's 16 word pieces" in said(at)
    at.selectbox[1].select("kind")
    name = next(box for box in at.text_input if box.label == "Name of the project")
    assert name.value == "mine.csv"
    name.input(" Letters ")
    at.run()
    next(button for button in at.button if button.label == "Make the map").click()
    at.run()
    (info,) = workspace.projects()
    assert info.name == "Letters"
    made = workspace.open(info.id)
    assert made.dataset.texts[1] == "the refund is late"
    log = made.open_log()
    assert log.names().tolist() == ["a", "b", None, "a"]
    assert set(log.sources()) == {"imported", None}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.csv", b"", "empty"),
        ("header.csv", b"id,text\n", "header"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        ("broken.jsonl", b'{"text": "a"}\n{"text": \n', "line 2"),
    ],
)
def test_a_bad_file_is_explained_and_loses_nothing(name: str, data: bytes, message: str) -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    at = upload(at, name, data)
    assert not at.exception
    assert any(message.lower() in error.value.lower() for error in at.error), said(at)
    assert "Still loaded: mine" in said(at)
    assert list(at.dataframe[0].value.columns) == ["id", "text", "kind"]


@pytest.mark.slow
def test_a_map_that_was_ready_while_the_page_was_made_is_shown(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = "".join(f"text {row} about {'cats' if row % 2 else 'money'}\n" for row in range(40))
    project = workspace.create("mine", make_dataset(read_table(texts.encode(), "a.txt"), "text"), {})
    assert embed(resources.new_workbench(project))
    really, chosen = map_and_panel.choose_map, []

    def slowly(session: Session) -> None:
        really(session)
        chosen.append(session.map.view.projection if session.map.view else None)
        if job := resources.jobs().get("umap", project.id, 0):
            job.join()

    monkeypatch.setattr(map_and_panel, "choose_map", slowly)
    at = open_page("label", project)
    assert not at.exception
    assert chosen[0] == "PCA"
    assert chosen[-1] == "UMAP"
    assert "still being made" not in said(at)


def test_a_project_is_listed_and_opens(project: Project) -> None:
    at = open_page("texts")
    assert "mine" in said(at)
    assert any(button.label == "Open" for button in at.button)


def test_the_label_page_shows_the_map_and_asks_for_a_lasso(project: Project) -> None:
    at = open_page("label", project)
    assert not at.exception
    assert "Nothing selected" in said(at)
    said_once = "3 texts are longer than the encoder's 16 word pieces"
    assert said_once in str([toast.value for toast in at.toast])
    assert said_once not in str([toast.value for toast in at.run().toast])


def test_a_sample_of_a_store_says_of_how_many_texts(project: Project) -> None:
    project.describe_space(0, store={"id": "x", "folder": "/data/store", "n_texts": 48_000_000})
    at = open_page("label", project)
    assert any("a sample: 4 of 48,000,000" in bar.text for bar in at.get("progress"))


def test_too_few_texts_for_a_umap_are_shown_as_pca(project: Project) -> None:
    at = open_page("label", project)
    assert not at.error
    assert [group.options for group in at.button_group if "Quick map" in group.options] == [["Quick map"]]


def test_another_project_in_the_same_tab_starts_afresh(project: Project, workspace: Workspace) -> None:
    at = open_page("label", project)
    at.session_state["corral"].selection.rows = np.array([0, 2])
    of_project(at, tuning.Seen).tuned = 1
    other = workspace.create("other", make_dataset(read_table(CSV, "b.csv"), "text"), {})
    embed(resources.new_workbench(other))
    at.query_params["project"] = other.id
    at.run()
    assert at.session_state["corral"].project.id == other.id
    assert "Nothing selected" in said(at)
    assert of_project(at, tuning.Seen).tuned is None


def test_the_selection_is_read_labelled_and_undone(project: Project) -> None:
    at = open_page("label", project)
    session = at.session_state["corral"]
    session.selection.rows = np.array([0, 2])
    session.selection.chosen_by = {"by": "lasso"}
    at.run()
    assert "2 selected" in said(at)
    sample = "".join(element.value for element in at.html)
    assert "the card was lost" in sample
    assert "the refund is late" not in sample
    at.text_input(key="new label name").input("money")
    next(button for button in at.button if button.label == "Label 2").click()
    at.run()
    assert project.open_log().names().tolist() == ["money", None, "money", None]
    next(button for button in at.button if button.label == "Undo").click()
    at.run()
    assert project.open_log().n_labelled == 0
    assert not at.exception


def test_a_bad_label_name_is_explained(project: Project) -> None:
    at = open_page("label", project)
    at.session_state["corral"].selection.rows = np.array([0])
    at.run()
    at.text_input(key="new label name").input("   ")
    next(button for button in at.button if button.label == "Label 1").click()
    at.run()
    assert "needs a name" in at.error[0].value
    assert project.open_log().n_labelled == 0


def test_markup_in_texts_and_labels_stays_text(workspace: Workspace) -> None:
    naughty = "<img src=x onerror=alert(1)>"
    data = f"text\n{naughty} one\n{naughty} two\n".encode()
    project = workspace.create(naughty, make_dataset(read_table(data, "a.csv"), "text"), {})
    embed(resources.new_workbench(project))
    project.open_log().assign([0, 1], naughty)
    at = open_page("label", project)
    at.session_state["corral"].selection.rows = np.array([0, 1])
    at.run()
    assert not any("<img" in element.value for element in at.html)
    assert any("&lt;img src=x onerror=alert(1)&gt; one" in element.value for element in at.html)


def test_a_search_is_listed_coloured_and_selected(project: Project) -> None:
    at = open_page("label", project)
    at.text_input(key="search query").input("the cat").run()
    assert not at.exception
    assert "**1** with the words **the cat**" in said(at)
    assert at.selectbox(key="colour by").value == "search"
    listed = "".join(element.value for element in at.html)
    assert "how is the cat" in listed.replace("<mark>", "").replace("</mark>", "")
    assert "the card was lost" not in listed
    press(at, "Select them")
    assert at.session_state["corral"].selection.rows.tolist() == [3]
    assert "1 selected" in said(at)
    press(at, "End")
    assert at.selectbox(key="colour by").value == "label"
    assert at.session_state["corral"].selection.rows.tolist() == [3]


def test_a_search_by_meaning_ranks_all(project: Project) -> None:
    at = open_page("label", project)
    at.selectbox(key="search kind").select("meaning").run()
    at.text_input(key="search query").input("the refund is late").run()
    assert not at.exception
    assert "Nearest to **the refund is late**" in said(at)
    at.number_input(key="n nearest").set_value(1).run()
    press(at, "Select these")
    assert at.session_state["corral"].selection.rows.tolist() == [1]


def test_a_pattern_that_is_none_is_explained(project: Project) -> None:
    at = open_page("label", project)
    at.session_state["corral"].selection.rows = np.array([0, 2])
    at.selectbox(key="search kind").select("regex").run()
    at.text_input(key="search query").input("(lost").run()
    assert "is no regular expression here" in at.error[0].value
    assert not at.exception
    assert "2 selected" in said(at)
    at.text_input(key="search query").input("lost$|late$").run()
    assert not at.error
    assert "**2** with the pattern" in said(at)


def test_a_filter_hides_and_takes_out_of_the_selection(project: Project) -> None:
    project.open_log().assign([0], "a")
    at = open_page("label", project)
    at.session_state["corral"].selection.rows = np.array([0, 1])
    at.run()
    at.multiselect(key="filter labels").select(-1).run()
    assert not at.exception
    assert "**3 of 4** are shown" in said(at)
    assert "1 selected" in said(at)
    at.text_input(key="filter words").input("is").run()
    assert "**3 of 4** are shown" in said(at)  # "this" of "is", too
    at.selectbox(key="filter column").select("kind").run()
    at.multiselect(key="filter values").select("b").run()
    assert "**1 of 4** are shown" in said(at)
    press(at, "Show all")
    assert "are shown" not in said(at)
    press(at, "Back")
    assert at.session_state["corral"].selection.rows.tolist() == [0, 1]


def test_a_pinned_text_is_shown_whole_and_as_text(workspace: Workspace) -> None:
    data = "text,note\n" + f"<b>{'long ' * 600}end</b>,<i>x</i>\n" + "other,y\nthird,z\n"
    project = workspace.create("mine", make_dataset(read_table(data.encode(), "a.csv"), "text"), {})
    embed(resources.new_workbench(project))
    at = open_page("label", project)
    of_project(at, Reading).pinned = 0
    at.run()
    shown = "".join(element.value for element in at.html)
    assert "Pinned: row 1" in said(at)
    assert "long end&lt;/b&gt;" in shown
    assert "<b>note</b> &lt;i&gt;x&lt;/i&gt;" in shown
    press(at, "More like it")
    assert at.session_state["corral"].search.found.kind == "row"
    press(at, "Unpin")
    assert "Pinned" not in said(at)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["density", "column kind", "column amount"])
def test_colours_by_density_and_by_a_column(workspace: Workspace, by: str) -> None:
    data = "text,kind,amount\n" + "".join(f"text {row},{'ab'[row % 2]},{row}\n" for row in range(40))
    project = workspace.create("more", make_dataset(read_table(data.encode(), "a.csv"), "text"), {})
    embed(resources.new_workbench(project))
    at = open_page("label", project)
    at.selectbox(key="colour by").set_value(by).run()
    assert not at.exception
    assert not at.error
    at.selectbox(key="filter column").select("amount").run()
    at.slider(key="filter range").set_value((10.0, 19.0)).run()
    assert "**10 of 40** are shown" in said(at)


def test_a_filter_by_days(workspace: Workspace) -> None:
    data = "text,at,hour\n" + "".join(
        f"text {row},2024-01-{row + 1:02},2024-01-01T{row:02}:00:00\n" for row in range(20)
    )
    project = workspace.create("days", make_dataset(read_table(data.encode(), "a.csv"), "text"), {})
    embed(resources.new_workbench(project))
    at = open_page("label", project)
    at.selectbox(key="filter column").select("at").run()
    at.slider(key="filter range").set_value((date(2024, 1, 3), date(2024, 1, 5))).run()
    assert "**3 of 20** are shown" in said(at)
    at.selectbox(key="filter column").select("hour").run()
    assert not at.exception
    assert "All of one day, 2024-01-01" in said(at)


def test_texts_are_added_to_a_project(workspace: Workspace, project: Project) -> None:
    project.open_log().assign([1], "refund")
    elsewhere = open_page("label", project)
    at = upload(open_page("texts"), "more.csv", b"text,topic\na new one,x\nanother one,\n")
    at.selectbox(key="label column of more.csv").select("topic").run()
    at.selectbox(key="project for more.csv").select_index(1).run()
    assert not any(button.label == "Make the map" for button in at.button)
    press(at, "Add the texts")
    assert not at.exception
    grown = workspace.open(project.id)
    assert grown.dataset.texts[4:] == ["a new one", "another one"]
    assert grown.open_log().names().tolist() == [None, "refund", None, None, "x", None]
    assert len(workspace.projects()) == 1
    elsewhere.run()
    assert not elsewhere.exception
    assert elsewhere.session_state["corral"].project.n_rows == 6
    assert any("Texts were added" in toast.value for toast in elsewhere.toast)


@pytest.mark.parametrize(("labels", "message"), [({}, "nothing is labelled"), ({0: "a", 1: "a"}, "there is 'a' alone")])
def test_too_few_labels_to_tune_are_explained(project: Project, labels: dict[int, str], message: str) -> None:
    for row, name in labels.items():
        project.open_log().assign([row], name)
    at = open_page("tune", project)
    assert not at.exception
    assert message in said(at)
    assert not any(button.label == "Run the tuner" for button in at.button)


def test_where_all_is_labelled_it_says_that_a_run_suggests_nothing(project: Project) -> None:
    log = project.open_log()
    log.assign(np.arange(0, log.n_rows, 2), "a")
    assert "left without a label" not in said(open_page("tune", project))
    log.assign(np.arange(1, log.n_rows, 2), "b")
    at = open_page("tune", project)
    assert "**0 texts left without a label:**" in said(at)
    assert any(button.label == "Run the tuner" for button in at.button)


@pytest.mark.slow
def test_tuning_makes_a_candidate_that_can_be_given_up(project: Project) -> None:
    project.open_log().assign([0, 3], "a")
    project.open_log().assign([1, 2], "b")
    at = open_page("tune", project)
    next(button for button in at.button if button.label == "Run the tuner").click()
    at.run()
    job = resources.jobs().get("tune", project.id)
    job.join(120)
    assert job.error is None
    at.run()
    assert "Before" in said(at)
    next(button for button in at.button if button.label == "Go back").click()
    at.run()
    assert [space.name for space in project.spaces()] == ["Original"]
    assert project.open_log().n_labelled == 4


@pytest.mark.slow
def test_a_new_space_is_shown_with_its_figures_and_any_space_can_be_gone_back_to(workspace: Workspace) -> None:
    data = "text\n" + "".join(f"{('the card was lost', 'zzz qqq xxx')[row % 2]} {row}\n" for row in range(40))
    project = workspace.create("more", make_dataset(read_table(data.encode(), "a.csv"), "text"), {})
    embed(resources.new_workbench(project))
    for row in range(12):  # a lasso each
        project.open_log().assign([row], ("<b>a</b>", "b")[row % 2])
    at = tuned(project, open_page("tune", project))
    assert not at.exception
    assert [metric.label for metric in at.metric] == ["Held-out texts found", "Neighbours kept"]
    assert "From 12 labels given in 12 steps" in said(at)
    assert "**No clear difference** to Original" in said(at)  # nothing is to be gained here
    assert not any(button.key and button.key.startswith("show-") for button in at.button)  # one kept space alone
    next(button for button in at.button if button.label == "Keep it").click()
    at.run()
    assert project.current.name == "Feed-forward 1"
    at = open_page("tune", project)
    assert "**on the map**" in said(at)
    assert said(at).count("% of 12") == 2
    next(button for button in at.button if button.key == "show-0").click()
    at.run()
    assert project.current.name == "Original"
    assert not at.exception


@pytest.mark.slow
def test_few_lassos_give_no_figure(project: Project) -> None:
    for row in range(4):
        project.open_log().assign([row], "a" if row in (0, 3) else "b")
    at = tuned(project, open_page("tune", project))
    assert not at.exception
    assert "Too few lassos to tell" in said(at)
    assert not at.metric  # no text is left unlabelled
    next(button for button in at.button if button.label == "Keep it").click()
    at.run()
    assert "too few lassos to tell" in said(open_page("tune", project))


def test_one_lasso_a_label_is_too_few_to_tell(project: Project) -> None:
    project.open_log().assign([0, 3], "a")
    project.open_log().assign([1, 2], "b")
    at = tuned(project, open_page("tune", project))
    assert not at.exception
    assert "Too few labels to tell: label the texts of at least two labels in two lassos each" in said(at)
    assert not at.metric
    assert any(button.label == "Keep it" for button in at.button)


@pytest.mark.slow
def test_a_space_that_was_neither_kept_nor_given_up_is_still_in_the_list(project: Project) -> None:
    project.open_log().assign([0, 3], "a")
    project.open_log().assign([1, 2], "b")
    at = tuned(project, open_page("tune", project))
    at = tuned(project, at)
    next(button for button in at.button if button.label == "Keep it").click()
    at.run()
    at = open_page("tune", project)
    assert "Before" not in said(at)
    next(button for button in at.button if button.label == "Keep and show").click()
    at.run()
    assert project.current.name == "Feed-forward 1"


def test_export_offers_what_there_is(project: Project) -> None:
    at = open_page("export", project)
    assert not at.exception
    assert list(at.dataframe[0].value.columns) == ["id", "text", "kind", "label", "labelled_at", "source"]
    assert list(at.dataframe[0].proto.column_order) == ["text", "label", "id", "kind", "labelled_at", "source"]
    assert "shown with the text and its label first" in said(at)
    at.radio[0].set_value("Only the labelled")
    at.run()
    assert "Nothing is labelled yet" in said(at)


def test_export_shows_each_format_as_it_will_be_in_the_file(workspace: Workspace) -> None:
    table = read_table(b'{"text": "=a b", "n": 1, "**n**": true}\n{"text": "c d"}\n', "a.jsonl")
    project = workspace.create("p", make_dataset(table, "text"), {})
    project.open_log().assign([0], "x")
    at = open_page("export", project)
    assert at.radio[1].options == ["CSV for programs", "CSV for Excel", "JSONL", "Parquet", "For another tool"]
    assert at.radio[1].value == "CSV for programs"
    shown = at.dataframe[0].value
    assert list(shown.columns) == ["text", "n", "**n**", "label", "labelled_at", "source"]
    assert shown["text"].tolist() == ["=a b", "c d"]
    assert shown["n"].tolist() == ["1", ""]
    assert shown["labelled_at"][0].endswith("Z")
    assert at.get("download_button")[0].proto.label == "Download 2 rows"
    shown = at.radio[1].set_value("CSV for Excel").run().dataframe[0].value
    assert shown["text"].tolist() == ["'=a b", "c d"]
    shown = at.radio[1].set_value("JSONL").run().dataframe[0].value
    assert shown["**n**"].fillna("null").tolist() == ["true", "null"]
    shown = at.radio[1].set_value("Parquet").run().dataframe[0].value
    assert shown["n"].dropna().tolist() == [1]
    assert not at.exception
    at.radio[0].set_value("Only the labelled").run()
    assert at.get("download_button")[0].proto.label == "Download 1 row"
    assert len(at.dataframe[0].value) == 1


def test_export_offers_a_page_of_results(project: Project) -> None:
    at = open_page("export", project)
    assert [each.proto.label for each in at.get("download_button")][-1] == "Download the page"
    at.number_input[0].set_value(3).run()
    assert not at.exception


def test_export_for_another_tool(workspace: Workspace) -> None:
    project = workspace.create("p", make_dataset(read_table(b'text\nalpha one\n""\nbeta two\n', "a.csv"), "text"), {})
    log = project.open_log()
    log.assign([2], "a b")
    at = open_page("export", project)
    at.radio[1].set_value("For another tool").run()
    assert not at.exception
    tools = at.selectbox[0]
    assert tools.options[0] == "Hugging Face data set"
    assert at.dataframe[0].value["text"].tolist() == ["alpha one", "beta two"], "the row without a text is left out"
    assert at.get("download_button")[0].proto.label == "Download 2 rows"
    shown = tools.set_value("fastText").run().dataframe[0].value
    assert shown["line"].tolist() == ["__label__a-b beta two"]
    assert at.get("download_button")[0].proto.label == "Download 1 row"
    next(box for box in at.checkbox if box.label.startswith("Split into")).check().run()
    assert at.warning, "there is no graph to find near-copies by"
    assert at.get("download_button")[0].proto.label == "Download 1 row without a split"
    log.create("a-b")
    assert "would both be" in " ".join(each.value for each in at.run().error)
