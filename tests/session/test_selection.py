"""The map that is shown, and what is selected of it."""

import numpy as np
import pytest

from labelling.errors import StepError
from labelling.selection.filters import Filter
from labelling.workspace import Project
from tests.projects import (
    FILLED,
    TEXTS,
    all_of,
    select_rows,
)
from tests.worker import Worker


def test_look(session: Worker, project: Project) -> None:
    view = session.map.view
    assert (view.space, view.projection, view.n_points) == (0, "PCA", 38)
    assert session.map.look(project.current, "PCA") is view, "the same object while nothing changes"
    assert session.map.look(project.current, "UMAP") is None, "not made yet"
    project.current.save_map("UMAP", np.zeros((40, 2)))
    umap = session.map.look(project.current, "UMAP")
    assert umap.id != view.id
    assert session.map.view is umap


def test_empty_texts_are_never_selected(session: Worker) -> None:
    assert session.map.view.n_points == 38
    session.selection.draw(*all_of(session))
    assert session.selection.rows.tolist() == FILLED.tolist()
    big = 1e6
    session.selection.draw(session.map.view.id, "lasso", [[-big, -big], [big, -big], [big, big], [-big, big]])
    assert session.selection.rows.tolist() == FILLED.tolist()


def test_add_subtract_and_none(session: Worker) -> None:
    session.selection.draw(*all_of(session))
    select_rows(session, [0, 1], "subtract")
    assert 0 not in session.selection.rows
    assert 1 in session.selection.rows, "the second lasso added it again"
    session.selection.deselect()
    assert session.selection.rows.tolist() == []
    select_rows(session, [3])
    assert session.selection.rows.tolist() == [3]
    session.selection.draw(session.map.view.id, "lasso", [[0, 0]])
    assert session.selection.rows.tolist() == [3], "a click is no lasso"


def test_a_lasso_on_a_map_that_is_gone(session: Worker, project: Project) -> None:
    session.selection.draw(*all_of(session))
    old = session.map.view.id
    project.current.save_map("UMAP", np.zeros((40, 2)))
    session.map.look(project.current, "UMAP")
    with pytest.raises(StepError, match="map has changed"):
        session.selection.draw(old, "lasso", [[0, 0], [1, 0], [1, 1]])
    session.map.view = None
    with pytest.raises(StepError, match="map has changed"):
        session.selection.draw(old, "box", [[0, 0], [1, 1]])
    assert len(session.selection.rows) == 38, "the selection stays"


@pytest.mark.parametrize(
    ("kind", "points", "how"),
    [
        ("lasso", [[0, 0], [1, 1], [float("nan"), 0]], "new"),
        ("box", [[0, 0]], "new"),
        ("box", [], "new"),
        ("box", [[0, 0], [1, 1]], "xor"),
        ("circle", [[0, 0], [1, 1]], "new"),
    ],
)
def test_what_no_page_should_send(session: Worker, kind: str, points: list, how: str) -> None:
    select_rows(session, [3])
    with pytest.raises(ValueError):  # noqa: PT011 - said by whichever part it reaches
        session.selection.draw(session.map.view.id, kind, points, how)
    assert session.selection.rows.tolist() == [3]


def test_what_is_hidden_is_never_selected(session: Worker) -> None:
    shown = np.arange(40) % 2 == 0
    session.selection.draw(*all_of(session))
    assert session.show_only(shown) == 18
    assert session.selection.rows.tolist() == [row for row in FILLED if row % 2 == 0]
    with pytest.raises(StepError, match="map has changed"):
        session.selection.draw(*all_of(session))  # drawn when all were shown
    _, kind, corners = all_of(session)
    session.selection.draw(session.map.id, kind, corners)
    assert session.selection.rows.tolist() == [row for row in FILLED if row % 2 == 0]
    session.selection.select(np.arange(40), "legend")
    assert (session.selection.rows % 2 == 0).all()
    session.selection.select_unlabelled()
    assert (session.selection.rows % 2 == 0).all()
    session.selection.select(np.array([0, 2]), "search")
    session.selection.invert()
    assert session.selection.rows.tolist() == [row for row in FILLED if row % 2 == 0 and row > 2]
    part = session.map.id
    assert session.show_only(None) == 0
    assert session.map.id == session.map.view.id != part
    assert session.show_only(~shown) == len(session.selection.rows) or len(session.selection.rows) == 0
    assert session.selection.rows.tolist() == []


def test_the_same_rows_shown_make_the_same_map(session: Worker) -> None:
    shown = np.arange(40) > 3
    session.show_only(shown)
    first = session.map.id
    session.show_only(None)
    session.show_only(shown.copy())
    assert session.map.id == first
    shown[3] = True
    session.show_only(shown)
    assert session.map.id != first


def test_intersect_invert_and_back(session: Worker) -> None:
    select_rows(session, [0, 1, 2])
    session.selection.select(np.array([1, 2, 3]), "legend", "intersect")
    assert session.selection.rows.tolist() == [1, 2]
    assert not session.selection.is_drawn
    session.selection.invert()
    assert session.selection.rows.tolist() == [row for row in FILLED if row not in (1, 2)]
    session.selection.deselect()
    for expected in (len(FILLED) - 2, 2, 3):
        session.selection.back()
        assert len(session.selection.rows) == expected
    assert session.selection.is_drawn
    session.labelling.give("a")
    assert session.log.actions[-1].source == "lasso", "as it was chosen"
    for _ in range(9):
        session.selection.back()
    assert session.selection.rows.tolist() == []


def test_back_leaves_out_what_is_hidden_by_now(session: Worker) -> None:
    select_rows(session, [0, 1, 2])
    session.selection.deselect()
    session.show_only(np.arange(40) != 1)
    session.selection.back()
    assert session.selection.rows.tolist() == [0, 2]


def test_select_unlabelled(session: Worker) -> None:
    select_rows(session, [0, 1, 2])
    session.labelling.give("a")
    session.selection.select_unlabelled()
    assert session.selection.rows.tolist() == FILLED[FILLED > 2].tolist()
    assert session.labelling.give("b").n_changed == 35
    assert session.log.sources()[3] == "unlabelled"


def test_select_unlabelled_keeps_to_the_selection(session: Worker) -> None:
    select_rows(session, [0, 1, 2])
    session.labelling.give("a")
    some = FILLED[[0, 1, 3, 4]]
    select_rows(session, some.tolist())
    assert session.selection.is_partly_unlabelled
    session.selection.select_unlabelled()
    assert session.selection.rows.tolist() == [row for row in some.tolist() if row > 2]
    session.selection.select_unlabelled()
    assert session.selection.rows.tolist() == [row for row in some.tolist() if row > 2], "all that is left has none"


def test_filtered(session: Worker) -> None:
    assert session.labels.filtered(Filter()) is None
    words = session.labels.filtered(Filter(words="card"))
    assert np.flatnonzero(words).tolist() == [row for row in range(40) if "card" in TEXTS[row]]
    assert session.labels.filtered(Filter(words="card")) is words
    select_rows(session, [0, 1])
    by_state = session.labels.filtered(Filter(labels=(-1,)))
    assert by_state.all()
    session.labelling.give("a")
    assert session.labels.filtered(Filter(labels=(-1,))).tolist() == [row not in (0, 1) for row in range(40)]
    assert session.labels.filtered(Filter(labels=(0,))).sum() == 2


def test_grow_shrink_and_strays_need_the_graph(session: Worker) -> None:
    assert session.selection.strays() is None
    with pytest.raises(StepError, match="Nothing is selected"):
        session.selection.grow()
    select_rows(session, [20, 21, 22, 23, 24, 30])
    for step in (session.selection.grow, session.selection.shrink, session.selection.drop_strays):
        with pytest.raises(StepError, match="comes with the clear map"):
            step()
    ring = ((np.arange(40)[:, None] + [1, -1, 2, -2]) % 40).astype(np.int32)
    session.project.current.save_graph(ring, ring.astype(np.float32))
    assert session.selection.strays().tolist() == [30]
    session.selection.drop_strays()
    assert session.selection.rows.tolist() == list(range(20, 25))
    session.selection.grow()
    assert session.selection.rows.tolist() == list(range(18, 27))
    session.selection.shrink()
    assert session.selection.rows.tolist() == list(range(19, 26))
    session.labelling.give("a")
    how = session.log.how(session.log.seq)
    assert how["by"] == "lasso"
    assert [step["by"] for step in how["then"]][-3:] == ["strays", "grow", "core"]


def test_what_was_drawn_round_but_is_hidden_is_counted(session: Worker) -> None:
    visible = np.zeros(40, bool)
    visible[FILLED[:10]] = True
    session.show_only(visible)
    _, kind, corners = all_of(session)
    session.selection.draw(session.map.id, kind, corners)
    assert (len(session.selection.rows), session.selection.n_hidden) == (10, 28)
