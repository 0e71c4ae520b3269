"""How every page begins: its frame, the session, and what was said just before."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import streamlit as st
from streamlit.navigation.page import Page
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from labelling.database.engine import WorkspaceError
from labelling.errors import CorralError
from labelling.labels.error_rate import percent
from labelling.session import Session
from labelling.ui.frame import access, faults, news, resources, state
from labelling.ui.frame.markdown import escape
from labelling.ui.frame.steps import tell_anyway, told
from labelling.workspace import Project

TEXTS, LABEL, LABELS, TUNE = "pages/texts.py", "pages/label.py", "pages/labels.py", "pages/tune.py"
CLASSIFY, HISTORY, EXPORT = "pages/classify.py", "pages/history.py", "pages/export.py"
SESSION = "corral"  # the one key of st.session_state that holds the session

ICON = Path(__file__).parent / "icon.svg"
WIDE = "<style>.stMainBlockContainer { padding: 4rem 2rem 2rem; max-width: none; }</style>"
STYLE = """<style>
.stMainBlockContainer { padding: 4rem 1rem 2rem; }
/* A link to another action of the page where one is: Streamlit shows such a link as what one is reading. */
.stMain [data-testid="stPageLink-NavLink"]:not(:hover) { background: none; }
.stMain [data-testid="stPageLink-NavLink"] p { font-weight: 400; text-decoration: underline; }
@media (max-width: 1250px) { .stMain [data-testid="stButtonGroup"] button { padding: 0 0.55rem; } }
/* With what is round it, or the empty wrapper would keep its distance from its neighbours. */
[class*="st-key-corral-wires"], [data-testid="stLayoutWrapper"]:has(> [class*="st-key-corral-wires"]) { display: none; }
/* No fading while a run is under way: the map and the panel would flicker at every step. And without a GPU, whatever
   moves by itself keeps a core busy that the work behind the bar could use. */
.stElementContainer, .stProgress * { opacity: 1 !important; transition: none !important; }
.st-key-corral-top { min-height: 3.4rem; }
/* Streamlit's own grey of captions and shown keys has too little contrast to be read by everybody (WCAG 1.4.3). */
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] *, .stApp kbd {
  color: color-mix(in srgb, var(--st-text-color) 82%, var(--st-background-color)) !important; opacity: 1 !important; }
[data-testid^="stBaseButton-primary"]:not(:disabled), .stMultiSelect span[title] {
  color: light-dark(#fff, #0b1b29) !important; }
.corral-sample { border-left: 4px solid var(--corral-colour, #8888); padding: 2px 0 2px 10px; margin: 0 0 9px;
  font-size: 0.88rem; line-height: 1.4; white-space: pre-line; overflow-wrap: anywhere; unicode-bidi: plaintext; }
.corral-sample[data-corral-row] { cursor: pointer; }
.corral-sample:hover, .corral-sample:focus-visible, .corral-lit { background: #8882; outline: none; }
.corral-sample.corral-marked { background: #0072B233; box-shadow: inset 0 0 0 2px #0072B2; }
.corral-sample mark { background-color: #E69F0066; color: inherit; }
::highlight(corral-words) { background-color: #E69F0044; text-decoration: underline #E69F00; }
[class*="st-key-corral-label-line"] { flex-wrap: nowrap; }
[class*="st-key-corral-label-line"] > :last-child { flex-shrink: 1; min-width: 0; }
.corral-keywords { display: flex; flex-wrap: wrap; gap: 4px; }
.corral-keywords span { padding: 0 7px; border: 1px solid #8886; border-radius: 10px; font-size: 0.8rem;
  cursor: pointer; }
.corral-keys { display: grid; grid-template-columns: auto 1fr; gap: 3px 14px; margin: 0; font-size: 0.82rem; }
.corral-keys dt { font-weight: 600; }
.corral-keys dd { margin: 0; opacity: 0.8; }
/* As high with chips as without, while they fit a line; what follows must not move. */
.st-key-corral-chips { min-height: 2.2rem; gap: 0.2rem 0.5rem; }
/* Streamlit keeps a button that has gone for a while, and shows it as long as it has the focus. */
.st-key-corral-chips [data-retained], .st-key-corral-chips :has(> .stEmpty) { display: none !important; }
.st-key-corral-chips button { min-height: 1.7rem; padding: 0 0.5rem; border-radius: 0.85rem; }
.st-key-corral-chips button p { font-size: 0.82rem; }
.st-key-corral-labels button, .st-key-corral-answers button { min-height: 2rem; padding: 0.1rem 0.6rem; }
.corral-sample small { display: block; opacity: 0.65; }
/* Beside the menu, on every page; out of the flow, so that nothing moves. */
[data-testid="stLayoutWrapper"]:has(> .st-key-corral-person) { position: fixed; top: 0.8rem; right: 4rem; width: auto;
  z-index: 999991; }
.st-key-corral-person button { border: none; background: none; min-height: 2rem; font-size: 0.85rem; opacity: 0.75;
  max-width: 16rem; }
.st-key-corral-preview [data-testid="stElementToolbar"] { display: none; }
.corral-glyph { font-size: 1.1rem; line-height: 1; }
.corral-whole-legend, .corral-whole-legend details[open] { display: flex; flex-wrap: wrap; gap: 2px 14px; }
.corral-whole-legend { font-size: 13px; }
.corral-whole-legend details { flex-basis: 100%; }
.corral-whole-legend summary { flex-basis: 100%; width: fit-content; cursor: pointer; text-decoration: underline; }
.corral-whole-legend .corral-legend-entry { gap: 6px; padding: 2px 0; }
.corral-bar { display: flex; height: 8px; border-radius: 4px; overflow: hidden; background: #8883; }
</style>"""


# Streamlit adds an entry to the browser's history whenever the query of a page's address changes. Back would then lead
# to the page where one is: such an entry takes the place of the one before.
HISTORY_JS = """export default () => {
  if (history.corral) return;
  history.corral = true;
  const push = history.pushState;
  history.pushState = (state, unused, url) => {
    const same = new URL(url ?? "", location.href).pathname === location.pathname;
    (same ? history.replaceState : push).call(history, state, unused, url);
  };
};
"""


@dataclass
class _Begun:
    """Whether this tab's first run began at app.py."""

    at_app: bool = False


@cache
def _history() -> Any:
    return st.components.v2.component("corral_history", js=HISTORY_JS)


def run(navigation: Page) -> None:
    """Run the page that was chosen; where it fails, it says so in what is there of it."""
    faults.begin_log()
    faults.guarded(navigation.run)()
    with told(faults.STEP_ERROR) as message:  # of a page that has no place of its own for it
        if message:
            error(message)


def start(title: str, *, wide: bool = True) -> None:
    """Set the page up. The first call of every page."""
    state.of_tab(faults.Where).said = f"the page {title}"
    news.forget()
    if (context := get_script_run_ctx()) is not None:
        context.on_script_error = faults.show  # for a page that runs by itself, without app.py and its `run`
    if PagesManager.uses_pages_directory and not state.of_tab(_Begun).at_app:
        # A server that was started anew, and an address of this page from before: Streamlit takes the folder for the
        # menu as long as app.py has not run. Run again, it begins there.
        PagesManager.uses_pages_directory = False
        state.of_tab(_Begun).at_app = True
        st.rerun()
    st.set_page_config(page_title=f"{title} · Corral", page_icon=str(ICON), layout="wide" if wide else "centered")
    st.html(STYLE + WIDE if wide else STYLE)
    with st.container(key="corral-wires-history"):
        _history()(key="corral-history")
    access.begin()
    try:
        resources.workspace()
    except WorkspaceError as problem:
        stop(str(problem))
    with told("note") as note:
        if note:
            st.toast(note, duration="long")


def stop(message: str) -> NoReturn:
    """Say why this page can't go on, and where to go from here."""
    error(message)
    st.page_link(TEXTS, label="Go to the texts", icon=":material/arrow_back:")
    st.stop()


def need_embeddings(current: Session) -> None:
    """Stop the page where not all texts are embedded yet."""
    if not current.project.spaces()[0].ready:
        st.info("The texts are still being embedded: come back when all are.", icon=":material/hourglass_top:")
        st.page_link(LABEL, label="See how far it is", icon=":material/arrow_back:")
        st.stop()


def error(message: object) -> None:
    """An error in a red box: as text, for it may quote a file or a URL. What nobody expected is logged."""
    faults.box(message)


def session() -> Session:
    """The session of the project in the URL, opened where this tab has not got it yet; stops the page without one."""
    project_id = st.query_params.get("project")
    held: Session | None = st.session_state.get(SESSION)
    before = held
    try:
        if held is not None and not (held.project.account == access.account() and held.project.is_open):
            project_id = held.project.id if project_id is None else project_id
            held = None
            forget()
        if held is None or project_id not in (None, held.project.id):
            if project_id is None:
                st.info("No texts are loaded yet.", icon=":material/inbox:")
                st.page_link(TEXTS, label="Load some, or open a demo", icon=":material/arrow_back:")
                st.stop()
            held = open_project(access.open_project(project_id))
        # The page menu drops it. Said where it stands already, it would end in the address of the page before.
        if st.query_params.get("project") != held.project.id:
            st.query_params["project"] = held.project.id
        if held.project.has_grown:
            held = open_project(access.open_project(held.project.id))
            st.toast("Texts were added to this project: selection, search and filter start afresh.")
        held.log.who = access.person()
        held.log.refresh()
    except CorralError as problem:
        if before is not None and project_id in (None, before.project.id) and before.project.is_gone:
            forget()
            stop(_gone(before.project))
        stop(str(problem))
    state.of_tab(faults.Where).said += f" of project {held.project.id}"
    resources.warm_up(at_once=False)  # a search by meaning, a tuner
    return held


def _gone(project: Project) -> str:
    others = "" if project.account is None else ", or is no longer shared with you"
    return (
        f"There is no project {project.name!r} any more: it was deleted meanwhile, in another tab or by somebody else"
        f"{others}. The others are in the list."
    )


def check_open() -> None:
    """Run the page again where its project may no longer be opened. For a fragment that asks nothing of the project."""
    held: Session | None = st.session_state.get(SESSION)
    if held is not None and not held.project.is_open:
        st.rerun()


def forget() -> None:
    """Let go of the tab's session, and of what was chosen on the pages for its project."""
    state.forget_project()
    st.session_state.pop(SESSION, None)


def open_project(project: Project) -> Session:
    """Make this the tab's session; what was chosen on the pages for another project is forgotten."""
    forget()
    session = st.session_state[SESSION] = resources.new_session(access.until_signed_out(project), access.person())
    resources.read_ahead(session)
    return session


def go_label(project: Project) -> NoReturn:
    """Open the project on the label page."""
    open_project(project)
    st.switch_page(LABEL, query_params={"project": project.id})


def say_later(note: str) -> None:
    """Show `note` as a toast on the page that runs next."""
    tell_anyway("note", note)


def header(current: Session) -> None:
    """One line: the project, and how much of it is labelled."""
    name, progress = st.columns([1, 1], vertical_alignment="center")
    name.markdown(f"##### {escape(current.project.name)}")
    with progress:
        labelled(current)


def labelled(current: Session) -> None:
    """A bar: how much of the project is labelled; with yes, no and unknown: has an answer for the label in focus."""
    n_labelled, n_texts, said = _counted(current)
    st.progress(
        n_labelled / n_texts,
        f"{n_labelled:,} of {n_texts:,} {escape(said)} ({_percent(n_labelled, n_texts)}%)"
        f"{without_text(current.project.n_rows - n_texts)}{_how_right(current) if n_labelled else ''}{_part(current)}",
    )


def _percent(n: int, n_texts: int) -> str:
    return "under 1" if 0 < n < n_texts / 100 else str(percent(n / n_texts))


def _part(current: Session) -> str:
    """Of a sample of a store: how many of how many it is."""
    n = current.project.n_in_store
    return "" if n is None else f"; a sample: {current.project.n_rows:,} of {n:,}"


def in_words(current: Session) -> str:
    """What is selected and how much is labelled, as a screen reader says it."""
    n_labelled, n_texts, said = _counted(current)
    return f"Selected: {len(current.selection):,}. {said[0].upper()}{said[1:]}: {n_labelled:,} of {n_texts:,}."


def _counted(current: Session) -> tuple[int, int, str]:
    """How many texts have a label, or an answer for the label in focus; how many there are; and which of the two."""
    n_texts, focus = int(np.count_nonzero(current.labels.with_text)), current.labels.focus
    n_labelled = n_texts - int(np.count_nonzero(current.labels.unlabelled))
    return n_labelled, n_texts, f"answered for {focus.name}" if focus else "labelled"


def _how_right(current: Session) -> str:
    """How right the labels are, by what was read of them at random."""
    found = current.log.rightness()
    if found is None:
        return " · how right: not checked yet"
    return f" · about {found.words}"


def without_text(n: int) -> str:
    """What to add to a count where so many rows have no text."""
    return f" · {n:,} {'row has' if n == 1 else 'rows have'} no text" if n else ""
