"""The choice after a tuner's run, and what stands below the maps."""

import numpy as np
import pytest

from labelling.learning.evaluation import Evaluation, Figures
from labelling.ui.frame import resources
from labelling.ui.tune import tuning
from labelling.workspace import Project, Workspace
from tests.ui.helpers import CODES, make, open_page, press, said, with_groups


@pytest.fixture
def grouped(workspace: Workspace) -> Project:
    project = with_groups(make(workspace))
    for code in (0, 1):
        project.open_log().assign(np.flatnonzero(code == CODES)[:6], "ab"[code])
    return project


def candidate(project: Project, gain: float | None) -> None:
    """A tuned space that finds so much more of what was held out, plus or minus 0.05; None: that is not known yet."""
    settings = {}
    if gain is not None:
        figures = {"0": Figures(0.55, {"a": 0.5, "b": 0.6}), "1": Figures(0.55 + gain, {"a": 0.5, "b": 0.6})}
        found = Evaluation(figures, 12, 6, {"a": 6, "b": 6}, {"0": 0.0, "1": gain}, {"0": 0.0, "1": 0.05}, ())
        settings["evaluation"] = found.to_dict()
    original = project.spaces()[0]
    space = project.add_space("Bent", "FeedForwardTuner", settings, original.id)
    for projection in ("PCA", "UMAP"):
        space.save_map(projection, np.array(original.map(projection)))
    assert original.graph
    space.save_graph(*original.graph)
    space.save_embeddings(np.array(original.embeddings))


@pytest.mark.parametrize(
    ("gain", "says", "first", "advised"),
    [
        (
            0.10,
            "**Better** than Original: 65 % of the held-out texts are found, 55 % were before",
            "Keep it",
            "Keep it",
        ),
        (0.01, "**No clear difference** to Original: 56 % of the held-out texts are found", "Keep it", None),
        (-0.10, "**Worse** than Original: 45 % of the held-out texts are found, 55 % were", "Go back", "Go back"),
    ],
)
def test_the_figure_stands_before_the_choice_and_the_advice_follows_it(
    grouped: Project, gain: float, says: str, first: str, advised: str | None
) -> None:
    candidate(grouped, gain)
    at = open_page("tune", grouped)
    assert not at.exception
    (told,) = [*at.success, *at.info, *at.warning]
    assert says in told.value
    assert f"95 % interval {100 * gain - 5:+.0f} to {100 * gain + 5:+.0f})" in told.value
    offered = [button for button in at.button if button.label in ("Keep it", "Go back")]
    assert next(button.label for button in offered) == first
    primary = [button.label for button in offered if button.proto.type == "primary"]
    assert primary == ([advised] if advised else [])
    in_order = list(at.main)
    assert in_order.index(told) < in_order.index(offered[0])


def test_while_it_is_measured_it_can_be_given_up_and_not_kept(
    grouped: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    from labelling.ui.tune import evaluation

    go = Event()
    monkeypatch.setattr(evaluation, "evaluate", lambda *_: go.wait(60) and None)
    candidate(grouped, None)
    at = open_page("tune", grouped)
    assert {
        button.label: button.disabled for button in at.button if button.label in ("Keep it", "Go back", "Stop")
    } == {
        "Stop": False,
        "Keep it": True,
        "Go back": False,
    }
    press(at, "Stop")
    go.set()
    resources.jobs().get("evaluate", grouped.id, 1).join(60)
    at.run()
    assert "Stopped: there are no figures for this space" in said(at)
    press(at, "Keep it")
    assert grouped.current.name == "Bent"


def test_all_labels_can_be_read_below_the_map(grouped: Project) -> None:
    log = grouped.open_log()
    for row in range(30):
        log.assign([row], f"<i>label {row}", overwrite=True)
    at = open_page("tune", grouped)
    (legend,) = [element.value for element in at.html if element.value.startswith("<div class=")]
    assert f"<summary>and {30 - tuning.LEGEND} more</summary>" in legend
    assert [f"&lt;i&gt;label {row}<" in legend for row in range(30)] == [True] * 30
    assert legend.index("unlabelled") < legend.index("<details>")
