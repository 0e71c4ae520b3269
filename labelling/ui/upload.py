"""The parts of the texts page."""

import html
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from labelling import readers
from labelling.database import WorkspaceError
from labelling.labels import check_imported_names, names_to_import
from labelling.readers import Dataset, ReadError
from labelling.readers.tables import count, listed
from labelling.ui import access, encoder_choice, page, resources
from labelling.ui.encoder_choice import Choice, Vectors, join_vectors, prepare
from labelling.ui.reading import Found
from labelling.workspace import Project, ProjectInfo, save_array

DEMO = Path(__file__).parents[2] / "data" / "demo.csv"
DEMO_NAME = "Demo: support inbox"
ONE, SEVERAL = "One label", "Yes, no or unknown for each label"
PROJECTS_SHOWN = 12
COUNTED_ROWS = 20_000  # long texts are counted before the map is made up to here: a few seconds


def choose_columns(found: Found) -> tuple[Dataset, pd.DataFrame | None] | None:
    """The person's choice of columns: the dataset; and with yes, no and unknown for each label, their answers.

    None as long as no column is chosen, or one can't be taken: the page says why beside the choice, which stays.
    """
    frame = found.table.frame
    columns = list(frame.columns)
    guess, answer_columns = held(
        "guesses", (found,), lambda: (readers.guess_text_column(frame), readers.guess_answer_columns(frame))
    )
    left, right = st.columns(2)
    key = f"text column of {found.name}"
    preselect(key, guess, columns)
    with left:
        text = st.selectbox(
            "Column with the texts",
            columns,
            index=None if guess is None else 0,
            placeholder="Which column holds the texts?",
            key=key,
        )
    preselect(f"kind of {found.name}", SEVERAL if answer_columns else ONE, [ONE, SEVERAL])
    kind = st.radio(
        "A text gets",
        [ONE, SEVERAL],
        captions=["the labels exclude each other", "unknown is never taken for no"],
        key=f"kind of {found.name}",
        horizontal=True,
    )
    others = [column for column in columns if column != text]
    label, answers, dataset = None, None, None
    with right:
        try:
            if kind == SEVERAL:
                answers = _choose_answers(found, others, answer_columns)
            else:
                label = _choose_label(found, text, others)
            taken = True
        except ValueError as error:
            page.error(error)
            taken = False
        if not taken and kind == ONE:
            _offer_several(found)
    with left:
        if text is None:
            st.info("Which column holds the texts?", icon=":material/help:")
        else:
            try:
                dataset = held("dataset", (found, text, label), lambda: readers.make_dataset(found.table, text, label))
            except ReadError as error:
                page.error(error)
    return (dataset, answers) if dataset is not None and taken else None


def _choose_label(found: Found, text: str | None, others: list[str]) -> str | None:
    """The column with one label a row, if there is any. Raises ValueError where its values can't be labels."""
    suggestion = readers.guess_label_column(found.table.frame, text)
    key = f"label column of {found.name}"
    preselect(key, None, others)
    label = st.selectbox(
        "Column with labels, if there are any",
        others,
        index=None,
        placeholder=f"none (perhaps {suggestion}?)" if suggestion else "none",
        key=key,
        help="Its values come in as labels, marked as imported. All other columns stay for colouring and come out "
        "again at export.",
    )
    if label is not None:
        names = held("labels", (found, label), lambda: names_to_import(readers.read_labels(found.table.frame, label)))
        given = [name for name in names if name]
        _say_labels(len(names), len(given), "one", list(dict.fromkeys(given)))
    return label


def _choose_answers(found: Found, others: list[str], guess: list[str]) -> pd.DataFrame:
    """The columns with answers, if there are any. Raises ValueError where they can't be read."""
    key = f"answer columns of {found.name}"
    preselect(key, [name for name in guess if name in others], others)
    columns = st.multiselect(
        "Columns with answers, if there are any",
        others,
        placeholder="none",
        key=key,
        help='Yes or no, 1 or 0 in a column called after its label; or objects such as {"refund": 1, "delay": 0}; or '
        'lists of labels such as ["refund", "delay"].',
    )

    def read() -> pd.DataFrame:
        answers = readers.read_answers(found.table.frame, columns)
        check_imported_names(list(answers.columns))
        return answers

    answers = held("labels", (found, tuple(columns)), read)
    if columns:
        n_answered = int(answers.notna().any(axis=1).sum())
        _say_labels(len(answers), n_answered, "an answer for one", list(answers.columns))
    return answers


def _say_labels(n_rows: int, n_given: int, what: str, names: list[str]) -> None:
    """How much comes in with the texts, and under which names: a wrong column is seen by them."""
    if not n_given:
        st.caption("No row has a label there.")
        return
    have = "has" if n_given == 1 else "have"
    shown = page.escape(listed(names[:5])) + (", …" if len(names) > 5 else "")
    st.caption(f"{n_given:,} of {count(n_rows, 'row')} {have} {what} of {count(len(names), 'label')}: {shown}")


def _offer_several(found: Found) -> None:
    """A button that takes the column, which has no one label a row, as answers; where it can be read so."""
    label = st.session_state[f"label column of {found.name}"]

    def take() -> None:
        st.session_state[f"kind of {found.name}"] = SEVERAL
        st.session_state[f"answer columns of {found.name}"] = [label]

    try:
        held("answers offered", (found, label), lambda: readers.read_answers(found.table.frame, [label]))
    except ValueError:
        return
    st.button(f"Take it as: {SEVERAL.lower()}", on_click=take)


def preselect(key: str, guess: Any, allowed: Sequence[Any]) -> None:
    """What a widget shows before it is drawn: what the person chose of what is still there, else the guess.

    A guess that changes, as with another row of names, takes the place of the one before where nothing else was chosen.
    """
    guesses = st.session_state.setdefault("guesses of columns", {})
    chosen = st.session_state.get(key)
    kept = [each for each in chosen if each in allowed] if isinstance(chosen, list) else chosen
    if chosen == guesses.get(key) or not (isinstance(kept, list) or kept in allowed):
        kept = guess
    if key not in st.session_state or kept != chosen:
        st.session_state[key] = kept
    guesses[key] = guess


def held(name: str, of: tuple[Hashable, ...], make: Callable[[], Any]) -> Any:
    """What `make` gives, or the ValueError that it raises: made once as long as `of` is the same, for the page runs at
    every click."""
    key = f"held {name}"
    if st.session_state.get(key, (None,))[0] != of:
        try:
            st.session_state[key] = of, make(), None
        except ValueError as problem:
            st.session_state[key] = of, None, problem
    _, made, error = st.session_state[key]
    if error is not None:
        raise error
    return made


def choose_encoder() -> dict[str, Any]:
    """The settings of an encoder that is a model, for texts that are not put into a project."""
    return encoder_choice.choose().settings


def say_long_texts(found: Found, dataset: Dataset, choice: Choice) -> None:
    """How many texts are longer than the encoder reads, where that can be told without loading another model."""
    if choice.settings or len(dataset) > COUNTED_ROWS:
        return  # the label page says it, once the texts are embedded
    packaged = resources.encoder_for({})
    known = st.session_state.get("long texts")
    if known is None or known[0] is not found or known[1] != dataset.text_column:
        with st.spinner("Looking for long texts …"):
            known = (found, dataset.text_column, packaged.count_truncated(dataset.texts))
        st.session_state["long texts"] = known
    if known[2]:
        st.caption(
            f"{count(known[2], 'text')} {'is' if known[2] == 1 else 'are'} longer than the encoder's "
            f"{packaged.max_tokens} word pieces: it reads the beginning, which decides the place on the map. The texts "
            "themselves are kept whole."
        )


def create_project(name: str, dataset: Dataset, choice: Choice, answers: pd.DataFrame | None = None) -> Project:
    """A project in the workspace, its imported labels in the log; with `answers`, of yes, no and unknown for each.

    Raises ValueError where the encoder can't be loaded, the vectors or the labels can't be taken; nothing is made then.
    """
    settings, vectors = prepare(choice, dataset)
    labels = [] if dataset.label_column is None else readers.read_labels(dataset.frame, dataset.label_column)
    names_to_import(labels)  # labels that can't be taken are said before anything is made
    check_imported_names([] if answers is None else list(answers.columns))
    owner = access.account()
    project = resources.workspace().create(name, dataset, settings, several=answers is not None, owner=owner)
    if vectors is not None:
        save_array(resources.vectors_file(project, len(vectors)), vectors)
    if answers is not None and len(answers.columns):
        project.open_log(access.person()).import_answers(answers)
    if labels:
        project.open_log(access.person()).import_labels(labels)
    return project


def choose_project(found: Found) -> ProjectInfo | None:
    """Whether the texts make a new project (None), or are added to one that there is."""
    projects = access.projects()
    if not projects:
        return None
    shown = projects[:PROJECTS_SHOWN]
    names: list[ProjectInfo | None] = [None, *shown]
    called = Counter(info.name for info in shown)

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
    info: ProjectInfo, dataset: Dataset, vectors: Vectors | None = None, answers: pd.DataFrame | None = None
) -> Project:
    """Add the texts, and their labels where a column holds some, to a project.

    Raises ValueError where the labels or the vectors can't be taken or the project is busy; nothing is added then.
    """
    project = access.open_project(info.id)
    busy = [resources.jobs().get(work, project.id) for work in ("embed", "tune")]
    if any(job is not None and job.is_alive() for job in busy):
        raise ValueError(f"{project.name!r} is still being embedded or tuned: add the texts when that is done.")
    labels = [] if dataset.label_column is None else readers.read_labels(dataset.frame, dataset.label_column)
    names_to_import(labels)
    n_before = project.n_rows
    if answers is not None and not project.several:
        raise ValueError(f"{project.name!r} has one label a text: yes and no for each label can't be added to it.")
    check_imported_names([] if answers is None else list(answers.columns))
    if vectors is not None:
        # Before the rows: whoever sees these finds their vectors.
        both = join_vectors(np.load(resources.vectors_file(project, n_before), allow_pickle=False), vectors(dataset))
        save_array(resources.vectors_file(project, len(both)), both)
    project.append(dataset)
    resources.jobs().forget("embed", project.id)
    if answers is not None and len(answers.columns):
        later = answers.set_axis(range(n_before, project.n_rows))
        project.open_log(access.person()).import_answers(later.reindex(range(project.n_rows)))
    if labels:
        project.open_log(access.person()).import_labels([*[None] * n_before, *labels])
    return project


def open_demo() -> Project:
    """One's demo project: the one that is there, else a new one. Its `topic` column is left out: for evaluation."""
    for info in access.projects():
        if info.name == DEMO_NAME and info.owner == access.account():
            return access.open_project(info.id)
    table = readers.read_table(DEMO.read_bytes(), DEMO.name)
    shown = replace(table, frame=table.frame.drop(columns="topic"))
    return create_project(DEMO_NAME, readers.make_dataset(shown, "text"), Choice())


def list_projects(projects: list[ProjectInfo]) -> None:
    """The newest projects, each with a button that opens it; one's own with whom they are shared."""
    me = access.account()
    for info in projects[:PROJECTS_SHOWN]:
        widths = [4, 2, 2, 1] if me is None else [4, 2, 2, 2, 3]
        name, size, made, button, *sharing = st.columns(widths, vertical_alignment="center")
        name.markdown(page.escape(info.name))
        size.caption(count(info.n_rows, "row"))
        made.caption(info.created_at[:10] if sharing else info.created_at[:16].replace("T", " "))
        for place in sharing:
            with place:
                if info.owner == me:
                    _sharing(info)
                else:  # not as Markdown, which makes a link of an address
                    st.html(f"<small style='opacity:0.65'>of {html.escape(info.owner or '')}</small>")
        if button.button("Open", key=f"open-{info.id}"):
            try:
                page.go_label(access.open_project(info.id))
            except WorkspaceError as error:
                page.error(error)
    if len(projects) > PROJECTS_SHOWN:
        st.caption(f"and {len(projects) - PROJECTS_SHOWN} older ones: open them by their address")


def _sharing(info: ProjectInfo) -> None:
    """With whom a project of one's own is shared; the form that shares it, the buttons that end it."""
    typed, refused = f"share-{info.id}", f"not shared-{info.id}"

    def attempt(step: Callable[[Project], None]) -> None:
        try:
            step(access.open_project(info.id))
            st.session_state[typed] = ""
        except WorkspaceError as error:
            st.session_state[refused] = str(error)

    shared = access.open_project(info.id).shared_with()
    with (
        st.popover(f"Shared with {len(shared)}" if shared else "Share", icon=":material/group:"),
        st.container(width=340),
    ):
        if message := st.session_state.pop(refused, None):
            page.error(message)
        with st.form(f"form-{info.id}", border=False):
            st.text_input(
                "Share with",
                key=typed,
                placeholder="their e-mail address",
                help="As they sign in here. They see the texts, label, tune and export; they can't share it on.",
            )
            st.form_submit_button(
                "Share", on_click=lambda: attempt(lambda project: project.share(st.session_state[typed]))
            )
        for who in shared:
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.text(who, width="content")
                st.button(
                    "Stop sharing",
                    key=f"unshare-{info.id}-{who}",
                    on_click=lambda who=who: attempt(lambda project: project.unshare(who)),
                    type="tertiary",
                )
