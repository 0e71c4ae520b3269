"""The server round the pages: which hosts it answers for, what it says to browsers about framing, and that it drops
nothing of what a page has to show.

A page elsewhere whose name leads to this machine (DNS rebinding) is told by the Host header that its browser sends: it
is that page's own. Streamlit looks at it for websockets alone.
"""

import os
import re
from urllib.parse import urlsplit

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from labelling.errors import CorralError
from labelling.ui.frame import access, assets, downloads

FRAMED_BY = "CORRAL_FRAMED_BY"  # names the origins whose pages may show these in a frame
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
MEDIA = "/media"  # where Streamlit keeps what the pages' buttons made
UPLOADS = "/_stcore/upload_file/"  # where it takes files, for anybody with a page open, and keeps them in memory
SOON = 0.005  # seconds
CLOSED = "/_stcore/metrics"  # how many sessions there are, and how much memory they take


def headers() -> dict[str, str]:
    """What goes with every answer. Raises CorralError where CORRAL_FRAMED_BY holds anything but origins.

    No page of another origin may show these pages in a frame, and let somebody click there on what they don't see, but
    for those that whoever runs the server names, with blanks between.
    """
    named = os.environ.get(FRAMED_BY, "").split()
    for origin in named:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?", origin):
            raise CorralError(
                f"{FRAMED_BY} names {origin!r}, which is no origin: write for example https://huggingface.co, without "
                "anything after the host; several with blanks between."
            )
    policy = {"Content-Security-Policy": " ".join(["frame-ancestors 'self'", *named])}
    # The older header knows no list: where one is named it would forbid that, too.
    return HEADERS | policy | ({} if named else {"X-Frame-Options": "SAMEORIGIN"})


def runs_a_page() -> bool:
    """Whether Streamlit runs app.py for somebody's page, rather than its server looking for the app in it."""
    return get_script_run_ctx(suppress_warning=True) is not None


def deliver_everything() -> None:
    """Let no run of a page begin before what the last one shows was taken in by the server's event loop.

    Streamlit begins it in a new thread as soon as the last one has ended, and from then on drops what it has not taken
    in of that: on a busy server half a page, or what a press of a button did, would not be shown.

    Nor let a part of the page that runs next make of another part's end that it was broken off: what that part shows
    no longer would stay on the page.
    """
    create = AppSession._create_scriptrunner
    if create.__module__ == __name__:
        return

    def begin(session: AppSession, asked: RerunData) -> None:
        if session._state == AppSessionState.SHUTDOWN_REQUESTED:
            return
        if session._scriptrunner is None:
            create(session, asked)
        elif not session._scriptrunner.request_rerun(asked):  # it has ended, but not everything has come from it
            session._event_loop.call_later(SOON, begin, session, asked)

    AppSession._create_scriptrunner = begin  # type: ignore[assignment, method-assign]
    forget = ForwardMsgQueue.clear

    def forget_but_ends(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        running = set(fragment_ids_this_run or ())
        ends = [each for each in queue._queue if running and each.WhichOneof("type") == "script_finished"]
        others = [(end, end.script_finished) for end in ends if running.isdisjoint(end.metadata.run.fragment_ids)]
        forget(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        for end, how in others:
            end.script_finished = how

    ForwardMsgQueue.clear = forget_but_ends  # type: ignore[assignment, method-assign]


def middleware() -> list[Middleware]:
    return [Middleware(Guard)]


class Guard:
    """Lets nobody in by a host that is not in server.allowedHosts, nor other origins' websockets; adds `headers`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        host = asked.get("host")
        if scope["type"] == "websocket":
            # Streamlit lets some other origins in, and asks a machine elsewhere for this one's address to tell which.
            origin = asked.get("origin")
            if is_host_allowed(host) and (origin is None or urlsplit(origin).netloc == host):
                await self.app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        if not is_host_allowed(host):
            allowed = ", ".join(st.get_option("server.allowedHosts"))
            refusal = PlainTextResponse(
                f"This server answers for {allowed} alone. Whoever runs it names others by --server.allowedHosts.", 400
            )
            await refusal(scope, receive, send)
            return
        if assets.is_asset(scope["path"]):
            found = await run_in_threadpool(assets.answer, scope["method"], scope["path"], asked)
            await found(scope, receive, self._with_headers(send))
            return
        before, _, name = scope["path"].rpartition("/")
        if before.endswith(MEDIA) and not await run_in_threadpool(
            downloads.may_fetch, HTTPConnection(scope).cookies, name.partition(".")[0]
        ):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return
        if UPLOADS in scope["path"] and not await run_in_threadpool(access.may_upload, HTTPConnection(scope).cookies):
            await PlainTextResponse("Sign in first", 403)(scope, receive, send)
            return
        if scope["path"].rstrip("/").endswith(CLOSED):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return

        await self.app(scope, receive, self._with_headers(send))

    def _with_headers(self, send: Send) -> Send:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        return with_headers
