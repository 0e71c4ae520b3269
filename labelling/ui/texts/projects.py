"""The projects on the texts page: found, opened, renamed, shared, deleted."""

import html
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from labelling.database.engine import WorkspaceError
from labelling.labels.error_rate import percent
from labelling.readers.tables import count
from labelling.ui.frame import access, faults, page, resources, state
from labelling.ui.frame.steps import step, tell, told
from labelling.workspace import Project, ProjectInfo

SHOWN, MORE, SEARCHED_FROM = 5, 20, 9  # projects: so many at first and at a time, and a box to search them from so many
ENDING_SECONDS = 30  # that work on a project has, to end when it is deleted


@dataclass
class _List:
    """How many projects the list shows."""

    n_shown: int = SHOWN


def list_projects(projects: list[ProjectInfo]) -> None:
    """The projects, that with the last work first, each with a button that opens it; one's own with a menu."""
    found = projects = sorted(projects, key=lambda info: info.worked_at or info.created_at, reverse=True)
    if len(projects) >= SEARCHED_FROM:
        wanted = st.text_input("Find a project", placeholder="find a project by its name", label_visibility="collapsed")
        words = wanted.casefold().split()
        found = [info for info in projects if all(word in info.name.casefold() for word in words)]
        if not found:
            st.caption(f"None of {count(len(projects), 'project')} is called so.")
    shown = state.of_tab(_List).n_shown
    me = access.account()
    for place, info in enumerate(found[:shown]):
        _line(info, me, first=not place)
    if len(found) > shown:
        st.button(
            f"Show {min(MORE, len(found) - shown):,} more of {len(found):,}",
            key="more projects",
            on_click=step(lambda: setattr(state.of_tab(_List), "n_shown", shown + MORE)),
            type="tertiary",
        )


def _line(info: ProjectInfo, me: str | None, *, first: bool) -> None:
    name, size, made, menu, button = st.columns([3.6, 3.7, 3.3, 1.7, 1.6], vertical_alignment="center")
    name.markdown(page.escape(info.name))
    size.caption(_progress(info))
    made.caption((info.worked_at or info.created_at)[:16].replace("T", " "), help=_when(info))
    with menu:
        if info.owner == me:
            _menu(info, me)
        else:  # not as Markdown, which makes a link of an address
            st.html(f"<small style='opacity:0.65'>of {html.escape(info.owner or '')}</small>")
    if button.button("Open", key=f"open-{info.id}", type="primary" if first else "secondary", width="stretch"):
        try:
            page.go_label(access.open_project(info.id))
        except WorkspaceError as error:
            page.error(error)


def _progress(info: ProjectInfo) -> str:
    n_labelled = _n_labelled(info.id, info.owner, info.seq) if info.seq else 0
    return f"{count(info.n_rows, 'row')}, {percent(n_labelled / info.n_rows)}% labelled"


@st.cache_data(show_spinner=False, max_entries=1_000)
def _n_labelled(project_id: str, owner: str | None, seq: int) -> int:
    """How many rows have a label, after action `seq`."""
    return access.open_project(project_id).open_log().n_labelled


def _when(info: ProjectInfo) -> str:
    made = f"Made {info.created_at[:16].replace('T', ' ')}"
    return (
        f"{made}, worked on last {info.worked_at[:16].replace('T', ' ')} (UTC)" if info.worked_at else f"{made} (UTC)"
    )


def _menu(info: ProjectInfo, me: str | None) -> None:
    refused = f"refused-{info.id}"

    def do(change: Callable[[], object]) -> None:
        try:
            change()
        except Exception as error:
            tell(refused, faults.said(error))

    shared = access.open_project(info.id).shared_with() if me is not None else []
    label = f"Shared with {len(shared)}" if shared else "More"
    with st.popover(label, type="tertiary", help="Rename, share, delete"), st.container(width=340):
        with told(refused) as message:
            if message:
                page.error(message)
        with st.form(f"rename-{info.id}", border=False):
            st.text_input("Name", value=info.name, key=f"name-{info.id}")
            st.form_submit_button(
                "Rename",
                on_click=step(
                    lambda: do(lambda: access.open_project(info.id).rename(st.session_state[f"name-{info.id}"]))
                ),
            )
        if me is not None:
            st.divider()
            _sharing(info, shared, do)
        st.divider()
        _deleting(info, do)


def _deleting(info: ProjectInfo, do: Callable[[Callable[[], object]], None]) -> None:
    sure = st.checkbox("Delete this project", key=f"sure-{info.id}")
    if sure:
        n_labelled = _n_labelled(info.id, info.owner, info.seq) if info.seq else 0
        st.caption("Its texts, maps and labels go, and can't be brought back. Copies that were made of them stay.")
        st.button(
            f"Delete {count(info.n_rows, 'row')} and {count(n_labelled, 'label')}",
            key=f"delete-{info.id}",
            icon=":material/delete:",
            type="primary",
            on_click=step(lambda: do(lambda: _delete(info))),
        )


def _delete(info: ProjectInfo) -> None:
    if not resources.jobs().end(info.id, ENDING_SECONDS):
        raise WorkspaceError(f"{info.name!r} is still being worked on, and was told to stop: try again in a moment.")
    access.delete_project(info.id)
    tell("note", f"{page.escape(info.name)} is deleted")


def _sharing(info: ProjectInfo, shared: list[str], do: Callable[[Callable[[], object]], None]) -> None:
    """With whom a project of one's own is shared; the form that shares it, the buttons that end it."""
    typed = f"share-{info.id}"

    def change(sharing: Callable[[Project], None]) -> None:
        sharing(access.open_project(info.id))
        st.session_state[typed] = ""

    with st.form(f"form-{info.id}", border=False):
        st.text_input(
            "Share with",
            key=typed,
            placeholder="their e-mail address",
            help="As they sign in here. They see the texts, label, tune and export; they can't share it on.",
        )
        st.form_submit_button(
            "Share",
            on_click=step(lambda: do(lambda: change(lambda project: project.share(st.session_state[typed])))),
        )
    for who in shared:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.text(who, width="content")
            st.button(
                "Stop sharing",
                key=f"unshare-{info.id}-{who}",
                on_click=step(lambda who=who: do(lambda: change(lambda project: project.unshare(who)))),
                type="tertiary",
            )
