"""How far it is to the aim, what is left by kind, and the comparison with what is known."""

import numpy as np
import pytest

from labelling.labels.error_rate import Estimate
from labelling.selection.regions import Region
from labelling.ui.frame.page import SESSION
from labelling.ui.label import aim
from labelling.ui.texts import load
from labelling.workspace import Workspace
from tests.ui.helpers import log_of, make, open_page, said
from tests.ui.tab import key


@pytest.mark.parametrize(
    ("n", "n_left", "said_of_it"),
    [
        (800, 675, "**595 more** to label, to have 90 % of 800"),
        (800, 80, "Labelled: **90 %**, the aim is reached; 80 left"),
        (10, 0, "Labelled: **100 %**, the aim is reached"),
    ],
)
def test_how_much_more_there_is_to_label(n: int, n_left: int, said_of_it: str) -> None:
    assert aim.labelled_so_far(n, n_left, 90) == said_of_it


def rightness(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 50, 500, n_wrong=50 * (low + high) / 2)


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (None, "press V** to check some; 40 that are all right show 90 %"),
        (rightness(0.01, 0.08), "92 to 99 %**, the aim is reached"),
        (rightness(0.03, 0.2), "Read about **190 more** at random (V) to know whether it is 90 %"),
        (rightness(0.2, 0.4), "60 to 80 %**, which is less"),
    ],
)
def test_right_enough_is_said_only_where_the_whole_interval_is(found: Estimate | None, part: str) -> None:
    assert part in aim.right_so_far(found, 90, 500)


def test_what_is_left_is_told_by_the_largest_regions() -> None:
    regions = [
        Region("dog, cat", 0, 0, 0, np.arange(5)),
        Region("road", 0, 0, 0, np.arange(5, 20)),
        Region("part of road", 0, 0, 1, np.arange(5, 9)),
        Region("done", 0, 0, 0, np.arange(20, 30)),
    ]
    left = np.zeros(30, bool)
    left[[1, 6, 7, 8]] = True
    assert [(region.name, rows.tolist()) for region, rows in aim.kinds_left(regions, left)] == [
        ("road", [6, 7, 8]),
        ("dog, cat", [1]),
    ]


def test_the_aim_stands_on_the_label_page_and_another_can_be_chosen(workspace: Workspace) -> None:
    project = make(workspace)
    log_of(project).assign(range(10), "a")
    at = open_page("label", project)
    assert "**17 more** to label, to have 90 % of 30" in said(at)
    at.button_group(key=key(at, "aim share")).set_value(98).run()
    assert "**20 more** to label, to have 98 % of 30" in said(at)


def test_what_is_left_of_a_kind_is_selected(workspace: Workspace) -> None:
    project = make(workspace)
    log_of(project).assign(range(10), "a")
    at = open_page("label", project)
    session = at.session_state[SESSION]
    region = Region("number, text", 0, 0, 0, np.arange(5, 15))
    session.map._regions = (session.map.view.id, [region])
    at.run()
    at.button(key="left 0").click().run()
    assert not at.exception
    assert session.selection.rows.tolist() == list(range(10, 15))


def test_labels_are_compared_with_a_column_or_the_true_topics_of_a_demo() -> None:
    at = open_page("label", load.open_demo("easy"))
    project, topics = at.session_state[SESSION].project, load.DEMOS["easy"].truth()[1]
    assert load.topics_of(project.dataset) == topics
    rows = np.flatnonzero(np.array(topics) == topics[0])
    log = project.open_log()
    log.assign(rows[:20], "mine")
    log.assign(np.flatnonzero(np.array(topics) != topics[0])[:5], "mine")
    at = open_page("labels", project)
    at.selectbox(key=key(at, "compare with")).select("the true topics").run()
    assert not at.exception
    assert "**80.0% agree**: 20 of the 25 that could be compared (3% of all texts), labelled in 2 steps." in said(at)


def test_other_texts_are_no_demo(workspace: Workspace) -> None:
    dataset = make(workspace).dataset
    assert load.topics_of(dataset) is None
    assert "texts" not in vars(dataset), "no strings are made of texts that can't be a demo's"
