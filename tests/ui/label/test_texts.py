"""The texts beside the map: those that come next after a label, and no check for an hour."""

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.ui.frame.page import SESSION
from labelling.ui.label import checking
from labelling.ui.label.reading import Reading
from labelling.workspace import Project, Workspace
from tests.ui.helpers import click, log_of, make, open_page, said, select
from tests.ui.tab import of_project


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return make(workspace)


def shown(at: AppTest) -> list[int]:
    """The rows of the list."""
    return [
        int(row) for element in at.get("html") for row in re.findall(r'data-corral-row="(\d+)"', element.proto.body)
    ]


def label(at: AppTest, name: str) -> AppTest:
    at.text_input(key="new label name").input(name)
    return click(at, "Label ")


def test_after_a_label_the_next_that_the_search_found_come_up(project: Project) -> None:
    at = open_page("label", project)
    at.text_input(key="search query").input("number 2").run()
    found = shown(at)
    left = [row for row in found if row not in (20, 21)]
    assert len(found) == len(left) + 2 > 8
    select(at, [20, 21])
    assert sorted(shown(at)) == [20, 21]
    at = label(at, "twenties")
    assert "Next found, page 1 of 1" in said(at)
    assert shown(at) == left
    at = at.button(key="select next").click().run()
    assert at.session_state[SESSION].selection.rows.tolist() == left
    at = label(at, "twenties")
    assert log_of(project).counts().tolist() == [len(found)]
    assert "Drawn at random, page 1 of 1" in said(at), "nothing is left of the search"


def test_without_a_search_those_whose_nearest_texts_were_labelled(project: Project) -> None:
    n = project.n_rows
    graph = (np.arange(n)[:, None] + np.arange(1, 4)) % n  # each row's nearest are the three after it
    project.current.save_map("UMAP", np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32))
    project.current.save_graph(graph.astype(np.int32), np.ones(graph.shape, np.float32))
    at = open_page("label", project)
    select(at, [10, 11, 12, 13])
    at = label(at, "a")
    assert shown(at) == [14, 15, 16], "near to three, two, one of them"
    assert "Next like these" in said(at)
    at = at.button(key="read labelled").click().run()
    assert sorted(shown(at)) == [10, 11, 12, 13]
    at = at.button(key="undo").click().run()
    assert log_of(project).counts().sum() == 0
    assert "Drawn at random" in said(at)


def test_a_check_can_be_put_off_for_an_hour(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(checking.time, "monotonic", lambda: now[0])
    at = open_page("label", project)
    select(at, list(range(20)))
    at = label(at, "a")
    assert at.button(key="check").proto.type == "primary"
    at = at.button(key="no check").click().run()
    assert at.button(key="check").proto.type != "primary"
    assert not at.button(key="check").disabled, "it can be checked all the same"
    assert not [button for button in at.button if button.key == "no check"]
    now[0] += checking.QUIET_SECONDS
    assert at.run().button(key="check").proto.type == "primary"


def test_what_is_pinned_stays_as_long_as_it_is_in_the_selection(project: Project) -> None:
    at = open_page("label", project)
    select(at, [1, 2, 3])
    of_project(at, Reading).pin(2, at.session_state[SESSION])
    assert "Pinned: row 3" in said(at.run())
    assert "Pinned: row 3" in said(label(at, "a")), "it is still selected"
    select(at, [2, 8])
    assert "Pinned: row 3" in said(at)
    select(at, [8, 9])
    assert "Pinned" not in said(at)
    of_project(at, Reading).pin(20, at.session_state[SESSION])  # on the map, beside the selection
    assert "Pinned: row 21" in said(at.run())
    at = at.button(key="unpin").click().run()
    assert "Pinned" not in said(at)


def test_what_a_search_matched_is_marked(project: Project) -> None:
    at = open_page("label", project)
    at.selectbox(key="search kind").set_value("regex").run()
    at.text_input(key="search query").input(r"number 2\d?$").run()
    texts = [element.proto.body for element in at.get("html") if "data-corral-searched" in element.proto.body]
    found = re.findall("<mark>(.*?)</mark>", "".join(texts))
    assert found
    assert all(re.fullmatch(r"number 2\d?", match) for match in found)
    at.text_input(key="search query").input("").run()
    assert not [element for element in at.get("html") if "data-corral-searched" in element.proto.body]
