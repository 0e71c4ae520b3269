"""The parts of the classify page: which model, what of it moves, the training, and what came of it."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import streamlit as st

from labelling.encoders._folders import PACKAGED_MODEL
from labelling.errors import CorralError
from labelling.learning.model import AT_LEAST
from labelling.readers.tables import count
from labelling.session import Session
from labelling.tasks.classify import classify
from labelling.tasks.jobs import Job
from labelling.tasks.learnable import can_learn, what_is_needed
from labelling.ui.frame import faults, page, progress, state
from labelling.ui.frame.resources import check_model, jobs, new_workbench
from labelling.ui.tune import tuning
from labelling.workspace import CLASSIFIER, Space, Suggestions

REFRESH_SECONDS = 0.5
LABELS_AT_ONCE = 20  # in the table: more than these scroll
PACKAGED, OTHER, READY = "The model that came along", "Another model", "A ready classifier"
ABOUT = {
    PACKAGED: f"{PACKAGED_MODEL}: works offline; for English.",
    OTHER: "A language model by its name on the Hugging Face hub or its folder, one that you have fine-tuned on texts "
    "of your own included. What is on disk is never changed.",
    READY: "One with labels of its own, such as a sentiment model: it suggests them as it is, and learns nothing.",
}
MOVES = {  # what `train` may be, in a labeller's words
    "head": ("A last step alone", "the model stays as it is and reads each text once: the first try, always"),
    "top-2": ("Its end, too", "where that does badly"),
    "lora": ("A little, everywhere", "for models too large to train whole"),
    "all": ("All of it", "with thousands of labels; slow without a GPU"),
}
MOVES_HELP = (
    "What is trained: the head alone, on a frozen body; the head and the last two layers; the head and LoRA, low-rank "
    "updates beside all layers; or all of it."
)


# ---------------------------------------------------------------- settings


def settings(session: Session) -> None:
    """The model, what moves, and the button that starts the training."""
    st.markdown("##### Let a language model learn your labels")
    if session.log.multi_label:
        st.info("A classifier takes one label a text: this project has yes, no and unknown for each.")
        return
    kind = st.radio("Model", list(ABOUT), captions=list(ABOUT.values()))
    chosen: dict[str, Any] = {"model": None}
    if kind != PACKAGED:
        chosen["model"] = st.text_input("Name on the hub, or folder", key=f"model {kind}").strip() or None
        if chosen["model"] is None:
            st.caption("Type the model's name or folder.")
            return
    if kind == READY:
        chosen["ready"] = True
    else:
        if not can_learn(session.project, session.log):
            st.info(
                page.escape(what_is_needed(session.project, session.log, what="A classifier")),
                icon=":material/lightbulb:",
            )
            st.page_link(page.LABEL, label="Label some texts", icon=":material/arrow_back:")
            return
        names = {train: name for train, (name, _) in MOVES.items()}
        captions = [about for _, about in MOVES.values()]
        chosen["train"] = st.radio(
            "How much of it learns", list(MOVES), format_func=names.__getitem__, captions=captions, help=MOVES_HELP
        )
        with st.expander("More settings"):
            chosen |= _more()
            counted = st.container()
    job = _job(session)
    alive = job is not None and job.is_alive()
    verb = "Read the texts" if kind == READY else "Train"
    if st.button(verb, type="primary", icon=":material/play_arrow:", width="stretch", disabled=alive):
        jobs().forget("classify", session.project.id)
        _start(session, chosen)
        st.rerun()
    st.caption(
        "For when a tuner's suggestions are not right enough: it reads the texts themselves, which takes longer. "
        "Suggestions and a map of its own come with it."
    )
    if kind != READY:
        with counted:  # last: the model may have to be loaded for it
            _how_many_move(session, chosen)


def _more() -> dict[str, Any]:
    return {
        "head": st.selectbox(
            "Head",
            ["dense", "linear"],
            help="dense: a layer with tanh and dropout before the linear one. It bends the map even where the model "
            "itself stays as it is; with linear and the head alone the map is the model's own.",
        ),
        "class_weight": "balanced" if st.checkbox("Small labels count as much as large ones", value=True) else None,
        "max_length": st.number_input(
            "Longest text, in tokens",
            min_value=1,
            value=None,
            step=1,
            placeholder="the model's own limit",
            help="What is longer is cut off there. Longer texts help more than moving the model, and cost more.",
        ),
        "random_state": int(st.number_input("Seed", 0, value=0, help="The same seed gives the same classifier.")),
    }


def _how_many_move(session: Session, chosen: dict[str, Any]) -> None:
    """Which parameters will move, and how many: told on demand where the model has to be loaded for it."""
    if chosen["model"] is not None and not st.checkbox(
        "Count what moves", help="Loads the model, from the hub where it is named."
    ):
        return
    n_classes = max(2, int(np.count_nonzero(session.log.counts())))
    try:
        n_trainable, groups = _moving(json.dumps(chosen, sort_keys=True), n_classes)
    except CorralError as error:
        page.error(error)
        return
    st.caption(f"**{count(n_trainable, 'parameter')} will move:** {page.escape(', '.join(groups))}")


@st.cache_data(show_spinner="Loading the model …", max_entries=20)
def _moving(chosen: str, n_classes: int) -> tuple[int, list[str]]:
    shapes = _classifier(json.loads(chosen)).trainable_parameters(n_classes)
    groups: dict[str, int] = {}
    for name, shape in shapes.items():
        part = name.split(".")[0]
        groups[part] = groups.get(part, 0) + math.prod(shape)
    return sum(groups.values()), [f"{part} {n:,}" for part, n in groups.items()]


def _classifier(chosen: dict[str, Any]) -> Any:
    from labelling.learning.classifiers import TransformerClassifier

    check_model(chosen["model"])
    if chosen.get("ready"):
        return TransformerClassifier.from_pretrained(chosen["model"])
    return TransformerClassifier(**chosen)


# ---------------------------------------------------------------- training


def _job(session: Session) -> Job | None:
    return jobs().get("classify", session.project.id)


def _start(session: Session, chosen: dict[str, Any]) -> None:
    bench = new_workbench(session.project)
    model = Path(chosen["model"]).name if chosen["model"] else PACKAGED_MODEL
    state_file = _state_file(session, chosen)

    def work(job: Job) -> Space | None:
        def callback(step: int, n_steps: int, loss: float, held_out_loss: float | None) -> bool:
            if not math.isnan(loss):
                job.news.append((step, loss, held_out_loss))
            job.progress(step, n_steps)
            return not job.stop.is_set()

        def on_batch(n_done: int, n_texts: int) -> bool:
            if job.title != "Reading all texts":
                job.begin("Reading all texts")
            job.progress(n_done, n_texts)
            return not job.stop.is_set()

        from labelling.learning.classifiers import Stopped

        try:
            return classify(
                bench, _classifier(chosen), f"Classifier, {model}"[:60], chosen, callback, on_batch, state_file
            )
        except Stopped:
            return None

    job = jobs().start("classify", session.project.id, title="Training", work=work)
    job.settings = chosen


def _state_file(session: Session, chosen: dict[str, Any]) -> Path:
    """Where a training that was stopped is kept; others, of other settings or labels, are removed."""
    digest = hashlib.sha256(json.dumps([chosen, session.log.seq], sort_keys=True).encode()).hexdigest()[:16]
    path = session.project.folder / f"classifier-{digest}.safetensors"
    for other in session.project.folder.glob("classifier-*.safetensors"):
        if other != path:
            other.unlink(missing_ok=True)
    return path


# ---------------------------------------------------------------- result


def result(session: Session) -> None:
    """The loss while it trains; then both maps, and what the classifier suggests."""
    job = _job(session)
    if job is not None:
        st.fragment(faults.guarded(_show_run), run_every=REFRESH_SECONDS if job.is_alive() else None)(session)
    if job is not None and job.is_alive():
        return
    spaces = [space for space in session.project.spaces() if space.ready and space.kind == CLASSIFIER]
    newest = spaces[-1] if spaces else None
    if newest is None or newest.state != "candidate":
        tuning.one_map(session, session.project.current, "Train a classifier: its loss, and then")
    else:
        tuning.compare(session, newest)
    if newest is not None and newest.suggestions is not None:
        _suggested(session, newest, newest.suggestions)


def _show_run(session: Session) -> None:
    job = _job(session)
    if job is None:
        return
    if job.is_alive():
        progress.show_progress(job, "texts" if job.title.startswith("Reading") else "steps")
        st.caption("Stopped, it can be taken up again." if not job.stop.is_set() else "Stopping …")
    elif job.error is not None:
        page.error(job.failure)
    elif job.result is None:
        note, button = st.columns([6, 1], vertical_alignment="center")
        note.info("The training was stopped; how far it was is kept.")
        if button.button("Go on", icon=":material/play_arrow:", width="stretch"):
            chosen = job.settings
            jobs().forget("classify", session.project.id)
            _start(session, chosen)
            st.rerun()
    elif state.of_project(tuning.Seen).classified != job.result.id:
        state.of_project(tuning.Seen).classified = job.result.id
        st.rerun()
    tuning.loss_chart(job)


def _suggested(session: Session, space: Space, found: Suggestions) -> None:
    """How many texts each label is suggested for, and how sure the classifier is of them."""
    st.markdown("##### Suggested for texts without a label")
    sure = {offer.name: found.probability[offer.rows] for offer in session.suggested.offers(0.0, space)}
    shown = pd.DataFrame(
        {
            "label": list(sure),
            "texts": [len(each) for each in sure.values()],
            f"{AT_LEAST:.0%} sure and more": [int((each >= AT_LEAST).sum()) for each in sure.values()],
            "less than 50 %": [int((each < 0.5).sum()) for each in sure.values()],
        }
    ).sort_values("texts", ascending=False)
    height: int | Literal["content"] = "content" if len(shown) <= LABELS_AT_ONCE else 35 * (LABELS_AT_ONCE + 1)
    st.dataframe(shown, hide_index=True, width="stretch", height=height)
    if n := space.settings.get("n_truncated"):
        st.caption(
            f"{n:,} of the labelled texts {'is' if n == 1 else 'are'} longer than what the model reads: it saw the "
            "beginning."
        )
    if space.state == "candidate":
        st.caption("Keep it, and select these on the label page: surest first, read a sample, label with a key.")
