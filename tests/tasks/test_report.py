"""A page of results: its figures, and that nothing of a text or a name gets out of its place."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from labelling.dataset import Dataset
from labelling.learning.evaluation import Evaluation, Figures
from labelling.tasks.report import MAX_POINTS, report
from labelling.workspace import Project, Workspace
from tests.projects import make_dataset

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> ${title} $policy \" ' &amp; <!-- \u2028"
NAME = "<b>&\"'</script> = 1"


class Page(HTMLParser):
    """The elements of a page, its words, and what stands in its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags and self.cdata_elem == "script":
            self.scripts.append(data)
        elif self.cdata_elem == "style":
            self.styles.append(data)
        else:
            self.words += data

    @property
    def said(self) -> str:
        return re.sub(r"\s+", " ", self.words)


def placed(workspace: Workspace, dataset: Dataset, name: str = "inbox", *, multi_label: bool = False) -> Project:
    """A project with a map: its rows lie on a grid."""
    project = workspace.create(name, dataset, {}, multi_label=multi_label)
    n = len(dataset)
    xy = np.column_stack([np.arange(n) % 10, np.arange(n) // 10]).astype(np.float32)
    xy[dataset.empty] = np.nan
    project.current.save_embeddings(xy)
    project.current.save_map("PCA", xy)
    return project


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return placed(workspace, make_dataset())


def unpacked(page: Page) -> tuple[np.ndarray, np.ndarray, dict[str, object]]:
    points = json.loads(page.scripts[0])
    xy, codes = (np.frombuffer(base64.b64decode(points[name]), "<u2") for name in ("xy", "codes"))
    return xy.reshape(-1, 2), codes, points


def test_every_point_lies_in_its_place_with_its_label(project: Project) -> None:
    log = project.open_log("ann")
    log.assign([0, 1, 39], "late")
    xy, codes, points = unpacked(Page(report(project, log)))
    assert len(xy) == len(codes) == 38, "two rows have no text, and no place"
    assert sorted(map(tuple, (xy[codes == 1] / 65535 * [9, 3]).round().astype(int).tolist())) == [
        (0, 0),
        (1, 0),
        (9, 3),
    ]
    assert codes[:35].max() == 0, "those without a label lie below"
    assert points["width"] == 1
    assert points["height"] == pytest.approx(1 / 3)
    assert report(project, log) == report(project, log), "it repeats"


def test_how_right_is_told_by_random_checks_alone(project: Project) -> None:
    log = project.open_log("ann")
    log.assign(np.arange(20, 40), "late")
    log.audit(1, np.arange(20, 30), np.arange(20, 22), "far")  # not drawn at random
    said = Page(report(project, log)).said
    assert "not checked yet" in said
    assert "–" in said
    assert " % 0" not in said
    log.assign(np.arange(6, 16), "early")
    log.audit(3, np.arange(6, 16), np.array([6]), "random")
    page = report(project, log)
    wrong = log.quality_of_label(1)
    assert wrong is not None
    assert (wrong.share, wrong.n_read) == (0, 10)
    assert "100 % <small>100 to 100 %</small>" in page, "all of its ten were read, and the one wrong is gone"
    assert page.count("not checked yet") == 1


def test_work_and_disagreements_are_told_by_person(project: Project) -> None:
    project.open_log("ann").assign([0, 1, 2], "late")
    project.open_log(NAME).assign([1, 2], "lost", overwrite=True)
    said = Page(report(project, project.open_log())).said
    assert f"ann: late{NAME}: lost2" in said
    assert "Disagreements2texts" in said
    assert "Gestures2" in said
    assert "pauses of more than 5 minutes do not count" in said


def test_texts_only_where_asked_for(workspace: Workspace) -> None:
    texts = [f"secret{n} {'w' * 500}" for n in range(30)]
    project = placed(workspace, make_dataset(texts))
    log = project.open_log()
    log.assign(np.arange(10), "late")
    assert "secret" not in report(project, log)
    said = Page(report(project, log, n_texts=3)).said
    quoted = re.findall(r"secret(\d+)", said)
    assert len(quoted) == 3
    assert all(int(number) < 10 for number in quoted)
    assert max(map(len, said.split())) < 400, "cut off"
    assert re.findall(r"secret(\d+)", report(project, log, n_texts=3, random_state=1)) != quoted


@pytest.mark.parametrize("multi_label", [False, True])
def test_what_texts_and_names_hold_stays_text(workspace: Workspace, multi_label: bool) -> None:
    plain = placed(workspace, make_dataset(["word other"] * 40))
    evil = placed(workspace, make_dataset([EVIL] * 40), name=EVIL, multi_label=multi_label)
    pages = []
    for project, name in ((plain, "late"), (evil, NAME)):
        log = project.open_log(name)
        log.assign([0, 1, 2], name)
        log.assign([3], name + "2")
        pages.append(Page(report(project, log, n_texts=2)))
    ours, theirs = pages
    assert set(theirs.tags) == set(ours.tags)
    assert theirs.tags.count("script") == 2
    assert not [name for name, _ in theirs.attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert NAME in theirs.said
    assert re.sub(r"\s+", " ", EVIL).strip() in theirs.said
    assert "</" not in theirs.scripts[0]
    assert "<" not in theirs.scripts[0]


def test_region_words_cannot_end_the_script(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from labelling.selection.regions import Region

    rows = np.arange(3)
    monkeypatch.setattr("labelling.tasks.report.regions", lambda xy, text_of: [Region(EVIL, 1, 1, 0, rows)])
    page = Page(report(project, project.open_log()))
    assert page.tags.count("script") == 2
    assert json.loads(page.scripts[0])["words"][0][0] == EVIL


def test_only_its_own_script_runs_and_no_host_is_asked(project: Project) -> None:
    text = report(project, project.open_log())
    page = Page(text)
    policy = next(value for name, value in page.attributes if name == "content" and "default-src" in str(value))
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "://" not in text
    assert "url(" not in text
    assert "unsafe" not in policy
    for kind, content in (("script", page.scripts[1]), ("style", page.styles[0])):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_labels_that_do_not_exclude_each_other(workspace: Workspace) -> None:
    project = placed(workspace, make_dataset(), multi_label=True)
    log = project.open_log()
    log.assign([0, 1], "late")
    log.assign([1, 2, 3], "lost")
    log.assign([4], "lost", answer=0)
    page = Page(report(project, log))
    _, codes, _ = unpacked(page)
    assert np.bincount(codes).tolist() == [34, 1, 2, 1], "none, late alone, lost alone, several"
    assert "YesNo" in page.said
    assert "several labels1" in page.said


def test_before_there_is_a_map_it_says_so(workspace: Workspace) -> None:
    project = workspace.create("p", make_dataset(), {})
    page = Page(report(project, project.open_log()))
    assert "There is no map yet" in page.said
    assert json.loads(page.scripts[0])["xy"] == ""


def test_the_kept_tuners_held_out_figures(project: Project) -> None:
    log = project.open_log()
    log.assign([0, 1], "late")
    assert "The tuner" not in report(project, log)
    space = project.add_space("tuned <1>", "FeedForwardTuner", {"labels": {"late": 2}}, 0, "kept")
    assert "what it is worth nobody knows" in Page(report(project, log)).said
    both = {"0": Figures(0.5, {"late": 0.5}), str(space.id): Figures(0.9, {"late": 0.9})}
    found = Evaluation(both, 40, 8, {"late": 40}, {"0": 0.0, "1": 0.4}, {"0": 0.0, "1": 0.1}, ())
    project.describe_space(space.id, evaluation=found.to_dict())
    said = Page(report(project, log)).said
    assert "50 % rightly in the space before and 90 % in the new one: +40 % ± 10 %, better." in said
    assert "late4050 %90 %" in said
    project.describe_space(space.id, evaluation=replace(found, flatters=True).to_dict())
    said = Page(report(project, log)).said
    assert "could be held out too little of" in said
    assert "90 %" not in said


@pytest.mark.parametrize("n_labels", [3, 150])
def test_a_large_map_is_a_small_file(workspace: Workspace, tmp_path: Path, n_labels: int) -> None:
    n = MAX_POINTS + 1_000
    project = placed(workspace, make_dataset([f"w{row % 50}" for row in range(n)]))
    log = project.open_log()
    log.import_labels([f"label {row % n_labels}" for row in range(n)])
    page = report(project, log)
    assert len(page) < 2_500_000
    xy, codes, _ = unpacked(Page(page))
    assert len(xy) == MAX_POINTS
    assert codes.max() == n_labels
    assert f"{MAX_POINTS:,} of them, drawn at random, are drawn" in page
