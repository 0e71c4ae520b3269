"""Searches."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from labelling import files
from labelling.errors import StepError
from labelling.selection.search import SearchError
from labelling.workspace import Project, Workspace
from tests.projects import (
    EMPTY,
    FILLED,
    GRAPH,
    TEXTS,
    FakeTuner,
    new_session,
    select_rows,
)
from tests.worker import Worker


def test_search(session: Worker) -> None:
    session.search.look_for("words", "card")
    rows = [row for row in range(40) if "card" in TEXTS[row]]
    assert session.search.found.best(session.map.seen).tolist() == rows
    assert session.search.found.best(np.arange(40) > rows[0]).tolist() == rows[1:]
    session.search.look_for("regex", "^$|^ +$")
    assert session.search.found.best(session.map.seen).tolist() == [], "they have no place on the map"
    with pytest.raises(SearchError, match="no regular expression"):
        session.search.look_for("regex", "(")
    assert session.search.found.kind == "regex", "what was found before stays"
    session.search.look_for("meaning", TEXTS[0])
    found = session.search.found.best(session.map.seen, 3)
    assert found[0] == 0
    assert len(found) == 3
    assert session.search.found.scores[0] == pytest.approx(1, abs=1e-5)
    everything = session.search.found.best(session.map.seen)
    assert sorted(everything) == FILLED.tolist()
    assert (np.diff(session.search.found.scores[everything]) <= 0).all()
    assert everything[:3].tolist() == found.tolist()
    session.search.more_like(3)
    assert session.search.found.best(session.map.seen, 1)[0] in np.flatnonzero([text == TEXTS[3] for text in TEXTS])
    with pytest.raises(SearchError, match="no text"):
        session.search.more_like(int(EMPTY[0]))
    for kind in ("meaning", "words"):
        with pytest.raises(SearchError, match="nothing to look for"):
            session.search.look_for(kind, "  ")


def test_search_by_meaning_before_all_is_embedded(workspace: Workspace, project: Project) -> None:
    with pytest.raises(SearchError, match="still being embedded"):
        new_session(workspace, project).search.look_for("meaning", "card")


def test_reading_ahead(workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_session(workspace, project)
    session.search.read_ahead()  # there is nothing yet
    assert session.embed()
    looked: list[str] = []

    @cache
    def look(path: Path, *state: int) -> bool:
        looked.append(path.name)
        return bool(files._is_as_written(path, *state))

    monkeypatch.setattr(files, "_is_checked", lambda path: look(path, *files._state(path)))
    session.search.read_ahead()
    assert looked == ["embeddings.npy"]
    session.search.look_for("meaning", TEXTS[0])
    assert looked == ["embeddings.npy"], "the search finds it checked"


def test_what_moved_most(session: Worker) -> None:
    with pytest.raises(StepError, match="Nothing has moved yet"):
        session.search.moved_most()
    select_rows(session, [0, 3])
    session.labelling.give("card")
    select_rows(session, [1, 4])
    session.labelling.give("refund")
    space = session.tune(FakeTuner(), "tuned")
    session.project.keep_space(space.id)
    session.project.show_space(space.id)
    session.project.spaces()[0].save_graph(GRAPH, GRAPH.astype(np.float32))
    with pytest.raises(StepError, match="Nothing has moved yet"):
        session.search.moved_most()
    moved = GRAPH.copy()
    moved[7] = [20, 21, 22]
    space.save_graph(moved, moved.astype(np.float32))
    session.search.moved_most()
    assert session.search.found.best(session.map.seen, 1).tolist() == [7]
    assert session.search.found.scores[7] == 1
