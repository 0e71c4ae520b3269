"""How many pages of texts there are to leaf through, as the panel says it."""

import numpy as np
import pandas as pd
import pytest

from labelling.dataset import Dataset
from labelling.tasks.embed import embed
from labelling.ui.frame import resources
from labelling.workspace import Project, Workspace
from tests.ui.helpers import open_page, press, said

pytestmark = pytest.mark.slow


@pytest.fixture
def many(workspace: Workspace) -> Project:
    texts = pd.Series([f"{'one of a few' if row < 33 else 'text'} {row}" for row in range(2_000)], dtype="str")
    project = workspace.create("many", Dataset(pd.DataFrame({"text": texts}), "text"), {})
    assert embed(resources.new_workbench(project))
    return project


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1, "Drawn at random, page 1 of 1"),
        (20, "Drawn at random, page 1 of 1"),
        (21, "Drawn at random, page 1 of 2"),
        (33, "Drawn at random, page 1 of 2"),
        (800, "Drawn at random, page 1 of 40"),
        (1_999, "800 drawn at random, page 1 of 40"),
    ],
)
def test_of_a_selection(many: Project, n: int, words: str) -> None:
    at = open_page("label", many)
    at.session_state["corral"].selection.rows = np.arange(n)
    at.run()
    assert not at.exception
    assert words in said(at).split("\n")


def test_of_a_search_and_of_what_is_selected_of_it(many: Project) -> None:
    at = open_page("label", many)
    at.text_input(key="search query").input("one of a few").run()
    assert "Found, page 1 of 2" in said(at)
    at.button(key="sample chevron_right").click().run()
    assert "Found, page 2 of 2" in said(at)
    assert at.button(key="sample chevron_right").disabled
    press(at, "Select them")
    assert "Drawn at random, page 2 of 2" in said(at)
    at.text_input(key="search query").input("text").run()
    assert "M selects what was found, for one label" in said(at)
    assert "Found, page 1 of 40" in said(at)  # and no longer what is selected
    assert any("B selects the 33 again" in toast.value for toast in at.toast)
    press(at, "Back")
    assert "Drawn at random, page 1 of 2" in said(at)
