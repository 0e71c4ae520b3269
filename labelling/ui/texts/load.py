"""The parts of the texts page."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from labelling import readers
from labelling.app_folder import APP_FOLDER
from labelling.database.engine import WorkspaceError
from labelling.readers import Dataset
from labelling.readers.tables import count
from labelling.tasks import projects as tasks
from labelling.tasks import ready_made
from labelling.ui.frame import access, resources, state
from labelling.ui.texts import encoder_choice
from labelling.ui.texts.encoder_choice import Choice, Vectors, prepare
from labelling.ui.texts.reading import Found
from labelling.workspace import Project, ProjectInfo

COUNTED_ROWS = 20_000  # long texts are counted before the map is made up to here: a few seconds


@dataclass(frozen=True)
class Demo:
    """Texts to try Corral with, and beside them, in an .npz of the same name, what the packaged encoder makes of them.

    Their `topic` column is left out: for evaluation.
    """

    name: str
    file: Path

    @property
    def made(self) -> Path:
        return self.file.with_suffix(".npz")

    def read(self) -> Dataset:
        table = readers.read_table(self.file.read_bytes(), self.file.name)
        return readers.make_dataset(replace(table, frame=table.frame.drop(columns="topic")), "text")

    @cache  # noqa: B019, there are two demos, which stay
    def truth(self) -> tuple[list[str], list[str]]:
        """The texts, and the true topic of each."""
        frame = readers.read_table(self.file.read_bytes(), self.file.name).frame
        return frame["text"].tolist(), frame["topic"].tolist()


DEMOS = {
    "easy": Demo("Demo: town hall", APP_FOLDER / "data" / "demo_easy.csv"),
    "hard": Demo("Demo: support inbox", APP_FOLDER / "data" / "demo.csv"),
}


def topics_of(dataset: Dataset) -> list[str] | None:
    """The true topics of a demo's texts; None where the texts are no demo's."""
    for texts, topics in (demo.truth() for demo in DEMOS.values()):
        # By their number first: the label page asks at every run, and must not make strings of a million texts.
        if len(texts) == len(dataset) and texts == dataset.texts:
            return topics
    return None


def choose_encoder() -> dict[str, Any]:
    """The settings of an encoder that is a model, for texts that are not put into a project."""
    return encoder_choice.choose().settings


@dataclass
class _LongTexts:
    """How many texts of a table's column are longer than the encoder reads."""

    found: Found | None = None
    column: str = ""
    n: int = 0


def say_long_texts(found: Found, dataset: Dataset, choice: Choice) -> None:
    """How many texts are longer than the encoder reads, where that can be told without loading another model."""
    if choice.settings or len(dataset) > COUNTED_ROWS:
        return  # the label page says it, once the texts are embedded
    packaged = resources.encoder_for({})
    known = state.of_tab(_LongTexts)
    if known.found is not found or known.column != dataset.text_column:
        with st.spinner("Looking for long texts …"):
            known.n = packaged.count_truncated(dataset.texts)
        known.found, known.column = found, dataset.text_column
    if known.n:
        st.caption(
            f"{count(known.n, 'text')} {'is' if known.n == 1 else 'are'} longer than the encoder's "
            f"{packaged.max_tokens} word pieces: it reads the beginning, which decides the place on the map. The texts "
            "themselves are kept whole."
        )


def create_project(
    name: str,
    dataset: Dataset,
    choice: Choice,
    label_values: pd.DataFrame | None = None,
    map_columns: tuple[str, str] | None = None,
) -> Project:
    """A project in the workspace, its imported labels in the log; with `answers`, of yes, no and unknown for each.

    Raises CorralError where the encoder can't be loaded, the vectors or the labels can't be taken: nothing is made.
    """
    settings, vectors = prepare(choice, dataset)
    return tasks.create_project(
        resources.workspace(),
        name,
        dataset,
        settings,
        vectors=vectors,
        label_values=label_values,
        map_columns=map_columns,
        owner=access.account(),
        who=access.person(),
    )


def choose_project(found: Found) -> ProjectInfo | None:
    """Whether the texts make a new project (None), or are added to one that there is."""
    projects = access.projects()
    if not projects:
        return None
    names: list[ProjectInfo | None] = [None, *projects]
    called = Counter(info.name for info in projects)

    def say(info: ProjectInfo | None) -> str:
        if info is None:
            return "a new project"
        # A select box gives back the option of the words chosen: two projects of one name must not look the same.
        which = f", made {info.created_at[:19].replace('T', ' ')}, {info.id}" if called[info.name] > 1 else ""
        return f"{info.name} ({count(info.n_rows, 'row')}{which})"

    return st.selectbox(
        "Put them into",
        names,
        format_func=say,
        key=f"project for {found.name}",
        help="Added texts are placed on the maps of the project without moving the others; its labels stay.",
    )


def brings_vectors(info: ProjectInfo | None) -> bool:
    """Whether this project's vectors were brought along, so that those of added texts must be, too."""
    if info is None:
        return False
    return access.open_project(info.id).spaces()[0].settings.get("kind") == "own"


def add_texts(
    info: ProjectInfo, dataset: Dataset, vectors: Vectors | None = None, label_values: pd.DataFrame | None = None
) -> Project:
    """Add the texts, and their labels where a column holds some, to a project.

    Raises CorralError where the labels or the vectors can't be taken or the project is busy; nothing is added then.
    """
    project = access.open_project(info.id)
    busy = [resources.jobs().get(work, project.id) for work in ("embed", "tune", "classify")]
    if any(job is not None and job.is_alive() for job in busy):
        raise WorkspaceError(f"{project.name!r} is still being embedded or tuned: add the texts when that is done.")
    brought = None if vectors is None else vectors(dataset)
    tasks.add_texts(project, dataset, vectors=brought, label_values=label_values, who=access.person())
    resources.jobs().forget("embed", project.id)
    return project


def open_demo(which: str) -> Project:
    """One's project of a demo: the one that is there, else a new one, with its maps as they come along."""
    demo = DEMOS[which]
    for info in access.projects():
        if info.name == demo.name and info.owner == access.account():
            return access.open_project(info.id)
    project = create_project(demo.name, demo.read(), Choice())
    ready_made.put(demo.made, project, resources.workspace().cache_of(project.owner), resources.encoder_for({}))
    return project
