"""The parts of the separation page."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import streamlit as st

from labelling import readers
from labelling.database.engine import WorkspaceError
from labelling.encoders import Encoder
from labelling.encoders.cache import EmbeddingCache
from labelling.labels.label import names_to_import
from labelling.learning.registry import make_tuner, titles
from labelling.learning.separation import MAX_POINTS, SCORE_NOTE, Recording, figure, record, rests_on, to_html
from labelling.palette import HUES
from labelling.readers.tables import count
from labelling.tasks.jobs import Job
from labelling.ui.frame import access, downloads, faults, page, progress, resources, state
from labelling.ui.separation.player import show_player
from labelling.ui.texts import encoder_choice, load, reading
from labelling.workspace import Project

REFRESH_SECONDS = 0.5
EMBEDDING = "Embedding texts"
DEMO, PROJECT, FILE = "The demo", "A project", "A file"
GIVEN_HERE = "labels given in the app"
# Of the demo's topics those that are about things; the others, such as "feedback", are about how people write.
DEMO_LABELS = ("plants", "connection", "billing", "delivery", "hardware", "pod_club")
N_LABELS = len(HUES)  # of more labels so many are chosen at first: a hue each
MOST = ("The {} with most texts", "each has a colour of its own")
THINGS = ("{} about things", "the others are about how people write")
CHOOSE = "Choose"
MAX_TEXTS = 5_000  # what is embedded: enough for the labels of a large set and the points of a map
HIDDEN_SIZES = (10, 32, 64, 128, 200, 512)
STEPS = ("auto", 50, 100, 200, 400, 800)


@dataclass(frozen=True)
class Source:
    """Texts with a label name or "" each; `first` are the labels taken until the person chooses, `why` says which."""

    name: str
    texts: Sequence[str]
    labels: Sequence[str]
    first: Sequence[str]
    why: tuple[str, str] = MOST
    encoder: Mapping[str, Any] | None = None
    project: Project | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be recorded."""

    source: Source
    labels: Sequence[str]
    n_labelled: int
    encoder: Mapping[str, Any]
    tuners: Sequence[tuple[str, Mapping[str, Any]]]
    seed: int


@dataclass(frozen=True)
class Done:
    """What came of it; `texts` are those that the recordings' rows count in."""

    title: str
    recordings: Sequence[Recording]
    texts: Sequence[str]
    about: Mapping[str, str]
    figure_json: bytes
    project: Project | None

    def check(self) -> None:
        """Raise WorkspaceError where they are a project's that may no longer be opened."""
        if self.project is not None and not self.project.is_open:
            raise WorkspaceError("The project that this was recorded of is no longer shared with you.")

    def html(self) -> str:
        self.check()
        return to_html(self.recordings, self.texts, title=self.title, about=self.about)


# ---------------------------------------------------------------- texts


@dataclass
class Held:
    """The texts that this tab chose last, with what tells them from others; the project that they are of; and the job,
    which holds the recordings."""

    source: tuple[Hashable, Source] | None = None
    project: Project | None = None
    job: Job | None = None


def choose_texts() -> Source | None:
    """The texts and the column of their labels; None while something is still to be chosen."""
    infos = {info.id: info.name for info in access.projects()}
    own = _worked_on(infos)
    where = st.segmented_control(
        "Texts", [DEMO, PROJECT, FILE], default=DEMO if own is None else PROJECT, required=True
    )
    if where == DEMO:
        return _held(DEMO, _read_demo)
    return _of_project(infos, own) if where == PROJECT else _of_file()


def _worked_on(infos: Mapping[str, str]) -> str | None:
    """The project that this tab has open, by its id; it stands in the address, so that a reload finds it, too."""
    held = st.session_state.get(page.SESSION)
    own = held.project.id if held is not None else st.query_params.get("project")
    if own is None or own not in infos:
        return None
    if st.query_params.get("project") != own:
        st.query_params["project"] = own
    return own


def _held(key: Hashable, read: Callable[[], Source]) -> Source:
    """What `read` gives, read once as long as `key` is the same: the page runs at every click."""
    held = state.of_tab(Held)
    if held.source is None or held.source[0] != key:
        held.source = key, read()
    return held.source[1]


def _read_demo() -> Source:
    return Source("Demo", *load.DEMOS["hard"].truth(), DEMO_LABELS, THINGS)


def _of_project(infos: Mapping[str, str], own: str | None) -> Source | None:
    if not infos:
        st.info("There is no project yet.", icon=":material/inbox:")
        return None
    ids = list(infos)
    project_id = st.selectbox("Project", ids, index=0 if own is None else ids.index(own), format_func=infos.__getitem__)
    held = state.of_tab(Held)
    project = held.project
    if project is None or project.id != project_id or not project.is_open or project.has_grown:
        project = held.project = access.open_project(project_id)
    dataset, log = project.dataset, project.open_log()
    columns = [GIVEN_HERE] if not log.multi_label and np.count_nonzero(log.counts()) > 1 else []
    columns += [name for name in dataset.frame.columns if name != dataset.text_column and _repeats(dataset.frame[name])]
    if not columns:
        st.info(
            "This project has no two labels to part yet, and no column whose values could be labels: label some "
            "texts, or see it with the demo.",
            icon=":material/label_off:",
        )
        return None
    column = st.selectbox("Labels", columns, key=f"labels of {project.id}")

    def read() -> Source:
        given = column == GIVEN_HERE
        names = names_to_import(log.names().tolist() if given else readers.read_labels(dataset.frame, column))
        source = _source(project.name, dataset.texts, names)
        return replace(source, encoder=project.spaces()[0].settings, project=project)

    return _held((project.dataset_id, column, log.seq), read)


def _of_file() -> Source | None:
    reading.read_file()
    found = state.of_tab(reading.Upload).found
    if found is None:
        return None
    found = reading.choose_reading(found)
    frame = found.table.frame
    columns = list(frame.columns)
    guess = readers.guess_text_column(frame)
    text = st.selectbox("Column with the texts", columns, index=columns.index(guess) if guess else None)
    others = [column for column in columns if column != text]
    suggestion = readers.guess_label_column(frame, text)
    label = st.selectbox("Column with the labels", others, index=others.index(suggestion) if suggestion else None)
    if text is None or label is None:
        st.info(f"Choose the column with the {'texts' if text is None else 'labels'}.", icon=":material/label:")
        return None

    def read() -> Source:
        dataset = readers.make_dataset(found.table, text, label)
        return _source(found.name, dataset.texts, names_to_import(readers.read_labels(dataset.frame, label)))

    return _held((found, text, label), read)


def _repeats(column: pd.Series) -> bool:
    n_values = column.astype("string").nunique()
    return bool(1 < n_values <= len(column) / 2)


def _source(name: str, texts: Sequence[str], labels: Sequence[str]) -> Source:
    counts = Counter(label for label in labels if label)
    return Source(name, texts, labels, [label for label, _ in counts.most_common(N_LABELS)])


# ---------------------------------------------------------------- settings


def settings(source: Source) -> str:
    """What to record of these texts, and the button that starts it; what it will show, in a sentence."""
    counts = Counter(label for label in source.labels if label)
    names = sorted(counts)
    key = hashlib.blake2b(repr((source.name, names)).encode(), digest_size=8).hexdigest()
    labels = _choose_labels(source, names, key)
    n_texts = sum(counts[label] for label in labels)
    st.caption(f"{len(labels):,} of {count(len(names), 'label')}, {count(n_texts, 'text')}")
    n_labelled = st.number_input(
        "Labelled examples of each",
        1,
        1000,
        10,
        help="The tuner is told the label of so many texts of each label, and of half of them at most. The map shows "
        "others.",
    )
    button = st.container()  # above the rest: the recording is shown at the top of the page
    left, right = st.tabs(["First", "Beside it"])
    with left:
        tuners = [_choose_tuner("first", 10)]
    with right:
        if st.toggle("Show a second setting", value=True):
            tuners.append(_choose_tuner("second", 200))
    seed = st.number_input("Seed", 0, 2**32 - 1, value=0, help="The same seed and settings give the same recording.")
    if source.encoder is None:
        encoder: Mapping[str, Any] = load.choose_encoder()
    else:
        encoder = source.encoder
        st.caption("Encoder: the project's own")
    current = state.of_tab(Held).job
    if button.button(
        "Record",
        type="primary",
        icon=":material/videocam:",
        width="stretch",
        disabled=len(labels) < 2 or (current is not None and current.is_alive()),
        help="Choose two labels at least." if len(labels) < 2 else None,
    ):
        _start(Plan(source, labels, n_labelled, encoder, tuners, seed))
    held = st.session_state.get(page.SESSION)
    own = source.project is not None and held is not None and held.project.id == source.project.id
    return (
        f"**Record** shows {'all' if len(labels) == len(names) else f'{len(labels):,} of the'} "
        f"{count(len(names), 'label')} of **{page.escape(source.name)}**"
        f"{', the project that you work on' if own else ''}: {count(n_texts, 'text')}. "
        "Which labels is chosen on the left."
    )


def _choose_labels(source: Source, names: Sequence[str], key: str) -> Sequence[str]:
    """The labels to part: all, those that are taken where these are too many for a map, or some."""
    everything, first = f"All {len(names):,}", source.why[0].format(len(source.first))
    offered = [everything, *([first] if len(source.first) < len(names) else []), CHOOSE]
    how = st.radio(
        "Labels to part",
        offered,
        captions=[source.why[1] if each == first else "" for each in offered],
        index=len(offered) - 2,
        key=f"which-{key}",
        help="The map is easiest to read with few, of which each has a colour of its own. Texts of the others are left "
        "out.",
    )
    if how == everything:
        return names
    if how == first:
        return source.first
    return st.multiselect(
        "Labels",
        names,
        default=source.first,
        key=f"labels-{key}",
        label_visibility="collapsed",
        placeholder="two or more",
    )


def _choose_tuner(which: str, hidden_dim: int) -> tuple[str, dict[str, Any]]:
    kind = st.selectbox("Tuner", list(titles()), key=f"{which} tuner")
    hidden = st.select_slider("Size of the hidden layer", HIDDEN_SIZES, value=hidden_dim, key=f"{which} hidden")
    keep = st.slider("How much of the original map stays", 0.0, 1.0, 0.65, 0.05, key=f"{which} keep")
    steps = st.select_slider("At most so many training steps", STEPS, key=f"{which} steps")
    return kind, {"hidden_dim": hidden, "keep": keep, "steps": steps}


# ---------------------------------------------------------------- recording


def _start(plan: Plan) -> NoReturn:
    """Record in the background, in place of what this tab recorded before; the page runs again."""
    project, encoder = plan.source.project, resources.encoder_for(plan.encoder)
    cache = resources.workspace().cache_of(access.account() if project is None else project.owner)
    job = state.of_tab(Held).job = Job(EMBEDDING, lambda job: _record(job, plan, cache, encoder))
    job.start()
    st.rerun()


def _record(job: Job, plan: Plan, cache: EmbeddingCache, encoder: Encoder) -> Done | None:
    """Embed and record; None where it was stopped before there was anything to show."""
    source, chosen = plan.source, set(plan.labels)
    rows = [row for row, text in enumerate(source.texts) if source.labels[row] in chosen and text.strip()]
    n_rows = len(rows)
    if n_rows > MAX_TEXTS:
        rows = sorted(np.random.default_rng(plan.seed).choice(rows, MAX_TEXTS, replace=False))
    texts = [source.texts[row] for row in rows]
    embeddings = cache.embed(
        encoder, texts, on_batch=lambda _rows, done, total: job.progress(done, total), stop=job.stop
    )
    recordings: list[Recording] = []
    for number, (kind, settings) in enumerate(plan.tuners, 1):
        if job.stop.is_set():
            break
        job.begin(f"Recording {number} of {len(plan.tuners)}")
        tuner = make_tuner(titles()[kind], {**settings, "random_state": plan.seed})
        recordings.append(
            record(
                embeddings,
                [source.labels[row] for row in rows],
                tuner,
                n_labelled=plan.n_labelled,
                random_state=plan.seed,
                max_points=MAX_POINTS // len(plan.tuners),  # of all maps together: more don't move smoothly
                on_progress=job.progress,
                stop=job.stop,
            )
        )
    if not recordings:
        return None
    about = {
        "Texts": source.name + (f", {MAX_TEXTS:,} of {n_rows:,} drawn at random" if n_rows > MAX_TEXTS else ""),
        "Labels": ", ".join(recordings[0].names),
        "Encoder": encoder_choice.name(plan.encoder),
        "Stopped": "yes, by hand" if job.stop.is_set() else "",
    }
    figure_json = str(figure(recordings, texts).to_json()).encode()
    title = f"{source.name}: how a tuner parts {len(recordings[0].names)} labels"
    said = {name: value for name, value in about.items() if value}
    return Done(title, recordings, texts, said, figure_json, source.project)


# ---------------------------------------------------------------- result


def show(coming: str) -> None:
    """What is `coming`, the progress while it is being recorded, then the player."""
    current = state.of_tab(Held).job
    if current is None:
        st.markdown("##### See a tuner part the labels")
        st.markdown(
            "A few texts of each label are handed to a tuner with their label. The map shows **other** texts, whose "
            "labels it is not told: first as they lay before, then after every few steps of its training."
        )
        st.markdown(coming)
    elif current.is_alive():
        st.fragment(faults.guarded(_show_run), run_every=REFRESH_SECONDS)(current)
    elif current.error is not None:
        page.error(current.failure)
    elif current.result is None:
        st.info(
            "Stopped. What is embedded is kept: recording again goes on from there.", icon=":material/pause_circle:"
        )
    else:
        try:
            current.result.check()
        except WorkspaceError as problem:
            state.of_tab(Held).job = None
            page.error(problem)
        else:
            _show_done(current.result)


def _show_run(current: Job) -> None:
    if not current.is_alive():
        st.rerun()
    progress.show_progress(current, "texts" if current.title == EMBEDDING else "steps")
    if current.stop.is_set():
        st.caption("Stopping …")


def _show_done(done: Done) -> None:
    title, save = st.columns([3, 1], vertical_alignment="center")
    title.markdown(f"##### {page.escape(done.title)}")
    with save:
        downloads.button(
            "Save as HTML",
            lambda: done.html().encode(),
            file_name=re.sub(r"[^\w-]+", "-", done.title).strip("-") + ".html",
            mime="text/html",
            icon=":material/download:",
            help="One file that plays in any browser, without a network",
            width="stretch",
        )
    show_player(done.figure_json, key="separation-player")
    st.caption(SCORE_NOTE)
    facts = {**rests_on(done.recordings), **done.about}
    st.caption("  \n".join(f"{name}: {page.escape(value)}" for name, value in facts.items()))
