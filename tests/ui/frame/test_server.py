"""The server round the pages: hosts, origins, frames."""

import asyncio
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import plotly
import pytest
import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from labelling.errors import CorralError
from labelling.ui.frame import access, assets, resources, server


def ask(scope: dict[str, Any], **headers: str) -> tuple[int | None, dict[str, str], bool]:
    """What comes of a request: its status, the headers, and whether it got through to the app behind."""
    through, sent = [], []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        through.append(True)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": b""})

    async def receive() -> dict[str, Any]:
        return {"type": f"{scope['type']}.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    encoded = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    asyncio.run(server.Guard(app)({"method": "GET", "path": "/", **scope, "headers": encoded}, receive, send))
    start = next((message for message in sent if message["type"] == "http.response.start"), {})
    found = {name.decode(): value.decode() for name, value in start.get("headers", [])}
    return start.get("status"), found, bool(through)


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST"])
def test_this_machines_names_are_answered_and_no_other_page_may_frame_them(host):
    status, headers, through = ask({"type": "http"}, host=host)
    assert (status, through) == (200, True)
    assert headers["content-security-policy"] == "frame-ancestors 'self'"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert ask({"type": "websocket"}, host=host, origin=f"http://{host}")[2]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8501", "localhost.evil.example", "localhost@evil.example", "localhost:x", "", "a/b"],
)
def test_other_names_that_lead_here_are_not_answered(host):
    for path in ("/", "/label", "/_stcore/health", "/media/x.csv"):
        status, _, through = ask({"type": "http", "path": path}, host=host)
        assert (status, through) == (400, False)
    assert not ask({"type": "websocket"}, host=host, origin=f"http://{host}")[2]


def test_plotly_is_kept_by_the_browser_for_ever():
    path = f"/base{assets.plotly_address().removeprefix('.')}"
    status, found, reached_the_app = ask({"type": "http", "path": path}, host="localhost", accept_encoding="br, gzip")
    assert (status, reached_the_app) == (200, False)
    assert found["cache-control"] == "public, max-age=31536000, immutable"
    assert found["content-encoding"] == "gzip"
    assert int(found["content-length"]) < 2_000_000
    assert found["content-type"].startswith("text/javascript")  # nosniff: else no browser runs it
    assert found["x-content-type-options"] == "nosniff"
    plain = ask({"type": "http", "path": path}, host="localhost")[1]
    assert "content-encoding" not in plain
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    assert int(plain["content-length"]) == script.stat().st_size


def test_it_is_read_and_nothing_else():
    request = {"type": "http", "path": f"/{assets.plotly_address().removeprefix('./')}"}
    status, found, _ = ask({**request, "method": "POST"}, host="localhost")
    assert (status, found["allow"]) == (405, "GET, HEAD")
    status, found, _ = ask({**request, "method": "HEAD"}, host="localhost")
    assert (status, int(found["content-length"]) > 1_000_000) == (200, True)


@pytest.mark.parametrize("name", ["plotly-0123456789abcdef.min.js", "..%2Fserver.py", "server.py", ""])
def test_nothing_else_lies_beside_it(name):
    status, _, reached_the_app = ask({"type": "http", "path": f"/_corral/{name}"}, host="localhost")
    assert (status, reached_the_app) == (404, False)


def test_no_host_at_all():
    assert ask({"type": "http"})[::2] == (400, False)
    assert not ask({"type": "websocket"})[2]


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:9999", "null", "http://localhost:8501.x"])
def test_pages_of_other_origins_get_no_websocket(origin):
    assert not ask({"type": "websocket"}, host="localhost:8501", origin=origin)[2]


def test_a_public_name_is_named_by_the_operator(monkeypatch):
    options = {"server.allowedHosts": ["corral.example.org"]}
    monkeypatch.setattr("streamlit.config.get_option", options.get)
    monkeypatch.setattr(st, "get_option", options.get)
    assert ask({"type": "websocket"}, host="corral.example.org", origin="https://corral.example.org")[2]
    assert ask({"type": "http"}, host="localhost")[0] == 400


def test_the_operator_names_whose_pages_may_frame_them(monkeypatch):
    monkeypatch.setenv(server.FRAMED_BY, "https://huggingface.co http://127.0.0.1:8000")
    _, headers, _ = ask({"type": "http"}, host="localhost")
    assert headers["content-security-policy"] == "frame-ancestors 'self' https://huggingface.co http://127.0.0.1:8000"
    assert "x-frame-options" not in headers
    assert not ask({"type": "websocket"}, host="localhost", origin="https://huggingface.co")[2], "no more than framing"


@pytest.mark.parametrize(
    "origin", ["*", "huggingface.co", "https://a.example/b", "https://*", "https://a;script-src", ""]
)
def test_what_is_no_origin_frames_nothing(monkeypatch, origin):
    monkeypatch.setenv(server.FRAMED_BY, origin)
    if origin:
        with pytest.raises(CorralError, match="which is no origin"):
            server.headers()
    else:
        assert server.headers()["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"])
def test_the_servers_figures_are_nobodys(path):
    assert ask({"type": "http", "path": path}, host="localhost")[0] == 404


@pytest.mark.parametrize("base", ["", "/base"])
def test_who_has_not_signed_in_uploads_nothing(monkeypatch, base):
    """Streamlit takes a file from anybody with a page open, the page "Sign in" too, and keeps it in memory."""
    monkeypatch.setattr(access, "account_of_cookies", lambda cookies: cookies.get("who"))
    request = {"type": "http", "method": "PUT", "path": f"{base}/_stcore/upload_file/a-session/a-file"}
    monkeypatch.setattr(resources, "signing_in_is_set_up", lambda: True)
    assert ask(request, host="localhost")[::2] == (403, False)
    assert ask(request, host="localhost", cookie="who=ann@example.org")[::2] == (200, True)
    monkeypatch.setattr(resources, "signing_in_is_set_up", lambda: False)
    assert ask(request, host="localhost")[::2] == (200, True)


def test_no_run_begins_before_all_of_the_last_one_is_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(AppSession, "_create_scriptrunner", lambda session, asked: begun.append(asked))
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)  # put back afterwards
    server.deliver_everything()
    server.deliver_everything()  # once is enough

    class Ended:
        def request_rerun(self, asked: str) -> bool:
            return False

    class Running(Ended):
        def request_rerun(self, asked: str) -> bool:
            begun.append(f"{asked} by it")
            return True

    async def asks() -> None:
        loop = asyncio.get_running_loop()
        session: Any = SimpleNamespace(_scriptrunner=None, _event_loop=loop, _state=AppSessionState.APP_NOT_RUNNING)
        ask = partial(AppSession._create_scriptrunner, session)
        ask("first")
        assert begun == ["first"]
        session._scriptrunner = Ended()
        ask("second")
        await asyncio.sleep(4 * server.SOON)
        assert begun == ["first"]
        session._scriptrunner = None
        await asyncio.sleep(4 * server.SOON)
        assert begun == ["first", "second"]
        session._scriptrunner = Ended()
        ask("third")
        session._scriptrunner = Running()
        await asyncio.sleep(4 * server.SOON)
        assert begun == ["first", "second", "third by it"]
        session._scriptrunner, session._state = None, AppSessionState.SHUTDOWN_REQUESTED
        ask("too late")
        assert len(begun) == 3

    asyncio.run(asks())


def test_a_part_of_the_page_that_runs_next_leaves_the_end_of_another_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)
    monkeypatch.setattr(AppSession, "_create_scriptrunner", AppSession._create_scriptrunner)
    server.deliver_everything()
    queue, statuses = ForwardMsgQueue(), ForwardMsg.ScriptFinishedStatus

    def ended(*fragments: str) -> ForwardMsg:
        message = ForwardMsg(script_finished=statuses.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
        message.metadata.run.fragment_ids.extend(fragments)
        queue.enqueue(message)
        return message

    panel, watch = ended("panel"), ended("watch")
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["watch"])
    assert panel.script_finished == statuses.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
    assert watch.script_finished == statuses.FINISHED_EARLY_FOR_RERUN, "it runs again, and draws all anew"
    assert queue.flush() == [panel, watch]
    assert queue.is_empty()
    panel = ended("panel")
    queue.clear(retain_lifecycle_msgs=True)
    assert panel.script_finished == statuses.FINISHED_EARLY_FOR_RERUN, "the whole page runs again"
