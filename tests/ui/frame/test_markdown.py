"""What somebody typed or uploaded is drawn as it is, wherever Streamlit reads Markdown; tests/browser looks at it."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from labelling.dataset import Dataset
from labelling.tasks.embed import embed
from labelling.ui.frame import access, resources
from labelling.ui.frame.markdown import escape
from labelling.ui.history import history
from labelling.ui.label.reading import Reading
from labelling.ui.labels import manage
from labelling.workspace import Project, Workspace
from tests.naughty import NAMES
from tests.ui.helpers import open_page
from tests.ui.tab import of_project

DRAWN_OTHERWISE = [
    ":material/delete:", ":material_delete:", ":smile:", "::+1:tada:", ":streamlit:", "**bold**", "_it_", "~~gone~~",
    "$x$ and $y$", "$$z$$", ":red[x]", ":red-badge[x]", ":color[x]{foreground=red}", ":shimmer[x]", ":help[x]",
    "[a](https://example.org)", "![a](b)", "[^1]", "`code`", "<b>x</b>", "&lt;b&gt; &amp;", "a -> b", "<->", "-- x",
    "x >= y ~= z", "ann@example.org", "https://example.org/a_b", "see www.example.org", "1. one", "- x", "# h", "> q",
    "***", "===", "| a | b |", "a:b:c", "12:30:45", "\\*", "key: value",
]  # fmt: skip
DRAWN = {"label", "help", "body", "text", "captions", "caption", "message"}  # the fields that are read as Markdown
NOT_MARKDOWN = {"html", "text", "code", "json", "bidi_component", "arrow_data_frame", "iframe"}


def unescaped(markdown: str) -> str:
    """The text that is drawn of it: Streamlit's spans and the backslashes taken away."""
    return re.sub(r"\\(.)", r"\1", re.sub(r":color\[(\\?.)\]\{\}", r"\1", markdown))


@pytest.mark.slow
@pytest.mark.parametrize("text", [*DRAWN_OTHERWISE, *NAMES])
def test_nothing_of_it_means_anything(text: str) -> None:
    markdown = escape(text)
    assert unescaped(markdown) == text.strip()
    # What CommonMark, its tables and its directives begin with is never bare.
    assert not re.search(r"(?<!\\)[`*_<>#+\-.!|~$@&=/]", re.sub(r":color\[\\?.\]\{\}", "", markdown))
    # Nor is what is looked for once more in the text that was read.
    for piece in map(unescaped, re.split(r":color\[\\?.\]\{\}", markdown)):
        assert not re.search(r":material_\w+:|:streamlit:|:\+1:|:[\w-]+:|://|\w@\w|www\.", piece, re.IGNORECASE)


def test_space_that_would_mean_something_is_left_out() -> None:
    assert escape("    code") == "code"
    assert escape("one\n\n    two ") == "one\ntwo"
    assert escape("") == ""


@pytest.fixture
def naughty(workspace: Workspace) -> Project:
    """A project whose name, columns, texts and labels are such strings, with a candidate space and its figures."""
    names = [name for name in DRAWN_OTHERWISE if len(name) <= 80]
    n = 4 * len(names)
    frame = pd.DataFrame({"text": pd.Series([f"{names[row % len(names)]} {row}" for row in range(n)], dtype="str")})
    for name in (":material/home:", "**kind**", ":smile:"):
        frame[name] = [names[row % 3] for row in range(n)]
    project = workspace.create(":material/delete: **x** :smile:", Dataset(frame, "text"), {})
    assert embed(resources.new_workbench(project))
    log = project.open_log(":red[who] :smile:")
    for place, name in enumerate(names):
        log.assign(np.arange(place, n, len(names)), name)
        log.describe(log.find(name).id, f"about {name}")
    return project


def markdown_of(at: AppTest) -> Iterator[tuple[str, str, str]]:
    """What is read as Markdown: the kind of the element, the field, the string."""

    def of(kind: str, message: object) -> Iterator[tuple[str, str, str]]:
        for field, value in message.ListFields():
            values = value if isinstance(value, (list, tuple)) or hasattr(value, "extend") else [value]
            drawn = field.name in DRAWN or (field.name == "options" and kind in ("radio", "button_group"))
            for each in values:
                if isinstance(each, str) and drawn and kind not in NOT_MARKDOWN:
                    yield kind, field.name, each
                elif hasattr(each, "ListFields") and kind not in NOT_MARKDOWN:
                    yield from of(kind, each)

    def walk(node: object) -> Iterator[tuple[str, str, str]]:
        proto = getattr(node, "proto", None)
        if proto is not None:
            yield from of(str(node.type), proto)
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    yield from walk(at._tree)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["texts", "label", "labels", "tune", "classify", "history", "export", "separation"])
def test_on_every_page(naughty: Project, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(access, "user_name", lambda: ":red[who] :smile:")
    at = open_page(name, naughty)
    if name == "label":
        at.session_state["corral"].selection.rows = np.arange(8)
        of_project(at, Reading).pinned = 0
        at.text_input(key="search query").input(":material/delete:")
        at.run()
    if name == "labels":
        of_project(at, manage.Edited).label_id = 0
        at.run()
    if name == "history":
        of_project(at, history.Chosen).action = 1
        at.run()
    assert not at.exception
    assert not at.error
    read = list(markdown_of(at))
    bare = []
    for kind, field, text in read:
        without = re.sub(r":color\[\\?.\]\{\}|\\.", "\0", text)
        bare += [(kind, field, text) for each in DRAWN_OTHERWISE if each in without]
    assert bare == []
    shown = "\n".join(unescaped(text) for _, _, text in read)
    wanted = {
        "texts": [":material/delete: **x** :smile:", ":red[who] :smile:"],
        "label": [*DRAWN_OTHERWISE, ":material/delete: **x** :smile:"],
        "labels": DRAWN_OTHERWISE,
        "tune": [":material/delete: **x** :smile:"],
        "history": [":red[who] :smile:"],
    }.get(name, [])
    assert [text for text in wanted if text not in shown] == []
