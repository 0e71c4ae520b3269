"""Many people who label in one project of one server, each by a websocket as a browser has one: docs/security.md.

    python tests/benchmarks/hostile_clients.py --clients 30 --seconds 120

Each speaks Streamlit's protocol: searches for ten texts that are its own, selects them, and presses the keys of labels,
while its page takes in what the others did. What was acknowledged on its page is compared with the log.
"""

import argparse
import asyncio
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from labelling.labels import LabelLog  # noqa: E402
from labelling.workspace import Project, Workspace  # noqa: E402
from tests.benchmarks.hostile import ended_after  # noqa: E402
from tests.benchmarks.hostile_browser import GROUP, memory, small, started  # noqa: E402
from tests.browser.server import Server  # noqa: E402

N_LABELS = 8
PATIENCE = 120.0  # seconds for an answer


class Client:
    """A page Label without a browser: the widgets that it was sent, and what it says."""

    def __init__(self, socket: ClientConnection, project: str, number: int) -> None:
        self.socket = socket
        self.project = project
        self.number = number
        self.ids: dict[str, str] = {}  # of widgets, by their keys
        self.fragments: dict[str, str] = {}
        self.values: dict[str, WidgetState] = {}
        self.page = ""
        self.said: list[str] = []  # since the last press
        self.news = asyncio.Event()
        self.given: list[str] = []  # the labels that were acknowledged, in turn
        self.milliseconds: list[float] = []
        self.watches: dict[str, asyncio.Task[None]] = {}  # of fragments that are run every second
        self.listening = asyncio.create_task(self._listen())
        self.listening.add_done_callback(lambda _: self.news.set())

    async def _listen(self) -> None:
        async for data in self.socket:
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self.page = message.navigation.page_script_hash
            elif kind == "auto_rerun":
                auto = message.auto_rerun
                if auto.fragment_id in self.watches:
                    self.watches[auto.fragment_id].cancel()
                self.watches[auto.fragment_id] = asyncio.create_task(self._watch(auto))
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._take(message.delta)
            self.news.set()

    def _take(self, delta: Any) -> None:
        element = getattr(delta.new_element, delta.new_element.WhichOneof("type"))
        if parts := re.fullmatch(r"\$\$ID-[^-]+-(.+)", getattr(element, "id", "")):
            self.ids[parts[1]], self.fragments[parts[1]] = element.id, delta.fragment_id
        self.said.append(str(getattr(element, "body", "")))

    async def _watch(self, auto: Any) -> None:
        while True:
            await asyncio.sleep(auto.interval)
            await self._send([], fragment=auto.fragment_id, is_auto=True)

    async def _send(self, pressed: list[WidgetState], *, fragment: str = "", is_auto: bool = False) -> None:
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_script_hash = f"project={self.project}", self.page
        asked.page_name = "" if self.page else "label"
        asked.fragment_id, asked.is_auto_rerun = fragment, is_auto
        asked.widget_states.widgets.extend([*self.values.values(), *pressed])
        await self.socket.send(message.SerializeToString())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                assert not self.listening.done(), self.listening.exception()
                self.news.clear()
                await self.news.wait()

    def says(self, pattern: str) -> bool:
        return any(re.search(pattern, said) for said in self.said)

    async def press(self, key: str, said: str, **others: dict[str, Any]) -> float:
        """Send values of widgets, by their keys, with a press of the button of this key; ms until the page says so."""
        values = {**others, key: others.get(key, {"trigger_value": True})}
        await self.until(lambda: values.keys() <= self.ids.keys())
        self.said.clear()
        begun = time.perf_counter()
        states = {name: WidgetState(id=self.ids[name], **value) for name, value in values.items()}
        # As a browser: each message has the values of all widgets, and a press once.
        self.values |= {name: state for name, state in states.items() if not state.trigger_value}
        await self._send([state for state in states.values() if state.trigger_value], fragment=self.fragments[key])
        await self.until(lambda: self.says(said))
        return 1000 * (time.perf_counter() - begun)

    async def open(self) -> None:
        await self._send([])
        await self.until(lambda: "search query" in self.ids)
        search = {"search query": {"string_value": f"group{self.number:02d}"}}
        await self.press("search query", "with the words", **search)
        await self.press("select found", rf"{GROUP} selected")

    async def work(self, labels: list[tuple[int, str]], end: float, pause: float) -> None:
        rng = random.Random(self.number)
        while time.monotonic() < end:
            await asyncio.sleep(rng.uniform(0.5, 1.5) * pause)
            label_id, name = rng.choice([label for label in labels if label[1] not in self.given[-1:]])
            choice = {"overwrite": {"string_array_value": StringArray(data=["Overwrite"])}} if self.given else {}
            said = rf"^{GROUP} labelled {name}"
            self.milliseconds.append(await self.press(f"label-{label_id}", said, **choice))
            self.given.append(name)


def compare(log: LabelLog, everybody: list[Client]) -> int:
    """How many actions there are. Ends with an error where an acknowledged one is lost, twice or in another order."""
    given: dict[int, list[str]] = {client.number: [] for client in everybody}
    for action in log.actions:
        rows = log.rows_of(action.seq)
        if action.kind == "assign" and len(rows) == GROUP:
            given[int(rows[0]) // GROUP].append(log.last_name(int(action.label_id or 0)))
    for client in everybody:
        its = given[client.number]
        assert its[: len(client.given)] == client.given, client.number
        assert len(its) <= len(client.given) + 1, "the last may not have been acknowledged yet"
    return sum(map(len, given.values()))


async def crowd(server: Server, project: Project, n_clients: int, seconds: float, pause: float) -> str:
    labels = [(label.id, label.name) for label in project.open_log().labels]
    address = f"ws://localhost:{server.port}/_stcore/stream"
    sockets = [
        await connect(address, origin=server.url, subprotocols=["streamlit"], max_size=None, ping_interval=None)  # type: ignore[arg-type,list-item]
        for _ in range(n_clients)
    ]
    everybody = [Client(socket, project.id, number) for number, socket in enumerate(sockets)]
    await asyncio.gather(*(client.open() for client in everybody))
    megabytes = [memory(server, "VmRSS")]
    end = time.monotonic() + seconds
    await asyncio.gather(*(client.work(labels, end, pause) for client in everybody))
    megabytes.append(memory(server, "VmRSS"))
    for client in everybody:
        for task in (client.listening, *client.watches.values()):
            task.cancel()
        await client.socket.close()
    times = np.concatenate([client.milliseconds for client in everybody])
    there = compare(project.open_log(), everybody)
    return (
        f"clients: {n_clients} by websocket, {seconds:.0f} s, a press each {pause:.0f} s: {len(times):,} labels "
        f"acknowledged, {there:,} in the log, each person's in their order; {np.median(times):.0f} ms median, "
        f"{np.quantile(times, 0.95):.0f} ms 95 %; the server had {megabytes[0]:,.0f} MB before and {megabytes[1]:,.0f} "
        f"after, {memory(server, 'VmHWM'):,.0f} at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pause", type=float, default=5, help="seconds between two presses of a person")
    given = parser.parse_args()
    with ended_after(3_600), tempfile.TemporaryDirectory() as name, started(Path(name)) as server:
        project = small(Workspace(server.workspace), given.clients * GROUP)
        for number in range(N_LABELS):
            project.open_log().create(f"label {number}")
        print(asyncio.run(crowd(server, project, given.clients, given.seconds, given.pause)))


if __name__ == "__main__":
    main()
