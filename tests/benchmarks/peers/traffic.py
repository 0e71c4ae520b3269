"""The bytes that a page and its server exchange, as Chromium's network events tell them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

WAYS = ("websocket down", "websocket up", "HTTP down", "HTTP up")


@dataclass
class Traffic:
    """Bytes down and up the websocket, and down and up by HTTP, since they were last taken."""

    page: Page
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        def payload(event: dict[str, Any]) -> int:
            data = event["response"]["payloadData"]
            return len(data.encode()) if event["response"]["opcode"] == 1 else len(data) * 3 // 4  # base64

        def follow(event: str, name: str, size: Callable[[dict[str, Any]], int]) -> None:
            def add(happened: dict[str, Any]) -> None:
                self.counts[name] += size(happened)

            session.on(f"Network.{event}", add)

        session = self.page.context.new_cdp_session(self.page)
        follow("webSocketFrameReceived", "websocket down", payload)
        follow("webSocketFrameSent", "websocket up", payload)
        follow("loadingFinished", "HTTP down", lambda event: int(event["encodedDataLength"]))
        follow("requestWillBeSent", "HTTP up", lambda event: len(event["request"].get("postData", "")))
        session.send("Network.enable", {"maxPostDataSize": 2**30})

    def take(self) -> dict[str, int]:
        self.page.wait_for_timeout(300)  # what is on its way to here
        taken = dict(self.counts)
        self.counts.clear()
        return taken
