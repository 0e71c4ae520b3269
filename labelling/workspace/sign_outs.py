"""The sign-ins that were ended: tabs of the same browser, and other servers on the same workspace, don't hear of it."""

import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from labelling.errors import log

KEPT_SECONDS = 31 * 24 * 3600  # a sign-in that is older than 30 days is none any more


class SignOuts:
    """Empty files in a folder, each called by a digest of what tells a sign-in from others: nobody's name is in it.

    A server that can't write there still knows of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: set[str] = set()

    def add(self, sign_in: tuple[str, ...]) -> None:
        name = _digest(sign_in)
        self._known.add(name)
        try:
            self.folder.mkdir(exist_ok=True)
            (self.folder / name).touch()
        except OSError as error:
            log.warning("A sign-out is known to this server alone: %s", error)
        self._sweep()

    def __contains__(self, sign_in: tuple[str, ...]) -> bool:
        name = _digest(sign_in)
        if name not in self._known and (self.folder / name).exists():
            self._known.add(name)
        return name in self._known

    def _sweep(self) -> None:
        before = time.time() - KEPT_SECONDS
        with suppress(OSError):
            for path in self.folder.iterdir():
                if path.stat().st_mtime < before:
                    path.unlink()


def _digest(sign_in: tuple[str, ...]) -> str:
    return sha256(repr(sign_in).encode()).hexdigest()
