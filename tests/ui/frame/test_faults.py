"""What nobody expected: the log has it with its traceback, the page says whose fault it is, and nothing is lost."""

import ast
import logging
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from labelling import projections, readers
from labelling.database.engine import WorkspaceError
from labelling.dataset import ReadError
from labelling.encoders import EncoderError
from labelling.encoders.cache import CacheError
from labelling.errors import CorralError, StepError, log
from labelling.labels.label import LabelError
from labelling.learning.evaluation import TooFewLabels
from labelling.learning.separation import SeparationError
from labelling.selection.search import SearchError
from labelling.session.labelling import Labelling
from labelling.session.map import Map
from labelling.session.search import Search
from labelling.session.selection import Selection
from labelling.tasks.jobs import Job
from labelling.ui.frame import faults, resources
from labelling.ui.frame.faults import FAULT
from labelling.ui.label import panel
from labelling.ui.tune import tuning
from labelling.workspace import Project
from tests.sources import parsed
from tests.ui.helpers import CSV, ROOT, open_page, press, said, upload

pytestmark = pytest.mark.slow

FAULTS = [IndexError("index 7 is out of bounds"), ValueError("operands could not be broadcast"), KeyError("SbertTuner")]
SOURCES = sorted([*(ROOT / "labelling" / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")])


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[logging.LogRecord]]:
    """What the log of faults was told."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    log.addHandler(handler)
    yield records
    log.removeHandler(handler)


def raising(error: Exception) -> Any:
    def step(*_args: Any, **_options: Any) -> None:
        raise error

    return step


def errors(at: AppTest) -> list[str]:
    assert not at.exception
    return [element.value.replace("\\", "") for element in at.error]


def one_fault(records: list[logging.LogRecord], error: Exception, *words: str) -> None:
    """The log holds this fault once, with the traceback that leads to it, and says where it was."""
    (record,) = records
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert record.exc_info[2] is not None
    for word in words:
        assert word in record.getMessage()


def select(at: AppTest, *rows: int) -> AppTest:
    at.session_state["corral"].selection.rows = np.array(rows)
    return at.run()


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_in_a_callback(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[logging.LogRecord],
    error: Exception,
) -> None:
    project.open_log().assign([3], "cat")
    at = select(open_page("label", project), 0, 2)
    at.text_input(key="new label name").input("money")
    with monkeypatch.context() as broken:
        broken.setattr(Labelling, "give", raising(error))
        press(at, "Label 2")
    assert errors(at) == [FAULT]
    assert str(error) not in said(at)
    one_fault(logged, error, "Label", project.id)
    assert project.open_log().names().tolist() == [None, None, None, "cat"]
    assert "2 selected" in said(at)
    at.text_input(key="new label name").input("money")
    press(at, "Label 2")
    assert errors(at) == []
    assert project.open_log().names().tolist() == ["money", None, "money", "cat"]


@pytest.mark.parametrize(
    ("method", "button"),
    [
        ((Selection, "deselect"), "Deselect"),
        ((Labelling, "undo"), "Undo"),
        ((Selection, "grow"), "Grow"),
        ((Labelling, "clear"), "Unlabel"),
        ((Selection, "invert"), "Invert"),
    ],
    ids=["deselect", "undo", "grow", "clear", "invert"],
)
def test_in_the_other_buttons_of_the_panel(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[logging.LogRecord],
    method: tuple[type, str],
    button: str,
) -> None:
    project.open_log().assign([0], "money")
    monkeypatch.setattr(Map, "graph", np.zeros((4, 3), int))
    monkeypatch.setattr(*method, raising(FAULTS[0]))
    at = select(open_page("label", project), 0, 2)
    press(at, button)
    assert errors(at) == [FAULT]
    one_fault(logged, FAULTS[0], project.id)
    assert project.open_log().n_labelled == 1


def test_in_a_search(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[logging.LogRecord],
) -> None:
    at = open_page("label", project)
    with monkeypatch.context() as broken:
        broken.setattr(Search, "look_for", raising(FAULTS[1]))
        at.text_input(key="search query").input("the cat").run()
    assert errors(at) == [FAULT]
    one_fault(logged, FAULTS[1], project.id)
    assert at.selectbox(key="colour by").value == "label"
    at.text_input(key="search query").input("the card").run()
    assert errors(at) == []
    assert "with the words" in said(at)


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_in_the_page_itself(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[logging.LogRecord],
    error: Exception,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("labelling.tasks.export.preview", raising(error))
        at = open_page("export", project)
        assert errors(at) == [FAULT]
        assert len(logged) == 1
        logged.clear()
        at.run()
    assert errors(at) == [FAULT]
    assert str(error) not in said(at)
    one_fault(logged, error, "the page Export", project.id)
    at.run()
    assert errors(at) == []
    assert at.dataframe


def test_an_error_of_ones_own_in_the_page_is_shown_and_not_logged(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[logging.LogRecord],
) -> None:
    monkeypatch.setattr("labelling.tasks.export.preview", raising(WorkspaceError("The disk is full: make room.")))
    assert errors(open_page("export", project)) == ["The disk is full: make room."]
    assert not logged


def test_in_a_fragment_the_rest_of_the_page_stays_and_the_log_is_not_flooded(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[logging.LogRecord],
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(panel, "begin", raising(FAULTS[1]))
        at = open_page("label", project)
        at.run()
        at.run()
    assert errors(at) == [FAULT]
    assert "mine" in said(at)  # the project's name, above it
    one_fault(logged, FAULTS[1], "the page Label", project.id)
    at.run()
    assert errors(at) == []
    assert "Nothing selected" in said(at)


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_in_a_job(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[logging.LogRecord],
    error: Exception,
) -> None:
    project.open_log().assign([0, 3], "a")
    project.open_log().assign([1, 2], "b")
    at = open_page("tune", project)
    with monkeypatch.context() as broken:
        broken.setattr(tuning, "tune", raising(error))
        press(at, "Run the tuner")
        resources.jobs().get("tune", project.id).join(60)
    at.run()
    assert errors(at) == ["Tuning failed by a fault of Corral's own: it is logged on the server, and nothing is lost."]
    one_fault(logged, error, "'Tuning'", project.id)
    assert project.open_log().n_labelled == 4
    press(at, "Run the tuner")
    resources.jobs().get("tune", project.id).join(120)
    at.run()
    assert errors(at) == []
    assert "Before" in said(at)


def test_a_job_tells_what_can_be_told(logged: list[logging.LogRecord]) -> None:
    job = Job("Tuning", raising(StepError("There is 'a' alone: label others.")))
    job.start()
    job.join(60)
    assert job.failure == "Tuning failed: There is 'a' alone: label others."
    assert not logged
    quiet = Job("Tuning", lambda job: 1)
    quiet.start()
    quiet.join(60)
    assert quiet.failure is None


@pytest.mark.parametrize(
    ("error", "words", "n_logged"),
    [(FAULTS[0], FAULT, 1), (WorkspaceError("no longer shared with you"), "no longer shared with you", 0)],
)
def test_in_a_download(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    logged: list[logging.LogRecord],
    error: Exception,
    words: str,
    n_logged: int,
) -> None:
    def at_once(label: str, data: Any, **_options: Any) -> None:
        if not label.startswith("Download"):
            return
        with pytest.raises(type(error)):  # so that Streamlit hands out no file
            data()

    monkeypatch.setattr("labelling.tasks.export.export", raising(error))
    monkeypatch.setattr(st, "download_button", at_once)
    assert errors(open_page("export", project)) == [words]
    assert len(logged) == n_logged
    if n_logged:
        one_fault(logged, error, "the page Export", project.id)


def test_while_a_file_is_read(monkeypatch: pytest.MonkeyPatch, logged: list[logging.LogRecord]) -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    with monkeypatch.context() as broken:
        broken.setattr(readers, "read_table", raising(FAULTS[0]))
        at = upload(at, "other.csv", CSV)
    assert errors(at) == [FAULT]
    assert "Still loaded: mine" in said(at)
    one_fault(logged, FAULTS[0], "the page Texts")
    assert errors(upload(at, "third.csv", CSV)) == []


def test_while_a_project_is_made(monkeypatch: pytest.MonkeyPatch, logged: list[logging.LogRecord]) -> None:
    at = upload(open_page("texts"), "mine.csv", CSV)
    with monkeypatch.context() as broken:
        broken.setattr(resources.Workspace, "create", raising(FAULTS[1]))
        press(at, "Make the map")
    assert errors(at) == [FAULT]
    one_fault(logged, FAULTS[1], "the page Texts")
    press(at, "Make the map")
    assert errors(at) == []


def test_in_what_the_map_sends(monkeypatch: pytest.MonkeyPatch, logged: list[logging.LogRecord]) -> None:
    from labelling.ui import map as maps

    monkeypatch.setattr(maps, "_mount", lambda **options: options.get("on_drawn_change", lambda: None)())

    def script() -> None:
        import numpy as np
        import streamlit as st

        from labelling.ui.label import give_labels
        from labelling.ui.map import Handlers, show_map
        from labelling.ui.map.colours import by_found

        st.session_state["m"] = {"drawn": {"x": [1.0], "y": ["no number"], "kind": "lasso", "how": "new", "map": "m"}}
        handlers = Handlers(
            drawn=lambda _: None,
            legend=lambda _group, _what: None,
            chip=lambda label_id, what: None,
            picked=lambda _: None,
            region=lambda _place, _how: None,
            texts=lambda _: None,
            word=lambda _: None,
            answer=lambda _asked, _key: None,
        )
        show_map("m", "m", by_found("m", np.array([0]), 3), labels_seq=0, handlers=handlers)
        give_labels.say()

    at = AppTest.from_function(script).run()
    assert errors(at) == [FAULT]
    assert len(logged) == 1


def test_streamlits_own_signals_pass(project: Project) -> None:
    def script() -> None:
        import streamlit as st

        from labelling.ui.frame import faults

        faults.guarded(lambda: st.session_state.setdefault("n", 0) or st.stop())()
        st.write("not reached")

    at = AppTest.from_function(script).run()
    assert not at.error
    assert not at.markdown
    assert project.id


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ReadError, ValueError),
        (LabelError, ValueError),
        (StepError, ValueError),
        (SearchError, ValueError),
        (EncoderError, ValueError),
        (TooFewLabels, ValueError),
        (SeparationError, ValueError),
        (WorkspaceError, RuntimeError),
        (CacheError, OSError),
    ],
)
def test_corrals_own_errors_have_one_base_and_keep_their_kind(error: type[Exception], kind: type[Exception]) -> None:
    assert issubclass(error, CorralError)
    assert issubclass(error, kind)
    assert str(error("what is wrong")) == "what is wrong"


def test_a_map_that_fails_in_its_own_process_is_a_fault() -> None:
    assert not issubclass(projections.ProjectionError, CorralError)


def test_no_page_catches_errors_of_pythons_own_kinds() -> None:
    """A ValueError is numpy's as well: only faults.py may take it for something, and says then whose fault it is."""
    found = []
    for path in SOURCES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ExceptHandler) and node.type is not None:
                names = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
                said_so = "faults.said" in ast.unparse(node) or "log_fault" in ast.unparse(node)
                if names & {"Exception", "ValueError", "OSError", "RuntimeError"} and not said_so:
                    found.append((path.name, node.lineno))
    assert [(name, line) for name, line in found if name != "faults.py"] == []


def test_every_fragment_is_guarded() -> None:
    bare = []
    for path in SOURCES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.fragment" and node.args:
                bare += [] if "guarded(" in ast.unparse(node.args[0]) else [(path.name, node.lineno)]
            if isinstance(node, ast.FunctionDef):
                names = [ast.unparse(decorator) for decorator in node.decorator_list]
                if any(name.startswith("st.fragment") for name in names) and "faults.guarded" not in names:
                    bare.append((path.name, node.lineno))
    assert bare == []


def test_streamlit_shows_no_traceback() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["client"]["showErrorDetails"] == "none"


def test_the_log_has_the_time_and_goes_to_the_servers_stderr(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "parent", None)  # as on a server: nothing else is set up
    monkeypatch.setattr(log, "handlers", [])
    faults.begin_log()
    faults.begin_log()
    assert len(log.handlers) == 1
    faults.log_fault(FAULTS[0], "the page Label of project abc")
    told = capfd.readouterr().err
    assert told[:2] == "20"  # the year
    assert "corral: A fault in the page Label of project abc" in told
    assert "IndexError: index 7 is out of bounds" in told


def test_the_pages_words_come_from_the_job() -> None:
    for path in (Path(tuning.__file__), *SOURCES):
        assert "error(job.error)" not in path.read_text()
