"""Who is at the page, and what they may open: somebody who typed a name, or an account that signed in.

Signing in is Streamlit's (st.login, OpenID Connect), and is on where its secrets have a section [auth].
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, unquote

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from labelling.database.engine import WorkspaceError
from labelling.labels import user_name
from labelling.ui.frame import faults, resources, state
from labelling.ui.frame.markdown import escape
from labelling.ui.frame.steps import step
from labelling.workspace import Project, ProjectInfo, as_account

COOKIE = "corral-name"
# For a year, and for this host alone.
COOKIE_JS = """export default ({ data }) => {
  document.cookie = `${data.cookie}=${data.value}; path=/; max-age=31536000; SameSite=Strict`;
};
"""
# The provider sends one back to the first page. What was wanted waits in this tab of the browser meanwhile: the name of
# a page here and a project's id, nothing else, so that nobody can be sent anywhere else by it.
WANTED_JS = """const KEY = "corral-wanted";
const PAGE = /^(label|tune|classify|labels|history|export|separation)$/;
const ID = /^[a-z0-9]{1,40}$/;

export default ({ data }) => {
  const path = location.pathname;
  const page = PAGE.exec(path.split("/").pop())?.[0] ?? "";
  const base = page ? path.slice(0, -page.length) : path.replace(/\\/?$/, "/");
  const wanted = (sessionStorage.getItem(KEY) ?? "").split(" ");
  sessionStorage.removeItem(KEY);
  const project = new URLSearchParams(location.search).get("project") ?? "";
  if (!data.signed_in && page && ID.test(project)) sessionStorage.setItem(KEY, `${page} ${project}`);
  if (data.signed_in && !page && PAGE.test(wanted[0]) && ID.test(wanted[1] ?? "")) {
    location.replace(`${base}${wanted[0]}?project=${wanted[1]}`);
  }
};
"""
MAX_NAME = 60


def begin() -> None:
    """Ask to sign in where that is set up, and stop the page until it is done; show who is here."""
    asked = signing_in()
    if asked:
        with st.container(key="corral-wires-wanted"):
            _wanted()(key="corral-wanted", data={"signed_in": account() is not None})
    if not asked or account() is not None:
        _show_person()
        return
    st.title("Sign in")
    st.markdown("Projects here belong to those who made them, and to those they share them with.")
    if "project" in st.query_params:
        st.caption("After that, you are back on this page.")
    for provider in _providers():
        name = f" with {escape(provider)}" if provider else ""
        if st.button(f"Sign in{name}", key=f"sign in {provider}", type="primary", icon=":material/login:"):
            try:
                st.login(provider)
            except StreamlitAPIException as problem:  # the secrets lack something
                faults.box(str(problem))
    st.stop()


def signing_in() -> bool:
    """Whether signing in is set up. Stops the page where that can't be told, rather than let everybody in."""
    known = st.secrets.load_if_toml_exists()
    if "is_logged_in" in st.user or (known and "auth" in st.secrets):
        return True
    files = [path for path in map(Path, st.get_option("secrets.files")) if path.exists()]
    if files and not known:
        st.error(f"Nobody gets in: {escape(str(files[0]))} can't be read. Is it valid TOML?", icon=":material/error:")
        st.stop()
    return False


def _providers() -> list[str | None]:
    """What can be signed in with: the sections below [auth], or [auth] itself, which has no name."""
    auth: Mapping[str, Any] = st.secrets.get("auth", {})
    named: list[str | None] = [name for name, section in auth.items() if isinstance(section, Mapping)]
    named = [name for name in named if "client_id" in auth[str(name)]]
    return [None] if "client_id" in auth or not named else named


# ---------------------------------------------------------------- who


def account() -> str | None:
    """The account that signed in: its verified e-mail address, else its subject and who vouches for it.

    None where nobody has.
    """
    return _account_of(st.user.to_dict())


def account_of_cookies(cookies: Mapping[str, str]) -> str | None:
    """As `account`, of a request outside of the pages."""
    signed = _get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    return _account_of(json.loads(signed or b"{}"))


def may_upload(cookies: Mapping[str, str]) -> bool:
    """Whether who sends these cookies is signed in, where people sign in."""
    return not resources.signing_in_is_set_up() or account_of_cookies(cookies) is not None


def _account_of(claims: Mapping[str, Any]) -> str | None:
    if not claims.get("is_logged_in") or _sign_in(claims) in resources.signed_out():
        return None
    if claims.get("email") and claims.get("email_verified") in (True, "true"):
        return as_account(str(claims["email"]))
    # A subject is one's own at one issuer only. With the spaces it is nobody's address.
    return as_account(f"{claims['sub']} at {claims['iss']}")


def _sign_in(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells one sign-in from another; all tabs of a browser have the same."""
    return tuple(str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce"))


@dataclass
class _Person:
    """The name that was typed in this tab."""

    typed: str | None = None


def person() -> str:
    """Whose the actions are: the account, or the name that was typed in this browser, or this process's user."""
    if (signed_in := account()) is not None:
        return signed_in
    typed = state.of_tab(_Person).typed
    return (_clean(unquote(st.context.cookies.get(COOKIE, ""))) if typed is None else typed) or user_name()


def _clean(name: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in name).split())[:MAX_NAME]


# ---------------------------------------------------------------- what they may open


def open_project(project_id: str) -> Project:
    """The project, for who is here. Raises WorkspaceError where it isn't there, or isn't theirs."""
    return until_signed_out(resources.workspace().open(project_id, _account()))


def until_signed_out(project: Project) -> Project:
    """The project, which who is here can read and change until they sign out, in whatever tab."""
    ended, this = resources.signed_out(), _sign_in(st.user.to_dict())
    project.has_ended = lambda: this in ended
    # Where it may no longer be opened, what is on the page goes too: the page runs again and says so.
    project.on_closed = st.rerun
    return project


def delete_project(project_id: str) -> None:
    """Raises WorkspaceError where it isn't there, or isn't theirs."""
    resources.workspace().delete(project_id, _account())


def projects() -> list[ProjectInfo]:
    """Those that who is here may open, the newest first."""
    return resources.workspace().projects(_account())


def _account() -> str | None:
    """`account`, for what has no owner too: where nobody is asked who they are."""
    if (signed_in := account()) is None and signing_in():  # in a callback, which runs before the page has begun
        raise WorkspaceError("You have signed out: sign in again.")
    return signed_in


def who_sees(folder: str) -> str:
    """Who sees the projects that are made here, and where they are kept."""
    if account() is not None:
        return "Your projects are kept on the server. Only you see them, and those you share one with."
    kept = f"Projects are kept on this server, in {escape(folder)}."
    if st.get_option("server.address") in resources.LOCAL:
        return f"{kept} It listens on localhost: only this machine reaches it."
    return kept


def open_to_all() -> str | None:
    """A warning where people whom nobody asks who they are may reach the server; None where they can't."""
    if account() is not None or st.get_option("server.address") in resources.LOCAL:
        return None
    return (
        "Nobody signs in on this server, and it listens to other machines too: **everybody who reaches it sees all "
        "projects** and can change them. How to set up signing in stands in docs/team.md."
    )


# ---------------------------------------------------------------- shown on every page


def _show_person() -> None:
    if (typed := state.of_tab(_Person).typed) is not None:
        with st.container(key="corral-wires-name"):
            _cookie()(key="corral-name", data={"cookie": COOKIE, "value": quote(typed, safe="")})
    with st.container(key="corral-person"), st.popover(escape(person()) or "Who?", icon=":material/person:"):
        if (signed_in := account()) is not None:
            st.text(f"Signed in as {signed_in}")
            if st.button("Sign out", icon=":material/logout:", key="sign out"):
                _sign_out()
        else:
            st.text_input(
                "Your name",
                value=person(),
                key="name typed",
                max_chars=MAX_NAME,
                on_change=step(_take_name),
                help="Stands with what you do in the history; undo takes back what was done under it. This browser "
                "remembers it. It is no password: anybody can type it.",
            )


def _take_name() -> None:
    state.of_tab(_Person).typed = _clean(st.session_state["name typed"])


@cache
def _wanted() -> Any:
    return st.components.v2.component("corral_wanted", js=WANTED_JS)


@cache
def _cookie() -> Any:
    return st.components.v2.component("corral_name", js=COOKIE_JS)


def _sign_out() -> NoReturn:
    """In every tab of this browser: Streamlit's own logout reaches the others only when they are opened anew."""
    resources.signed_out().add(_sign_in(st.user.to_dict()))
    st.session_state.clear()
    st.logout()
    st.stop()
