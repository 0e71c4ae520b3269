"""What the label page shows of a project, without a browser: when texts are added, filters and their chips, counts."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.readers import make_dataset, read_table
from labelling.tasks.embed import embed
from labelling.ui.frame import progress, resources
from labelling.ui.label import controls
from labelling.ui.label.reading import Reading
from labelling.ui.texts import load
from labelling.workspace import Project, Workspace
from tests.ui.helpers import fresh_workspace, open_page, press, said, tuned
from tests.ui.tab import key, of_project

pytestmark = pytest.mark.slow

FIRST = "text,src,n\n" + "".join(
    f"the {'card' if row % 2 else 'refund'} {row} is late,a,{row % 20}\n" for row in range(40)
)
SECOND = "text,src,n,kind\n" + "".join(f"a new parcel {row} came,b,{100 + row},{'xy'[row % 2]}\n" for row in range(20))


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setattr(progress, "umap", lambda *_: None)
    yield from fresh_workspace(tmp_path, monkeypatch)


def make(workspace: Workspace, data: str, label: str | None = None) -> Project:
    project = workspace.create("mine", make_dataset(read_table(data.encode(), "a.csv"), "text", label), {})
    assert embed(resources.new_workbench(project))
    if label is not None:
        project.open_log().import_labels(project.dataset.frame[label].tolist())
    return project


def add(workspace: Workspace, data: str) -> None:
    """As the texts page does, and the label page after it; with a neighbour graph, each row's next ones."""
    (info,) = workspace.projects()
    grown = load.add_texts(info, make_dataset(read_table(data.encode(), "b.csv"), "text"))
    assert embed(resources.new_workbench(grown))
    graph = (np.arange(grown.n_rows)[:, None] + [1, 2, 3]) % grown.n_rows
    grown.space(0).save_graph(graph, graph)


def legend(at: AppTest) -> dict[str, int]:
    """What the legend counts, as the page works it out."""
    from labelling.ui.label import controls

    counts: dict[str, int] = {}

    def keep(shown: controls.Shown) -> controls.Shown:
        counts.update({str(entry["name"]): entry["count"] for entry in shown.colouring.legend})
        return shown

    real = controls.controls
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(controls, "controls", lambda session: keep(real(session)))
        at.run()
    return counts


def chips(at: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in at.button if str(button.key).startswith("chip ")]


# ---------------------------------------------------------------- texts are added


def test_every_step_works_with_the_texts_that_others_added(workspace: Workspace) -> None:
    project = make(workspace, FIRST)
    project.open_log().assign(range(10), "late")
    at, elsewhere = open_page("label", project), open_page("label", project)
    for page in (at, elsewhere):
        press(page, "All unlabelled")
        assert page.session_state["corral"].selection.rows.tolist() == list(range(10, 40))
        assert "corral-keywords" in "".join(element.value for element in page.html)
        page.selectbox(key="filter column").select("n").run()
        page.slider(key="filter range").set_value((5.0, 19.0)).run()
        assert chips(page) == ["n: 5 to 19"]
    add(workspace, SECOND)
    for page in (at, elsewhere):
        page.run()
        assert any("selection, search and filter start afresh" in toast.value for toast in page.toast)
        assert not page.exception
        assert chips(page) == []
        assert "are shown" not in said(page)
        assert "10 of 60 labelled" in page.get("progress")[0].proto.text
        press(page, "All unlabelled")
        assert not page.exception
        assert page.session_state["corral"].selection.rows.tolist() == list(range(10, 60))
    words = "".join(element.value for element in at.html)
    assert 'title="in' in words  # keywords
    at.session_state["corral"].selection.rows = np.arange(40, 60)
    at.run()
    assert ">parcel<" in "".join(element.value for element in at.html)
    press(at, "Grow")
    assert at.session_state["corral"].selection.rows.tolist() == [0, 1, 2, *range(40, 60)]
    for step in ("Shrink", "Invert", "Back", "Back", "Back"):
        press(at, step)
        assert not at.exception
    assert at.session_state["corral"].selection.rows.tolist() == list(range(40, 60))
    at.text_input(key=key(at, "search query")).input("parcel").run()
    assert "**20** with the words" in said(at)
    assert legend(at) == {"found": 20, "others": 40}
    press(at, "Select them")
    assert at.session_state["corral"].selection.rows.tolist() == list(range(40, 60))
    at.text_input(key=key(at, "new label name")).input("new")
    press(at, "Label 20")
    assert not at.exception
    press(at, "Undo")
    assert not at.exception
    assert project.has_grown
    assert at.session_state["corral"].log.n_labelled == 10
    of_project(at, Reading).pinned = 59
    at.run()
    assert "Pinned: row 60" in said(at)
    press(at, "More like it")
    assert not at.exception
    assert at.session_state["corral"].search.found.scores.shape == (60,)


def test_new_columns_and_values_are_offered_as_soon_as_they_are_there(workspace: Workspace) -> None:
    project = make(workspace, FIRST)
    at = open_page("label", project)
    assert "column kind" not in at.selectbox(key=key(at, "colour by")).options
    at.selectbox(key="filter column").select("n").run()
    assert (at.slider(key="filter range").min, at.slider(key="filter range").max) == (0, 19)
    at.slider(key="filter range").set_value((0.0, 18.0)).run()
    add(workspace, SECOND)
    at.run()
    assert {"kind", "src"} <= set(at.selectbox(key=key(at, "colour by")).options)
    at.selectbox(key=key(at, "colour by")).set_value("column kind").run()
    assert not at.exception
    assert legend(at) == {"x": 10, "y": 10, "empty": 40}
    column = next(box for box in at.selectbox if box.label == "Column")
    column.select("n").run()
    slider = at.slider[0]
    assert (slider.min, slider.max) == (0, 119)
    assert slider.value == (0, 119), "the limits from before would hide the new texts"
    assert at.session_state["corral"].map.visible is None
    at.slider[0].set_value((110.0, 119.0)).run()
    assert "**10 of 60** are shown" in said(at)
    next(box for box in at.selectbox if box.label == "Column").select("kind").run()
    assert "are shown" not in said(at)
    next(box for box in at.multiselect if box.label == "Values").select("x").run()
    assert "**10 of 60** are shown" in said(at)
    assert chips(at) == ["kind: x"]


def test_a_second_tab_with_a_search_on_show_while_texts_are_added(workspace: Workspace) -> None:
    project = make(workspace, FIRST)
    at = open_page("label", project)
    at.text_input(key=key(at, "search query")).input("refund").run()
    press(at, "Select them")
    assert "20 selected" in said(at)
    add(workspace, SECOND)
    press(at, "Invert")  # on the page as it was
    assert not at.exception
    assert at.text_input(key=key(at, "search query")).value == "", "no search is in force"
    assert "with the words" not in said(at)
    assert at.selectbox(key=key(at, "colour by")).value == "label"


# ---------------------------------------------------------------- filters


def test_what_hides_texts_is_said_in_chips_that_take_it_off(workspace: Workspace) -> None:
    data = "text,channel,amount,day\n" + "".join(
        f"the {'card' if row % 2 else 'refund'} {row},"
        f"{('mail', 'chat', '<b>*x*</b>')[row % 3]},{row},2024-01-{1 + row:02}\n"
        for row in range(30)
    )
    project = make(workspace, data)
    project.open_log().assign(range(12), "refund")
    at = open_page("label", project)
    assert chips(at) == []
    assert not any(button.label == "Show all" for button in at.button)
    at.multiselect(key="filter labels").select(0).run()
    at.text_input(key="filter words").input(" card ").run()
    at.selectbox(key="filter column").select("channel").run()
    at.multiselect(key="filter values").select("mail").select("<b>*x*</b>").run()
    assert chips(at) == ["label: refund", "words: card", "channel: mail, <b>*x*</b>"]
    assert all("<" not in button.label.replace("\\<", "") for button in at.button)  # as text
    assert "**4 of 30** are shown" in said(at)
    assert legend(at) == {"refund": 4, "unlabelled": 0}
    next(button for button in at.button if button.key == "chip 2").click()
    at.run()
    assert chips(at) == ["label: refund", "words: card"]
    assert "**6 of 30** are shown" in said(at)
    next(button for button in at.button if button.key == "chip 0").click()
    at.run()
    assert chips(at) == ["words: card"]
    assert legend(at) == {"refund": 6, "unlabelled": 9}
    next(box for box in at.selectbox if box.label == "Column").select("amount").run()
    at.slider[0].set_value((3.0, 20.0)).run()
    assert chips(at) == ["words: card", "amount: 3 to 20"]
    next(box for box in at.selectbox if box.label == "Column").select("day").run()
    assert chips(at) == ["words: card"]
    at.slider[0].set_value((date(2024, 1, 2), date(2024, 1, 5))).run()
    assert chips(at) == ["words: card", "day: 2024-01-02 to 2024-01-05"]
    assert "**2 of 30** are shown" in said(at)
    press(at, "Show all")
    assert chips(at) == []
    assert "are shown" not in said(at)
    assert legend(at) == {"refund": 12, "unlabelled": 18}
    at.run()
    assert at.session_state["corral"].map.visible is None
    assert not at.exception


def test_two_columns_with_one_range_do_not_share_a_condition(workspace: Workspace) -> None:
    data = "text,a,b\n" + "".join(f"text {row},{row},{(row * 7) % 30}\n" for row in range(30))
    at = open_page("label", make(workspace, data))
    at.selectbox(key="filter column").select("a").run()
    at.slider(key="filter range").set_value((0.0, 3.0)).run()
    assert chips(at) == ["a: 0 to 3"]
    at.selectbox(key="filter column").select("b").run()
    assert chips(at) == []
    assert at.slider[0].value == (0, 29)
    assert next(box for box in at.selectbox if box.label == "Column").value == "b"


def test_groups_that_the_legend_hides_are_a_chip_too(workspace: Workspace) -> None:
    project = make(workspace, FIRST)
    project.open_log().assign(range(10), "a")
    project.open_log().assign(range(10, 15), "b")
    at = open_page("label", project)
    of_project(at, controls.Looks).hidden = {("label", None): {0, 1}}
    at.run()
    assert chips(at) == ["hidden: 2 groups"]
    assert "**25 of 40** are shown" in said(at)
    press(at, "hidden: 2 groups")
    assert chips(at) == []
    assert at.session_state["corral"].map.visible is None


def test_a_label_that_is_gone_leaves_the_filter_and_it_is_said(workspace: Workspace) -> None:
    project = make(workspace, FIRST)
    log = project.open_log()
    log.assign(range(10), "a")
    log.assign(range(10, 15), "b")
    at = open_page("label", project)
    at.multiselect(key="filter labels").select(0).run()
    at.multiselect(key="filter labels").select(1).run()
    assert chips(at) == ["label: a, b"]
    log.rename(1, "c")
    at.run()
    assert chips(at) == ["label: a, c"]
    log.delete(0)
    at.run()
    assert chips(at) == ["label: c"]
    assert "**5 of 40** are shown" in said(at)
    assert any("No text has the label a any more" in toast.value for toast in at.toast)
    log.delete(1)
    at.run()
    assert chips(at) == []
    assert at.session_state["corral"].map.visible is None
    assert not at.exception


def test_words_that_cannot_be_looked_for_leave_the_other_conditions_in_force(workspace: Workspace) -> None:
    at = open_page("label", make(workspace, FIRST))
    at.text_input(key="filter words").input('" "').run()
    assert "type a word" in at.error[0].value
    at.selectbox(key="filter column").select("n").run()
    at.slider(key="filter range").set_value((0.0, 3.0)).run()
    assert chips(at) == ["n: 0 to 3"]
    assert "**8 of 40** are shown" in said(at)


def test_numbers_that_no_slider_can_hold_are_chosen_one_by_one(workspace: Workspace) -> None:
    data = "text,id\n" + "".join(f"text {row},{10**17 + row % 9}\n" for row in range(30))
    at = open_page("label", make(workspace, data))
    at.selectbox(key="filter column").select("id").run()
    assert not at.exception
    assert len(at.multiselect(key="filter values").options) == 9


def test_what_was_filtered_is_still_so_after_a_look_at_another_page(workspace: Workspace) -> None:
    project = make(workspace, FIRST)
    at = open_page("label", project)
    at.text_input(key="filter words").input("card").run()
    at.switch_page("pages/labels.py").run()
    at.switch_page("pages/label.py").run()
    assert chips(at) == ["words: card"]
    assert at.text_input(key="filter words").value == "card"
    other = workspace.create("other", make_dataset(read_table(FIRST.encode(), "b.csv"), "text"), {})
    embed(resources.new_workbench(other))
    at.query_params["project"] = other.id
    at.run()
    assert chips(at) == []
    assert "are shown" not in said(at)


def test_the_kind_of_search_is_still_so_after_a_look_at_another_page(workspace: Workspace) -> None:
    at = open_page("label", make(workspace, FIRST))
    at.selectbox(key="search kind").set_value("regex").run()
    at.switch_page("pages/labels.py").run()
    at.switch_page("pages/label.py").run()
    assert at.selectbox(key="search kind").value == "regex"


# ---------------------------------------------------------------- rows without a text


def test_rows_without_a_text_are_no_labels_that_are_missing(workspace: Workspace) -> None:
    data = "text,l\n" + "the card was lost,\n" * 5 + ",\n" * 3 + ",x\n"
    project = make(workspace, data, "l")
    at = open_page("label", project)

    def progress() -> str:
        return str(at.get("progress")[0].proto.text)

    assert progress() == "0 of 5 labelled (0%) · 4 rows have no text"
    assert legend(at) == {"unlabelled": 5}
    press(at, "All unlabelled")
    at.text_input(key=key(at, "new label name")).input("card")
    press(at, "Label 5")
    assert progress() == "5 of 5 labelled (100%) · 4 rows have no text · how right: not checked yet"
    assert legend(at) == {"card": 5, "unlabelled": 0}
    at.multiselect(key="filter labels").select(-1).run()
    assert "**0 of 5** are shown" in said(at)
    for name in ("labels", "history", "export", "tune"):
        at = open_page(name, project)
        assert not at.exception
        assert progress() == "5 of 5 labelled (100%) · 4 rows have no text · how right: not checked yet"
        if name == "tune":
            assert "there is 'card' alone" in said(at).replace("\\", "")
        if name == "export":
            assert list(at.radio[0].proto.captions) == [
                "9 rows · 4 rows have no text",
                "6 rows · 1 row has no text",
            ]
    assert "9 rows" in said(open_page("texts"))


# ---------------------------------------------------------------- what a space is worth


def test_figures_from_one_lasso_a_label_are_said_to_flatter(workspace: Workspace) -> None:
    data = "text\n" + "".join(f"{('the card was lost', 'zzz qqq xxx')[row % 2]} {row}\n" for row in range(60))
    project = make(workspace, data)
    for code in range(2):
        project.open_log().assign(range(code, 24, 2), "ab"[code])
    at = tuned(project, open_page("tune", project))
    assert not at.exception
    assert "Too few lassos to tell whether it is better" in said(at)
    assert "From 24 labels; each text was held out" in said(at)
    assert "that flatters, as others of their lasso were learnt from" in said(at)
    assert "lassos;" not in said(at)
    assert [metric.label for metric in at.metric] == ["Neighbours kept"]
    press(at, "Keep it")
    assert "too few lassos to tell" in said(open_page("tune", project))


def test_figures_of_imported_labels_are_not_said_to_be_of_lassos_alone(workspace: Workspace) -> None:
    data = "text,l\n" + "".join(
        f"{('the card was lost', 'zzz qqq xxx')[row % 2]} {row},{'ab'[row % 2]}\n" for row in range(30)
    )
    project = make(workspace, data, "l")
    at = tuned(project, open_page("tune", project))
    assert not at.exception
    assert (
        "From 30 labels given in 30 steps (lassos, proposals, single texts), where each imported text counts as one"
        in said(at)
    )
    assert "flatter" not in said(at)


def test_an_uploaded_column_does_not_stand_in_for_what_colours_the_map(workspace: Workspace) -> None:
    names = ("label", "density", "search", "suggestion", "how sure", "column label", "kind")
    rows = [",".join(["text", *names])] + [",".join([f"a text {n}", *"xy"[n % 2] * len(names)]) for n in range(20)]
    project = workspace.create("clash", make_dataset(read_table("\n".join(rows).encode(), "a.csv"), "text"), {})
    assert embed(resources.new_workbench(project))
    project.open_log().assign([0, 1, 2], "mine")
    at = open_page("label", project)
    box = next(each for each in at.selectbox if each.label == "Colour by")
    assert len(set(box.options)) == len(box.options) == 2 + len(names)
    assert "kind" in box.options
    held = at.session_state["corral"]
    assert box.value == controls.LABEL
    for name in names:
        box = next(each for each in at.selectbox if each.label == "Colour by")
        box.set_value(f"{controls.COLUMN}{name}").run()
        assert at.session_state[key(at, "colour by")] == f"{controls.COLUMN}{name}"
        assert {entry["name"] for entry in of_project(at, controls.Looks).made[2].legend} == {"x", "y"}
    assert held.log.names()[:3].tolist() == ["mine"] * 3
