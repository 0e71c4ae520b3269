"""A map of two uploaded columns in the pages: chosen with the texts, and shown beside the other two."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.tasks.embed import embed
from labelling.ui.frame import page, resources
from labelling.ui.map import MAP_NAMES
from labelling.workspace import Workspace
from tests.ui.helpers import open_page, press, said, upload

pytestmark = pytest.mark.slow

ROWS = "".join(f"text number {n},{n},{n * n},{'x' if n else ''}\n" for n in range(6))
CSV = f"text,lon,lat,kind\n{ROWS}".encode()


def choose(at: AppTest, side: str, column: str) -> AppTest:
    return next(box for box in at.selectbox if box.label == side).select(column).run()


def test_two_columns_become_a_third_map(workspace: Workspace) -> None:
    at = upload(open_page("texts"), "places.csv", CSV)
    choose(at, "x", "lon")
    choose(at, "y", "lon")
    assert "two different columns" in said(at)
    assert "Make the map" not in [button.label for button in at.button], "nothing can be made of it"
    choose(at, "y", "lat")
    assert not at.error
    press(at, "Make the map")
    (info,) = workspace.projects()
    project = workspace.open(info.id)
    np.testing.assert_array_equal(project.current.map("own")[:, 1], np.arange(6) ** 2)
    if not project.current.ready:
        embed(resources.new_workbench(project))
    at = open_page("label", project)
    group = next(each for each in at.button_group if "Own map" in each.options)
    group.set_value("own").run()
    assert not at.exception
    view = at.session_state[page.SESSION].map.view
    assert (view.projection, view.n_points) == ("own", 6)
    assert MAP_NAMES[view.projection] == "Own map"
    at.session_state[page.SESSION].labelling.give_texts(np.array([0, 1, 2]), "a")
    at.session_state[page.SESSION].labelling.give_texts(np.array([3, 4, 5]), "b")
    for name in ("tune", "history", "label"):
        at.switch_page(f"pages/{name}.py")
        assert not at.run().exception


def test_without_two_columns_of_numbers_nothing_is_asked(workspace: Workspace) -> None:
    at = upload(open_page("texts"), "a.csv", b"text,n\na b,1\nc d,2\n")
    assert not [each for each in at.expander if each.label == "A map of your own"]
