"""What a tuner suggests, on the label page: looked at, selected, accepted."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labelling.readers import make_dataset, read_table
from labelling.tasks.embed import embed
from labelling.tasks.tune import tune
from labelling.ui.frame import page, progress, resources
from labelling.ui.label import map_and_panel
from labelling.ui.map.colours import Colouring
from labelling.ui.tune import tuning
from labelling.workspace import Project, Workspace
from tests.ui.helpers import log_of, open_page, said

pytestmark = pytest.mark.slow

DATA = "text\n" + "".join(f"{('the card was lost', 'zzz qqq xxx')[row % 2]} {row}\n" for row in range(60))


def make(workspace: Workspace) -> Project:
    project = workspace.create("mine", make_dataset(read_table(DATA.encode(), "a.csv"), "text"), {})
    assert embed(resources.new_workbench(project))
    return project


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """A project with a kept tuner of two labels, twelve texts each."""
    made = make(workspace)
    log = log_of(made)
    log.assign(range(0, 24, 2), "card")
    log.assign(range(1, 24, 2), "other")
    space = tune(made, log, "FeedForwardTuner", {"steps": 50, "random_state": 0})
    made.keep_space(space.id)
    return made


def names(at: AppTest) -> list[str]:
    return [button.key for button in at.button if str(button.key).startswith("suggested ")]


def test_the_tune_page_compares_the_map_that_one_labels_on_and_says_what_is_suggested(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(
        tuning, "draw", lambda session, space, projection, key: drawn.append(f"{space.id} {projection}")
    )
    monkeypatch.setattr(progress, "umap", lambda session, space: None)
    project = make(workspace)
    log = log_of(project)
    log.assign(range(0, 24, 2), "card")
    log.assign(range(1, 24, 2), "other")
    old = project.spaces()[0]
    at = open_page("tune", project)
    assert "Suggestions for the texts without a label come with it" in said(at)
    new = tune(project, log, "FeedForwardTuner", {"steps": 50, "random_state": 0})
    at.run()
    assert drawn[-2:] == ["0 PCA", "1 PCA"], "there is no UMAP yet"
    n = np.count_nonzero((new.suggestions.sure(0.9) >= 0) & ~log.known)
    assert ("Of no text without a label is it" if n == 0 else f"a label for {n} text") in said(at)
    assert n == at.session_state[page.SESSION].suggested.n(0.9, new)

    old.save_map("UMAP", old.map("PCA"))
    at = open_page("tune", project)
    assert drawn[-2:] == ["0 PCA", "1 PCA"]
    assert "is still to be made: Quick map meanwhile" in said(at)
    new.save_map("UMAP", new.map("PCA"))
    at.run()
    assert drawn[-2:] == ["0 UMAP", "1 UMAP"], "as soon as both are there"

    at = open_page("export", project)
    at.session_state[page.SESSION].map.look(old, "PCA")
    at.switch_page("pages/tune.py").run()
    assert drawn[-2:] == ["0 PCA", "1 PCA"], "as one labels in this tab"


def test_now_is_the_map_that_one_labels_on(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(tuning, "draw", lambda session, space, projection, key: drawn.append(projection))
    project = make(workspace)
    at = open_page("tune", project)
    assert (drawn[-1], "**Now:** Original, quick map" in said(at)) == ("PCA", True)
    project.current.save_map("UMAP", project.current.map("PCA"))
    at = open_page("tune", project)
    assert (drawn[-1], "**Now:** Original, clear map" in said(at)) == ("UMAP", True)


def hollow(colouring: Colouring) -> list[bool]:
    return ["hollow" in colouring.palette[code] for code in colouring.codes]


def test_a_press_selects_enter_accepts_and_the_map_shows_them_hollow(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Colouring] = []
    monkeypatch.setattr(map_and_panel, "show_map", lambda key, map_id, colouring, **_: drawn.append(colouring))
    at = open_page("label", project)
    at.slider(key="suggestions at least").set_value(0.3).run()
    assert not at.exception
    session = at.session_state[page.SESSION]
    offers = {offer.name: offer.rows for offer in session.suggested.offers(0.3)}
    assert set(names(at)) == {f"suggested {name}" for name in offers} == {"suggested card", "suggested other"}
    assert all(row % 2 == 0 and row >= 24 for row in offers["card"])
    assert f"**{session.suggested.n(0.3)} suggestions**, at least 30% sure" in said(at)
    button = at.button(key="suggested card")
    assert button.label.startswith(f"card  ({len(offers['card'])})")
    assert "not known yet" in button.label

    assert not any(hollow(drawn[-1]))
    at.toggle(key="suggestions on the map").set_value(True).run()
    assert np.flatnonzero(hollow(drawn[-1])).tolist() == sorted(np.concatenate(list(offers.values())))

    assert "accept suggestion" not in [each.key for each in at.button]
    at.button(key="suggested card").click().run()
    np.testing.assert_array_equal(session.selection.rows, offers["card"])
    accept = at.button(key="accept suggestion")
    assert accept.label == f"Accept {len(offers['card'])} as card"
    accept.click().run()
    assert not at.error
    log = log_of(project)
    assert (log.actions[-1].source, log.last_name(log.actions[-1].label_id)) == ("suggestion", "card")
    np.testing.assert_array_equal(log.rows_of(log.seq), offers["card"])
    assert "suggested card" not in names(at)


def test_what_was_labelled_since_tells_how_right_they_are(project: Project) -> None:
    at = open_page("label", project)
    at.slider(key="suggestions at least").set_value(0.3).run()
    session = at.session_state[page.SESSION]
    rows = next(offer.rows for offer in session.suggested.offers(0.3) if offer.name == "card")
    assert len(rows) > 12
    log_of(project).assign(rows[:9], "card")
    log_of(project).assign(rows[9:12], "other")
    at.run()
    assert "about 75 % right (46 to 92)" in at.button(key="suggested card").label


def test_nothing_is_suggested_before_a_tuner_was_kept(workspace: Workspace) -> None:
    at = open_page("label", make(workspace))
    assert not [toggle for toggle in at.toggle if toggle.key == "suggestions on the map"]
