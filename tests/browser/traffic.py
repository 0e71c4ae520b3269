"""What a page and its server say to each other, told from what they say of themselves.

Streamlit runs a fragment with `run_every` again and again, and the server runs one when there is news. Whoever counts
bytes, or waits for an answer, means none of these runs: the page's question says in `ClientState.is_auto_rerun` that it
is one, the server's has no question before it, and each run says which fragments it runs again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.app import until


class Traffic:
    """The traffic of a page; to be made before the page is opened.

    `up` and `down` are the bytes that went to the server and came back; `runs` and `messages` how often the server ran
    the page or a part of it, of itself too, and how much it said in these. `count` sets all of them to 0.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count()
        page.on("websocket", self._listen)

    def count(self) -> None:
        self.up = self.down = self.runs = self.messages = 0

    def _listen(self, socket: WebSocket) -> None:
        self._asked: list[str] = []  # the fragments, "" for the whole page, of questions without an answer so far
        self._answering: list[str] = []  # those of them that the run under way began after
        self._ended_early: list[str] = []  # those of the last one, where it ended for the next
        self._n_asked = 0
        self._running = False
        self._counts = True
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, frame: bytes) -> None:
        message = BackMsg.FromString(frame)
        if message.WhichOneof("type") == "app_heartbeat":
            return
        if message.WhichOneof("type") == "rerun_script":
            state = message.rerun_script
            if state.is_auto_rerun:
                return
            self._asked.append(state.fragment_id)
            self._n_asked += 1
        self.up += len(frame)

    def _received(self, frame: bytes) -> None:
        message = ForwardMsg.FromString(frame)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._running = True
            runs = list(message.metadata.run.fragment_ids)
            # One that ended whole says so, too, where another fragment's run begins before the browser was told.
            if runs and not set(self._ended_early).intersection(runs):
                for answered in self._ended_early:
                    self._asked.remove(answered)
            self._ended_early = []
            self._answering = [asked for asked in self._asked if not runs or asked in runs]
            self._counts = not runs or bool(self._answering)
        if self._counts:
            self.down += len(frame)
        self.messages += 1
        self.runs += kind == "new_session"
        if kind == "script_finished":
            self._running, self._counts = False, True
            if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:  # the next run has the answer
                self._ended_early = self._answering
            else:
                for answered in self._answering:
                    self._asked.remove(answered)
            self._answering = []

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Until the server has answered what is done meanwhile, though nothing that is shown may tell."""
        self._asked, self._answering, self._ended_early, self._n_asked = [], [], [], 0
        yield
        until(self.page, lambda: self._n_asked > 0, "the page to ask")
        until(self.page, lambda: not self._asked and not self._running, f"the server to answer {self._asked}")
