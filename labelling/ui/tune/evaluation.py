"""What a new space is worth on labels that its tuner has not seen: worked out in the background, then shown."""

from typing import Any, Literal

import pandas as pd
import streamlit as st

from labelling.learning.evaluation import Evaluation, TooFewLabels
from labelling.learning.registry import make_tuner
from labelling.session import Session
from labelling.tasks.evaluate import evaluate
from labelling.tasks.jobs import Job
from labelling.ui.frame import faults, page, progress
from labelling.ui.frame.resources import jobs, new_workbench
from labelling.ui.map import colours
from labelling.workspace import Space

REFRESH_SECONDS = 0.5
ROW_HEIGHT = 26
LABELS_AT_ONCE = 20  # in the chart: more than these scroll
BEFORE, AFTER = "before", "after"
MEASURING, UNKNOWN = "measuring", "unknown"
ICONS = {"better": ":material/trending_up:", "alike": ":material/trending_flat:", "worse": ":material/trending_down:"}


def of(space: Space) -> Evaluation | None:
    """What is known of a space, None where it has not been evaluated."""
    values = space.settings.get("evaluation")
    return Evaluation.from_dict(values) if values else None


def say(session: Session, new: Space) -> str:
    """Say in a line how `new` does beside the space that it is compared with; measure it where that is missing.

    Returns what the choice may rest on: the verdict, see `Evaluation.verdict`; UNKNOWN where there is no figure that
    tells anything, MEASURING while it is worked out.
    """
    found = of(new)
    if found is not None:
        return _say(session, new, found)
    job = jobs().get("evaluate", session.project.id, new.id) or _start(session, new)
    if job.is_alive():
        st.fragment(faults.guarded(_wait), run_every=REFRESH_SECONDS)(job)
        return MEASURING
    if job.result is not None:  # it came while this run was under way
        st.rerun()
    if isinstance(job.error, TooFewLabels):
        st.info(str(job.error), icon=":material/lightbulb:")
        return UNKNOWN
    if job.error is not None:
        page.error(job.failure)
    else:
        st.caption("Stopped: there are no figures for this space. It can be kept all the same.")
    if st.button("Measure again", icon=":material/refresh:"):
        jobs().forget("evaluate", session.project.id, new.id)
        st.rerun()
    return UNKNOWN


def show(session: Session, new: Space) -> None:
    """The figures of `new` beside those of the space it is compared with, label by label, where there are any."""
    found = of(new)
    if found is None:
        return
    st.markdown("##### On labels that the tuner has not seen")
    imported = any(action.kind == "import" for action in session.log.actions)
    _show(found, str(new.id), _baseline(session, found), new.name, imported=imported)


def _baseline(session: Session, found: Evaluation) -> str:
    names = {str(space.id): space.name for space in session.project.spaces()}
    return names.get(found.baseline, "the map before")


def _start(session: Session, space: Space) -> Job:
    bench = new_workbench(session.project)

    def work(job: Job) -> Evaluation | None:
        return evaluate(
            bench.project,
            bench.log,
            space,
            lambda each: make_tuner(each.kind, each.settings),
            job.progress,
            job.stop,
        )

    return jobs().start("evaluate", session.project.id, space.id, title="Holding out labels", work=work)


def _wait(job: Job) -> None:
    if not job.is_alive():
        st.rerun()
    progress.show_progress(job, "fits")


def _say(session: Session, new: Space, found: Evaluation) -> str:
    if not found.enough:
        st.info(
            "**Too few lassos to tell whether it is better.** Draw a second one for each label, elsewhere on the map: "
            "then whole lassos can be held out.",
            icon=":material/lightbulb:",
        )
        return UNKNOWN
    key, old = str(new.id), page.escape(_baseline(session, found))
    gain, margin, verdict = found.gain[key], found.margin[key], found.verdict(key)
    after, before = (_percent(found.figures[name].in_space) for name in (key, found.baseline))
    said = (
        f"{after} of the held-out texts are found, {before} were before: {_points(gain)} points "
        f"(95 % interval {_points(gain - margin)} to {_points(gain + margin)})."
    )
    {"better": st.success, "alike": st.info, "worse": st.warning}[verdict](
        {
            "better": f"**Better** than {old}: {said}",
            "alike": f"**No clear difference** to {old}: {said} Keep it where you like its map better.",
            "worse": f"**Worse** than {old}: {said} Going back loses nothing.",
        }[verdict],
        icon=ICONS[verdict],
    )
    return verdict


def _show(found: Evaluation, key: str, old_name: str, new_name: str, *, imported: bool) -> None:
    numbers, chart = st.columns([2, 3], gap="medium")
    with numbers:
        _metrics(found, key, old_name)
        st.caption(_rests_on(found, key, imported=imported))
    if found.enough:
        with chart:
            st.caption(f"Found, by label: ○ {page.escape(old_name)}, ● {page.escape(new_name)}")
            n_labels = len(found.counts)
            if n_labels > LABELS_AT_ONCE:
                st.caption(f"{n_labels:,} labels, those found least come first: scroll for the others.")
            height: int | Literal["content"] = ROW_HEIGHT * LABELS_AT_ONCE if n_labels > LABELS_AT_ONCE else "content"
            with st.container(height=height, border=False):
                st.altair_chart(_recall_chart(found, key), width="stretch")


def _metrics(found: Evaluation, key: str, old_name: str) -> None:
    left, right = st.columns(2)
    if found.neighbours_kept is not None:
        (right if found.enough else left).metric(
            "Neighbours kept",
            _percent(found.neighbours_kept),
            help="Of each unlabelled text's 15 nearest neighbours in the original embedding, so many are still "
            "among its 15 nearest. The lower, the more the new space has lost of what nobody has labelled yet.",
        )
    if not found.enough:
        return
    alike = found.verdict(key) == "alike"
    left.metric(
        "Held-out texts found",
        _percent(found.figures[key].in_space),
        f"{_points(found.gain[key])} points",
        delta_color="off" if alike else "normal",
        delta_arrow="off" if alike else "auto",
        help="Held-out texts that lie among labelled texts of their own label: of the five nearest, in all dimensions, "
        f"most bear it. The number below is the difference to {page.escape(old_name)}. Whether a map looks clearer is "
        "another question.",
    )


def _rests_on(found: Evaluation, key: str, *, imported: bool) -> str:
    what = "text" if found.flatters else "step"
    of = "" if found.flatters else f" given in {found.n_groups:,} steps (lassos, proposals, single texts)"
    if imported and not found.flatters:
        of += ", where each imported text counts as one"
    said = (
        f"From {found.n_rows:,} labels{of}; each {what} was held out while a tuner like this one was fitted on the "
        "others."
    )
    if found.flatters:
        before, after = (_percent(found.figures[name].in_space) for name in (found.baseline, key))
        said += f" {before} were found before, {after} after: that flatters, as others of their lasso were learnt from."
    if found.not_measured:
        said += f" Not measured, as one {what} cannot be held out: {', '.join(map(page.escape, found.not_measured))}."
    return said


def _recall_chart(found: Evaluation, key: str) -> Any:
    """A line a label from its recall before to its recall after."""
    import altair as alt

    before, after = found.figures[found.baseline].recall, found.figures[key].recall
    recalls = pd.DataFrame(
        [
            {"label": label, "texts": n, BEFORE: before[label], AFTER: after[label]}
            for label, n in sorted(found.counts.items(), key=lambda item: after[item[0]])
        ]
    )
    named = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=160, ticks=False, domain=False))
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(recalls).encode(
        y=named,
        tooltip=["label", "texts", alt.Tooltip(BEFORE, format=".0%"), alt.Tooltip(AFTER, format=".0%")],
    )
    line = base.mark_rule(strokeWidth=3, opacity=0.5, color=colours.HUES[0]).encode(
        x=alt.X(BEFORE, scale=scale, title=None, axis=alt.Axis(format="%", tickCount=5, orient="top")), x2=AFTER
    )
    hollow = base.mark_point(size=70, strokeWidth=2, color=colours.HUES[0]).encode(x=alt.X(BEFORE, scale=scale))
    full = base.mark_point(size=90, filled=True, opacity=1, color=colours.HUES[0]).encode(x=alt.X(AFTER, scale=scale))
    return (line + hollow + full).properties(height=alt.Step(ROW_HEIGHT))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _points(difference: float) -> str:
    return f"{100 * difference:+.0f}"
